"""mlcore.files.predictions: lines as we write them are read fast, and never otherwise than others."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mlcore.errors import DataError
from mlcore.files import predictions as module
from mlcore.files.predictions import (
    Entries,
    format_prediction,
    format_predictions,
    read_predictions,
)
from mlcore.jsontext import format_number, format_string
from tests.files.samples import save

WRITTEN = [
    '{"user_id": "u", "items": [{"item_id": "a", "score": 0.75}]}',
    '{"user_id": "", "items": [{"item_id": "b", "score": 1}, {"item_id": "a", "score": -1e-7}]}',
    '{"user_id": "ü, {}", "items": [{"item_id": "é]}", "score": 0}, {"item_id": ", ", "score": 1e+21}]}',
    '{"user_id": "v", "items": [{"item_id": "a", "score": 0, "source": "popularity"}]}',
    '{"user_id": "w", "items": [{"item_id": "a", "score": 0.5, "because": '
    '[{"item_id": "b", "share": 0.5}, {"item_id": "b", "share": -2.5e-9}]}, '
    '{"item_id": "c", "score": 0, "source": "popularity", "because": []}]}',
]
# Of other forms, but right; the reader must give for them what it gives for the plain form.
OTHERS = {
    "escape": '{"user_id": "\\u0075", "items": [{"item_id": "\\u0061", "score": 0.75}]}',
    "no score": '{"user_id": "u", "items": [{"item_id": "a"}]}',
    "spaces": ' {"user_id" : "u","items":[ {"item_id":"a","score":0.75}] } ',
    "carriage return": '{"user_id": "u", "items": [{"item_id": "a", "score": 0.75}]}\r',
    "other order": '{"items": [{"score": 0.75, "item_id": "a"}], "user_id": "u"}',
    "more keys": '{"user_id": "u", "items": [{"item_id": "a", "score": 0.75, "rank": 1}], "n": 1}',
    "score is text": '{"user_id": "u", "items": [{"item_id": "a", "score": "high"}]}',
    "exponent": '{"user_id": "u", "items": [{"item_id": "a", "score": -0.0E+5}]}',
    "beyond float64": '{"user_id": "u", "items": [{"item_id": "a", "score": 1e999}]}',
    "long integer": '{"user_id": "u", "items": [{"item_id": "a", "score": ' + "9" * 300 + "}]}",
    "very long integer": '{"user_id": "u", "items": [{"item_id": "a", "score": '
    + "9" * 5000
    + "}]}",
}
ENTRY = '{"user_id": "u", "items": [{"item_id": "a", "score": 1}, {"item_id": "b", "score": 2}]}'
# Each differs from a line that we write by one fault.
FAULTY = {
    "score .5": ENTRY.replace("1}", ".5}"),
    "score 5.": ENTRY.replace("1}", "5.}"),
    "score 01": ENTRY.replace("1}", "01}"),
    "score +1": ENTRY.replace("1}", "+1}"),
    "score 1e": ENTRY.replace("1}", "1e}"),
    "score -": ENTRY.replace("1}", "-}"),
    "score of other digits": ENTRY.replace("1}", "١}"),
    "score NaN": ENTRY.replace("1}", "NaN}"),
    "no comma": ENTRY.replace("}, {", "} {"),
    "two commas": ENTRY.replace("}, {", "},, {"),
    "comma at the end": ENTRY.replace("}]}", "}, ]}"),
    "begins another entry": ENTRY.replace("}]}", '}, {"item_id": "'),
    "not closed": ENTRY[:-1],
    "closed twice": ENTRY + "}",
    "closed early": ENTRY.replace("1}, ", "1}]}, "),
    "an id after the end": ENTRY.replace('1}, {"item_id": "b"', '1}]}b"'),
    "text after it": ENTRY + " x",
    "text before it": "x" + ENTRY,
    "quote in an id": ENTRY.replace('"b"', '"b"b"'),
    "two ids": ENTRY.replace('"b"', '"b", "item_id": "c"'),
    "tab in an id": ENTRY.replace('"b"', '"b\t"'),
    "escape in an id": ENTRY.replace('"b"', '"b\\q"'),
    "quote in the user": ENTRY.replace('"u"', '"u"u"'),
    "control character in the user": ENTRY.replace('"u"', '"u\x01"'),
    "empty id": ENTRY.replace('"b"', '""'),
    "long id": ENTRY.replace('"b"', '"' + "é" * 33_000 + '"'),
    "item twice": ENTRY.replace('"b"', '"a"'),
    "key twice": ENTRY.replace('"score": 2', '"score": 2, "score": 3'),
    "source is no text": ENTRY.replace("2}", '2, "source": popularity}'),
    "share missing": ENTRY.replace("2}", '2, "because": [{"item_id": "a", "share": }]}'),
    "user twice": ENTRY + "\n" + ENTRY,
    "user twice and item twice": ENTRY + "\n" + ENTRY.replace('"b"', '"a"'),
    "user twice and not JSON": ENTRY + "\n" + ENTRY.replace('"b"', '"a""'),
}


def outcome(path: Path, text: str) -> object:
    """All that a file gives: the lists, or the error."""
    path.write_bytes(text.encode())
    try:
        found = read_predictions(path)
    except DataError as error:
        return str(error), error.hint
    lists = [
        [found.item_ids[item] for item in found.items[begin:end].tolist()]
        for begin, end in zip(found.indptr, found.indptr[1:])
    ]
    return found.user_ids, found.item_ids, lists, found.lines


def outcome_by_parser(path: Path, text: str) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_split_line", lambda text: ("", []))
        return outcome(path, text)


@pytest.mark.parametrize("line", WRITTEN)
def test_lines_as_we_write_them_do_without_the_parser(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = outcome_by_parser(tmp_path / "p.jsonl", line)
    monkeypatch.delattr(module, "parse_json_object")
    assert outcome(tmp_path / "p.jsonl", line) == expected
    value = json.loads(line)
    ids = [entry["item_id"] for entry in value["items"]]
    assert expected == ([value["user_id"]], ids, [ids], [1])


@pytest.mark.parametrize("name", OTHERS)
def test_the_same_list_in_another_form_is_the_same_list(name: str, tmp_path: Path) -> None:
    text = f"\n{OTHERS[name]}\n"
    assert outcome(tmp_path / "p.jsonl", text) == (["u"], ["a"], [["a"]], [2])


@pytest.mark.parametrize("name", FAULTY)
def test_a_fault_is_the_one_that_the_parser_finds(name: str, tmp_path: Path) -> None:
    text = f"{WRITTEN[1]}\n{FAULTY[name]}\n"
    expected = outcome_by_parser(tmp_path / "p.jsonl", text)
    assert isinstance(expected, tuple) and len(expected) == 2, "the parser finds no fault"
    assert outcome(tmp_path / "p.jsonl", text) == expected


def test_a_quote_is_no_part_of_an_id_though_another_line_has_such_an_id(tmp_path: Path) -> None:
    known = '{"user_id": "v", "items": [{"item_id": "a\\"b"}]}'
    text = f"{known}\n" + ENTRY.replace('"b"', '"a"b"')
    assert outcome(tmp_path / "p.jsonl", text) == outcome_by_parser(tmp_path / "p.jsonl", text)
    assert len(str(outcome(tmp_path / "p.jsonl", text)).split("expected a JSON object")) == 2


def test_what_we_write_is_read_back_whatever_the_ids(tmp_path: Path) -> None:
    users = ["u", 'quote"', "back\\slash", "tab\t", "é\u2028\u00a0\x7f\x85", "🂡", "]}", ""]
    items = [user + "!" for user in users]
    reasons = [[(format_string(item), -0.25)] for item in items]
    text = "".join(
        format_prediction(
            format_string(user),
            [(format_string(item), score, filled) for item in items],
            reasons if explained else None,
        )
        for user, score, filled, explained in zip(
            users,
            [0.1, 1e-7, -1e300, 5e-324, 2**53, 1e21, 0.0, 123456.789],
            [False, True] * 4,
            [False, False, True, True] * 2,
        )
    )
    everything = (users, items, [items] * 8, list(range(1, 9)))
    assert outcome(tmp_path / "p.jsonl", text) == everything
    assert outcome_by_parser(tmp_path / "p.jsonl", text) == everything
    (tmp_path / "p.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    assert read_predictions(tmp_path / "p.jsonl.gz").user_ids == users


ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=4).map(format_string)
numbers = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, 1.0, 0.5, 1e-9])
reasons = st.lists(st.tuples(ids, numbers), max_size=3)
listed_items = st.lists(st.tuples(ids, numbers, st.booleans(), reasons), max_size=4)


def plain_line(user: str, listed: list[Any], explained: bool) -> str:
    parts = []
    for item, score, filled, because in listed:
        shares = [
            f'{{"item_id": {id_}, "share": {format_number(share)}}}' for id_, share in because
        ]
        parts.append(
            f'{{"item_id": {item}, "score": {format_number(score)}'
            + (', "source": "popularity"' if filled else "")
            + (f', "because": [{", ".join(shares)}]' if explained else "")
            + "}"
        )
    return f'{{"user_id": {user}, "items": [{", ".join(parts)}]}}\n'


@given(st.lists(st.tuples(ids, listed_items), max_size=4), st.booleans())
def test_many_lines_are_written_as_each_alone_piece_by_piece(
    lists: list[tuple[str, list[Any]]], explained: bool
) -> None:
    everything = [entry for _, listed in lists for entry in listed]
    pairs = [pair for *_, because in everything for pair in because]
    lengths = [[len(listed) for _, listed in lists], [len(entry[3]) for entry in everything]]
    bounds = [[0, *itertools.accumulate(each)] for each in lengths]
    because = Entries(bounds[1], [item for item, _ in pairs], [share for _, share in pairs])
    found = format_predictions(
        [user for user, _ in lists],
        Entries(bounds[0], [entry[0] for entry in everything], [entry[1] for entry in everything]),
        [entry[2] for entry in everything],
        because if explained else None,
    )
    assert found == "".join(plain_line(user, listed, explained) for user, listed in lists)
    assert found == "".join(
        format_prediction(
            user,
            (entry[:3] for entry in listed),
            (entry[3] for entry in listed) if explained else None,
        )
        for user, listed in lists
    )


MARKS = ["{", "}", "[", "]", ",", ", ", ":", '"', "\\", "\\u0061", "\n", "\r", " ", "\t", "\x00",
         "0", "1", "-", "+", ".", "e", "E", "a", "é", "\ud7ff", "null", "NaN", '"item_id": "', '"score": ',
         '{"item_id": "z", "score": 1}', ', "source": "popularity"', ', "because": []', "]}", ""]  # fmt: skip


@st.composite
def broken_files(draw: st.DrawFn) -> str:
    """Lines as we write them, with some pieces cut out, put in, or moved."""
    text = "\n".join(draw(st.lists(st.sampled_from([*WRITTEN, ENTRY]), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, len(text)))
        end = min(len(text), begin + draw(st.sampled_from([0, 0, 1, 1, 2, 5, 20])))
        text = text[:begin] + draw(st.sampled_from([*MARKS, text[begin:end] * 2])) + text[end:]
    return text


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("predictions")


@given(text=broken_files())
@example(text="")
@example(text=WRITTEN[0] + "\n\n" + WRITTEN[1])
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_a_file_holds_it_is_read_as_the_parser_reads_it(folder: Path, text: str) -> None:
    path = folder / "p.jsonl"
    assert outcome(path, text) == outcome_by_parser(path, text)


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
