"""The memory plan of a training, from the interactions and the configuration, before any work."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from mlcore.artifact import Attributes
from mlcore.config import TrainConfig
from mlcore.heavy_users import DownWeight, Keep, Latest, Sample
from mlcore.interactions import Interactions
from mlcore.memory.available import format_bytes
from mlcore.memory.plan import Allocation, Plan, peak
from mlcore.numeric.ranges import SPAN_ENTRIES, offsets
from mlcore.similarity import CacheBudget, Ease, GramBlocks
from mlcore.similarity.memory import FEWER_ITEMS, FEWER_NEIGHBORS, shape_of
from mlcore.types import CsrMatrix
from mlcore.weighting import Binary, NoWeighting

__all__ = ["TrainingPlanner"]

# Of each interaction: the weights and what BM25, which takes most, needs to find them, more with a
# decay; to reduce heavy users, and of each interaction of a heavy user, whose ids may be hashed.
WEIGHING_BYTES, DECAY_BYTES = 20, 11
EVENT_BYTES = 24  # of each row that became one with others, where they are kept
REDUCING_BYTES, DRAW_BYTES = 21, 230
ORDER_BYTES = 4  # of each interaction, where the model keeps the order of each user's items
# What a training may keep: of an entry of X' X, of the weights and of the binary X; of an interaction.
COUNTED_BYTES, KEPT_BYTES = 24, 12
SAMPLED_IDS = 1000


class TrainingPlanner:
    """Plans trainings of the same interactions; what plans share is found once.

    Args:
        interactions: U users, I items, in memory already.
        keep_bytes: of co-occurrence counts kept between trainings.
        attributes: of the items, in memory already.

    >>> pairs = Interactions.from_columns(["u", "u", "v"], ["a", "b", "b"])
    >>> TrainingPlanner(pairs).plan(TrainConfig(), threads=1).size
    '3 interactions, 2 users, 2 items, 1 thread'
    """

    def __init__(
        self,
        interactions: Interactions,
        keep_bytes: int = 0,
        attributes: Attributes | None = None,
    ) -> None:
        self._interactions = interactions
        self._keep_bytes = keep_bytes
        self._grams: dict[tuple[int | None, bool, bool], GramBlocks] = {}
        matrix, times = interactions.user_items, interactions.timestamps
        self._held = matrix.indptr.nbytes + matrix.indices.nbytes + matrix.data.nbytes
        self._held += 0 if times is None else times.nbytes
        if (events := interactions.events) is not None:
            self._held += EVENT_BYTES * len(events.users)
        self._held_ids = _id_bytes(interactions.user_ids) + _id_bytes(interactions.item_ids)
        self._held += self._held_ids
        if attributes is not None:
            self._held += attributes.num_bytes() + _id_bytes(attributes.values.ids)

    def plan(
        self,
        config: TrainConfig,
        threads: int,
        with_users: bool = True,
        kept: int = 0,
        trainings: int = 1,
        memory_limit: int | None = None,
    ) -> Plan:
        """Return what a training takes.

        Args:
            config: resolved.
            threads: how many.
            with_users: whether the model has histories.
            kept: bytes of co-occurrence counts that are kept already.
            trainings: how many like this follow, each with counts of its own to keep.
            memory_limit: bytes for all of the process, if what grows with the interactions is on disk.
        """
        interactions, gram = self._interactions, self._gram_like(config)
        settings = config.neighbor_settings()
        num_entries, num_items = len(interactions), len(interactions.item_ids)
        model, texts = self._model(config, with_users)
        weights = Allocation("weights", 4 * num_entries, FEWER_ITEMS)
        order_bytes = ORDER_BYTES * num_entries if with_users and config.uses_order else 0
        reduced = 0 if isinstance(config.heavy_users, Keep) else 8 * (num_entries + gram.num_users)
        allocations = peak(
            self._preparing(config),
            [
                weights._replace(num_bytes=weights.num_bytes + reduced),
                *config.similarity.allocations(gram, settings, threads),
            ],
            [weights, model, texts],
        )
        will_keep = min(self._keep_bytes, kept + trainings * self._most_counts(gram))
        size = (
            f"{num_entries:,} interactions, {len(interactions.user_ids):,} users, "
            f"{num_items:,} items, {threads:,} thread{'' if threads == 1 else 's'}"
        )
        on_disk = model.num_bytes + texts.num_bytes // 3 + (12 * num_entries if with_users else 0)
        on_disk += order_bytes
        if memory_limit is not None:
            return Plan(
                config.similarity.name,
                size,
                [
                    Allocation("ids", self._held_ids, FEWER_ITEMS),
                    *peak(
                        self._preparing(config, entry_bytes=0),
                        config.similarity.allocations_on_disk(gram, settings, threads),
                        [texts],
                    ),
                ],
                self._held_ids,
                f"the model directory has at most {format_bytes(on_disk)}",
                memory_limit,
            )
        return Plan(
            config.similarity.name,
            size,
            [
                Allocation("interactions", self._held, FEWER_ITEMS),
                Allocation("counts kept for other trainings", will_keep, "keep less, --keep-mib"),
                Allocation("order", order_bytes, FEWER_ITEMS),
                *allocations,
            ],
            self._held + kept,
            f"the model directory has at most {format_bytes(on_disk)}",
        )

    def _most_counts(self, gram: GramBlocks) -> int:
        """Return how many bytes of counts a training can leave for others."""
        shape = shape_of(gram)
        return int(COUNTED_BYTES * shape.row_entries.sum()) + KEPT_BYTES * shape.num_entries

    def _preparing(self, config: TrainConfig, entry_bytes: int = 4) -> Sequence[Allocation]:
        """Return what it takes to weigh the interactions and to reduce heavy users.

        Args:
            entry_bytes: of each array of the result, by interaction.
        """
        num_entries = len(self._interactions)
        half_lives = config.weighting.half_life_days, config.popularity_half_life_days
        decay = 0 if half_lives == (None, None) else DECAY_BYTES
        lengths = np.diff(self._interactions.user_items.indptr)
        span = min(max(SPAN_ENTRIES, int(lengths.max(initial=0))), num_entries)
        scratch = entry_bytes * num_entries + (WEIGHING_BYTES + decay) * span
        if not isinstance(config.heavy_users, Keep):
            limit = _limit_of(config)
            heavy = 0 if limit is None else min(int(lengths[lengths > limit].sum()), span)
            reducing = 3 * entry_bytes * num_entries + REDUCING_BYTES * span + DRAW_BYTES * heavy
            scratch = max(scratch, reducing)
        return [Allocation("weights in the making", scratch, FEWER_ITEMS)]

    def _model(self, config: TrainConfig, with_users: bool) -> tuple[Allocation, Allocation]:
        """Return the model and its ids as text, three times, while it is written."""
        interactions, shape = self._interactions, shape_of(self._gram_like(config))
        pairs = shape.num_pairs(config.num_neighbors)
        if isinstance(config.similarity, Ease):  # where no pair is 0
            pairs = shape.num_items * min(config.num_neighbors or shape.num_items, shape.num_items)
        text = _text_bytes(interactions.item_ids)
        text += _text_bytes(interactions.user_ids) if with_users else 0
        return (
            Allocation("model", 8 * (pairs + 4 * shape.num_items), FEWER_NEIGHBORS),
            Allocation("ids as text", 3 * text, FEWER_ITEMS),
        )

    def _gram_like(self, config: TrainConfig) -> GramBlocks:
        """Return a matrix with as many entries as the one that will be compared, all 1 or all 2."""
        limit, are_ones = _limit_of(config), self._are_ones(config)
        key = limit, are_ones, config.similarity.uses_order
        if key not in self._grams:
            sequences = self._interactions.sequences if config.similarity.uses_order else None
            matrix = self._interactions.user_items
            indptr, indices = matrix.indptr, matrix.indices
            if limit is not None:
                lengths = np.diff(indptr)  # (U,) int64
                places = np.arange(len(indices)) - np.repeat(indptr[:-1], lengths)
                indices, indptr = indices[places < limit], offsets(np.minimum(lengths, limit))
            data = np.broadcast_to(np.float32(1 if are_ones else 2), len(indices))
            like = CsrMatrix(indptr, indices, data, matrix.num_columns)
            kept = CacheBudget(self._keep_bytes)
            self._grams[key] = GramBlocks(like, kept, sequences=sequences)
        return self._grams[key]

    def _are_ones(self, config: TrainConfig) -> bool:
        """Return whether all weights will be 1."""
        weighting = config.weighting
        if weighting.half_life_days is not None or isinstance(config.heavy_users, DownWeight):
            return False
        if isinstance(weighting, NoWeighting):
            return bool((self._interactions.user_items.data == 1).all())
        return isinstance(weighting, Binary)


def _limit_of(config: TrainConfig) -> int | None:
    way = config.heavy_users
    return way.max_interactions if isinstance(way, (Sample, Latest)) else None


def _id_bytes(ids: Sequence[str]) -> int:
    """Return about how much memory ids take, as a list of strings and in the lists of a model."""
    return _scaled([sys.getsizeof(id_) + 16 for id_ in _some(ids)], len(ids))


def _text_bytes(ids: Sequence[str]) -> int:
    """Return about how long the file of some ids is."""
    return _scaled([len(id_.encode()) + len(str(len(ids))) + 2 for id_ in _some(ids)], len(ids))


def _some(ids: Sequence[str]) -> Sequence[str]:
    return ids[:: max(1, len(ids) // SAMPLED_IDS)]


def _scaled(sizes: Sequence[int], number: int) -> int:
    return sum(sizes) * number // max(1, len(sizes))
