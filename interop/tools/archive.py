"""``.npz`` and ``.npy``, written after sections 5 and 6 of SPEC.md, with every field open to faults.

A new ``Member`` or ``Archive`` has the one form that the format allows. A case changes one field, and
everything else follows from that.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "MAGIC",
    "Archive",
    "Array",
    "Member",
    "array_bytes",
    "header_text",
    "npy_header",
    "zip64_field",
]

Array = tuple[str, list[float]]  # dtype and values

MAGIC = b"\x93NUMPY\x01\x00"
_FORMATS = {"<f4": "f", "<f8": "d", "<i4": "i", "<i8": "q"}


def array_bytes(array: Array) -> bytes:
    """Return the elements of an array as a file has them, after its header."""
    dtype, values = array
    return struct.pack(f"<{len(values)}{_FORMATS[dtype]}", *values)


def header_text(dtype: str, length: int) -> str:
    """Return the text of rule NPY-3, without its padding."""
    return f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({length},), }}"


def npy_header(text: str, size: int = 128, magic: bytes = MAGIC) -> bytes:
    """Return a header of ``size`` bytes in all: magic, length, and the padded text."""
    return magic + struct.pack("<H", size - 10) + text.encode("latin-1").ljust(size - 11) + b"\n"


def zip64_field(*values: int) -> bytes:
    """Return the extra field for values beyond u32."""
    return struct.pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values)


@dataclass
class Member:
    """One file of an archive, and the faults of its headers.

    Attributes:
        name: in both headers.
        header: the ``.npy`` header.
        data: the elements.
        before: bytes in front of the local header.
        after: bytes behind the data.
        both: fields of both headers that do not follow from the rest.
        local: such fields of the local header only.
        central: such fields of the central header only.
    """

    name: bytes
    header: bytes
    data: bytes
    before: bytes = b""
    after: bytes = b""
    both: Mapping[str, Any] = field(default_factory=dict)
    local: Mapping[str, Any] = field(default_factory=dict)
    central: Mapping[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """What a reader of zip archives extracts."""
        return self.header + self.data

    def _common(self) -> dict[str, Any]:
        return {
            "needed": 20,
            "flags": 0,
            "method": 0,
            "time": 0,
            "date": 0x0021,
            "crc": zlib.crc32(self.content),
            "packed": len(self.content),
            "size": len(self.content),
            "name": self.name,
            **self.both,
        }

    def local_header(self, offset: int) -> bytes:
        """Return the local header, at ``offset`` before the content."""
        fields = {**self._common(), "signature": b"PK\3\4", "zip64": b"", **self.local}
        begin = offset + 30 + len(fields["name"]) + len(fields["zip64"]) + 6
        padding = -begin % 64
        alignment = struct.pack("<HHH", 0xD935, 2 + padding, 64) + bytes(padding)
        extra = fields.get("extra", fields["zip64"] + alignment)
        numbers = ["needed", "flags", "method", "time", "date", "crc", "packed", "size"]
        fixed = struct.pack(
            "<4s5H3I2H",
            fields["signature"],
            *(fields[key] for key in numbers),
            len(fields["name"]),
            fields.get("extra_length", len(extra)),
        )
        return b"".join([fixed, fields["name"], extra])

    def central_header(self, offset: int) -> bytes:
        """Return the header in the central directory for a local one at ``offset``."""
        fields = {
            **self._common(),
            "signature": b"PK\1\2",
            "made_by": 0x0314,
            "disk": 0,
            "internal": 0,
            "attributes": 0x81A40000,
            "offset": offset,
            "extra": b"",
            "comment": b"",
            **self.central,
        }
        numbers = ["made_by", "needed", "flags", "method", "time", "date", "crc", "packed", "size"]
        fixed = struct.pack(
            "<4s6H3I5H2I",
            fields["signature"],
            *(fields[key] for key in numbers),
            len(fields["name"]),
            len(fields["extra"]),
            len(fields["comment"]),
            fields["disk"],
            fields["internal"],
            fields["attributes"],
            fields["offset"],
        )
        return b"".join([fixed, fields["name"], fields["extra"], fields["comment"]])


@dataclass
class Archive:
    """A whole ``.npz`` file.

    Attributes:
        members: in the order of their data.
        central: in the order of the central directory, if it is another.
        gap: bytes between the last data and the central directory.
        zip64: bytes between the central directory and the end record.
        end: fields of the end record that do not follow from the rest.
        tail: bytes behind the end record.
    """

    members: list[Member]
    central: Sequence[Member] | None = None
    gap: bytes = b""
    zip64: bytes = b""
    end: Mapping[str, int] = field(default_factory=dict)
    tail: bytes = b""

    def member(self, name: str) -> Member:
        """Return the member of an array."""
        return next(member for member in self.members if member.name == f"{name}.npy".encode())

    def central_directory(self, offsets: Mapping[int, int]) -> bytes:
        """Return the central headers; ``offsets`` are those of the members by their ``id``."""
        members = self.members if self.central is None else self.central
        return b"".join(member.central_header(offsets[id(member)]) for member in members)

    def to_bytes(self) -> bytes:
        """Return the bytes of the file."""
        body = b""
        offsets: dict[int, int] = {}
        for member in self.members:
            body += member.before
            offsets[id(member)] = len(body)
            body += member.local_header(len(body)) + member.content + member.after
        body += self.gap
        directory = self.central_directory(offsets)
        count = len(self.members if self.central is None else self.central)
        fields = {
            "disk": 0,
            "directory_disk": 0,
            "disk_count": count,
            "count": count,
            "size": len(directory),
            "offset": len(body),
            "comment_length": 0,
            **self.end,
        }
        end = b"PK\5\6" + struct.pack("<4H2IH", *fields.values())
        return body + directory + self.zip64 + end + self.tail
