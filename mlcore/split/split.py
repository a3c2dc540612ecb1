"""Splits into training and test, reproducible and independent of row order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from mlcore.errors import DataError, at
from mlcore.files.formats import find_row_format
from mlcore.files.inputs import display_name
from mlcore.files.interactions import read_interactions, write_interactions
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.outputs import open_outputs
from mlcore.interactions import Interactions, no_timestamps
from mlcore.lineage.command_run import CommandRun
from mlcore.newest import mark_newest
from mlcore.numeric.hashing import draw_digest
from mlcore.progress import Progress, no_progress
from mlcore.split.config import SplitConfig
from mlcore.types import BoolArray

__all__ = ["split_from_data", "split_from_path"]

# Which option makes a part larger.
_SIZE_BY = {"random": "--test-fraction", "user": "--test-fraction", "last-n": "--n"}
_SIZE_BY["temporal"] = "--cutoff or --test-fraction"
_WITHOUT_TIMES = "take --strategy random or user"


def split_from_data(
    interactions: Interactions | Any, config: SplitConfig = SplitConfig()
) -> tuple[Interactions, Interactions]:
    """Return training and test interactions: every interaction is in exactly one of them.

    ``random`` and ``user`` draw by a hash of the ids and the seed, so an interaction (a user)
    goes to the same side whatever else is in the data, and SQL can draw the same: the test gets
    those with ``SUBSTR(TO_HEX(MD5(CONCAT(user_id, ',', item_id, ',', seed))), 1, 8)`` below
    ``test_fraction`` as 8 hexadecimal digits (without ``item_id, ','`` for ``user``). Of equal
    timestamps ``last-n`` takes those of ``mark_newest``, which do not depend on the order of ids.

    Args:
        interactions: or a data frame, as ``train_from_data`` takes it.

    Raises:
        DataError: timestamps are needed and missing, or one side is empty.

    >>> pairs = Interactions.from_columns("uuv", "aba", timestamps=[1, 2, 3])
    >>> train, test = split_from_data(pairs, SplitConfig("last-n"))
    >>> train.item_ids, test.item_ids
    (['a'], ['b'])
    """
    interactions = Interactions.of(interactions, keep_events=config.keep_events)
    in_test = _TEST_MARKS[config.strategy](interactions, config)
    if in_test.all() or not in_test.any():
        side = "training" if in_test.all() else "test"
        raise DataError(
            f"{side}: expected at least one of the {len(interactions)} interactions, got none",
            f"{_SIZE_BY[config.strategy]} says how many the test gets",
        )
    return interactions.select(~in_test), interactions.select(in_test)


def _mark_random(interactions: Interactions, config: SplitConfig) -> BoolArray:
    matrix = interactions.user_items
    users = [interactions.user_ids[row] for row in matrix.row_of_entry().tolist()]
    items = [interactions.item_ids[column] for column in matrix.indices.tolist()]
    return _drawn((f"{user},{item}" for user, item in zip(users, items)), config)


def _mark_users(interactions: Interactions, config: SplitConfig) -> BoolArray:
    drawn = _drawn(interactions.user_ids, config)  # (U,)
    return np.repeat(drawn, np.diff(interactions.user_items.indptr))


def _drawn(keys: Iterable[str], config: SplitConfig) -> BoolArray:
    threshold = f"{int(config.test_fraction * 2**32):08x}"
    return np.array([draw_digest(key, config.seed)[:8] < threshold for key in keys], bool)


def _mark_last_n(interactions: Interactions, config: SplitConfig) -> BoolArray:
    per_user = np.diff(interactions.user_items.indptr)  # (U,)
    return mark_newest(interactions, config.n, _WITHOUT_TIMES) & np.repeat(
        per_user > config.n, per_user
    )


def _mark_temporal(interactions: Interactions, config: SplitConfig) -> BoolArray:
    times = interactions.timestamps
    if times is None:
        raise no_timestamps("split by", _WITHOUT_TIMES)
    cutoff = config.cutoff
    if cutoff is None:
        # Rounded: 10 * (1 - 0.9) is a bit below 1 in float64.
        num_test = max(1, round(len(times) * config.test_fraction))
        cutoff = int(np.sort(times)[-num_test])
    return times >= cutoff


_TEST_MARKS = {
    "random": _mark_random,
    "last-n": _mark_last_n,
    "temporal": _mark_temporal,
    "user": _mark_users,
}


def split_from_path(
    interactions_path: PathLike,
    train_path: PathLike,
    test_path: PathLike,
    config: SplitConfig = SplitConfig(),
    *,
    input_options: InputOptions = InputOptions(),
    lineage_path: PathLike | None = None,
    progress: Progress = no_progress,
) -> str:
    """Read interactions, split them, write both sides; return a summary.

    Args:
        lineage_path: gets a line for each output; None for ``lineage.jsonl`` beside it, if there is one.
        progress: called with the bytes read.

    Raises:
        DataError: a file is faulty, or one side is empty.
    """
    for path in (train_path, test_path):
        find_row_format(path, input_options.format)  # before the work, not after it
    inputs = {"--interactions": interactions_path}
    run = CommandRun("split", {"train": train_path, "test": test_path}, lineage_path)
    run.note(config, input_options)
    with open_outputs(train_path, test_path, inputs=inputs, on_written=run.on_written) as (
        train_out,
        test_out,
    ):
        run.take_options(inputs)
        interactions = read_interactions(
            interactions_path,
            input_options=input_options,
            progress=progress,
            keep_events=config.keep_events,
        )
        with at(display_name(interactions_path)):
            train, test = split_from_data(interactions, config)
        write_interactions(train_out, train, train_path, input_options.format)
        write_interactions(test_out, test, test_path, input_options.format)
    return (
        f"train: {len(train)} interactions of {len(train.user_ids)} users; "
        f"test: {len(test)} interactions of {len(test.user_ids)} users"
    )
