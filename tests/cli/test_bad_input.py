"""Bad input: one clear error each, exit code 1, and nothing written."""

from __future__ import annotations

import gzip
import hashlib
import importlib
import json
import math
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.similarity import SIMILARITIES

REPOSITORY = Path(__file__).resolve().parents[2]
# With its usual buffers, whatever the tests run with: what a buffer holds matters at exit.
ENVIRONMENT = os.environ | {"PYTHONPATH": str(REPOSITORY), "PYTHONUNBUFFERED": ""}

INTERACTIONS = """\
user_id,item_id,weight,timestamp
ann,milk,1,100
ann,tea,2,200
bob,milk,1,110
bob,sugar,1,120
bob,tea,3,130
dan,jam,1,140
dan,tea,1,150
eve,milk,2,160
eve,sugar,1,170
"""
PREDICTIONS = """\
{"user_id": "ann", "items": [{"item_id": "sugar", "score": 2}, {"item_id": "jam", "score": 1}]}
{"user_id": "eve", "items": [{"item_id": "tea", "score": 1}]}
"""
TRUTH = "user_id,item_id\nann,jam\neve,tea\n"

Prepare = Callable[[Path], object]


def nothing(folder: Path) -> None:
    """Leave the folder as it is."""


@dataclass(frozen=True)
class Case:
    """One command line in a folder of good files, of which one thing is made bad."""

    name: str
    command: str
    error: str | Callable[[Path], str]
    hint: str | None = None
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    prepare: Prepare = nothing
    needs: str = "."

    def stderr(self, folder: Path) -> str:
        """Return all that the command may print."""
        error = self.error if isinstance(self.error, str) else self.error(folder)
        return f"error: {error}\n" + (f"hint: {self.hint}\n" if self.hint else "")


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def run(command: str) -> int:
    name, *arguments = shlex.split(command)
    status: int = importlib.import_module(f"cli.{name}").main(arguments)
    return status


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="module")
def good_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    write(
        folder,
        {"interactions.csv": INTERACTIONS, "predictions.jsonl": PREDICTIONS, "truth.csv": TRUTH},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert run("train --interactions interactions.csv --out-dir model") == 0
        assert run("train --interactions interactions.csv --out-dir no-users --without-users") == 0
    return folder


@pytest.fixture
def folder(good_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    copy = tmp_path / "work"
    shutil.copytree(good_folder, copy)
    monkeypatch.chdir(copy)
    return copy


TRAIN = "train --interactions interactions.csv --out-dir new"


def csv_case(name: str, content: str | bytes, error: str, hint: str | None = None) -> Case:
    command = "train --interactions bad.csv --out-dir new"
    return Case(f"csv, {name}", command, f"bad.csv{error}", hint, {"bad.csv": content})


def jsonl_case(name: str, lines: str, error: str, hint: str | None = None) -> Case:
    command = "train --interactions bad.jsonl --out-dir new"
    return Case(f"jsonl, {name}", command, f"bad.jsonl{error}", hint, {"bad.jsonl": lines})


def config_case(name: str, config: str, error: str, hint: str | None = None) -> Case:
    return Case(
        f"config, {name}", f"{TRAIN} --config bad.json", f"bad.json{error}", hint,
        {"bad.json": config},
    )  # fmt: skip


FILE_CASES = [
    Case(
        "missing file",
        "train --interactions events.csv --out-dir new",
        "events.csv: expected a readable file, got 'No such file or directory'",
    ),
    Case(
        "missing configuration",
        f"{TRAIN} --config config.json",
        "config.json: expected a readable file, got 'No such file or directory'",
    ),
    Case(
        "directory instead of a file",
        "preprocess --interactions model --format csv --out clean.csv",
        "model: expected a file, got a directory",
    ),
    Case(
        "a file that cannot be read",
        "train --interactions /proc/self/mem --format csv --out-dir new",
        "/proc/self/mem: expected a readable file, got 'Input/output error'",
        needs="/proc/self/mem",
    ),
    csv_case("empty file", "", ": expected a header line, got an empty file"),
    csv_case("header only", "user_id,item_id\n", ": expected rows after the header, got none"),
    Case(
        "unknown ending without --format",
        "train --interactions events.txt --out-dir new",
        "events.txt: expected a name that ends in .csv or .jsonl (or either and .gz), got another",
        "--format csv or --format jsonl says what it is",
        {"events.txt": INTERACTIONS},
    ),
    Case(
        "unknown ending of an output, said before the work",
        "split --interactions no-such.csv --strategy last-n --train-out a.csv --test-out b.tsv",
        "b.tsv: expected a name that ends in .csv or .jsonl (or either and .gz), got another",
        "--format csv or --format jsonl says what it is",
    ),
    Case(
        "unknown ending of a per-user output",
        "evaluate --predictions none --ground-truth truth.csv --cutoffs 1 --out metrics.json "
        "--per-user-out users.txt",
        "users.txt: expected a name that ends in .csv or .jsonl (or either and .gz), got another",
        "--format csv or --format jsonl says what it is",
    ),
]

HEADER = "user_id,item_id,weight,timestamp\n"
LONG = "x" * 65_536

CSV_CASES = [
    csv_case(
        "missing column",
        "user,item_id\nann,tea\n",
        ":1: user_id: expected a column of this name, got 'user', 'item_id'",
    ),
    csv_case(
        "column twice",
        "user_id,item_id,weight,weight\nann,tea,1,1\n",
        ":1: weight: expected one column of this name, got 2",
    ),
    csv_case(
        "row too short",
        f"{HEADER}ann,tea,1,100\nann,milk,1\n",
        ":3: expected 4 fields as in the header, got 3",
    ),
    csv_case(
        "row too long",
        f"{HEADER}ann,tea,1,100,\n",
        ":2: expected 4 fields as in the header, got 5",
    ),
    csv_case(
        "ragged row after a bad weight",
        f"{HEADER}ann,tea,much,100\nann,milk,1\n",
        ":2: weight: expected a finite number above 0, got 'much'",
    ),
    csv_case(
        "not UTF-8",
        f"{HEADER}ann,tea,1,100\nann,caf".encode() + b"\xe9,1,100\n",
        ":3: expected UTF-8, got the byte 0xe9",
    ),
    csv_case(
        "not UTF-8 after a bad weight",
        f"{HEADER}ann,tea,0,100\nann,caf".encode() + b"\xe9,1,100\n",
        ":2: weight: expected a finite number above 0, got '0'",
    ),
    csv_case(
        "UTF-16",
        INTERACTIONS.encode("utf-16-le"),
        ":1: expected text, got a NUL character",
    ),
    csv_case(
        "NUL",
        f"{HEADER}ann,tea,1,100\nann,mi\0lk,1,100\n",
        ":3: expected text, got a NUL character",
    ),
    csv_case(
        "NUL before a byte that is not UTF-8",
        f"{HEADER}ann,mi\0lk,1,100\nann,caf".encode() + b"\xe9,1,100\n",
        ":2: expected text, got a NUL character",
    ),
    csv_case(
        "a quote that is never closed",
        'user_id,item_id,note\nann,tea,"two\nlines"\nann,"milk,\nbob,tea,\n',
        ":4: expected balanced quotes, got one that is never closed",
    ),
    csv_case(
        "a quote that is never closed, after a bad weight",
        f'{HEADER}ann,tea,-1,100\nann,"milk,1,100\nbob,tea,1,100\n',
        ":2: weight: expected a finite number above 0, got '-1'",
    ),
    csv_case(
        "a quote that is never closed, in a large file",
        f'{HEADER}ann,tea,1,100\nann,"milk,1,100\n' + "bob,tea,1,100\n" * 10_000,
        ":3: expected fields of at most 131072 characters, got a longer one",
        "a quote that is never closed takes in the lines after it",
    ),
    csv_case(
        "text after a closing quote",
        f'{HEADER}ann,"green" tea,1,100\n',
        ":2: expected a comma or the end of the line after a closing quote, got other text",
    ),
    *(
        csv_case(
            f"weight {weight!r}",
            f"{HEADER}ann,tea,1,100\n\nann,milk,{weight},100\n",
            f":4: weight: expected a finite number above 0, got {weight!r}",
        )
        for weight in [
            "", "much", "NaN", "inf", "1e999", "0", "0.0", "1e-999", "-1", "1_000", " 1", "0x10",
            "2kg", "\u0663",
        ]
    ),  # fmt: skip
    csv_case(
        "empty user",
        f"{HEADER},tea,1,100\n",
        ":2: user_id: expected an id of at least one character, got an empty one",
    ),
    csv_case(
        "empty item",
        f'{HEADER}ann,"",1,100\n',
        ":2: item_id: expected an id of at least one character, got an empty one",
    ),
    csv_case(
        "id with a line break",
        f'{HEADER}ann,tea,1,100\nann,"green\ntea",1,100\n',
        ":3: item_id: expected no NUL and no line break, got 'green\\ntea'",
    ),
    csv_case(
        "id too long",
        f"{HEADER}{LONG},tea,1,100\n",
        ":2: user_id: expected at most 65535 bytes, got 65536",
    ),
    *(
        csv_case(
            f"timestamp {time!r}",
            f"{HEADER}ann,tea,1,{time}\n",
            f":2: timestamp: expected integer seconds or an RFC 3339 time, got {time!r}",
        )
        for time in [
            "", "yesterday", "12.5", "1e9", " 100", "1_000", "2024-01-01", "2024-01-01T00:00:00",
            "2024-02-30T00:00:00Z", "2024-01-01T25:00:00Z", "01/02/2024 10:00",
        ]
    ),  # fmt: skip
    *(
        csv_case(
            f"timestamp in {unit}",
            f"{HEADER}ann,tea,1,{time}\n",
            f":2: timestamp: expected integer seconds or an RFC 3339 time, got '{time}'",
            "seconds of the years 1 to 9999 are expected; is this another unit, as milliseconds?",
        )
        for unit, time in [
            ("milliseconds", 1_600_000_000_000), ("nanoseconds", 1_600_000_000_000_000_000),
        ]
    ),  # fmt: skip
]

GOOD_LINE = '{"user_id": "ann", "item_id": "tea", "weight": 2, "timestamp": 100}\n'

JSONL_CASES = [
    jsonl_case("empty file", "", ": expected at least one JSON object, got an empty file"),
    jsonl_case(
        "blank lines only", "\n \n", ": expected at least one JSON object, got an empty file"
    ),
    *(
        jsonl_case(
            f"{value} instead of an object",
            f"{GOOD_LINE}{value}\n",
            f":2: expected a JSON object, got {value}",
        )
        for value in ["[1, null]", "7", "null", "true"]
    ),
    jsonl_case(
        "invalid JSON",
        f'{GOOD_LINE}\n{{"user_id": "ann", "item_id"}}\n',
        ":3: expected a JSON object, " "got invalid JSON (expecting ':' delimiter at character 29)",
    ),
    jsonl_case(
        "two objects in a line",
        GOOD_LINE.strip() + GOOD_LINE,
        ":1: expected a JSON object, got invalid JSON (extra data at character 68)",
    ),
    jsonl_case(
        "duplicate key",
        GOOD_LINE + '{"user_id": "ann", "item_id": "tea", "user_id": "bob"}\n',
        ":2: expected a JSON object, got the key 'user_id' twice",
    ),
    jsonl_case(
        "a bad weight before invalid JSON",
        '{"user_id": "ann", "item_id": "tea", "weight": 0}\n{\n',
        ":1: weight: expected a finite number above 0, got 0",
    ),
    *(
        jsonl_case(
            f"{value} as id",
            f'{GOOD_LINE}{{"user_id": "ann", "item_id": {value}, "timestamp": 100}}\n',
            f":2: item_id: expected a string, got {value}",
        )
        for value in ["7", "7.5", "null", "true", '["tea"]', '{"id": "tea"}']
    ),
    jsonl_case(
        "empty id",
        '{"user_id": "", "item_id": "tea"}\n',
        ":1: user_id: expected an id of at least one character, got an empty one",
    ),
    jsonl_case(
        "id with an escaped line break",
        '{"user_id": "ann", "item_id": "green\\ntea"}\n',
        ":1: item_id: expected no NUL and no line break, got 'green\\ntea'",
    ),
    jsonl_case(
        "id with an escaped NUL",
        '{"user_id": "ann", "item_id": "tea\\u0000"}\n',
        ":1: item_id: expected no NUL and no line break, got 'tea\\x00'",
    ),
    jsonl_case(
        "missing key",
        f'{GOOD_LINE}{{"user_id": "ann"}}\n',
        ":2: item_id: expected a value, got no such key",
    ),
    jsonl_case(
        "timestamp missing in a later object",
        f'{GOOD_LINE}{{"user_id": "ann", "item_id": "tea"}}\n',
        ":2: timestamp: expected a value, got no such key",
    ),
    jsonl_case(
        "timestamp only in a later object",
        f'{{"user_id": "ann", "item_id": "tea"}}\n{GOOD_LINE}',
        ":2: timestamp: expected no such key, as the first object has none, got 100",
    ),
    jsonl_case(
        "timestamp only in a later object, after a bad weight",
        f'{{"user_id": "ann", "item_id": "tea", "weight": -1}}\n{GOOD_LINE}',
        ":1: weight: expected a finite number above 0, got -1",
    ),
    *(
        jsonl_case(
            f"{value} as weight",
            f'{GOOD_LINE}{{"user_id": "ann", "item_id": "a", "weight": {value}, "timestamp": 1}}\n',
            f":2: weight: expected a finite number above 0, got {shown}",
        )
        for value, shown in [
            ('"2"', "'2'"), ("true", "true"), ("null", "null"), ("0", "0"), ("-0.5", "-0.5"),
            ("1e999", "Infinity"), ("[1]", "[1]"),
        ]
    ),  # fmt: skip
    *(
        jsonl_case(
            f"{value} literal",
            f'{GOOD_LINE}{{"user_id": "ann", "item_id": "tea", "weight": {value}}}\n',
            f":2: expected a JSON object, got {value}, which is not JSON",
        )
        for value in ["NaN", "Infinity", "-Infinity"]
    ),
    jsonl_case(
        "lone surrogate",
        '{"user_id": "ann", "item_id": "\\ud800"}\n',
        ":1: expected a JSON object, got a lone surrogate in a string",
    ),
    jsonl_case(
        "nested too deeply",
        '{"user_id": "ann", "item_id": "tea", "more": ' + "[" * 100_000 + "\n",
        ":1: expected a JSON object, got JSON nested too deeply",
    ),
    jsonl_case(
        "a number of too many digits",
        '{"user_id": "ann", "item_id": "tea", "weight": ' + "1" * 5000 + "}\n",
        ":1: expected a JSON object, got a number of too many digits",
    ),
    *(
        jsonl_case(
            f"{value} as timestamp",
            f'{{"user_id": "ann", "item_id": "tea", "timestamp": {value}}}\n',
            f":1: timestamp: expected integer seconds or an RFC 3339 time, got {shown}",
        )
        for value, shown in [
            ("1.5", "1.5"), ("true", "true"), ("null", "null"), ('"soon"', "'soon'"),
        ]
    ),  # fmt: skip
    jsonl_case(
        "timestamp in milliseconds",
        '{"user_id": "ann", "item_id": "tea", "timestamp": 1600000000000}\n',
        ":1: timestamp: expected integer seconds or an RFC 3339 time, got 1600000000000",
        "seconds of the years 1 to 9999 are expected; is this another unit, as milliseconds?",
    ),
]


def flipped(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :]


# Longer than one block of deflate, of text that does not repeat.
LARGE_GZIP = gzip.compress(
    b"user_id,item_id\n"
    + b"".join(b"u%d,%s\n" % (n, hashlib.sha256(b"%d" % n).hexdigest().encode()) for n in range(99))
)

GZIP_CASES = [
    Case(
        f"gzip, {name}",
        "train --interactions bad.csv.gz --out-dir new",
        f"bad.csv.gz: expected a whole gzip file, got {got}",
        None,
        {"bad.csv.gz": data},
    )
    for name, data, got in [
        ("truncated", LARGE_GZIP[:-20], "one that ends too early"),
        ("header only", LARGE_GZIP[:5], "one that ends too early"),
        ("wrong checksum", flipped(LARGE_GZIP, len(LARGE_GZIP) - 8), "a damaged one"),
        ("wrong block", flipped(LARGE_GZIP, 10), "a damaged one"),
        ("wrong method", flipped(LARGE_GZIP, 2), "a damaged one"),
        ("other bytes after the end", LARGE_GZIP + b"more", "a damaged one"),
    ]
] + [
    Case(
        "gzip, empty inside",
        "train --interactions bad.csv.gz --out-dir new",
        "bad.csv.gz: expected a header line, got an empty file",
        None,
        {"bad.csv.gz": gzip.compress(b"")},
    ),
]

KEYS = (
    "similarity, weighting, num_neighbors, neighborhood, shrinkage, min_cooccurrence, heavy_users"
)
CONFIG_CASES = [
    config_case("unknown key", '{"shrink": 5}', f": expected one of {KEYS}, got the key 'shrink'"),
    config_case(
        "unknown key inside similarity",
        '{"similarity": {"name": "cosine", "alpha": 1}}',
        ": similarity: expected no further key, got the key 'alpha'",
    ),
    config_case(
        "unknown key inside weighting",
        '{"weighting": {"name": "bm25", "k": 1}}',
        ": weighting: expected one of smooth, k1, b, half_life_days, reference_time, "
        "got the key 'k'",
    ),
    *(
        config_case(
            f"{value} as num_neighbors",
            f'{{"num_neighbors": {value}}}',
            f": num_neighbors: expected an integer >= 1 or null, got {shown}",
        )
        for value, shown in [
            ('"5"', "'5'"), ("true", "true"), ("1.5", "1.5"), ("0", "0"), ("[]", "[]"),
        ]
    ),  # fmt: skip
    config_case(
        "null as shrinkage",
        '{"shrinkage": null}',
        ": shrinkage: expected a finite number >= 0, got null",
    ),
    config_case(
        "negative shrinkage",
        '{"shrinkage": -1}',
        ": shrinkage: expected a finite number >= 0, got -1",
    ),
    config_case(
        "infinite shrinkage",
        '{"shrinkage": 1e999}',
        ": shrinkage: expected a finite number >= 0, got Infinity",
    ),
    config_case(
        "b above 1",
        '{"weighting": {"name": "bm25", "b": 1.5}}',
        ": weighting: b: expected a finite number >= 0 and <= 1, got 1.5",
    ),
    config_case(
        "text as smooth",
        '{"weighting": {"name": "tf_idf", "smooth": "yes"}}',
        ": weighting: smooth: expected true or false, got 'yes'",
    ),
    *(
        config_case(
            f"{value} as half-life",
            f'{{"weighting": {{"name": "none", "half_life_days": {value}}}}}',
            f": weighting: half_life_days: expected a finite number above 0 or null, got {shown}",
        )
        for value, shown in [("0", "0"), ("-1", "-1"), ('"7"', "'7'"), ("1e999", "Infinity")]
    ),
    *(
        config_case(
            f"{value} as reference time",
            f'{{"weighting": {{"name": "log", "half_life_days": 1, "reference_time": {value}}}}}',
            f": weighting: reference_time: expected an RFC 3339 time or null, got {shown}",
        )
        for value, shown in [
            ('"2024-01-01"', "'2024-01-01'"), ("0", "0"),
            ('"0000-01-01T00:00:00Z"', "'0000-01-01T00:00:00Z'"),
        ]
    ),  # fmt: skip
    config_case(
        "reference time without half-life",
        '{"weighting": {"name": "log", "reference_time": "2024-01-01T00:00:00Z"}}',
        ": weighting: reference_time: expected null without half_life_days, "
        "got '2024-01-01T00:00:00.000000Z'",
    ),
    config_case(
        "sample of none",
        '{"heavy_users": {"name": "sample", "max_interactions": 0}}',
        ": heavy_users: max_interactions: expected an integer >= 1, got 0",
    ),
    config_case(
        "unknown way with heavy users",
        '{"heavy_users": {"name": "drop"}}',
        ": heavy_users: name: expected one of keep, sample, latest, down_weight, got 'drop'",
    ),
    config_case(
        "down-weighted users who are counted",
        '{"similarity": {"name": "jaccard"}, "heavy_users": {"name": "down_weight"}}',
        ": heavy_users: expected one of keep, sample, latest, as jaccard counts users whatever "
        "their weights, got down_weight",
        'take {"name": "sample"}, which leaves interactions of heavy users out of the counting',
    ),
    config_case(
        "unknown neighborhood",
        '{"neighborhood": "both"}',
        ": neighborhood: expected 'target' or 'source', got 'both'",
    ),
    config_case(
        "unknown similarity",
        '{"similarity": {"name": "cosinus"}}',
        f": similarity: name: expected one of {', '.join(SIMILARITIES)}, got 'cosinus'",
    ),
    config_case(
        "similarity without a name",
        '{"similarity": {}}',
        f": similarity: name: expected one of {', '.join(SIMILARITIES)}, got no such key",
    ),
    config_case(
        "similarity as text",
        '{"similarity": "cosine"}',
        """: similarity: expected an object such as {"name": "dot"}, got 'cosine'""",
    ),
    config_case("an array", '[{"num_neighbors": 5}]', """: expected a JSON object, got [{"num_neighbors": 5}]"""),
    config_case("null", "null", ": expected a JSON object, got null"),
    config_case("empty file", "", ": expected a JSON object, got nothing"),
    config_case(
        "invalid JSON",
        '{\n  "num_neighbors": 5\n  "shrinkage": 1\n}\n',
        ": expected a JSON object, "
        "got invalid JSON (expecting ',' delimiter at line 3, character 3)",
    ),
    config_case(
        "duplicate key",
        '{"shrinkage": 1, "shrinkage": 2}',
        ": expected a JSON object, got the key 'shrinkage' twice",
    ),
    Case(
        "config, not UTF-8",
        f"{TRAIN} --config bad.json",
        "bad.json:2: expected UTF-8, got the byte 0xff",
        None,
        {"bad.json": b'{\n"shrinkage": "\xff"}'},
    ),
]  # fmt: skip


OUTPUT_CASES = [
    Case(
        "out-dir that exists",
        "train --interactions interactions.csv --out-dir model",
        "model: expected a path that does not exist yet, got an existing one",
        "--overwrite replaces a model directory",
    ),
    Case(
        "--overwrite of a directory with other content",
        "train --interactions interactions.csv --out-dir model --overwrite",
        "model: expected a model directory to overwrite, got other content: 'notes.txt'",
        None,
        {"model/notes.txt": "dear diary"},
    ),
    Case(
        "--overwrite of a file",
        "train --interactions interactions.csv --out-dir interactions.csv --overwrite",
        "interactions.csv: expected a model directory to overwrite, got a file",
    ),
    Case(
        "--overwrite of a file with the name of a file of a model",
        f"{TRAIN} --out-dir config.json --overwrite",
        "config.json: expected a model directory to overwrite, got a file",
        None,
        {"config.json": "{}"},
    ),
    Case(
        "out-dir in a missing folder",
        "train --interactions interactions.csv --out-dir nowhere/model",
        "nowhere/model: expected a place in an existing folder, got no such folder",
    ),
    Case(
        "out in a missing folder",
        "preprocess --interactions interactions.csv --out nowhere/clean.csv",
        "nowhere/clean.csv: expected a file to write to, got 'No such file or directory'",
    ),
    Case(
        "out is a directory",
        "preprocess --interactions interactions.csv --out model --format csv",
        "model: expected a file to write to, got 'Is a directory'",
    ),
    Case(
        "one file for both outputs",
        "split --interactions interactions.csv --strategy random "
        "--train-out part.csv --test-out ./part.csv",
        "./part.csv: expected a different file for each output, got one twice",
    ),
    Case(
        "standard output for both outputs",
        "split --interactions interactions.csv --strategy random --format csv "
        "--train-out - --test-out -",
        "standard output: expected a different file for each output, got one twice",
    ),
    Case(
        "full device",
        "predict --model-dir model --all-users --out /dev/full",
        "/dev/full: expected room to write, got 'No space left on device'",
        needs="/dev/full",
    ),
]


def edit_manifest(**changes: object) -> Prepare:
    def prepare(folder: Path) -> None:
        path = folder / "model/manifest.json"
        path.write_text(json.dumps(json.loads(path.read_bytes()) | changes))

    return prepare


def entry_in_manifest(folder: Path, name: str) -> dict[str, Any]:
    manifest = json.loads((folder / "model/manifest.json").read_bytes())
    entry: dict[str, Any] = manifest["files"][name]
    return entry


def flip_a_byte_of_the_similarities(folder: Path) -> None:
    path = folder / "model/similarity.npz"
    content = path.read_bytes()
    with np.load(path) as arrays:
        position = content.index(arrays["data"].tobytes())
    path.write_bytes(flipped(content, position + 5))


def flipped_byte_error(folder: Path) -> str:
    expected = entry_in_manifest(folder, "similarity.npz")["sha256"]
    got = hashlib.sha256((folder / "model/similarity.npz").read_bytes()).hexdigest()
    return f"model/similarity.npz: sha256: expected {expected}, got {got}"


def truncate_similarity(folder: Path) -> None:
    os.truncate(folder / "model/similarity.npz", 1000)


def truncated_error(folder: Path) -> str:
    size = entry_in_manifest(folder, "similarity.npz")["bytes"]
    return f"model/similarity.npz: expected {size} bytes as in the manifest, got 1000"


MODEL_CASES = [
    Case(
        "flipped byte in a model",
        "inspect --model-dir model --verify",
        flipped_byte_error,
        prepare=flip_a_byte_of_the_similarities,
    ),
    Case(
        "truncated file of a model",
        "predict --model-dir model --all-users --out new.jsonl",
        truncated_error,
        prepare=truncate_similarity,
    ),
    Case(
        "missing file of a model",
        "predict --model-dir model --all-users --out new.jsonl",
        "model/popularity.npz: expected a file, got 'No such file or directory'",
        prepare=lambda folder: (folder / "model/popularity.npz").unlink(),
    ),
    Case(
        "missing model directory",
        "predict --model-dir modle --all-users --out new.jsonl",
        "modle: expected a model directory, got no such directory",
    ),
    Case(
        "file instead of a model directory",
        "inspect --model-dir truth.csv",
        "truth.csv: expected a model directory, got a file",
    ),
    Case(
        "directory that is no model",
        "inspect --model-dir empty",
        "empty/manifest.json: expected a file, got 'No such file or directory'",
        prepare=lambda folder: (folder / "empty").mkdir(),
    ),
    Case(
        "model of a newer format",
        "similar --model-dir model --item tea",
        "model/manifest.json: format_version: expected 1, got 2",
        "the model was written by another version of mlcore",
        prepare=edit_manifest(format_version=2, counts="of another form"),
    ),
    Case(
        "model with an unknown required feature",
        "similar --model-dir model --item tea",
        "model/manifest.json: required_features: expected none, as this version knows none, "
        """got ["half_floats"]""",
        "the model was written by another version of mlcore",
        prepare=edit_manifest(required_features=["half_floats"]),
    ),
    Case(
        "another format",
        "similar --model-dir model --item tea",
        "model/manifest.json: format: expected 'mlcore-model', got no such key",
        files={"model/manifest.json": "{}"},
    ),
    Case(
        "manifest that is not JSON",
        "similar --model-dir model --item tea",
        "model/manifest.json: expected a JSON object, got nothing",
        files={"model/manifest.json": ""},
    ),
]


def history_case(name: str, line: str, error: str) -> Case:
    good = '{"user_id": "s0", "history": []}\n'
    return Case(
        f"histories, {name}",
        "predict --model-dir model --histories bad.jsonl --out new.jsonl",
        f"bad.jsonl:2: {error}",
        files={"bad.jsonl": f"{good}{line}\n"},
    )


PREDICT_CASES = [
    Case(
        "unknown user",
        "predict --model-dir model --users bad.csv --out new.jsonl",
        "bad.csv:4: user_id: expected a user of the model, got 'zoe'",
        "--unknown-user skip leaves such users out, fill gives them popular items",
        {"bad.csv": "name,user_id\nAnn,ann\n\nZoe,zoe\nBob,bob\nYves,yves\n"},
    ),
    Case(
        "empty user",
        "predict --model-dir model --users bad.csv --out new.jsonl",
        "bad.csv:3: user_id: expected an id of at least one character, got an empty one",
        None,
        {"bad.csv": 'user_id\nann\n""\n'},
    ),
    Case(
        "unknown item",
        "similar --model-dir model --item coffee",
        "item: expected an item of the model, got 'coffee'",
    ),
    Case(
        "all users of a model without users",
        "predict --model-dir no-users --all-users --out new.jsonl",
        "users: expected a model with users, got one trained without",
        "give histories instead, or train without --without-users",
    ),
    Case(
        "users of a model without users",
        "predict --model-dir no-users --users truth.csv --out new.jsonl",
        "users: expected a model with users, got one trained without",
        "give histories instead, or train without --without-users",
    ),
    Case(
        "bad list of items",
        "predict --model-dir model --all-users --exclude-items truth.csv --include-items bad.csv "
        "--out new.jsonl",
        "bad.csv:1: item_id: expected a column of this name, got 'item'",
        files={"bad.csv": "item\ntea\n"},
    ),
    Case(
        "predict, no threads",
        "predict --model-dir model --all-users --threads 0 --out new.jsonl",
        "threads: expected an integer from 1 to 1024, got 0",
    ),
    *(
        Case(f"{command.split()[0]}, empty lists", f"{command} --top-n 0", error)
        for command in [
            "predict --model-dir model --all-users --out new.jsonl",
            "similar --model-dir model --item tea",
            "show --predictions predictions.jsonl --items items.csv",
        ]
        for error in ["top_n: expected an integer >= 1, got 0"]
    ),
    history_case(
        "item twice",
        '{"user_id": "s1", "history": [{"item_id": "tea"}, {"item_id": "tea", "weight": 2}]}',
        "history[1]: item_id: expected each item once, got 'tea' again",
    ),
    history_case(
        "user twice",
        '{"user_id": "s0", "history": []}',
        "user_id: expected each user once, got 's0' again (first in line 1)",
    ),
    history_case("no user", '{"history": []}', "user_id: expected a string, got no such key"),
    history_case(
        "number as user", '{"user_id": 1, "history": []}', "user_id: expected a string, got 1"
    ),
    history_case(
        "empty user",
        '{"user_id": "", "history": []}',
        "user_id: expected an id of at least one character, got an empty one",
    ),
    history_case("no history", '{"user_id": "s1"}', "history: expected an array, got no such key"),
    history_case(
        "null as history",
        '{"user_id": "s1", "history": null}',
        "history: expected an array, got null",
    ),
    history_case(
        "ids instead of objects",
        '{"user_id": "s1", "history": ["tea"]}',
        "history[0]: expected an object, got 'tea'",
    ),
    history_case(
        "no item",
        '{"user_id": "s1", "history": [{"item_id": "tea"}, {"id": "milk"}]}',
        "history[1]: item_id: expected a string, got no such key",
    ),
    history_case(
        "zero weight",
        '{"user_id": "s1", "history": [{"item_id": "tea", "weight": 0}]}',
        "history[0]: weight: expected a finite number above 0, got 0",
    ),
    history_case(
        "weight beyond float32",
        '{"user_id": "s1", "history": [{"item_id": "tea", "weight": 1e39}]}',
        "history: item 'tea': weight: expected a finite number above 0 that float32 holds, "
        "got 1e+39",
    ),
    Case(
        "empty histories",
        "predict --model-dir model --histories bad.jsonl --out new.jsonl",
        "bad.jsonl: expected at least one JSON object, got an empty file",
        files={"bad.jsonl": ""},
    ),
    Case(
        "show, unknown user",
        "show --predictions predictions.jsonl --items items.csv --user zoe",
        "predictions.jsonl: user_id: expected a list of the user, got none for 'zoe'",
        files={"items.csv": "item_id,title\ntea,Tea\n"},
    ),
    Case(
        "show, number as title",
        "show --predictions predictions.jsonl --items items.jsonl",
        "items.jsonl:1: title: expected a string, got 1984",
        files={"items.jsonl": '{"item_id": "tea", "title": 1984}\n'},
    ),
]

EVALUATE = "evaluate --predictions predictions.jsonl --ground-truth truth.csv --out metrics.json"


def predictions_case(name: str, line: str, error: str, hint: str | None = None) -> Case:
    good = '{"user_id": "ann", "items": [{"item_id": "jam"}, {"item_id": "sugar"}]}\n'
    return Case(
        f"predictions, {name}",
        "evaluate --predictions bad.jsonl --ground-truth truth.csv --cutoffs 1 --model-dir model "
        "--out metrics.json --per-user-out users.csv",
        f"bad.jsonl:3: {error}",
        hint,
        {"bad.jsonl": f"{good}\n{line}\n"},
    )


EVALUATE_CASES = [
    Case(
        "cutoff above the longest list",
        f"{EVALUATE} --cutoffs 1,2,5,10",
        "predictions.jsonl: cutoffs: expected at most 2, the longest list, got 10",
        "--cutoffs takes smaller ones; cli.predict --top-n makes longer lists",
    ),
    *(
        Case(f"cutoffs {cutoffs}", f"{EVALUATE} --predictions none --cutoffs={cutoffs}", error)
        for cutoffs, error in [
            ("1,0", "cutoffs: expected integers >= 1, got 0"),
            ("-1", "cutoffs: expected integers >= 1, got -1"),
            ("2,1,2", "cutoffs: expected each once, got 2,1,2"),
        ]
    ),
    Case(
        "confidence of 95",
        f"{EVALUATE} --cutoffs 1 --confidence 95",
        "confidence: expected a number above 0 and below 1, got 95.0",
    ),
    Case(
        "slices without a model",
        f"{EVALUATE} --predictions none --cutoffs 1 --slices popularity",
        "slices: expected a model to go by, got none",
        "--model-dir names it",
    ),
    Case(
        "slices by history of a model without users",
        f"{EVALUATE} --predictions none --cutoffs 1 --slices history-length --model-dir no-users",
        "slices: history-length: expected a model with users, got one trained without",
        "train without --without-users, or ask for --slices popularity alone",
    ),
    Case(
        "edges that nothing uses",
        f"{EVALUATE} --cutoffs 1 --slices popularity --history-edges 2,5 --model-dir model",
        "history_edges: expected slices by history-length to use them for, got none",
        "--slices history-length asks for them",
    ),
    Case(
        "edges not ascending",
        f"{EVALUATE} --cutoffs 1 --slices history-length --history-edges 5,2 --model-dir model",
        "history_edges: expected integers >= 1, ascending, got 5,2",
    ),
    predictions_case(
        "user without ground truth",
        '{"user_id": "zoe", "items": []}\n{"user_id": "bob", "items": []}',
        "user_id: expected a user of the ground truth, got 'zoe' and 1 more",
        "--extra-users ignore passes them over; cli.predict --users takes the ground truth",
    ),
    predictions_case(
        "user twice",
        '{"user_id": "ann", "items": []}',
        "user_id: expected each user once, got 'ann' again (first in line 1)",
    ),
    predictions_case(
        "item twice",
        '{"user_id": "eve", "items": [{"item_id": "tea"}, {"item_id": "jam"}, {"item_id": "tea"}]}',
        "items: expected each item once, got 'tea' again",
    ),
    predictions_case(
        "numbers as items",
        '{"user_id": "eve", "items": [{"item_id": "tea"}, {"item_id": 7}]}',
        "items[1]: item_id: expected a string, got 7",
    ),
    predictions_case(
        "ids instead of objects",
        '{"user_id": "eve", "items": ["tea"]}',
        "items[0]: expected an object, got 'tea'",
    ),
    predictions_case(
        "no item",
        '{"user_id": "eve", "items": [{"score": 1}]}',
        "items[0]: item_id: expected a string, got no such key",
    ),
    predictions_case("no list", '{"user_id": "eve"}', "items: expected an array, got no such key"),
    predictions_case(
        "null as list", '{"user_id": "eve", "items": null}', "items: expected an array, got null"
    ),
    predictions_case(
        "number as user", '{"user_id": 7, "items": []}', "user_id: expected a string, got 7"
    ),
    predictions_case(
        "item that the model does not have",
        '{"user_id": "eve", "items": [{"item_id": "tea"}, {"item_id": "coffee"}]}',
        "item_id: expected an item of the model, got 'coffee'",
        "the predictions were made by another model",
    ),
    predictions_case("an array", "[]", "expected a JSON object, got []"),
    Case(
        "empty predictions",
        f"{EVALUATE} --predictions bad.jsonl --cutoffs 1",
        "bad.jsonl: expected at least one JSON object, got an empty file",
        files={"bad.jsonl": ""},
    ),
    Case(
        "bad ground truth",
        f"{EVALUATE} --ground-truth bad.csv --cutoffs 1",
        "bad.csv:1: item_id: expected a column of this name, got 'user_id'",
        files={"bad.csv": "user_id\nann\n"},
    ),
]

PREPROCESS = "preprocess --out new.csv --interactions"
SPLIT = "split --train-out a.csv --test-out b.csv --interactions"
WITHOUT_TIMES = {"bad.csv": "user_id,item_id\nann,tea\nann,milk\nbob,tea\n"}

DATA_CASES = [
    Case(
        "tf_idf and a user with all items",
        "train --interactions bad.csv --config tf_idf.json --out-dir new",
        "bad.csv: weighting tf_idf: user 'ann', item 'milk': expected a weight above 0 that "
        "float32 holds, got -0.4054651081081644",
        'a user has all items or all but one: set "smooth": true, or cap such users with '
        "cli.preprocess --max-user-interactions",
        WITHOUT_TIMES | {"tf_idf.json": '{"weighting": {"name": "tf_idf"}}'},
    ),
    *(
        Case(
            f"{name} without timestamps",
            "train --interactions bad.csv --config time.json --out-dir new",
            f"bad.csv: timestamp: expected a column to {purpose}, got none",
            hint,
            WITHOUT_TIMES | {"time.json": config},
        )
        for name, config, purpose, hint in [
            (
                "half-life",
                '{"weighting": {"name": "none", "half_life_days": 7}}',
                "tell the age of interactions by",
                "without timestamps leave half_life_days out",
            ),
            (
                "latest of heavy users",
                '{"heavy_users": {"name": "latest"}}',
                "find the latest interactions by",
                'without timestamps take "heavy_users": {"name": "sample"}',
            ),
        ]
    ),
    Case(
        "interaction after the reference time",
        "train --interactions bad.csv --config time.json --out-dir new",
        "bad.csv: weighting log: user 'bob', item 'tea': expected a timestamp up to the reference "
        "time 2024-01-01T23:00:00.000000Z, got 2024-01-01T23:00:01.000000Z",
        "leave reference_time out to take the latest timestamp, or set later interactions aside: "
        "cli.split --strategy temporal --cutoff 2024-01-01T23:00:00.000000Z",
        {
            "bad.csv": "user_id,item_id,timestamp\nann,tea,2024-01-01T23:00:00Z\n"
            "bob,tea,2024-01-01T23:00:01Z\n",
            "time.json": '{"weighting": {"name": "log", "half_life_days": 7, '
            '"reference_time": "2024-01-02T00:00:00+01:00"}}',
        },
    ),
    Case(
        "interaction too many half-lives old",
        "train --interactions bad.csv --config time.json --out-dir new",
        "bad.csv: weighting binary: user 'ann', item 'tea': expected a weight above 0 that float32 "
        f"holds, got {2.0**-200!r}",
        "it is 200 half-lives old: take a longer half_life_days, or drop what is so old with "
        "cli.split --strategy temporal or cli.preprocess --max-user-interactions",
        {
            "bad.csv": "user_id,item_id,timestamp\nann,tea,0\nbob,tea,17280000\n",  # 200 days
            "time.json": '{"weighting": {"name": "binary", "half_life_days": 1}}',
        },
    ),
    csv_case(
        "weight beyond float32",
        "user_id,item_id,weight\nann,tea,1e39\n",
        ": weighting none: user 'ann', item 'tea': expected a weight above 0 that float32 holds, "
        "got 1e+39",
    ),
    csv_case(
        "weights that add up to infinity",
        "user_id,item_id,weight\nann,tea,1\nbob,tea,1e308\nbob,tea,1e308\n",
        ": weight: user 'bob', item 'tea': expected a finite sum, got Infinity",
    ),
    Case(
        "preprocess, weights that add up to infinity",
        f"{PREPROCESS} bad.csv",
        "bad.csv: weight: user 'bob', item 'tea': expected a finite sum, got Infinity",
        files={"bad.csv": "user_id,item_id,weight\nbob,tea,1e308\nbob,tea,1e308\n"},
    ),
    Case(
        "k-core that leaves nothing",
        f"{PREPROCESS} interactions.csv --min-item-interactions 4",
        "interactions.csv: interactions: expected at least one that meets all conditions, got none",
        "lower --min-user-interactions, --min-item-interactions or --min-weight",
    ),
    Case(
        "last of a pair without timestamps",
        f"{PREPROCESS} bad.csv --aggregate last",
        "bad.csv: timestamp: expected a column to find the last row by, got none",
        files=WITHOUT_TIMES,
    ),
    Case(
        "newest rows without timestamps",
        f"{PREPROCESS} bad.csv --max-user-interactions 1",
        "bad.csv: timestamp: expected a column to find the newest rows by, got none",
        files=WITHOUT_TIMES,
    ),
    Case(
        "preprocess, setting out of range",
        f"{PREPROCESS} interactions.csv --min-user-interactions 0",
        "min_user_interactions: expected an integer >= 1, got 0",
    ),
    Case(
        "preprocess, NaN as least weight",
        f"{PREPROCESS} interactions.csv --min-weight nan",
        "min_weight: expected a finite number >= 0 or null, got nan",
    ),
    *(
        Case(
            f"{strategy} split without timestamps",
            f"{SPLIT} bad.csv --strategy {strategy}",
            f"bad.csv: timestamp: expected a column to {purpose} by, got none",
            files=WITHOUT_TIMES,
        )
        for strategy, purpose in [("temporal", "split"), ("last-n", "find the newest rows")]
    ),
    Case(
        "split without a test",
        f"{SPLIT} interactions.csv --strategy last-n --n 5",
        "interactions.csv: test: expected at least one of the 9 interactions, got none",
    ),
    Case(
        "split without a training",
        f"{SPLIT} interactions.csv --strategy temporal --cutoff 100",
        "interactions.csv: training: expected at least one of the 9 interactions, got none",
    ),
    Case(
        "all of the data as test",
        f"{SPLIT} interactions.csv --strategy random --test-fraction 1",
        "test_fraction: expected a finite number above 0 and below 1, got 1.0",
    ),
    Case(
        "unreadable cutoff",
        f"{SPLIT} interactions.csv --strategy temporal --cutoff 2024-01-01",
        "cutoff: expected integer seconds or an RFC 3339 time, got '2024-01-01'",
    ),
    Case(
        "cutoff in milliseconds",
        f"{SPLIT} interactions.csv --strategy temporal --cutoff 1600000000000",
        "cutoff: expected integer seconds or an RFC 3339 time, got '1600000000000'",
        "seconds of the years 1 to 9999 are expected; is this another unit, as milliseconds?",
    ),
    Case(
        "cutoff of a random split",
        f"{SPLIT} interactions.csv --strategy random --cutoff 100",
        "cutoff: expected strategy 'temporal', got 'random'",
    ),
    *(
        Case(
            f"seed {seed}",
            f"{SPLIT} interactions.csv --strategy random --seed {seed}",
            f"seed: expected an integer {rule}, got {seed}",
        )
        for seed, rule in [(-1, ">= 0"), (2**31, "below 2147483648")]
    ),
    Case(
        "more interactions than pairs",
        "generate --users 3 --items 5 --interactions 16 --out new.csv --items-out items.csv",
        "interactions: expected a number from 3 (one per user) to 15 (users x items), got 16",
    ),
    Case(
        "no users",
        "generate --users 0 --items 5 --interactions 16 --out new.csv",
        "users: expected a number from 1, got 0",
    ),
    Case(
        "train, no threads",
        f"{TRAIN} --threads 0",
        "threads: expected an integer from 1 to 1024, got 0",
    ),
]


CASES = [
    *FILE_CASES,
    *CSV_CASES,
    *JSONL_CASES,
    *GZIP_CASES,
    *CONFIG_CASES,
    *OUTPUT_CASES,
    *MODEL_CASES,
    *PREDICT_CASES,
    *EVALUATE_CASES,
    *DATA_CASES,
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gives_one_clear_error_and_writes_nothing(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not os.path.exists(case.needs):
        pytest.skip(f"needs {case.needs}")
    write(folder, case.files)
    case.prepare(folder)
    before = snapshot(folder)
    status = run(case.command)
    out, err = capsys.readouterr()
    assert err == case.stderr(folder)
    assert (status, out) == (1, "")
    assert snapshot(folder) == before


def test_the_commands_of_the_cases_work_when_nothing_is_bad(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Or a case might fail for another reason than the one it is about.
    write(folder, {"items.csv": "item_id,title\ntea,Tea\n"})
    for command in [
        TRAIN,
        f"{PREPROCESS} interactions.csv",
        f"{SPLIT} interactions.csv --strategy last-n",
        "predict --model-dir model --users truth.csv --out new.jsonl",
        "predict --model-dir model --all-users --out /dev/null",
        "similar --model-dir model --item tea",
        "inspect --model-dir model --verify",
        f"{EVALUATE} --cutoffs 1,2 --model-dir model --per-user-out users.csv",
        "show --predictions predictions.jsonl --items items.csv",
        "generate --users 3 --items 5 --interactions 15 --out made.csv",
    ]:
        assert run(command) == 0, command
    assert capsys.readouterr().err == ""


def test_every_expected_message_follows_the_template() -> None:
    template = re.compile(r"(?:[a-z./][^ ]*.*: )?expected .+, got .+")
    for case in CASES:
        message = case.error if isinstance(case.error, str) else "expected x, got x"
        assert template.fullmatch(message), message
        for line in (message, case.hint or "-"):
            assert not re.search(r"\.$|\n|None|True|False|Error|Errno|Traceback|/tmp", line), line


@pytest.mark.parametrize(
    ("command", "name", "content"),
    [
        ("train --interactions bom.csv --out-dir new", "bom.csv", INTERACTIONS),
        ("train --interactions bom.jsonl --out-dir new", "bom.jsonl", GOOD_LINE),
        (f"{TRAIN} --config bom.json", "bom.json", '{"num_neighbors": 5}'),
    ],
)
def test_a_byte_order_mark_is_skipped_and_said(
    command: str, name: str, content: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {name: content})
    assert run(command) == 0
    capsys.readouterr()
    (folder / "new").rename(folder / "without")
    write(folder, {name: "\ufeff" + content})
    assert run(command) == 0
    assert capsys.readouterr().err == f"note: {name}:1: skipped a byte order mark\n"
    assert snapshot(folder / "new") == snapshot(folder / "without")


def start(folder: Path, command: str, **options: Any) -> subprocess.Popen[bytes]:
    name, *arguments = shlex.split(command)
    return subprocess.Popen(
        [sys.executable, "-m", f"cli.{name}", *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        # A test run in the background may have been told to ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        bufsize=0,
        stderr=subprocess.PIPE,
        **options,
    )


# More than a pipe holds: when all is written, the command is in the middle of reading it.
MANY_ROWS = "user_id,item_id\n" + "".join(f"u{n},i{n % 997}\n" for n in range(100_000))
MANY_HISTORIES = "".join(
    f'{{"user_id": "s{n}", "history": [{{"item_id": "tea"}}]}}\n' for n in range(20_000)
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
@pytest.mark.parametrize(
    ("command", "content"),
    [
        ("train --interactions - --format csv --out-dir new", MANY_ROWS),
        ("train --interactions - --format csv --out-dir model --overwrite", MANY_ROWS),
        ("predict --model-dir model --histories - --format jsonl --out new.jsonl", MANY_HISTORIES),
    ],
    ids=["train", "train --overwrite", "predict"],
)
def test_an_interrupted_command_leaves_everything_as_it_was(
    command: str, content: str, number: signal.Signals, folder: Path
) -> None:
    before = snapshot(folder)
    with start(folder, command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdin is not None and process.stdout is not None
            assert process.stderr is not None
            process.stdin.write(content.encode())
            assert [name for name in os.listdir(folder) if ".partial-" in name]
            process.send_signal(number)
            # Python looks for signals between two blocks that it reads: there must be a next one.
            with suppress(BrokenPipeError):
                process.stdin.write(content.encode())
            status = process.wait(timeout=60)
            out, err = process.stdout.read(), process.stderr.read()
        finally:
            process.kill()
    assert err == b"error: interrupted, nothing was written\n"
    assert (status, out) == (1, b"")
    assert snapshot(folder) == before


@contextmanager
def small_disk(place: Path, options: str) -> Iterator[Path]:
    # To root no folder is read-only by its permissions, so it takes a file system of its own.
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs Linux and root")
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, text=True
    )
    if mounted.returncode != 0:
        pytest.skip(f"cannot mount a small disk here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("train --interactions large.csv --out-dir disk/new", "disk/new: expected a folder"),
        ("preprocess --interactions large.csv --out disk/new.csv", "disk/new.csv: expected a file"),
    ],
)
def test_a_read_only_place_is_said_before_the_work(
    command: str, error: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(folder / "disk", "size=64k,ro"):
        # large.csv is missing: the place is looked at first.
        assert run(command) == 1
        expected = f"error: {error} to write to, got 'Read-only file system'\n"
        assert capsys.readouterr() == ("", expected)


@pytest.mark.parametrize(
    ("command", "error"),
    [
        (
            "train --interactions large.csv --out-dir disk/new",
            "disk/new: expected a folder to write to",
        ),
        (
            "train --interactions large.csv --out-dir disk/model --overwrite",
            "disk/model: expected a folder to write to",
        ),
        (
            "preprocess --interactions large.csv --out disk/new.csv",
            "disk/new.csv: expected room to write",
        ),
        (
            "preprocess --interactions large.csv --out disk/interactions.csv",
            "disk/interactions.csv: expected room to write",
        ),
    ],
)
def test_a_full_disk_keeps_what_it_had_and_nothing_else(
    command: str, error: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"user-{n},item-{n}\n" for n in range(10_000))
    write(folder, {"large.csv": f"user_id,item_id\n{rows}"})
    with small_disk(folder / "disk", "size=64k") as disk:
        shutil.copytree(folder / "model", disk / "model")
        shutil.copy(folder / "interactions.csv", disk)
        before = snapshot(disk)
        assert run(command) == 1
        assert capsys.readouterr() == ("", f"error: {error}, got 'No space left on device'\n")
        assert snapshot(disk) == before


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize(
    "command", ["inspect --model-dir model", "predict --model-dir model --all-users --out -"]
)
def test_standard_output_that_takes_no_more_is_one_line(command: str, folder: Path) -> None:
    with open("/dev/full", "wb") as full, start(folder, command, stdout=full) as process:
        _, err = process.communicate(timeout=60)
    assert err == b"error: standard output: expected room to write, got 'No space left on device'\n"
    assert process.returncode == 1


@pytest.mark.parametrize(
    ("command", "function"),
    [
        (TRAIN, "mlcore.train.train.Trainer.train"),
        (
            "predict --model-dir model --all-users --out new.jsonl",
            "mlcore.recommend.predict._format_lists",
        ),
    ],
)
def test_an_error_of_ours_keeps_its_traceback_and_leaves_nothing(
    command: str, function: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **options: object) -> None:
        raise ZeroDivisionError

    before = snapshot(folder)
    monkeypatch.setattr(function, fail)
    with pytest.raises(ZeroDivisionError):
        run(command)
    assert snapshot(folder) == before
