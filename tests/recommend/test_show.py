"""mlcore.recommend.show: lists for people to read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlcore import DataError
from mlcore.errors import UnknownUserError, shorten
from mlcore.recommend.show import show_from_path


def test_show_names_the_three_greatest_contributions(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,title\na,Tea\nb,Milk\nd,Jam\n")
    because = [("a", 0.5), ("b", 2.25), ("c", -9.0), ("d", 0.125), ("e", 0.5)]
    contributions = [{"item_id": item, "share": share} for item, share in because]
    items = [
        {"item_id": "x", "score": -5.625, "because": contributions},
        {"item_id": "b", "score": -1, "because": [{"item_id": "a", "share": -1}]},
        {"item_id": "y", "score": 0, "source": "popularity", "because": []},
        {"item_id": "d", "score": 0.5},
    ]
    lists = tmp_path / "lists.jsonl"
    lists.write_text(json.dumps({"user_id": "ann", "items": items}) + "\n")
    assert show_from_path(lists, tmp_path / "items.csv").splitlines() == [
        "ann may like:",
        "  1. x (-5.6250)",
        "     because of Milk (2.2500), Tea (0.5000), e (0.5000)",
        "  2. Milk (-1.0000)",
        "  3. y (popular)",
        "  4. Jam (0.5000)",
    ]


@pytest.mark.parametrize(
    "because",
    ['{"a": 1}', '["a"]', '[{"item_id": "a"}]', '[{"item_id": 1, "share": 1}]', "null"]
    + [f'[{{"item_id": "a", "share": {number}}}]' for number in ("1e999", "1" + 400 * "0", "true")],
)
def test_show_refuses_contributions_of_another_form(because: str, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,title\na,Tea\n")
    lists = tmp_path / "lists.jsonl"
    lists.write_text(
        f'{{"user_id": "u", "items": [{{"item_id": "a", "score": 1, "because": {because}}}]}}\n'
    )
    with pytest.raises(DataError) as caught:
        show_from_path(lists, tmp_path / "items.csv")
    assert str(caught.value) == (
        f"{lists}: items: because: expected objects with item_id and share, "
        f"got {shorten(json.loads(because))}"
    )


@pytest.mark.parametrize("score", ["1" + 400 * "0", 900_000 * "9", "-1e999", "true", '"1"', "null"])
def test_a_score_that_is_no_finite_number_is_none(score: str, tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,title\na,Tea\n")
    lists = tmp_path / "lists.jsonl"
    lists.write_text(f'{{"user_id": "u", "items": [{{"item_id": "a", "score": {score}}}]}}\n')
    shown = show_from_path(lists, tmp_path / "items.csv")
    assert shown == "u may like:\n  1. Tea (no score)"


def test_a_history_comes_first_by_weight_and_cut_like_the_list(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text("item_id,title\na,Tea\nb,Milk\n")
    lists, histories = tmp_path / "lists.jsonl", tmp_path / "histories.csv"
    lists.write_text(
        '{"user_id": "bob", "items": []}\n'
        '{"user_id": "ann", "items": [{"item_id": "x", "score": 1}, {"item_id": "a", "score": 0.5}]}\n'
    )
    histories.write_text("user_id,item_id,weight\nann,c,1\nann,b,3\nann,a,1\n")
    shown = show_from_path(
        lists, tmp_path / "items.csv", histories_path=histories, user_id="ann", top_n=2
    )
    assert shown.splitlines() == [
        "ann took:", "     Milk", "     Tea",
        "ann may like:", "  1. x (1.0000)", "  2. Tea (0.5000)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("user_id", "content", "message"),
    [
        ("eve", '{"user_id": "ann", "items": []}', "got none for 'eve'"),
        (None, "", "got no line"),
    ],
)
def test_a_user_without_a_list_is_refused(
    user_id: str | None, content: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "items.csv").write_text("item_id,title\na,Tea\n")
    lists = tmp_path / "lists.jsonl"
    lists.write_text(content)
    with pytest.raises(UnknownUserError) as caught:
        show_from_path(lists, tmp_path / "items.csv", user_id=user_id)
    assert str(caught.value) == f"{lists}: user_id: expected a list of the user, {message}"


def test_a_title_takes_one_line_and_says_nothing_to_the_terminal(tmp_path: Path) -> None:
    title = "A tale\r\nof two\u2028rows\x1b[2J\x07\u202e \u200d\u00e9"
    (tmp_path / "items.csv").write_text(f'item_id,title\na,"{title}"\nb,Tea\n', newline="")
    lists = tmp_path / "lists.jsonl"
    entries = [{"item_id": item, "score": 1} for item in ("a", "b", "c")]
    lists.write_text(json.dumps({"user_id": "u\n1", "items": entries}) + "\n")
    shown = show_from_path(lists, tmp_path / "items.csv", top_n=2)
    assert shown.split("\n") == [
        "u\\n1 may like (2 of 3):",
        "  1. A tale\\r\\nof two\\u2028rows\\x1b[2J\\x07\\u202e \u200d\u00e9 (1.0000)",
        "  2. Tea (1.0000)",
    ]
