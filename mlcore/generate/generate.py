"""A seeded, synthetic lending library: who borrowed which book, when, and how much they liked it.

Every user has one or two favourite genres and takes most books from them, the rest from all genres;
popular books are taken more everywhere. Few users borrow much, many a little. An item-similarity
model can learn the genres, a list of the most popular books cannot.

Same arguments, same bytes, on every machine: ``events`` has the draws, this module the words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mlcore.files.formats import RowFormat, find_row_format
from mlcore.files.options import Format, PathLike
from mlcore.files.outputs import open_outputs
from mlcore.generate.config import DEFAULT_SKEW
from mlcore.generate.events import SyntheticEvents, draw_events
from mlcore.generate.titles import GENRES, book_title
from mlcore.types import Int64Array

__all__ = ["CatalogueItem", "SyntheticData", "generate_interactions", "generate_to_path"]

COLUMNS = ("user_id", "item_id", "weight", "timestamp")
CHUNK = 2**18  # rows of text at once: changes speed and memory only


class CatalogueItem(NamedTuple):
    """One item of the library: its id, a unique title that shows the genre, and the genre."""

    item_id: str
    title: str
    genre: str


@dataclass(frozen=True)
class SyntheticData:
    """Events in time order (equal times: by user, then item) and the items that exist.

    Attributes:
        user_ids: (E,) the letter u and a number from 1 with leading zeros.
        item_ids: (E,) a number from 1 with leading zeros, which reading ids as numbers would lose.
        weights: (E,) from 1 to 5, on average higher in the user's favourite genres.
        timestamps: (E,) seconds since 1970 UTC, all in 2024.
        catalogue: (I,) in item order, with items that nobody took.
    """

    user_ids: list[str]
    item_ids: list[str]
    weights: list[int]
    timestamps: list[int]
    catalogue: list[CatalogueItem]


def generate_interactions(
    num_users: int, num_items: int, num_interactions: int, seed: int, skew: int = DEFAULT_SKEW
) -> SyntheticData:
    """Return a synthetic data set with exactly the requested numbers of users, items and events.

    No (user, item) pair occurs twice and every user occurs; an item may have no events. Of ten draws
    of a user, nine are from the favourite genres (five from the first, four from the second), one
    from the whole library; pairs that exist are drawn again, so avid readers, who run out of books
    in their genres, take a smaller share from them. An item's probability, within and across
    genres, is proportional to the integer below ``10**9 / (rank + 20)**((3 + skew) / 4)``, with its rank in
    the whole library from 0. A user's number of events grows with the product of ``1 + 2 * skew``
    numbers drawn from 1 to 10, which is nearly log-normal. There are about I / 20 genres, from 2 to
    20 (a library of one item has one).

    Args:
        num_users: U, >= 1.
        num_items: I, >= 1.
        num_interactions: E, from U (one event per user) to U * I (every pair).
        seed: >= 0.
        skew: of users and items, from 0 to 3; 2 is similar to MovieLens.

    Raises:
        ConfigError: an argument is out of its range.

    >>> data = generate_interactions(num_users=3, num_items=5, num_interactions=9, seed=1)
    >>> sorted(set(data.user_ids))
    ['u0001', 'u0002', 'u0003']
    >>> data.catalogue[0]
    CatalogueItem(item_id='0001', title='The Sourdough Almanac', genre='bread baking')
    """
    events = draw_events(num_users, num_items, num_interactions, seed, skew)
    user_names = _number_names(num_users, prefix="u")
    item_names = _number_names(num_items)
    return SyntheticData(
        user_ids=[user_names[user] for user in events.users.tolist()],
        item_ids=[item_names[item] for item in events.items.tolist()],
        weights=events.weights.tolist(),
        timestamps=events.timestamps.tolist(),
        catalogue=_build_catalogue(item_names, events.item_genres),
    )


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
    out_path: PathLike,
    items_path: PathLike | None = None,
    *,
    skew: int = DEFAULT_SKEW,
    format: Format | None = None,
) -> str:
    """Write the events of ``generate_interactions``, and the items with titles; return a summary.

    Args:
        out_path: a table of ``user_id``, ``item_id``, ``weight``, ``timestamp``.
        items_path: a table of ``item_id``, ``title``, ``genre``; None to write none.

    Raises:
        ConfigError: a number is out of range.
        DataError: a file cannot be written.
    """
    paths = [out_path] if items_path is None else [out_path, items_path]
    formats = [find_row_format(path, format) for path in paths]  # before the work, not after it
    with open_outputs(*paths) as streams:
        events = draw_events(num_users, num_items, num_interactions, seed, skew)
        user_names, item_names = _number_names(num_users, prefix="u"), _number_names(num_items)
        rows = formats[0]
        streams[0].write(rows.header(COLUMNS))
        streams[0].writelines(_format_events(events, user_names, item_names, rows))
        if items_path is not None:
            rows = formats[1]
            streams[1].write(rows.header(CatalogueItem._fields))
            around = rows.around(CatalogueItem._fields)
            streams[1].writelines(
                rows.row(around, [rows.quote(text) for text in item])
                for item in _build_catalogue(item_names, events.item_genres)
            )
    return f"{num_interactions} events of {num_users} users and {num_items} items"


def _format_events(
    events: SyntheticEvents, user_names: list[str], item_names: list[str], rows: RowFormat
) -> Iterator[str]:
    """Yield the text of all rows in chunks, as arrays: the fields of a column have one width.

    Formatting row by row would take a microsecond each.
    """
    users, items = (_as_bytes(list(map(rows.quote, names))) for names in (user_names, item_names))
    numbers = _as_bytes([f"{number:05}" for number in range(10**5)])
    for begin in range(0, len(events.users), CHUNK):
        part = slice(begin, begin + CHUNK)
        high, low = np.divmod(events.timestamps[part], 10**5)  # ten digits until the year 2286
        fields = [
            [users[events.users[part]]],
            [items[events.items[part]]],
            [numbers[events.weights[part]][:, -1:]],
            [numbers[high], numbers[low]],
            [],
        ]
        columns = []
        for text, field in zip(rows.around(COLUMNS), fields):
            constant = np.frombuffer(text.encode("ascii"), np.uint8)
            columns += [np.broadcast_to(constant, (len(high), len(constant))), *field]
        yield np.concatenate(columns, axis=1).tobytes().decode("ascii")


def _as_bytes(names: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Return the characters of ASCII texts of one width w, (n, w)."""
    return np.frombuffer("".join(names).encode("ascii"), np.uint8).reshape(len(names), -1)
