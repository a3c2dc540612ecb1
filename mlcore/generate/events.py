"""The draws of ``generate``: who took what, when, and how much they liked it, as numbers.

Same arguments, same numbers, on every machine and numpy from 1.26 on. To this end, all content
comes from int64 arithmetic on the words of ``PCG64.random_raw``, a stream that numpy promises to
keep (NEP 19). It makes no such promise for the methods of ``Generator``, nor do processors agree
on the last bit of a logarithm. G is the number of genres.
"""

from __future__ import annotations

from bisect import bisect_right
from math import isqrt
from typing import NamedTuple

import numpy as np

from mlcore.errors import ConfigError
from mlcore.generate.config import DEFAULT_SKEW, MAX_SKEW
from mlcore.types import BoolArray, Int64Array

__all__ = ["MAX_GENRES", "SyntheticEvents", "draw_events"]

MAX_GENRES = 20
YEAR_START = 1_704_067_200  # 2024-01-01T00:00:00Z
YEAR_SECONDS = 366 * 86_400  # 2024 is a leap year
ITEMS_PER_GENRE = 20  # until the genres run out
FAVOURITE_TENTHS = 9  # of ten draws, this many are from the favourite genres
POPULARITY_OFFSET = 20  # at skew 1, rank 0 is drawn twice as often as rank 20
FAVOURITE_WEIGHTS = np.array([2, 3, 4, 4, 5, 5], dtype=np.int64)  # equally likely
OTHER_WEIGHTS = np.array([1, 1, 2, 2, 3, 4], dtype=np.int64)
CHUNK = 2**16  # draws at once, to fit the cache: changes speed only
MAX_ROUNDS = 8  # of redrawing pairs that a user already has


class SyntheticEvents(NamedTuple):
    """Events in time order (equal times: by user, then item), and the genres of the items.

    Attributes:
        users: (E,) int64 from 0 to U - 1.
        items: (E,) int64 from 0 to I - 1.
        weights: (E,) int64 from 1 to 5.
        timestamps: (E,) int64 seconds since 1970 UTC, all in 2024.
        item_genres: (I,) int64 from 0 to G - 1.
    """

    users: Int64Array
    items: Int64Array
    weights: Int64Array
    timestamps: Int64Array
    item_genres: Int64Array


def draw_events(
    num_users: int, num_items: int, num_interactions: int, seed: int, skew: int = DEFAULT_SKEW
) -> SyntheticEvents:
    """Return synthetic events, with arguments, rules and errors of ``generate_interactions``.

    >>> draw_events(num_users=2, num_items=2, num_interactions=4, seed=1).users.tolist()
    [1, 0, 1, 0]
    """
    _check_arguments(num_users, num_items, num_interactions, seed, skew)
    words = _Words(seed)
    num_genres = min(MAX_GENRES, max(2, num_items // ITEMS_PER_GENRE), num_items)
    item_genres = words.permutation(num_items) % num_genres  # (I,) int64, no genre is empty
    shelf = _build_shelf(item_genres, words.permutation(num_items), skew)
    favourites = _draw_favourites(num_users, num_genres, words)  # (U, 2) int64
    user_counts = _draw_user_counts(
        num_users, num_items, num_interactions, skew, words
    )  # (U,) int64

    pairs = _draw_pairs(user_counts, favourites, shelf, words)  # (E,) int64
    seconds = words.below(YEAR_SECONDS, num_interactions)  # (E,) int64
    by_time = _stable_order(seconds)  # pairs ascend, so ties go by user, then item
    users, items = np.divmod(pairs[by_time], num_items)  # (E,), (E,) int64
    is_favourite = (favourites[users] == item_genres[items, None]).any(axis=1)  # (E,) bool
    weights = _draw_weights(is_favourite, words)
    return SyntheticEvents(users, items, weights, YEAR_START + seconds[by_time], item_genres)


def _check_arguments(
    num_users: int, num_items: int, num_interactions: int, seed: int, skew: int
) -> None:
    for name, value, least in (("users", num_users, 1), ("items", num_items, 1), ("seed", seed, 0)):
        if value < least:
            raise ConfigError(f"{name}: expected a number from {least}, got {value}")
    if not 0 <= skew <= MAX_SKEW:
        raise ConfigError(f"skew: expected a number from 0 to {MAX_SKEW}, got {skew}")
    if not num_users <= num_interactions <= num_users * num_items:
        raise ConfigError(
            f"interactions: expected a number from {num_users} (one per user) "
            f"to {num_users * num_items} (users x items), got {num_interactions}"
        )


class _Words:
    """The only stream of random numbers; each call takes the next ones."""

    def __init__(self, seed: int) -> None:
        self._bits = np.random.PCG64(seed)

    def take(self, count: int) -> Int64Array:
        """Return (count,) numbers from 0 to 2**63 - 1."""
        words = self._bits.random_raw(count)  # (count,) uint64
        # 63 bits: numpy makes floats of uint64 mixed with int64
        return (words >> np.uint64(1)).astype(np.int64)

    def below(self, limit: int, count: int) -> Int64Array:
        """Return (count,) numbers from 0 to limit - 1; the bias is below limit / 2**63."""
        return self.take(count) % limit

    def permutation(self, count: int) -> Int64Array:
        """Return 0 to count - 1 in random order."""
        return np.argsort(self.take(count), kind="stable").astype(np.int64)


class _Shelf(NamedTuple):
    """All items side by side, genre after genre, each as wide as it is popular."""

    items: Int64Array  # (I,) item numbers, from left to right
    ends: Int64Array  # (I,) right edge of each of these
    genre_starts: Int64Array  # (G,) left edge of each genre
    genre_widths: Int64Array  # (G,)
    by_popularity: Int64Array  # (I,) item numbers, most popular first

    def items_at(self, places: Int64Array) -> Int64Array:
        """Return the item at each place, from 0 to the last edge - 1."""
        positions = np.searchsorted(self.ends, places, side="right")
        return self.items[positions]


def _build_shelf(item_genres: Int64Array, ranks: Int64Array, skew: int) -> _Shelf:
    items = np.lexsort((ranks, item_genres)).astype(np.int64)  # (I,)
    ends = np.cumsum(_widths(len(items), skew)[ranks[items]])  # (I,) int64
    last_of_genre = np.cumsum(np.bincount(item_genres)) - 1  # (G,)
    genre_ends = ends[last_of_genre]  # (G,) int64
    genre_widths = np.diff(genre_ends, prepend=np.int64(0))
    return _Shelf(items, ends, genre_ends - genre_widths, genre_widths, np.argsort(ranks))


def _widths(num_items: int, skew: int) -> Int64Array:
    """Return floor(10**9 / (rank + 20)**((3 + skew) / 4)), at least 1, of each rank, (I,) int64."""
    offsets = range(POPULARITY_OFFSET, POPULARITY_OFFSET + num_items)
    # On integers, so that no processor rounds a power.
    roots = (isqrt(isqrt(10**36 // offset ** (3 + skew))) for offset in offsets)
    return np.array([max(1, root) for root in roots])


def _draw_favourites(num_users: int, num_genres: int, words: _Words) -> Int64Array:
    """Return (U, 2) genres; half of the users have the same one twice."""
    first = words.below(num_genres, num_users)  # (U,) int64
    has_second = words.below(2, num_users)  # (U,) int64, 0 or 1
    # 1 + 0..G-2 steps from the first, so never back to it; with one genre there is no other
    steps = has_second * (1 + words.below(max(1, num_genres - 1), num_users))
    return np.stack([first, (first + steps) % num_genres], axis=1)


def _draw_user_counts(
    num_users: int, num_items: int, num_interactions: int, skew: int, words: _Words
) -> Int64Array:
    """Return (U,) events per user, from 1 to I, that sum to E.

    ``min(I, 1 + level * activity // unit)`` at the highest level whose sum is at most E; the few
    missing events go to the first users who would get one more at the next level. The unit is
    above the largest activity, so one level adds at most one event per user.
    """
    factors = 1 + 2 * skew
    digits = 1 + words.below(10, factors * num_users)
    activity = digits.reshape(factors, num_users).prod(axis=0)  # (U,) int64
    unit = 1 << (10**factors).bit_length()

    def counts_at(level: int) -> Int64Array:
        counts: Int64Array = np.minimum(num_items, 1 + level * activity // unit)
        return counts

    levels = range(num_items * unit)  # at the last one everybody has all items
    level = bisect_right(levels, num_interactions, key=lambda x: int(counts_at(x).sum())) - 1
    counts = counts_at(level)
    next_in_line = np.flatnonzero(counts_at(level + 1) > counts)
    counts[next_in_line[: num_interactions - int(counts.sum())]] += 1
    return counts


def _draw_pairs(
    user_counts: Int64Array, favourites: Int64Array, shelf: _Shelf, words: _Words
) -> Int64Array:
    """Return (E,) distinct ``user * I + item``, ascending, as many per user as asked."""
    num_items = len(shelf.items)
    pairs = np.empty(0, dtype=np.int64)
    missing = user_counts  # (U,)
    for _ in range(MAX_ROUNDS):
        users = np.repeat(np.arange(len(user_counts), dtype=np.int64), missing)
        drawn = users * num_items
        for begin in range(0, len(users), CHUNK):
            part = slice(begin, begin + CHUNK)
            drawn[part] += _draw_items(favourites[users[part]], shelf, words)
        # never more draws than missing, so every new pair is kept
        new = _without(_distinct(drawn), pairs)
        pairs = np.sort(np.concatenate([pairs, new]), kind="stable")  # which merges two runs
        missing = missing - np.bincount(new // num_items, minlength=len(user_counts))
        if not missing.any():
            break
    return _complete_pairs(pairs, missing, shelf.by_popularity)


def _distinct(pairs: Int64Array) -> Int64Array:
    """Equals ``np.unique(pairs)``, whose hash table is ten times slower here."""
    pairs = np.sort(pairs)
    return pairs[np.diff(pairs, prepend=np.int64(-1)) > 0]


def _without(new: Int64Array, pairs: Int64Array) -> Int64Array:
    """Return those of ``new`` that are not among ``pairs``, both ascending."""
    if not len(pairs):
        return new
    places = np.minimum(np.searchsorted(pairs, new), len(pairs) - 1)
    unknown: Int64Array = new[pairs[places] != new]
    return unknown


def _draw_items(favourites: Int64Array, shelf: _Shelf, words: _Words) -> Int64Array:
    """Return one item for each row of (n, 2) favourite genres."""
    places, choices = np.divmod(words.take(len(favourites)), 10)  # (n,), (n,) int64
    genres = favourites[np.arange(len(favourites)), choices % 2]  # (n,) int64
    anywhere = choices >= FAVOURITE_TENTHS  # (n,) bool
    starts = np.where(anywhere, 0, shelf.genre_starts[genres])
    widths = np.where(anywhere, shelf.ends[-1], shelf.genre_widths[genres])
    return shelf.items_at(starts + places % widths)


def _stable_order(numbers: Int64Array) -> Int64Array:
    """Equals ``np.argsort(numbers, kind="stable")`` below 2**25, but sorts values, which is faster."""
    places = np.arange(len(numbers), dtype=np.int64)
    bits = len(numbers).bit_length()  # below 2**38 events there is room for both
    return np.sort(numbers << bits | places) & ((1 << bits) - 1)


def _complete_pairs(
    pairs: Int64Array, missing: Int64Array, by_popularity: Int64Array
) -> Int64Array:
    """Add to each user's pairs the ``missing`` most popular items that the user does not have.

    Drawing would take ever longer for a user who wants nearly all items.
    """
    num_items = len(by_popularity)
    parts = [pairs]
    for user in np.flatnonzero(missing).tolist():
        first = user * num_items
        start, stop = np.searchsorted(pairs, [first, first + num_items])
        is_free = np.ones(num_items, dtype=np.bool_)
        is_free[pairs[start:stop] - first] = False
        free = by_popularity[is_free[by_popularity]]  # most popular first
        parts.append(first + free[: missing[user]])
    return np.sort(np.concatenate(parts))


def _draw_weights(is_favourite: BoolArray, words: _Words) -> Int64Array:
    faces = words.below(len(FAVOURITE_WEIGHTS), len(is_favourite))  # (E,) int64
    return np.where(is_favourite, FAVOURITE_WEIGHTS[faces], OTHER_WEIGHTS[faces])
