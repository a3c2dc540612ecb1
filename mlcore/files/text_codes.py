"""Short texts as numbers, whole columns at a time: a hash table in numpy.

A text is its bytes in words of 8, the first byte lowest, padded with zeros: texts have no NUL, so equal
words are equal texts. One of up to 8 bytes is its own key; the key of a longer one mixes its words, and
the words decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from mlcore.types import Int32Array, Int64Array

__all__ = [
    "MAX_TEXT_BYTES",
    "TextCodes",
    "TextCodesError",
    "Words",
    "in_order",
    "texts_of",
    "words_of",
]

Words: TypeAlias = npt.NDArray[np.uint64]

MAX_TEXT_BYTES = 64
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio
_KEPT = np.array([2 ** (8 * size) - 1 for size in range(9)], np.uint64)  # of a text of some bytes
_SLOTS = 4  # of the table for each text, at least
_MOST_PROBES = 64


class TextCodesError(Exception):
    """Texts that this cannot tell apart, or not in good time."""


def words_of(block: bytes, begins: Int64Array, sizes: Int64Array) -> Words:
    """Return the words of texts, (W, N) uint64: as many as the longest text needs.

    Args:
        block: with at least 8 bytes after the last text.
        begins: (N,) of each text in the block.
        sizes: (N,) in bytes, 1 to ``MAX_TEXT_BYTES``.

    >>> words_of(b"ab,c" + bytes(8), np.array([0, 3]), np.array([2, 1])).tolist()
    [[25185, 99]]
    """
    loaded: Any = np.ndarray(len(block) - 7, "<u8", block, strides=(1,))  # from each byte on
    width = -(-int(sizes.max(initial=1)) // 8)
    words = np.zeros((width, len(begins)), np.uint64)
    for word in range(width):
        if word == 0 or sizes.min() > 8 * word:
            words[word] = loaded[begins + 8 * word if word else begins]
            words[word] &= _KEPT.take(sizes - 8 * word if word else sizes, mode="clip")
        else:
            longer = np.flatnonzero(sizes > 8 * word)
            kept = _KEPT.take(sizes[longer] - 8 * word, mode="clip")
            words[word, longer] = loaded[begins[longer] + 8 * word] & kept
    return words


class TextCodes:
    """Numbers new texts 0, 1, 2 ..."""

    def __init__(self) -> None:
        # Entry 0 is none of them: an empty slot leads to it.
        self._num_entries = 1
        self._words = np.zeros((1, 2**8), np.uint64)  # (W, C)
        self._keys = np.zeros(2**8, np.uint64)  # (C,)
        self._table = np.zeros(_SLOTS * 2**8, np.int32)  # (4 C,) entries

    def __len__(self) -> int:
        return self._num_entries - 1

    @property
    def words(self) -> Words:
        """Of all texts in the order of their numbers, (W, N)."""
        return self._words[:, 1 : self._num_entries]

    def encode(self, words: Words) -> Int32Array:
        """Return the number of each text, (N,) int32.

        Args:
            words: as ``words_of`` returns them.

        Raises:
            TextCodesError: texts were drawn up to have like keys.

        >>> TextCodes().encode(words_of(b"aba" + bytes(8), np.arange(3), np.ones(3, int))).tolist()
        [0, 1, 0]
        """
        begins_run = np.ones(words.shape[1], bool)
        begins_run[1:] = (words[:, 1:] != words[:, :-1]).any(axis=0)
        begins = np.flatnonzero(begins_run)
        if 2 * len(begins) > len(begins_run):
            return self._encode(words)
        return np.repeat(self._encode(words[:, begins]), np.diff(begins, append=len(begins_run)))

    def _encode(self, words: Words) -> Int32Array:
        width = max(len(words), len(self._words))
        words, self._words = _widen(words, width), _widen(self._words, width)
        keys = _keys_of(words)
        entries = self._find(keys)
        new = np.flatnonzero(entries == 0)
        if len(new):
            added, firsts = np.unique(keys[new], return_index=True)
            self._add(added, words[:, new[firsts]])
            entries[new] = self._find(keys[new])
        if width > 1 and (self._words[:, entries] != words).any():
            raise TextCodesError
        entries -= 1
        return entries

    def _find(self, keys: Words) -> Int32Array:
        """Return the entry of each key, or 0."""
        slots = self._slots(keys)
        entries = self._table[slots]
        left = np.flatnonzero(self._keys[entries] != keys)
        for _ in range(_MOST_PROBES):
            left = left[entries[left] != 0]
            if not len(left):
                return entries
            slots[left] = next_slots = self._next(slots[left])
            entries[left] = found = self._table[next_slots]
            left = left[self._keys[found] != keys[left]]
        raise TextCodesError

    def _add(self, keys: Words, words: Words) -> None:
        begin = self._num_entries
        self._num_entries += len(keys)
        if self._num_entries > len(self._keys):
            capacity = 2 ** self._num_entries.bit_length()
            self._keys = np.pad(self._keys, (0, capacity - len(self._keys)))
            self._words = np.pad(self._words, ((0, 0), (0, capacity - self._words.shape[1])))
            self._table = np.zeros(_SLOTS * capacity, np.int32)
            self._place(1, begin)
        self._keys[begin : self._num_entries] = keys
        self._words[:, begin : self._num_entries] = words
        self._place(begin, self._num_entries)

    def _place(self, begin: int, end: int) -> None:
        """Give each of some entries a slot."""
        entries = np.arange(begin, end, dtype=np.int32)
        slots = self._slots(self._keys[entries])
        for _ in range(_MOST_PROBES):
            if not len(entries):
                return
            free = self._table[slots] == 0
            self._table[slots[free]] = entries[free]
            left = self._table[slots] != entries  # somebody else's, perhaps of these
            entries, slots = entries[left], self._next(slots[left])
        raise TextCodesError

    def _slots(self, keys: Words) -> Int64Array:
        unused = np.uint64(65 - len(self._table).bit_length())
        slots = keys * _ODD
        slots >>= unused
        return slots.view(np.int64)

    def _next(self, slots: Int64Array) -> Int64Array:
        return (slots + 1) & (len(self._table) - 1)


def _widen(words: Words, width: int) -> Words:
    return words if len(words) == width else np.pad(words, ((0, width - len(words)), (0, 0)))


def _keys_of(words: Words) -> Words:
    keys: Words = words[0]
    for word in words[1:]:  # 0 in shorter texts, whose key stays as it is
        mixed = word * _ODD
        mixed ^= mixed >> np.uint64(29)
        keys = keys + mixed * _ODD
    return keys


def texts_of(words: Words) -> list[str]:
    """Return the texts of words in UTF-8.

    >>> texts_of(np.array([[25185]], np.uint64))
    ['ab']
    """
    width, number = words.shape
    joined = np.ascontiguousarray(words.T.astype("<u8")).view(f"S{8 * width}").reshape(number)
    if joined.tobytes().isascii():
        texts: list[str] = joined.astype(f"U{8 * width}").tolist()
        return texts
    return [text.decode() for text in joined.tolist()]


def in_order(parts: Sequence[TextCodes]) -> tuple[list[str], list[Int32Array]]:
    """Return all texts in the order of their bytes, and for each part the place of its texts.

    >>> part = TextCodes()
    >>> _ = part.encode(words_of(b"ba" + bytes(8), np.arange(2), np.ones(2, int)))
    >>> texts, (places,) = in_order([part])
    >>> texts, [texts[place] for place in places]
    (['a', 'b'], ['a', 'b'])
    """
    width = max(len(part.words) for part in parts)
    words = np.concatenate([_widen(part.words, width) for part in parts], axis=1)  # (W, N)
    compared = words.byteswap()  # as numbers in the order of their bytes
    order = np.lexsort(compared[::-1])
    is_first = np.ones(len(order), bool)
    is_first[1:] = (compared[:, order[1:]] != compared[:, order[:-1]]).any(axis=0)
    places = np.empty(len(order), np.int32)
    places[order] = np.cumsum(is_first, dtype=np.int32) - 1
    bounds = np.cumsum([len(part) for part in parts])[:-1]
    return texts_of(words[:, order[is_first]]), np.split(places, bounds)
