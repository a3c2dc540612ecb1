"""mlcore.files.catalogue: columns of any names, as texts and times, and what is refused."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from mlcore.errors import DataError, DataWarning, NoRowsError
from mlcore.files.catalogue import NO_TIME, Catalogue, read_catalogue
from mlcore.files.options import ColumnNames, InputOptions
from tests.files.samples import SECOND, save
from tests.files.test_parquet import write as write_parquet

CSV = """\
brand,item_id,available_from,available_until,in stock,a note
acme,tea,1970-01-01T00:00:05Z,,true,
,milk,7,8,false,"two, of ""it""\"
zeta,007,,1970-01-01T01:00:00+01:00,true,acme
"""
JSON_LINES = """\
{"item_id": "tea", "brand": "acme", "available_from": 5, "in stock": true}

{"item_id": "milk", "available_from": 7, "available_until": 8, "in stock": false, "a note": "two, of \\"it\\""}
{"item_id": "007", "brand": "zeta", "available_from": null, "available_until": "1970-01-01T00:00:00Z", "in stock": "true", "a note": "acme"}
"""
COLUMNS = {
    "brand": ["acme", None, "zeta"],
    "in stock": ["true", "false", "true"],
    "a note": [None, 'two, of "it"', "acme"],
}
BEGINS = [5 * SECOND, 7 * SECOND, NO_TIME]
ENDS = [NO_TIME, 8 * SECOND, 0]


def columns_of(catalogue: Catalogue) -> dict[str, list[str | None]]:
    texts = [*catalogue.values, None]  # the last: of no value, -1
    return {name: [texts[code] for code in codes] for name, codes in catalogue.columns.items()}


def assert_as_written(catalogue: Catalogue) -> None:
    assert catalogue.item_ids == ["tea", "milk", "007"]
    assert columns_of(catalogue) == COLUMNS
    assert (catalogue.begins, catalogue.ends) == (BEGINS, ENDS)
    assert len(set(catalogue.values)) == len(catalogue.values)


@pytest.mark.parametrize(("name", "content"), [("a.csv", CSV), ("a.jsonl", JSON_LINES)])
def test_all_columns_are_read_as_texts_and_times(name: str, content: str, tmp_path: Path) -> None:
    path = save(tmp_path, name, content)
    assert_as_written(read_catalogue(path))
    packed = save(tmp_path, f"{name}.gz", gzip.compress(content.encode()))
    assert_as_written(read_catalogue(packed))


PARQUET_ROWS = """
    ('acme', 'tea', TIMESTAMPTZ '1970-01-01 00:00:05+00', NULL, true, NULL),
    (NULL, 'milk', TIMESTAMPTZ '1970-01-01 00:00:07+00', 8, false, 'two, of "it"'),
    ('zeta', '007', NULL, 0, true, 'acme')"""
PARQUET = f"""SELECT * FROM (VALUES {PARQUET_ROWS})
    t(brand, item_id, available_from, available_until, "in stock", "a note")"""


def test_parquet_gives_the_same(tmp_path: Path) -> None:
    assert_as_written(read_catalogue(write_parquet(tmp_path, PARQUET)))


def test_integers_are_their_texts(tmp_path: Path) -> None:
    lines = '{"item_id": "a", "year": 1999}\n{"item_id": "b", "year": -7}\n'
    of_json = read_catalogue(save(tmp_path, "a.jsonl", lines))
    of_csv = read_catalogue(save(tmp_path, "a.csv", "item_id,year\na,1999\nb,-7\n"))
    query = "SELECT * FROM (VALUES ('a', 1999), ('b', -7)) t(item_id, year)"
    of_parquet = read_catalogue(write_parquet(tmp_path, query))
    for catalogue in (of_json, of_csv, of_parquet):
        assert columns_of(catalogue) == {"year": ["1999", "-7"]}


def test_texts_that_some_take_for_nothing_stay_as_they_are(tmp_path: Path) -> None:
    texts = ["NA", "null", " ", "007", "1.0", "\u00e9", "e\u0301"]
    rows = "".join(f"i{place},{text}\n" for place, text in enumerate(texts))
    found = read_catalogue(save(tmp_path, "a.csv", f"item_id,x\n{rows}"))
    assert columns_of(found) == {"x": texts}


def test_the_options_of_tables_hold(tmp_path: Path) -> None:
    content = "sku;brand\nt\u00e9;caf\u00e9\n".encode("latin-1")
    options = InputOptions(ColumnNames(item="sku"), delimiter=";", encoding="latin-1")
    found = read_catalogue(save(tmp_path, "a.csv", content), options)
    assert (found.item_ids, columns_of(found)) == (["t\u00e9"], {"brand": ["caf\u00e9"]})
    bare = InputOptions(field_names=("item_id", "", "brand"))
    found = read_catalogue(save(tmp_path, "b.csv", "a,x,acme\n"), bare)
    assert columns_of(found) == {"brand": ["acme"]}
    times = InputOptions(timestamp_unit="ms", timezone="+01:00")
    rows = "item_id,available_from\na,1767225600000\nb,2026-01-01 01:00\n"
    found = read_catalogue(save(tmp_path, "c.csv", rows), times)
    assert found.begins == [1_767_225_600 * SECOND] * 2 and found.ends is None


def test_what_readers_say_is_said_once(tmp_path: Path) -> None:
    path = save(tmp_path, "a.csv", "\ufeffitem_id;brand\na;acme\n".encode())
    with pytest.warns(DataWarning) as caught:
        read_catalogue(path)
    assert len(caught) == 2


def test_parts_are_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    save(folder, "1.csv", "item_id,brand\na,acme\n")
    save(folder, "2.csv", "brand,item_id\nzeta,b\n")
    with pytest.warns(DataWarning, match="read 2 parts"):
        found = read_catalogue(folder)
    assert (found.item_ids, columns_of(found)) == (["a", "b"], {"brand": ["acme", "zeta"]})
    save(folder, "3.csv", "item_id,kind\nc,tea\n")
    with pytest.raises(DataError, match="brand: expected a column of this name in all parts"):
        read_catalogue(folder)


def test_keys_of_any_object_are_columns(tmp_path: Path) -> None:
    lines = '{"item_id": "a"}\n{"kind": "x", "item_id": "b"}\n{"item_id": "c", "kind": ""}\n'
    found = read_catalogue(save(tmp_path, "a.jsonl", lines))
    assert columns_of(found) == {"kind": [None, "x", None]}


LONG = "x" * 65_536
REFUSED: list[tuple[str, str, str, str | None]] = [
    ("a.csv", "item_id,x\na,1\nb,2\na,1\n", ": item_id: expected each item once, got 'a' again",
     "keep one row of each item: a value for each column"),
    ("a.csv", "item_id\na\n", ": expected columns besides item_id, got none", None),
    ("a.csv", "item_id,x,x\na,1,2\n", ":1: x: expected one column of this name, got 2", None),
    ("a.csv", "item_id,,x\na,1,2\n", ": name of a column: expected an id of at least one character, "
     "got an empty one", "give it a name, or leave it out"),
    ("a.csv", 'item_id,x\na,"1\n2"\n', ":2: x: expected no NUL and no line break, got '1\\n2'",
     "cut such texts, or leave the column out of the file"),
    ("a.csv", f"item_id,x\na,{LONG}\n", ":2: x: expected at most 65535 bytes, got 65536",
     "cut such texts, or leave the column out of the file"),
    ("a.csv", "item_id,available_from\na,5\nb,NULL\n",
     ":3: available_from: expected integer seconds or an RFC 3339 time, got 'NULL'",
     "leave the field empty, or null, where there is none"),
    ("a.csv", "item_id,available_until\na,2026-01-01\n",
     ":2: available_until: expected integer seconds or an RFC 3339 time, got '2026-01-01'",
     "a time without a zone does not say which moment it is; --timezone UTC, or another, says it"),
    ("a.csv", "id,x\na,1\n", ":1: item_id: expected a column of this name, got 'id', 'x'", "..."),
    ("a.jsonl", '{"item_id": "a", "x": 1.5}',
     ":1: x: expected a string, an integer, true, false or null, got 1.5",
     "write the column as text, so that nobody invents its digits"),
    ("a.jsonl", '{"item_id": "a", "x": ["p", "q"]}',
     ':1: x: expected a string, an integer, true, false or null, got ["p", "q"]',
     "a column has one value for each item"),
    ("a.jsonl", '{"item_id": "a", "x": "\\ud800"}',
     ":1: expected a JSON object, got a lone surrogate in a string", "..."),
    ("a.jsonl", '{"item_id": "a", "available_from": true}',
     ":1: available_from: expected integer seconds or an RFC 3339 time, got true", "..."),
    ("a.jsonl", '{"item_id": 7, "x": "a"}', ":1: item_id: expected a string, got 7", "..."),
]  # fmt: skip


@pytest.mark.parametrize(("name", "content", "message", "hint"), REFUSED)
def test_the_first_fault_is_refused_with_its_place(
    name: str, content: str, message: str, hint: str | None, tmp_path: Path
) -> None:
    path = save(tmp_path, name, content)
    with pytest.raises(DataError) as caught:
        read_catalogue(path)
    assert str(caught.value) == f"{path}{message}"
    if hint != "...":
        assert caught.value.hint == hint


@pytest.mark.parametrize(
    "sql", ["1.5::DOUBLE", "DATE '2026-01-01'", "['p']", "TIMESTAMP '2026-01-01 00:00:00'"]
)
def test_other_types_of_parquet_are_refused(sql: str, tmp_path: Path) -> None:
    path = write_parquet(tmp_path, f"SELECT 'a' AS item_id, {sql} AS x")
    with pytest.raises(
        DataError, match="x: expected strings, integers or truth values, got"
    ) as caught:
        read_catalogue(path)
    assert caught.value.hint == "write the column as text, as CAST(... AS VARCHAR) gives it"


@pytest.mark.parametrize("content", ["", "item_id,x\n"])
def test_a_table_without_rows_is_refused(content: str, tmp_path: Path) -> None:
    with pytest.raises(NoRowsError):
        read_catalogue(save(tmp_path, "a.csv", content))


def test_a_stream_is_refused_since_it_is_read_twice(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="standard input: expected a file that can be read twice"):
        read_catalogue("-", InputOptions(format="csv"))
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "a.csv")
        with pytest.raises(DataError, match="expected a file that can be read twice, got a stream"):
            read_catalogue(tmp_path / "a.csv")
    with pytest.raises(DataError, match="expected a readable file"):
        read_catalogue(tmp_path / "missing.csv")


def test_chunks_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcore.files.csv_tables._BATCH_ROWS", 2)
    rows = [f"i{place},{place % 3 or ''}" for place in range(11)]
    found = read_catalogue(save(tmp_path, "a.csv", "item_id,x\n" + "\n".join(rows)))
    expected: list[Any] = [str(place % 3) if place % 3 else None for place in range(11)]
    assert columns_of(found) == {"x": expected}
