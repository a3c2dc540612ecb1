"""The same data written in many ways, and what it holds, for the tests of this folder."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from mlcore.interactions import Interactions

SECOND = 1_000_000  # microseconds


Content = dict[tuple[str, str], tuple[float, int | None]]


def content_of(interactions: Interactions) -> Content:
    """Return weight and microseconds of each pair, by plain loops."""
    matrix = interactions.user_items
    found: Content = {}
    for user, user_id in enumerate(interactions.user_ids):
        for entry in range(matrix.indptr[user], matrix.indptr[user + 1]):
            pair = (user_id, interactions.item_ids[matrix.indices[entry]])
            time = None if interactions.timestamps is None else int(interactions.timestamps[entry])
            found[pair] = (float(matrix.data[entry]), time)
    return found


def save(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def type_in(monkeypatch: pytest.MonkeyPatch, content: str | bytes) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


SAME: Content = {
    ("ann", "tea"): (1.0, 100 * SECOND),
    ("ann", "milk"): (2.5, 50 * SECOND),
    ("bob", "tea"): (4.0, 300 * SECOND),
}


CSV = """\
user_id,item_id,weight,timestamp
bob,tea,4,300
ann,tea,1,100
ann,milk,2.5,50
"""


JSONL = """\
{"user_id": "bob", "item_id": "tea", "weight": 4, "timestamp": 300}
{"user_id": "ann", "item_id": "tea", "timestamp": 100}
{"user_id": "ann", "item_id": "milk", "weight": 2.5, "timestamp": 50}
"""



WAYS_TO_WRITE_IT: dict[str, tuple[str, str | bytes]] = {
    "csv": ("a.csv", CSV),
    "csv, CRLF": ("a.csv", CSV.replace("\n", "\r\n")),
    "csv, no final newline": ("a.csv", CSV.rstrip()),
    "csv, CRLF, no final newline": ("a.csv", CSV.replace("\n", "\r\n").rstrip()),
    "csv, blank lines": ("a.csv", CSV.replace("\n", "\n\n") + "\n\n"),
    "csv, blank lines, CRLF": ("a.csv", CSV.replace("\n", "\r\n\r\n")),
    "csv, all quoted": ("a.csv", "".join(
        ",".join(f'"{field}"' for field in line.split(",")) + "\n" for line in CSV.splitlines()
    )),
    "csv, other column order": ("a.csv", "".join(
        ",".join(line.split(",")[::-1]) + "\n" for line in CSV.splitlines()
    )),
    "csv, other row order": ("a.csv", "".join(
        CSV.splitlines(keepends=True)[row] for row in (0, 3, 1, 2)
    )),
    "csv, other columns with commas, quotes and line breaks": ("a.csv", "".join(
        f'"no, ""really""\r\n\n{line}",{line},\n' for line in CSV.splitlines()
    )),
    "csv, other spellings of the numbers": ("a.csv", CSV.replace(",4,", ",+4.0e0,").replace(
        ",1,", ",01.,").replace(",50", ",+050").replace("300", "1970-01-01T01:05:00+01:00")),
    "csv, a pair in several rows": ("a.csv", CSV.replace(
        "bob,tea,4,300", "bob,tea,1,300\nbob,tea,3,20")),
    "csv, gzip": ("a.csv.gz", gzip.compress(CSV.encode())),
    "csv, gzip in parts": ("a.csv.gz", gzip.compress(CSV[:50].encode()) + gzip.compress(
        CSV[50:].encode())),
    "csv, gzip without its ending": ("a.csv", gzip.compress(CSV.encode())),
    "csv, ending of gzip without gzip": ("a.csv.gz", CSV),
    "jsonl": ("a.jsonl", JSONL),
    "jsonl, CRLF": ("a.jsonl", JSONL.replace("\n", "\r\n")),
    "jsonl, no final newline": ("a.jsonl", JSONL.rstrip()),
    "jsonl, blank lines": ("a.jsonl", JSONL.replace("\n", "\n \t\n\n")),
    "jsonl, white space": ("a.jsonl", JSONL.replace("{", " {\t").replace(":", " :\r ")),
    "jsonl, escapes": ("a.jsonl", JSONL.replace("tea", "\\u0074ea").replace("user", "us\\u0065r")),
    "jsonl, other keys": ("a.jsonl", JSONL.replace(
        "{", '{"more": {"user_id": [7, null]}, "Weight": "much", ')),
    "jsonl, other spellings of the numbers": ("a.jsonl", JSONL.replace(" 4,", " 40e-1,").replace(
        " 300", ' "300"').replace(" 50", ' "1970-01-01T00:00:50Z"')),
    "jsonl, gzip": ("a.jsonl.gz", gzip.compress(JSONL.encode())),
}  # fmt: skip


# 1,700,000,000 seconds after 1970 it was 22:13:20 on 14 November 2023 in Greenwich.
TIMESTAMPS = [
    ("1700000000", 1_700_000_000_000_000),
    ("+1700000000", 1_700_000_000_000_000),
    ("2023-11-14T22:13:20Z", 1_700_000_000_000_000),
    ("2023-11-14t22:13:20z", 1_700_000_000_000_000),
    ("2023-11-14 22:13:20Z", 1_700_000_000_000_000),
    ("2023-11-14T22:13:20+00:00", 1_700_000_000_000_000),
    ("2023-11-15T03:43:20+05:30", 1_700_000_000_000_000),
    ("2023-11-14T14:13:20-08:00", 1_700_000_000_000_000),
    ("2023-11-14T22:13:20.5Z", 1_700_000_000_500_000),
    ("2023-11-14T22:13:20.000001+00:00", 1_700_000_000_000_001),
    ("2023-11-14T22:13:20.1234569Z", 1_700_000_000_123_456),
    ("0", 0),
    ("-1", -1_000_000),
    ("1969-12-31T23:59:59.25Z", -750_000),
    ("2024-02-29T00:00:00Z", 1_709_164_800_000_000),
    ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
    ("-62135596800", -62_135_596_800_000_000),
    ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ("253402300799", 253_402_300_799_000_000),
]


# Whoever takes an id for a number, a word for nothing, or trims or normalises, loses one of these.
NASTY_IDS = [
    "007", "7", "7.0", "+7", "1e5", "100000", "0x10", "1_000", " 7", "7 ", " ", "\t7", "\u00a0",
    "NA", "NaN", "nan", "null", "None", "none", "true", "True", "inf", "-", "--", "#7", "//",
    "__proto__", "constructor", "toString", "user_id", "item_id", "=1+1", "'7'", "`7`", "\\", "\\n",
    '"', '""', '"7"', 'a"b', ",", "a,b", ";", "{}", "[]", "\u00e9", "e\u0301", "\u212b", "\u00c5",
    "\ufeff", "\ufeff7", "\u200b7", "\u2028", "\x85", "\x0b", "\x0c", "\x1c", "\x1f", "\x7f",
    "\U0001f375", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\uffff", "\U0010ffff",
    "\u05d0\u05d1", "I", "i", "\u0130", "\u0131", "\u00df", "ss", "x" * 65_535, "\u00e9" * 32_767,
]  # fmt: skip


def write_nasty_csv(stream: Any) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["user_id", "item_id"])
    writer.writerows((user, item) for user, item in zip(NASTY_IDS, reversed(NASTY_IDS)))


def write_nasty_jsonl(stream: Any) -> None:
    for user, item in zip(NASTY_IDS, reversed(NASTY_IDS)):
        stream.write(json.dumps({"user_id": user, "item_id": item}) + "\n")


ids = st.one_of(
    st.sampled_from([id_ for id_ in NASTY_IDS if len(id_) < 100]),
    st.text(
        st.characters(codec="utf-8", exclude_characters="\0\n\r"), min_size=1, max_size=6
    ),
)  # fmt: skip
