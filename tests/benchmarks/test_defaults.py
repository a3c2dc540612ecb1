"""benchmarks.defaults: what is tried, what of it is shown, and the lists of others."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks import default_peers, defaults
from mlcore import Interactions, TrainConfig


def test_each_configuration_is_tried_once_the_defaults_among_them() -> None:
    configs = [TrainConfig.from_json(config) for config in defaults.candidates()]
    assert len(set(configs)) == len(configs)
    assert TrainConfig() in configs and TrainConfig.from_json(defaults.FORMER) in configs


def test_a_set_that_is_left_out_has_no_say() -> None:
    # The third configuration is best on the first set alone, the second on average.
    shares = np.array([[0.5, 0.8, 1.0], [0.9, 1.0, 0.1], [1.0, 0.9, 0.2]])
    assert defaults._left_out(shares) == [0, 1, 1]
    assert defaults.shares_of(np.array([[1.0, 4.0]])).tolist() == [[0.25, 1.0]]


def test_lists_have_unseen_items_best_first_ties_by_position() -> None:
    scores = sp.csr_matrix(np.array([[3.0, 1, 0, 1, 2], [0, 0, 0, 0, 0]]))
    histories = sp.csr_matrix(np.array([[0.0, 0, 0, 0, 5], [1, 0, 0, 0, 0]]))
    found = default_peers._best(scores, histories)
    assert [items.tolist() for items in found] == [[0, 1, 3], []]


def test_the_table_is_made_of_figures_that_are_taken_up_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    configs = [TrainConfig().to_json(), TrainConfig.from_json(defaults.FORMER).to_json()]
    monkeypatch.setattr(defaults, "candidates", lambda: iter(configs))
    monkeypatch.setattr(defaults, "SYNTHETIC", {"little": (40, 20, 300, 1)})
    monkeypatch.setattr(default_peers, "PEERS", {})
    command = ["--out", str(tmp_path / "figures.json"), "--others"]
    assert defaults.main(command) == 0
    shown = capsys.readouterr().out
    figures = json.loads((tmp_path / "figures.json").read_text())
    best = max(row["ndcg@10"] for row in figures["results"]["little"])
    assert f"best tried      {best:.4f}" in shown and "mlcore auto" in shown
    monkeypatch.setattr(defaults, "evaluate_candidates", None)  # all is there
    assert defaults.main(command[:2]) == 0
    assert capsys.readouterr().out == shown


def test_logarithms_of_weights_that_are_alike_are_not_tried_twice() -> None:
    rows = [(f"u{user}", f"i{(user * 7 + step) % 9}") for user in range(12) for step in range(4)]
    pairs = Interactions.from_columns(*zip(*rows))
    data = defaults._split("flat", pairs)
    tried = [{"weighting": {"name": name}} for name in ("binary", "log", "none")]
    first, *others = defaults.evaluate_candidates(data, tried)
    assert others == [first, first] and 0 <= first["recall@20"] <= 1
