"""Weightings: the weight of an interaction, in the similarity and in a user's history.

To add one, add one class: its name, its fields (each with a rule) and ``formula``; and, if the formula
needs more than the user's own weights, ``normalization``, which the model keeps. The histories of
requests are weighed by the same code, with the normalization of the training.

Every weighting can decay with age: the formula then sees x_ui 2^(-(T - t_ui) / h) in place of x_ui,
where t_ui is the latest time of user u with item i, T the reference time and h the half-life. Rows
of one user and item are one interaction by then, which ages from the latest of their times. What is so old that float32 would round it to 0 keeps the least weight of float32,
2^-149: seen stays seen. Decay changes the similarity and the histories alike, but only the histories for a
similarity that ignores weights, such as ``jaccard``.

Logarithms and powers are the same bits on every platform: those of ``mlcore.numeric.portable``.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, replace
from functools import lru_cache
from typing import ClassVar, NamedTuple, Self

import numpy as np

from mlcore.errors import ConfigError, DataError, DataWarning
from mlcore.interactions import Interactions, no_timestamps
from mlcore.memory.arrays import new_array
from mlcore.numeric.portable import exp2, log1p, log_ratio
from mlcore.numeric.sums import sum_by_group
from mlcore.parameters import Rule, boolean, check_parameters, number, optional, parameter
from mlcore.times import RFC_3339_PATTERN, format_rfc_3339, parse_rfc_3339
from mlcore.types import CsrMatrix, Float32Array, Float64Array

__all__ = [
    "NO_TIME",
    "TIME",
    "WEIGHTINGS",
    "BM25",
    "Binary",
    "Log",
    "NoWeighting",
    "Normalization",
    "Recency",
    "TfIdf",
    "Weighting",
]

NO_TIME = np.iinfo(np.int64).max  # of an event without a time, in a request; it counts as new

_MICROSECONDS_PER_DAY = 86_400_000_000
_FACTOR_NOT_ABOVE_0 = (
    "a user has all items or all but one: --set weighting.smooth=true, or cap such users with "
    "cli.preprocess --max-user-interactions"
)
_OLD = 100  # half-lives; a weight that needs more than these to round to 0 is old, not small
_LEAST = np.float32(2.0**-149)
_LEAST_FLOAT64 = 2.0**-1022  # with all its bits, so that a factor below 1 does not lose it


def _time_from(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    try:
        return format_rfc_3339(parse_rfc_3339(value))
    except ValueError:
        raise ValueError from None  # Python's text would replace the rule's


TIME = Rule("an RFC 3339 time", _time_from, {"type": "string", "pattern": RFC_3339_PATTERN})


class Normalization(NamedTuple):
    """What a weighting takes from the training, and needs again for the history of a request.

    Attributes:
        item_norms: (I,) float64 >= 0, or None where the formula has none.
        length_factors: (I,) float64, the factor of a history of 1, 2 ... I items, or None likewise.
    """

    item_norms: Float64Array | None = None
    length_factors: Float64Array | None = None


@dataclass(frozen=True)
class Weighting(ABC):
    """Turns the weights x_ui of the interactions into those the model uses.

    Attributes:
        half_life_days: h, in days of 86,400 s, after which an interaction counts half; None for no
            decay. Changes the model.
        reference_time: T, RFC 3339, when a weight counts in full; None for the latest timestamp of
            the training, which then is in the model's ``config.json``. Changes the model.
    """

    name: ClassVar[str]
    uses: ClassVar[frozenset[str]] = frozenset()  # parts of the normalization
    prefix: ClassVar[str] = ""  # of its settings, where it is one of several in a configuration

    _: KW_ONLY
    half_life_days: float | None = parameter(None, optional(number(above=0)))
    reference_time: str | None = parameter(None, optional(TIME))

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.reference_time is not None and self.half_life_days is None:
            raise ConfigError(
                "reference_time: expected null without half_life_days, "
                f"got {self.reference_time!r}"
            )

    def normalization(self, parts: Iterable[CsrMatrix], num_items: int) -> Normalization:
        """Return what the formula needs of the training.

        Args:
            parts: some users after the other, each as for ``formula``.
            num_items: I.
        """
        return Normalization()

    @abstractmethod
    def formula(self, user_items: CsrMatrix, normalization: Normalization) -> Float64Array:
        """Return the new weight of each interaction, (E,) float64.

        Args:
            user_items: (U, I) float64, x_ui after decay.
            normalization: of the training.
        """

    def resolved(self, interactions: Interactions) -> Self:
        """Return the weighting with its reference time, by default the latest timestamp.

        Raises:
            DataError: there is a half-life, but no timestamps.

        >>> pairs = Interactions.from_columns(["u"], ["a"], timestamps=[86400])
        >>> Log(half_life_days=30).resolved(pairs).reference_time
        '1970-01-02T00:00:00.000000Z'
        """
        if self.half_life_days is None:
            return self
        if interactions.timestamps is None:
            raise no_timestamps(
                "tell the age of interactions by", f"leave {self.prefix}half_life_days out"
            )
        if self.reference_time is not None:
            return self
        return replace(self, reference_time=format_rfc_3339(int(interactions.timestamps.max())))

    def weigh(self, interactions: Interactions) -> Float64Array:
        """Return the new weight of each interaction before rounding, (E,) float64.

        Raises:
            DataError: there is a half-life, and timestamps are missing or after the reference time.

        >>> pairs = Interactions.from_columns("uu", "ab", [3, 5], timestamps=[86400, 0])
        >>> NoWeighting(half_life_days=0.5).weigh(pairs).tolist()
        [3.0, 1.25]
        """
        decayed = self._decayed(interactions.user_items, self._half_lives(interactions))
        return self.formula(decayed, self.normalization([decayed], decayed.num_columns))

    def apply(self, interactions: Interactions) -> CsrMatrix:
        """Return the weighted users x items matrix of a training, (U, I) float32.

        See ``fit``, which returns its normalization as well.

        >>> Binary().apply(Interactions.from_columns(["u"], ["a"], [3])).data.tolist()
        [1.0]
        """
        return self.fit(interactions)[0]

    def fit(self, interactions: Interactions) -> tuple[CsrMatrix, Normalization]:
        """Return the weighted users x items matrix of a training, (U, I) float32, and its normalization.

        Rounds before anything is counted, because the product of two float32 is exact in float64:
        fused multiply-add then changes nothing on any processor.

        Weights that are old keep 2^-149, with a DataWarning that counts them.

        Raises:
            DataError: a weight is not above 0, or rounds to infinity in float32, or to 0 without being
                old; or as ``weigh``.
        """
        rule = self.resolved(interactions)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            parts = (rule._decayed_part(part)[0] for part, _ in interactions.spans())
            normalization = self.normalization(parts, interactions.user_items.num_columns)
        weights, num_old = new_array(len(interactions), np.float32), 0  # (E,)
        for part, entries in interactions.spans():
            decayed, half_lives = rule._decayed_part(part)
            some, old = rule._rounded(part, decayed, normalization, half_lives)
            weights[entries] = some.data
            num_old += old
        if num_old:
            message = (
                f"weighting {self.name}: {num_old} of {len(interactions)} interactions are so many "
                "half-lives old that they keep the least weight of float32"
            )
            warnings.warn(message, DataWarning, stacklevel=3)
        return replace(interactions.user_items, data=weights), normalization

    def apply_to_histories(
        self, histories: Interactions, normalization: Normalization, now: int | None = None
    ) -> CsrMatrix:
        """Return the weights of histories by the rule of the training, (R, I) float32.

        The weights of a user of the training are those of ``fit``, bit for bit.

        Args:
            histories: R users, I items, those of the model; where timestamps are missing, they are
                ``NO_TIME``.
            normalization: of the training.
            now: in microseconds; None for the reference time.

        Raises:
            DataError: a timestamp is after ``now``, or a weight is refused as in ``fit``.
        """
        decayed, half_lives = self._decayed_part(histories, now, in_training=False)
        return self._rounded(histories, decayed, normalization, half_lives)[0]

    def _decayed_part(
        self, interactions: Interactions, now: int | None = None, in_training: bool = True
    ) -> tuple[CsrMatrix, Float64Array | None]:
        """Return x_ui after decay, (U, I) float64, and the half-lives, as ``_half_lives``."""
        half_lives = self._half_lives(interactions, now, in_training)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            return self._decayed(interactions.user_items, half_lives), half_lives

    def _decayed(self, user_items: CsrMatrix, half_lives: Float64Array | None) -> CsrMatrix:
        """Return x_ui after decay, (U, I) float64."""
        if half_lives is None:
            return replace(user_items, data=self._undecayed(user_items.data))
        weights = exp2(-half_lives)
        weights *= self._undecayed(user_items.data)
        return replace(user_items, data=np.maximum(weights, _LEAST_FLOAT64, out=weights))

    def _rounded(
        self,
        interactions: Interactions,
        decayed: CsrMatrix,
        normalization: Normalization,
        half_lives: Float64Array | None,
    ) -> tuple[CsrMatrix, int]:
        """Return the weights as float32, and how many are so old that they keep the least one."""
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            exact = self.formula(decayed, normalization)  # (E,) float64
            weights = exact.astype(np.float32)  # (E,) float32
        num_old = 0
        if half_lives is not None:
            old = (weights == 0) & (exact > 0) & (half_lives > _OLD)
            weights[old] = _LEAST
            num_old = int(old.sum())
        wrong = np.flatnonzero(~(np.isfinite(weights) & (weights > 0)))
        if len(wrong):
            raise self._refuse(interactions, int(wrong[0]), float(exact[wrong[0]]))
        return replace(decayed, data=weights), num_old

    def _undecayed(self, weights: Float64Array) -> Float64Array:
        """Return x_ui before decay."""
        return weights

    def _half_lives(
        self, interactions: Interactions, now: int | None = None, in_training: bool = True
    ) -> Float64Array | None:
        """Return (T - t_ui) / h of each interaction, (E,) float64 >= 0; None without a half-life."""
        if self.half_life_days is None:
            return None
        meaning = "now," if now is not None else "the reference time"
        if now is None:
            reference_time = self.resolved(interactions).reference_time
            assert reference_time is not None
            now = parse_rfc_3339(reference_time)
        times = interactions.timestamps
        assert times is not None
        ages = np.where(times == NO_TIME, 0, now - times)  # (E,) int64 microseconds
        later = np.flatnonzero(ages < 0)
        if len(later):
            up_to = f"{meaning} {format_rfc_3339(now)}"
            raise self._refuse_time(interactions, int(later[0]), up_to, in_training)
        with np.errstate(over="ignore", under="ignore"):
            half_lives: Float64Array = ages / (self.half_life_days * _MICROSECONDS_PER_DAY)
        return half_lives

    @property
    def _step(self) -> str:
        """What it is called in messages."""
        return f"weighting {self.name}"

    def _refuse_time(
        self, interactions: Interactions, entry: int, up_to: str, in_training: bool
    ) -> DataError:
        assert interactions.timestamps is not None
        cutoff = up_to.rpartition(" ")[2]
        return DataError(
            f"{self._step}: {interactions.place_of(entry)}: expected a timestamp "
            f"up to {up_to}, got {format_rfc_3339(int(interactions.timestamps[entry]))}",
            (
                f"leave {self.prefix}reference_time out to take the latest timestamp, or set later "
                f"interactions aside: cli.split --strategy temporal --cutoff {cutoff}"
                if in_training
                else "--now says up to which time events age"
            ),
        )

    def _refuse(self, interactions: Interactions, entry: int, value: float) -> DataError:
        return DataError(
            f"{self._step}: {interactions.place_of(entry)}: "
            f"expected a weight above 0 that float32 holds, got {value!r}",
            self._hint() if value <= 0 else None,
        )

    def _hint(self) -> str | None:
        """Return how to avoid a weight of 0 or less."""
        return None


@dataclass(frozen=True)
class NoWeighting(Weighting):
    """Keeps x_ui."""

    name = "none"

    def formula(self, user_items: CsrMatrix, normalization: Normalization) -> Float64Array:
        """Return x_ui."""
        weights: Float64Array = user_items.data
        return weights


@dataclass(frozen=True)
class Binary(Weighting):
    """1 for every interaction, 2^(-(T - t_ui) / h) with a half-life: what decays is the 1."""

    name = "binary"

    def _undecayed(self, weights: Float64Array) -> Float64Array:
        return np.ones_like(weights)

    def formula(self, user_items: CsrMatrix, normalization: Normalization) -> Float64Array:
        """Return the ones, decayed or not."""
        weights: Float64Array = user_items.data
        return weights


@dataclass(frozen=True)
class Recency(Binary):
    """max(2^(-(T - t_ui) / h), 2^-1022): what an interaction adds to a decayed popularity.

    Its settings are those of ``TrainConfig`` that begin with ``popularity_``.
    """

    name = "popularity"
    prefix = "popularity_"

    @property
    def _step(self) -> str:
        return self.name


@dataclass(frozen=True)
class Log(Weighting):
    """ln(1 + x_ui): the hundredth play counts less than the first.

    Equals ``np.log1p`` to less than one unit in the last place of float64, also for x_ui far below
    1. Hu, Koren and Volinsky, Collaborative Filtering for Implicit
    Feedback Datasets (ICDM 2008), with alpha = epsilon = 1 and without the constant 1.
    """

    name = "log"

    def formula(self, user_items: CsrMatrix, normalization: Normalization) -> Float64Array:
        """Return ln(1 + x_ui)."""
        return log1p(user_items.data)


@dataclass(frozen=True)
class _InverseUserFrequency(Weighting):
    """The factor of a user with n_u of I items: ln(I / (1 + n_u)), or smooth: ln(1 + I / n_u).

    Attributes:
        smooth: whether to take the smooth factor, which is above 0 for every user. The plain one
            is that of published tables; it is 0 for a user with I - 1 items and negative for one
            with all, as on tiny data, and such users are an error. Changes the model.
    """

    uses = frozenset({"length_factors"})
    smooth: bool = parameter(False, boolean())

    def normalization(self, parts: Iterable[CsrMatrix], num_items: int) -> Normalization:
        """Return the factor for each number of items."""
        return Normalization(length_factors=_length_factors(num_items, self.smooth))

    def _user_factors(self, user_items: CsrMatrix, normalization: Normalization) -> Float64Array:
        """Return the factor of the user of each interaction, (E,) float64."""
        assert normalization.length_factors is not None
        counts = np.diff(user_items.indptr)  # (U,) int64
        counts = counts[counts > 0]
        return np.repeat(normalization.length_factors[counts - 1], counts)

    def _hint(self) -> str | None:
        return None if self.smooth else _FACTOR_NOT_ABOVE_0


@lru_cache(maxsize=2)  # the trainings of a search share it
def _length_factors(num_items: int, smooth: bool) -> Float64Array:
    counts = np.arange(1, num_items + 1)  # (I,) int64
    if smooth:
        factors = log_ratio(num_items + counts, counts)
    else:
        factors = log_ratio(np.full(num_items, num_items), 1 + counts)
    factors.flags.writeable = False
    return factors


@dataclass(frozen=True)
class TfIdf(_InverseUserFrequency):
    """x_ui * ln(I / (1 + n_u)): a user who takes everything says little about each item.

    n_u is the number of items of user u. As in Ferrari Dacrema et al., A Troubling Analysis of
    Reproducibility and Progress in Recommender Systems Research (ACM TOIS 2021), whose tables it
    reproduces; with ``smooth`` the factor is ln(1 + I / n_u).
    """

    name = "tf_idf"

    def formula(self, user_items: CsrMatrix, normalization: Normalization) -> Float64Array:
        """Return x_ui times the factor of its user."""
        return user_items.data * self._user_factors(user_items, normalization)


@dataclass(frozen=True)
class BM25(_InverseUserFrequency):
    """x_ui (k1 + 1) / (x_ui + k1 (1 - b + b L_i / L)) * ln(I / (1 + n_u)).

    L_i is the sum of the weights of item i, L their mean over items: an item is the document, its
    users are the terms. Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and
    Beyond (2009), with the idf of ``TfIdf``, plain or ``smooth``; equals ``bm25_weight`` of
    implicit. With a half-life x_ui, L_i and L are the decayed ones.

    Attributes:
        k1: how late the weight saturates; 0 for at once. Changes the model.
        b: normalization by the length L_i: 0 for none, 1 for full. Changes the model.
    """

    name = "bm25"
    uses = frozenset({"item_norms", "length_factors"})
    k1: float = parameter(1.2, number(minimum=0))
    b: float = parameter(0.75, number(minimum=0, maximum=1))

    def formula(self, user_items: CsrMatrix, normalization: Normalization) -> Float64Array:
        """Return the saturated, length-normalized weight times the factor of its user."""
        assert normalization.item_norms is not None
        data, norms = user_items.data, normalization.item_norms
        saturated = data * (self.k1 + 1) / (data + norms[user_items.indices])
        weights: Float64Array = saturated * self._user_factors(user_items, normalization)
        return weights

    def normalization(self, parts: Iterable[CsrMatrix], num_items: int) -> Normalization:
        """Return k1 (1 - b + b L_i / L) of each item, and the factor for each number of items."""
        item_sums = np.zeros(num_items)
        for part in parts:
            sum_by_group(part.indices, part.data, num_items, sums=item_sums)
        mean = np.cumsum(item_sums)[-1] / num_items  # np.mean would add in pairs
        norms = self.k1 * ((1 - self.b) + self.b * item_sums / mean)  # (I,) float64
        return super().normalization(parts, num_items)._replace(item_norms=norms)


WEIGHTINGS: dict[str, type[Weighting]] = {
    weighting.name: weighting for weighting in (NoWeighting, Binary, Log, TfIdf, BM25)
}
