"""Random damage to files: bytes, parts, tokens and numbers at limits."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

__all__ = ["fit_crc", "fit_manifest", "mutate"]

MAX_BYTES = 1 << 18
NUMBERS = [
    b"0", b"-0", b"-1", b"1e999", b"-1e999", b"1e-999", b"NaN", b"Infinity", b"0.1e", b"1.", b".5", b"+1", b"01",
    b"2147483647", b"2147483648", b"-2147483649", b"4294967296", b"9007199254740993", b"9223372036854775807",
    b"9223372036854775808", b"18446744073709551616", b"1e308", b"5e-324", b"3.5e38", b"1" + b"0" * 400,
    b"7" * 5000, b"0." + b"0" * 400 + b"1", b"1e1000000000", b"0x10", b"1_000", "\u0661".encode(),
]  # fmt: skip
TOKENS = [
    b",", b";", b"\t", b"|", b"::", b'"', b'""', b"'", b"\\", b"\n", b"\r", b"\r\n", b"\n\n", b" ", b"\0", b"\x1b[2J",
    b"{", b"}", b"[", b"]", b":", b"null", b"true", b"[]", b"{}", b'{"a": 1}', b"[" * 3000, b'{"":' * 3000,
    b'"\\ud800"', b'"\\u0000"', b"\\", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xfe\xff",
    "\u2028".encode(), "\u202e".encode(), "e\u0301".encode(), "\U0001f600".encode(), b"sep=;\n", b"--", b"/*", b"@x",
    b"user_id", b"item_id", b"weight", b"timestamp", b"history", b"items", b"score", b"rank", b"choice", b"int", b"float",
    b"0000-01-01T00:00:00Z", b"9999-12-31T23:59:60Z", b"99999-01-01", b"2026-03-01T09:00:00+99:99", b"%s", b"{0}",
    b"x" * 70_000,
]  # fmt: skip
_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")
_LENGTHS = (1, 1, 2, 4, 8, 64, 1000, MAX_BYTES)


def mutate(rng: random.Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Return data with one to four random changes; what is packed is damaged inside as often as outside.

    Args:
        others: of the same kind, to take parts from.
    """
    if data[:2] == b"\x1f\x8b" and rng.random() < 0.7:
        try:
            return gzip.compress(mutate(rng, gzip.decompress(data)), mtime=0)
        except (OSError, EOFError, zlib.error):
            pass
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        _change(rng, changed, rng.choice([data, *others]))
    return bytes(changed[:MAX_BYTES])


def _change(rng: random.Random, data: bytearray, other: bytes) -> None:
    """Change data in place."""
    at, length = rng.randrange(len(data) + 1), rng.choice(_LENGTHS)
    match rng.randrange(9):
        case 0 if at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        case 1 if at < len(data):
            data[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, *b',"\n-'])
        case 2:
            del data[at : at + length]
        case 3:
            data[at:at] = rng.randbytes(min(length, 64))
        case 4:
            begin = rng.randrange(len(other) + 1)
            data[at:at] = other[begin : begin + length]
        case 5:
            data[at:at] = data[at : at + length] * rng.choice([1, 2, 100])
        case 6:
            data[at:at] = rng.choice(TOKENS)
        case 7:
            data[at:at] = rng.choice(NUMBERS)
        case _:
            if found := list(_NUMBER.finditer(data)):
                one = rng.choice(found)
                data[one.start() : one.end()] = rng.choice(NUMBERS)


def fit_manifest(folder: Path, name: str) -> None:
    """Give a file its size and digest in the manifest, which stays as it is if it does not name it."""
    path = folder / "manifest.json"
    manifest, data = json.loads(path.read_bytes()), (folder / name).read_bytes()
    if name not in manifest["files"]:
        return
    digest = hashlib.sha256(data).hexdigest()
    manifest["files"][name] |= {"bytes": len(data), "sha256": digest}
    if name == "config.json":
        manifest["training"]["config_sha256"] = digest
    path.write_text(json.dumps(manifest), encoding="utf-8")


def fit_crc(data: bytes) -> bytes:
    """Return a zip archive of stored members with the right checksums; other data as they are."""
    fitted, at = bytearray(data), 0
    while data[at : at + 4] == b"PK\x03\x04" and at + 30 <= len(data):
        size, name_size, extra_size = struct.unpack_from("<IHH", data, at + 22)
        begin = at + 30 + name_size + extra_size
        crc = struct.pack("<I", zlib.crc32(data[begin : begin + size]))
        central = data.find(b"PK\x01\x02")
        while central >= 0 and data[central + 42 : central + 46] != struct.pack("<I", at):
            central = data.find(b"PK\x01\x02", central + 1)
        fitted[at + 14 : at + 18] = crc
        if central >= 0:
            fitted[central + 16 : central + 20] = crc
        at = begin + size
    return bytes(fitted)
