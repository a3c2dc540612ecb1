"""Training: the one place that knows the order of the steps.

Weighting, with idf and decay, on all interactions; then heavy users are reduced; then the similarity
is counted. The histories hold the weights, popularity counts and the digest covers all interactions,
those of heavy users too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeAlias

import numpy as np

from mlcore.files.options import InputOptions, PathLike
from mlcore.artifact import MODEL_FILES, Model, replaced_directory
from mlcore.config import TrainConfig
from mlcore.errors import DataError
from mlcore.files.inputs import display_name
from mlcore.files.interactions import read_interactions
from mlcore.files.lists import read_config, read_ids
from mlcore.heavy_users import HeavyUsers
from mlcore.memory.input_size import refuse_long_file
from mlcore.ids import IdMap
from mlcore.interactions import Interactions
from mlcore.memory.available import available_bytes
from mlcore.memory.plan import SHOWN_FROM, Plan
from mlcore.progress import OnMessage, Progress, no_message, no_progress
from mlcore.similarity import GramBlocks, CacheBudget
from mlcore.numeric.threads import resolve_threads
from mlcore.train.memory import TrainingPlanner
from mlcore.types import CsrMatrix, Int64Array
from mlcore.weighting import Weighting

__all__ = [
    "NeighborFinder",
    "Trainer",
    "plan_from_path",
    "summary_of",
    "train_from_data",
    "train_from_path",
]

# Gives the (I, I) float32 neighbors of a configuration, in place of the similarity itself.
NeighborFinder: TypeAlias = Callable[[TrainConfig, GramBlocks, IdMap, Progress], CsrMatrix]


class _Counted(NamedTuple):
    """What models with the same weighting and the same care for heavy users share.

    Attributes:
        histories: (U, I) float32, the weights of all interactions.
        counts: of the same, reduced for heavy users.
    """

    histories: CsrMatrix
    counts: GramBlocks

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
        on_message: called with the memory plan before the work, unless it is small.
        find_neighbors: finds the neighbors elsewhere, or None for the similarity itself, whose
            memory is planned.

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
        progress: Progress = no_progress,
        on_message: OnMessage = no_message,
        find_neighbors: NeighborFinder | None = None,
    ) -> None:
        self._interactions = interactions
        self._find_neighbors = find_neighbors
        self._threads = resolve_threads(threads)
        self._progress = progress
        self._on_message = on_message
        self._keep_bytes = keep_bytes
        self._counted: OrderedDict[tuple[Weighting, HeavyUsers], _Counted] = OrderedDict()
        self._planner = TrainingPlanner(interactions, keep_bytes)
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
        if self._find_neighbors is None:
            self._check_memory(config, with_users)
        popularity, sha256 = self._popularity, self._sha256  # before there is more in memory
        histories, counts = self._counted_of(config.weighting, config.heavy_users)
        similarity = self._neighbors(config, counts)  # (I, I) float32
        return Model(
            config_json=config.to_json(),
            items=self._items,
            similarity=similarity,
            popularity=popularity,
            num_users=counts.num_users,
            num_interactions=len(self._interactions),
            interactions_sha256=sha256,
            users=self._users if with_users else None,
            histories=histories if with_users else None,
        )

    def _neighbors(self, config: TrainConfig, counts: GramBlocks) -> CsrMatrix:
        if self._find_neighbors is not None:
            return self._find_neighbors(config, counts, self._items, self._progress)
        settings = config.neighbor_settings()
        return config.similarity.neighbors(counts, settings, self._threads, self._progress)

    def plan(self, config: TrainConfig, *, with_users: bool = True) -> Plan:
        """Return how much memory a training takes.

        Args:
            config: as for ``train``.
            with_users: as for ``train``.
        """
        return self._planner.plan(config, self._threads, with_users, self._used_bytes())

    def refusal(
        self, plan: Plan, config: TrainConfig, available: int | None, *, with_users: bool = True
    ) -> DataError | None:
        """Return why a plan cannot be carried out, with the cure, or None if it can.

        Args:
            plan: of this configuration.
            config: as for ``train``.
            available: bytes, or None if nobody says.
            with_users: as for ``train``.
        """

        def cure(fitting: int) -> str:
            used = self._used_bytes()
            return self._planner.cure(config, self._threads, with_users, fitting, used)

        return plan.refusal(available, cure)

    def _check_memory(self, config: TrainConfig, with_users: bool) -> None:
        plan = self.plan(config, with_users=with_users)
        if plan.num_bytes < SHOWN_FROM:
            return
        available = available_bytes()
        refusal = self.refusal(plan, config, available, with_users=with_users)
        if refusal is not None:
            raise refusal
        self._on_message(plan.text(available))

    @cached_property
    def _popularity(self) -> Int64Array:
        """Users of each item, (I,) int64."""
        items, num_items = self._interactions.user_items.indices, len(self._interactions.item_ids)
        return np.bincount(items, minlength=num_items).astype(np.int64)

    @cached_property
    def _sha256(self) -> str:
        return self._interactions.sha256()

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
        kept = CacheBudget(self._keep_bytes - self._used_bytes())
        self._counted[key] = _Counted(weighted, GramBlocks(reduced, kept))
        return self._counted[key]

    def _used_bytes(self) -> int:
        return sum(counted.num_bytes() for counted in self._counted.values())


def train_from_data(
    interactions: Interactions,
    config: TrainConfig = TrainConfig(),
    *,
    with_users: bool = True,
    threads: int | None = None,
    progress: Progress = no_progress,
    on_message: OnMessage = no_message,
    find_neighbors: NeighborFinder | None = None,
) -> Model:
    """Return the model of some interactions. Pure: no files, no clock, no output.

    Args:
        interactions: U users, I items.
        config: decides what the model is.
        with_users: keep the histories, so that users of the training can be asked for by id.
        threads: how many; None for one a core. Changes speed only.
        progress: told how many items are done.
        on_message: called with the memory plan before the work, unless it is small.
        find_neighbors: finds the neighbors elsewhere, or None for the similarity itself.

    Raises:
        DataError: a weight or a similarity does not fit float32; or timestamps are needed, and
            missing or after the reference time; or there is not enough memory.

    >>> model = train_from_data(Interactions.from_columns(["u", "u"], ["a", "b"]))
    >>> model.similarity.data.tolist()
    [1.0, 1.0]
    """
    trainer = Trainer(
        interactions,
        threads=threads,
        progress=progress,
        on_message=on_message,
        find_neighbors=find_neighbors,
    )
    return trainer.train(config, with_users=with_users)


def train_from_path(
    interactions_path: PathLike,
    config_path: PathLike | None,
    out_dir: PathLike,
    *,
    items_path: PathLike | None = None,
    overwrite: bool = False,
    with_users: bool = True,
    threads: int | None = None,
    input_options: InputOptions = InputOptions(),
    progress: Progress = no_progress,
    on_message: OnMessage = no_message,
) -> str:
    """Read interactions and configuration, train, write the model directory; return a summary.

    Args:
        interactions_path: ``.csv`` or ``.jsonl``, perhaps ``.gz``, ``.parquet``, or ``-``.
        config_path: a JSON file, or None for the default configuration.
        out_dir: where the model directory is to stand.
        items_path: the catalogue, a table with a column ``item_id``, or None for the items of the
            interactions. It counts where a formula or a metric has the number of items.
        overwrite: replace a model directory that stands there, in one step.
        with_users: keep the histories.
        threads: how many; None for one a core. Changes speed only.
        progress: told how far each step is.
        on_message: called with the memory plan before the work, unless it is small.

    Raises:
        ConfigError: the configuration breaks a rule.
        DataError: a file is faulty, or the directory cannot be written.
    """
    # Opened first: an output that cannot be written is found before the work, not after it.
    with replaced_directory(Path(out_dir), overwrite, MODEL_FILES) as folder:
        config = read_config(config_path)
        interactions = _read(interactions_path, items_path, input_options, threads, progress)
        try:
            model = train_from_data(
                interactions,
                config,
                with_users=with_users,
                threads=threads,
                progress=progress,
                on_message=on_message,
            )
        except DataError as error:
            raise _at(interactions_path, error) from None
        model.write_files(folder)
    return summary_of(model)


def summary_of(model: Model) -> str:
    """Return in words what was trained.

    Args:
        model: of a training.

    >>> summary_of(train_from_data(Interactions.from_columns(["u", "u"], ["a", "b"])))
    'trained on 2 interactions of 1 users and 2 items: 2 pairs, at most 1 from one item'
    """
    longest = int(np.diff(model.similarity.indptr).max())
    return (
        f"trained on {model.num_interactions} interactions of {model.num_users} users and "
        f"{len(model.items)} items: {model.similarity.num_entries} pairs, "
        f"at most {longest} from one item"
    )


def plan_from_path(
    interactions_path: PathLike,
    config_path: PathLike | None,
    *,
    items_path: PathLike | None = None,
    with_users: bool = True,
    threads: int | None = None,
    input_options: InputOptions = InputOptions(),
    progress: Progress = no_progress,
) -> tuple[str, DataError | None]:
    """Read interactions and configuration; return the memory plan, and why it cannot be carried out.

    Args:
        interactions_path: as for ``train_from_path``, as all others.
        config_path: a JSON file, or None.
        items_path: the catalogue, or None.
        with_users: keep the histories.
        threads: how many; None for one a core.
        progress: told how far the reading is.

    Raises:
        ConfigError: the configuration breaks a rule.
        DataError: a file is faulty, or cannot be read within the memory there is.
    """
    config = read_config(config_path)
    interactions = _read(interactions_path, items_path, input_options, threads, progress)
    trainer = Trainer(interactions, threads=threads)
    available = available_bytes()
    try:
        plan = trainer.plan(config.resolved(interactions), with_users=with_users)
    except DataError as error:
        raise _at(interactions_path, error) from None
    refusal = trainer.refusal(plan, config, available, with_users=with_users)
    return plan.text(available), None if refusal is None else _at(interactions_path, refusal)


def _read(
    interactions_path: PathLike,
    items_path: PathLike | None,
    input_options: InputOptions,
    threads: int | None,
    progress: Progress,
) -> Interactions:
    refuse_long_file(interactions_path, available_bytes())
    interactions = read_interactions(
        interactions_path, input_options=input_options, threads=threads, progress=progress
    )
    if items_path is None:
        return interactions
    return interactions.with_catalogue(read_ids(items_path, "item_id"))


def _at(path: PathLike, error: DataError) -> DataError:
    return DataError(f"{display_name(path)}: {error}", error.hint)
