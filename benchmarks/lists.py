"""Synthetic lists and ground truth in the files of mlcore and of ranx, for the evaluation benchmark.

``python -m benchmarks.lists FOLDER USERS ITEMS LENGTH SEED`` writes ``predictions.jsonl``,
``truth.csv``, ``run.json`` and ``qrels.json``, and the same for few users into ``FOLDER/small``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from benchmarks.evaluate_worker import CUTOFFS
from benchmarks.report import run
from mlcore.errors import ConfigError
from mlcore.files.predictions import format_prediction
from mlcore.types import Float64Array, Int64Array

__all__ = ["MAX_RELEVANT", "SMALL_USERS", "main", "write_lists"]

# Not below 10: ranx would go on with one thread from then on.
SMALL_USERS = 20
MAX_RELEVANT = 20  # 1 to this many for each user, about half of them in the list


def write_lists(folder: Path, num_users: int, num_items: int, length: int, seed: int) -> None:
    """Write the four files.

    All lists are of the same length and all scores in a list differ, so that precision and the
    order mean the same to both readers.

    Args:
        num_users: U, >= 1.
        num_items: I, at least twice ``length`` + ``MAX_RELEVANT``, or drawing takes long.
        length: N, >= ``MAX_RELEVANT``.
    """
    ids = [f"{item:0{len(str(num_items))}}" for item in range(num_items)]
    with (
        open(folder / "predictions.jsonl", "w", encoding="utf-8") as predictions,
        open(folder / "truth.csv", "w", encoding="utf-8") as truth,
        open(folder / "run.json", "w", encoding="utf-8") as run_file,
        open(folder / "qrels.json", "w", encoding="utf-8") as qrels,
    ):
        truth.write("user_id,item_id\n")
        drawn = _draw(num_users, num_items, length, np.random.default_rng(seed))
        for number, (listed, scores, relevant) in enumerate(drawn):
            user, before = f"u{number:0{len(str(num_users))}}", ", " if number else "{"
            items = [f'"{ids[item]}"' for item in listed]
            pairs = list(zip(items, scores))
            predictions.write(format_prediction(f'"{user}"', [(*pair, False) for pair in pairs]))
            truth.writelines(f"{user},{ids[item]}\n" for item in relevant)
            listed_json = ", ".join(f"{item}: {score!r}" for item, score in pairs)
            relevant_json = ", ".join(f'"{ids[item]}": 1' for item in relevant)
            run_file.write(f'{before}"{user}": {{{listed_json}}}')
            qrels.write(f'{before}"{user}": {{{relevant_json}}}')
        run_file.write("}")
        qrels.write("}")


def _draw(
    num_users: int, num_items: int, length: int, rng: np.random.Generator
) -> Iterator[tuple[list[int], list[float], list[int]]]:
    """Yield, for each user, the items of the list, their scores, and the relevant items."""
    # Item i is drawn in proportion to 1 / (i + 20), as cli.generate does it.
    weights = 1 / (np.arange(num_items) + 20)
    bounds: Float64Array = np.cumsum(weights) / weights.sum()
    for _ in range(num_users):
        found = _distinct(bounds, length + MAX_RELEVANT, rng)
        scores = np.sort(rng.random(length))[::-1]
        in_list, others = rng.permutation(length), length + np.arange(MAX_RELEVANT)
        count = int(rng.integers(1, MAX_RELEVANT + 1))
        wanted = np.where(rng.random(MAX_RELEVANT) < 0.5, in_list[:MAX_RELEVANT], others)[:count]
        yield found[:length].tolist(), scores.tolist(), found[wanted].tolist()


def _distinct(bounds: Float64Array, count: int, rng: np.random.Generator) -> Int64Array:
    found = np.empty(0, np.int64)
    while len(found) < count:
        more = np.searchsorted(bounds, rng.random(2 * count))
        everything, first = np.unique(np.concatenate([found, more]), return_index=True)
        found = everything[np.argsort(first)]  # in the order in which they were drawn
    return np.minimum(found[:count], len(bounds) - 1)


def main(argv: Sequence[str]) -> int:
    """Run the program."""
    folder = Path(argv[0])
    num_users, num_items, length, seed = map(int, argv[1:])

    def work() -> int:
        least, greatest = CUTOFFS[-1], num_items // 2 - MAX_RELEVANT
        if not least <= length <= greatest:
            raise ConfigError(
                f"list_length: expected from {least} to {greatest} for {num_items} items, "
                f"got {length}"
            )
        if num_users < SMALL_USERS:
            raise ConfigError(f"users: expected at least {SMALL_USERS}, got {num_users}")
        small = folder / "small"
        small.mkdir()
        for target, users in ((small, SMALL_USERS), (folder, num_users)):
            write_lists(target, users, num_items, length, seed)
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
