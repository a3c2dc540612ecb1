"""Lists as tables: what the commands write into .csv, .tsv and .parquet, and read from them."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
from pathlib import Path

import pytest

from mlcore import Recommender
from mlcore.files.predictions import read_predictions
from tests.cli.cases import Case, check, run, write

PREDICT = "predict --model-dir model --top-n 3"
ENDINGS = ["csv", "csv.gz", "tsv", "TSV", "ndjson", pytest.param("parquet", marks=pytest.mark.duckdb)]  # fmt: skip
# Ids that a careless table would change.
STRANGE = 'user_id,item_id\n007,"a,""b"\n007,1e5\nNULL,"a,""b"\nNULL,"tab\there"\nü,1e5\nü,"tab\there"\nnan," two  spaces "\nnan,1e5\n'  # fmt: skip


@pytest.fixture
def strange(folder: Path) -> Path:
    write(folder, {"strange.csv": STRANGE, "truth2.csv": STRANGE})
    assert run("train --interactions strange.csv --out-dir model --overwrite") == 0
    assert run(f"{PREDICT} --all-users --fill popularity --out lists.jsonl") == 0
    return folder


@pytest.mark.parametrize("ending", ENDINGS)
def test_metrics_are_the_same_bits_whatever_the_lists_are_written_in(
    ending: str, strange: Path
) -> None:
    name = f"lists.{ending}"
    assert run(f"{PREDICT} --all-users --fill popularity --out {name}") == 0
    one, other = (read_predictions(place) for place in ("lists.jsonl", name))
    assert list(one.user_ids) == list(other.user_ids)
    assert [one.item_ids[item] for item in one.items] == [
        other.item_ids[item] for item in other.items
    ]
    evaluate = "evaluate --ground-truth strange.csv --cutoffs 1,2,3 --model-dir model --diversity"
    for place in ("lists.jsonl", name):
        assert run(f"{evaluate} --predictions {place} --out {place}.json") == 0
    assert Path("lists.jsonl.json").read_bytes() == Path(f"{name}.json").read_bytes()
    compare = "compare --baseline lists.jsonl --ground-truth strange.csv --cutoffs 2 --out c.json"
    assert run(f"{compare} --candidate {name}") == 0
    assert json.loads(Path("c.json").read_bytes())["users_with_other_lists"] == 0


@pytest.mark.duckdb
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_engine_reads_them_too(ending: str, folder: Path) -> None:
    for name in ("lists.jsonl", f"lists.{ending}"):
        assert run(f"{PREDICT} --all-users --out {name}") == 0
        evaluate = f"evaluate --engine duckdb --ground-truth interactions.csv --predictions {name}"
        assert run(f"{evaluate} --cutoffs 1,2 --out {name}.json") == 0
    assert Path("lists.jsonl.json").read_bytes() == Path(f"lists.{ending}.json").read_bytes()


def test_the_rows_are_those_of_python(strange: Path) -> None:
    assert run(f"{PREDICT} --all-users --fill popularity --out lists.csv.gz") == 0
    with gzip.open("lists.csv.gz", "rt", encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    recommender = Recommender.load("model")
    expected = recommender.predict_many(recommender.user_ids(), n=3, fill="popularity").to_rows()
    assert [{**row, "rank": int(row["rank"]), "score": float(row["score"])} for row in rows] == expected  # fmt: skip
    assert {row["source"] for row in rows} == {"similarity", "popularity"}


def test_an_empty_list_has_no_row_and_counts_as_none(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"ids.csv": "item_id\nsugar\n"})
    predict = f"{PREDICT} --users truth.csv --include-items ids.csv"
    for name, counted in (("lists.jsonl", ""), ("lists.csv", ", 1 without a list")):
        assert run(f"{predict} --out {name}") == 0
        assert run(f"evaluate --predictions {name} --ground-truth truth.csv --cutoffs 1 --out {name}.json --model-dir model") == 0  # fmt: skip
        assert f"2 users{counted}: recall@1" in capsys.readouterr().out
    one, other = (json.loads(Path(f"lists.{name}.json").read_bytes()) for name in ("jsonl", "csv"))
    assert one["metrics"] == other["metrics"]
    assert (one["users_without_predictions"], other["users_without_predictions"]) == (0, 1)


def test_a_table_without_rows_counts_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"empty.csv": "user_id,item_id,rank\n"})
    assert run("evaluate --predictions empty.csv --ground-truth truth.csv --cutoffs 1 --out m.json") == 0  # fmt: skip
    out, err = capsys.readouterr()
    assert err == "note: empty.csv: every list is empty and counts 0\n"
    assert out.startswith("2 users, 2 without a list: recall@1 0.0000")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_list_is_shown_from_any_of_them(
    ending: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"titles.csv": "item_id,title\ntea,Green tea\n"})
    shown = []
    for name in ("lists.jsonl", f"lists.{ending}"):
        assert run(f"{PREDICT} --users truth.csv --fill popularity --out {name}") == 0
        capsys.readouterr()
        assert run(f"show --predictions {name} --items titles.csv --user eve") == 0
        assert run(f"show --predictions {name} --items titles.csv") == 0
        shown.append(capsys.readouterr())
    assert shown[0] == shown[1]
    assert run(f"show --predictions lists.{ending} --items titles.csv --user EVE") == 1
    assert capsys.readouterr().err == (
        f"error: lists.{ending}: user_id: expected a list of the user, got none for 'EVE'\n"
        "hint: is 'EVE' meant to be 'eve'? upper and lower case differ\n"
    )


def test_standard_output_is_json_lines(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # --format says how inputs are read: a pipe into evaluate goes on as before.
    assert run(f"{PREDICT} --users truth.csv --format csv --out -") == 0
    assert capfd.readouterr().out.startswith('{"user_id": "ann"')


@pytest.mark.go
@pytest.mark.parametrize("ending", ["csv", "tsv", "csv.gz", "jsonl"])
def test_the_reader_in_go_writes_the_same_bytes(
    ending: str, strange: Path, go_reader: Path
) -> None:
    command = f"{PREDICT} --all-users --fill popularity --out"
    assert run(f"{command} python.{ending}") == 0
    subprocess.run([go_reader, *command.split(), f"go.{ending}"], check=True, capture_output=True)
    one, other = (Path(f"{name}.{ending}").read_bytes() for name in ("python", "go"))
    unpack = gzip.decompress if ending.endswith(".gz") else bytes
    assert unpack(one) == unpack(other)


OTHER = "write one of them; DuckDB and pandas read them"
NAME = "expected a name that ends in .csv, .tsv or .jsonl (or one of them and .gz)"
GENERATE = "generate --users 4 --items 4 --interactions 8"
SPLIT = "split --interactions interactions.csv --strategy random"
EVALUATE = "evaluate --predictions predictions.jsonl --ground-truth truth.csv --cutoffs 1"
COMPARE = (
    "compare --baseline predictions.jsonl --candidate predictions.jsonl --ground-truth truth.csv"
)
CASES = [
    *(
        Case(
            f"predict {ending}",
            f"{PREDICT} --all-users --out x.{ending}",
            f"x.{ending}: {NAME}, or .parquet, got .{ending.lower()}",
            OTHER,
        )
        for ending in ["xlsx", "parquet.gz", "zip", "arrow", "txt", "json", "JSON.gz", "bak", "gz.gz"]
    ),
    *(
        Case(
            f"{command.split()[0]} {ending}",
            f"{command} x.{ending}",
            f"x.{ending}: {NAME}, got .{ending.lower()}",
            OTHER,
        )
        for command, endings in [
            ("preprocess --interactions interactions.csv --format csv --out", ["parquet", "PARQUET", "zst"]),
            (f"{SPLIT} --format jsonl --train-out a.csv --test-out", ["parquet"]),
            (f"{SPLIT} --format jsonl --test-out a.csv --train-out", ["parquet"]),
            (f"{GENERATE} --format csv --out", ["parquet"]),
            (f"{GENERATE} --format csv --out a.csv --items-out", ["parquet"]),
            (f"{EVALUATE} --format csv --out new.json --per-user-out", ["parquet"]),
        ]
        for ending in endings
    ),
    *(
        Case(
            f"{command.split()[0]} {ending}, a document",
            f"{command} --out x.{ending}",
            f"x.{ending}: expected a name for a JSON document, such as metrics.json, got .{ending.removesuffix('.gz')}",
        )
        for command in (EVALUATE, COMPARE)
        for ending in ("csv", "tsv", "jsonl", "parquet", "csv.gz")
    ),
    *(
        Case(
            f"explained rows, {ending}",
            f"{PREDICT} --all-users --explain --out x.{ending}",
            f"explain: expected JSON Lines as output, got .{ending.removesuffix('.gz')}",
            "contributions are lists, which no column holds; --out lists.jsonl has them",
        )
        for ending in ("csv", "csv.gz", "tsv", "parquet")
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_no_file_holds_another_format_than_its_name_says(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


@pytest.mark.parametrize("ending", ["tsv", "tsv.gz", "ndjson"])
def test_tables_have_the_format_of_their_name(ending: str, folder: Path) -> None:
    assert run(f"preprocess --interactions interactions.csv --out clean.{ending}") == 0
    assert run("preprocess --interactions interactions.csv --out clean.csv") == 0
    opened = gzip.open if ending.endswith(".gz") else open
    with opened(f"clean.{ending}", "rt") as stream:
        first = stream.readline()
    assert first.startswith('{"user_id"') if ending == "ndjson" else first.split("\t")[0] == "user_id"  # fmt: skip
    for name in (f"clean.{ending}", "clean.csv"):
        assert run(f"train --interactions {name} --out-dir {name}.model") == 0
    models = [(folder / f"{name}.model/manifest.json").read_bytes() for name in (f"clean.{ending}", "clean.csv")]  # fmt: skip
    assert models[0] == models[1]
