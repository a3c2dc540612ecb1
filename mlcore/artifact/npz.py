"""``.npz`` under a strict profile: stored members whose data start at multiples of 64 bytes.

Given arrays have exactly one sequence of bytes, the one written here: fixed member order, no
compression, no timestamps, no comment, no data descriptor. The reader also takes npy headers with
more blanks, in steps of 64 bytes up to 1024. ``numpy.load`` and ``unzip`` open the file; a program
in any language can map the arrays in place. A well-formed extra field in the local header (id
0xD935, as Android's apksigner writes it) aligns them.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mlcore.artifact.npy import DTYPES, MAX_HEADER_BYTES, format_header, parse_header
from mlcore.errors import ChecksumError, ContainerError, HeaderError

__all__ = ["ALIGNMENT", "ArraySpec", "map_npz", "verify_npz_crc", "write_npz"]

ALIGNMENT = 64
# Sizes and offsets from here on are in a zip64 field instead of the 32-bit one.
ZIP64_LIMIT = 0xFFFFFFFF

_LOCAL = struct.Struct("<4sHHHHHIIIHH")
_CENTRAL = struct.Struct("<4sHHHHHHIIIHHHHHII")
_END = struct.Struct("<4sHHHHIIH")
_END64 = struct.Struct("<4sQHHIIQQQQ")
_LOCATOR64 = struct.Struct("<4sIQI")
_DATE_1980_01_01 = 0x0021
_UNIX = 3 << 8
_REGULAR_FILE_644 = 0o100644 << 16

ArraySpec = tuple[str, int]  # dtype and number of elements


class Sink(Protocol):
    """Takes bytes in order."""

    def write(self, data: Any, /) -> object:
        """Take some bytes."""


class _Member:
    """One member's place in the archive, and the headers that follow from it."""

    def __init__(self, name: str, offset: int, crc: int, size: int) -> None:
        self.name = f"{name}.npy".encode("ascii")
        self.offset = offset
        self.crc = crc
        self.size = size

    def local_header(self) -> bytes:
        big = self.size >= ZIP64_LIMIT
        extra = struct.pack("<HHQQ", 1, 16, self.size, self.size) if big else b""
        before = self.offset + _LOCAL.size + len(self.name) + len(extra) + 6
        padding = -before % ALIGNMENT
        extra += struct.pack("<HHH", 0xD935, 2 + padding, ALIGNMENT) + bytes(padding)
        size = 0xFFFFFFFF if big else self.size
        return (
            _LOCAL.pack(
                b"PK\x03\x04", 45 if big else 20, 0, 0, 0, _DATE_1980_01_01,
                self.crc, size, size, len(self.name), len(extra),
            )  # fmt: skip
            + self.name
            + extra
        )

    def central_header(self) -> bytes:
        big = self.size >= ZIP64_LIMIT
        far = self.offset >= ZIP64_LIMIT
        fields = [self.size, self.size] * big + [self.offset] * far
        extra = struct.pack(f"<HH{len(fields)}Q", 1, 8 * len(fields), *fields) if fields else b""
        needed = 45 if fields else 20
        size = 0xFFFFFFFF if big else self.size
        return (
            _CENTRAL.pack(
                b"PK\x01\x02", _UNIX | needed, needed, 0, 0, 0, _DATE_1980_01_01,
                self.crc, size, size, len(self.name), len(extra), 0, 0, 0,
                _REGULAR_FILE_644, 0xFFFFFFFF if far else self.offset,
            )  # fmt: skip
            + self.name
            + extra
        )


def _directory(members: Sequence[_Member], offset: int) -> bytes:
    """Return everything that follows the last member's data."""
    headers = b"".join(member.central_header() for member in members)
    count, size = len(members), len(headers)
    end64 = b""
    if offset >= ZIP64_LIMIT:
        version = _UNIX | 45
        end64 = _END64.pack(b"PK\x06\x06", 44, version, 45, 0, 0, count, count, size, offset)
        end64 += _LOCATOR64.pack(b"PK\x06\x07", 0, offset + size, 1)
    start = min(offset, 0xFFFFFFFF) if end64 == b"" else 0xFFFFFFFF
    return headers + end64 + _END.pack(b"PK\x05\x06", 0, 0, count, count, size, start, 0)


def write_npz(sink: Sink, arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, ArraySpec]:
    """Write one-dimensional arrays as the members of an archive, in the order given.

    Args:
        arrays: name without ``.npy``, and array of a type in ``DTYPES``, native or little-endian.

    Returns:
        dtype and length of each array, as the manifest records them.

    >>> import io
    >>> write_npz(io.BytesIO(), {"counts": np.array([3, 1], np.int64)})
    {'counts': ('<i8', 2)}
    """
    members: list[_Member] = []
    specs: dict[str, ArraySpec] = {}
    offset = 0
    for name, array in arrays.items():
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        # numpy spells the native types of a little-endian machine "<" as well.
        specs[name] = (little.dtype.str, len(little))
        assert array.ndim == 1 and specs[name][0] in DTYPES, f"{name}: {array.dtype} {array.shape}"
        npy_header = format_header(*specs[name])
        data = memoryview(little.view(np.uint8))  # type: ignore[arg-type]
        crc = zlib.crc32(data, zlib.crc32(npy_header))
        member = _Member(name, offset, crc, len(npy_header) + len(data))
        local_header = member.local_header()
        for part in (local_header, npy_header, data):
            sink.write(part)
        offset += len(local_header) + member.size
        members.append(member)
    sink.write(_directory(members, offset))
    return specs


def map_npz(buffer: Any, specs: Mapping[str, ArraySpec], place: str) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an archive as read-only views of its bytes; nothing is copied.

    Writes the headers anew from their content and compares them with the bytes of the file:
    anything that the profile does not allow differs somewhere.

    Args:
        buffer: the whole file, mapped or read.
        specs: the expected members in order, as in the manifest.
        place: the file, for messages.

    Raises:
        ContainerError: the archive breaks the profile.
        HeaderError: a member is not the expected array.

    >>> import io
    >>> sink = io.BytesIO()
    >>> specs = write_npz(sink, {"counts": np.array([3, 1], np.int64)})
    >>> map_npz(sink.getvalue(), specs, "popularity.npz")["counts"].tolist()
    [3, 1]
    """
    view = memoryview(buffer)
    # The whole container first, so that a fault in it is never reported as one of an array.
    members = _read_members(view, specs, place)
    return {
        name: _map_array(view, start, member, specs[name], f"{place}: {name}.npy")
        for name, (start, member) in members.items()
    }


def _read_members(
    view: memoryview, names: Iterable[str], place: str
) -> dict[str, tuple[int, _Member]]:
    """Return where each member's content starts, and its place in the archive."""
    members: dict[str, tuple[int, _Member]] = {}
    offset = 0
    for name in names:
        member = _read_member(view, name, offset, place)
        start = offset + len(member.local_header())
        members[name] = start, member
        offset = start + member.size
    if view[offset:] != _directory([member for _, member in members.values()], offset):
        raise ContainerError(
            f"{place}: byte {offset}: expected the central directory of exactly these members, "
            "got other bytes"
        )
    return members


def _read_member(view: memoryview, name: str, offset: int, place: str) -> _Member:
    where = f"{place}: byte {offset}"
    if len(view) < offset + _LOCAL.size:
        raise ContainerError(f"{where}: expected the member {name}.npy, got the end of the file")
    fields = _LOCAL.unpack_from(view, offset)
    crc, size = fields[6], fields[8]
    size_field = offset + _LOCAL.size + len(name) + len(".npy") + 4
    if size == 0xFFFFFFFF and len(view) >= size_field + 8:
        (size,) = struct.unpack_from("<Q", view, size_field)
    member = _Member(name, offset, crc, size)
    header = member.local_header()
    if view[offset : offset + len(header)] != header:
        raise ContainerError(
            f"{where}: expected the member {name}.npy, stored and aligned to {ALIGNMENT} bytes, "
            "got other bytes"
        )
    if offset + len(header) + size > len(view):
        raise ContainerError(f"{where}: expected {size} bytes of {name}.npy, got fewer")
    return member


def _map_array(
    view: memoryview, start: int, member: _Member, spec: ArraySpec, place: str
) -> npt.NDArray[Any]:
    header = bytes(view[start : start + min(member.size, MAX_HEADER_BYTES)])
    dtype, length, header_size = parse_header(header, place)
    if (dtype, length) != spec:
        raise HeaderError(
            f"{place}: expected {spec[1]} elements of {spec[0]} as in the manifest, "
            f"got {length} of {dtype}"
        )
    if header_size + length * DTYPES[dtype] != member.size:
        raise HeaderError(
            f"{place}: expected {length * DTYPES[dtype]} bytes of data, "
            f"got {member.size - header_size}"
        )
    if length == 0:
        return np.empty(0, dtype)
    return np.frombuffer(view, dtype, length, start + header_size)


def verify_npz_crc(buffer: Any, specs: Mapping[str, ArraySpec], place: str) -> None:
    """Check the CRC-32 of each member of an archive that ``map_npz`` has accepted.

    Raises:
        ChecksumError: the bytes of a member do not have the CRC in its header.
    """
    view = memoryview(buffer)
    for name, (start, member) in _read_members(view, specs, place).items():
        crc = zlib.crc32(view[start : start + member.size])
        if crc != member.crc:
            raise ChecksumError(
                f"{place}: {name}.npy: expected CRC-32 {member.crc:08x}, got {crc:08x}"
            )
