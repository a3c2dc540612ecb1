"""benchmarks.goals: goals are compared with the fastest and the leanest peer."""

from __future__ import annotations

from benchmarks.goals import make_goals
from tests.benchmarks.figures import TRAIN, results_of


def test_goals_compare_with_the_fastest_and_the_leanest_peer() -> None:
    growth = {
        "points": [
            {
                "data": {"interactions": n, "counted_pairs": 10 * n},
                "results": results_of(mlcore=[2.0 * n]),
            }
            for n in (100, 1000)
        ]
    }
    goals = make_goals({"1m/train": TRAIN, "growth/growth": growth}).splitlines()[2:]
    assert goals[0] == (
        "| kernel, cosine, 1m, [local] | 3 x the fastest peer | 2.50 (2.00 to 4.00) x similaripy |"
    )
    assert goals[1] == (
        "| kernel, cosine, 1m, numpy + scipy | 1 x implicit | 2.00 (0.62 to 2.25) x implicit |"
    )
    assert "0.40 x implicit" in goals[2]  # 10 of 25 MiB
    assert goals[-1].endswith("100 to 1,000 interactions, mlcore | 1 | 1.00 |")
