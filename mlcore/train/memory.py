"""The memory plan of a training, from the interactions and the configuration, before any work.

The bytes of each interaction are those of the arrays that are there at the same time; the kernels
plan for themselves (``Similarity.planned_bytes``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.util import find_spec

import numpy as np

from mlcore.config import TrainConfig
from mlcore.heavy_users import DownWeight, Keep, Latest, Sample
from mlcore.interactions import Interactions
from mlcore.memory.available import format_bytes
from mlcore.memory.plan import Part, Plan, Steps, add_parts
from mlcore.similarity import GramBlocks, Ease, CacheBudget, RP3Beta
from mlcore.similarity.memory import Shape, shape_of
from mlcore.similarity.pairs import PairSimilarity
from mlcore.numeric.ranges import offsets
from mlcore.types import CsrMatrix
from mlcore.weighting import Binary, NoWeighting

__all__ = ["TrainingPlanner", "id_bytes"]

# Of each interaction.
DIGEST_BYTES = 16  # the weights, twice: Interactions.sha256
WEIGHING_BYTES, DECAY_BYTES = 13, 11  # besides the new weights: BM25, which takes most
# To leave out interactions: of each one, and of each one of a heavy user, whose ids Sample hashes.
REDUCING_BYTES, SAMPLE_BYTES, LATEST_BYTES = 21, 230, 40
# What a training may keep: of an entry of X' X, of the weights and of the binary X; of an interaction.
COUNTED_BYTES, KEPT_BYTES = 24, 12
SAMPLED_IDS = 1000
FEWER_NEIGHBORS = (50, 20, 10)
RARE_ITEMS = (
    "drop rare items or users (cli.preprocess --min-item-interactions, --min-user-interactions), "
    "or use a machine with more memory"
)


class TrainingPlanner:
    """Plans trainings of the same interactions; what plans share is found once.

    Args:
        interactions: U users, I items, there already.
        keep_bytes: of counts kept between trainings.

    >>> pairs = Interactions.from_columns(["u", "u", "v"], ["a", "b", "b"])
    >>> TrainingPlanner(pairs).plan(TrainConfig(), threads=1).size
    '3 interactions, 2 users, 2 items, 1 thread'
    """

    def __init__(self, interactions: Interactions, keep_bytes: int = 0) -> None:
        self._interactions = interactions
        self._keep_bytes = keep_bytes
        self._counts: dict[tuple[int | None, bool], GramBlocks] = {}
        matrix, times = interactions.user_items, interactions.timestamps
        self._held = matrix.indptr.nbytes + matrix.indices.nbytes + matrix.data.nbytes
        self._held += 0 if times is None else times.nbytes
        self._held += id_bytes(interactions.user_ids) + id_bytes(interactions.item_ids)

    def plan(
        self,
        config: TrainConfig,
        threads: int,
        with_users: bool = True,
        kept: int = 0,
        trainings: int = 1,
    ) -> Plan:
        """Return what a training takes.

        Args:
            config: decides what the model is.
            threads: how many.
            with_users: whether the model has histories.
            kept: bytes of counts that are there already.
            trainings: how many like this are to come, each with counts of its own to keep.
        """
        counts = self._foreseen(config)
        steps = config.similarity.planned_bytes(counts, config.neighbor_settings(), threads)
        will_keep = min(self._keep_bytes, kept + trainings * self._most_counts(config))
        plan = self._plan(config, threads, with_users, steps)
        if not will_keep:
            return plan
        part = Part("counts kept for other trainings", will_keep)
        return replace(plan, steps=add_parts([part], plan.steps), held=plan.held + kept)

    def _most_counts(self, config: TrainConfig) -> int:
        """Return how many bytes of counts a training can leave for others."""
        shape = shape_of(self._foreseen(config))
        return int(COUNTED_BYTES * shape.row_entries.sum()) + KEPT_BYTES * shape.num_entries

    def cure(
        self, config: TrainConfig, threads: int, with_users: bool, available: int, kept: int = 0
    ) -> str:
        """Return how a training fits that does not: by what changes least, if anything does.

        Args:
            config: as for ``plan``.
            threads: as for ``plan``.
            with_users: as for ``plan``.
            available: bytes.
            kept: as for ``plan``.
        """
        for change, plan in self._smaller_plans(config, threads, with_users, kept):
            if plan.num_bytes <= available:
                return f"{change} it takes at most {format_bytes(plan.num_bytes)}"
        return RARE_ITEMS

    def _smaller_plans(
        self, config: TrainConfig, threads: int, with_users: bool, kept: int
    ) -> Iterator[tuple[str, Plan]]:
        """Yield what can be changed, those first that change the model least, and the plans."""
        fewer = sorted({max(1, threads // 4), max(1, threads // 2)} - {threads}, reverse=True)
        for number in fewer:
            yield f"with {_count(number, 'thread')}", self.plan(config, number, with_users, kept)
        similarity, k = config.similarity, config.num_neighbors
        num_users = len(self._interactions.user_ids)
        if (
            isinstance(similarity, PairSimilarity)
            and similarity.quotient(num_users) is not None
            and k is not None
            and find_spec("numba") is None
        ):
            settings = config.neighbor_settings()
            for number in (threads, *fewer):
                steps = similarity.compiled_bytes(self._foreseen(config), settings, number)
                text = f"with the extra [local], which brings numba, and {_count(number, 'thread')}"
                yield text, self._plan(config, number, with_users, steps)
        for fewest in FEWER_NEIGHBORS:
            if k is None or fewest < k:
                other = replace(config, num_neighbors=fewest)
                text = f'with "num_neighbors": {fewest} and 1 thread'
                yield text, self.plan(other, 1, with_users, kept)
        if isinstance(similarity, PairSimilarity):
            return
        other = replace(config, similarity=RP3Beta(), num_neighbors=min(k or 100, 100))
        text = f'with the similarity rp3beta, "num_neighbors": {other.num_neighbors} and 1 thread'
        yield text, self.plan(other, 1, with_users, kept)

    def _plan(self, config: TrainConfig, threads: int, with_users: bool, steps: Steps) -> Plan:
        interactions, shape = self._interactions, shape_of(self._foreseen(config))
        num_entries, num_users = len(interactions), len(interactions.user_ids)
        pairs = shape.kept_pairs(config.num_neighbors)
        if isinstance(config.similarity, Ease):  # where no pair is 0
            pairs = shape.num_items * min(config.num_neighbors or shape.num_items, shape.num_items)
        weights = Part("weights", 4 * num_entries)
        weighing = WEIGHING_BYTES + (0 if config.weighting.half_life_days is None else DECAY_BYTES)
        model = Part("model", 8 * (pairs + 2 * shape.num_items))
        text = id_text_bytes(interactions.item_ids)
        text += id_text_bytes(interactions.user_ids) if with_users else 0
        all_steps = {
            "take the digest": [Part("bytes to digest", DIGEST_BYTES * num_entries)],
            "weigh the interactions": [weights, Part("scratch", weighing * num_entries)],
            "reduce heavy users": [weights, *self._reducing(config)],
            **add_parts([weights, *self._reduced(config, shape)], steps),
            "write the model": [weights, model, Part("ids as text", 3 * text)],
        }
        on_disk = model.num_bytes + text + (8 * (num_entries + num_users) if with_users else 0)
        return Plan(
            config.similarity.name,
            f"{num_entries:,} interactions, {num_users:,} users, {shape.num_items:,} items, "
            f"{_count(threads, 'thread')}",
            add_parts([Part("interactions", self._held)], all_steps),
            self._held,
            f"the model directory has at most {format_bytes(on_disk)}",
        )

    def _foreseen(self, config: TrainConfig) -> GramBlocks:
        """Return the counts of a matrix like the one that will be compared, without its weights."""
        limit, are_ones = _limit_of(config), self._are_ones(config)
        if (limit, are_ones) not in self._counts:
            matrix = self._interactions.user_items
            indptr, indices = matrix.indptr, matrix.indices
            if limit is not None:
                lengths = np.minimum(np.diff(indptr), limit)  # (U,) int64
                places = np.arange(len(indices)) - np.repeat(indptr[:-1], np.diff(indptr))
                indices = indices[places < limit]
                indptr = offsets(lengths)
            # One number that takes the place of all: of weights nobody knows more yet.
            data = np.broadcast_to(np.float32(1 if are_ones else 2), len(indices))
            foreseen = CsrMatrix(indptr, indices, data, matrix.num_columns)
            self._counts[limit, are_ones] = GramBlocks(foreseen, CacheBudget(self._keep_bytes))
        return self._counts[limit, are_ones]

    def _are_ones(self, config: TrainConfig) -> bool:
        """Return whether all weights will be 1."""
        weighting = config.weighting
        if weighting.half_life_days is not None or isinstance(config.heavy_users, DownWeight):
            return False
        if isinstance(weighting, NoWeighting):
            return bool((self._interactions.user_items.data == 1).all())
        return isinstance(weighting, Binary)

    def _reducing(self, config: TrainConfig) -> list[Part]:
        if isinstance(config.heavy_users, Keep):
            return []
        limit, lengths = _limit_of(config), np.diff(self._interactions.user_items.indptr)
        scratch = REDUCING_BYTES * len(self._interactions)
        if limit is not None:
            heavy = int(lengths[lengths > limit].sum())
            is_sample = isinstance(config.heavy_users, Sample)
            scratch += heavy * (SAMPLE_BYTES if is_sample else LATEST_BYTES)
        return [Part("scratch", scratch)]

    def _reduced(self, config: TrainConfig, shape: Shape) -> list[Part]:
        """Return the matrix that is compared, where it is another than that of the histories."""
        if isinstance(config.heavy_users, Keep):
            return []
        indices = 0 if _limit_of(config) is None else 4 * shape.num_entries + 8 * shape.num_users
        return [Part("weights of reduced users", 4 * shape.num_entries + indices)]


def _limit_of(config: TrainConfig) -> int | None:
    way = config.heavy_users
    return way.max_interactions if isinstance(way, (Sample, Latest)) else None


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}" + ("" if number == 1 else "s")


def id_bytes(ids: Sequence[str]) -> int:
    """Return about how much memory ids take, as a list of strings and in the lists of a model.

    Args:
        ids: some.

    >>> id_bytes(["a", "b"]) > 100
    True
    """
    return _scaled([sys.getsizeof(id_) + 16 for id_ in _some(ids)], len(ids))


def id_text_bytes(ids: Sequence[str]) -> int:
    """Return about how long the file of some ids is.

    Args:
        ids: some.

    >>> id_text_bytes(["a", "b"])
    8
    """
    return _scaled([len(id_.encode()) + len(str(len(ids))) + 2 for id_ in _some(ids)], len(ids))


def _some(ids: Sequence[str]) -> Sequence[str]:
    return ids[:: max(1, len(ids) // SAMPLED_IDS)]


def _scaled(sizes: Sequence[int], number: int) -> int:
    return sum(sizes) * number // max(1, len(sizes))
