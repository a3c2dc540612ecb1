"""Training: the one place that knows the order of the steps.

Weight all interactions, with idf and decay; then reduce heavy users; then compute the similarity. The
histories hold the weights; popularity and the digest cover all interactions, also those of heavy users.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from mlcore.artifact import (
    DIRECTORY_FILES,
    Attributes,
    Model,
    read_attributes,
    replaced_directory,
    write_provenance,
)
from mlcore.config import TrainConfig
from mlcore.errors import ConfigError, DataError, DataWarning, MlcoreError, at
from mlcore.files.disk_input import read_interactions_on_disk
from mlcore.files.inputs import display_name
from mlcore.files.interactions import read_events
from mlcore.files.lists import read_config, read_ids
from mlcore.files.options import InputOptions, PathLike
from mlcore.heavy_users import HeavyUsers
from mlcore.history_decay import order_of_rows
from mlcore.ids import IdMap
from mlcore.interactions import Events, Interactions
from mlcore.lineage.command_run import CommandRun
from mlcore.memory.arrays import temporary_arrays
from mlcore.memory.input_size import check_rows_fit
from mlcore.memory.plan import Plan
from mlcore.native import is_available
from mlcore.numeric.sums import sum_by_group
from mlcore.numeric.threads import resolve_threads
from mlcore.progress import OnMessage, Progress, no_message, no_progress
from mlcore.references import count_unknown, likely_reason, none_known
from mlcore.similarity import SIMILARITIES, CacheBudget, GramBlocks
from mlcore.similarity.pairs import COMPILER
from mlcore.similarity.products import count_users
from mlcore.similarity.rows import RowFinder
from mlcore.train.memory import TrainingPlanner
from mlcore.train.provenance import facts_of_training
from mlcore.types import CsrMatrix, Float64Array, Int32Array, Int64Array
from mlcore.weighting import Normalization, Recency, Weighting

__all__ = [
    "Chosen",
    "NeighborFinder",
    "Trainer",
    "add_catalogue",
    "attributes_of",
    "summary_of",
    "train_from_data",
    "train_from_path",
]

# Returns the (I, I) float32 neighbors of a configuration, in place of the similarity.
NeighborFinder: TypeAlias = Callable[[TrainConfig, GramBlocks, IdMap, Progress], CsrMatrix]


class Chosen(NamedTuple):
    """A configuration that was chosen for some interactions.

    Attributes:
        documents: texts by name, which go beside the files of the model.
        params: what decided the choice, for the lineage.
    """

    config: TrainConfig
    documents: Mapping[str, str]
    params: Mapping[str, object]


_NO_ORDER = np.empty(0, np.int32)  # of a model without users


class _Counted(NamedTuple):
    """What models with the same key share.

    Attributes:
        histories: (U, I) float32, the weights of all interactions.
        gram: of the same, reduced for heavy users.
        normalization: of the weighting.
    """

    histories: CsrMatrix
    gram: GramBlocks
    normalization: Normalization

    def num_bytes(self) -> int:
        """Return the bytes that it keeps in memory."""
        reduced = self.gram.user_items
        own = 0 if reduced is self.histories else reduced.data.nbytes
        return self.gram.kept.used + self.histories.data.nbytes + own


class _Key(NamedTuple):
    """What decides which matrix is counted, and whether with its events in order."""

    weighting: Weighting
    heavy_users: HeavyUsers
    uses_order: bool


class Trainer:
    """Trains several models of the same interactions, and counts once what they share.

    Models of the same weighting and the same rule for heavy users share X' X, whose blocks are kept
    within ``keep_bytes``; their bits are those of ``train_from_data``.

    Args:
        interactions: U users, I items.
        keep_bytes: how much of X' X to keep between models. Changes speed and memory only.
        threads: None for one a core. Changes speed only.
        on_message: called with the memory plan before the work, unless it is small.
        find_neighbors: finds the neighbors elsewhere; without it the similarity does, and its
            memory is planned.
        attributes: of the items, for the models to carry.
        memory_limit: bytes for all of the process, where arrays are mapped: see ``memory.arrays``.
        find_rows: finds the rows of w elsewhere, with the bits of this process.

    >>> trainer = Trainer(Interactions.from_columns(["u", "u"], ["a", "b"]), keep_bytes=2**20)
    >>> trainer.train(TrainConfig()).similarity.indices.tolist()
    [1, 0]
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
        attributes: Attributes | None = None,
        memory_limit: int | None = None,
        find_rows: RowFinder | None = None,
    ) -> None:
        self._interactions = interactions
        self._find_rows = find_rows
        self._memory_limit = memory_limit
        self._find_neighbors = find_neighbors
        self._attributes = attributes = (
            None
            if attributes is None
            else Attributes.expect(attributes, len(interactions.item_ids))
        )
        self._threads = resolve_threads(threads)
        self._progress = progress
        self._on_message = on_message
        self._keep_bytes = keep_bytes
        self._counted: OrderedDict[_Key, _Counted] = OrderedDict()
        self._sha256: dict[bool, str] = {}  # by whether the order counts
        self._planner = TrainingPlanner(interactions, keep_bytes, attributes)
        self._items = IdMap.from_ids(interactions.item_ids)
        self._users = IdMap.from_ids(interactions.user_ids)

    def train(self, config: TrainConfig, *, with_users: bool = True) -> Model:
        """Return the model.

        Args:
            with_users: keep the histories, so that users can be requested by id.

        Raises:
            DataError: a weight or a similarity does not fit float32; or timestamps are needed, and
                missing or after the reference time; or there is not enough memory.
        """
        combined_by = self._interactions.combined_by
        if combined_by not in (None, config.aggregate):
            raise DataError(
                f"aggregate: expected rows combined by {config.aggregate!r}, as the configuration "
                f"says, got {combined_by!r}",
                "Events.aggregate, and aggregate= of Interactions.from_frame, combine rows",
            )
        config = config.resolved(self._interactions)
        if self._find_neighbors is None:
            self.plan(config, with_users=with_users).show(self._on_message, must_fit=True)
        key = _Key(config.weighting, config.heavy_users, config.similarity.uses_order)
        popularity, sha256 = self._popularity, self._sha256_of(key)  # before the rest takes memory
        decayed = self._decayed_popularity(config.recency)
        order = (self._order if with_users else _NO_ORDER) if config.uses_order else None
        histories, gram, normalization = self._counted_of(key)
        similarity = self._neighbors(config, gram)  # (I, I) float32
        return Model(
            config_json=config.to_json(),
            items=self._items,
            similarity=similarity,
            popularity=popularity,
            decayed_popularity=decayed,
            num_users=gram.num_users,
            num_interactions=len(self._interactions),
            interactions_sha256=sha256,
            normalization=normalization,
            attributes=self._attributes,
            users=self._users if with_users else None,
            histories=histories if with_users else None,
            order=order,
        )

    def _neighbors(self, config: TrainConfig, gram: GramBlocks) -> CsrMatrix:
        if self._find_neighbors is not None:
            return self._find_neighbors(config, gram, self._items, self._progress)
        settings = config.neighbor_settings()
        return config.similarity.neighbors(gram, settings, self._threads, self._progress)

    def plan(self, config: TrainConfig, *, with_users: bool = True) -> Plan:
        """Return how much memory ``train`` takes.

        Raises:
            DataError: timestamps are needed, and missing or after the reference time.
        """
        config = config.resolved(self._interactions)
        return self._planner.plan(
            config,
            self._threads,
            with_users,
            self._used_bytes(),
            memory_limit=self._memory_limit,
        )

    @cached_property
    def _popularity(self) -> Int64Array:
        """Users of each item, (I,) int64."""
        return count_users(self._interactions.user_items.indices, len(self._interactions.item_ids))

    def _decayed_popularity(self, recency: Recency | None) -> Float64Array | None:
        """Return the sum over the users of each item, ascending, (I,) float64."""
        if recency is None:
            return None
        recency, sums = recency.resolved(self._interactions), np.zeros(len(self._items))  # (I,)
        for part, _ in self._interactions.spans():
            sum_by_group(part.user_items.indices, recency.weigh(part), len(sums), sums=sums)
        return sums

    @cached_property
    def _order(self) -> Int32Array:
        """Place of each interaction in the order of its user, (E,) int32; equal times by item."""
        times = self._interactions.timestamps
        assert times is not None
        return order_of_rows(self._interactions.user_items.indptr, times)

    def _sha256_of(self, key: _Key) -> str:
        if key.uses_order not in self._sha256:
            self._sha256[key.uses_order] = self._interactions.sha256(with_order=key.uses_order)
        return self._sha256[key.uses_order]

    def _counted_of(self, key: _Key) -> _Counted:
        """Return the weighted matrix and its Gram blocks; drop the oldest while too much is kept."""
        if key in self._counted:
            self._counted.move_to_end(key)
            return self._counted[key]
        while self._counted and self._used_bytes() > self._keep_bytes // 2:
            self._counted.popitem(last=False)
        weighted, normalization = key.weighting.fit(self._interactions)  # (U, I) float32
        reduced = key.heavy_users.apply(weighted, self._interactions)  # (U, I) float32
        sequences = self._interactions.sequences if key.uses_order else None
        if sequences is not None and reduced.num_entries < weighted.num_entries:
            sequences = sequences.within(reduced)
        kept = CacheBudget(self._keep_bytes - self._used_bytes())
        gram = GramBlocks(reduced, kept, sequences=sequences, find_rows=self._find_rows)
        self._counted[key] = _Counted(weighted, gram, normalization)
        return self._counted[key]

    def _used_bytes(self) -> int:
        return sum(counted.num_bytes() for counted in self._counted.values())


def train_from_data(
    interactions: Interactions | Events | Any,
    config: TrainConfig | Mapping[str, object] = TrainConfig(),
    *,
    with_users: bool = True,
    threads: int | None = None,
    progress: Progress = no_progress,
    on_message: OnMessage = no_message,
    find_neighbors: NeighborFinder | None = None,
    attributes: Attributes | None = None,
) -> Model:
    """Return the model of some interactions. Pure: no files, no clock, no output.

    Args:
        interactions: combined as ``config.aggregate`` says; or events, or a data frame as
            ``Interactions.from_frame`` takes it, with its columns ``user_id``, ``item_id`` and, if
            there, ``weight`` and ``timestamp``.
        config: or a dictionary as in the JSON file.
        with_users: keep the histories, so that users of the training can be requested by id.
        threads: None for one a core. Changes speed only.
        on_message: called with the memory plan before the work, unless it is small.
        find_neighbors: finds the neighbors elsewhere, in place of the similarity.
        attributes: the catalogue that the model carries, as ``read_attributes`` gives it for the
            items of the interactions.

    Raises:
        ConfigError: the configuration breaks a rule.
        DataError: a weight or a similarity does not fit float32; or timestamps are needed, and
            missing or after the reference time; or there is not enough memory.

    >>> model = train_from_data(Interactions.from_columns(["u", "u"], ["a", "b"]))
    >>> model.similarity.indices.tolist()
    [1, 0]
    """
    if not isinstance(config, TrainConfig):
        config = TrainConfig.from_json(config)
    trainer = Trainer(
        Interactions.of(interactions, config.aggregate, keep_events=config.similarity.uses_order),
        threads=threads,
        progress=progress,
        on_message=on_message,
        find_neighbors=find_neighbors,
        attributes=attributes,
    )
    return trainer.train(config, with_users=with_users)


def train_from_path(
    interactions_path: PathLike,
    config: TrainConfig | Mapping[str, object] | PathLike | None,
    out_dir: PathLike,
    *,
    items_path: PathLike | None = None,
    attributes_path: PathLike | None = None,
    choose: Callable[[Interactions], Chosen] | None = None,
    memory_limit: int | None = None,
    temp_directory: PathLike | None = None,
    overwrite: bool = False,
    with_users: bool = True,
    threads: int | None = None,
    input_options: InputOptions = InputOptions(),
    lineage_path: PathLike | None = None,
    dry_run: bool = False,
    progress: Progress = no_progress,
    on_message: OnMessage = no_message,
) -> str:
    """Read interactions and configuration, train, write the model directory; return a summary.

    Args:
        interactions_path: ``.csv`` or ``.jsonl``, perhaps ``.gz``, ``.parquet``, or ``-``.
        config: or a dictionary or a JSON file of it, or None for the default one.
        out_dir: where the model directory goes.
        items_path: the catalogue, a table with a column ``item_id``, or None for the items of the
            interactions. It counts where a formula or a metric has the number of items.
        attributes_path: what the model keeps of its items, as ``read_catalogue`` takes it.
        choose: chooses the configuration by the interactions, which ``config`` says how to combine.
        memory_limit: bytes for all of the process: what grows with the interactions is then in files,
            and the model is the same. For similarities that the compiled kernels know.
        temp_directory: where these files are, until the end; None for beside ``out_dir``.
        overwrite: replace a model directory that is there, in one step.
        with_users: keep the histories.
        threads: None for one a core. Changes speed only.
        lineage_path: gets the line of the model; None for ``lineage.jsonl`` beside it, if there is one.
        dry_run: read, write nothing, and return the memory plan.
        on_message: called with the memory plan before the work, unless it is small; of a dry run,
            only with a plan that does not fit.

    Raises:
        ConfigError: the configuration breaks a rule.
        DataError: a file is faulty, the directory cannot be written, or there is not enough memory.
    """

    if temp_directory is not None and memory_limit is None:
        raise ConfigError(
            "--temp-directory: expected --memory-limit with it, got none",
            "without a limit all is in memory",
        )
    config = TrainConfig.from_json(config) if isinstance(config, Mapping) else config

    def read(folder: str | None) -> tuple[Trainer, Chosen, int]:
        chosen = Chosen(read_config(config), {}, {})
        if folder is not None:
            _check_on_disk(chosen.config, choose)
        interactions, num_rows = _read(
            interactions_path,
            items_path,
            chosen.config,
            input_options,
            threads,
            progress,
            folder,
            memory_limit,
        )
        if choose is not None and not dry_run:
            chosen = choose(interactions)
        trainer = Trainer(
            interactions,
            threads=threads,
            progress=progress,
            on_message=on_message,
            attributes=attributes_of(interactions, attributes_path, input_options),
            memory_limit=memory_limit,
        )
        return trainer, chosen, num_rows

    if dry_run:
        with _mapped(memory_limit, temp_directory or Path(out_dir).parent) as place:
            trainer, chosen, _ = read(place)
            with at(display_name(interactions_path)):
                return trainer.plan(chosen.config, with_users=with_users).dry_run(on_message)
    # Opened first: an output that cannot be written is found before the work, not after it.
    config_path = None if isinstance(config, TrainConfig) else config
    inputs = {
        "--interactions": interactions_path,
        "--config": config_path,
        "--items": items_path,
        "--attributes": attributes_path,
    }
    run = CommandRun("train", {"model": out_dir}, lineage_path, always_takes=True)
    with replaced_directory(
        Path(out_dir), overwrite, DIRECTORY_FILES, inputs=inputs, on_written=run.on_written
    ) as folder:
        run.take_options(inputs)
        with _mapped(memory_limit, temp_directory or folder) as place:
            trainer, chosen, num_rows = read(place)
            with at(display_name(interactions_path)):
                model = trainer.train(chosen.config, with_users=with_users)
            run.note(model.config_json, input_options, with_users=with_users, **chosen.params)
            model.write_files(folder)
        for name, text in chosen.documents.items():
            (folder / name).write_bytes(text.encode())
        write_provenance(folder, facts_of_training(model, num_rows, run))
    return summary_of(model)


def _mapped(memory_limit: int | None, around: PathLike) -> AbstractContextManager[str | None]:
    """Map large arrays, and give their folder; without a limit, do nothing."""
    return nullcontext() if memory_limit is None else temporary_arrays(around)


def _check_on_disk(config: TrainConfig, choose: object) -> None:
    """Refuse what cannot train with a limit of memory, before the work.

    Raises:
        ConfigError: the configuration needs all in memory.
        MlcoreError: there are no compiled kernels.
    """
    if choose is not None:
        raise ConfigError(
            "--memory-limit: expected a configuration with it, got one to be chosen",
            "choose on a part of the users, --config auto, and train with the config.json of that model",
        )
    known = [name for name, similarity in SIMILARITIES.items() if similarity().works_on_disk]
    if not config.similarity.works_on_disk:
        raise ConfigError(
            f"--memory-limit: expected one of {', '.join(known)} with it, "
            f"got {config.similarity.name}",
            "without --memory-limit it trains in memory",
        )
    if config.num_neighbors is None:
        raise ConfigError(
            "--memory-limit: expected a number of neighbors with it, got null",
            "--set num_neighbors=100",
        )
    if not is_available():
        raise MlcoreError("--memory-limit: expected compiled kernels, got none", COMPILER)


def summary_of(model: Model) -> str:
    """Return in words what was trained.

    >>> summary_of(train_from_data(Interactions.from_columns(["u", "u"], ["a", "b"])))
    'trained on 2 interactions of 1 users and 2 items: 2 pairs, at most 1 from one item'
    >>> summary_of(train_from_data(Interactions.from_columns(["u", "v"], ["a", "b"])))
    'trained on 2 interactions of 2 users and 2 items: no pairs, so all lists will be empty or filled in'
    """
    trained = (
        f"trained on {model.num_interactions} interactions of {model.num_users} users and "
        f"{len(model.items)} items: "
    )
    if not model.similarity.num_entries:
        return f"{trained}no pairs, so all lists will be empty or filled in"
    longest = int(np.diff(model.similarity.indptr).max())
    return f"{trained}{model.similarity.num_entries} pairs, at most {longest} from one item"


def _read(
    interactions_path: PathLike,
    items_path: PathLike | None,
    config: TrainConfig,
    input_options: InputOptions,
    threads: int | None,
    progress: Progress,
    folder: str | None,
    memory_limit: int | None,
) -> tuple[Interactions, int]:
    """Return the interactions, and how many rows they were."""
    if folder is not None and memory_limit is not None:
        interactions, num_rows = read_interactions_on_disk(
            interactions_path,
            config.aggregate,
            input_options,
            folder=folder,
            memory_limit=memory_limit // 2,
            threads=threads,
            progress=progress,
        )
    else:
        check_rows_fit(interactions_path)
        events = read_events(
            interactions_path, input_options=input_options, threads=threads, progress=progress
        )
        keep_events = config.similarity.uses_order
        with at(display_name(interactions_path)):
            interactions = events.aggregate(config.aggregate, keep_events=keep_events)
        num_rows = len(events.users)
        del events  # before the catalogue takes memory
    if items_path is not None:
        interactions = add_catalogue(interactions, items_path, input_options)
    return interactions, num_rows


def attributes_of(
    interactions: Interactions,
    attributes_path: PathLike | None,
    input_options: InputOptions = InputOptions(),
) -> Attributes | None:
    """Return what a file says of the items of interactions; None without a file.

    Raises:
        DataError: as ``read_attributes``.
    """
    if attributes_path is None:
        return None
    items = IdMap.from_ids(interactions.item_ids)
    return read_attributes(attributes_path, items, input_options)


def add_catalogue(
    interactions: Interactions, items_path: PathLike, input_options: InputOptions = InputOptions()
) -> Interactions:
    """Return interactions with the items of a catalogue; warn of their items that it lacks.

    Raises:
        DataError: the file is faulty, or has the items of the interactions in another spelling.
    """
    place, item_ids = display_name(items_path), read_ids(items_path, "item_id", input_options)
    fault = none_known(place, "item_id", item_ids, interactions.item_ids, "the interactions")
    if fault is not None and likely_reason(item_ids, interactions.item_ids):
        raise fault
    if missing := count_unknown(interactions.item_ids, item_ids):
        message = (
            f"{place}: item_id: {missing} of {len(interactions.item_ids)} items of the interactions "
            "are not in the catalogue, and are added"
        )
        warnings.warn(message, DataWarning, stacklevel=2)
    return interactions.with_catalogue(item_ids)
