"""mlcore.files.columns: one table, however it is written, read by each reader and by each command.

The grid is an independent writer for each format, delimiter, encoding and form of times; whatever the
way, the interactions are those that were written, or the message is the same from both readers.
"""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import duckdb
import pytest

from mlcore.errors import DataError
from mlcore.files.columns import read_columns
from mlcore.files.interactions import Reader, read_interactions
from mlcore.files.options import ColumnNames, InputOptions
from mlcore.files.values import IdEncoder, id_column
from tests.cli.cases import run
from tests.files.samples import Content, content_of, save

pytestmark = pytest.mark.filterwarnings("ignore::mlcore.errors.DataWarning")

# A summer and a winter, a fraction, and ids of other scripts; each in latin-1.
ROWS = [
    ("zoé", "thé", 2.5, 1_690_000_000_250_000),
    ("zoé", "m;i|l,k", 1.0, 1_700_000_000_000_000),
    ("007", "thé", 4.0, 1_660_000_000_000_000),
    ("007", "a b", 1.0, 1_650_000_000_000_000),
    ("ann", "a b", 1.0, 1_650_000_001_000_000),
    ("ann", "thé", 1.0, 1_650_000_002_000_000),
]
WHOLE = [(user, item, weight, time // 1_000_000 * 1_000_000) for user, item, weight, time in ROWS]
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


def moment(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


class TimeForm(NamedTuple):
    """How times are written, and the options that read them."""

    write: Any
    options: dict[str, str] = {}
    has_fraction: bool = True


def local(zone: str) -> Any:
    return lambda time: str(moment(time).astimezone(ZoneInfo(zone)).replace(tzinfo=None))


TIMES = {
    "seconds": TimeForm(lambda time: time // 1_000_000, has_fraction=False),
    "ms": TimeForm(lambda time: time // 1000, {"timestamp_unit": "ms"}),
    "us": TimeForm(lambda time: time, {"timestamp_unit": "us"}),
    "ns": TimeForm(lambda time: time * 1000, {"timestamp_unit": "ns"}),
    "RFC 3339": TimeForm(lambda time: moment(time).isoformat().replace("+00:00", "Z")),
    "pandas": TimeForm(lambda time: str(moment(time))),
    "PostgreSQL": TimeForm(lambda time: str(moment(time)).removesuffix(":00")),
    "BigQuery": TimeForm(lambda time: str(moment(time)).replace("+00:00", " UTC")),
    "Spark": TimeForm(
        lambda time: moment(time).astimezone(timezone(timedelta(hours=9))).isoformat()
    ),
    "+0900": TimeForm(
        lambda time: moment(time).astimezone(timezone(timedelta(hours=9))).strftime(
            "%Y-%m-%d %H:%M:%S.%f%z"
        )
    ),
    "no zone, UTC": TimeForm(local("UTC"), {"timezone": "UTC"}),
    "no zone, Berlin": TimeForm(local("Europe/Berlin"), {"timezone": "Europe/Berlin"}),
    "no zone, offset": TimeForm(local("Asia/Tokyo"), {"timezone": "+09:00"}),
}  # fmt: skip
DELIMITERS = [",", "\t", ";", "|", "::"]
ENCODINGS = ["utf-8", "latin-1", "utf-16", "utf-16-le", "cp1252"]
NAMES = ColumnNames("userId", "movieId", "rating", "watchedAt")


class Table(NamedTuple):
    """A table as written, and how to read it."""

    name: str
    data: bytes
    options: dict[str, Any]
    rows: list[tuple[str, str, float, int]]


def csv_table(delimiter: str, header: str, encoding: str, form: TimeForm) -> Table:
    rows = ROWS if form.has_fraction else WHOLE
    lines: list[list[Any]] = [[user, item, w, form.write(time)] for user, item, w, time in rows]
    options: dict[str, Any] = {"encoding": encoding, **form.options}
    if header == "none":
        options["field_names"] = NAMES.in_order()
    else:
        lines.insert(0, list(NAMES.in_order()))
    if delimiter == "::":
        text = "".join("::".join(map(str, line)) + "\n" for line in lines)
    else:
        stream = io.StringIO(newline="")
        csv.writer(stream, delimiter=delimiter).writerows(lines)
        text = stream.getvalue()
    text = f"sep={delimiter}\r\n{text}" if header == "sep=" else text
    return Table("t.csv", text.encode(encoding), options, rows)


def jsonl_table(encoding: str, form: TimeForm) -> Table:
    rows = ROWS if form.has_fraction else WHOLE
    lines = [dict(zip(NAMES.in_order(), (*row[:3], form.write(row[3])))) for row in rows]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    return Table("t.jsonl", text.encode(encoding), {"encoding": encoding, **form.options}, rows)


def parquet_table(folder: Path, form: TimeForm) -> Table:
    rows = ROWS if form.has_fraction else WHOLE
    shown = [form.write(row[3]) for row in rows]
    values = ", ".join(
        f"('{user}', '{item}', {weight}, {time if isinstance(time, int) else repr(time)})"
        for (user, item, weight, _), time in zip(rows, shown)
    )
    path = folder / "grid.parquet"
    names = ", ".join(f'"{name}"' for name in NAMES.in_order())
    duckdb.execute(f"COPY (SELECT * FROM (VALUES {values}) t({names})) TO '{path}'")
    return Table("t.parquet", path.read_bytes(), dict(form.options), rows)


def tables(folder: Path) -> Iterator[tuple[str, Table]]:
    ways = itertools.product(DELIMITERS, ["names", "none", "sep="], ENCODINGS, TIMES)
    for delimiter, header, encoding, time in ways:
        way = f"csv {delimiter!r} {header} {encoding} {time}"
        yield way, csv_table(delimiter, header, encoding, TIMES[time])
    for encoding, time in itertools.product(ENCODINGS, TIMES):
        yield f"jsonl {encoding} {time}", jsonl_table(encoding, TIMES[time])
    for time in TIMES:
        yield f"parquet {time}", parquet_table(folder, TIMES[time])


def outcome(path: Path, options: InputOptions, reader: Reader) -> Content | str:
    try:
        return content_of(read_interactions(path, input_options=options, reader=reader))
    except DataError as error:
        return f"{error} {error.hint}"


def test_every_way_to_write_a_table_is_read_alike_by_each_reader(tmp_path: Path) -> None:
    count = 0
    for way, table in tables(tmp_path):
        path = save(tmp_path, table.name, table.data)
        expected = {(user, item): (weight, time) for user, item, weight, time in table.rows}
        options = InputOptions(NAMES, **table.options)
        # Without what tells the encoding, zone or unit: one message from both readers.
        bare = InputOptions(NAMES, field_names=table.options.get("field_names"))
        for reader in ("standard", "duckdb"):
            assert outcome(path, options, reader) == expected, (way, reader)
            count += 1
        assert outcome(path, bare, "standard") == outcome(path, bare, "duckdb"), way
        count += 1
    assert count == 3 * (len(DELIMITERS) * 3 * len(ENCODINGS) + len(ENCODINGS) + 1) * len(TIMES)


COMMANDS = {
    "train": "train --config c.json --interactions {t} --items {t} --out-dir model {o}",
    "preprocess": "preprocess --interactions {t} --out clean.csv {o}",
    "split": "split --interactions {t} --strategy random --train-out a.csv --test-out b.csv {o}",
    "users": "predict --model-dir given --users {t} --out p.jsonl {o}",
    "items": "predict --model-dir given --all-users --include-items {t} --out p.jsonl {o}",
    "histories": "predict --model-dir given --histories {t} --out p.jsonl {o}",
    "evaluate": "evaluate --predictions p.jsonl --ground-truth {t} --cutoffs 1 --out m.json {o}",
    "compare": "compare --baseline p.jsonl --candidate p.jsonl --ground-truth {t} --cutoffs 1 {o}",
    "tune": "tune --interactions {t} --validation {t} --items {t} --metric ndcg@1 --trials 1 "
    "--out-dir tuning {o}",
    "engine": "train --config c.json --engine duckdb --interactions {t} --items {t} --out-dir by-engine {o}",
}  # fmt: skip
WAYS = {
    "semicolons": ("t.csv", {"--timestamp-unit": "ms"}, csv_table(";", "names", "utf-8", TIMES["ms"])),
    "tabs": ("t.tsv", {}, csv_table("\t", "names", "utf-8", TIMES["PostgreSQL"])),
    "::": (
        "t.dat",
        {"--format": "csv", "--no-header": "", "--columns": ",".join(NAMES.in_order())},
        csv_table("::", "none", "utf-8", TIMES["seconds"]),
    ),
    "utf-16": (
        "T.CSV",
        {"--encoding": "utf-16", "--timezone": "Europe/Berlin", "--delimiter": "|"},
        csv_table("|", "names", "utf-16", TIMES["no zone, Berlin"]),
    ),
    "latin-1": ("t.csv", {"--encoding": "latin-1"}, csv_table(",", "names", "latin-1", TIMES["pandas"])),
    "jsonl": ("t.ndjson", {}, jsonl_table("utf-8", TIMES["BigQuery"])),
    "parquet": ("t.PARQUET", {}, None),
    "folder": ("parts", {}, csv_table(",", "names", "utf-8", TIMES["RFC 3339"])),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_every_command_reads_its_tables_alike(
    way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    name, given, table = WAYS[way]
    table = table or parquet_table(tmp_path, TIMES["us"])
    if way == "parquet":
        given = {"--timestamp-unit": "us"}
    options = " ".join(f"{option} {value}" for option, value in given.items())
    options += " --user-column userId --item-column movieId"
    all_options = f"{options} --weight-column rating --timestamp-column watchedAt"
    if name == "parts":
        (tmp_path / name).mkdir()
        save(tmp_path / name, "part-0.csv", table.data)
        save(tmp_path / name, "_SUCCESS", "")
    else:
        save(tmp_path, name, table.data)
    # A similarity that counts users, for the engine.
    save(tmp_path, "c.json", '{"similarity": {"name": "jaccard"}}')
    plain = [["user_id", "item_id", "weight"], *(row[:3] for row in table.rows)]
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows(plain)
    save(tmp_path, "plain.csv", stream.getvalue())
    assert run("train --config c.json --interactions plain.csv --out-dir given") == 0
    for command, line in COMMANDS.items():
        if command == "histories" and way == "jsonl":
            continue  # JSON Lines of histories are lists, not a table
        assert run(line.format(t=name, o=all_options)) == 0, (command, capsys.readouterr().err)
    for file in ("similarity.npz", "histories.npz", "items.csv"):
        expected = (tmp_path / "given" / file).read_bytes()
        assert (tmp_path / "model" / file).read_bytes() == expected, file
        assert (tmp_path / "by-engine" / file).read_bytes() == expected, file


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("'c97f13e8-0d0c-4a6f-a5a1-b7a7a5f4ef11'::UUID", ["c97f13e8-0d0c-4a6f-a5a1-b7a7a5f4ef11"]),
        ("'a'::ENUM ('b', 'a')", ["a"]),
        ("'007'", ["007"]),
    ],
)
def test_ids_of_parquet_may_be_of_any_type_of_text(
    sql: str, expected: list[str], tmp_path: Path
) -> None:
    path = tmp_path / "a.parquet"
    duckdb.execute(f"COPY (SELECT {sql} AS user_id, 1 AS file_row_number) TO '{path}'")
    ids = IdEncoder()
    list(read_columns(path, [id_column("user_id", "user", ids)]))
    assert list(ids) == expected


def test_long_texts_and_numbers_that_nobody_reads_are_passed_over(tmp_path: Path) -> None:
    rows = [("a", "x" * 200_000), ("b", "")]
    save(tmp_path, "a.csv", "user_id,x\n" + "".join(f"{user},{text}\n" for user, text in rows))
    lines = [f'{{"user_id": "{user}", "x": "{text}", "n": {"9" * 5000}}}\n' for user, text in rows]
    save(tmp_path, "a.jsonl", "".join(lines))
    for name in ("a.csv", "a.jsonl"):
        ids = IdEncoder()
        list(read_columns(tmp_path / name, [id_column("user_id", "user", ids)]))
        assert list(ids) == ["a", "b"]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_one_limit_holds_for_the_texts_of_both_formats(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "x" * (2**24 + 1)
    text = f"user_id,x\na,{long}\n" if name == "a.csv" else f'{{"user_id": "a", "x": "{long}"}}\n'
    path = save(tmp_path, name, text)
    with pytest.raises(DataError, match="expected fields of at most 16777216 characters, got a lo"):
        list(read_columns(path, [id_column("user_id", "user", IdEncoder())]))
