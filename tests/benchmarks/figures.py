"""Figures as the benchmarks write them."""

from __future__ import annotations

from typing import Any

from benchmarks.kernels import BARE
from benchmarks.results import Measured, results_to_json


def results_of(**seconds: list[float]) -> dict[str, Any]:
    measured = {
        name.replace("_", " "): Measured(runs, [2**20 * round(10 * runs[0])] * len(runs))
        for name, runs in seconds.items()
    }
    return results_to_json(measured, "mlcore")


TRAIN: dict[str, Any] = {
    "data": {"users": 10, "items": 1234, "interactions": 99},
    "machine": {"system": "Plan 9", "processor": "z", "cores": 2, "versions": {"numpy": "2"}},
    "results": {
        "cosine": {
            **results_of(mlcore=[1, 2, 3], implicit=[2.5, 8, 9], similaripy=[4, 5, 6]),
            **{BARE: results_of(mlcore=[4, 4, 4])["mlcore"]},
        }
    },
}


def train_of(**variants: dict[str, Any]) -> dict[str, Any]:
    """Return figures of training with other results."""
    return {**TRAIN, "results": variants}


def growth_of(*seconds: float) -> dict[str, Any]:
    """Return figures of growth from 100 interactions on, ten times as many each time.

    There are ten times as many pairs, and a tenth as many items.
    """
    points = [
        {
            "data": {"items": 10**k, "interactions": 10 ** (k + 1), "counted_pairs": 10 ** (k + 2)},
            "results": {
                "mlcore": {**results_of(mlcore=[taken])["mlcore"], "own_bytes": 1200 * 10**k}
            },
        }
        for k, taken in enumerate(seconds, 1)
    ]
    return {"shape": "shop", "points": points}
