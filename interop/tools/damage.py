"""Random damage to files: bytes, parts, tokens and numbers at limits; to JSON, id maps and arrays by their parts."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

__all__ = [
    "change_array",
    "change_headers",
    "change_json",
    "change_lines",
    "fit_crc",
    "fit_manifest",
    "fitted_manifest",
    "mutate",
]

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
# In place of a value in JSON.
VALUES: list[Any] = [
    None, True, False, "", "a", "events", "\0", "\ufffe", "\U0001f600", [], {}, [[]], [None], {"": {}}, ["a"], {"a": 1},
    0, 1, -1, 0.5, 1.0, -0.0, 1e300, 5e-324, 2**31 - 1, 2**31, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 10**30, 16, 17,
    -62_135_596_800_000_000, -62_135_596_800_000_001, 253_402_300_799_999_999, 253_402_300_800_000_000,
]  # fmt: skip
# In place of an element of an array, by its type; beside its neighbors.
_ELEMENTS: dict[str, tuple[str, list[Any]]] = {
    "<i4": ("i", [-1, 0, 1, -2, 2**31 - 1, -(2**31), 1 << 20]),
    "<i8": ("q", [-1, 0, 1, -2, 2**53, 2**63 - 1, -(2**63), -(2**63) + 1, 1 << 40, 253_402_300_800_000_000]),
    "<f4": ("f", [float("nan"), float("inf"), -float("inf"), 0.0, -0.0, -1.0, 1e-45, 3.4e38, -3.4e38]),
    "<f8": ("d", [float("nan"), float("inf"), -float("inf"), 0.0, -0.0, -1.0, 5e-324, 1.7e308, 1e-320]),
}  # fmt: skip
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


def change_json(rng: random.Random, value: Any) -> Any:
    """Return a JSON value of which one part is another, is gone, or stands elsewhere or twice."""
    if not isinstance(value, (dict, list)) or not value or rng.random() < 0.05:
        return rng.choice([rng.choice(VALUES), [value], {"a": value}])
    changed: Any = dict(value) if isinstance(value, dict) else [*value]
    keys = list(changed) if isinstance(changed, dict) else range(len(changed))
    key = rng.choice(list(keys))
    other = changed[rng.choice(list(keys))]
    match rng.randrange(8):
        case 0:
            changed[key] = rng.choice(VALUES)
        case 1:
            del changed[key]
        case 2:
            changed[key] = other
        case 3 if isinstance(changed, dict):
            changed[rng.choice([key.title(), key + " ", "", "a", "filter", "now"])] = changed.pop(
                key
            )
        case 3:
            changed.insert(key, other)
        case 4 if type(changed[key]) in (int, float):
            changed[key] += rng.choice([1, -1, 0.5, -0.0])
        case _:
            changed[key] = change_json(rng, changed[key])
    return changed


def change_lines(rng: random.Random, data: bytes) -> bytes:
    """Return an id map of which one line or line end is another."""
    lines = data.split(b"\n")
    at, to = rng.randrange(len(lines)), rng.randrange(len(lines))
    index, _, id_ = lines[at].partition(b",")
    match rng.randrange(9):
        case 0:
            lines[at], lines[to] = lines[to], lines[at]
        case 1:
            lines[at] = index + b"," + lines[to].partition(b",")[2]
        case 2:
            del lines[at]
        case 3:
            lines.insert(at, rng.choice([b"", lines[to], b"0,a", b" "]))
        case 4:
            lines[at] = rng.choice([b"0", b"+", b" ", b"", b"\xef\xbb\xbf"]) + lines[at]
        case 5:
            lines[at] += rng.choice(
                [b"\r", b" ", b'"', b",", b",x", b"\0", b"\xff", b"\xed\xa0\x80", b"\xc0\x80"]
            )
        case 6:
            lines[at] = index + b',"' + id_ + rng.choice([b'"', b'""', b"", b'"x'])
        case 7:
            lines[at] = (
                index + b"," + rng.choice([b"", b'""', b'""""', b'"a""', (id_ * 70_000)[:70_000]])
            )
        case _:
            return (
                b"\n".join(lines).replace(b"\n", b"\r\n", rng.choice([1, -1])).removesuffix(b"\n")
            )
    return b"\n".join(lines)


def _headers(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield where a local header of an archive of stored members begins, and its data begin and end."""
    at = 0
    while data[at : at + 4] == b"PK\x03\x04" and at + 30 <= len(data):
        size, name_size, extra_size = struct.unpack_from("<IHH", data, at + 22)
        begin = at + 30 + name_size + extra_size
        yield at, begin, begin + size
        at = begin + size


def change_array(rng: random.Random, data: bytes, dtypes: Sequence[str]) -> bytes:
    """Return an archive of which one element of one array is another, with the right checksums.

    Args:
        dtypes: of the arrays in their order.
    """
    changed = bytearray(data)
    spans = [(begin, end, dtype) for (_, begin, end), dtype in zip(_headers(data), dtypes)]
    begin, end, dtype = rng.choice(spans)
    code, values = _ELEMENTS[dtype]
    begin += 10 + struct.unpack_from("<H", data, begin + 8)[0]
    elements = list(
        struct.unpack_from(f"<{(end - begin) // struct.calcsize(code)}{code}", data, begin)
    )
    if not elements:
        return data
    at = rng.randrange(len(elements))
    near = elements[max(0, at - 1)]
    match rng.randrange(4):
        case 0:
            elements[at], elements[max(0, at - 1)] = near, elements[at]
        case 1:
            elements[at] = near
        case 2 if code in "iq" and -(2**31) < elements[at] < 2**31 - 1:
            elements[at] += rng.choice([1, -1])
        case _:
            elements[at] = rng.choice(values)
    struct.pack_into(f"<{len(elements)}{code}", changed, begin, *elements)
    return fit_crc(bytes(changed))


def change_headers(rng: random.Random, data: bytes) -> bytes:
    """Return an archive of which one field of one header is another, in one place or in both."""
    changed = bytearray(data)
    at, begin, _ = rng.choice(list(_headers(data)))
    central, end = data.find(b"PK\x01\x02"), data.find(b"PK\x05\x06")
    field, size = rng.choice(
        [(4, 2), (6, 2), (8, 2), (10, 2), (12, 2), (14, 4), (18, 4), (22, 4), (26, 2), (28, 2)]
    )
    match rng.randrange(7):
        case 0:
            _put(rng, changed, at + field, size)
        case 1:
            _put(
                rng,
                changed,
                central + rng.choice([4, 6, 8, 10, 16, 20, 24, 28, 30, 32, 34, 36, 38, 42]),
                size,
            )
        case 2:
            _put(rng, changed, at + field, size)
            changed[central + field + 2 : central + field + 2 + size] = changed[
                at + field : at + field + size
            ]
        case 3:
            _put(rng, changed, end + rng.choice([4, 6, 8, 10, 12, 16, 20]), size)
        case 4:
            changed[rng.randrange(at + 30, begin)] ^= rng.choice([1, 32, 128])
        case _:
            text = bytes(changed[begin : begin + 128])
            old, new = rng.choice([
                (b"False", b"True "), (b"{'", b'{"'), (b", }", b"}  "), (b",)", b" )"), (b": ", b":"), (b"(", b"(0"),
                (b"<", b">"), (b"<", b"|"), (b"4'", b"8'"), (b"8'", b"4'"), (b"\n", b" "), (b"\x01\x00v", b"\x02\x00v"),
                (b"v\x00", b"v\x01"), (b"'shape'", b"'Shape'"), (b"f", b"i"), (b"NUMPY", b"numpy"), (b"  \n", b" \n\n"),
            ])  # fmt: skip
            changed[begin : begin + 128] = text.replace(old, new, 1).ljust(128)[:128]
            return fit_crc(bytes(changed))
    return bytes(changed)


def _put(rng: random.Random, data: bytearray, at: int, size: int) -> None:
    """Put another number in place of one of u16 or u32, in place."""
    before = int.from_bytes(data[at : at + size], "little")
    number = rng.choice([0, 1, before + 1, before - 1, before ^ 8, 45, 2**16 - 1, 2**32 - 1])
    data[at : at + size] = (number % 256**size).to_bytes(size, "little")


def fit_manifest(folder: Path, name: str) -> None:
    """Give a file its size and digest in the manifest, which stays as it is if it does not name it."""
    path = folder / "manifest.json"
    path.write_bytes(fitted_manifest(path.read_bytes(), name, (folder / name).read_bytes()))


def fitted_manifest(text: bytes, name: str, data: bytes) -> bytes:
    """Return a manifest with the size and digest of a file, or as it is if it does not name it."""
    manifest = json.loads(text)
    if name not in manifest["files"]:
        return text
    digest = hashlib.sha256(data).hexdigest()
    manifest["files"][name] |= {"bytes": len(data), "sha256": digest}
    if name == "config.json":
        manifest["training"]["config_sha256"] = digest
    return json.dumps(manifest).encode()


def fit_crc(data: bytes) -> bytes:
    """Return a zip archive of stored members with the right checksums; other data as they are."""
    fitted = bytearray(data)
    for at, begin, end in _headers(data):
        crc = struct.pack("<I", zlib.crc32(data[begin:end]))
        central = data.find(b"PK\x01\x02")
        while central >= 0 and data[central + 42 : central + 46] != struct.pack("<I", at):
            central = data.find(b"PK\x01\x02", central + 1)
        fitted[at + 14 : at + 18] = crc
        if central >= 0:
            fitted[central + 16 : central + 20] = crc
    return bytes(fitted)
