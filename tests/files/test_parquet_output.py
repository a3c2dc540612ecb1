"""Parquet files: the rows that were written, whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlcore.errors import DataError, MlcoreError
from mlcore.files.database import Database
from mlcore.files.formats import quote_csv
from mlcore.files.outputs import open_outputs
from mlcore.files.parquet_output import convert_to_parquet
from mlcore.jsontext import format_number

TYPES = {"user_id": "VARCHAR", "score": "DOUBLE", "rank": "BIGINT"}
HEADER = "user_id,score,rank\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: str, text: str) -> None:
    with open_outputs(path, types=TYPES) as (stream,):
        stream.write(HEADER + text)


def rows_of(path: str) -> list[tuple[object, ...]]:
    with Database(threads=1) as database:
        database.rows("SET preserve_insertion_order = true")
        return database.rows(f"SELECT * FROM read_parquet('{path}')")


@given(
    rows=st.lists(
        st.tuples(
            st.text(
                st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), min_size=1
            ),
            st.floats(allow_nan=False, allow_infinity=False).map(lambda score: score + 0.0),
            st.integers(1, 2**31),
        )
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_rows_are_read_back_as_they_were(rows: list[tuple[str, float, int]]) -> None:
    lines = [f"{quote_csv(user)},{format_number(score)},{rank}\n" for user, score, rank in rows]
    write("a.parquet", "".join(lines))
    assert rows_of("a.parquet") == rows


def test_many_rows_keep_their_order_and_their_bytes(folder: Path) -> None:
    rows = [(f'u"{number % 7},', number / 7, number) for number in range(300_000)]
    text = "".join(
        f"{quote_csv(user)},{format_number(score)},{rank}\n" for user, score, rank in rows
    )
    for name in ("a.parquet", "b.PARQUET"):
        write(name, text)
    assert rows_of("a.parquet") == rows
    assert (folder / "a.parquet").read_bytes() == (folder / "b.PARQUET").read_bytes()
    assert sorted(os.listdir(folder)) == ["a.parquet", "b.PARQUET"]
    with Database(threads=1) as database:
        groups = "SELECT count(DISTINCT row_group_id) FROM parquet_metadata('a.parquet')"
        assert database.rows(groups)[0][0] > 1


def test_the_longest_ids_fit() -> None:
    rows = [('"' * 65535, number / 3, number) for number in range(100)]
    write(
        "a.parquet", "".join(f"{quote_csv(user)},{score!r},{rank}\n" for user, score, rank in rows)
    )
    assert rows_of("a.parquet") == rows


@pytest.mark.parametrize("name", ["it's.parquet", "a[b]*.parquet", "é .parquet"])
def test_any_name_is_a_name(name: str, folder: Path) -> None:
    write(name, "u,1,1\n")
    assert os.listdir(folder) == [name]


def test_a_file_that_stood_there_stays_on_any_error(folder: Path) -> None:
    (folder / "a.parquet").write_text("old")
    with pytest.raises(ZeroDivisionError):
        with open_outputs("a.parquet", types=TYPES) as (stream,):
            stream.write(HEADER)
            raise ZeroDivisionError
    with pytest.raises(DataError, match="^a.parquet: expected room to write, got "):
        write("a.parquet", "u,no number,1\n")
    assert [path.read_text() for path in folder.iterdir()] == ["old"]


def test_a_stream_is_refused_before_the_work(folder: Path) -> None:
    (folder / "a.parquet").symlink_to("/dev/stdout")
    with pytest.raises(DataError) as caught:
        with open_outputs("a.parquet", types=TYPES):
            pytest.fail("the work has begun")
    assert str(caught.value) == "a.parquet: expected a file to write Parquet to, got a stream"


def test_without_duckdb_it_is_refused_before_the_work(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MlcoreError) as caught:
        with open_outputs("a.parquet", types=TYPES):
            pytest.fail("the work has begun")
    assert str(caught.value) == (
        "a.parquet: duckdb: expected the extra [local] to be installed, got no such package"
    )
    assert os.listdir(folder) == []


def test_an_error_names_the_output_not_where_it_waits(tmp_path: Path) -> None:
    Path("rows.csv").write_text(HEADER)
    hidden = tmp_path / "gone/.lists.parquet.partial-0123abcd"
    with pytest.raises(DataError) as caught:
        convert_to_parquet(Path("rows.csv"), hidden, TYPES, "lists.parquet")
    assert "lists.parquet: expected room to write, got " in str(caught.value)
    assert ".partial-" not in str(caught.value)
