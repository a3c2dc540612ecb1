"""Heavy users: how much users with very many items count in the similarity.

A user with n items votes on n (n - 1) / 2 pairs, so a few accounts (shops, bots, shared devices)
can outvote all others, and they take most of the counting time.

Steps in order: weighting, with idf and decay, on all interactions; then the step of this module;
then the similarity. Only its counting sees the reduced matrix: c_ij, norms, and how many users have
an item or a pair. Histories, popularity and the digest of the training keep everything, so heavy
users get recommendations from their full history. The number of users U, as in ``lift`` and ``pmi``,
is that of all users. An item that loses all its users stays in the catalogue, without neighbors.

To add a way, add one class: its name, its fields (each with a rule) and ``reduce``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from mlcore.errors import DataError
from mlcore.interactions import Interactions, no_timestamps
from mlcore.memory.arrays import new_array
from mlcore.newest import mark_newest
from mlcore.numeric.hashing import draw_digest
from mlcore.numeric.portable import power
from mlcore.numeric.ranges import offsets
from mlcore.parameters import check_parameters, integer, number, parameter
from mlcore.types import BoolArray, CsrMatrix, Int64Array

__all__ = ["HEAVY_USERS", "DownWeight", "HeavyUsers", "Keep", "Latest", "Sample"]

_LEAST_NORMAL = 2.0**-126  # of float32; below it each halving loses a bit


@dataclass(frozen=True)
class HeavyUsers(ABC):
    """Turns the weighted matrix into the one whose columns are compared.

    Attributes:
        changes_weights_only: whether a similarity that ignores weights would undo it.
    """

    name: ClassVar[str]
    changes_weights_only: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_parameters(self)

    def apply(self, weighted: CsrMatrix, interactions: Interactions) -> CsrMatrix:
        """Return ``reduce`` of it, some users after the other; with nothing to reduce, itself."""
        indices, data = (new_array(len(interactions), dtype) for dtype in (np.int32, np.float32))
        lengths, size = np.empty(weighted.num_rows, np.int64), 0
        first = 0
        for part, entries in interactions.spans():
            some = self.reduce(replace(part.user_items, data=weighted.data[entries]), part)
            span = slice(size, size + some.num_entries)
            indices[span], data[span] = some.indices, some.data
            lengths[first : first + some.num_rows] = np.diff(some.indptr)
            first, size = first + some.num_rows, span.stop
        return CsrMatrix(offsets(lengths), indices[:size], data[:size], weighted.num_columns)

    @abstractmethod
    def reduce(self, weighted: CsrMatrix, interactions: Interactions) -> CsrMatrix:
        """Return the matrix to count, (U, I) float32 with the same users and items.

        Args:
            weighted: (U, I) float32 weights above 0.
            interactions: those weighted, in the same order.

        Raises:
            DataError: timestamps are needed and missing, or a weight rounds to 0 in float32.
        """


@dataclass(frozen=True)
class Keep(HeavyUsers):
    """Keeps all users in full."""

    name = "keep"

    def apply(self, weighted: CsrMatrix, interactions: Interactions) -> CsrMatrix:
        """Return the matrix as it is."""
        return weighted

    def reduce(self, weighted: CsrMatrix, interactions: Interactions) -> CsrMatrix:
        """Return the matrix as it is."""
        return weighted


@dataclass(frozen=True)
class Sample(HeavyUsers):
    """Keeps at most ``max_interactions`` of each user, drawn by a hash.

    Keeps those with the lowest MD5 of ``user_id,item_id,seed``, so a draw does not depend on the rest
    of the data, and SQL can draw the same: ``ROW_NUMBER() OVER (PARTITION BY user_id ORDER
    BY TO_HEX(MD5(CONCAT(user_id, ',', item_id, ',', seed)))) <= max_interactions``.

    Attributes:
        max_interactions: per user. Changes the model.
        seed: of the draw. Changes the model.
    """

    name = "sample"
    max_interactions: int = parameter(500, integer(minimum=1))
    seed: int = parameter(0, integer(minimum=0))

    def reduce(self, weighted: CsrMatrix, interactions: Interactions) -> CsrMatrix:
        """Return the interactions drawn of each user."""
        entries = _entries_of_heavy(weighted, self.max_interactions)  # (P,) int64
        users, items = weighted.row_of_entry()[entries].tolist(), weighted.indices[entries].tolist()
        digests = [
            draw_digest(f"{interactions.user_ids[u]},{interactions.item_ids[i]}", self.seed)
            for u, i in zip(users, items)
        ]
        return _keep_first(weighted, entries, np.array(digests, "S32"), self.max_interactions)


@dataclass(frozen=True)
class Latest(HeavyUsers):
    """Keeps the newest ``max_interactions`` of each user; a hash decides between equal timestamps.

    See ``mark_newest``.

    Attributes:
        max_interactions: per user. Changes the model.
    """

    name = "latest"
    max_interactions: int = parameter(500, integer(minimum=1))

    def reduce(self, weighted: CsrMatrix, interactions: Interactions) -> CsrMatrix:
        """Return the newest interactions of each user.

        Raises:
            DataError: there are no timestamps.
        """
        if interactions.timestamps is None:
            raise no_timestamps(
                "find the latest interactions by", "take --set heavy_users.name=sample"
            )
        return weighted.select(mark_newest(interactions, self.max_interactions))


@dataclass(frozen=True)
class DownWeight(HeavyUsers):
    """x_ui n_u^-power, rounded to float32, with n_u the number of items of user u.

    Scales each user's row down, as BM25 and TF-IDF do by a logarithm, but in the similarity alone;
    adjusted cosine centers it instead.

    Attributes:
        power: 0.5 gives the rows of a binary X unit length; 1 makes them sum to 1. Changes the
            model.
    """

    name = "down_weight"
    changes_weights_only = True
    power: float = parameter(0.5, number(above=0))

    def reduce(self, weighted: CsrMatrix, interactions: Interactions) -> CsrMatrix:
        """Return the matrix with each row multiplied by its factor.

        Raises:
            DataError: a weight rounds to 0 in float32 that was not next to 0 before.
        """
        counts = np.diff(weighted.indptr)  # (U,) int64
        factors = power(counts.astype(np.float64), -self.power)  # (U,) float64
        with np.errstate(under="ignore"):
            exact = weighted.data.astype(np.float64) * np.repeat(factors, counts)  # (E,) float64
            data = exact.astype(np.float32)  # (E,) float32
        # What decay has left this little, and kept, is not lost here either.
        data[(data == 0) & (weighted.data < _LEAST_NORMAL)] = 2.0**-149
        lost = np.flatnonzero(data == 0)
        if len(lost):
            raise DataError(
                f"heavy_users {self.name}: {interactions.place_of(int(lost[0]))}: "
                f"expected a weight above 0 that float32 holds, got {float(exact[lost[0]])!r}",
                "take a smaller power, --set heavy_users.power=X",
            )
        return replace(weighted, data=data)


def _entries_of_heavy(matrix: CsrMatrix, maximum: int) -> Int64Array:
    """Return the entries of the users with more than ``maximum``, ascending, (P,) int64."""
    counts = np.diff(matrix.indptr)  # (U,) int64
    return np.flatnonzero(np.repeat(counts > maximum, counts))


def _keep_first(
    matrix: CsrMatrix, entries: Int64Array, keys: np.ndarray, maximum: int
) -> CsrMatrix:
    """Keep, of ``entries``, each user's ``maximum`` with the lowest keys, and all other entries."""
    users = matrix.row_of_entry()[entries]  # (P,) int64
    order = np.lexsort((keys, users))  # stable, hence ties to the smaller item
    firsts = np.searchsorted(users, users)  # (P,) the first entry of each one's user
    keep: BoolArray = np.ones(matrix.num_entries, bool)
    keep[entries[order]] = np.arange(len(entries)) - firsts < maximum
    return matrix.select(keep)


HEAVY_USERS: dict[str, type[HeavyUsers]] = {
    way.name: way for way in (Keep, Sample, Latest, DownWeight)
}
