"""Compare configurations over several data sets: the evidence for the defaults of TrainConfig.

Each configuration is trained on the training part of each data set and evaluated on its test part. What it
reaches is taken as a share of the best configuration of each set: on average, at worst, and for each set left out
while the others choose. Generated sets differ in size, density, popularity and length of the histories; others
are given as folders, with ``train.csv`` and ``test.csv`` or with ``events.csv``. ``--others`` measures what
``train --config auto`` and other libraries give without a configuration, those that are installed; with other ones
the same command adds theirs.
"""

from __future__ import annotations

import itertools
import json
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.default_peers import LENGTH, peer_lists
from benchmarks.report import format_table, log, read_figures, run, write_json
from mlcore import Interactions, TrainConfig
from mlcore.errors import ConfigError
from mlcore.evaluate.evaluate import measure_lists
from mlcore.files.interactions import read_interactions
from mlcore.generate.generate import generate_interactions
from mlcore.numeric.ranges import offsets
from mlcore.ranked_lists import Predictions
from mlcore.recommend.recommender import Recommender
from mlcore.split import SplitConfig, split_from_data
from mlcore.train.train import Trainer
from mlcore.tune.auto import select_from_data
from mlcore.tune.validation import recommend_lists
from mlcore.types import Float64Array

__all__ = [
    "SYNTHETIC",
    "DataSet",
    "candidates",
    "given",
    "main",
    "measure",
    "shares_of",
    "synthetic",
]

METRICS = ("ndcg@10", "recall@20")
MAX_USERS = 6_000  # of a test
SYNTHETIC = {  # users, items, interactions, skew
    "tiny": (300, 200, 3_000, 1),
    "sparse": (8_000, 4_000, 80_000, 1),
    "flat": (8_000, 4_000, 80_000, 0),
    "skewed": (8_000, 4_000, 80_000, 3),
    "middle": (6_000, 1_500, 200_000, 2),
    "dense": (2_000, 600, 150_000, 1),
}
SHOWN = 15  # rows of a table
FORMER = {  # the default before
    "similarity": {"name": "asymmetric_cosine", "alpha": 0.4},
    "weighting": {"name": "none"},
    "neighborhood": "target",
}


class Args(Namespace):
    """Parsed options."""

    data: list[Path]
    out: Path
    others: bool


class DataSet(NamedTuple):
    """A name, the interactions to train on, and those held out of users who have others."""

    name: str
    train: Interactions
    test: Interactions


def candidates() -> Iterator[dict[str, Any]]:
    """Yield the configurations, as ``TrainConfig.from_json`` takes them."""
    exponents: list[dict[str, Any]] = [
        {"name": "asymmetric_cosine", "alpha": alpha} for alpha in (0, 0.2, 0.3, 0.4, 0.5)
    ]
    walks = [{"name": "rp3beta", "beta": beta} for beta in (0, 0.1, 0.2, 0.4, 0.6)]
    weightings = ("binary", "log", "bm25")
    heavy_users: tuple[dict[str, Any], ...] = (
        {"name": "keep"},
        {"name": "down_weight", "power": 0.5},
    )
    sizes, cuts = (100, 200, 400), ("source", "target")
    for parts in itertools.product(exponents, weightings, heavy_users, cuts, sizes):
        yield _configuration(*parts)
    for similarity, weighting, size in itertools.product(walks, weightings[:2], sizes):
        yield _configuration(similarity, weighting, heavy_users[0], "source", size)
    others: list[dict[str, Any]] = [
        {"name": "jaccard"},
        {"name": "tversky", "alpha": 1.5, "beta": 0.5},
        {"name": "conditional_probability", "popularity_exponent": 0.4},
        {"name": "lift"},
        {"name": "npmi"},
        {"name": "log_likelihood_ratio", "signed": True},
        {"name": "pearson"},
    ]
    for similarity, cut in itertools.product(others, cuts):
        yield _configuration(similarity, "binary", heavy_users[0], cut, 100)
    for cut in cuts:
        yield _configuration({"name": "dot"}, "bm25", heavy_users[0], cut, 100)
    yield TrainConfig.from_json(FORMER).to_json()


def _configuration(
    similarity: dict[str, Any], weighting: str, heavy: dict[str, Any], cut: str, size: int
) -> dict[str, Any]:
    smooth = {"smooth": True} if weighting == "bm25" else {}
    return {
        "similarity": similarity,
        "weighting": {"name": weighting, **smooth},
        "heavy_users": heavy,
        "neighborhood": cut,
        "num_neighbors": size,
    }


def synthetic(name: str) -> DataSet:
    """Return a generated set, one of ``SYNTHETIC``."""
    users, items, interactions, skew = SYNTHETIC[name]
    data = generate_interactions(users, items, interactions, seed=1, skew=skew)
    return _split(name, Interactions.from_columns(data.user_ids, data.item_ids, data.weights))


def given(folder: Path) -> DataSet:
    """Return what a folder has; sessions of which the test has others are joined and split anew."""
    name = folder.resolve().name
    if (folder / "events.csv").exists():
        return _split(name, read_interactions(folder / "events.csv"))
    parts = [read_interactions(folder / part) for part in ("train.csv", "test.csv")]
    train, test = parts
    if np.isin(np.array(test.user_ids), np.array(train.user_ids)).any():
        return _of_known_users(DataSet(name, train, test))
    return _split(name, _joined(parts))


def _joined(parts: Sequence[Interactions]) -> Interactions:
    users: list[str] = []
    items: list[str] = []
    for part in parts:
        matrix = part.user_items
        users += [part.user_ids[row] for row in matrix.row_of_entry().tolist()]
        items += [part.item_ids[column] for column in matrix.indices.tolist()]
    weights = np.concatenate([part.user_items.data for part in parts])
    times = [part.timestamps for part in parts if part.timestamps is not None]
    timestamps = np.concatenate(times) if len(times) == len(parts) else None
    return Interactions.from_columns(users, items, weights, timestamps, timestamp_unit="us")


def _split(name: str, interactions: Interactions) -> DataSet:
    strategy = "random" if interactions.timestamps is None else "last-n"
    config = SplitConfig(strategy, seed=1)  # type: ignore[arg-type]
    return _of_known_users(DataSet(name, *split_from_data(interactions, config)))


def _of_known_users(data: DataSet) -> DataSet:
    """Return the set with test users who have a history, ``MAX_USERS`` of them."""
    known = np.flatnonzero(np.isin(np.array(data.test.user_ids), np.array(data.train.user_ids)))
    if len(known) > MAX_USERS:
        known = np.random.default_rng(1).choice(known, MAX_USERS, replace=False)
    kept = np.zeros(len(data.test.user_ids), np.bool_)
    kept[known] = True
    return data._replace(test=data.test.select(kept[data.test.user_items.row_of_entry()]))


def measure(lists: Predictions, data: DataSet) -> dict[str, float]:
    """Return the metrics of lists of 20."""
    metrics = measure_lists(lists, data.test, [10, 20], extra_users="ignore").metrics
    return {name: metrics[name] for name in METRICS}


def evaluate_candidates(data: DataSet, configs: Sequence[dict[str, Any]]) -> list[dict[str, float]]:
    """Return the metrics of each configuration on one data set."""
    trainer, found = Trainer(data.train), {}
    is_flat = bool((data.train.user_items.data == data.train.user_items.data[0]).all())
    results = []
    for number, config in enumerate(configs, 1):
        if number % 50 == 0:
            log(f"{data.name}: {number} of {len(configs)}")
        if is_flat and config["weighting"]["name"] in ("none", "log"):  # the same lists
            config = {**config, "weighting": {"name": "binary"}}
        key = json.dumps(TrainConfig.from_json(config).to_json())
        if key not in found:
            recommender = Recommender(trainer.train(TrainConfig.from_json(config)))
            found[key] = measure(recommend_lists(recommender, data.test.user_ids, 20), data)
        results.append(found[key])
    return results


def evaluate_others(data: DataSet) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield the metrics of auto and of each peer that is installed."""
    chosen = select_from_data(data.train, on_message=log).config
    recommender = Recommender(Trainer(data.train).train(chosen))
    yield "mlcore auto", measure(recommend_lists(recommender, data.test.user_ids, LENGTH), data)
    matrix = data.train.user_items.to_scipy().astype(np.float32)  # (U, I)
    users = np.searchsorted(np.array(data.train.user_ids), np.array(data.test.user_ids))
    for name, lists in peer_lists(matrix, users):
        indptr = offsets(np.array([len(items) for items in lists]))
        items = np.concatenate(lists).astype(np.int32)
        found = Predictions(data.test.user_ids, data.train.item_ids, indptr, items)
        yield name, measure(found, data)


def shares_of(values: Float64Array) -> Float64Array:
    """Return each value as a share of the best of its set.

    Args:
        values: (S, C) of S sets and C configurations.
    """
    shares: Float64Array = values / values.max(axis=1, keepdims=True)
    return shares


def _left_out(shares: Float64Array) -> list[int]:
    """Return for each set the configuration that is best on average on the others."""
    return [
        int(np.delete(shares, left, axis=0).mean(axis=0).argmax()) for left in range(len(shares))
    ]


def _describe(config: dict[str, Any]) -> str:
    parts = [*config["similarity"].values(), *config["weighting"].values()]
    words = " ".join(str(part) for part in parts if part not in (True, None))
    heavy = config.get("heavy_users", {}).get("power")
    down = f", down {heavy}" if heavy else ""
    return f"{words}{down}, {config['neighborhood']}, K {config['num_neighbors']}"


def _show(
    names: Sequence[str], configs: Sequence[dict[str, Any]], metric: str, values: Float64Array
) -> None:
    shares = shares_of(values)

    def row(c: int) -> list[str]:
        numbers = (*shares[:, c], shares[:, c].mean(), shares[:, c].min())
        return [_describe(configs[c]), *(f"{number:.3f}" for number in numbers)]

    former = TrainConfig.from_json(FORMER).to_json()
    default = TrainConfig().to_json()
    known = [
        n for n, c in enumerate(configs) if TrainConfig.from_json(c).to_json() in (former, default)
    ]
    by_mean = np.argsort(-shares.mean(axis=0), kind="stable")[:SHOWN].tolist()
    by_worst = np.argsort(-shares.min(axis=0), kind="stable")[:SHOWN].tolist()
    for title, order in (
        ("best on average", by_mean),
        ("best at worst", by_worst),
        ("old and new", known),
    ):
        print(
            format_table([f"{metric}, {title}", *names, "mean", "worst"], [row(c) for c in order]),
            "\n",
        )
    if len(names) < 2:
        return
    chosen = [
        [name, _describe(configs[c]), f"{shares[left, c]:.3f}"]
        for left, (name, c) in enumerate(zip(names, _left_out(shares)))
    ]
    print(format_table([f"{metric}: left out", "the others choose", "share there"], chosen), "\n")


def _show_others(document: dict[str, Any]) -> None:
    """Print the table of the defaults of all, with the best configuration tried."""
    configs, sets = document["configs"], list(document["others"])
    plain = [TrainConfig.from_json(config) for config in configs]
    named = {"mlcore before": TrainConfig.from_json(FORMER), "mlcore default": TrainConfig()}
    for metric in METRICS:
        table: dict[str, dict[str, float]] = {}
        for name in sets:
            results = document["results"][name]
            for row, config in named.items():
                table.setdefault(row, {})[name] = results[plain.index(config)][metric]
            for row, metrics in document["others"][name].items():
                table.setdefault(row, {})[name] = metrics[metric]
            best = max(result[metric] for result in results)
            table.setdefault("best tried", {})[name] = best
        rows = [
            [row, *(f"{of[name]:.4f}" if name in of else "" for name in sets)]
            for row, of in table.items()
        ]
        print(format_table([metric, *sets], rows), "\n")


def _compare(folders: Sequence[Path], out: Path, others: bool) -> int:
    configs = list(candidates())
    document = read_figures(out) or {"configs": configs, "results": {}}
    if document["configs"] != configs:
        raise ConfigError(
            f"{out}: expected results of these configurations, got others", "remove it"
        )
    sets: dict[str, Callable[[], DataSet]] = {name: partial(synthetic, name) for name in SYNTHETIC}
    sets |= {folder.resolve().name: partial(given, folder) for folder in folders}
    for name, make in sets.items():
        if name not in document["results"]:
            document["results"][name] = evaluate_candidates(make(), configs)
            write_json(out, document)
        if others:
            found = document.setdefault("others", {}).setdefault(name, {})
            found.update(evaluate_others(make()))
            write_json(out, document)
    results = document["results"]
    if "others" in document:
        _show_others(document)
    for metric in METRICS:
        values = np.array(
            [[row[metric] for row in of_set] for of_set in results.values()]
        )  # (S, C)
        _show(list(results), configs, metric, values)
    return 0


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = ArgumentParser(
        prog="python -m benchmarks.defaults", description=__doc__, allow_abbrev=False
    )
    parser.add_argument(
        "--data", type=Path, nargs="+", default=[], metavar="DIR", help="further data sets"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("build/bench/defaults.json"),
        metavar="FILE",
        help="all results, taken up again; default: build/bench/defaults.json",
    )
    parser.add_argument("--others", action="store_true", help="auto, and other libraries")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda: _compare(args.data, args.out, args.others))


if __name__ == "__main__":
    raise SystemExit(main())
