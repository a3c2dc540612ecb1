"""Reading by DuckDB: the arrays, ids, notes and errors are those of the standard library's reader."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import random
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcore.errors import DataError, MlcoreError
from mlcore.files.database import Database
from mlcore.files.duckdb_input import read_events_by_duckdb
from mlcore.files.interactions import Reader, read_events, read_interactions
from mlcore.files.options import ColumnNames, Format, InputOptions
from mlcore.files.plain import Dialect, sniff
from mlcore.files.rows_sql import TableSql, csv_rows, json_rows
from mlcore.files.values import weight_from_text
from mlcore.interactions import Events
from mlcore.progress import Progress, no_progress
from tests.cli.cases import REPOSITORY, Case
from tests.cli.test_bad_input import CSV_CASES, FILE_CASES, GZIP_CASES, JSONL_CASES
from tests.files.samples import (
    CSV,
    JSONL,
    NASTY_IDS,
    TIMESTAMPS,
    WAYS_TO_WRITE_IT,
    save,
    write_nasty_csv,
    write_nasty_jsonl,
)

Content = dict[str, Any]
NAMES = InputOptions()
READERS: tuple[Reader, ...] = ("standard", "duckdb")


def content_of(events: Events) -> Content:
    """What events hold, with rows in one order and numbers as bits."""
    times = events.timestamps
    rows = zip(
        events.users.tolist(),
        events.items.tolist(),
        events.weights.view(np.int64).tolist(),
        [None] * len(events.users) if times is None else times.tolist(),
    )
    columns = (events.users, events.items, events.weights, times)
    return {
        "users": list(events.user_ids),
        "items": list(events.item_ids),
        "rows": sorted(rows, key=repr),
        "dtypes": [None if column is None else column.dtype.str for column in columns],
    }


def outcome(path: str | Path, reader: Reader, format: Format | None = None) -> Content:
    """What comes of reading a file: events or an error, and the notes on the way."""
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        try:
            result = content_of(
                read_events(path, reader=reader, input_options=InputOptions(format=format))
            )
        except MlcoreError as error:
            result = {"error": type(error), "message": str(error), "hint": error.hint}
    return result | {"notes": [str(note.message) for note in notes]}


def by_duckdb(path: Path, progress: Progress = no_progress) -> Content | None:
    """What DuckDB alone makes of a file; None if it is not sure."""
    events = read_events_by_duckdb(path, NAMES, progress=progress)
    return None if events is None else content_of(events)


def by_standard_library(path: Path) -> Content:
    return content_of(read_events(path, reader="standard"))


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with Database(threads=2) as database:
        yield database


@pytest.fixture
def one_database(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all readers use the same: to open another takes longer than to read a small file."""

    @contextmanager
    def emptied(threads: int | None) -> Iterator[Database]:
        for table in ("events", "user_ids", "item_ids"):
            database.rows(f"DROP TABLE IF EXISTS {table}")
        yield database

    monkeypatch.setattr("mlcore.files.duckdb_input.Database", emptied)


# --- every input of the other tests, through both ---


def of_case(case: Case) -> tuple[str, str | bytes]:
    ((name, content),) = case.files.items()
    return name, content


def nasty(write: Callable[[Any], None]) -> str:
    stream = io.StringIO(newline="")
    write(stream)
    return stream.getvalue()


def csv_of_times(*texts: str) -> str:
    rows = "".join(f"ann,tea{row},{text}\n" for row, text in enumerate(texts))
    return f"user_id,item_id,timestamp\n{rows}"


INPUTS: dict[str, tuple[str, str | bytes]] = (
    WAYS_TO_WRITE_IT
    | {case.name: of_case(case) for case in (*CSV_CASES, *JSONL_CASES, *GZIP_CASES)}
    | {case.name: of_case(case) for case in FILE_CASES if "bad.csv" in case.files}
    | {
        "csv, nasty ids": ("a.csv", nasty(write_nasty_csv)),
        "jsonl, nasty ids": ("a.jsonl", nasty(write_nasty_jsonl)),
        "csv, byte order mark": ("a.csv", b"\xef\xbb\xbf" + CSV.encode()),
        "jsonl, byte order mark": ("a.jsonl", b"\xef\xbb\xbf" + JSONL.encode()),
    }
    | {f"csv, timestamp {text}": ("a.csv", csv_of_times(text)) for text, _ in TIMESTAMPS}
)


@pytest.mark.usefixtures("one_database")
@pytest.mark.parametrize("name", INPUTS)
def test_every_input_gives_the_same_by_either_reader(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = save(tmp_path, *INPUTS[name]).name
    assert outcome(file, "duckdb") == outcome(file, "standard")


def test_both_kinds_of_input_are_among_them(tmp_path: Path) -> None:
    refused = [
        "error" in outcome(save(tmp_path, *content), "standard") for content in INPUTS.values()
    ]
    assert sum(refused) > 80 and len(refused) - sum(refused) > 40


@pytest.mark.parametrize("path", ["missing.csv", "missing.txt", "folder.csv", "-x.csv", "a\0.csv"])
def test_paths_that_are_no_files_give_the_same_error(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.csv").mkdir()
    if "\0" in path:
        for reader in READERS:
            with pytest.raises(ValueError, match="null"):
                read_events(path, reader=reader)
        return
    found = outcome(path, "duckdb")
    assert found == outcome(path, "standard") and found["error"] is DataError


# --- of what DuckDB is sure ---

# The first line says that user_id and item_id are strings and weight and timestamp numbers.
PLAIN_JSONL = """\
{"user_id": "bob", "item_id": "tea", "weight": 4, "timestamp": 300}
{"user_id": "ann", "item_id": "t é", "weight": 1e-7, "timestamp": -100}
{"user_id": "ann", "item_id": " ", "weight": 2.5, "timestamp": 0}
"""
QUOTED = '''\
user_id,"a ""note""",item_id
"a,""b""","",","
"""",",","""x"
c,,"d"
'''
SURE: dict[str, tuple[str, str | bytes]] = {
    name: WAYS_TO_WRITE_IT[name]
    for name in [
        "csv", "csv, CRLF", "csv, no final newline", "csv, CRLF, no final newline",
        "csv, all quoted", "csv, other column order", "csv, other row order",
        "csv, other spellings of the numbers", "csv, a pair in several rows", "csv, gzip",
        "csv, gzip in parts", "csv, gzip without its ending",
        "csv, ending of gzip without gzip",
    ]
} | {
    "csv, quotes and commas in quotes": ("a.csv", QUOTED),
    "csv, two columns": ("a.csv", "item_id,user_id\n007,NULL\n7,\\N\n"),
    "csv, other columns": ("a.csv", "x,user_id,y,item_id,z\n,b,,1,\n1,a,2,2,\xff\n"),
    "csv, control characters": ("a.csv", "user_id,item_id\n\x01,\x1c\n\x0b,\t\n\x7f,#\n"),
    "csv, ids alike": ("a.csv", "user_id,item_id\na,1\nA,01\na ,1.0\n\u00e9,+1\ne\u0301,1e0\n"),
    "jsonl": ("a.jsonl", PLAIN_JSONL),
    "jsonl, CRLF": ("a.jsonl", PLAIN_JSONL.replace("\n", "\r\n")),
    "jsonl, no final newline": ("a.jsonl", PLAIN_JSONL.rstrip()),
    "jsonl, no white space": ("a.jsonl", PLAIN_JSONL.replace(": ", ":").replace(", ", ",")),
    "jsonl, much white space": ("a.jsonl", PLAIN_JSONL.replace(":", "  : ").replace("}", "  } ")),
    "jsonl, gzip": ("a.jsonl.gz", gzip.compress(PLAIN_JSONL.encode())),
    "jsonl, ids only": ("a.jsonl", '{"item_id":"1","user_id":"a"}\n{"item_id":"2","user_id":"b"}'),
    "jsonl, times as text": ("a.jsonl", "".join(
        f'{{"timestamp": "{text}", "user_id": "a", "item_id": "i{row}"}}\n'
        for row, (text, _) in enumerate(TIMESTAMPS)
    )),
    "jsonl, other keys": ("a.jsonl", "".join(
        f'{{"a": "", "user_id": "{row}", "b": -{row}.5e3, "item_id": "1", "c d": "{{:, }}"}}\n'
        for row in range(1, 9)
    )),
    "csv, times": ("a.csv", csv_of_times(*(text for text, _ in TIMESTAMPS))),
}  # fmt: skip


@pytest.mark.usefixtures("one_database")
@pytest.mark.parametrize("name", SURE)
def test_plain_files_are_read_by_duckdb_itself(name: str, tmp_path: Path) -> None:
    path = save(tmp_path, *SURE[name])
    found = by_duckdb(path)
    assert found is not None
    assert found == by_standard_library(path)


def test_what_is_read_is_what_the_hand_reads(tmp_path: Path) -> None:
    # Ascending users: ann 0, bob 1; items " " 0, "t é" 1, "tea" 2.
    events = read_events_by_duckdb(save(tmp_path, "a.jsonl", PLAIN_JSONL), NAMES)
    assert events is not None and events.timestamps is not None
    assert (events.user_ids, events.item_ids) == (["ann", "bob"], [" ", "t é", "tea"])
    rows = zip(events.users, events.items, events.weights, events.timestamps)
    assert sorted(rows) == [(0, 0, 2.5, 0), (0, 1, 1e-7, -100_000_000), (1, 2, 4.0, 300_000_000)]


# In each of these DuckDB alone would read other rows than the standard library, or fail.
UNSURE: dict[str, tuple[str, str | bytes]] = {
    "blank line": ("a.csv", "user_id,item_id\n\na,1\n"),
    "comma at the end": ("a.csv", "user_id,item_id\na,1,\nb,2\n"),
    "comma at the end, and one missing": ("a.csv", "user_id,item_id,x\na,1,,\nb,2\n"),
    "blank before a quote": ("a.csv", 'user_id,item_id\na, "1"\n'),
    "blank after a quote": ("a.csv", 'user_id,item_id\na,"1" \n'),
    "quote within a field": ("a.csv", 'user_id,item_id\na,5"x\nb,6"\n'),
    "line break in quotes": ("a.csv", 'user_id,item_id,x\na,1,"\n"\n'),
    "line break in quotes, in balance": ("a.csv", 'user_id,item_id,x\na,1,"\nb,2,"\n'),
    "two kinds of line break": ("a.csv", "user_id,item_id\r\na,1\nb,2\r\n"),
    "a carriage return alone": ("a.csv", "user_id,item_id\na,1\rb,2\n"),
    "carriage returns for line feeds": ("a.csv", "user_id,item_id\ra,1\rb,2\r"),
    "NUL in another column": ("a.csv", "user_id,item_id,x\na,1,\0\n"),
    "not UTF-8 in another column": ("a.csv", b"user_id,item_id,x\na,1,\xe9\n"),
    "half of a pair of surrogates": ("a.csv", b"user_id,item_id,x\na,1,\xed\xa0\x80\n"),
    "UTF-8 that is too long": ("a.csv", b"user_id,item_id,x\na,1,\xc0\xaf\n"),
    "a long field": ("a.csv", f"user_id,item_id,x\na,1,{'x' * 131_073}\nb,1,\n"),
    "weight of digits from another script": ("a.csv", "user_id,item_id,weight\na,1,\u0663\n"),
    "weight with a blank": ("a.csv", "user_id,item_id,weight\na,1, 5\n"),
    "weight with an underscore": ("a.csv", "user_id,item_id,weight\na,1,1_0\n"),
    "no weight": ("a.csv", "user_id,item_id,weight\na,1,\n"),
    "no weight, in quotes": ("a.csv", 'user_id,item_id,weight\n"a","1",""\n'),
    "no id, in quotes": ("a.csv", 'user_id,item_id,weight\n"a","","1"\n'),
    "half a second": ("a.csv", "user_id,item_id,timestamp\na,1,12.5\n"),
    "the 24th hour": ("a.csv", csv_of_times("2024-01-01T24:00:00Z")),
    "the 30th of February": ("a.csv", csv_of_times("2024-02-30T00:00:00Z")),
    "a leap second": ("a.csv", csv_of_times("2016-12-31T23:59:60Z")),
    "an offset of a day": ("a.csv", csv_of_times("2024-01-01T00:00:00+24:00")),
    "before the first year": ("a.csv", csv_of_times("0001-01-01T00:00:00+00:01")),
    "after the last year": ("a.csv", csv_of_times("9999-12-31T23:59:59-00:01")),
    "seconds beyond 64 bits": ("a.csv", csv_of_times("9" * 40)),
    "seconds beyond 64 bits as microseconds": ("a.csv", csv_of_times("9" * 18)),
    "two keys alike": ("a.jsonl", '{"user_id": "a", "item_id": "b", "user_id": "c"}\n'),
    "a key alike in the second line": ("a.jsonl",
        '{"user_id": "a", "item_id": "b", "x": "c"}\n{"user_id": "a", "item_id": "b", "item_id": "c"}'),
    "other keys in the second line": ("a.jsonl",
        '{"user_id": "a", "item_id": "b"}\n{"item_id": "a", "user_id": "b"}\n'),
    "more white space in the second line": ("a.jsonl",
        '{"user_id": "a", "item_id": "b"}\n{"user_id": "a", "item_id":  "b"}\n'),
    "an escape": ("a.jsonl",
        '{"user_id": "a", "item_id": "b"}\n{"user_id": "a", "item_id": "\\u0041"}\n'),
    "an escaped quote": ("a.jsonl", '{"user_id": "a", "item_id": "b\\"", "x": "y"}\n'),
    "a tab in a string": ("a.jsonl", '{"user_id": "a", "item_id": "b\t"}\n'),
    "a weight of a leading zero": ("a.jsonl",
        '{"user_id": "a", "item_id": "b", "weight": 1}\n{"user_id": "a", "item_id": "b", "weight": 01}'),
    "a weight with a plus": ("a.jsonl",
        '{"user_id": "a", "item_id": "b", "weight": 1}\n{"user_id": "a", "item_id": "b", "weight": +1}'),
    "another number of a leading zero": ("a.jsonl",
        '{"user_id": "a", "item_id": "b", "x": 1}\n{"user_id": "a", "item_id": "b", "x": 01}'),
    "another number of many digits": ("a.jsonl",
        f'{{"user_id": "a", "item_id": "b", "x": 1}}\n{{"user_id": "a", "item_id": "b", "x": {"1" * 5000}}}'),
    "a fraction as timestamp": ("a.jsonl",
        '{"user_id": "a", "item_id": "b", "timestamp": 1.0}\n'),
    "a quote too much": ("a.jsonl",
        '{"user_id": "a", "item_id": "b"}\n{"user_id": "a", "item_id": "b"}"\n'),
    "an array": ("a.jsonl", '{"user_id": "a", "item_id": "b", "x": ["1", "2"]}\n'),
    "null": ("a.jsonl", '{"user_id": "a", "item_id": "b", "x": null}\n'),
    "no key": ("a.jsonl", '{"user_id": "a", "item_id": "b", "": "c"}\n'),
}  # fmt: skip


@pytest.mark.usefixtures("one_database")
@pytest.mark.parametrize("name", UNSURE)
def test_whatever_is_unusual_is_left_to_the_standard_library(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = save(tmp_path, *UNSURE[name])
    assert by_duckdb(file) is None
    assert outcome(file.name, "duckdb") == outcome(file.name, "standard")


@pytest.mark.parametrize(("name", "content"), [("a.csv", CSV), ("a.jsonl", PLAIN_JSONL)])
def test_a_row_that_duckdb_passes_over_is_noticed(
    name: str, content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fewer(rows_of: Callable[..., TableSql | None]) -> Callable[..., TableSql]:
        def without_the_last(*arguments: Any) -> TableSql:
            rows = rows_of(*arguments)
            assert rows is not None
            return replace(rows, table=f"{rows.table} LIMIT 2")

        return without_the_last

    path = save(tmp_path, name, content)
    assert by_duckdb(path) is not None
    monkeypatch.setattr("mlcore.files.duckdb_input.csv_rows", fewer(csv_rows))
    monkeypatch.setattr("mlcore.files.duckdb_input.json_rows", fewer(json_rows))
    assert by_duckdb(path) is None


def test_ids_are_those_of_the_file_and_in_the_order_of_bytes(tmp_path: Path) -> None:
    ids = [id_ for id_ in NASTY_IDS if len(id_) < 100]
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([("user_id", "item_id"), *((id_, id_ * 2) for id_ in ids)])
    events = read_events_by_duckdb(save(tmp_path, "a.csv", stream.getvalue()), NAMES)
    assert events is not None
    assert events.user_ids == sorted(ids, key=str.encode)
    assert events.item_ids == sorted((id_ * 2 for id_ in ids), key=str.encode)
    # JSON escapes some of them; the test of all inputs has those.
    unescaped = [id_ for id_ in ids if json.dumps(id_, ensure_ascii=False) == f'"{id_}"']
    lines = [f'{{"user_id": "{id_}", "item_id": "1"}}\n' for id_ in unescaped]
    events = read_events_by_duckdb(save(tmp_path, "a.jsonl", "".join(lines)), NAMES)
    assert events is not None and len(unescaped) > 50
    assert events.user_ids == sorted(unescaped, key=str.encode)


# --- laws ---

# What readers of CSV trip over, and enough of what they do not.
CSV_PIECES = ["a", "b", "1", "7", ",", ",", ",", "\n", "\n", "\n", '"', '"', '""', '"a"', " ", "é"]
CSV_PIECES += ["\r\n", "\r", "\\", "\0", "\ufeff", '",', ',"', '"\n', "a,1\n", 'a,"1"\n']
PLAIN_CELLS = st.sampled_from(["a", "1", "01", " ", "é", '"a"', '","', '"""a"', '" "', "#", "\\"])


@st.composite
def plain_csv(draw: st.DrawFn) -> str:
    rows = draw(st.lists(st.tuples(PLAIN_CELLS, PLAIN_CELLS), min_size=1, max_size=6))
    line_break = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    return line_break.join([",".join(row) for row in [("user_id", "item_id"), *rows]] + [""])


JSON_PIECES = ['"', "\\", " ", "{", "}", ":", ",", "1", "0", "-", ".", "e", "\n", "\r", "\t", "\0"]
JSON_PIECES += ['"user_id"', '"x": 1, ', "null", "\\u0041", ", ", ": ", "é", "NaN", "[1]"]


@st.composite
def plain_jsonl(draw: st.DrawFn) -> str:
    ids, more = st.sampled_from(["a", "b", " ", "é"]), st.sampled_from(["", ":", ", "])
    weights = st.sampled_from(["1", "2.5", "1e-3", "10", "0.1E+2"])
    return "".join(
        f'{{"user_id": "{draw(ids)}", "weight": {draw(weights)}, "x": "{draw(more)}", '
        f'"item_id": "{row}"}}\n'
        for row in range(draw(st.integers(1, 4)))
    )


PLAIN = {"a.csv": plain_csv(), "a.jsonl": plain_jsonl()}
PIECES = {"a.csv": CSV_PIECES, "a.jsonl": JSON_PIECES}


def check_one_of(path: Path) -> bool:
    """Check that both readers agree on a file; return whether DuckDB has read it."""
    found = by_duckdb(path)
    assert found is None or found | {"notes": []} == outcome(path, "standard")
    return found is not None


@pytest.mark.usefixtures("one_database")
def test_any_csv_gives_the_same_by_either_reader(tmp_path: Path) -> None:
    @settings(max_examples=200)
    @given(pieces=st.lists(st.sampled_from(CSV_PIECES), max_size=14))
    def check(pieces: list[str]) -> None:
        check_one_of(save(tmp_path, "any.csv", "user_id,item_id\n" + "".join(pieces)))

    check()


@pytest.mark.usefixtures("one_database")
@pytest.mark.parametrize("name", PLAIN)
def test_plain_text_is_read_by_duckdb_whatever_it_says(name: str, tmp_path: Path) -> None:
    @settings(max_examples=30)
    @given(text=PLAIN[name])
    def check(text: str) -> None:
        assert check_one_of(save(tmp_path, name, text))

    check()


@pytest.mark.usefixtures("one_database")
@pytest.mark.parametrize("name", PLAIN)
def test_plain_text_with_one_oddity_gives_the_same_by_either_reader(
    name: str, tmp_path: Path
) -> None:
    @settings(max_examples=70)
    @given(text=PLAIN[name], piece=st.sampled_from(PIECES[name]), place=st.floats(0, 1))
    def check(text: str, piece: str, place: float) -> None:
        begin = round(place * len(text))
        check_one_of(save(tmp_path, name, text[:begin] + piece + text[begin:]))

    check()


# Of the last, the halves between two float64 and their neighbors, few parsers get all right.
HARD_WEIGHTS = [
    "1", "01.", ".5", "+4.0e0", "1E5", "0.1", "9007199254740993", "5e-324", "1.7976931348623157e308",
    "2.2250738585072011e-308", "2.2250738585072014e-308", "6.9294956446009195e15",
    "2.4703282292062328e-324", "3.7455744005952583e15", "1e23", "8.5e22", "0." + "0" * 400 + "1e401",
    "9007199254740992.99999999999999999999", "9007199254740993.00000000000000000000000001",
    "1" + "0" * 300, "1" * 309, "0.1" + "0" * 800 + "1", "1.00000005960464477539062500000001",
]  # fmt: skip


def test_weights_have_the_bits_that_python_gives_them(tmp_path: Path) -> None:
    draw = random.Random(0)
    texts = HARD_WEIGHTS + [
        f"{draw.randrange(10 ** draw.randrange(1, 22))}.{draw.randrange(10**18)}"
        f"e{draw.randrange(-320, 280)}"
        for _ in range(5000)
    ]
    texts = [text for text in texts if 0 < float(text) < float("inf")]
    rows = "".join(f"u,{row},{text}\n" for row, text in enumerate(texts))
    path = save(tmp_path, "a.csv", f"user_id,item_id,weight\n{rows}")
    events = read_events_by_duckdb(path, NAMES)
    assert events is not None and len(texts) > 4500
    weight_of = {
        events.item_ids[item]: weight for item, weight in zip(events.items, events.weights)
    }
    expected = [weight_from_text(text) for text in texts]
    assert [weight_of[str(row)] for row in range(len(texts))] == expected


def synthetic_csv(order: list[int]) -> str:
    """Rows, as many as ``order`` has, of which many share user and item, and some the time too."""
    draw = random.Random(0)
    rows = [
        f"u{draw.randrange(9)},i{draw.randrange(9)},{draw.random()},{draw.randrange(4)}\n"
        for _ in order
    ]
    return "user_id,item_id,weight,timestamp\n" + "".join(rows[row] for row in order)


def test_order_threads_and_slices_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.duckdb_input._ROWS_PER_FETCH", 7)
    order = list(range(300))
    straight = save(tmp_path, "a.csv", synthetic_csv(order))
    random.Random(1).shuffle(order)
    shuffled = save(tmp_path, "b.csv", synthetic_csv(order))
    assert by_duckdb(straight) == by_standard_library(shuffled)
    digests = {
        read_interactions(path, threads=threads, reader=reader).sha256()
        for path in (straight, shuffled)
        for threads in (1, 3)
        for reader in READERS
    }
    assert len(digests) == 1


def test_the_parts_that_threads_read_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Most lines have commas in quotes, which look like ends of fields to who begins in the midst.
    cells = ["a", '"b,c"', '"""d"""', "é" * 30, '","', '",""e,"""']
    draw = random.Random(0)
    rows = [f"{draw.choice(cells)},{draw.choice(cells)},{draw.random()}\r\n" for _ in range(9000)]
    path = save(tmp_path, "a.csv", "user_id,item_id,weight\r\n" + "".join(rows))

    def in_parts(*arguments: Any) -> TableSql | None:
        found = csv_rows(*arguments)
        assert found is not None
        table = found.table.removesuffix(")") + ", max_line_size=2000, buffer_size=50000)"
        return replace(found, table=table)

    monkeypatch.setattr("mlcore.files.duckdb_input.csv_rows", in_parts)
    for threads in (1, 4):
        events = read_events_by_duckdb(path, NAMES, threads=threads)
        assert events is not None and content_of(events) == by_standard_library(path)


@pytest.mark.parametrize("block_bytes", [1, 7, 64])
def test_the_borders_of_blocks_change_nothing(
    block_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: dict[tuple[str, str], Dialect | None] = {}
    for size in (2**17, block_bytes):
        monkeypatch.setattr("mlcore.files.plain._BLOCK_BYTES", size)
        for name, content in (INPUTS | SURE | UNSURE).items():
            data = content[1].encode() if isinstance(content[1], str) else content[1]
            if len(data) > 50_000:
                continue  # how long a line may be depends a little on where it begins
            for delimiter in (",", '"'):
                plain = sniff(io.BytesIO(data), delimiter)
                assert found.setdefault((name, delimiter), plain) == plain, name
    assert sum(plain is not None for plain in found.values()) > 40


# --- which reader it is ---


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The paths that were given to DuckDB."""
    paths: list[Any] = []

    def spy(path: Any, *arguments: Any) -> Events | None:
        paths.append(path)
        return read_events_by_duckdb(path, *arguments)

    monkeypatch.setattr("mlcore.files.interactions.read_events_by_duckdb", spy)
    return paths


def without_duckdb(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)


def test_large_files_go_through_duckdb_and_small_ones_do_not(
    tried: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path, "a.csv", CSV)
    read_events(path)
    read_interactions(path)
    assert tried == []
    monkeypatch.setattr("mlcore.files.interactions._DUCKDB_FROM_BYTES", len(CSV))
    read_events(path)
    read_interactions(path)
    assert tried == [path, path]
    read_events(path, reader="standard")
    monkeypatch.setattr("mlcore.files.interactions._DUCKDB_FROM_BYTES", len(CSV) + 1)
    read_events(path)
    assert len(tried) == 2
    read_events(path, reader="duckdb")
    assert len(tried) == 3


def test_without_duckdb_large_files_are_read_all_the_same(
    tried: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_duckdb(monkeypatch)
    monkeypatch.setattr("mlcore.files.interactions._DUCKDB_FROM_BYTES", 1)
    path = save(tmp_path, "a.csv", CSV)
    assert content_of(read_events(path)) == by_standard_library(path)
    assert tried == []


def test_duckdb_asked_for_and_not_there_is_an_error_that_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_duckdb(monkeypatch)
    with pytest.raises(MlcoreError) as caught:
        read_events(save(tmp_path, "a.csv", CSV), reader="duckdb")
    assert str(caught.value) == (
        "duckdb: expected the extra [local] to be installed, got no such package"
    )
    assert caught.value.hint is not None and ".[local]" in caught.value.hint


def test_standard_input_and_pipes_are_not_read_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CSV.encode())))
    found = content_of(read_events("-", input_options=InputOptions(format="csv"), reader="duckdb"))
    path = tmp_path / "pipe.csv"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_text, args=(CSV,))
    writer.start()
    assert content_of(read_events(path, reader="duckdb")) == found
    writer.join()
    assert found == by_standard_library(save(tmp_path, "a.csv", CSV))


# --- at the border of the system ---

STRANGE_NAMES = [
    "it's.csv",
    "a[1]*?.csv",
    "a\n.csv",
    "{b,c}.csv",
    " é .csv",
    "$HOME.csv",
    "%41.csv",
]


@pytest.mark.parametrize("name", STRANGE_NAMES)
def test_a_path_is_taken_as_it_is(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "user_id=7"  # other programs would make a column of it
    folder.mkdir()
    for other in ("a1.csv", "a1b.csv", "b.csv", "A.csv"):
        save(folder, other, "user_id,item_id\nno,no\n")
    found = by_duckdb(save(folder, name, CSV))
    assert found == by_standard_library(folder / name) and found is not None


def test_a_name_that_is_no_text_is_left_to_the_standard_library(tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/a\xff.csv"))
    try:
        path.write_text(CSV)
    except OSError:
        pytest.skip("no such names here")
    assert by_duckdb(path) is None
    assert content_of(read_events(path, reader="duckdb")) == by_standard_library(path)


def test_columns_may_have_other_names(tmp_path: Path) -> None:
    # Swapped, so that whoever mixes up the file's names and ours is found out.
    names = ColumnNames("item_id", "user_id", "timestamp", "weight")
    for name, text in (("a.csv", "user_id,item_id,weight,timestamp\na,1,100,0.5\n"), (
        "a.jsonl", '{"user_id": "a", "item_id": "1", "weight": 100, "timestamp": 0.5}\n')):  # fmt: skip
        path = save(tmp_path, name, text)
        events = read_events_by_duckdb(path, InputOptions(names))
        assert events is not None and events.timestamps is not None
        assert (events.user_ids, events.item_ids) == (["1"], ["a"])
        assert (events.weights.tolist(), events.timestamps.tolist()) == ([0.5], [100_000_000])
        assert content_of(events) == content_of(
            read_events(path, input_options=InputOptions(names), reader="standard")
        )


def test_too_little_memory_is_left_to_the_standard_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"user {row},item {row}\n" for row in range(20_000))
    path = save(tmp_path, "a.csv", f"user_id,item_id\n{rows}")
    assert by_duckdb(path) is not None
    monkeypatch.setattr("mlcore.files.database._MIN_MEMORY", 2**20)
    monkeypatch.setattr("mlcore.files.database.available_bytes", lambda: 0)
    assert by_duckdb(path) is None
    assert len(read_events(path, reader="duckdb").users) == 20_000


def test_no_file_is_left_behind(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    save(folder, "a.csv", synthetic_csv(list(range(3000))))
    code = (
        "from mlcore.files.interactions import read_events; read_events('a.csv', reader='duckdb')"
    )
    subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"HOME": str(home), "PYTHONPATH": str(REPOSITORY), "TMPDIR": str(home)},
        check=True,
    )
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.csv", "home", "work"]


def test_progress_goes_up_to_the_size_of_the_file_and_the_number_of_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.plain._BLOCK_BYTES", 10)
    monkeypatch.setattr("mlcore.files.duckdb_input._ROWS_PER_FETCH", 2)
    monkeypatch.chdir(tmp_path)
    for name, data in (("a.csv", CSV.encode()), ("a.csv.gz", gzip.compress(CSV.encode()))):
        save(tmp_path, name, data)
        told: list[tuple[str, int, int]] = []
        by_duckdb(Path(name), lambda *report: told.append(report))
        steps = {step: [done for other, done, _ in told if other == step] for step, _, _ in told}
        assert list(steps) == [f"read {name}", f"encode {name}"]
        assert all(done == sorted(done) for done in steps.values())
        assert [done[-1] for done in steps.values()] == [len(data), 3]
        assert {total for _, _, total in told} == {len(data), 3}
