"""Tables through the commands in Python and in Go: the same lists and words, or both refuse.

Where Go has no option for what the hint of Python names, its own hint is a command that converts.
"""

from __future__ import annotations

import gzip
import itertools
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcore.files.options import DELIMITERS
from tests.cli.cases import ENVIRONMENT, run, write
from tests.cli.test_bad_input import CSV_CASES, GZIP_CASES, JSONL_CASES
from tests.files.samples import NASTY_IDS, TIMESTAMPS, WAYS_TO_WRITE_IT

# For whom: the tables that predict takes, and what it does with them.
ROLES = {
    "users": "--users {} --unknown-user skip",
    "new users": "--users {} --unknown-user fill",
    "histories": "--histories {}",
    "include": "--all-users --include-items {}",
    "exclude": "--all-users --exclude-items {}",
    "pairs": "--all-users --include-pairs {}",
    "attributes": "--all-users --attributes {}",
}
Table = tuple[str, str | bytes]
ROWS = "user_id{0}item_id{0}weight{1}ann{0}tea{0}2{1}bob{0}milk{0}1.5{1}"
# What Go says in place of a hint at an option that it has not.
CONVERSIONS = {
    "--encoding names another": "iconv -f ",
    "--timezone UTC, or another": "python -m mlcore preprocess --timezone UTC, or another",
    " --timestamp-unit ": " python -m mlcore preprocess --timestamp-unit ",
}


def ways() -> Iterator[tuple[str, Table]]:
    yield from WAYS_TO_WRITE_IT.items()
    for case in (*CSV_CASES, *JSONL_CASES, *GZIP_CASES):
        ((name, content),) = case.files.items()
        yield case.name, (name, content)
    for delimiter, line_break in itertools.product(DELIMITERS, ["\n", "\r\n", "\r"]):
        text, way = ROWS.format(delimiter, line_break), f"{delimiter!r} {line_break!r}"
        sep = f"sep={delimiter}{line_break}{text}"
        yield f"plain {way}", ("a.csv", text)
        yield f"sep= {way}", ("a.csv", sep)
        yield f"byte order mark {way}", ("a.csv", f"\ufeff{text}")
        yield f"byte order mark and sep= {way}", ("a.csv", f"\ufeff{sep}")
        yield f"tsv {way}", ("a.TSV", text)
        yield f"gzip with zeros {way}", ("a.csv.gz", gzip.compress(text.encode()) + bytes(512))
        yield f"gzip of tsv {way}", ("a.tsv.GZ", gzip.compress(sep.encode()))
    for delimiter in DELIMITERS:
        yield f"no header {delimiter!r}", ("a.csv", f"1{delimiter}2{delimiter}3\n")
        names = delimiter.join(["userId", "movieId", "rating"])
        yield f"other names {delimiter!r}", ("a.csv", f"{names}\n1{delimiter}2{delimiter}3\n")
        comma = ROWS.format(delimiter, "\n").replace("1.5", "1,5")
        yield f"decimal comma {delimiter!r}", ("a.csv", comma)
    for time in [
        *(time for time, _ in TIMESTAMPS),
        *("2026-03-01", "2026-03-01 09:00:00", "2026-03-01T09:00:00.5", "2026-03-01 09:00:00 UTC"),
        *("2026-03-01 09:00", "2026-03-01T09:00Z", "2026-03-01 09:00+01", "2026-03-01 09:00.5Z"),
        *("2026-03-01 09:00:00+00", "2026-03-01 09:00:00.5 +0100", "2026-03-01T24:00:00Z"),
        *("1700000000000", "1700000000000000", "1700000000000000000", "9" * 30, "9" * 50),
        *("0000-01-01T00:00:00Z", "9999-12-31T23:59:59-01:00", "2026-02-29T00:00:00Z", "soon"),
        *("0001-01-01T00:00:00+01:00", "2026-03-01T09:00:00+24:00", "2026-03-01T09:00:00+0060"),
    ]:
        yield f"time {time}", ("a.csv", f"user_id,item_id,timestamp\nann,tea,{time}\n")
    for encoding in ("latin-1", "utf-16", "utf-16-le", "utf-8-sig"):
        text = "user_id,item_id\nann,tea\nbob,caf\u00e9\n"
        yield f"csv in {encoding}", ("a.csv", text.encode(encoding))
        line = '{"user_id": "ann", "item_id": "caf\u00e9"}\n'
        yield f"jsonl in {encoding}", ("a.jsonl", line.encode(encoding))
    ids = "".join('"{0}","{0}"\n'.format(id_.replace('"', '""')) for id_ in NASTY_IDS)
    yield "opaque ids", ("a.csv", f"user_id,item_id\n{ids}")
    for history in (
        '[{"item_id": "tea", "weight": 2}]',
        "[]",
        '[{"item_id": "x"}]',
        '[{"item_id": 7}]',
        '[{"item_id": "tea", "timestamp": "10.03.2026"}]',
    ):
        yield f"history {history}", ("a.NDJSON", f'{{"user_id": "s", "history": {history}}}\n')
    yield "interactions as JSON Lines", ("a.jsonl", '{"user_id": "ann", "item_id": "tea"}\n')
    yield "lists", ("a.jsonl", '{"user_id": "ann", "items": [{"item_id": "tea"}]}\n')
    for magic in (b"PK\x03\x04", b"BZh9", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd", b"PAR1"):
        yield f"not text {magic!r}", ("a.csv", magic + b"rest")
    for names in ("userId,itemId", "USER_ID,ITEM_ID", "user id,item id", "user_id , item_id "):
        yield f"called {names}", ("a.csv", f"{names}\nann,tea\n")
    for name in (
        "a.json",
        "a.txt",
        "a.csv.zip",
        "a.csv.bz2",
        "a.xz",
        "a.ZST",
        "a.xlsx",
        "a",
        "a.pq",
        "a.pkl",
    ):
        yield f"called {name}", (name, "user_id,item_id\nann,tea\n")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", [table for _, table in ways()], ids=[way for way, _ in ways()])
def test_a_table_gives_the_same_in_go_or_is_refused_by_both(
    table: Table,
    role: str,
    folder: Path,
    go_reader: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, content = table
    write(folder, {name: content})
    same_in_go(ROLES[role].format(name), go_reader, capsys)


@pytest.mark.parametrize(
    ("options", "content"),
    [
        ("--user-column u --item-column i --weight-column w", "u,i,w,weight\nann,tea,2,x\n"),
        ("--weight-column ratng", "user_id,item_id,rating\nann,tea,2\n"),
        ("--timestamp-column at", "user_id,item_id,at\nann,tea,7\nann,tea,8\n"),
        ("--timestamp-column at", "user_id,item_id,timestamp\nann,tea,7\n"),
        ("--item-column title", "user_id,item_id\nann,tea\n"),
        ("--delimiter |", "user_id,x|item_id\nann,y|tea\n"),
        ("", "user_id,item_id,rating,note\u2028,,seen\nann,tea,1,,,2\n"),
        ("--delimiter ,", "user_id;item_id\nann;tea\n"),
        ("--delimiter ::", "user_id\titem_id|x\nann\ttea|y\n"),
        ("--delimiter ;", "user_id,item_id,x\nann,tea,x\n"),
        ("", "sep=,\nuser_id;item_id\nann;tea\n"),
        ("--delimiter ; --no-header --columns user_id,item_id", "ann|tea\nbob|milk\n"),
        ("--delimiter tab", "user_id\titem_id\nann\ttea\n"),
        ("--delimiter ;", "sep=,\nuser_id;item_id\nann;tea\n"),
        ("--no-header --columns user_id,item_id,weight", "ann::tea::2\nbob::milk::1\n"),
        ("--no-header --columns user_id,,item_id", "ann,x,tea\n"),
        ("--no-header --columns user_id,item_id", "ann,tea,2\n"),
        ("--no-header --columns user_id,item_id", ""),
        ("--no-header --columns a,b", "ann,tea\n"),
        ("--no-header", "ann,tea\n"),
        ("--columns user_id,item_id", "ann,tea\n"),
    ],
)
@pytest.mark.parametrize("role", ROLES)
def test_the_options_of_tables_mean_the_same_in_go(
    options: str,
    content: str,
    role: str,
    folder: Path,
    go_reader: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(folder, {"a.csv": content})
    quoted = shlex.join(shlex.split(options, posix=False))
    same_in_go(f"{ROLES[role].format('a.csv')} {quoted}", go_reader, capsys)


def same_in_go(options: str, go_reader: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = f"predict --model-dir model --out out.jsonl {options}"
    out = Path("out.jsonl")
    out.unlink(missing_ok=True)
    status = run(command)
    said = "".join(capsys.readouterr()[::-1])
    lists = out.read_bytes() if out.exists() else None
    out.unlink(missing_ok=True)
    done = in_go(go_reader, command)
    go_lists = out.read_bytes() if out.exists() else None
    assert (done.returncode, go_lists) == (status, lists), done.stderr
    lines, go_lines = said.splitlines(), f"{done.stderr}{done.stdout}".splitlines()
    for option, conversion in CONVERSIONS.items():
        if lines[-1].startswith("hint: ") and option in lines[-1]:
            assert conversion in go_lines.pop()
            lines.pop()
            break
    assert go_lines == lines


def in_go(go_reader: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(go_reader), *shlex.split(command)], capture_output=True, text=True, timeout=60
    )


CONVERTED: dict[str, Table] = {
    "latin-1": ("a.csv", "user_id,item_id\nann,tea\nbob,caf\u00e9\n".encode("latin-1")),
    "utf-16": ("a.jsonl", '{"user_id": "ann", "item_id": "tea"}\n'.encode("utf-16")),
    "a folder of CSV": ("events/day=1/part-0.csv", "user_id,item_id\n007,tea\n"),
    "a folder of packed JSON Lines": (
        "events/part-0.json.gz",
        gzip.compress(b'{"user_id": "ann", "item_id": "tea"}\n'),
    ),
    "a pattern": ("part-*.csv", "user_id,item_id\nann,tea\n"),
}


@pytest.mark.duckdb
@pytest.mark.parametrize("way", [*CONVERTED, "Parquet", "a folder of Parquet"])
def test_what_only_python_reads_is_refused_with_a_command_that_converts_it(
    way: str, folder: Path, go_reader: Path
) -> None:
    name, content = CONVERTED.get(way, ("events/part-0.parquet", ""))
    write(folder, {name.replace("*", "0"): content})
    path = name.partition("/")[0]
    if "Parquet" in way:
        import duckdb

        duckdb.sql("SELECT 'ann' AS user_id, 'tea' AS item_id").write_parquet(name)
        path = "events" if "folder" in way else shutil.copy(name, "a.parquet")
    command = "predict --model-dir model --users {} --unknown-user fill --out out.jsonl"
    done = in_go(go_reader, command.format(path))
    assert done.returncode == 1
    hint = done.stderr.splitlines()[-1].removeprefix("hint: ")
    cure = re.sub(r" makes (one|it UTF-8).*", "", hint)
    target = re.findall(r"[\w-]+\.(?:csv|jsonl)\b", cure)[-1]
    path = os.pathsep.join([str(Path(sys.executable).parent), ENVIRONMENT["PATH"]])
    subprocess.run(cure, shell=True, check=True, env=ENVIRONMENT | {"PATH": path}, timeout=60)
    cured = in_go(go_reader, command.format(target))
    assert cured.returncode == 0, cured.stderr
    assert run(command.format(target)) == 0
