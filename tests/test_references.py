"""mlcore.references: which ids are known elsewhere, and why none may be."""

from __future__ import annotations

import unicodedata

import pytest

from mlcore.references import count_unknown, hint_at_one, likely_reason, none_known

CAFE = unicodedata.normalize("NFC", "café")


@pytest.mark.parametrize(
    ("given", "known", "difference"),
    [
        ("7", "0007", "leading zeros differ"),
        ("007", "7", "leading zeros differ"),
        (" 7", "7", "spaces around them differ"),
        ("tea", "tea\t", "spaces around them differ"),
        ("i0017", "i17", "leading zeros differ"),
        ("0", "00", "leading zeros differ"),
        ("s-1", "S_1", "spaces, punctuation or case differ"),
        ("green tea", "green-tea", "spaces, punctuation or case differ"),
        ("Tea", "TEA", "upper and lower case differ"),
        ("7.0", "7", "one has decimals"),
        ("7.0", "0007", "they are spelled in two ways"),
        ("A-07 ", "a7", "they are spelled in two ways"),
        (unicodedata.normalize("NFD", CAFE), CAFE, "their Unicode forms differ (NFC, NFD)"),
        (CAFE, unicodedata.normalize("NFD", CAFE), "their Unicode forms differ (NFC, NFD)"),
    ],
)
def test_each_difference_of_spelling_is_found(given: str, known: str, difference: str) -> None:
    expected = f"is {given!r} meant to be {known!r}? {difference}"
    assert likely_reason(["x", given], ["y", known]) == expected
    fault = none_known("a.csv", "user_id", ["x", given], ["y", known], "the model")
    assert fault is not None and fault.hint == expected


def test_no_reason_is_given_where_ids_have_nothing_in_common() -> None:
    assert likely_reason(["x", "70"], ["y", "7", "café", "cafè"]) is None
    fault = none_known("a.csv", "user_id", ["x", "w"], ["z", "y"], "the model")
    assert fault is not None
    assert fault.hint == "the first is 'x', the first of the model 'y'"


def test_of_known_ids_that_are_spelled_alike_the_first_is_named() -> None:
    assert likely_reason(["7"], ["07", "007"]) == "is '7' meant to be '007'? leading zeros differ"


def test_one_known_id_or_no_id_at_all_is_no_fault() -> None:
    assert none_known("a.csv", "item_id", ["7", "8"], ["8"], "the model") is None
    assert none_known("a.csv", "item_id", [], ["8"], "the model") is None


def test_nothing_to_know_is_said() -> None:
    fault = none_known("a.csv", "item_id", ["7"], [], "the lists")
    assert fault is not None and fault.hint == "the lists has none"


def test_each_unknown_id_counts_once() -> None:
    assert count_unknown(["a", "b", "b", "c"], ["c", "d"]) == 2


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ("Sugar", "is 'Sugar' meant to be 'sugar'? upper and lower case differ"),
        ("sugr", "is 'sugr' meant to be 'sugar'? one letter differs"),
        ("sugaar", "is 'sugaar' meant to be 'sugar'? one letter differs"),
        ("zugar", "is 'zugar' meant to be 'sugar'? one letter differs"),
        ("sugra", "is 'sugra' meant to be 'sugar'? two letters are swapped"),
        ("i017b", "is 'i017b' meant to be 'i017a'? one letter differs"),
        # The rest may well be others: digits, two slips, short ones.
        ("i018a", "the first of the model is 'i017a'"),
        ("i0170a", "the first of the model is 'i017a'"),
        ("zugra", "the first of the model is 'i017a'"),
        ("ai", "the first of the model is 'i017a'"),
        ("", "the first of the model is 'i017a'"),
    ],
)
def test_a_slip_in_an_id_that_somebody_typed_is_found(given: str, hint: str) -> None:
    assert hint_at_one(given, ["sugar", "i017a", "te"], "the model") == hint


def test_of_several_known_ids_one_slip_away_the_first_is_named() -> None:
    assert hint_at_one("tee", ["ten", "tea"], "the model") == (
        "is 'tee' meant to be 'tea'? one letter differs"
    )
    assert hint_at_one("tee", [], "the model") == "the model has none"
