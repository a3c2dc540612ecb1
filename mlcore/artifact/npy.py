"""The ``.npy`` header of one array: version 1.0, canonical text, one dimension, little-endian."""

from __future__ import annotations

import re

from mlcore.errors import HeaderError

__all__ = ["DTYPES", "MAX_HEADER_BYTES", "NPY_HEADER_BYTES", "format_header", "parse_header"]

DTYPES = {"<f4": 4, "<f8": 8, "<i4": 4, "<i8": 8}  # bytes of one element

# What numpy itself writes for every one-dimensional array of these types.
NPY_HEADER_BYTES = 128
MAX_HEADER_BYTES = 1024

_MAGIC = b"\x93NUMPY\x01\x00"
_TEXT = re.compile(
    rb"\{'descr': '([^']*)', 'fortran_order': False, 'shape': \((0|[1-9][0-9]{0,15}),\), \} *\n"
)


def format_header(dtype: str, length: int) -> bytes:
    """Return magic, version, header length and header: ``NPY_HEADER_BYTES`` in all.

    Equals what ``numpy.save`` writes before the data.

    Args:
        dtype: a key of ``DTYPES``.

    >>> format_header("<f4", 3)[10:70]
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }   "
    """
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({length},), }}".encode()
    room = NPY_HEADER_BYTES - len(_MAGIC) - 2
    return _MAGIC + room.to_bytes(2, "little") + text.ljust(room - 1) + b"\n"


def parse_header(data: bytes, place: str) -> tuple[str, int, int]:
    """Return dtype, number of elements and header size of a member.

    Args:
        data: the first bytes of the member, of which ``MAX_HEADER_BYTES`` suffice.
        place: file and member, for messages.

    Raises:
        HeaderError: not the canonical header of a one-dimensional array of a known type.

    >>> parse_header(format_header("<i8", 7), "x.npz: indptr.npy")
    ('<i8', 7, 128)
    """
    if data[:8] != _MAGIC:
        raise HeaderError(f"{place}: expected the magic bytes of npy 1.0, got {data[:8]!r}")
    size = 10 + int.from_bytes(data[8:10], "little")
    if size % 64 or size > MAX_HEADER_BYTES:
        raise HeaderError(
            f"{place}: header size: expected a multiple of 64 up to {MAX_HEADER_BYTES}, got {size}"
        )
    match = _TEXT.fullmatch(data[10:size])
    if len(data) < size or match is None:
        raise HeaderError(
            f"{place}: header: expected the canonical text of a one-dimensional array, "
            f"got {data[10:size].rstrip()[:80]!r}"
        )
    dtype = match[1].decode("latin-1")
    if dtype not in DTYPES:
        raise HeaderError(f"{place}: dtype: expected one of {', '.join(DTYPES)}, got {dtype!r}")
    return dtype, int(match[2]), size
