"""Tables of queries in files: values by the types of a header, out and in again."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.errors import DataError
from mlcore.warehouse.query import Column
from mlcore.warehouse.rows import Rows, read_rows, write_rows

EVENTS = (
    Column("user_id", "STRING"),
    Column("weight", "FLOAT64", default=1.0),
    Column("timestamp", "INT64", nullable=True),
)
ALL_TYPES = (
    Column("item_id", "STRING"),
    Column("title", "STRING", nullable=True),
    Column("position", "INT64", nullable=True),
    Column("score", "FLOAT64", nullable=True),
    Column("is_new", "BOOL", nullable=True),
)


def save(tmp_path: Path, name: str, text: str) -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8", newline="")
    return path


def rows_of(parts: Any) -> list[tuple[Any, ...]]:
    return [row for part in parts for row in zip(*(part[name].tolist() for name in part))]


def text_of(columns: tuple[Column, ...], parts: list[Rows], name: str) -> str:
    stream = io.StringIO()
    write_rows(stream, columns, parts, name)
    return stream.getvalue()


def test_a_table_is_read_by_the_types_of_its_columns(tmp_path: Path) -> None:
    path = save(
        tmp_path,
        "t.csv",
        'is_new,score,position,title,item_id,more\ntrue,0.5,-3,"a,b",007,x\n,,,,é,y\n',
    )
    (part,) = read_rows(path, ALL_TYPES)
    assert rows_of([part]) == [("007", "a,b", -3, 0.5, True), ("é", None, None, None, None)]


def test_types_without_missing_values_are_arrays_of_numbers(tmp_path: Path) -> None:
    path = save(tmp_path, "t.jsonl", '{"item_id": "a", "position": 9007199254740993, "score": 2}\n')
    (part,) = read_rows(path, ALL_TYPES)
    assert part["position"].dtype == np.int64 and part["score"].dtype == np.float64
    assert rows_of([part]) == [("a", None, 9007199254740993, 2.0, None)]


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_a_column_that_the_file_lacks_is_its_default_or_missing(tmp_path: Path, name: str) -> None:
    text = "user_id\nu\nv\n" if name == "t.csv" else '{"user_id": "u"}\n{"user_id": "v"}\n'
    parts = read_rows(save(tmp_path, name, text), EVENTS)
    assert rows_of(parts) == [("u", 1.0, None), ("v", 1.0, None)]


def test_single_missing_values_of_json_are_missing(tmp_path: Path) -> None:
    text = (
        '{"user_id": "u", "timestamp": 5}\n{"user_id": "v"}\n{"user_id": "w", "timestamp": null}\n'
    )
    assert rows_of(read_rows(save(tmp_path, "t.jsonl", text), EVENTS)) == [
        ("u", 1.0, 5),
        ("v", 1.0, None),
        ("w", 1.0, None),
    ]


@pytest.mark.parametrize(
    ("time", "second"),
    [("1970-01-01T00:01:00Z", 60), ("1970-01-01T00:01:00.9Z", 60), ("1969-12-31T23:59:59.5Z", -1)],
)
def test_a_time_is_the_second_that_it_lies_in(time: str, second: int, tmp_path: Path) -> None:
    path = save(tmp_path, "t.csv", f"user_id,timestamp\nu,{time}\n")
    assert rows_of(read_rows(path, EVENTS)) == [("u", 1.0, second)]


@pytest.mark.parametrize(("name", "text"), [("t.csv", "user_id,timestamp\n"), ("t.jsonl", "")])
def test_a_file_without_rows_is_a_table_without_rows(name: str, text: str, tmp_path: Path) -> None:
    assert list(read_rows(save(tmp_path, name, text), EVENTS)) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "expected a header line"), ("timestamp\n", "user_id: expected a column of this name")],
)
def test_a_file_without_rows_must_name_its_columns(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        list(read_rows(save(tmp_path, "t.csv", text), EVENTS))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("item_id,position\n,1\n", "2: item_id: expected an id of at least one character"),
        ("item_id,position\na,1.0\n", "2: position: expected a 64-bit integer, got '1.0'"),
        ("item_id,position\na,9223372036854775808\n", "2: position: expected a 64-bit integer"),
        ("item_id,score\na,inf\n", "2: score: expected a finite number, got 'inf'"),
        ("item_id,is_new\na,1\n", "2: is_new: expected true or false, got '1'"),
        ("title\na\n", "1: item_id: expected a column of this name, got 'title'"),
    ],
)
def test_a_value_of_another_type_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        list(read_rows(save(tmp_path, "t.csv", text), ALL_TYPES))
    assert f"t.csv:{message}" in str(caught.value)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"item_id": 7}', "item_id: expected a string, got 7"),
        ('{"item_id": null}', "item_id: expected a string, got null"),
        ('{"item_id": "a", "position": true}', "position: expected a 64-bit integer, got true"),
        ('{"item_id": "a", "position": "1"}', "position: expected a 64-bit integer, got '1'"),
        ('{"item_id": "a", "score": 1e999}', "score: expected a finite number"),
        ('{"item_id": "a", "is_new": "true"}', "is_new: expected true or false, got 'true'"),
        ('{"item_id": "a", "title": 1}', "title: expected a string, got 1"),
    ],
)
def test_a_json_value_of_another_type_is_refused(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(DataError) as caught:
        list(read_rows(save(tmp_path, "t.jsonl", row + "\n"), ALL_TYPES))
    assert f"t.jsonl:1: {message}" in str(caught.value)


def test_rows_are_written_as_other_commands_write_them() -> None:
    part = {
        "item_id": np.array(["a,b", 'é"'], object),
        "title": np.array([None, "x"], object),
        "position": np.array([1, 2**53 + 1]),
        "score": np.array([0.1, 1e21]),
        "is_new": np.array([True, None], object),
    }
    assert text_of(ALL_TYPES, [part], "t.jsonl").splitlines() == [
        '{"item_id": "a,b", "position": 1, "score": 0.1, "is_new": true}',
        '{"item_id": "é\\"", "title": "x", "position": 9007199254740993, "score": 1e+21}',
    ]
    columns = (ALL_TYPES[0], ALL_TYPES[2])
    assert text_of(columns, [part], "t.csv") == (
        'item_id,position\n"a,b",1\n"é""",9007199254740993\n'
    )


def test_a_csv_column_without_values_is_left_out_and_one_with_some_refused() -> None:
    nothing = np.array([None, None], object)
    part = {"user_id": np.array(["u", "v"], object), "weight": np.ones(2), "timestamp": nothing}
    assert text_of(EVENTS, [part], "t.csv") == "user_id,weight\nu,1\nv,1\n"
    for mixed in ([None, 5], [5, None]):
        part["timestamp"] = np.array(mixed, object)
        with pytest.raises(DataError, match="timestamp: expected values in all rows of a CSV"):
            text_of(EVENTS, [part], "t.csv")


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "-"])
def test_what_may_not_be_missing_or_infinite_is_refused(name: str) -> None:
    part = {"user_id": np.array(["u", None], object), "weight": np.ones(2), "timestamp": np.ones(2)}
    stream = io.StringIO()
    shown = "standard output" if name == "-" else name
    with pytest.raises(
        DataError, match=f"^{shown}: user_id: expected a value in every row, .* NULL$"
    ):
        write_rows(stream, EVENTS, [part], name, "csv")
    part["user_id"] = np.array(["u", "v"], object)
    part["weight"] = np.array([1.0, None], object)
    with pytest.raises(DataError, match="weight: expected a value .* NULL for user_id 'v'$"):
        write_rows(stream, EVENTS, [part], name, "csv")
    for number in (np.nan, np.inf):
        part["weight"] = np.array([1, number])
        with pytest.raises(
            DataError, match=f"^{shown}: weight: expected finite numbers, got {number}"
        ):
            write_rows(stream, EVENTS, [part], name, "csv")


def test_no_rows_are_a_header_or_nothing() -> None:
    assert text_of(EVENTS, [], "t.csv") == "user_id,weight,timestamp\n"
    assert text_of(EVENTS, [], "t.jsonl") == ""


def optional(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), values)


@given(
    st.lists(
        st.tuples(
            st.text(
                st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), min_size=1
            ),
            optional(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))),
            optional(st.integers(-(2**63) + 1, 2**63 - 1)),
            optional(st.floats(allow_nan=False, allow_infinity=False)),
            optional(st.booleans()),
        ),
        min_size=1,
    )
)
def test_what_is_written_as_json_lines_is_read_back(rows: list[tuple[Any, ...]]) -> None:
    def number(value: Any) -> Any:
        return value if value is None else float(value)  # 1e16 is written as an integer

    part = {
        column.name: np.array([row[axis] for row in rows], object)
        for axis, column in enumerate(ALL_TYPES)
    }
    text = text_of(ALL_TYPES, [part], "t.jsonl")
    found = [
        tuple(
            number(value.get("score")) if column.name == "score" else value.get(column.name)
            for column in ALL_TYPES
        )
        for value in map(json.loads, text.split("\n")[:-1])
    ]
    assert found == rows
