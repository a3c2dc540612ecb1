"""mlcore.diff.gate: conditions as texts."""

from __future__ import annotations

import pytest

from mlcore.diff.gate import METRICS, Condition, parse_conditions
from mlcore.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "fails", "passes", "expected"),
    [
        ("rbo<0.5", 0.25, 0.5, "at least 0.5"),
        ("rbo <= .5", 0.5, 0.75, "above 0.5"),
        (" rbo > 5e-1 ", 0.75, 0.5, "at most 0.5"),
        ("rbo>=0.5", 0.5, 0.25, "below 0.5"),
    ],
)
def test_a_condition_fails_where_it_holds(
    text: str, fails: float, passes: float, expected: str
) -> None:
    (condition,) = parse_conditions([text], [10])
    assert condition.fault({"rbo": passes}) is None
    assert condition.fault({"rbo": fails}) == f"rbo: expected {expected}, got {fails:g}"


def test_a_value_just_out_of_its_bound_is_shown_in_full() -> None:
    fault = Condition("rbo", "<", 0.8).fault({"rbo": 0.7999999999})
    assert fault == "rbo: expected at least 0.8, got 0.7999999999"


def test_every_metric_may_be_named_and_each_condition_counts_once() -> None:
    names = ["overlap@1", "overlap@20", *METRICS]
    texts = [f"{name}>-1" for name in names]
    found = parse_conditions([*texts, "rbo > -1.0"], [1, 20])
    assert [condition.metric for condition in found] == names


@pytest.mark.parametrize(
    "text",
    ["", "rbo", "rbo<", "<0.5", "rbo=0.5", "rbo==0.5", "rbo<<0.5", "rbo<x", "rbo<nan", "rbo<1e999"]
    + ["rbo<0.5,items_gone>3", "0.5<rbo<1", "rbo 0.5", "not rbo<0.5"],
)  # fmt: skip
def test_another_syntax_is_refused(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_conditions([text], [10])
    rule = "a metric, one of < <= > >=, and a number"
    assert str(caught.value) == f"fail_if: expected {rule}, got {text!r}"
    assert str(caught.value.hint).startswith("--fail-if 'overlap@10<0.8'; ")


@pytest.mark.parametrize("name", ["overlap@5", "overlap", "RBO", "ndcg@10"])
def test_an_unknown_metric_is_refused(name: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_conditions([f"{name}<0.5"], [10])
    known = ", ".join(["overlap@10", *METRICS])
    assert str(caught.value) == f"fail_if: expected one of {known}, got {name!r}"
