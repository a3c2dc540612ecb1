"""mlcore.evaluate.comparison: what a comparison says, in a sentence, a table, and a gate."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlcore.errors import GateError
from mlcore.evaluate.changes import Spread
from mlcore.evaluate.comparison import Comparison, MetricComparison
from mlcore.evaluate.config import CompareConfig


def metric_with(**changes: Any) -> MetricComparison:
    config = changes.pop("config", CompareConfig())
    known: dict[str, Any] = {
        "name": "ndcg@10",
        "config": config,
        "baseline": 0.25,
        "candidate": 0.26,
        "difference": 0.01,
        "interval": (0.004, 0.016),
        "p_value": 0.002,
        "p_value_holm": 0.012,
        "users_better": 300,
        "users_equal": 600,
        "users_worse": 100,
        "users_needed": 700.0,
        "spread": Spread([0, 0.5], [300], [100]),
    }
    return MetricComparison(**known | changes)


WORSE = {"difference": -0.01, "interval": (-0.016, -0.004)}
UNCLEAR = {"interval": (-0.006, 0.026), "p_value": 0.2, "users_needed": 6500.0}
LIMITED = CompareConfig(fail_if_worse=["ndcg@10"], max_loss=0.005)
NEED = "times as many users would detect a difference of this size"
EQUAL = {"users_better": 0, "users_equal": 9, "users_worse": 0}


@pytest.mark.parametrize(
    ("changes", "verdict", "sentence"),
    [
        (
            {},
            "better",
            "the candidate is better by 0.0100 (+4.0 %; 95 % interval 0.0040 to 0.0160, "
            "p = 0.0020, 1000 users): take it.",
        ),
        (
            WORSE,
            "worse",
            "the candidate is worse by 0.0100 (-4.0 %; 95 % interval -0.0160 to -0.0040, "
            "p = 0.0020, 1000 users): keep the baseline.",
        ),
        (
            UNCLEAR,
            "unclear",
            "no significant difference (+0.0100; +4.0 %; 95 % interval -0.0060 to "
            f"0.0260, p = 0.2000, 1000 users): about 7 {NEED}.",
        ),
        (
            {**UNCLEAR, "baseline": 0.0, "difference": -0.0001, "users_needed": 1e9},
            "unclear",
            "no significant difference (-0.0001; 95 % interval -0.0060 to 0.0260, "
            f"p = 0.2000, 1000 users): more than 1000 {NEED}.",
        ),
        (
            {**UNCLEAR, "users_needed": 900.0, "config": CompareConfig(confidence=0.9)},
            "unclear",
            "no significant difference (+0.0100; +4.0 %; 90 % interval -0.0060 to "
            f"0.0260, p = 0.2000, 1000 users): about 2 {NEED}.",
        ),
        (
            {**UNCLEAR, "difference": 0.0, "p_value": 1.0, "users_needed": np.inf},
            "unclear",
            "no significant difference (0.0000; +0.0 %; 95 % interval -0.0060 to "
            "0.0260, p = 1.0000, 1000 users): gains and losses balance.",
        ),
        ({**EQUAL, "difference": 0.0}, "equal", "equal for each of 9 users: nothing to choose."),
        (
            {**UNCLEAR, "config": LIMITED},
            "unclear",
            "no significant difference (+0.0100; +4.0 %; 95 % interval -0.0060 to "
            f"0.0260, p = 0.2000, 1000 users): about 7 {NEED}; a loss above 0.005 is possible: "
            "keep the baseline.",
        ),
        (
            {**UNCLEAR, "interval": (-0.005, 0.026), "config": LIMITED},
            "unclear",
            "no significant difference (+0.0100; +4.0 %; 95 % interval -0.0050 to "
            f"0.0260, p = 0.2000, 1000 users): about 7 {NEED}; a loss above 0.005 is ruled out: "
            "it can be taken.",
        ),
        # p at the level itself is significant, though 1 - 0.9 is a bit less than 0.1 in float64
        (
            {"p_value": 0.1, "config": CompareConfig(confidence=0.9)},
            "better",
            "the candidate is better by 0.0100 (+4.0 %; 90 % interval 0.0040 to 0.0160, "
            "p = 0.1000, 1000 users): take it.",
        ),
    ],
)
def test_the_sentence_says_what_to_do(changes: dict[str, Any], verdict: str, sentence: str) -> None:
    metric = metric_with(**changes)
    assert (metric.verdict, metric.conclusion()) == (verdict, f"ndcg@10: {sentence}")


def comparison_of(*metrics: MetricComparison, **changes: Any) -> Comparison:
    names = [metric.name for metric in metrics]
    config = metrics[0].config
    known: dict[str, Any] = {"users_with_other_lists": 5, "users_without_predictions": (0, 0)}
    known |= {"ignored_users": (0, 0), "deciding": names} | changes
    return Comparison(config, dict(zip(names, metrics)), **known)


def test_deciding_metrics_that_disagree_are_pointed_out() -> None:
    recall = metric_with(name="recall@10", **WORSE)
    *_, last = comparison_of(metric_with(), recall).conclusions()
    assert last == "the deciding metrics disagree: keep the baseline unless the gain matters more."
    assert len(comparison_of(metric_with(), metric_with(name="recall@10")).conclusions()) == 2


def test_the_report_is_an_aligned_table_and_says_which_metric_decides() -> None:
    found = comparison_of(
        metric_with(),
        metric_with(name="hit_rate@100", **WORSE, users_better=1, users_worse=399),
        deciding=["ndcg@10"],
        users_without_predictions=(0, 3),
        ignored_users=(2, 0),
    )
    assert found.report().splitlines() == [
        "1000 users, the lists of 5 differ, 2 other lists of the baseline ignored, 3 without a "
        "list in the candidate; randomization test, 10000 rounds, seed 0",
        "",
        "metric        baseline  candidate  difference       95 % interval       p"
        "  better  equal  worse",
        "ndcg@10         0.2500     0.2600     +0.0100  +0.0040 to +0.0160  0.0020"
        "     300    600    100",
        "hit_rate@100    0.2500     0.2600     -0.0100  -0.0160 to -0.0040  0.0020"
        "       1    600    399",
        "",
        metric_with().conclusion(),
        "ndcg@10 decides; each p is that of its metric alone, not adjusted for the 2 of them.",
    ]


def test_few_users_come_with_a_warning() -> None:
    warning = "The intervals of fewer than 30 users are too narrow."
    few = {"users_better": 9, "users_worse": 10}
    assert warning in comparison_of(metric_with(**few, users_equal=10)).report()
    assert warning not in comparison_of(metric_with(**few, users_equal=11)).report()


@pytest.mark.parametrize(
    ("changes", "max_loss", "fault"),
    [
        ({}, None, None),
        (WORSE, None, "expected a candidate that is not worse, got a loss of 0.0100"),
        # lower, but not significantly
        ({**WORSE, "p_value": 0.0501}, None, None),
        ({**WORSE, "p_value": 0.05}, None, "expected a candidate that is not worse, got a loss"),
        # a small loss may be certain: it is one all the same
        (WORSE, 1.0, "expected a candidate that is not worse, got a loss of 0.0100"),
        (UNCLEAR, 0.006, None),
        (UNCLEAR, 0.0059, "expected a loss above 0.0059 to be ruled out, got no such evidence"),
        (UNCLEAR, 0.0, "expected a loss above 0 to be ruled out, got no such evidence"),
        (UNCLEAR, None, None),
        ({}, 0.0, None),
        ({**EQUAL, "difference": 0.0, "interval": (0.0, 0.0)}, 0.0, None),
    ],
)
def test_the_gate_fails_for_a_loss_that_is_told_or_that_is_not_ruled_out(
    changes: dict[str, Any], max_loss: float | None, fault: str | None
) -> None:
    config = CompareConfig(fail_if_worse=["ndcg@10"], max_loss=max_loss)
    found = comparison_of(metric_with(**changes, config=config))
    failure, gate = found.failure(), found.to_json()["gate"]
    assert gate["passed"] is (fault is None)
    if fault is None:
        assert failure is None and gate["faults"] == []
    else:
        assert isinstance(failure, GateError) and str(failure).startswith(f"ndcg@10: {fault}")
        assert "95 % interval" in str(failure) and gate["faults"] == [str(failure)]


def test_the_gate_names_all_its_faults_and_heeds_no_other_metric() -> None:
    config = CompareConfig(fail_if_worse=["ndcg@10", "mrr@10"])
    names = ("recall@10", "ndcg@10", "mrr@10")
    metrics = [metric_with(name=name, config=config, **WORSE) for name in names]
    first, second = str(comparison_of(*metrics).failure()).split("; mrr@10: ")
    assert first.startswith("ndcg@10: ") and second.startswith("expected a candidate")
    metrics[1:] = [replace(metric, difference=0.01) for metric in metrics[1:]]
    assert comparison_of(*metrics).failure() is None


def test_without_a_gate_nothing_fails() -> None:
    found = comparison_of(metric_with(**WORSE))
    assert found.failure() is None and found.to_json()["gate"] is None
