"""The fixtures hold what mlcore makes today, and would catch a model made worse."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from fixtures import golden
from mlcore.evaluate import evaluate_from_data
from mlcore.files.interactions import read_interactions
from mlcore.files.predictions import read_predictions
from mlcore.recommend import Recommender

ROOT = Path(__file__).parents[1]


def test_fixtures_are_what_the_code_makes() -> None:
    assert golden.check(golden.FIXTURES) == [], "run `make golden` and read the diff"


def test_tiny_jaccard_can_be_worked_out_on_paper() -> None:
    # Training, item: {user: weight}
    #   1: {u3: 5}                          2: {u1: 2, u2: 5, u4: 1, u6: 5}
    #   3: {u1: 2, u5: 2}                   4: {u3: 4, u4: 2, u5: 5}
    #   5: {u4: 3}                          6: {u1: 5, u3: 4}
    # Jaccard, common users / users of either:
    #   1-4 1/3   1-6 1/2   2-3 1/5   2-4 1/6   2-5 1/4   2-6 1/5
    #   3-4 1/4   3-6 1/3   4-5 1/3   4-6 1/4
    # u1 took 2, 3, 6:  1: 5/2                  4: 2/6 + 2/4 + 5/4 = 2.083   5: 2/4
    # u3 took 1, 4, 6:  3: 4/4 + 4/3 = 2.333    2: 4/6 + 4/5 = 1.467         5: 4/3 = 1.333
    # u4 took 2, 4, 5:  3: 1/5 + 2/4 = 0.7      6: 1/5 + 2/4 = 0.7 (tie)     1: 2/3 = 0.667
    # u5 took 3, 4:     6: 2/3 + 5/4 = 1.917    1: 5/3 = 1.667               5: 5/3 (tie)
    # u6 took 2:        5: 5/4                  3: 5/5                       6: 5/5 (tie)
    folder = golden.FIXTURES / "tiny" / "jaccard"
    lines = (folder / "predictions.jsonl").read_text("utf-8").splitlines()
    lists = {line["user_id"]: line["items"] for line in map(json.loads, lines)}
    found = {user: [int(item["item_id"]) for item in items] for user, items in lists.items()}
    assert found == {
        "u0001": [1, 4, 5],
        "u0003": [3, 2, 5],
        "u0004": [3, 6, 1],
        "u0005": [6, 1, 5],
        "u0006": [5, 3, 6],
    }
    scores = [item["score"] for item in lists["u0001"]]
    assert scores == pytest.approx([2.5, 2 / 6 + 2 / 4 + 5 / 4, 0.5], rel=1e-7)
    # The test has 5 for u1, 3 for u3, 1 for u4, 6 for u5, 1 for u6: hits for u3 and u5, both first.
    # First places are 1, 3, 3, 6, 5: four of the six items.
    metrics = json.loads((folder / "metrics.json").read_text("utf-8"))["metrics"]
    assert metrics["recall@1"] == pytest.approx(2 / 5)
    assert metrics["precision@2"] == pytest.approx(1 / 5)
    assert metrics["mrr@2"] == metrics["ndcg@2"] == metrics["map@2"] == pytest.approx(2 / 5)
    assert metrics["coverage@1"] == pytest.approx(4 / 6)


@pytest.mark.parametrize("run", sorted(golden.SMALL.configs))
def test_each_small_model_clearly_beats_popularity(run: str, tmp_path: Path) -> None:
    data = golden.FIXTURES / "small"
    truth = read_interactions(data / "test.csv")
    recommender = Recommender.load(data / run / "model")
    nothing = recommender.encode_history([])[0]
    lines = []
    for user in truth.user_ids:
        seen = {recommender.model.items.ids[item] for item in recommender.history_of(user)[0]}
        ranked = recommender.predict_history({}, n=200, fill="popularity")
        unseen = [item.item_id for item in ranked if item.item_id not in seen][:10]
        lines.append({"user_id": user, "items": [{"item_id": item} for item in unseen]})
    assert len(nothing[0]) == 0
    popular = tmp_path / "popular.jsonl"
    popular.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    baseline = evaluate_from_data(read_predictions(popular), truth, [10]).metrics
    model = json.loads((data / run / "metrics.json").read_text("utf-8"))["metrics"]
    assert model["recall@10"] > 1.5 * baseline["recall@10"]
    assert model["ndcg@10"] > 1.5 * baseline["ndcg@10"]


class Defect(NamedTuple):
    """A change that makes the model or the files worse: one text in one module for another."""

    file: str
    text: str
    replacement: str


DEFECTS = {
    "shrinkage_dropped": Defect(
        "similarity/overlap.py",
        "(source * target + pairs.shrinkage)\n\n\n@dataclass(frozen=True)\nclass AsymmetricCosine",
        "(source * target)\n\n\n@dataclass(frozen=True)\nclass AsymmetricCosine",
    ),
    "similarity_transposed": Defect(
        "similarity/selection.py", "    if rows_are_targets:\n", "    if not rows_are_targets:\n"
    ),
    "neighborhood_default_changed": Defect(
        "config.py", 'parameter("target", choice', 'parameter("source", choice'
    ),
    "one_neighbor_too_few": Defect(
        "similarity/selection.py",
        "k = num_neighbors or product.shape[1]",
        "k = (num_neighbors or product.shape[1]) - 1",
    ),
    "ties_reversed": Defect(
        "topk.py", "np.lexsort((indices[ties],", "np.lexsort((-indices[ties],"
    ),
    "worst_first": Defect("topk.py", "-scores, rows", "scores, rows"),
    "seen_items_not_filtered": Defect(
        "scoring.py", "if not filters.include_seen:", "if filters.include_seen:"
    ),
    "sums_in_float32": Defect(
        "scoring.py",
        "histories.to_scipy() @ similarity",
        "histories.to_scipy().astype(np.float32) @ similarity.astype(np.float32)",
    ),
    "diagonal_kept": Defect("similarity/selection.py", "keep = others & ", "keep = "),
    "rare_pairs_kept": Defect("similarity/pairs.py", "if min_cooccurrence == 1:", "if min_cooccurrence < 99:"),
    "norm_not_squared": Defect("similarity/counts.py", "squares=True", "squares=False"),
    "union_counts_common_users_twice": Defect(
        "similarity/overlap.py",
        "(source + target - pairs.products + pairs.shrinkage)",
        "(source + target + pairs.shrinkage)",
    ),
    "source_and_target_exchanged": Defect(
        "similarity/overlap.py", "power(counts.norms, 1 - self.alpha)", "power(counts.norms, self.alpha)"
    ),
    "alpha_and_beta_exchanged": Defect(
        "similarity/overlap.py",
        "self.alpha * (target - common) + self.beta * (source - common)",
        "self.beta * (target - common) + self.alpha * (source - common)",
    ),
    "popularity_exponent_of_the_source": Defect(
        "similarity/overlap.py",
        "power(counts.norms, self.popularity_exponent)",
        "counts.norms",
    ),
    "lift_without_users": Defect(
        "similarity/association.py",
        "pairs.num_users * pairs.products / (source * target + ",
        "pairs.products / (source * target + ",
    ),
    "pmi_not_damped": Defect(
        "similarity/association.py", "return log(_lift(pairs)) * _support(pairs)", "return log(_lift(pairs))"
    ),
    "npmi_not_normalised": Defect("similarity/association.py", "mutual / information", "mutual"),
    "ratio_not_doubled": Defect(
        "similarity/association.py", "2 * np.maximum(ratio, 0.0)", "np.maximum(ratio, 0.0)"
    ),
    "pearson_without_mean": Defect(
        "similarity/correlation.py", "- source_sums * target_sums / pairs.num_users", ""
    ),
    "mean_over_all_users": Defect(
        "similarity/correlation.py",
        "np.repeat(sums / np.maximum(lengths, 1), lengths)",
        "np.full(len(data), sums.sum() / len(data))",
    ),
    "walk_not_scaled_by_the_source": Defect(
        "similarity/graph.py", "data / counts.sums[matrix.indices]", "data"
    ),
    "popularity_rewarded": Defect("similarity/graph.py", "-self.beta", "self.beta"),
    "walk_not_normalised": Defect("similarity/graph.py", "if self.normalize:", "if False:"),
    "second_cut_forgotten": Defect(
        "similarity/graph.py",
        "best = best_of_columns(best, counts.num_items, k)",
        "best = best_of_columns(best, counts.num_items, None)",
    ),
    "divided_by_the_diagonal_of_the_source": Defect(
        "similarity/ease.py",
        "diagonal[rows if rows_are_targets else columns]",
        "diagonal[columns if rows_are_targets else rows]",
    ),
    "sparsity_forgotten": Defect(
        "similarity/descent.py", "diagonals[source] * weights[source] - l1", "diagonals[source] * weights[source]"
    ),
    "idf_over_items": Defect(
        "weighting.py",
        "return np.repeat(np.array(logs)[which], counts)",
        "return np.array([self._log_ratio(user_items.num_columns, int(c)) for c in np.bincount("
        "user_items.indices)])[user_items.indices]",
    ),
    "idf_smoothed": Defect("weighting.py", "if self.smooth:", "if not self.smooth:"),
    "bm25_without_length": Defect("weighting.py", "(1 - self.b) + self.b * item_sums / mean", "1 + 0 * item_sums"),
    "weights_clipped": Defect(
        "weighting.py", "weights = exact.astype(np.float32)", "weights = np.minimum(exact, 2).astype(np.float32)"
    ),
    "days_of_an_hour": Defect("weighting.py", "86_400_000_000", "3_600_000_000"),
    "heavy_users_counted": Defect("train.py", "Counts(reduced, kept)", "Counts(weighted, kept)"),
    "oldest_of_heavy_users": Defect(
        "heavy_users.py", "-interactions.timestamps[entries]", "interactions.timestamps[entries]"
    ),
    "one_user_lost": Defect(
        "similarity/counts.py",
        "shape=(len(indptr) - 1, matrix.num_columns))",
        "shape=(len(indptr) - 1, matrix.num_columns))[:-1]",
    ),
    "popularity_by_weight": Defect(
        "train.py",
        "np.bincount(items, minlength",
        "np.bincount(items, self._interactions.user_items.data, minlength",
    ),
    "ids_as_numbers": Defect(
        "interactions.py", "    return ids, new_codes[codes]", '    return [i.lstrip("0") for i in ids], new_codes[codes]'
    ),
    "fill_with_seen_items": Defect("ranking.py", "taken = np.concatenate([listed, history])", "taken = listed"),
    "fill_not_marked": Defect("ranking.py", "np.ones(len(extra), bool)", "np.zeros(len(extra), bool)"),
    "history_weights_forgotten": Defect(
        "request.py",
        "np.array([weight for _, weight in known], np.float32)",
        "np.array([1 for _, weight in known], np.float32)",
    ),
    "oldest_instead_of_newest": Defect(
        "preprocess.py", "-interactions.timestamps", "interactions.timestamps"
    ),
    "core_in_one_round": Defect(
        "preprocess.py",
        "        users, items, remaining = users[keep], items[keep], remaining[keep]\n",
        "        remaining = remaining[keep]\n        break\n",
    ),
    "dcg_discount_off_by_one": Defect("metrics.py", "np.arange(2, n + 2)", "np.arange(3, n + 3)"),
    "recall_of_the_list": Defect(
        "metrics.py",
        "Float64Array = hits.count(n) / hits.relevant",
        "Float64Array = hits.count(n) / n",
    ),
    "members_aligned_to_16": Defect("artifact/npz.py", "ALIGNMENT = 64", "ALIGNMENT = 16"),
    "clock_in_the_manifest": Defect(
        "artifact/manifest.py",
        '"required_features": [],',
        '"required_features": [], "written": __import__("time").time(),',
    ),
}  # fmt: skip


def _check_with(defect: Defect | None, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the golden check with a copy of the project, changed or not."""
    for package in ("mlcore", "fixtures"):
        shutil.copytree(
            ROOT / package,
            folder / package,
            ignore=shutil.ignore_patterns(
                "__pycache__", *(data.name for data in golden.FIXTURE_SETS)
            ),
        )
    if defect is not None:
        path = folder / "mlcore" / defect.file
        source = path.read_text("utf-8")
        assert source.count(defect.text) == 1, f"{defect.file}: no single {defect.text!r}"
        path.write_text(source.replace(defect.text, defect.replacement), encoding="utf-8")
    command = [sys.executable, "-m", "fixtures.golden", "--check", "--folder"]
    # The copy, not the installed project: its folder comes first on the path.
    environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [*command, str(golden.FIXTURES)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_fixtures_catch_every_deliberate_defect(tmp_path: Path) -> None:
    defects: dict[str, Defect | None] = {"none": None, **DEFECTS}
    with ThreadPoolExecutor(2) as pool:
        runs = pool.map(lambda name: _check_with(defects[name], tmp_path / name), defects)
    results = dict(zip(defects, runs))
    unchanged = results.pop("none")
    assert (unchanged.returncode, unchanged.stdout) == (0, "all fixtures as expected\n")
    # A defect that stops the program is caught by any test; these must show in what it makes.
    uncaught = {
        name: run.stderr or run.stdout
        for name, run in results.items()
        if run.returncode != 1 or "differs: " not in run.stdout
    }
    assert uncaught == {}
