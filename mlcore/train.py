"""Training: the one place that knows the order of the steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mlcore.artifact import MODEL_FILES, Model, replaced_directory
from mlcore.config import TrainConfig
from mlcore.errors import DataError
from mlcore.files.inputs import Format, Place, place_name
from mlcore.files.interactions import ColumnNames, read_interactions
from mlcore.files.lists import read_config, read_ids
from mlcore.ids import IdMap
from mlcore.interactions import Interactions
from mlcore.progress import Progress, silent
from mlcore.threads import resolve_threads

__all__ = ["train_from_data", "train_from_path"]


def train_from_data(
    interactions: Interactions,
    config: TrainConfig = TrainConfig(),
    *,
    with_users: bool = True,
    threads: int | None = None,
    progress: Progress = silent,
) -> Model:
    """Return the model of some interactions. Pure: no files, no clock, no output.

    Args:
        interactions: U users, I items.
        config: decides what the model is.
        with_users: keep the histories, so that users of the training can be asked for by id.
        threads: how many; None for one a core. Changes speed only.
        progress: told how many items are done.

    Raises:
        DataError: a weight or a similarity does not fit float32.

    >>> model = train_from_data(Interactions.from_columns(["u", "u"], ["a", "b"]))
    >>> model.similarity.data.tolist()
    [1.0, 1.0]
    """
    user_items = config.weighting.apply(interactions)  # (U, I) float32
    similarity = config.similarity.neighbors(
        user_items, config.neighbor_settings(), resolve_threads(threads), progress
    )  # (I, I) float32
    popularity = np.bincount(user_items.indices, minlength=user_items.num_columns)  # (I,)
    return Model(
        config_json=config.to_json(),
        items=IdMap.from_ids(interactions.item_ids),
        similarity=similarity,
        popularity=popularity.astype(np.int64),
        num_users=user_items.num_rows,
        num_interactions=user_items.num_entries,
        interactions_sha256=interactions.sha256(),
        users=IdMap.from_ids(interactions.user_ids) if with_users else None,
        histories=user_items if with_users else None,
    )


def train_from_path(
    interactions_path: Place,
    config_path: Place | None,
    out_dir: Place,
    *,
    items_path: Place | None = None,
    overwrite: bool = False,
    with_users: bool = True,
    threads: int | None = None,
    names: ColumnNames = ColumnNames(),
    format: Format | None = None,
    progress: Progress = silent,
) -> str:
    """Read interactions and configuration, train, write the model directory; return a summary.

    Args:
        interactions_path: ``.csv`` or ``.jsonl``, perhaps ``.gz``, or ``-``.
        config_path: a JSON file, or None for the default configuration.
        out_dir: where the model directory is to stand.
        items_path: the catalogue, a table with a column ``item_id``, or None for the items of the
            interactions. It counts where a formula or a metric has the number of items.
        overwrite: replace a model directory that stands there, in one step.
        with_users: keep the histories.
        threads: how many; None for one a core. Changes speed only.
        names: how the columns are called.
        format: of the interactions, or None to go by the name.
        progress: told how far each step is.

    Raises:
        ConfigError: the configuration breaks a rule.
        DataError: a file is faulty, or the directory cannot be written.
    """
    # Opened first: an output that cannot be written is found before the work, not after it.
    with replaced_directory(Path(out_dir), overwrite, MODEL_FILES) as folder:
        config = read_config(config_path)
        interactions = read_interactions(
            interactions_path, names=names, format=format, progress=progress
        )
        if items_path is not None:
            interactions = interactions.with_catalogue(read_ids(items_path, "item_id"))
        try:
            model = train_from_data(
                interactions, config, with_users=with_users, threads=threads, progress=progress
            )
        except DataError as error:
            raise DataError(f"{place_name(interactions_path)}: {error}", error.hint) from None
        model.write_files(folder)
    longest = int(np.diff(model.similarity.indptr).max())
    return (
        f"trained on {model.num_interactions} interactions of {model.num_users} users and "
        f"{len(model.items)} items: {model.similarity.num_entries} pairs, "
        f"at most {longest} from one item"
    )
