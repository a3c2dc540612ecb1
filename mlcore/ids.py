"""Ids: opaque strings outside, positions inside.

An id is never a number, never trimmed, never normalized: ``007`` stays ``007``, and two spellings
of the same accented letter are two ids. The position of an id is its rank in UTF-8 byte order,
which is also the order of Python's strings.
"""

from __future__ import annotations

import numbers
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from mlcore.errors import DataError, shorten

__all__ = [
    "MAX_ID_BYTES",
    "IdMap",
    "check_all_asked",
    "check_asked",
    "check_id",
    "id_fault",
    "is_missing",
    "refuse_text",
]

MAX_ID_BYTES = 65_535
NUMBER_HINT = "ids are strings: convert numbers with str()"
FRAME_HINT = 'frame["item_id"] is a column of a frame'
SEARCH_COST = 100  # of a binary search, in entries of a table; changes speed only


def id_fault(text: object) -> str | None:
    """Return what is wrong with an id as ``expected <rule>, got <value>``, or None if it is fine.

    >>> id_fault("007") is None
    True
    >>> id_fault(7)
    'expected a string, got 7'
    """
    if not isinstance(text, str):
        return f"expected a string, got {shorten(text)}"
    if not text:
        return "expected an id of at least one character, got an empty one"
    if "\0" in text or "\n" in text or "\r" in text:
        return f"expected no NUL and no line break, got {shorten(text)}"
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        return f"expected well-formed Unicode, got {shorten(text)}"
    if size > MAX_ID_BYTES:
        return f"expected at most {MAX_ID_BYTES} bytes, got {size}"
    return None


def check_id(name: str, value: object, hint: str = NUMBER_HINT) -> str:
    """Return an id that Python was called with.

    Args:
        name: of the argument, for the message.
        hint: how to make a string of something else.

    Raises:
        DataError: it is none, as ``id_fault`` says.

    >>> check_id("user_ids[0]", "007")
    '007'
    """
    fault = id_fault(value)
    if fault is None and isinstance(value, str):
        return value
    raise DataError(f"{name}: {fault}", None if isinstance(value, str) else _id_hint(value, hint))


def _id_hint(value: object, hint: str) -> str:
    if is_missing(value):
        return "leave out what has no id"
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Integral):
        return "make integers of floats, then texts: 7.0 as text is another id than 7"
    return hint


def is_missing(value: object) -> bool:
    """Return whether a value is what a library has where there is none.

    >>> is_missing(None), is_missing(float("nan")), is_missing(0)
    (True, True, False)
    """
    # NA of pandas has no truth value.
    is_nan = isinstance(value, float) and value != value
    return value is None or is_nan or type(value).__name__ in ("NAType", "NaTType")


def check_asked(name: str, value: object) -> str:
    """Return a text that is asked for; one that can be no id is an unknown one, by the format.

    Raises:
        DataError: it is no text.

    >>> check_asked("user", "")
    ''
    """
    return value if isinstance(value, str) else check_id(name, value)


def check_all_asked(name: str, ids: Iterable[object]) -> Iterator[str]:
    """Return the texts that are asked for, each checked as it is taken.

    Raises:
        DataError: at once for a string or no iterable at all; later for a value that is no text.

    >>> list(check_all_asked("exclude", ["tea"]))
    ['tea']
    """
    refuse_text(name, ids)
    return (check_asked(f"{name}[{place}]", id_) for place, id_ in enumerate(ids))


def refuse_text(name: str, ids: Any, frame_hint: str = FRAME_HINT) -> None:
    """Refuse what is iterable and has no ids in it: a string has letters, a frame names of columns.

    Args:
        frame_hint: what to take of a frame.

    Raises:
        DataError: ``ids`` is a string, a frame, an array of no axis, or no iterable; the message
            begins with ``name``.

    >>> refuse_text("exclude", ["tea"])
    """
    if hasattr(type(ids), "columns"):
        got = type(ids).__name__
        raise DataError(f"{name}: expected ids, such as a list of strings, got {got}", frame_hint)
    is_one = isinstance(ids, (str, bytes)) or getattr(ids, "ndim", 1) == 0
    if is_one or not isinstance(ids, Iterable):
        raise DataError(f"{name}: expected ids, such as a list of strings, got {shorten(ids)}")


class IdMap:
    """The ids of one axis in ascending order, and the position of each.

    Loads on first use, so a model opens without parsing its id files. Finds the first few ids by
    binary search, more of them in a table.
    """

    def __init__(self, load: Callable[[], Sequence[str]], count: int) -> None:
        self._load = load
        self._count = count
        self._stored: Sequence[str] | None = None
        self._ids: list[str] | None = None
        self._positions: dict[str, int] | None = None
        self._num_searches = 0

    @classmethod
    def from_ids(cls, ids: Iterable[str]) -> IdMap:
        """Return the map of unique ids in ascending order.

        >>> IdMap.from_ids(["a", "b"]).position("b")
        1
        """
        loaded = list(ids)
        return cls(lambda: loaded, len(loaded))

    def load(self) -> Sequence[str]:
        """Check the ids; return them as stored, each decoded on access.

        >>> IdMap.from_ids(["a", "b"]).load()[1]
        'b'
        """
        if self._stored is None:
            self._stored = self._load()
        return self._stored

    @property
    def ids(self) -> list[str]:
        """All ids; the position is the index."""
        if self._ids is None:
            self._ids = list(self.load())
        return self._ids

    def position(self, id_: str) -> int | None:
        """Return the position of an id, or None if it is unknown.

        >>> IdMap.from_ids(["a", "b"]).position("c") is None
        True
        """
        if self._positions is None and self._num_searches * SEARCH_COST < self._count:
            self._num_searches += 1
            stored = self.load()
            place = bisect_left(stored, id_)
            return place if place < self._count and stored[place] == id_ else None
        if self._positions is None:
            self._positions = {known: index for index, known in enumerate(self.ids)}
        return self._positions.get(id_)

    def __repr__(self) -> str:
        return f"IdMap({len(self)} ids)"

    def __len__(self) -> int:
        return self._count
