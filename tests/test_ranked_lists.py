"""mlcore.ranked_lists: the longest list, and where a list comes from."""

from __future__ import annotations

from dataclasses import replace

from tests import oracles


def test_the_longest_list_is_that_of_most_items() -> None:
    assert oracles.predictions_of({"u": ["a"], "v": ["b", "a", "c"], "w": []}).longest == 3
    assert oracles.predictions_of({"u": []}).longest == 0
    assert oracles.predictions_of({}).longest == 0


def test_a_list_is_named_by_file_and_line_if_these_are_known() -> None:
    lists = oracles.predictions_of({"u": ["a"], "v": ["b"]})
    assert lists.place_of(1) == ""
    assert replace(lists, place="lists.jsonl", lines=[1, 7]).place_of(1) == "lists.jsonl:7: "
