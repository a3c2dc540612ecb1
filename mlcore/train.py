"""Training: the one place that knows the order of the steps.

Weighting, with idf and decay, on all interactions; then heavy users are reduced; then the similarity
is counted. The histories hold the weights, popularity counts and the digest covers all interactions,
those of heavy users too.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mlcore.artifact import MODEL_FILES, Model, replaced_directory
from mlcore.config import TrainConfig
from mlcore.errors import DataError
from mlcore.files.inputs import Format, Place, place_name
from mlcore.files.interactions import ColumnNames, read_interactions
from mlcore.files.lists import read_config, read_ids
from mlcore.heavy_users import HeavyUsers
from mlcore.ids import IdMap
from mlcore.interactions import Interactions
from mlcore.memory import available_bytes, plan_memory
from mlcore.progress import Progress, Tell, ignore, silent
from mlcore.similarity import Counts, KeptBytes
from mlcore.threads import resolve_threads
from mlcore.types import CsrMatrix
from mlcore.weighting import Weighting

__all__ = ["Trainer", "train_from_data", "train_from_path"]


class _Counted(NamedTuple):
    """What models with the same weighting and the same care for heavy users share.

    Attributes:
        histories: (U, I) float32, the weights of all interactions.
        counts: of the same, reduced for heavy users.
    """

    histories: CsrMatrix
    counts: Counts

    def num_bytes(self) -> int:
        """Return how much it keeps."""
        reduced = self.counts.user_items
        own = 0 if reduced is self.histories else reduced.data.nbytes
        return self.counts.kept.used + self.histories.data.nbytes + own


class Trainer:
    """Trains several models of the same interactions, and counts once what they share.

    Models of the same weighting and the same care for heavy users share X' X, of which blocks are
    kept within ``keep_bytes``; the models are the same bits as those of ``train_from_data``.

    Args:
        interactions: U users, I items.
        keep_bytes: how much of the counts to keep between models. Changes speed and memory only.
        threads: how many; None for one a core. Changes speed only.
        progress: told how many items are done.
        tell: told the memory plan of a similarity that has one, before the work.

    >>> trainer = Trainer(Interactions.from_columns(["u", "u"], ["a", "b"]), keep_bytes=2**20)
    >>> trainer.train(TrainConfig()).similarity.data.tolist()
    [1.0, 1.0]
    """

    def __init__(
        self,
        interactions: Interactions,
        *,
        keep_bytes: int = 0,
        threads: int | None = None,
        progress: Progress = silent,
        tell: Tell = ignore,
    ) -> None:
        self._interactions = interactions
        self._threads = resolve_threads(threads)
        self._progress = progress
        self._tell = tell
        self._keep_bytes = keep_bytes
        self._counted: OrderedDict[tuple[Weighting, HeavyUsers], _Counted] = OrderedDict()
        self._popularity = np.bincount(
            interactions.user_items.indices, minlength=len(interactions.item_ids)
        ).astype(
            np.int64
        )  # (I,)
        self._sha256 = interactions.sha256()
        self._items = IdMap.from_ids(interactions.item_ids)
        self._users = IdMap.from_ids(interactions.user_ids)

    def train(self, config: TrainConfig, *, with_users: bool = True) -> Model:
        """Return the model.

        Args:
            config: decides what the model is.
            with_users: keep the histories, so that users can be asked for by id.

        Raises:
            DataError: a weight or a similarity does not fit float32; or timestamps are needed, and
                missing or after the reference time; or there is not enough memory.
        """
        config = config.resolved(self._interactions)
        histories, counts = self._counted_of(config.weighting, config.heavy_users)
        self._plan_memory(config, counts)
        similarity = config.similarity.neighbors(
            counts, config.neighbor_settings(), self._threads, self._progress
        )  # (I, I) float32
        return Model(
            config_json=config.to_json(),
            items=self._items,
            similarity=similarity,
            popularity=self._popularity,
            num_users=counts.num_users,
            num_interactions=len(self._interactions),
            interactions_sha256=self._sha256,
            users=self._users if with_users else None,
            histories=histories if with_users else None,
        )

    def _plan_memory(self, config: TrainConfig, counts: Counts) -> None:
        similarity = config.similarity
        needed = similarity.planned_bytes(counts, config.neighbor_settings(), self._threads)
        if needed:
            available = available_bytes()
            self._tell(plan_memory(similarity.name, needed, counts.num_items, available))

    def _counted_of(self, weighting: Weighting, heavy_users: HeavyUsers) -> _Counted:
        """Return the weighted matrix and its counts; of the older ones those stay that find room."""
        key = (weighting, heavy_users)
        if key in self._counted:
            self._counted.move_to_end(key)
            return self._counted[key]
        while self._counted and self._used_bytes() > self._keep_bytes // 2:
            self._counted.popitem(last=False)
        weighted = weighting.apply(self._interactions)  # (U, I) float32
        reduced = heavy_users.reduce(weighted, self._interactions)  # (U, I) float32
        kept = KeptBytes(self._keep_bytes - self._used_bytes())
        self._counted[key] = _Counted(weighted, Counts(reduced, kept))
        return self._counted[key]

    def _used_bytes(self) -> int:
        return sum(counted.num_bytes() for counted in self._counted.values())


def train_from_data(
    interactions: Interactions,
    config: TrainConfig = TrainConfig(),
    *,
    with_users: bool = True,
    threads: int | None = None,
    progress: Progress = silent,
    tell: Tell = ignore,
) -> Model:
    """Return the model of some interactions. Pure: no files, no clock, no output.

    Args:
        interactions: U users, I items.
        config: decides what the model is.
        with_users: keep the histories, so that users of the training can be asked for by id.
        threads: how many; None for one a core. Changes speed only.
        progress: told how many items are done.
        tell: told the memory plan of a similarity that has one, before the work.

    Raises:
        DataError: a weight or a similarity does not fit float32; or timestamps are needed, and
            missing or after the reference time; or there is not enough memory.

    >>> model = train_from_data(Interactions.from_columns(["u", "u"], ["a", "b"]))
    >>> model.similarity.data.tolist()
    [1.0, 1.0]
    """
    trainer = Trainer(interactions, threads=threads, progress=progress, tell=tell)
    return trainer.train(config, with_users=with_users)


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
    tell: Tell = ignore,
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
        tell: told the memory plan of a similarity that has one, before the work.

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
                interactions,
                config,
                with_users=with_users,
                threads=threads,
                progress=progress,
                tell=tell,
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
