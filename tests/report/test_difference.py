"""mlcore.report.difference: what changed from one model to the other."""

from __future__ import annotations

from mlcore import Interactions, train_from_data
from mlcore.diff import diff_from_data
from mlcore.report.difference import DIFFERENCE, report_difference
from mlcore.report.page import Table
from mlcore.report.shapes import check_shape
from tests.charts.test_difference import DIFFERENCE as DOCUMENT


def test_a_difference_says_what_changed_and_what_to_do() -> None:
    check_shape(DOCUMENT, DIFFERENCE, "a")
    part = report_difference(DOCUMENT, "a", {"tea": "Green tea", "milk": "Milk"})
    assert part.verdict[:2] == [
        "3 of 5 items have other neighbors (rbo 0.7500); 12 items are gone, 0 are new.",
        "Trained on other interactions, 2 settings differ.",
    ]
    assert part.verdict[3] == "The gate failed: rbo: expected at least 0.9, got 0.75."
    tables = {block.title: block.rows for block in part.blocks if isinstance(block, Table)}
    assert list(tables["Settings that differ"]) == [
        {"setting": "shrinkage", "a": "0", "b": "1"},
        {"setting": "similarity.beta", "a": "", "b": "0.5"},
    ]
    assert [row["b"] for row in tables["Data"]] == [4, 2, 7, 4]
    assert list(tables["Items gone"]) == [{"item": "jam", "users": 9}]
    assert "Items new" not in tables
    (changed,) = tables["Items that changed most"]
    assert list(changed.values()) == ["Green tea", 0.125, 3, "Milk, jam", "none"]
    assert [fact.value for fact in part.facts] == [5, 0.75, 0.4, 0.3]


def test_what_diff_writes_has_the_shape_and_no_difference_is_nothing_to_decide() -> None:
    model = train_from_data(Interactions.from_columns([*"uuv"], [*"aba"]))
    document = diff_from_data(model, model).to_json()
    check_shape(document, DIFFERENCE, "a")
    assert document["neighbors"]["items_by_rbo"] == [0] * 9 + [2]
    part = report_difference(document, "a", {})
    assert part.verdict == ["The models recommend the same: nothing to decide."]
    assert part.left_out == []


def test_a_difference_of_an_older_version_says_what_it_lacks() -> None:
    neighbors = {k: v for k, v in DOCUMENT["neighbors"].items() if k != "items_by_rbo"}
    document = DOCUMENT | {"neighbors": neighbors, "gate": None}
    check_shape(document, DIFFERENCE, "a")
    part = report_difference(document, "a", {})
    assert len(part.left_out) == 1 and not any("gate" in text for text in part.verdict)
