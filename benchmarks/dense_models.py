"""EASE and SLIM: difference from other implementations, and cost.

Prints the largest difference between the weights of EASE and those of ``np.linalg.inv``, and between
those of SLIM and of scikit-learn's ``ElasticNet``, on synthetic matrices; then seconds and peak memory
of ``cli.train`` with EASE and, for comparison, with the plain product, each in a process of its own.
"""

from __future__ import annotations

import tempfile
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from benchmarks.measure import check_installed, run_child
from benchmarks.report import format_table, log, run, write_json
from mlcore.memory.available import format_bytes
from mlcore.progress import no_progress
from mlcore.similarity import Ease, GramBlocks, NeighborSettings, Similarity, Slim
from mlcore.types import CsrMatrix, Float64Array

__all__ = ["largest_difference", "main"]

SETTINGS = NeighborSettings()  # all neighbors
SLIM_PENALTIES = ((1.0, 10.0), (0.2, 1.0), (3.0, 100.0))


class Args(Namespace):
    """Parsed options."""

    users: int
    items: int
    interactions: int


def _random_matrix(weighted: bool) -> Float64Array:
    """Return (500, 200) float64, of values that float32 holds."""
    rng = np.random.default_rng(1)
    x = (rng.random((500, 200)) < np.linspace(0.3, 0.02, 200)).astype(np.float64)
    if weighted:
        x *= rng.lognormal(0, 1, x.shape)
    return x.astype(np.float32).astype(np.float64)


def largest_difference(
    similarity: Similarity, reference: Callable[[Float64Array], Float64Array], weighted: bool
) -> float:
    """Return the largest difference between the weights of two implementations.

    Args:
        reference: given X, (U, I) float64, returns (I, I) float64 with source items as rows.
        weighted: X has other values than 0 and 1.
    """
    x = _random_matrix(weighted)
    user_items = CsrMatrix.from_scipy(sp.csr_matrix(x.astype(np.float32)))
    found = (
        similarity.neighbors(GramBlocks(user_items), SETTINGS, 1, no_progress).to_scipy().toarray()
    )
    return float(np.abs(found - reference(x)).max())


def _inverse(x: Float64Array, l2: float) -> Float64Array:
    inverse = np.linalg.inv(x.T @ x + l2 * np.eye(x.shape[1]))
    weights: Float64Array = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    return weights


def _elastic_net(x: Float64Array, l1: float, l2: float) -> Float64Array:
    from sklearn.linear_model import ElasticNet

    net = ElasticNet(
        alpha=(l1 + l2) / len(x),
        l1_ratio=l1 / (l1 + l2),
        positive=True,
        fit_intercept=False,
        tol=1e-13,
        max_iter=100_000,
    )
    weights = np.zeros((x.shape[1], x.shape[1]))
    for target in range(x.shape[1]):
        others = np.delete(np.arange(x.shape[1]), target)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a tolerance at the limit of float64
            weights[others, target] = net.fit(x[:, others], x[:, target]).coef_
    return weights


def _agreement() -> str:
    rows = []
    for weighted in (False, True):
        data = "weighted" if weighted else "binary"
        for l2 in (1.0, 500.0):
            worst = largest_difference(Ease(l2), lambda x: _inverse(x, l2), weighted)
            rows.append([f"EASE, l2 = {l2:g}, {data}: numpy.linalg.inv", f"{worst:.1e}"])
        for l1, l2 in SLIM_PENALTIES:
            worst = largest_difference(Slim(l1, l2), lambda x: _elastic_net(x, l1, l2), weighted)
            rows.append([f"SLIM, l1 = {l1:g}, l2 = {l2:g}, {data}: ElasticNet", f"{worst:.1e}"])
    return format_table(["", "largest difference"], rows)


def _costs(args: Args, folder: Path) -> str:
    events = folder / "events.csv"
    numbers = [f"--{name}={getattr(args, name)}" for name in ("users", "items", "interactions")]
    run_child(["cli.generate", *numbers, "--seed=1", f"--out={events}"])
    rows = []
    for name in ("dot", "ease"):
        config = folder / f"{name}.json"
        write_json(config, {"similarity": {"name": name}, "weighting": {"name": "binary"}})
        log(f"train {name} ...")
        options = [f"--interactions={events}", f"--config={config}", f"--out-dir={folder / name}"]
        finished = run_child(["cli.train", *options])
        rows.append([name, f"{finished.seconds:.1f}", format_bytes(finished.peak_bytes)])
    return format_table(["cli.train", "seconds", "peak memory"], rows)


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = ArgumentParser(
        prog="python -m benchmarks.dense_models", description=__doc__, allow_abbrev=False
    )
    for option, default in (("users", 20_000), ("items", 10_000), ("interactions", 1_000_000)):
        parser.add_argument(
            f"--{option}", type=int, default=default, metavar="N", help=f"default: {default}"
        )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())

    def work() -> int:
        check_installed(["sklearn"])
        print(_agreement(), flush=True)
        with tempfile.TemporaryDirectory() as folder:
            print(_costs(args, Path(folder)))
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main())
