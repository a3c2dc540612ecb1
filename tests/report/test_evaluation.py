"""mlcore.report.evaluation: what to do, what to see first, and what is left out."""

from __future__ import annotations

import pytest

from mlcore.evaluate import evaluate_from_data
from mlcore.evaluate.config import EvaluateConfig
from mlcore.report.evaluation import EVALUATION, report_evaluation
from mlcore.report.shapes import check_shape
from tests.charts.test_evaluation import FULL, METRICS

SIZES = {"users": 40, "users_without_predictions": 4, "ignored_users": 2}
SLICE = {"users": 30, "ground_truth_items": 40}


def test_a_verdict_says_how_many_users_find_something_and_where_to_look() -> None:
    weak, small = ({"metrics": {"ndcg@10": value}} for value in (0.1, 0.0))
    slices = {"history-length": {"1": SLICE | weak, "2-3": SLICE | {"users": 29} | small}}
    metrics = {"ndcg@10": 0.3, "hit_rate@10": 0.745}
    document = SIZES | {"metrics": metrics, "slices": slices}
    check_shape(document, EVALUATION, "a")
    verdict = report_evaluation(document, "a").verdict
    assert verdict[0] == (
        "74 of 100 users find something they took among their first 10 items (ndcg@10 0.3000)."
    )
    assert verdict[1] == (
        "Look first at users with 1 items of history: ndcg@10 is 0.1000 there, 0.2000 below the mean, "
        "over 30 users."
    )
    assert verdict[2].startswith("4 of 40 users have no list and count 0")


@pytest.mark.parametrize(
    ("metrics", "first"),
    [
        ({}, "40 users, and no metric with a cutoff."),
        ({"ndcg@5": 0.5}, "ndcg@5 is 0.5000 over 40 users."),
    ],
)
def test_few_metrics_have_a_verdict_too(metrics: dict[str, float], first: str) -> None:
    assert report_evaluation(SIZES | {"metrics": metrics}, "a").verdict[0] == first


def test_facts_are_the_numbers_of_the_document() -> None:
    facts = {fact.name: fact for fact in report_evaluation(SIZES | FULL, "a").facts}
    assert facts["users"].value == 40
    assert facts["users"].note == "4 without a list, 2 lists of others"
    assert facts["ndcg@10"].value == METRICS["ndcg@10"]
    assert facts["ndcg@10"].note == "0.2000 to 0.4000"
    assert facts["coverage@10"].value == 0.8


def test_what_was_not_asked_for_is_one_sentence_each() -> None:
    assert len(report_evaluation(SIZES | {"metrics": METRICS}, "a").left_out) == 4
    (examples,) = report_evaluation(SIZES | FULL, "a").left_out
    assert "--predictions" in examples


def test_what_evaluate_writes_has_the_shape() -> None:
    found = evaluate_from_data({"u": ["a"]}, {"u": ["a"]}, [1], config=EvaluateConfig(0.9))
    check_shape(found.to_json(), EVALUATION, "metrics.json")
