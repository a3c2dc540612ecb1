"""A seeded, made-up lending library: who borrowed which book, how much it was liked, and when.

Every user has one or two favourite genres and takes most books from them, the rest from all
genres; popular books go first everywhere. Few users borrow much, many a little. An item-similarity
model can learn the genres, a list of the most popular books cannot.

Same arguments, same bytes, on every machine and numpy from 1.26 on. For that, whatever decides
content is int64 arithmetic on the words of ``PCG64.random_raw``, a stream that numpy promises to
keep (NEP 19); it makes no such promise for the methods of ``Generator``, nor do processors agree
on the last bit of a logarithm. G is the number of genres, the other letters are as usual.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TextIO

import numpy as np

from mlcore._titles import GENRES, book_title
from mlcore.errors import ConfigError
from mlcore.files.inputs import Format, Place, find_format
from mlcore.files.outputs import open_outputs
from mlcore.jsontext import format_string
from mlcore.types import BoolArray, Int64Array

__all__ = ["CatalogueItem", "SyntheticData", "generate_interactions", "generate_to_path"]

YEAR_START = 1_704_067_200  # 2024-01-01T00:00:00Z
YEAR_SECONDS = 366 * 86_400  # 2024 is a leap year
ITEMS_PER_GENRE = 20  # until the genres run out
FAVOURITE_TENTHS = 9  # of ten draws, this many are from the favourite genres
POPULARITY_OFFSET = 20  # rank 0 is drawn twice as often as rank 20, four times as rank 60
FAVOURITE_WEIGHTS = np.array([2, 3, 4, 4, 5, 5], dtype=np.int64)  # equally likely
OTHER_WEIGHTS = np.array([1, 1, 2, 2, 3, 4], dtype=np.int64)
MAX_ROUNDS = 8  # of redrawing pairs that a user already has
LEVEL_UNIT = 1024  # above the largest activity, 10**3: one level adds at most one item per user


@dataclass(frozen=True)
class CatalogueItem:
    """One item of the library: its id, a unique title that shows the genre, and the genre."""

    item_id: str
    title: str
    genre: str


@dataclass(frozen=True)
class SyntheticData:
    """Events in time order (equal times: by user, then item) and the items that exist.

    Attributes:
        user_ids: (E,) the letter u and a number from 1 with leading zeros.
        item_ids: (E,) a number from 1 with leading zeros, so ids read as numbers do not survive.
        weights: (E,) from 1 to 5, on average higher in the user's favourite genres.
        timestamps: (E,) seconds since 1970 UTC, all in 2024.
        catalogue: (I,) in item order, with the items that nobody took.
    """

    user_ids: list[str]
    item_ids: list[str]
    weights: list[int]
    timestamps: list[int]
    catalogue: list[CatalogueItem]


def generate_interactions(
    num_users: int, num_items: int, num_interactions: int, seed: int
) -> SyntheticData:
    """Return a made-up data set with exactly the requested numbers of users, items and events.

    No (user, item) pair occurs twice and every user occurs; an item may go without events.
    Of a user's draws nine in ten are from the favourite genres (five from the first, four from the
    second), one from the whole library; pairs that exist are drawn again, so avid readers, who
    read their genres empty, end up with a smaller share. Within and across genres an item is drawn
    in proportion to ``10**9 // (rank + 20)``, with its rank in the whole library from 0. A user's
    number of events grows with the product of three numbers drawn from 1 to 10, which is close to
    log-normal. There are about I / 20 genres, from 2 to 20 (a library of one item has one).

    Args:
        num_users: U, >= 1.
        num_items: I, >= 1.
        num_interactions: E, from U (one event per user) to U * I (every pair).
        seed: >= 0; another seed gives other data.

    Returns:
        The events in time order and the catalogue in item order.

    Raises:
        ConfigError: an argument is out of its range.

    >>> data = generate_interactions(num_users=3, num_items=5, num_interactions=9, seed=1)
    >>> sorted(set(data.user_ids))
    ['u0001', 'u0002', 'u0003']
    >>> data.catalogue[0]
    CatalogueItem(item_id='0001', title='The Sourdough Almanac', genre='bread baking')
    """
    _check_arguments(num_users, num_items, num_interactions, seed)
    words = _Words(seed)
    num_genres = min(len(GENRES), max(2, num_items // ITEMS_PER_GENRE), num_items)
    item_genres = words.permutation(num_items) % num_genres  # (I,) int64, no genre stays empty
    shelf = _build_shelf(item_genres, ranks=words.permutation(num_items))
    favourites = _draw_favourites(num_users, num_genres, words)  # (U, 2) int64
    user_counts = _draw_user_counts(num_users, num_items, num_interactions, words)  # (U,) int64

    pairs = _draw_pairs(user_counts, favourites, shelf, words)  # (E,) int64
    timestamps = YEAR_START + words.below(YEAR_SECONDS, num_interactions)  # (E,) int64
    by_time = np.argsort(timestamps, kind="stable")  # pairs ascend, so ties go by user, then item
    users, items = np.divmod(pairs[by_time], num_items)  # (E,), (E,) int64
    is_favourite = (favourites[users] == item_genres[items, None]).any(axis=1)  # (E,) bool

    user_names = _number_names(num_users, prefix="u")
    item_names = _number_names(num_items)
    return SyntheticData(
        user_ids=[user_names[user] for user in users.tolist()],
        item_ids=[item_names[item] for item in items.tolist()],
        weights=_draw_weights(is_favourite, words).tolist(),
        timestamps=timestamps[by_time].tolist(),
        catalogue=_build_catalogue(item_names, item_genres),
    )


def _check_arguments(num_users: int, num_items: int, num_interactions: int, seed: int) -> None:
    for name, value, least in (("users", num_users, 1), ("items", num_items, 1), ("seed", seed, 0)):
        if value < least:
            raise ConfigError(f"{name}: expected a number from {least}, got {value}")
    if not num_users <= num_interactions <= num_users * num_items:
        raise ConfigError(
            f"interactions: expected a number from {num_users} (one per user) "
            f"to {num_users * num_items} (users x items), got {num_interactions}"
        )


class _Words:
    """The one stream of random numbers; each call takes the next ones."""

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
        """Return the item that stands at each place, from 0 to the last edge - 1."""
        positions = np.searchsorted(self.ends, places, side="right")
        return self.items[positions]


def _build_shelf(item_genres: Int64Array, ranks: Int64Array) -> _Shelf:
    items = np.lexsort((ranks, item_genres)).astype(np.int64)  # (I,)
    ends = np.cumsum(10**9 // (ranks[items] + POPULARITY_OFFSET), dtype=np.int64)  # (I,)
    last_of_genre = np.cumsum(np.bincount(item_genres)) - 1  # (G,)
    genre_ends = ends[last_of_genre]  # (G,) int64
    genre_widths = np.diff(genre_ends, prepend=np.int64(0))
    return _Shelf(items, ends, genre_ends - genre_widths, genre_widths, np.argsort(ranks))


def _draw_favourites(num_users: int, num_genres: int, words: _Words) -> Int64Array:
    """Return (U, 2) genres; half of the users have the same one twice."""
    first = words.below(num_genres, num_users)  # (U,) int64
    has_second = words.below(2, num_users)  # (U,) int64, 0 or 1
    # 1 + 0..G-2 steps from the first, so never back to it; with one genre there is no other
    steps = has_second * (1 + words.below(max(1, num_genres - 1), num_users))
    return np.stack([first, (first + steps) % num_genres], axis=1)


def _draw_user_counts(
    num_users: int, num_items: int, num_interactions: int, words: _Words
) -> Int64Array:
    """Return (U,) events per user, from 1 to I, that sum to E.

    ``min(I, 1 + level * activity // 1024)`` at the highest level whose sum is not above E; the
    few events still missing go to the first users who would get one more at the next level.
    """
    activity = (1 + words.below(10, 3 * num_users)).reshape(3, num_users).prod(axis=0)  # (U,) int64

    def counts_at(level: int) -> Int64Array:
        counts: Int64Array = np.minimum(num_items, 1 + level * activity // LEVEL_UNIT)
        return counts

    levels = range(num_items * LEVEL_UNIT)  # at the last one everybody has all items
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
        items = _draw_items(favourites[users], shelf, words)
        # never more draws than missing, so every new pair is kept
        pairs = _distinct(np.concatenate([pairs, users * num_items + items]))
        missing = user_counts - np.bincount(pairs // num_items, minlength=len(user_counts))
        if not missing.any():
            break
    return _complete_pairs(pairs, missing, shelf.by_popularity)


def _distinct(pairs: Int64Array) -> Int64Array:
    """Equals ``np.unique(pairs)``, whose hash table is ten times slower on such numbers."""
    pairs = np.sort(pairs)
    return pairs[np.diff(pairs, prepend=np.int64(-1)) > 0]


def _draw_items(favourites: Int64Array, shelf: _Shelf, words: _Words) -> Int64Array:
    """Return one item for each row of (n, 2) favourite genres."""
    places, choices = np.divmod(words.take(len(favourites)), 10)  # (n,), (n,) int64
    genres = favourites[np.arange(len(favourites)), choices % 2]  # (n,) int64
    anywhere = choices >= FAVOURITE_TENTHS  # (n,) bool
    starts = np.where(anywhere, 0, shelf.genre_starts[genres])
    widths = np.where(anywhere, shelf.ends[-1], shelf.genre_widths[genres])
    return shelf.items_at(starts + places % widths)


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


def _number_names(count: int, prefix: str = "") -> list[str]:
    """Return the numbers from 1 to count, all of one width, so they sort in number order."""
    width = max(4, len(str(count)))
    return [f"{prefix}{number:0{width}}" for number in range(1, count + 1)]


def _build_catalogue(item_names: list[str], item_genres: Int64Array) -> list[CatalogueItem]:
    books_in_genre = [0] * len(GENRES)
    catalogue = []
    for item_id, number in zip(item_names, item_genres.tolist()):
        title = book_title(GENRES[number], books_in_genre[number])
        books_in_genre[number] += 1
        catalogue.append(CatalogueItem(item_id, title, GENRES[number].name))
    return catalogue


def generate_to_path(
    num_users: int,
    num_items: int,
    num_interactions: int,
    seed: int,
    out_path: Place,
    items_path: Place | None = None,
    *,
    format: Format | None = None,
) -> str:
    """Write made-up events, and the items with their titles; return a summary.

    Args:
        num_users: U.
        num_items: I.
        num_interactions: E.
        seed: >= 0.
        out_path: where the events go: ``user_id``, ``item_id``, ``weight``, ``timestamp``.
        items_path: where the items go: ``item_id``, ``title``, ``genre``; or None.
        format: of both files, or None to go by their names.

    Raises:
        ConfigError: a number is out of range.
        DataError: a file cannot be written.
    """
    paths = [out_path] if items_path is None else [out_path, items_path]
    for path in paths:
        find_format(path, format)  # before the work, not after it
    with open_outputs(*paths) as streams:
        data = generate_interactions(num_users, num_items, num_interactions, seed)
        events = zip(data.user_ids, data.item_ids, data.weights, data.timestamps)
        _write_table(
            streams[0], ("user_id", "item_id", "weight", "timestamp"), events, out_path, format
        )
        if items_path is not None:
            items = ((item.item_id, item.title, item.genre) for item in data.catalogue)
            _write_table(streams[1], ("item_id", "title", "genre"), items, items_path, format)
    return f"{len(data.user_ids)} events of {num_users} users and {num_items} items"


def _write_table(
    stream: TextIO,
    names: Sequence[str],
    rows: Iterable[tuple[str | int, ...]],
    path: Place,
    format: Format | None,
) -> None:
    # No id, title or genre made here needs quotes in CSV.
    if find_format(path, format) == "csv":
        stream.write(",".join(names) + "\n")
        stream.writelines(",".join(map(str, row)) + "\n" for row in rows)
        return
    for row in rows:
        values = (format_string(value) if isinstance(value, str) else value for value in row)
        pairs = ", ".join(f'"{name}": {value}' for name, value in zip(names, values))
        stream.write(f"{{{pairs}}}\n")
