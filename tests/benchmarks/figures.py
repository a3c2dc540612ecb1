"""Figures as the benchmarks write them."""

from __future__ import annotations

from benchmarks.kernels import BARE
from benchmarks.results import Measured, results_to_json


def results_of(**seconds: list[float]) -> dict[str, object]:
    measured = {
        name.replace("_", " "): Measured(runs, [2**20 * round(10 * runs[0])] * len(runs))
        for name, runs in seconds.items()
    }
    return results_to_json(measured, "mlcore")


TRAIN = {
    "data": {"users": 10, "items": 1234, "interactions": 99},
    "machine": {"system": "Plan 9", "processor": "z", "cores": 2, "versions": {"numpy": "2"}},
    "results": {
        "cosine": {
            **results_of(mlcore=[1, 2, 3], implicit=[2.5, 8, 9], similaripy=[4, 5, 6]),
            **{BARE: results_of(mlcore=[4, 4, 4])["mlcore"]},
        }
    },
}
