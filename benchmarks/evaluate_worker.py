"""The contestants of the evaluation benchmark: mlcore and ranx, the same metrics.

``python -m benchmarks.evaluate_worker NAME START FOLDER`` prepares and prints an empty line. For
each line of standard input it evaluates once and prints seconds, its peak memory and the metrics as
JSON. START is ``memory`` (from what the library has read before) or ``files``. It stays alive from
one evaluation to the next because ranx compiles for a minute in each process.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeAlias

from mlcore.evaluate.evaluate import evaluate_from_data
from mlcore.evaluate.metrics import USER_METRICS
from mlcore.files.interactions import read_interactions
from mlcore.files.predictions import read_predictions

__all__ = ["CUTOFFS", "EVALUATORS", "PEERS", "STARTS", "Start", "main"]

CUTOFFS = (10, 100)
PEERS = ("ranx",)

Start: TypeAlias = Literal["memory", "files"]
STARTS: tuple[Start, ...] = ("memory", "files")
Read: TypeAlias = Callable[[Path], tuple[Any, Any]]  # a folder -> lists and truth
Evaluate: TypeAlias = Callable[[Any, Any], Mapping[str, float]]


def _mlcore() -> tuple[Read, Evaluate]:
    return (
        lambda folder: (
            read_predictions(folder / "predictions.jsonl"),
            read_interactions(folder / "truth.csv"),
        ),
        lambda lists, truth: evaluate_from_data(lists, truth, CUTOFFS).metrics,
    )


def _ranx() -> tuple[Read, Evaluate]:
    from ranx import Qrels, Run, evaluate

    names = [f"{name}@{n}" for name in USER_METRICS for n in CUTOFFS]

    def evaluate_quietly(run: Any, qrels: Any) -> Mapping[str, float]:
        with warnings.catch_warnings():  # numba, of a cast in ranx
            warnings.simplefilter("ignore")
            # Without the rows of each user, which take it longer than the metrics of mlcore do.
            found = evaluate(qrels, run, names, save_results_in_run=False)
        return {name: float(value) for name, value in found.items()}

    return (
        lambda folder: (
            Run.from_file(str(folder / "run.json")),
            Qrels.from_file(str(folder / "qrels.json")),
        ),
        evaluate_quietly,
    )


EVALUATORS: dict[str, Callable[[], tuple[Read, Evaluate]]] = {"mlcore": _mlcore, "ranx": _ranx}


def main(argv: Sequence[str]) -> int:
    """Run the program."""
    name, start, folder = argv[0], argv[1], Path(argv[2])
    read, evaluate = EVALUATORS[name]()
    evaluate(*read(folder / "small"))  # what is compiled or loaded on first use is not the work
    in_memory = read(folder) if start == "memory" else None
    print(flush=True)
    for _ in sys.stdin:
        begun = time.perf_counter()
        metrics = evaluate(*(read(folder) if in_memory is None else in_memory))
        seconds = time.perf_counter() - begun
        unit = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        print(
            json.dumps({"seconds": seconds, "peak_bytes": peak, "metrics": dict(metrics)}),
            flush=True,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
