"""mlcore.files.values: numbers, ids, weights and timestamps by one grammar each."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mlcore.files.interactions import read_events
from mlcore.files.tables import BadValue
from mlcore.files.values import (
    JSON_NUMBER,
    IdEncoder,
    parse_number,
    weight_from_json,
    weight_from_text,
)
from mlcore.jsontext import parse_json
from tests.files.samples import TIMESTAMPS, save


def test_a_weight_remembered_from_before_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.values._MEMO_SIZE", 3)
    weights = [1.5, 2.5, 3.5, 4.5, 1.5, 5.5, 2.5, 1.5]
    rows = "".join(f"u{row},tea,{weight}\n" for row, weight in enumerate(weights))
    events = read_events(save(tmp_path, "a.csv", f"user_id,item_id,weight\n{rows}"))
    assert events.weights.tolist() == weights


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


@pytest.mark.parametrize("text", ["0", "7", "-7", "0.5", "1e5", "-1.25E-7", "12e+3"])
def test_a_json_number_is_a_number_of_python(text: str) -> None:
    assert re.fullmatch(JSON_NUMBER, text) and json.loads(text) == float(text)
    assert parse_number(text) == float(text)


@pytest.mark.parametrize(
    "text", ["", "+7", "07", ".5", "5.", "1e", "- 1", "0x1", "NaN", "\u0661", "1_0"]
)
def test_any_other_text_is_no_json_number(text: str) -> None:
    assert not re.fullmatch(JSON_NUMBER, text)
    with pytest.raises(ValueError):
        parse_json(text)


@pytest.mark.parametrize(
    "text", ["0", "-1", "1e-400", "1e400", "inf", "nan", " 1", "1_0", "\u0661", ""]
)
def test_a_weight_is_finite_and_above_0(text: str) -> None:
    with pytest.raises(BadValue, match="^expected a finite number above 0, got "):
        weight_from_text(text)


@pytest.mark.parametrize("value", [0, -1.5, True, None, "1", [1], 10**400])
def test_a_weight_of_json_is_a_number(value: object) -> None:
    with pytest.raises(BadValue, match="^expected a finite number above 0, got "):
        weight_from_json(value)


def test_ids_are_numbered_in_order_of_appearance_and_checked_once() -> None:
    checked: list[str] = []
    ids = IdEncoder(checked.append)
    assert [ids[text] for text in ("b", "a", "b")] == [0, 1, 0]
    assert (list(ids), checked) == (["b", "a"], ["b", "a"])
    for wrong in ("", "a\nb", 7):
        with pytest.raises(BadValue):
            ids.encode_json(wrong)
