"""mlcore.report.examples: who is chosen, and what is said of their lists."""

from __future__ import annotations

import pytest

from mlcore import DataError, Interactions, Model, train_from_data
from mlcore.ranked_lists import Predictions
from mlcore.report.examples import MAX_NAME, Examples, choose_examples
from tests.report.reading import read_page

BAD = "<b>" + "x" * 200
TRUTH = {"ann": ["jam", "tea"], "bob": ["milk"], "eve": ["tea"], "zoe": ["jam"]}
LISTS = {"eve": ["jam", "tea"], "ann": ["jam"], "bob": ["tea"], "yan": ["tea"]}
MODEL = train_from_data(
    Interactions.from_columns(["ann", "ann", "bob", "bob", "x", "x"], [*"ab", *"ab", "a", "jam"])
)


def examples(model: Model | None = None, titles: dict[str, str] = {}) -> Examples:
    pairs = [(user, item) for user, items in TRUTH.items() for item in items]
    truth = Interactions.from_columns(*zip(*pairs))
    return choose_examples(Predictions.from_lists(LISTS), truth, model, titles)


def test_users_go_from_the_best_list_to_the_worst_with_hits_and_misses() -> None:
    users = examples().users
    assert [user.user_id for user in users] == [
        "eve",
        "ann",
        "bob",
    ]  # zoe has no list, yan no truth
    assert [user.value for user in users] == pytest.approx([0.6309, 0.6131, 0], abs=1e-4)
    assert [(item.name, item.is_hit) for item in users[0].items] == [("jam", False), ("tea", True)]
    assert [list(user.missed) for user in users] == [[], ["tea"], ["milk"]]
    assert [user.history for user in users] == [None] * 3


def test_a_model_adds_histories_and_reasons_and_titles_replace_ids() -> None:
    _, ann, _ = examples(MODEL, {"a": BAD, "jam": "Plum jam"}).users
    assert ann.history is not None and sorted(ann.history) == sorted(
        [BAD[: MAX_NAME - 1] + "\u2026", "b"]
    )
    assert ann.items[0].name == "Plum jam"
    assert ann.items[0].because == [BAD[: MAX_NAME - 1] + "\u2026"]  # b and jam share no user


def test_of_many_users_ten_are_evenly_spaced() -> None:
    lists = {f"u{n:03}": ["x"] * 0 + [f"i{m}" for m in range(n % 7)] + ["a"] for n in range(100)}
    truth = Interactions.from_columns(list(lists), ["a"] * 100)
    users = choose_examples(Predictions.from_lists(lists), truth).users
    ordered = sorted(lists, key=lambda user: (int(user[1:]) % 7, user))
    assert [user.user_id for user in users] == [ordered[11 * n] for n in range(10)]


def test_names_are_text_on_the_page() -> None:
    page = read_page(examples(MODEL, {"jam": BAD, "tea": "</li>"}).html("c"))
    assert page.all("h4")[0].text == "eve 0.6309"
    assert [one.text for one in page.all("li", "hit")][0] == "</li>"
    assert len(page.all("div", "user")) == 3


def test_lists_of_others_are_refused() -> None:
    truth = Interactions.from_columns(["x"], ["y"])
    with pytest.raises(DataError, match="user_id: expected"):
        choose_examples(Predictions.from_lists(LISTS), truth)
