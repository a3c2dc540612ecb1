"""Bad files, settings, outputs and models, of any command: one clear error each, and nothing written."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.similarity import SIMILARITIES
from tests.cli.cases import ENVIRONMENT, INTERACTIONS, Case, Prepare, check, run, snapshot, write

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
        "missing file or folder of any name",
        "train --interactions events --out-dir new",
        "events: expected a readable file, got 'No such file or directory'",
    ),
    Case(
        "missing folder",
        "train --interactions data/events.csv --out-dir new",
        "data/events.csv: expected a readable file, got 'No such file or directory'",
        "there is no folder data",
    ),
    Case(
        "pattern of no file",
        "train --interactions events-*.csv --out-dir new",
        "events-*.csv: expected a readable file, got 'No such file or directory'",
        "no file matches the pattern",
    ),
    Case(
        "missing configuration",
        f"{TRAIN} --config config.json",
        "config.json: expected a readable file, got 'No such file or directory'",
    ),
    Case(
        "directory instead of a file",
        "preprocess --interactions model --format csv --out clean.csv",
        "model: expected parts of one format, got 'config.json', 'histories.npz'",
        "a folder or a pattern is one table; name one file, or a pattern such as '*.csv'",
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
        "split --interactions no-such.csv --strategy last-n --train-out a.csv --test-out b.txt",
        "b.txt: expected a name that ends in .csv, .tsv or .jsonl (or one of them and .gz), got another",
        "--format csv or --format jsonl says what it is",
    ),
    Case(
        "unknown ending of a per-user output",
        "evaluate --predictions none --ground-truth truth.csv --cutoffs 1 --out metrics.json "
        "--per-user-out users.txt",
        "users.txt: expected a name that ends in .csv, .tsv or .jsonl (or one of them and .gz), got another",
        "--format csv or --format jsonl says what it is",
    ),
]

STRAY = "if quotes mean nothing in this file: tr -d '\"' < FILE > NEW"
SPACES = "spaces are part of a field: sed 's/ *, */,/g' FILE > NEW"
NO_ROW = (
    "leave rows without one out: awk -F, 'NR == 1 || $3 + 0 > 0' FILE > NEW, if it is the third "
    "field; WHERE weight > 0 in SQL; jq -c 'select(.weight > 0)' for JSON Lines"
)
NO_QUOTES = "a number has no quotes: jq -c '.weight |= tonumber' FILE > NEW"
NO_TIME = "each row has a time, or none: leave out those without one, or the column"
DECIMALS = "cut the decimals: .astype('int64') in pandas, CAST(... AS BIGINT) in SQL"
OTHER_TIMES = (
    "2026-03-01T09:00:00Z and 2026-03-01 09:00:00+01 are read; pandas.to_datetime and strptime of "
    "DuckDB make such times of others"
)
NUMBER = (
    r"""ids are strings: sed -E 's/"(user_id|item_id)": *([0-9]+)/"\1": "\2"/g' FILE > NEW """
    "puts them in quotes"
)
ARRAY = "a line holds one object: jq -c '.[]' FILE > NEW makes lines of an array"
OBJECTS = "a line holds one object: jq -c . FILE > NEW makes lines of objects"
NOT_JSON = r"sed -E 's/-?(NaN|Infinity)\b/null/g' FILE > NEW, unless texts have these words"

HEADER = "user_id,item_id,weight,timestamp\n"
LONG = "x" * 65_536
ENCODING = "--encoding names another, such as latin-1 or utf-16"
ZONE = "a time without a zone does not say which moment it is; --timezone UTC, or another, says it"

CSV_CASES = [
    csv_case(
        "missing column",
        "user,item_id\nann,tea\n",
        ":1: user_id: expected a column of this name, got 'user', 'item_id'",
        "--user-column names another",
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
        "sed '2,$s/,$//' FILE > NEW removes the delimiters at the ends of lines",
    ),
    csv_case(
        "a comma in a field",
        f"{HEADER}ann,tea, green,1,100\n",
        ":2: expected 4 fields as in the header, got 5",
        "a field that holds a delimiter stands in quotes",
    ),
    csv_case(
        "an empty first line",
        f"\n{HEADER}ann,tea,1,100\n",
        ":1: user_id: expected a column of this name, got an empty line",
        "sed 1d FILE > NEW removes the first line, which is empty",
    ),
    csv_case(
        "a row in quotes",
        f'{HEADER}"ann,tea,1,100"\n',
        ":2: expected 4 fields as in the header, got 1",
        STRAY,
    ),
    csv_case(
        "spaces between fields",
        "user_id item_id\nann tea\n",
        ":1: user_id: expected a column of this name, got 'user_id item_id'",
        "if spaces separate the fields: tr -s ' ' , < FILE > NEW",
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
        ENCODING,
    ),
    csv_case(
        "not UTF-8 after a bad weight",
        f"{HEADER}ann,tea,0,100\nann,caf".encode() + b"\xe9,1,100\n",
        ":2: weight: expected a finite number above 0, got '0'",
        NO_ROW,
    ),
    csv_case(
        "UTF-16",
        INTERACTIONS.encode("utf-16-le"),
        ":1: expected text, got a NUL character",
        ENCODING,
    ),
    csv_case(
        "NUL",
        f"{HEADER}ann,tea,1,100\nann,mi\0lk,1,100\n",
        ":3: expected text, got a NUL character",
        ENCODING,
    ),
    csv_case(
        "NUL before a byte that is not UTF-8",
        f"{HEADER}ann,mi\0lk,1,100\nann,caf".encode() + b"\xe9,1,100\n",
        ":2: expected text, got a NUL character",
        ENCODING,
    ),
    csv_case(
        "a quote that is never closed",
        'user_id,item_id,note\nann,tea,"two\nlines"\nann,"milk,\nbob,tea,\n',
        ":4: expected balanced quotes, got one that is never closed",
        STRAY,
    ),
    csv_case(
        "a quote that is never closed, after a bad weight",
        f'{HEADER}ann,tea,-1,100\nann,"milk,1,100\nbob,tea,1,100\n',
        ":2: weight: expected a finite number above 0, got '-1'",
        NO_ROW,
    ),
    csv_case(
        "a quote that is never closed, in a large file",
        f'{HEADER}ann,tea,1,100\nann,"milk,1,100\n' + "bob,tea,1,100\n" * 1_200_000,
        ":3: expected fields of at most 16777216 characters, got a longer one",
        "a quote that is never closed takes in the lines after it",
    ),
    csv_case(
        "text after a closing quote",
        f'{HEADER}ann,"green" tea,1,100\n',
        ":2: expected a comma or the end of the line after a closing quote, got other text",
        STRAY,
    ),
    *(
        csv_case(
            f"weight {weight!r}",
            f"{HEADER}ann,tea,1,100\n\nann,milk,{weight},100\n",
            f":4: weight: expected a finite number above 0, got {weight!r}",
            hint,
        )
        for hint, weights in [
            (NO_ROW, ["", "NaN", "NULL", "0", "0.0", "1e-999", "-1"]),
            (None, ["much", "inf", "1e999", "1_000", "0x10", "2kg", "\u0663"]),
            (SPACES, [" 1"]),
        ]
        for weight in weights
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
            hint,
        )
        for hint, times in [
            (NO_TIME, ["", "NaT", "NULL"]),
            (DECIMALS, ["12.5", "1e9", "1700000000.0"]),
            (SPACES, [" 100"]),
            (OTHER_TIMES, ["yesterday", "1_000", "2024-02-30T00:00:00Z", "01/02/2024 10:00"]),
            (OTHER_TIMES, ["2024-01-01T25:00:00Z", "2024-01-01 09:00.5", "9" * 50]),
        ]
        for time in times
    ),  # fmt: skip
    *(
        csv_case(
            f"timestamp {time!r}",
            f"{HEADER}ann,tea,1,{time}\n",
            f":2: timestamp: expected integer seconds or an RFC 3339 time, got {time!r}",
            ZONE,
        )
        for time in ["2024-01-01", "2024-01-01 09:00", "2024-01-01T00:00:00", "2024-01-01 00:00:00.5"]
    ),
    *(
        csv_case(
            f"timestamp in {unit}",
            f"{HEADER}ann,tea,1,{time}\n",
            f":2: timestamp: expected integer seconds or an RFC 3339 time, got '{time}'",
            "seconds of the years 1 to 9999 are expected; is this another unit, as milliseconds? "
            f"--timestamp-unit {option} reads {unit}",
        )
        for unit, option, time in [
            ("milliseconds", "ms", 1_600_000_000_000),
            ("nanoseconds", "ns", 1_600_000_000_000_000_000),
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
            ARRAY if value == "[1, null]" else None,
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
        OBJECTS,
    ),
    jsonl_case(
        "an object over several lines",
        '{\n"user_id": "ann", "item_id": "tea"}\n',
        ":1: expected a JSON object, "
        "got invalid JSON (expecting property name enclosed in double quotes at character 2)",
        OBJECTS,
    ),
    jsonl_case(
        "a dictionary of Python",
        "{'user_id': 'ann', 'item_id': 'tea'}\n",
        ":1: expected a JSON object, "
        "got invalid JSON (expecting property name enclosed in double quotes at character 2)",
        "strings stand in double quotes: python -c 'import ast, json, sys; "
        "[print(json.dumps(ast.literal_eval(line))) for line in sys.stdin]' < FILE > NEW",
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
        NO_ROW,
    ),
    *(
        jsonl_case(
            f"{value} as id",
            f'{GOOD_LINE}{{"user_id": "ann", "item_id": {value}, "timestamp": 100}}\n',
            f":2: item_id: expected a string, got {value}",
            NUMBER if value.startswith("7") else None,
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
        NO_ROW,
    ),
    *(
        jsonl_case(
            f"{value} as weight",
            f'{GOOD_LINE}{{"user_id": "ann", "item_id": "a", "weight": {value}, "timestamp": 1}}\n',
            f":2: weight: expected a finite number above 0, got {shown}",
            hint,
        )
        for value, shown, hint in [
            ('"2"', "'2'", NO_QUOTES), ('"2e999"', "'2e999'", None), ("true", "true", None), ("null", "null", NO_ROW),
            ("0", "0", NO_ROW), ("-0.5", "-0.5", NO_ROW), ("1e999", "Infinity", None), ("[1]", "[1]", None),
        ]
    ),  # fmt: skip
    *(
        jsonl_case(
            f"{value} literal",
            f'{GOOD_LINE}{{"user_id": "ann", "item_id": "tea", "weight": {value}}}\n',
            f":2: expected a JSON object, got {value}, which is not JSON",
            NOT_JSON,
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
        "a weight of too many digits",
        '{"user_id": "ann", "item_id": "tea", "weight": ' + "1" * 5000 + "}\n",
        ":1: weight: expected a finite number above 0, got Infinity",
    ),
    *(
        jsonl_case(
            f"{value} as timestamp",
            f'{{"user_id": "ann", "item_id": "tea", "timestamp": {value}}}\n',
            f":1: timestamp: expected integer seconds or an RFC 3339 time, got {shown}",
            hint,
        )
        for value, shown, hint in [
            ("1.5", "1.5", DECIMALS), ("true", "true", None), ("null", "null", NO_TIME), ('"soon"', "'soon'", OTHER_TIMES),
        ]
    ),  # fmt: skip
    jsonl_case(
        "histories",
        '{"user_id": "ann", "history": [{"item_id": "tea"}]}\n',
        ":1: item_id: expected a key of this name, got 'user_id', 'history'",
        "these are histories, a line for each user, which predict and show take as --histories; "
        "a table has a line for each row",
    ),
    jsonl_case(
        "lists",
        '{"user_id": "ann", "items": [{"item_id": "tea", "score": 1}]}\n',
        ":1: item_id: expected a key of this name, got 'user_id', 'items'",
        "these are lists as predict writes them, which evaluate, compare and show take",
    ),
    jsonl_case(
        "timestamp in milliseconds",
        '{"user_id": "ann", "item_id": "tea", "timestamp": 1600000000000}\n',
        ":1: timestamp: expected integer seconds or an RFC 3339 time, got 1600000000000",
        "seconds of the years 1 to 9999 are expected; is this another unit, as milliseconds? "
        "--timestamp-unit ms reads milliseconds",
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
    "similarity, weighting, num_neighbors, neighborhood, shrinkage, min_cooccurrence, heavy_users, "
    "aggregate, history_decay, popularity_half_life_days, popularity_reference_time"
)
CONFIG_CASES = [
    config_case(
        "unknown key",
        '{"shrink": 5}',
        f": expected one of {KEYS}, got the key 'shrink'",
        "did you mean shrinkage?",
    ),
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
        "did you mean k1?",
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
        ": heavy_users: expected one of keep, sample, latest, as jaccard counts whatever "
        "the weights, got down_weight",
        "--set heavy_users.name=sample leaves interactions of heavy users out of the counting",
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
        "did you mean cosine?",
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
        "--out-dir model/model makes one inside",
        {"model/notes.txt": "dear diary"},
    ),
    Case(
        "out-dir that is the folder of other files",
        "train --interactions interactions.csv --out-dir output",
        "output: expected a path that does not exist yet, got an existing one",
        "--out-dir output/model makes one inside",
        {"output/notes.txt": "dear diary"},
    ),
    Case(
        "--overwrite of a file",
        "train --interactions interactions.csv --out-dir truth.csv --overwrite",
        "truth.csv: expected a model directory to overwrite, got a file",
    ),
    Case(
        "--overwrite of a file with the name of a file of a model",
        f"{TRAIN} --out-dir config.json --overwrite",
        "config.json: expected a model directory to overwrite, got a file",
        None,
        {"config.json": "{}"},
    ),
    Case(
        "out-dir in a file",
        "train --interactions interactions.csv --out-dir interactions.csv/model",
        "interactions.csv/model: expected a folder to write to, got 'File exists'",
    ),
    Case(
        "out in a missing folder",
        "preprocess --interactions interactions.csv --out nowhere/clean.csv",
        "nowhere/clean.csv: expected a file to write to, got 'No such file or directory'",
        "there is no folder nowhere: mkdir -p nowhere",
    ),
    Case(
        "out is a folder that is not there",
        "preprocess --interactions interactions.csv --out nowhere/ --format csv",
        "nowhere/: expected a file to write to, got 'Is a directory'",
        "name a file in it",
    ),
    Case(
        "out is an address",
        "preprocess --interactions interactions.csv --out s3://shop/clean.csv",
        "s3://shop/clean.csv: expected a file to write to, got 'No such file or directory'",
        "only files of this machine are read and written: copy it, or mount what it is in",
    ),
    Case(
        "out is a directory",
        "preprocess --interactions interactions.csv --out model --format csv",
        "model: expected a file to write to, got 'Is a directory'",
        "name a file in it",
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
        "model/manifest.json: required_features: expected none but history_rule, history_order, "
        "item_attributes, decayed_popularity, "
        """which this version knows, got ["half_floats"]""",
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


CASES = [
    *FILE_CASES,
    *CSV_CASES,
    *JSONL_CASES,
    *GZIP_CASES,
    *CONFIG_CASES,
    *OUTPUT_CASES,
    *MODEL_CASES,
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gives_one_clear_error_and_writes_nothing(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


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
    assert files_of(folder / "new") == files_of(folder / "without")


def files_of(model: Path) -> dict[str, Any]:
    """Return the files that a model has, without the time of its making."""
    return {name: one for name, one in snapshot(model).items() if "provenance" not in str(name)}


def start(folder: Path, command: str, **options: Any) -> subprocess.Popen[bytes]:
    name, *arguments = shlex.split(command)
    return subprocess.Popen(
        [sys.executable, "-m", f"cli.{name}", *arguments],
        cwd=folder,
        env=ENVIRONMENT,
        # A test run in the background may ignore Ctrl-C.
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
            "mlcore.recommend.predict._write",
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
