"""Texts as one array of bytes, for compiled code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mlcore.types import Int64Array

__all__ = ["Utf8", "utf8_of"]


class Utf8(NamedTuple):
    """N texts in UTF-8.

    Attributes:
        data: uint8, the bytes of all, and perhaps others between them.
        begins: (N,) int64, the first byte of each.
        ends: (N,) int64, the byte after its last.
    """

    data: npt.NDArray[Any]
    begins: Int64Array
    ends: Int64Array

    @property
    def sizes(self) -> Int64Array:
        """Bytes of each, (N,) int64."""
        return self.ends - self.begins


def utf8_of(texts: Sequence[str]) -> Utf8:
    """Return texts as bytes: their own, if they have an attribute ``utf8``, or else a copy.

    >>> utf8_of(["a", "é"]).ends.tolist()
    [1, 3]
    """
    own: Utf8 | None = getattr(texts, "utf8", None)
    if own is not None:
        return own
    parts = [text.encode() for text in texts]
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)  # (N,)
    return Utf8(np.frombuffer(b"".join(parts), np.uint8), np.append(0, ends)[:-1], ends)
