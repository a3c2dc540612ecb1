"""mlcore.files.interactions: every way to write the same data gives the same data."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.errors import DataError
from mlcore.files.interactions import Reader, read_interactions, write_interactions
from mlcore.files.options import ColumnNames, Format, InputOptions
from mlcore.interactions import Interactions
from tests.files.samples import (
    CSV,
    JSONL,
    NASTY_IDS,
    SAME,
    SECOND,
    WAYS_TO_WRITE_IT,
    Content,
    content_of,
    ids,
    save,
    write_nasty_csv,
    write_nasty_jsonl,
)


@pytest.mark.parametrize("way", WAYS_TO_WRITE_IT)
def test_the_same_data_is_the_same_however_it_is_written(way: str, tmp_path: Path) -> None:
    name, content = WAYS_TO_WRITE_IT[way]
    interactions = read_interactions(save(tmp_path, name, content))
    plain = read_interactions(save(tmp_path, "plain.csv", CSV))
    assert content_of(interactions) == SAME
    assert interactions.sha256() == plain.sha256()


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_columns_may_have_other_names(name: str, tmp_path: Path) -> None:
    text = CSV if name == "a.csv" else JSONL
    renamed = ColumnNames(user="who", item="what", weight="much", timestamp="when")
    for old, new in zip(CSV.split("\n")[0].split(","), dataclasses.astuple(renamed)):
        text = text.replace(old, new)
    assert (
        content_of(
            read_interactions(save(tmp_path, name, text), input_options=InputOptions(renamed))
        )
        == SAME
    )


@pytest.mark.parametrize("reader", ["standard", pytest.param("duckdb", marks=pytest.mark.duckdb)])
@pytest.mark.parametrize(
    ("name", "names", "error"),
    [
        ("a.csv", {"weight": "ratng"}, ":1: ratng: expected a column"),
        ("a.csv", {"timestamp": "when"}, ":1: when: expected a column"),
        ("a.csv", {"user": "who"}, ":1: who: expected a column"),
        ("a.jsonl", {"weight": "ratng"}, ": ratng: expected a key"),
        ("a.jsonl", {"timestamp": "when"}, ":1: when: expected a key"),
        ("a.jsonl", {"item": "what"}, ":1: what: expected a key"),
    ],
)
def test_a_column_that_is_named_must_be_there(
    reader: Reader, name: str, names: dict[str, str], error: str, tmp_path: Path
) -> None:
    path = save(tmp_path, name, CSV if name == "a.csv" else JSONL)
    options = InputOptions(ColumnNames(**names))
    with pytest.raises(DataError) as caught:
        read_interactions(path, input_options=options, reader=reader)
    there = "'user_id', 'item_id', 'weight', 'timestamp'"
    assert str(caught.value) == f"{path}{error} of this name, got {there}"


def test_a_weight_that_is_named_may_be_missing_in_single_lines(tmp_path: Path) -> None:
    lines = '{"user_id": "b", "item_id": "tea"}\n{"user_id": "ann", "item_id": "tea", "stars": 3}'
    options = InputOptions(ColumnNames(weight="stars"))
    found = read_interactions(save(tmp_path, "a.jsonl", lines), input_options=options)
    assert content_of(found) == {("ann", "tea"): (3.0, None), ("b", "tea"): (1.0, None)}


def test_weights_are_1_where_there_are_none(tmp_path: Path) -> None:
    table = save(tmp_path, "a.csv", "user_id,item_id\nann,tea\nann,tea\nbob,tea\n")
    assert content_of(read_interactions(table)) == {
        ("ann", "tea"): (2.0, None),
        ("bob", "tea"): (1.0, None),
    }
    lines = '{"user_id": "ann", "item_id": "tea", "weight": 3}\n{"user_id": "b", "item_id": "tea"}'
    assert content_of(read_interactions(save(tmp_path, "a.jsonl", lines))) == {
        ("ann", "tea"): (3.0, None),
        ("b", "tea"): (1.0, None),
    }


@pytest.mark.parametrize(
    ("name", "write"), [("a.csv", write_nasty_csv), ("a.jsonl", write_nasty_jsonl)]
)
def test_an_id_stays_what_it_is(name: str, write: Callable[[Any], None], tmp_path: Path) -> None:
    assert len(set(NASTY_IDS)) == len(NASTY_IDS)
    with open(tmp_path / name, "w", encoding="utf-8", newline="") as stream:
        write(stream)
    interactions = read_interactions(tmp_path / name)
    assert list(content_of(interactions)) == sorted(zip(NASTY_IDS, reversed(NASTY_IDS)))
    in_byte_order = sorted(NASTY_IDS, key=str.encode)
    assert list(interactions.user_ids) == list(interactions.item_ids) == in_byte_order


weights = st.floats(min_value=5e-324, max_value=1e300)


whole_seconds = st.integers(-62_135_596_800, 253_402_300_799).map(lambda time: time * SECOND)


microseconds = st.integers(-62_135_596_800 * SECOND, 253_402_300_799 * SECOND)


@st.composite
def contents(draw: st.DrawFn) -> Content:
    pairs = draw(st.lists(st.tuples(ids, ids), min_size=1, max_size=8, unique=True))
    times: st.SearchStrategy[int | None] = draw(
        st.sampled_from([st.none(), whole_seconds, microseconds])
    )
    return {pair: (draw(weights), draw(times)) for pair in pairs}


def interactions_of(content: Content) -> Interactions:
    rows = sorted((user, item, *rest) for (user, item), rest in content.items())
    users, items, heavy, times = zip(*rows)
    interactions = Interactions.from_columns(users, items, heavy)
    if times[0] is None:
        return interactions
    return dataclasses.replace(interactions, timestamps=np.array(times, np.int64))


@given(content=contents(), format=st.sampled_from(["csv", "jsonl"]))
def test_reading_what_was_written_gives_the_same(
    content: Content, format: Format, tmp_path_factory: pytest.TempPathFactory
) -> None:
    interactions = interactions_of(content)
    path = tmp_path_factory.getbasetemp() / f"round-trip.{format}"
    with open(path, "w", encoding="utf-8", newline="\n") as stream:
        write_interactions(stream, interactions, path)
    found = read_interactions(path)
    assert content_of(found) == content
    assert found.sha256() == interactions.sha256()


@given(content=contents())
def test_other_programs_read_what_was_written(content: Content) -> None:
    interactions = interactions_of(content)
    in_csv, in_jsonl = io.StringIO(newline=""), io.StringIO(newline="")
    write_interactions(in_csv, interactions, "a.csv")
    write_interactions(in_jsonl, interactions, "a.jsonl")
    expected = sorted((user, item, weight) for (user, item), (weight, _) in content.items())
    in_csv.seek(0)
    rows = csv.DictReader(in_csv)
    assert [(row["user_id"], row["item_id"], float(row["weight"])) for row in rows] == expected
    lines = [json.loads(line) for line in in_jsonl.getvalue().split("\n")[:-1]]
    assert [(line["user_id"], line["item_id"], float(line["weight"])) for line in lines] == expected


def test_interactions_are_written_in_order_of_user_and_item_as_short_as_can_be() -> None:
    stream = io.StringIO()
    write_interactions(stream, interactions_of(SAME), "a.csv")
    assert stream.getvalue() == (
        "user_id,item_id,weight,timestamp\nann,milk,2.5,50\nann,tea,1,100\nbob,tea,4,300\n"
    )
    stream = io.StringIO()
    halves: Content = {("ann", "tea"): (1e-7, 1_500_000), ("ann", 'a,"'): (1e21, 0)}
    write_interactions(stream, interactions_of(halves), "a.csv")
    assert stream.getvalue() == (
        "user_id,item_id,weight,timestamp\n"
        'ann,"a,""",1e+21,1970-01-01T00:00:00.000000Z\n'
        "ann,tea,1e-7,1970-01-01T00:00:01.500000Z\n"
    )
    stream = io.StringIO()
    write_interactions(stream, interactions_of(halves), "-", "jsonl")
    assert stream.getvalue() == (
        '{"user_id": "ann", "item_id": "a,\\"", "weight": 1e+21, '
        '"timestamp": "1970-01-01T00:00:00.000000Z"}\n'
        '{"user_id": "ann", "item_id": "tea", "weight": 1e-7, '
        '"timestamp": "1970-01-01T00:00:01.500000Z"}\n'
    )


def test_events_that_are_kept_are_written_by_user_time_and_item() -> None:
    columns = ("uvuuu", "babca", [1, 2, 3, 4, 0.5], [9, 1, 5, 5, 9])
    for rows in (range(5), (3, 0, 4, 1, 2)):
        shuffled = ([column[row] for row in rows] for column in columns)
        stream = io.StringIO()
        write_interactions(stream, Interactions.from_columns(*shuffled), "a.csv")
        assert stream.getvalue() == (
            "user_id,item_id,weight,timestamp\n" "u,b,3,5\nu,c,4,5\nu,a,0.5,9\nu,b,1,9\nv,a,2,1\n"
        )


def test_more_rows_than_are_written_at_once_are_all_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.interactions._ROWS_PER_WRITE", 2)
    content: Content = {(f"u{row}", "tea"): (row + 1.0, None) for row in range(7)}
    stream = io.StringIO()
    write_interactions(stream, interactions_of(content), "a.csv")
    assert content_of(read_interactions(save(tmp_path, "a.csv", stream.getvalue()))) == content


@pytest.mark.parametrize(
    ("times", "noted"),
    [
        (["20260301", "20251231"], True),
        (["20260301", "20251301"], False),
        (["20260301", "1700000000"], False),
    ],
)
def test_dates_without_dashes_are_noted(times: list[str], noted: bool, tmp_path: Path) -> None:
    rows = "".join(f"ann,i{row},{time}\n" for row, time in enumerate(times))
    path = save(tmp_path, "a.csv", f"user_id,item_id,timestamp\n{rows}")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        read_interactions(path)
    assert [" took dates such as " in str(note.message) for note in caught] == [True] * noted
