"""benchmarks.goals: goals are compared with the fastest and the leanest peer, misses are bold."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.goals import make_goals, make_other_goals
from tests.benchmarks.figures import TRAIN, growth_of, results_of, train_of


def cells_of(table: str) -> dict[str, list[str]]:
    """Return the cells of each row by the first of them; the header is that of nothing."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]
    return {row[0]: row[1:] for row in rows if not row[0].startswith("--")}


def test_goals_compare_with_the_fastest_and_the_leanest_peer_on_each_shape() -> None:
    fast = train_of(
        cosine=results_of(mlcore=[1.0], similaripy=[4.0]),
        default=results_of(mlcore=[1.0], similaripy=[3.9], sparse_dot_topn=[5.0]),
        bm25=results_of(mlcore=[1.0], implicit=[3.0]),
    )
    found = cells_of(make_goals({"20m/train": TRAIN, "mine/train": fast, "1m/train": fast}))
    assert found[""] == ["goal", "1m", "20m", "mine"]
    four, three = "4 x the fastest peer", "3 x the fastest peer"
    met = "4.00 (4.00 to 4.00)"
    missed = "**2.50 (2.00 to 4.00) x similaripy**"  # 5 of similaripy, 8 of implicit over 2
    assert found["kernel, cosine"] == [four, met, missed, met]
    close = "**3.90 (3.90 to 3.90) x similaripy**"
    assert found["kernel, default configuration"] == [four, close, "", close]
    enough = "3.00 (3.00 to 3.00)"  # there is no other peer
    assert found["kernel, BM25"] == [three, enough, "", enough]
    assert found["kernel on numpy + scipy, cosine"] == [
        "1 x implicit", "", "2.00 (0.62 to 2.25)", ""
    ]  # fmt: skip
    assert found["kernel, peak memory"][2] == "0.40 x implicit"  # 10 of 25 MiB
    assert "kernel, TF-IDF" not in found and "CSV to model" not in found


def test_memory_is_a_goal_on_the_two_largest() -> None:
    fat = train_of(cosine=results_of(mlcore=[2.0], similaripy=[2.0], implicit=[1.0]))
    found = cells_of(make_goals({"1m/train": fat, "shop/train": fat, "20m/train": fat}))
    assert found[""][1:] == ["shop", "1m", "20m"]
    share = "2.00 x implicit"
    assert found["kernel, peak memory"][1:] == [f"**{share}**", share, f"**{share}**"]


def test_whole_commands_are_compared_with_lists_in_memory_that_are_filtered() -> None:
    lists = results_of(
        mlcore=[1.0], mlcore__command=[2.0], mlcore__Go=[0.5], similaripy=[4.0], implicit=[9.0],
        sparse_dot_topn=[0.1], mlcore__target=[0.1],
    )  # fmt: skip
    named = {name.replace("mlcore  ", "mlcore, "): run for name, run in lists.items()}
    figures = {"dense/recommend": {"data": {"users": 3}, "results": named}}
    found = cells_of(make_goals(figures))
    for what, ratio in (
        ("lists in memory", "4.00"),
        ("model to a file of lists", "2.00"),
        ("model to a file of lists, Go", "8.00"),
    ):
        assert found[what][1] == f"{ratio} ({ratio} to {ratio}) x similaripy"
    commands = {"shop/end_to_end": {"results": results_of(mlcore=[2.0], pandas=[3.9])}}
    found = cells_of(make_goals(commands))
    assert found["CSV to model"][1] == "**1.95 (1.95 to 1.95)**"
    assert found["CSV to model, peak memory"][1] == "0.51 x pandas"


@pytest.mark.parametrize(
    ("seconds", "growth"), [([2.0, 25.0, 180.0], "1.39"), ([1.0, 16.0], "**1.60**")]
)
def test_growth_is_the_greatest_time_of_a_pair_over_the_least(
    seconds: list[float], growth: str
) -> None:
    found = cells_of(make_other_goals({"growth-shop/growth": growth_of(*seconds)}))
    sizes = f"shop, 100 to {10 ** (len(seconds) + 1):,} interactions"
    assert found[f"time of a pair, greatest to least, {sizes}"] == ["at most 1.5", growth]
    shares = "1.50 to 1.50"  # 1,200 of 100 neighbors of 8 bytes
    assert found[f"own memory to that of the neighbors, {sizes}"] == ["", shares]


@pytest.mark.parametrize(("rate", "share"), [(60, "0.60"), (59, "**0.59**")])
def test_the_server_is_compared_with_one_of_a_fixed_body(rate: int, share: str) -> None:
    figures: dict[str, Any] = {"requests_per_second": {"mlcore": rate, "fixed body": 100}}
    found = cells_of(make_other_goals({"server/server": figures}))
    assert found["requests a second, to those of a fixed body"] == ["at least 0.6", share]


@pytest.mark.parametrize(("second", "shown"), [(0.04, "{} ms"), (0.05, "**{} ms**")])
def test_opening_a_model_has_a_limit(second: float, shown: str) -> None:
    warm = results_of(mlcore=[second], implicit=[9.0])
    figures = {"data": {"bytes": 10**9}, "results": {"warm": warm}}
    found = cells_of(make_other_goals({"load/load": figures}))
    milliseconds = f"{1e3 * second:.1f}"
    text = shown.format(f"{milliseconds} ({milliseconds} to {milliseconds})")
    assert found == {
        "": ["goal", "measured"],
        "open 1,000 MB and answer, mlcore": ["below 50 ms", text],
    }
