"""Input files that are fine: every way to write the same data gives the same data."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.files.options import ColumnNames, Format, InputOptions
from mlcore.config import TrainConfig
from mlcore.errors import DataError
from mlcore.files.histories import UserHistory, read_histories
from mlcore.files.inputs import find_format, read_text
from mlcore.files.interactions import quote_csv, read_events, read_interactions, write_interactions
from mlcore.files.lists import read_config, read_ids, read_titles
from mlcore.files.predictions import format_prediction, read_predictions
from mlcore.interactions import Interactions
from mlcore.jsontext import format_string
from tests.cli.test_bad_input import CSV_CASES, JSONL_CASES

SECOND = 1_000_000  # microseconds

# The same examples in every run, and none fails because a disk is slow.

Content = dict[tuple[str, str], tuple[float, int | None]]


def content_of(interactions: Interactions) -> Content:
    """Return weight and microseconds of each pair, by plain loops."""
    matrix = interactions.user_items
    found: Content = {}
    for user, user_id in enumerate(interactions.user_ids):
        for entry in range(matrix.indptr[user], matrix.indptr[user + 1]):
            pair = (user_id, interactions.item_ids[matrix.indices[entry]])
            time = None if interactions.timestamps is None else int(interactions.timestamps[entry])
            found[pair] = (float(matrix.data[entry]), time)
    return found


def save(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def type_in(monkeypatch: pytest.MonkeyPatch, content: str | bytes) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


SAME: Content = {
    ("ann", "tea"): (1.0, 100 * SECOND),
    ("ann", "milk"): (2.5, 50 * SECOND),
    ("bob", "tea"): (4.0, 300 * SECOND),
}
CSV = """\
user_id,item_id,weight,timestamp
bob,tea,4,300
ann,tea,1,100
ann,milk,2.5,50
"""
JSONL = """\
{"user_id": "bob", "item_id": "tea", "weight": 4, "timestamp": 300}
{"user_id": "ann", "item_id": "tea", "timestamp": 100}
{"user_id": "ann", "item_id": "milk", "weight": 2.5, "timestamp": 50}
"""
WAYS_TO_WRITE_IT: dict[str, tuple[str, str | bytes]] = {
    "csv": ("a.csv", CSV),
    "csv, CRLF": ("a.csv", CSV.replace("\n", "\r\n")),
    "csv, no final newline": ("a.csv", CSV.rstrip()),
    "csv, CRLF, no final newline": ("a.csv", CSV.replace("\n", "\r\n").rstrip()),
    "csv, blank lines": ("a.csv", CSV.replace("\n", "\n\n") + "\n\n"),
    "csv, blank lines, CRLF": ("a.csv", CSV.replace("\n", "\r\n\r\n")),
    "csv, all quoted": ("a.csv", "".join(
        ",".join(f'"{field}"' for field in line.split(",")) + "\n" for line in CSV.splitlines()
    )),
    "csv, other column order": ("a.csv", "".join(
        ",".join(line.split(",")[::-1]) + "\n" for line in CSV.splitlines()
    )),
    "csv, other row order": ("a.csv", "".join(
        CSV.splitlines(keepends=True)[row] for row in (0, 3, 1, 2)
    )),
    "csv, other columns with commas, quotes and line breaks": ("a.csv", "".join(
        f'"no, ""really""\r\n\n{line}",{line},\n' for line in CSV.splitlines()
    )),
    "csv, other spellings of the numbers": ("a.csv", CSV.replace(",4,", ",+4.0e0,").replace(
        ",1,", ",01.,").replace(",50", ",+050").replace("300", "1970-01-01T01:05:00+01:00")),
    "csv, a pair in several rows": ("a.csv", CSV.replace(
        "bob,tea,4,300", "bob,tea,1,300\nbob,tea,3,20")),
    "csv, gzip": ("a.csv.gz", gzip.compress(CSV.encode())),
    "csv, gzip in parts": ("a.csv.gz", gzip.compress(CSV[:50].encode()) + gzip.compress(
        CSV[50:].encode())),
    "csv, gzip without its ending": ("a.csv", gzip.compress(CSV.encode())),
    "csv, ending of gzip without gzip": ("a.csv.gz", CSV),
    "jsonl": ("a.jsonl", JSONL),
    "jsonl, CRLF": ("a.jsonl", JSONL.replace("\n", "\r\n")),
    "jsonl, no final newline": ("a.jsonl", JSONL.rstrip()),
    "jsonl, blank lines": ("a.jsonl", JSONL.replace("\n", "\n \t\n\n")),
    "jsonl, white space": ("a.jsonl", JSONL.replace("{", " {\t").replace(":", " :\r ")),
    "jsonl, escapes": ("a.jsonl", JSONL.replace("tea", "\\u0074ea").replace("user", "us\\u0065r")),
    "jsonl, other keys": ("a.jsonl", JSONL.replace(
        "{", '{"more": {"user_id": [7, null]}, "Weight": "much", ')),
    "jsonl, other spellings of the numbers": ("a.jsonl", JSONL.replace(" 4,", " 40e-1,").replace(
        " 300", ' "300"').replace(" 50", ' "1970-01-01T00:00:50Z"')),
    "jsonl, gzip": ("a.jsonl.gz", gzip.compress(JSONL.encode())),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS_TO_WRITE_IT)
def test_the_same_data_is_the_same_however_it_is_written(way: str, tmp_path: Path) -> None:
    name, content = WAYS_TO_WRITE_IT[way]
    interactions = read_interactions(save(tmp_path, name, content))
    plain = read_interactions(save(tmp_path, "plain.csv", CSV))
    assert content_of(interactions) == SAME
    assert interactions.sha256() == plain.sha256()


@pytest.mark.parametrize("chunk_bytes", [1, 30, 64])
@pytest.mark.parametrize("batch_rows", [1, 2])
@pytest.mark.parametrize("way", WAYS_TO_WRITE_IT)
def test_the_borders_of_chunks_change_no_data(
    way: str, chunk_bytes: int, batch_rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.inputs._CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr("mlcore.files.tables._BATCH_ROWS", batch_rows)
    assert content_of(read_interactions(save(tmp_path, *WAYS_TO_WRITE_IT[way]))) == SAME


@pytest.mark.parametrize(("chunk_bytes", "batch_rows"), [(1, 1), (1, 1000), (40, 2), (2**20, 1)])
def test_the_borders_of_chunks_change_no_error(
    chunk_bytes: int, batch_rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mlcore.files.inputs._CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr("mlcore.files.tables._BATCH_ROWS", batch_rows)
    for case in [*CSV_CASES, *JSONL_CASES]:
        ((name, content),) = case.files.items()
        with pytest.raises(DataError) as caught:
            read_interactions(save(tmp_path, name, content).name)
        assert (str(caught.value), caught.value.hint) == (case.error, case.hint)


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_are_counted_through_line_breaks_within_quotes(
    line_break: str, tmp_path: Path
) -> None:
    note = f'"one{line_break}two{line_break}{line_break}four"'
    rows = ["note,user_id,item_id,weight", f"{note},ann,tea,1", "", f"{note},bob,tea,0"]
    path = save(tmp_path, "a.csv", "".join(row + line_break for row in rows))
    # The header is line 1, the first row stands in lines 2 to 5, the blank line is line 6.
    with pytest.raises(DataError, match=r"a\.csv:7: weight: "):
        read_interactions(path)


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


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(("format", "text"), [("csv", CSV), ("jsonl", JSONL)])
def test_a_dash_is_standard_input(
    format: Format,
    text: str,
    compress: Callable[[bytes], bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    type_in(monkeypatch, compress(text.encode()))
    assert content_of(read_interactions("-", input_options=InputOptions(format=format))) == SAME


def test_messages_call_standard_input_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, "user_id\n")
    with pytest.raises(DataError, match="^standard input:1: item_id: expected a column"):
        read_interactions("-", input_options=InputOptions(format="csv"))
    with pytest.raises(DataError, match="^standard input: expected a name that ends in"):
        read_interactions("-")


def test_a_given_format_serves_names_that_do_not_tell(tmp_path: Path) -> None:
    assert (
        content_of(
            read_interactions(
                save(tmp_path, "a.log", JSONL), input_options=InputOptions(format="jsonl")
            )
        )
        == SAME
    )


def test_the_name_wins_over_a_given_format(tmp_path: Path) -> None:
    # One --format serves several files: that of standard input must not change the others.
    assert (
        content_of(
            read_interactions(
                save(tmp_path, "a.jsonl", JSONL), input_options=InputOptions(format="csv")
            )
        )
        == SAME
    )


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.csv", "csv"),
        ("a.csv.gz", "csv"),
        (".csv", "csv"),
        ("a.csv.jsonl", "jsonl"),
        (Path("b.csv/a.jsonl.gz"), "jsonl"),
    ],
)
def test_the_format_follows_the_ending(name: str | Path, format: str) -> None:
    assert find_format(name, None) == format


@pytest.mark.parametrize("name", ["a.CSV", "a.json", "a.gz", "csv", "a.csv.zip", "a.csv ", "-"])
def test_another_ending_is_no_format(name: str) -> None:
    with pytest.raises(DataError, match="expected a name that ends in"):
        find_format(name, None)


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


def test_a_weight_remembered_from_before_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.values._MEMO_SIZE", 3)
    weights = [1.5, 2.5, 3.5, 4.5, 1.5, 5.5, 2.5, 1.5]
    rows = "".join(f"u{row},tea,{weight}\n" for row, weight in enumerate(weights))
    events = read_events(save(tmp_path, "a.csv", f"user_id,item_id,weight\n{rows}"))
    assert events.weights.tolist() == weights


# 1,700,000,000 seconds after 1970 it was 22:13:20 on 14 November 2023 in Greenwich.
TIMESTAMPS = [
    ("1700000000", 1_700_000_000_000_000),
    ("+1700000000", 1_700_000_000_000_000),
    ("2023-11-14T22:13:20Z", 1_700_000_000_000_000),
    ("2023-11-14t22:13:20z", 1_700_000_000_000_000),
    ("2023-11-14 22:13:20Z", 1_700_000_000_000_000),
    ("2023-11-14T22:13:20+00:00", 1_700_000_000_000_000),
    ("2023-11-15T03:43:20+05:30", 1_700_000_000_000_000),
    ("2023-11-14T14:13:20-08:00", 1_700_000_000_000_000),
    ("2023-11-14T22:13:20.5Z", 1_700_000_000_500_000),
    ("2023-11-14T22:13:20.000001+00:00", 1_700_000_000_000_001),
    ("2023-11-14T22:13:20.1234569Z", 1_700_000_000_123_456),
    ("0", 0),
    ("-1", -1_000_000),
    ("1969-12-31T23:59:59.25Z", -750_000),
    ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
    ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
    ("-62135596800", -62_135_596_800_000_000),
    ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ("253402300799", 253_402_300_799_000_000),
]


@pytest.mark.parametrize(("text", "microseconds"), TIMESTAMPS)
def test_a_timestamp_is_seconds_or_rfc_3339(text: str, microseconds: int, tmp_path: Path) -> None:
    table = f"user_id,item_id,timestamp\nann,tea,{text}\n"
    line = f'{{"user_id": "ann", "item_id": "tea", "timestamp": "{text}"}}\n'
    files = [("a.csv", table), ("a.jsonl", line)]
    if text.lstrip("-").isdecimal():
        files.append(("b.jsonl", line.replace(f'"{text}"', text)))
    for name, content in files:
        times = read_events(save(tmp_path, name, content)).timestamps
        assert times is not None and times.tolist() == [microseconds], name


# Whoever takes an id for a number, a word for nothing, or trims or normalises, loses one of these.
NASTY_IDS = [
    "007", "7", "7.0", "+7", "1e5", "100000", "0x10", "1_000", " 7", "7 ", " ", "\t7", "\u00a0",
    "NA", "NaN", "nan", "null", "None", "none", "true", "True", "inf", "-", "--", "#7", "//",
    "__proto__", "constructor", "toString", "user_id", "item_id", "=1+1", "'7'", "`7`", "\\", "\\n",
    '"', '""', '"7"', 'a"b', ",", "a,b", ";", "{}", "[]", "\u00e9", "e\u0301", "\u212b", "\u00c5",
    "\ufeff", "\ufeff7", "\u200b7", "\u2028", "\x85", "\x0b", "\x0c", "\x1c", "\x1f", "\x7f",
    "\U0001f375", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\uffff", "\U0010ffff",
    "\u05d0\u05d1", "I", "i", "\u0130", "\u0131", "\u00df", "ss", "x" * 65_535, "\u00e9" * 32_767,
]  # fmt: skip


def write_nasty_csv(stream: Any) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["user_id", "item_id"])
    writer.writerows((user, item) for user, item in zip(NASTY_IDS, reversed(NASTY_IDS)))


def write_nasty_jsonl(stream: Any) -> None:
    for user, item in zip(NASTY_IDS, reversed(NASTY_IDS)):
        stream.write(json.dumps({"user_id": user, "item_id": item}) + "\n")


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


ids = st.one_of(
    st.sampled_from([id_ for id_ in NASTY_IDS if len(id_) < 100]),
    st.text(
        st.characters(codec="utf-8", exclude_characters="\0\n\r"), min_size=1, max_size=6
    ),
)  # fmt: skip
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


def test_more_rows_than_are_written_at_once_are_all_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.interactions._ROWS_PER_WRITE", 2)
    content: Content = {(f"u{row}", "tea"): (row + 1.0, None) for row in range(7)}
    stream = io.StringIO()
    write_interactions(stream, interactions_of(content), "a.csv")
    assert content_of(read_interactions(save(tmp_path, "a.csv", stream.getvalue()))) == content


@given(field=st.text())
def test_a_quoted_field_is_one_field_to_every_reader(field: str) -> None:
    line = f"{quote_csv(field)},end"
    assert list(csv.reader(io.StringIO(line, newline=""), strict=True)) == [[field, "end"]]


def test_progress_is_told_up_to_the_size_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.inputs._CHUNK_BYTES", 10)
    monkeypatch.chdir(tmp_path)
    for content in (CSV.encode(), gzip.compress(CSV.encode())):
        save(tmp_path, "a.csv", content)
        told: list[tuple[str, int, int]] = []
        read_interactions("a.csv", progress=lambda *report: told.append(report))
        assert {(step, total) for step, _, total in told} == {("read a.csv", len(content))}
        done = [position for _, position, _ in told]
        assert done == sorted(done) and done[-1] == len(content)


def test_the_end_of_standard_input_is_unknown_to_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, CSV)
    told: list[tuple[str, int, int]] = []
    read_interactions(
        "-", input_options=InputOptions(format="csv"), progress=lambda *report: told.append(report)
    )
    assert set(told) == {("read standard input", 77, 0)}


# --- histories ---


def test_histories_come_in_the_order_of_the_file(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    lines = (
        '{"user_id": "s2", "history": [{"item_id": "tea"}, {"item_id": "007", "weight": 2.5}]}\n'
        "\n"
        '{"history": [], "user_id": "s1", "more": 1}\n'
    )
    expected = [
        UserHistory("s2", [("tea", 1.0), ("007", 2.5)], "a.jsonl:1"),
        UserHistory("s1", [], "a.jsonl:3"),
    ]
    save(tmp_path, "a.jsonl", lines)
    save(tmp_path, "b.jsonl.gz", gzip.compress(lines.encode()))
    assert list(read_histories("a.jsonl")) == expected
    assert [history[:2] for history in read_histories("b.jsonl.gz")] == [
        history[:2] for history in expected
    ]


def test_a_table_of_histories_has_one_for_each_user(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    save(tmp_path, "a.csv", "item_id,user_id,weight\ntea,s2,1\n007,s1,2.5\nmilk,s2,3\ntea,s2,1\n")
    assert list(read_histories("a.csv")) == [
        UserHistory("s1", [("007", 2.5)], "a.csv"),
        UserHistory("s2", [("milk", 3.0), ("tea", 2.0)], "a.csv"),
    ]


def test_histories_come_from_standard_input_too(monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, '{"user_id": "s", "history": []}')
    assert list(read_histories("-", InputOptions(format="jsonl"))) == [
        UserHistory("s", [], "standard input:1")
    ]


# --- lists, titles, configurations ---


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "x,user_id\n1,007\n2,b\n\n3,007\n4,7\n"),
        ("a.jsonl", '{"user_id": "007"}\n\n{"user_id": "b"}\n{"user_id": "007"}\n{"user_id": "7"}'),
    ],
)
def test_ids_are_read_once_each_in_order_of_appearance(
    name: str, content: str, tmp_path: Path
) -> None:
    assert read_ids(save(tmp_path, name, content), "user_id") == ["007", "b", "7"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", 'title,genre,item_id\n"Tea, for two",t,007\n,t,7\n'),
        (
            "a.jsonl",
            '{"item_id": "007", "title": "Tea, for two"}\n{"item_id": "7", "title": ""}\n',
        ),
    ],
)
def test_titles_are_read_as_they_are(name: str, content: str, tmp_path: Path) -> None:
    titles = read_titles(save(tmp_path, name, content))
    assert titles == {"007": "Tea, for two", "7": ""}


def test_the_last_of_several_titles_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcore.files.tables._BATCH_ROWS", 2)
    rows = ["a,one", "b,two", "a,three", "c,four", "b,five"]
    path = save(tmp_path, "a.csv", "item_id,title\n" + "\n".join(rows))
    assert read_titles(path) == {"a": "three", "b": "five", "c": "four"}


def test_a_configuration_is_read_over_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '{\n  "num_neighbors": null,\n  "shrinkage": 5,\n  "similarity": {"name": "dice"}\n}\n'
    found = read_config(save(tmp_path, "config.json", text))
    defaults = TrainConfig().to_json()
    changed = {"num_neighbors": None, "shrinkage": 5.0, "similarity": {"name": "dice"}}
    assert found.to_json() == defaults | changed
    type_in(monkeypatch, text)
    assert read_config("-") == found
    assert read_config(None) == TrainConfig()


def test_a_whole_text_is_read_across_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.inputs._CHUNK_BYTES", 1)
    text = "one\r\ntwo\n\n\u00e9\u2028four"
    assert read_text(save(tmp_path, "a.txt", text)) == text


# --- predictions ---


def test_predictions_keep_the_order_of_lists_and_items(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = (
        '{"user_id": "u2", "items": [{"item_id": "b", "score": 2}, {"item_id": "a"}], "x": 1}\n'
        "\n"
        '{"user_id": "u1", "items": []}\n'
        '{"items": [{"score": "?", "item_id": "007"}, {"item_id": "b"}], "user_id": "\\u00e9"}\n'
    )
    save(tmp_path, "a.jsonl", lines)
    found = read_predictions("a.jsonl")
    assert list(found.user_ids) == ["u2", "u1", "\u00e9"]
    lists = [
        [found.item_ids[item] for item in found.items[begin:end]]
        for begin, end in zip(found.indptr, found.indptr[1:])
    ]
    assert lists == [["b", "a"], [], ["007", "b"]]
    assert (found.indptr.dtype.name, found.items.dtype.name) == ("int64", "int32")
    assert [found.place_of(row) for row in range(3)] == [
        "a.jsonl:1: ",
        "a.jsonl:3: ",
        "a.jsonl:4: ",
    ]


@given(lists=st.dictionaries(ids, st.lists(ids, max_size=4, unique=True), min_size=1, max_size=4))
def test_predictions_that_were_formatted_are_read_back(
    lists: dict[str, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    lines = [
        format_prediction(format_string(user), [(format_string(item), 0.5, True) for item in items])
        for user, items in lists.items()
    ]
    path = tmp_path_factory.getbasetemp() / "predictions.jsonl"
    path.write_bytes("".join(lines).encode())
    found = read_predictions(path)
    assert list(found.user_ids) == list(lists)
    read = [found.item_ids[item] for item in found.items]
    assert read == [item for items in lists.values() for item in items]
    assert np.diff(found.indptr).tolist() == [len(items) for items in lists.values()]
