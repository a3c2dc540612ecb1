"""Headers of queries: what they say is taken, and what they leave unclear is refused."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.warehouse.query import (
    Column,
    Parameter,
    Query,
    Value,
    bundled_query,
    parse_query,
    read_query,
)

SQL = Path(__file__).parents[2] / "sql"
HEADER = """\
-- cap: the newest rows.
--
-- Of equal ones the later.
--
-- reads: rows_of_users(user_id STRING, weight FLOAT64 = 1.5, timestamp INT64 NULL)
-- reads: users(user_id STRING)
-- writes: capped(user_id STRING, is_new BOOL)
-- order: user_id, is_new
-- param: how STRING {first|last} = last: which
-- param: limit INT64 >= 1 = 50: how many
-- param: share FRACTION: of whom
-- param: factor FLOAT64 >= 0: what counts
-- param: exact BOOL = false: whether
-- param: seed STRING = 0: of the draw
"""
BODY = "SELECT @how, @limit, @share, @factor, @exact, @seed FROM users\n"


def parse(text: str = HEADER + BODY) -> Query:
    return parse_query(Path("cap.sql"), text.encode())


def test_a_header_says_what_is_read_written_and_told() -> None:
    query = parse()
    assert query.name == "cap"
    assert query.summary == "the newest rows."
    assert query.reads == {
        "rows_of_users": (
            Column("user_id", "STRING"),
            Column("weight", "FLOAT64", default=1.5),
            Column("timestamp", "INT64", nullable=True),
        ),
        "users": (Column("user_id", "STRING"),),
    }
    assert query.table == "capped"
    assert query.writes == (Column("user_id", "STRING"), Column("is_new", "BOOL"))
    assert query.order == ("user_id", "is_new")
    assert query.parameters["limit"] == Parameter(
        "limit", "INT64", "how many", minimum=1.0, default="50"
    )
    assert query.parameters["how"].choices == ("first", "last")


def test_the_text_is_the_whole_file_and_the_digest_that_of_its_bytes() -> None:
    query = parse()
    assert query.text == HEADER + BODY
    assert query.sha256 == hashlib.sha256((HEADER + BODY).encode()).hexdigest()


def test_values_are_those_given_and_defaults_fill_in() -> None:
    given: dict[str, Value] = {"share": "0.25", "factor": "1e-3", "exact": "true", "limit": 7}
    assert parse().values(given) == {
        "how": "last",
        "limit": 7,
        "share": "40000000",
        "factor": 0.001,
        "exact": True,
        "seed": "0",
    }


def test_a_parameter_that_is_missing_or_unknown_is_refused() -> None:
    with pytest.raises(DataError, match="^cap.sql: factor: expected a finite number >= 0, got no"):
        parse().values({"share": "0.5"})
    with pytest.raises(DataError, match="param: expected some of how, limit, .*got 'limits'$"):
        parse().values({"limits": "5"})


def test_what_is_recorded_can_be_given_again() -> None:
    given: dict[str, Value] = {"share": "0.1", "factor": "2"}
    recorded = parse().recorded(given)
    assert recorded["share"] == 0.1
    assert parse().values(recorded) == parse().values(given)


def test_positions_stand_for_ids_in_the_same_text() -> None:
    with_ids = parse().with_integer_ids()
    assert with_ids.text == parse().text
    assert [column.type for column in with_ids.reads["rows_of_users"]] == [
        "INT64",
        "FLOAT64",
        "INT64",
    ]
    assert [column.type for column in with_ids.writes] == ["INT64", "BOOL"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("-- cap: ", "-- cup: ", "cap.sql:1: expected a comment '-- cap: ...', got 'cup: the new"),
        ("-- writes:", "-- write:", "cap.sql: writes: expected one line, got 0"),
        ("is_new BOOL", "is_new BOOLEAN", "cap.sql:7: expected a table such as model("),
        ("user_id STRING)", "user_id STRING", "cap.sql:6: expected a table such as model("),
        ("-- order: user_id", "-- order: item_id", "order: expected columns it writes, got 'item"),
        ("seed STRING = 0:", "seed TEXT = 0:", "cap.sql:14: param: expected one such as 'k INT64"),
        ("= 0: of the draw", "= 0", "cap.sql:14: param: expected one such as 'k INT64"),
    ],
)
def test_a_header_that_is_not_clear_is_refused(old: str, new: str, message: str) -> None:
    assert HEADER.count(old) == 1
    with pytest.raises(DataError) as caught:
        parse(HEADER.replace(old, new) + BODY)
    assert message in str(caught.value)
    if "comment" in message or "writes: " in message:
        assert caught.value.hint is not None and "'-- cap: what it does'" in caught.value.hint


def test_a_query_says_whether_it_may_be_repeated() -> None:
    assert not parse().is_repeatable
    assert parse(HEADER + "-- repeat: until stable\n" + BODY).is_repeatable


def test_a_file_without_a_header_is_refused() -> None:
    with pytest.raises(DataError, match="cap.sql:1: expected a comment '-- cap: ...', got none"):
        parse(BODY)
    with pytest.raises(DataError, match="cap.sql: expected UTF-8"):
        parse_query(Path("cap.sql"), b"-- cap: \xff")


def test_a_query_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="none.sql: expected a readable file"):
        read_query(tmp_path / "none.sql")


def test_every_query_of_ours_can_be_asked_for_by_name() -> None:
    names = sorted(path.stem for path in SQL.glob("*.sql"))
    assert len(names) > 10
    assert [bundled_query(name).name for name in names] == names


def test_a_header_of_many_columns_is_read_in_a_time_that_grows_with_them() -> None:
    def seconds(count: int) -> float:
        names = [f"c{number}" for number in range(count)]
        lines = "".join(f"-- param: {name} INT64: x\n" for name in names)
        columns = ", ".join(f"{name} BOOL" for name in names)
        text = f"-- q: x.\n-- writes: w({columns})\n-- order: {', '.join(names)}\n{lines}SELECT "
        text += ", ".join(f"@{name}" for name in names)
        begin = time.process_time()
        assert len(parse_query(Path("q.sql"), text.encode()).parameters) == count
        return time.process_time() - begin

    assert min(seconds(2400) for _ in range(3)) < 16 * min(seconds(300) for _ in range(3))


def test_a_query_beyond_a_bound_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "q.sql"
    columns = ", ".join(f"c{number} INT64" for number in range(500_000))
    path.write_text(f"-- q: x.\n-- reads: t({columns})\n-- writes: w(n INT64)\nSELECT 1 AS n\n")
    begin = time.process_time()
    with pytest.raises(DataError, match="q.sql: expected a query of at most 131072 bytes, got mo"):
        read_query(path)
    assert time.process_time() - begin < 0.1
