"""The catalogue through the commands: train keeps it, predict and similar filter by it, lineage names it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlcore import Recommender
from mlcore.lineage import read_lineage
from tests.cli.cases import Case, check, run, snapshot, write

ITEMS = """\
item_id,brand,available_from,available_until
tea,acme,,1970-01-01T00:00:10Z
milk,acme,5,
sugar,zeta,,
jam,,10,
rye,zeta,,
"""
FILES: dict[str, str | bytes] = {"items.csv": ITEMS}
TRAIN = "train --interactions interactions.csv --attributes items.csv"
PREDICT = "predict --model-dir model --all-users --out new.jsonl"
BRANDED = f"{PREDICT} --attributes items.csv --filter"


def filter_case(name: str, wanted: str, error: str, hint: str | None = None) -> Case:
    return Case(name, f"{BRANDED} '{wanted}'", error, hint, files=KNOWN)


KNOWN = {"items.csv": ITEMS.replace("rye,zeta,,\n", "")}
QUOTES = "in single quotes, the shell leaves the double ones within as they are"
CASES = [
    filter_case("not JSON", '{"any_of": NaN}', "filter: expected a JSON object, got NaN, which is "
                "not JSON"),
    filter_case("quotes that the shell took", "{any_of: {brand: [acme]}}",
                "filter: expected a JSON object, got invalid JSON (expecting property name enclosed in "
                "double quotes at character 2)", QUOTES),
    filter_case("a key twice", '{"any_of": {}, "any_of": {}}',
                "filter: expected a JSON object, got the key 'any_of' twice"),
    filter_case("an unknown key", '{"all_of": {}}', "filter: expected one of any_of, none_of, "
                "available_at, at_most, got the key 'all_of'", "did you mean any_of?"),
    filter_case("a number too large", '{"at_most": {"brand": 1e400}}', "filter: at_most: brand: expected "
                "an integer >= 1, got Infinity"),
    filter_case("a cap of true", '{"at_most": {"brand": true}}',
                "filter: at_most: brand: expected an integer >= 1, got true"),
    filter_case("a null in a list", '{"any_of": {"brand": [null]}}',
                "filter: any_of: brand[0]: expected a string, got null"),
    filter_case("a moment without a zone", '{"available_at": "2026-01-01 09:00"}',
                "filter: available_at: expected integer seconds or an RFC 3339 time, got "
                "'2026-01-01 09:00'", "a time without a zone does not say which moment it is; "
                "--timezone UTC, or another, says it"),
    Case("a file that is not there", f"{BRANDED} wanted.json",
         "filter: wanted.json: expected a readable file, got 'No such file or directory'",
         """a filter is a file, or JSON that begins with {: '{"any_of": {"brand": ["acme"]}}'""",
         files=KNOWN),
    Case("a file of a list", f"{BRANDED} wanted.json",
         "wanted.json: expected an object, got []", files=KNOWN | {"wanted.json": "[]"}),
    Case("a catalogue of other items", f"{TRAIN} --out-dir new",
         "items.csv: item_id: expected items of the model, got none of them",
         "is 'Tea' meant to be 'tea'? upper and lower case differ",
         files={"items.csv": "item_id,brand\nTea,acme\n"}),
    Case("a catalogue without columns", f"{TRAIN} --out-dir new",
         "items.csv: expected columns besides item_id, got none",
         files={"items.csv": "item_id\ntea\n"}),
    Case("a filter of similar items", "similar --model-dir model --item tea --filter "
         """'{"none_of": {"brand": []}}'""",
         "filter: none_of: expected a model with attributes, got one without",
         "--attributes FILE keeps the catalogue when training, or brings it when predicting"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gives_one_clear_error_and_writes_nothing(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


def lists_in(path: Path) -> dict[str, list[str]]:
    lines = map(json.loads, path.read_text("utf-8").splitlines())
    return {line["user_id"]: [item["item_id"] for item in line["items"]] for line in lines}


def test_a_model_keeps_its_catalogue_and_lists_are_filtered_by_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, FILES)
    assert run(f"{TRAIN} --out-dir shop") == 0
    assert capsys.readouterr().err == (
        "note: items.csv: item_id: 1 of 5 items are not in the model, and are passed over\n"
    )
    assert run("inspect --model-dir shop --verify") == 0
    assert json.loads(capsys.readouterr().out)["attributes"] == {
        "columns": {"brand": {"values": 2, "items": 3}},
        "availability": {"from": 2, "until": 1},
    }
    predict = "predict --model-dir shop --all-users --fill popularity --out lists.jsonl"
    wanted = {"none_of": {"brand": ["acme"]}, "available_at": "1970-01-01T00:00:10Z"}
    write(folder, {"wanted.json": json.dumps(wanted)})
    assert run(f"{predict} --filter wanted.json") == 0
    found = (folder / "lists.jsonl").read_bytes()
    write(folder, {"admitted.csv": "item_id\njam\nsugar\n"})
    assert run(f"{predict} --include-items admitted.csv") == 0
    assert found == (folder / "lists.jsonl").read_bytes()
    assert run(f"{predict} --filter '{json.dumps(wanted)}'") == 0
    assert found == (folder / "lists.jsonl").read_bytes()
    assert run(f"""{predict} --filter '{{"at_most": {{"brand": 1}}}}'""") == 0
    assert lists_in(folder / "lists.jsonl")["ann"] == ["sugar", "jam"]
    capsys.readouterr()
    similar = "similar --model-dir shop --item tea --filter "
    assert run(similar + """'{"any_of": {"brand": ["zeta"]}}'""") == 0
    assert [json.loads(line)["item_id"] for line in capsys.readouterr().out.splitlines()] == [
        "sugar"
    ]


def test_a_catalogue_beside_the_model_does_what_its_own_does(folder: Path) -> None:
    write(folder, KNOWN)
    assert run(f"{TRAIN} --out-dir shop") == 0
    wanted = """--filter '{"any_of": {"brand": ["acme"]}, "at_most": {"brand": 1}}'"""
    for model, out in (("shop", "own.jsonl"), ("model --attributes items.csv", "beside.jsonl")):
        assert run(f"predict --model-dir {model} --all-users {wanted} --out {out}") == 0
    assert (folder / "own.jsonl").read_bytes() == (folder / "beside.jsonl").read_bytes()
    recommender = Recommender.load("model", attributes="items.csv")
    assert [
        it.item_id
        for it in recommender.similar_items("jam", filter={"any_of": {"brand": ["acme"]}})
    ]


def test_what_a_filter_leaves_is_noted(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, KNOWN)
    capsys.readouterr()
    assert run(f"""{BRANDED} '{{"any_of": {{"brand": ["Acme"]}}}}'""") == 0
    assert capsys.readouterr().err.splitlines()[:2] == [
        "note: filter: no item has brand: 'Acme'",
        "note: filter: it admits no item, so all lists are empty",
    ]
    assert lists_in(folder / "new.jsonl") == {user: [] for user in ("ann", "bob", "dan", "eve")}


def test_a_dry_run_reads_the_filter_and_the_catalogue(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, KNOWN)
    before = snapshot(folder)
    assert run(f"{TRAIN} --out-dir new --dry-run") == 0
    assert run(f"""{BRANDED} '{{"any_of": {{}}}}' --dry-run""") == 0
    assert run(f"{BRANDED} '{{' --dry-run") == 1
    assert "filter: expected a JSON object" in capsys.readouterr().err
    assert snapshot(folder) == before


def inputs_of(record: Any) -> dict[str, str]:
    return {one.table: one.file for one in record.inputs}


def test_the_lineage_names_catalogue_and_filter(folder: Path) -> None:
    write(folder, KNOWN | {"lineage.jsonl": "", "wanted.json": '{"at_most": {"brand": 1}}'})
    assert run(f"{TRAIN} --out-dir shop") == 0
    assert run("predict --model-dir shop --all-users --filter wanted.json --out a.jsonl") == 0
    assert run(f'{BRANDED} \'{{"at_most": {{"brand": 1}}}}\'') == 0
    trained, by_file, by_text = read_lineage("lineage.jsonl")
    assert inputs_of(trained) == {"interactions": "interactions.csv", "attributes": "items.csv"}
    assert inputs_of(by_file) == {"model": "shop", "filter": "wanted.json"}
    assert inputs_of(by_text) == {"model": "model", "attributes": "items.csv"}
    assert isinstance(by_file, type(by_text)) and hasattr(by_text, "params")
    assert "filter" not in by_file.params
    assert by_text.params["filter"] == '{"at_most": {"brand": 1}}'


@pytest.mark.duckdb
def test_an_engine_trains_the_same_model(folder: Path) -> None:
    write(folder, KNOWN)
    settings = "--similarity jaccard"
    assert run(f"{TRAIN} {settings} --out-dir here") == 0
    assert run(f"{TRAIN} {settings} --engine duckdb --out-dir there") == 0
    assert snapshot(folder / "here").keys() == snapshot(folder / "there").keys()
    for name in ("manifest.json", "attributes.npz", "availability.npz", "attribute_values.csv"):
        assert (folder / "here" / name).read_bytes() == (folder / "there" / name).read_bytes()
