"""mlcore.report.search: what a search came to."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mlcore import DataError
from mlcore.report.search import read_search, report_search, selection_chart
from mlcore.tune.trials import Trial
from tests.charts.test_search import TRIALS, trial


def write(folder: Path, trials: list[dict[str, Any]]) -> Path:
    path = folder / "trials.jsonl"
    path.write_text("".join(f"{json.dumps(one)}\n" for one in trials))
    return path


def test_a_search_is_read_from_its_directory_or_its_trials(tmp_path: Path) -> None:
    path = write(tmp_path, [asdict(Trial(0, 0.5, {}, {}, {"mrr@5": 0.25, "ndcg@5": 0.5}))])
    assert read_search(path)[1] == read_search(tmp_path)[1] == "ndcg@5"  # the one with the values
    (tmp_path / "tuning.json").write_text('{"metric": "recall@5"}')
    trials, metric = read_search(tmp_path)
    assert (trials[0]["value"], metric) == (0.5, "recall@5")


def test_another_line_or_none_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, [trial(0, 0.5, {}) | {"config": 3}])
    with pytest.raises(DataError, match="trials.jsonl:1: config: expected an object, got 3"):
        read_search(path)
    path.write_text("")
    with pytest.raises(DataError, match="trials.jsonl: expected"):
        read_search(path)
    write(tmp_path, TRIALS)
    (tmp_path / "tuning.json").write_text("{")
    with pytest.raises(DataError, match="tuning.json: expected a JSON object"):
        read_search(tmp_path)


@pytest.mark.parametrize(
    ("trials", "verdict"),
    [
        (TRIALS, "Trial 1 is the best of 6: ndcg@10 0.5000, 0.2500 above the default."),
        (
            TRIALS[:1],
            "Keep the default configuration: none of 1 trials is better by ndcg@10.",
        ),
        (TRIALS[2:3], r"All 1 trials failed, the first: no\nroom"),
        (TRIALS[2:4], "Trial 3 is the best of 2: ndcg@10 0.5000, the default failed."),
    ],
)
def test_a_verdict_says_which_configuration_to_take(
    trials: list[dict[str, Any]], verdict: str
) -> None:
    part = report_search(trials, "ndcg@10", "tuning")
    assert part.verdict[0] == verdict
    assert part.facts[0].value == len(trials)


def test_auto_is_a_chart_of_those_that_could_be_trained() -> None:
    configs: dict[str, Any] = {"similarity": {"name": "cosine"}, "shrinkage": 0, "num_neighbors": 9}
    tried = {"rung": 1, "value": 0.5, "interval": [0.4, 0.6], "config": configs}
    document = {"metric": "ndcg@10", "tried": [tried, {**tried, "value": None, "interval": None}]}
    chart = selection_chart(document)
    assert chart is not None
    assert [list(row.values()) for row in chart.rows] == [["cosine 9", 1, 0.5, 0.4, 0.6]]
    assert selection_chart({"metric": "ndcg@10", "tried": []}) is None
