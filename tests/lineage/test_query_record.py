"""Records: one line of JSON each, whose keys keep their rules."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcore.errors import DataError
from mlcore.version import VERSION
from mlcore.lineage import Dataset, QueryRecord, format_record, parse_record
from mlcore.warehouse.query import parse_query
from tests.lineage.records import LINE, LINEAGE, RECORD, record_of


def test_a_record_is_this_line_and_back() -> None:
    assert format_record(RECORD) == LINE
    assert parse_record(LINE, "") == RECORD
    assert list(json.loads(LINE)) == list(RECORD.__dataclass_fields__)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
COUNTS = st.integers(0, 2**62)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
# A greater float is written as an integer of other last digits, which is the same float.
FLOATS = st.floats(-(2.0**53), 2.0**53)
VALUES = st.dictionaries(TEXTS, TEXTS | st.integers(-(2**63), 2**63) | FLOATS | st.booleans())
OF_DATASETS: dict[str, Any] = {
    "file": st.none() | TEXTS,
    "stored": st.none() | TEXTS,
    "format": st.none() | TEXTS,
    "bytes": st.none() | COUNTS,
    "sha256": st.none() | DIGESTS,
    "columns": st.lists(TEXTS, max_size=3).map(tuple),
}
INPUTS = st.builds(Dataset, table=TEXTS, rows=st.none() | COUNTS, **OF_DATASETS)
OUTPUTS = st.builds(Dataset, table=st.none(), rows=COUNTS, **OF_DATASETS)
RECORDS = st.builds(
    QueryRecord,
    query=TEXTS,
    query_sha256=DIGESTS,
    commit=st.none() | DIGESTS,
    committed=st.none() | st.booleans(),
    dirty=st.none() | st.booleans(),
    engine=TEXTS,
    engine_version=TEXTS,
    params=VALUES,
    inputs=st.lists(INPUTS, max_size=2).map(tuple),
    output=OUTPUTS,
    statistics=VALUES,
    created_at=st.just("2026-11-21T12:00:00Z"),
    tool=TEXTS,
)


@settings(max_examples=50)
@given(RECORDS)
def test_any_record_comes_back_from_one_line(record: QueryRecord) -> None:
    line = format_record(record)
    assert "\n" not in line
    assert parse_record(line, "") == record
    assert json.loads(line)["params"] == record.params


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"query": "sql/one.sql"', '"query": ""', "query: expected a text, got ''"),
        ("0" * 64, "0" * 63, "query_sha256: expected a SHA-256 in hexadecimal, got '000"),
        ("a" * 40, "A" * 40, "commit: expected the id of a commit or null, got 'AAA"),
        ('"dirty": false', '"dirty": 0', "dirty: expected true or false or null, got 0"),
        ('"rows": 3', '"rows": -1', "inputs: rows: expected an integer >= 0 or null, got -1"),
        ('"rows": 2', '"rows": null', "output: rows: expected an integer >= 0, got null"),
        ('"rows": 2', '"rows": true', "output: rows: expected an integer >= 0, got true"),
        ('["user_id"]', "[1]", "output: columns: expected a list of texts, got [1]"),
        ('{"seconds": 0.5}', '{"a": []}', "statistics: expected an object of texts, numbers, "),
        ("12:00:00Z", "12:00:00", "created_at: expected a time such as 2026-01-31T12:00:00Z, got"),
        ('"dirty": false, ', "", "expected an object with query, query_sha256, commit, "),
        ('"tool"', '"more": 1, "tool"', "expected an object with query, query_sha256, commit, "),
        ('{"query"', '["query"', "expected a record of a run, got invalid JSON (expecting"),
        (
            '{"table": "items"',
            '7, {"table": "items"',
            "inputs: expected an object with table, file",
        ),
    ],
)
def test_a_line_that_breaks_a_rule_is_refused(old: str, new: str, complaint: str) -> None:
    assert old in LINE
    with pytest.raises(DataError) as caught:
        parse_record(LINE.replace(old, new, 1), "log.jsonl:7")
    assert str(caught.value).startswith(f"log.jsonl:7: {complaint}")


def test_numbers_of_numpy_are_numbers_and_what_json_lacks_is_left_out(folder: Path) -> None:
    statistics: dict[str, Any] = {
        "rows": np.int64(7),
        "seconds": np.float64(0.5),
        "ratio": float("nan"),
        "cached": False,
        "job": "a-1",
    }
    record = record_of(statistics=statistics)
    assert record.statistics == {"rows": 7, "seconds": 0.5, "cached": False, "job": "a-1"}
    assert parse_record(format_record(record), "") == record


def test_the_moment_is_in_utc(folder: Path) -> None:
    path = Path("sql/one.sql")
    run: dict[str, Any] = {
        "query": parse_query(path, path.read_bytes()),
        "values": {},
        "engine_name": "duckdb",
        "engine_version": "2.0.0",
        "inputs": [],
        "output": Dataset.of_stored("t", ["n"], 1),
        "statistics": {},
        "lineage_path": LINEAGE,
    }
    east = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    record = QueryRecord.of_run(**run, created_at=east)
    assert (record.created_at, record.tool) == ("2025-12-31T23:00:00Z", f"mlcore {VERSION}")
    now = QueryRecord.of_run(**run).created_at
    since = datetime.now(timezone.utc) - datetime.fromisoformat(now)
    assert timedelta(0) <= since < timedelta(minutes=5)
