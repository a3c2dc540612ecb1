"""mlcore.printable: what is shown of texts of others, and that it is the same text."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.printable import JOINERS, printable, printable_json

ALL = [chr(code) for code in range(sys.maxunicode + 1)]
# Of each kind that steers or hides: controls of both sets, direction, no width, separators, tags,
# spaces, half a pair, private use.
STEERING = (
    "\x00\t\n\r\x1b\x7f\x85\x9b\xa0\xad\u061c\u200b\u200e\u202e\u2066\u2028\u2029\u3000\ufeff"
)
STEERING += "\ud800\udcff\ue000\uffff\U000e0001"


def test_every_character_is_shown_as_repr_shows_it() -> None:
    for char in ALL:
        shown = char if char in "'\\" else repr(char)[1:-1]
        assert printable(char) == shown and shown.isprintable()


@pytest.mark.parametrize("char", STEERING)
def test_what_steers_is_escaped_wherever_it_stands(char: str) -> None:
    assert printable(f"a{char}b") == f"a{repr(char)[1:-1]}b"
    assert json.loads(printable_json(json.dumps(char, ensure_ascii=False))) == char


@pytest.mark.parametrize(
    "text", ["é ñ 漢字 한국어", "שלום عربي", "e\u0301", "👍🏽", "C:\\new", "'\""]
)
def test_other_scripts_stay_as_they_are(text: str) -> None:
    assert printable(text) == printable_json(text) == text


def test_joiners_stay_where_they_are_kept() -> None:
    family = "👩\u200d👧 می\u200cخواهم"
    assert printable(family, JOINERS) == family
    assert printable(family) == "👩\\u200d👧 می\\u200cخواهم"
    assert printable("a\nb\tc", "\n") == "a\nb\\tc"


@given(st.text())
def test_a_second_time_changes_nothing(text: str) -> None:
    assert printable(printable(text)) == printable(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_stays_the_same_json(text: str) -> None:
    shown = printable_json(json.dumps({text: [text]}, ensure_ascii=False, indent=1))
    assert json.loads(shown) == {text: [text]}
    assert all(line.isprintable() for line in shown.split("\n"))
