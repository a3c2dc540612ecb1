"""Preprocessing: from raw events to the interactions worth training on."""

from __future__ import annotations
from typing import Any

import numpy as np

from mlcore.errors import DataError, at
from mlcore.files.clobber import refuse_clobber
from mlcore.files.formats import find_row_format
from mlcore.files.inputs import display_name
from mlcore.files.interactions import read_events, write_interactions
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.outputs import open_outputs
from mlcore.files.parts import has_parts
from mlcore.interactions import Events, Interactions
from mlcore.lineage.command_run import CommandRun
from mlcore.newest import mark_newest
from mlcore.preprocess.config import PreprocessConfig
from mlcore.progress import Progress, no_progress
from mlcore.types import BoolArray

__all__ = ["preprocess_from_data", "preprocess_from_path"]


def preprocess_from_data(
    events: Events | Interactions | Any, config: PreprocessConfig = PreprocessConfig()
) -> Interactions:
    """Return interactions that meet all conditions at once.

    Steps in order: aggregate, drop light interactions, keep each user's newest (of equal timestamps
    as ``mark_newest``), then drop users and items with too few interactions until nothing changes (the k-core).

    Args:
        events: or interactions, each an event, or a data frame, as ``train_from_data`` takes it.

    Raises:
        DataError: timestamps are needed and missing, or nothing is left.

    >>> events = Events(["u", "v"], ["a"], np.array([0, 1]), np.array([0, 0]), np.ones(2))
    >>> len(preprocess_from_data(events, PreprocessConfig(min_item_interactions=2)))
    2
    """
    if isinstance(events, Interactions):
        interactions = events.combined_again(config.aggregate)
    else:
        interactions = Interactions.of(events, config.aggregate, keep_events=config.keep_events)
    if config.min_weight is not None:
        interactions = interactions.select(interactions.user_items.data >= config.min_weight)
    if config.max_user_interactions is not None:
        newest = mark_newest(
            interactions, config.max_user_interactions, "leave --max-user-interactions out"
        )
        interactions = interactions.select(newest)
    interactions = interactions.select(_in_core(interactions, config))
    if not len(interactions):
        raise DataError(
            "interactions: expected at least one that meets all conditions, got none",
            "lower --min-user-interactions, --min-item-interactions or --min-weight",
        )
    return interactions


def _in_core(interactions: Interactions, config: PreprocessConfig) -> BoolArray:
    """Return which interactions remain when no user and no item has too few of them, (E,) bool."""
    users, items = interactions.user_items.row_of_entry(), interactions.user_items.indices
    remaining = np.arange(len(interactions))
    while True:
        enough_of_user = np.bincount(users) >= config.min_user_interactions
        enough_of_item = np.bincount(items) >= config.min_item_interactions
        keep = enough_of_user[users] & enough_of_item[items]
        if keep.all():
            break
        users, items, remaining = users[keep], items[keep], remaining[keep]
    in_core = np.zeros(len(interactions), bool)
    in_core[remaining] = True
    return in_core


def preprocess_from_path(
    interactions_path: PathLike,
    out_path: PathLike,
    config: PreprocessConfig = PreprocessConfig(),
    *,
    in_place: bool = False,
    input_options: InputOptions = InputOptions(),
    lineage_path: PathLike | None = None,
    progress: Progress = no_progress,
) -> str:
    """Read events, preprocess them, write interactions; return a summary.

    Args:
        in_place: allow the output to replace the events, if they are one file.
        lineage_path: gets a line for each output; None for ``lineage.jsonl`` beside it, if there is one.
        progress: called with the bytes read.

    Raises:
        DataError: a file is faulty, or nothing is left.
    """
    find_row_format(out_path, input_options.format)  # before the work, not after it
    inputs = {"--interactions": interactions_path}
    if has_parts(interactions_path):  # of which none can stand for all
        refuse_clobber(out_path, inputs)
    elif not in_place:
        refuse_clobber(out_path, inputs, "--in-place replaces it")
    run = CommandRun("preprocess", {"interactions": out_path}, lineage_path)
    run.note(config, input_options)
    with open_outputs(out_path, on_written=run.on_written) as (out,):
        run.take_options(inputs)
        events = read_events(interactions_path, input_options=input_options, progress=progress)
        with at(display_name(interactions_path)):
            interactions = preprocess_from_data(events, config)
        write_interactions(out, interactions, out_path, input_options.format)
    num_kept = len(interactions if interactions.events is None else interactions.events.users)
    return (
        f"kept {num_kept} of {len(events.users)} rows: "
        f"{len(interactions.user_ids)} users, {len(interactions.item_ids)} items"
    )
