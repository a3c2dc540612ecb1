"""Lineage: lines that tell how files were made, and the questions they answer."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import warnings
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import mlcore.files.journal as journal
from cli.lineage import main
from mlcore.errors import DataError, DataWarning
from mlcore.warehouse.lineage import (
    FileFacts,
    Fingerprint,
    Dataset,
    LineageRecord,
    append,
    check,
    check_appendable,
    describe_file,
    find,
    find_root,
    read_lineage,
    recorded_name,
)
from mlcore.warehouse.lineage.git import changed_files, commits_of
from mlcore.warehouse.query import Value, parse_query
from mlcore.version import VERSION

ROOT = Path(__file__).parents[3]
LINEAGE = Path("sql/lineage.jsonl")
NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two queries, in no repository."""
    work = (tmp_path / "work").resolve()
    (work / "sql").mkdir(parents=True)
    monkeypatch.chdir(work)
    # Whatever stands above the folder of the tests and in the settings of who runs them.
    for name, value in {
        "GIT_CEILING_DIRECTORIES": str(work.parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{
            f"GIT_{who}_{what}": "a@b"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }.items():
        monkeypatch.setenv(name, value)
    write_query("one")
    write_query("two")
    return work


@pytest.fixture
def repository(folder: Path) -> Path:
    """The folder as a repository, all committed."""
    git("init", "--quiet", "--initial-branch=main")
    commit_all()
    return folder


def git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit_all() -> str:
    git("add", "--all")
    git("commit", "--quiet", "--message=all")
    return git("rev-parse", "HEAD")


def write_query(name: str, more: str = "") -> Path:
    path = Path(f"sql/{name}.sql")
    path.write_text(f"-- {name}: n.\n-- writes: {name}(n INT64)\nSELECT 1 AS n{more}\n", "utf-8")
    return path


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def record_of(
    query: str | Path = "one",
    inputs: Mapping[str, str | None] = {},
    output: str = "made.csv",
    *,
    content: str | None = "n\n1\n",
    lineage: str | Path = LINEAGE,
    engine: str = "duckdb",
    statistics: Mapping[str, Value] = {},
) -> LineageRecord:
    """The record of a run; inputs and output are files by content, or stored tables for None."""
    path = query if isinstance(query, Path) else Path(f"sql/{query}.sql")
    return LineageRecord.of_run(
        query=parse_query(path, path.read_bytes()),
        values={"k": 50, "salt": "s"},
        engine_name=engine,
        engine_version="2.0.0",
        inputs=[
            (
                Dataset.of_stored(name, ["n"], table="t")
                if text is None
                else Dataset.of_file(name, "csv", facts_of(text), ["n"], 1, table="t")
            )
            for name, text in inputs.items()
        ],
        output=(
            Dataset.of_stored(output, ["n"], 1)
            if content is None
            else Dataset.of_file(output, "csv", facts_of(content), ["n"], 1)
        ),
        statistics=statistics,
        lineage_path=lineage,
        created_at=NOON,
    )


def facts_of(text: str) -> FileFacts:
    return FileFacts(len(text.encode()), sha256(text))


def lines_of(path: Path = LINEAGE) -> list[str]:
    return path.read_text("utf-8").splitlines()


# --- one line ---

# Written by hand, each value by the rule of its key.
LINE = (
    '{"query": "sql/one.sql", "query_sha256": "' + "0" * 64 + '", "commit": "' + "a" * 40 + '", '
    '"committed": true, "dirty": false, "engine": "duckdb", "engine_version": "2.0.0", '
    '"params": {"k": 50, "salt": "é\\"", "share": 0.25, "all": true}, '
    '"inputs": [{"table": "events", "file": "data/events.csv.gz", "stored": null, "format": "csv", '
    '"rows": 3, "bytes": 24, "sha256": "' + "1" * 64 + '", "columns": ["user_id", "item_id"]}, '
    '{"table": "items", "file": null, "stored": "shop.items", "format": null, "rows": null, '
    '"bytes": null, "sha256": null, "columns": ["item_id"]}], '
    '"output": {"file": "clean.jsonl", "stored": null, "format": "jsonl", "rows": 2, "bytes": 60, '
    '"sha256": "' + "2" * 64 + '", "columns": ["user_id"]}, '
    '"statistics": {"seconds": 0.5}, "created_at": "2026-11-21T12:00:00Z", "tool": "mlcore 0.2.0"}'
)
RECORD = LineageRecord(
    query="sql/one.sql",
    query_sha256="0" * 64,
    commit="a" * 40,
    committed=True,
    dirty=False,
    engine="duckdb",
    engine_version="2.0.0",
    params={"k": 50, "salt": 'é"', "share": 0.25, "all": True},
    inputs=(
        Dataset(
            "events", "data/events.csv.gz", None, "csv", 3, 24, "1" * 64, ("user_id", "item_id")
        ),
        Dataset("items", None, "shop.items", None, None, None, None, ("item_id",)),
    ),
    output=Dataset(None, "clean.jsonl", None, "jsonl", 2, 60, "2" * 64, ("user_id",)),
    statistics={"seconds": 0.5},
    created_at="2026-11-21T12:00:00Z",
    tool="mlcore 0.2.0",
)


def test_a_record_is_this_line_and_back() -> None:
    assert RECORD.to_line() == LINE
    assert LineageRecord.from_line(LINE, "") == RECORD
    assert list(json.loads(LINE)) == list(RECORD.__dataclass_fields__)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
COUNTS = st.integers(0, 2**62)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
# A greater float is written as an integer of other last digits, which is the same float.
FLOATS = st.floats(-(2.0**53), 2.0**53)
VALUES = st.dictionaries(TEXTS, TEXTS | st.integers(-(2**63), 2**63) | FLOATS | st.booleans())
OF_DATASETS: dict[str, Any] = {
    "file": st.none() | TEXTS,
    "stored": st.none() | TEXTS,
    "format": st.none() | TEXTS,
    "bytes": st.none() | COUNTS,
    "sha256": st.none() | DIGESTS,
    "columns": st.lists(TEXTS, max_size=3).map(tuple),
}
INPUTS = st.builds(Dataset, table=TEXTS, rows=st.none() | COUNTS, **OF_DATASETS)
OUTPUTS = st.builds(Dataset, table=st.none(), rows=COUNTS, **OF_DATASETS)
RECORDS = st.builds(
    LineageRecord,
    query=TEXTS,
    query_sha256=DIGESTS,
    commit=st.none() | DIGESTS,
    committed=st.none() | st.booleans(),
    dirty=st.none() | st.booleans(),
    engine=TEXTS,
    engine_version=TEXTS,
    params=VALUES,
    inputs=st.lists(INPUTS, max_size=2).map(tuple),
    output=OUTPUTS,
    statistics=VALUES,
    created_at=st.just("2026-11-21T12:00:00Z"),
    tool=TEXTS,
)


@given(RECORDS)
def test_any_record_comes_back_from_one_line(record: LineageRecord) -> None:
    line = record.to_line()
    assert "\n" not in line
    assert LineageRecord.from_line(line, "") == record
    assert json.loads(line)["params"] == record.params


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"query": "sql/one.sql"', '"query": ""', "query: expected a text, got ''"),
        ("0" * 64, "0" * 63, "query_sha256: expected a SHA-256 in hexadecimal, got '000"),
        ("a" * 40, "A" * 40, "commit: expected the id of a commit or null, got 'AAA"),
        ('"dirty": false', '"dirty": 0', "dirty: expected true or false or null, got 0"),
        ('"rows": 3', '"rows": -1', "inputs: rows: expected an integer >= 0 or null, got -1"),
        ('"rows": 2', '"rows": null', "output: rows: expected an integer >= 0, got null"),
        ('"rows": 2', '"rows": true', "output: rows: expected an integer >= 0, got true"),
        ('["user_id"]', "[1]", "output: columns: expected a list of texts, got [1]"),
        ('{"seconds": 0.5}', '{"a": []}', "statistics: expected an object of texts, numbers, "),
        ("12:00:00Z", "12:00:00", "created_at: expected a time such as 2026-01-31T12:00:00Z, got"),
        ('"dirty": false, ', "", "expected an object with query, query_sha256, commit, "),
        ('"tool"', '"more": 1, "tool"', "expected an object with query, query_sha256, commit, "),
        ('{"query"', '["query"', "expected a record of a run, got invalid JSON (expecting"),
        (
            '{"table": "items"',
            '7, {"table": "items"',
            "inputs: expected an object with table, file",
        ),
    ],
)
def test_a_line_that_breaks_a_rule_is_refused(old: str, new: str, complaint: str) -> None:
    assert old in LINE
    with pytest.raises(DataError) as caught:
        LineageRecord.from_line(LINE.replace(old, new, 1), "log.jsonl:7")
    assert str(caught.value).startswith(f"log.jsonl:7: {complaint}")


def test_numbers_of_numpy_are_numbers_and_what_json_lacks_is_left_out(folder: Path) -> None:
    statistics: dict[str, Any] = {
        "rows": np.int64(7),
        "seconds": np.float64(0.5),
        "ratio": float("nan"),
        "cached": False,
        "job": "a-1",
    }
    record = record_of(statistics=statistics)
    assert record.statistics == {"rows": 7, "seconds": 0.5, "cached": False, "job": "a-1"}
    assert LineageRecord.from_line(record.to_line(), "") == record


def test_the_moment_is_in_utc(folder: Path) -> None:
    path = Path("sql/one.sql")
    run: dict[str, Any] = {
        "query": parse_query(path, path.read_bytes()),
        "values": {},
        "engine_name": "duckdb",
        "engine_version": "2.0.0",
        "inputs": [],
        "output": Dataset.of_stored("t", ["n"], 1),
        "statistics": {},
        "lineage_path": LINEAGE,
    }
    east = datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))
    record = LineageRecord.of_run(**run, created_at=east)
    assert (record.created_at, record.tool) == ("2025-12-31T23:00:00Z", f"mlcore {VERSION}")
    now = LineageRecord.of_run(**run).created_at
    since = datetime.now(timezone.utc) - datetime.fromisoformat(now)
    assert timedelta(0) <= since < timedelta(minutes=5)


# --- names: no absolute paths, no credentials ---


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("data/a.csv", "data/a.csv"),
        ("./data/../a.csv", "a.csv"),
        ("../a.csv", "a.csv"),
        ("data/part-*.parquet", "data/part-*.parquet"),
        ("-", "-"),
        ("/elsewhere/of/ann/a.csv", "a.csv"),
        ("C:\\Users\\ann\\a.csv", "a.csv"),
        ("C://Users/ann/a.csv", "a.csv"),  # a drive is no scheme
        ("file:///elsewhere/of/ann/a%20b.csv", "a b.csv"),
        ("gs://bucket/a/part-*.jsonl.gz", "gs://bucket/a/part-*.jsonl.gz"),
        ("s3://bucket/a@1.csv", "s3://bucket/a@1.csv"),
        ("https://ann:secret@host:443/a.csv?sig=secret#secret", "https://host:443/a.csv"),
        ("https://ann@host/a.csv", "https://host/a.csv"),
        ("https://[::1]:80/a.csv", "https://[::1]:80/a.csv"),
        ("s3n://KEY:sec/ret@bucket/a.csv", "s3n://bucket/a.csv"),
        ("s3n://KEY:secret", "s3n://"),
        ("jdbc:postgresql://ann:secret@host:5432/db", "jdbc:postgresql://host:5432/db"),
    ],
)
def test_a_name_is_relative_and_without_secrets(place: str, name: str, folder: Path) -> None:
    assert recorded_name(place, folder) == name


def test_a_path_by_way_of_a_link_is_the_path_of_the_folder(folder: Path) -> None:
    (folder.parent / "link").symlink_to(folder)
    (folder / "a.csv").symlink_to(folder.parent / "stored-elsewhere.csv")
    assert recorded_name(folder.parent / "link/data/a.csv", folder) == "data/a.csv"
    assert recorded_name("a.csv", folder) == "a.csv"


def test_a_name_that_is_not_utf_8_can_be_written(folder: Path) -> None:
    name = recorded_name(os.fsdecode(b"caf\xe9.csv"), folder)
    assert name == "caf\\udce9.csv"
    append(LINEAGE, record_of(output=os.fsdecode(b"caf\xe9.csv")))
    assert read_lineage(LINEAGE)[0].output.file == name


WORDS = st.text("abcxyz019._-", min_size=1, max_size=6).filter(lambda word: word.strip("."))
SECRETS = st.text("abcxyz019./_-+=%", max_size=6).map(lambda text: f"SECRET{text}")


@given(
    folders=st.lists(WORDS, min_size=1, max_size=3),
    host=WORDS,
    path=st.lists(WORDS, min_size=1, max_size=3),
    secret=SECRETS,
    kind=st.sampled_from(["path", "file", "user", "password", "query", "fragment"]),
)
def test_no_line_has_an_absolute_path_or_a_secret(
    folders: list[str], host: str, path: list[str], secret: str, kind: str
) -> None:
    # Any of the folders may be called after a person.
    absolute = "/".join(["", *(f"PERSON{word}" for word in folders), "name.csv"])
    uri = f"{host}/{'/'.join(path)}"
    place = {
        "path": absolute,
        "file": f"file://{absolute}",
        "user": f"gs://{secret.replace('/', '')}@{uri}",
        "password": f"s3://KEY:{secret}@{uri}",
        "query": f"https://{uri}?token={secret}",
        "fragment": f"https://{uri}#{secret}",
    }[kind]
    record = LineageRecord.of_run(
        query=parse_query(
            Path(f"{absolute.removesuffix('.csv')}.sql"), b"-- name: n.\n-- writes: t(n INT64)\n"
        ),
        values={},
        engine_name="duckdb",
        engine_version="2.0.0",
        inputs=[
            Dataset.of_file(place, "csv", None, ["n"], table="a"),
            Dataset.of_stored(place, ["n"], table="b"),
        ],
        output=Dataset.of_file(place, "csv", facts_of(""), ["n"], 0),
        statistics={"source": place},
        # In no repository and no folder of the names above.
        lineage_path=Path(os.sep) / "no-such-folder/lineage.jsonl",
    )
    line = record.to_line()
    assert "SECRET" not in line and "KEY" not in line and "PERSON" not in line
    last = "name.csv" if kind in ("path", "file") else path[-1]
    assert record.output.file is not None and record.output.file.endswith(last)
    assert record.query == "name.sql"


# --- what files hold ---


def test_a_digest_is_of_what_is_packed_not_of_the_package(folder: Path) -> None:
    text = "user_id,item_id\na,é\n" * 1000
    Path("a.csv").write_text(text, "utf-8")
    Path("a.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=1))
    Path("b.csv.gz").write_bytes(gzip.compress(text.encode(), 1, mtime=2))
    fingerprint = Fingerprint()
    fingerprint.update(text[:7])
    fingerprint.update(text[7:].encode())
    expected = FileFacts(len(text.encode()), hashlib.sha256(text.encode()).hexdigest())
    for facts in (*map(describe_file, ("a.csv", "a.csv.gz", "b.csv.gz")), fingerprint.facts()):
        assert facts == expected


def test_a_folder_is_described_by_its_files(folder: Path) -> None:
    for name in ("part-1.parquet", "deep/part-0.parquet", "_SUCCESS", ".part-1.parquet.crc"):
        path = Path("data", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, "utf-8")
    names = ["deep/part-0.parquet", "part-1.parquet"]
    listing = "".join(f"{sha256(name)}  {name}\n" for name in names)
    facts = FileFacts(sum(map(len, names)), sha256(listing))
    assert describe_file("data") == facts
    assert describe_file("data/**/part-*.parquet") == facts
    Path("data").rename("other")
    assert describe_file(folder / "other") == facts
    one = f"{sha256('part-1.parquet')}  part-1.parquet\n"
    assert describe_file("other/*.parquet").sha256 == sha256(one)


def test_a_name_with_a_bracket_is_no_pattern_if_the_file_is_there(folder: Path) -> None:
    Path("a[1].csv").write_text("n\n", "utf-8")
    assert describe_file("a[1].csv") == facts_of("n\n")


@pytest.mark.parametrize(
    ("place", "complaint"),
    [
        ("none.csv", "none.csv: expected a readable file, got 'No such file or directory'"),
        ("none-*.csv", "none-*.csv: expected files, got none"),
        ("short.gz", "short.gz: expected a whole gzip file, got one that ends too early"),
        ("bad.gz", "bad.gz: expected a whole gzip file, got a damaged one"),
    ],
)
def test_what_cannot_be_read_is_named(place: str, complaint: str, folder: Path) -> None:
    packed = gzip.compress(b"user_id\n" * 100)
    Path("short.gz").write_bytes(packed[:-9])
    Path("bad.gz").write_bytes(packed[:-5] + bytes([packed[-5] ^ 1]) + packed[-4:])
    with pytest.raises(DataError) as caught:
        describe_file(place)
    assert str(caught.value) == complaint


# --- the file of lines ---


def test_lines_follow_one_another(folder: Path) -> None:
    records = [record_of(output=f"{name}.csv") for name in "abc"]
    for record in records:
        append(LINEAGE, record)
    assert read_lineage(LINEAGE) == records
    assert LINEAGE.read_bytes() == "".join(f"{one.to_line()}\n" for one in records).encode()


def test_processes_at_the_same_time_lose_no_line(folder: Path) -> None:
    code = (
        "import sys\nfrom dataclasses import replace\nfrom mlcore.warehouse.lineage import *\n"
        "record = LineageRecord.from_line(sys.stdin.readline(), '')\n"
        "for number in range(50):\n"
        "    append('log.jsonl', replace(record, tool=f'{sys.argv[1]} {number}', query='q' * 9999))\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(index)],
            stdin=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            text=True,
        )
        for index in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(f"{LINE}\n")
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0] * 4
    tools = [record.tool for record in read_lineage("log.jsonl")]
    assert sorted(tools) == sorted(
        f"{index} {number}" for index in range(4) for number in range(50)
    )
    for index in range(4):
        own = [tool for tool in tools if tool.startswith(f"{index} ")]
        assert own == [f"{index} {number}" for number in range(50)]


@pytest.mark.parametrize("kept", [1, 40, len(LINE) - 1])
def test_what_a_crash_left_of_a_line_is_removed(kept: int, folder: Path) -> None:
    append(LINEAGE, RECORD)
    whole = LINEAGE.read_bytes()
    LINEAGE.write_bytes(whole + LINE.encode()[:kept])
    with pytest.warns(DataWarning, match="ignored a last line that was not written to its end"):
        assert read_lineage(LINEAGE) == [RECORD]
    with pytest.warns(DataWarning, match="removed a last line that was not written to its end"):
        append(LINEAGE, record_of())
    assert LINEAGE.read_bytes() == whole + record_of().to_line().encode() + b"\n"


def test_a_part_of_a_line_that_ends_within_a_character_is_removed(folder: Path) -> None:
    LINEAGE.write_bytes(LINE.encode()[: LINE.encode().index(b"\xc3") + 1])
    with pytest.warns(DataWarning, match="removed"):
        append(LINEAGE, RECORD)
    assert read_lineage(LINEAGE) == [RECORD]


def test_a_line_that_lacks_only_its_line_feed_stays(folder: Path) -> None:
    LINEAGE.write_text(LINE, "utf-8")
    assert read_lineage(LINEAGE) == [RECORD]
    append(LINEAGE, record_of())
    assert lines_of() == [LINE, record_of().to_line()]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("before", [b"", LINE.encode() + b"\n"])
def test_a_line_that_does_not_reach_the_disk_is_taken_back(
    error: BaseException, before: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(descriptor: int) -> None:
        assert os.fstat(descriptor).st_size > len(before)  # the line was on its way
        raise error

    LINEAGE.write_bytes(before)
    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises((DataError, KeyboardInterrupt)) as caught:
        append(LINEAGE, RECORD)
    assert LINEAGE.read_bytes() == before
    if isinstance(error, OSError):
        complaint = f"{LINEAGE}: expected room to write, got 'No space left'"
        assert str(caught.value) == complaint


def test_a_line_goes_into_the_file_that_took_the_place_of_the_one_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(LINEAGE, RECORD)
    lock = journal._lock

    def replace_first(stream: Any, wait: bool) -> None:
        if not Path("old.jsonl").exists():
            LINEAGE.rename("old.jsonl")
            LINEAGE.write_text("", "utf-8")
        lock(stream, wait)

    monkeypatch.setattr(journal, "_lock", replace_first)
    append(LINEAGE, RECORD)
    assert lines_of() == [LINE] and lines_of(Path("old.jsonl")) == [LINE]


def test_a_line_waits_for_the_one_before(folder: Path) -> None:
    pytest.importorskip("fcntl")
    second = threading.Thread(target=append, args=(LINEAGE, RECORD))
    with journal.open_journal(LINEAGE) as opened:
        second.start()
        second.join(0.2)
        assert second.is_alive()
        opened.append(LINE)
    second.join(60)
    assert lines_of() == [LINE, LINE]


@pytest.mark.parametrize("number", [1, 2])
def test_a_bad_line_is_named(number: int, folder: Path) -> None:
    lines = [LINE, LINE, LINE]
    lines[number - 1] = "<<<<<<< HEAD"
    LINEAGE.write_text("\n".join(lines) + "\n", "utf-8")
    with pytest.raises(DataError, match=f"^{LINEAGE}:{number}: expected a record of a run, got "):
        read_lineage(LINEAGE)
    with pytest.raises(DataError, match=f"^{LINEAGE}:{number}: expected a record of a run, got "):
        check_appendable(LINEAGE)


def test_a_lineage_that_can_take_a_line_is_left_as_it_is(folder: Path) -> None:
    check_appendable(LINEAGE)
    assert not LINEAGE.exists()
    append(LINEAGE, RECORD)
    check_appendable(LINEAGE)
    assert lines_of() == [LINE]


def test_a_lineage_that_cannot_take_a_line_is_refused_before_the_work(folder: Path) -> None:
    with pytest.raises(DataError, match="none/log.jsonl: expected a folder to write to, got none"):
        check_appendable("none/log.jsonl")
    for path in ("sql", os.devnull):
        with pytest.raises(DataError, match=f"^{path}: expected a file, got something else"):
            check_appendable(path)
        with pytest.raises(DataError, match=f"^{path}: expected a file"):
            append(path, RECORD)


# --- what git says ---


def test_without_a_repository_there_is_no_commit(folder: Path) -> None:
    record = record_of(inputs={"sql/in.csv": ""}, output="made.csv")
    assert (record.commit, record.committed, record.dirty) == (None, None, None)
    # Relative to the folder of the lineage; what lies elsewhere goes by its name.
    assert (record.query, record.inputs[0].file, record.output.file) == (
        "one.sql",
        "in.csv",
        "made.csv",
    )
    assert find_root(LINEAGE) == folder / "sql"


def test_without_git_there_is_no_commit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    assert record_of().commit is None
    append(LINEAGE, record_of())
    assert check(read_lineage(LINEAGE), find_root(LINEAGE)).faults == ()


@needs_git
def test_a_committed_query_has_its_commit(repository: Path) -> None:
    record = record_of(inputs={"data/in.csv": ""})
    assert record.commit == git("rev-parse", "HEAD")
    assert (record.committed, record.dirty) == (True, False)
    assert (record.query, record.inputs[0].file) == ("sql/one.sql", "data/in.csv")
    assert record.query_sha256 == hashlib.sha256(Path("sql/one.sql").read_bytes()).hexdigest()


@needs_git
def test_names_do_not_depend_on_the_folder_of_the_command(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = record_of(output="made.csv")
    monkeypatch.chdir("sql")
    path = repository / "sql/one.sql"
    assert record_of(path, output="../made.csv", lineage="lineage.jsonl") == record


@needs_git
@pytest.mark.parametrize(
    ("change", "committed", "dirty"),
    [
        ("nothing", True, False),
        ("query", False, True),
        ("other", True, True),
        ("staged", True, True),
        ("deleted", True, True),
        ("untracked", True, False),
        ("touched", True, False),
        ("own", True, False),
    ],
)
def test_a_record_tells_whether_query_and_tree_were_as_committed(
    change: str, committed: bool, dirty: bool, repository: Path
) -> None:
    for name in ("in.csv", "made.csv"):
        Path(name).write_text("n\n", "utf-8")
    append(LINEAGE, record_of(inputs={"in.csv": "n\n"}))
    commit_all()
    if change == "query":
        write_query("one", "  -- changed")
    elif change in ("other", "staged"):
        write_query("two", "  -- changed")
    elif change == "deleted":
        Path("sql/two.sql").unlink()
    elif change == "untracked":
        Path("notes.txt").write_text("mine", "utf-8")
    elif change == "touched":  # git would like to note in its index that it looked
        os.utime("sql/two.sql", (0, 0))
    elif change == "own":  # each has its digest in the line, or is the lineage itself
        for name in ("in.csv", "made.csv"):
            Path(name).write_text("n\n1\n", "utf-8")
        append(LINEAGE, RECORD)
    if change == "staged":
        git("add", "--all")
    index = Path(".git/index").read_bytes()
    record = record_of(inputs={"in.csv": "n\n1\n"})
    assert (record.committed, record.dirty) == (committed, dirty)
    assert Path(".git/index").read_bytes() == index


@needs_git
def test_names_that_git_reads_in_another_way_are_names(repository: Path) -> None:
    assert changed_files(repository) == set()
    git("mv", "sql/two.sql", ":(top)é x")  # a rename; a pattern; quoted where people read it
    assert changed_files(repository) == {"sql/two.sql", ":(top)é x"}
    commit = commit_all()
    assert commits_of(repository, ":(top)é x") == [commit]


@needs_git
def test_a_repository_without_a_commit_has_none(folder: Path) -> None:
    git("init", "--quiet")
    assert (record_of().commit, record_of().query) == (None, "sql/one.sql")


@needs_git
def test_a_query_of_elsewhere_is_not_in_the_commit(repository: Path) -> None:
    path = repository.parent / "one.sql"
    shutil.copy("sql/one.sql", path)
    record = record_of(path)
    assert (record.query, record.committed, record.dirty) == ("one.sql", False, False)


@needs_git
def test_the_repository_of_a_hook_is_not_taken_for_that_of_the_folder(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git("rev-parse", "HEAD")
    other = repository.parent / "other"
    git("init", "--quiet", str(other))
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert record_of().commit == commit


# --- what made this file ---


def made(path: str, text: str, query: str = "one", inputs: Mapping[str, str | None] = {}) -> None:
    """A file, and the line of the run that made it."""
    Path(path).write_text(text, "utf-8")
    append(LINEAGE, record_of(query, inputs, path, content=text))


def ask(path: str) -> Any:
    return find(path, read_lineage(LINEAGE), find_root(LINEAGE))


@pytest.fixture
def chain(folder: Path) -> Path:
    """a.csv -> b.csv -> c.csv -> d.csv, by three runs."""
    made("b.csv", "b\n", "one", {"a.csv": "a\n"})
    made("c.csv", "c\n", "two", {"b.csv": "b\n"})
    made("d.csv", "d\n", "one", {"c.csv": "c\n"})
    return folder


def test_a_chain_of_three_runs_is_followed_to_its_beginning(chain: Path) -> None:
    answer = ask("d.csv")
    assert (answer.state, answer.facts) == ("known", facts_of("d\n"))
    assert [(step.line, step.made_by) for step in answer.steps] == [
        (3, (2,)),
        (2, (1,)),
        (1, (None,)),
    ]
    assert [step.record.query for step in answer.steps] == ["one.sql", "two.sql", "one.sql"]
    assert [step.line for step in ask("b.csv").steps] == [1]


def test_a_file_is_known_by_its_content(chain: Path) -> None:
    Path("d.csv").rename("renamed.txt")
    Path("d.csv.gz").write_bytes(gzip.compress(b"d\n"))
    for name in ("renamed.txt", "d.csv.gz"):
        assert [step.line for step in ask(name).steps] == [3, 2, 1]


def test_a_file_with_other_content_has_changed_since(chain: Path) -> None:
    made("d.csv", "new\n", "one", {"c.csv": "c\n"})
    Path("d.csv").write_text("d\n \n", "utf-8")
    answer = ask("d.csv")
    assert (answer.state, answer.facts) == ("changed", facts_of("d\n \n"))
    assert answer.steps[0].line == 4


def test_a_file_that_no_query_made_is_not_known(chain: Path) -> None:
    Path("a.csv").write_text("a\n", "utf-8")  # which was read, but not made
    answer = ask("a.csv")
    assert (answer.state, answer.steps) == ("unknown", ())


def test_of_runs_with_equal_results_the_newest_of_this_name_counts(folder: Path) -> None:
    made("x.csv", "n\n")
    made("x.csv", "n\n", "two")
    made("y.csv", "n\n")
    assert [ask(name).steps[0].line for name in ("x.csv", "y.csv")] == [2, 3]
    Path("x.csv").rename("z.csv")
    assert ask("z.csv").steps[0].line == 3


def test_a_run_that_changed_nothing_has_an_end(folder: Path) -> None:
    made("x.csv", "n\n", "one", {"a.csv": "a\n"})
    made("x.csv", "n\n", "two", {"x.csv": "n\n"})
    made("x.csv", "n\n", "two", {"x.csv": "n\n"})
    assert [(step.line, step.made_by) for step in ask("x.csv").steps] == [
        (3, (2,)),
        (2, (1,)),
        (1, (None,)),
    ]


def test_each_run_is_looked_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(8):  # each day reads two copies of the day before: 2^8 ways to the first
        made(f"{day + 1}.csv", f"{day + 1}", "one", {f"{day}.csv": f"{day}", "copy.csv": f"{day}"})
    looked: list[str | None] = []

    def look(record: LineageRecord, root: Path) -> str:
        looked.append(record.output.file)
        return "same"

    monkeypatch.setattr("mlcore.warehouse.lineage.answers._query_state", look)
    assert [step.line for step in ask("8.csv").steps] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert looked == [f"{day}.csv" for day in (8, 7, 6, 5, 4, 3, 2, 1)]


def test_standard_input_and_output_have_no_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(LINEAGE, record_of(inputs={"-": "a\n"}, output="-", content="b\n"))
    made("c.csv", "c\n", "two", {"b.csv": "b\n"})
    assert [step.line for step in ask("c.csv").steps] == [2, 1]
    for text, state in (("b\n", "known"), ("x\n", "unknown")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert ask("-").state == state


def test_tables_of_an_engine_are_followed_by_their_name(folder: Path) -> None:
    append(LINEAGE, record_of("one", {"a.csv": "a\n"}, "shop.clean", content=None))
    append(LINEAGE, record_of("one", {}, "shop.clean", content=None, engine="spark"))
    made("b.csv", "b\n", "two", {"shop.clean": None, "shop.items": None})
    answer = ask("b.csv")
    assert [(step.line, step.made_by) for step in answer.steps] == [(3, (1, None)), (1, (None,))]


def test_a_query_that_changed_is_told(chain: Path) -> None:
    assert [step.query_state for step in ask("d.csv").steps] == ["same"] * 3
    write_query("one", "  -- changed")
    Path("sql/two.sql").unlink()
    assert [step.query_state for step in ask("d.csv").steps] == ["changed", "missing", "changed"]


# --- the lineage as a whole ---


def report() -> Any:
    return check(read_lineage(LINEAGE), find_root(LINEAGE))


@needs_git
def test_a_lineage_whose_queries_stand_as_they_were_has_no_fault(repository: Path) -> None:
    made("a.csv", "a\n")
    made("b.csv", "b\n", "two", {"a.csv": "a\n"})
    assert report() == check([], repository)


@needs_git
@pytest.mark.parametrize("change", ["changed", "gone"])
def test_a_query_of_the_past_is_found_in_the_history(change: str, repository: Path) -> None:
    made("a.csv", "a\n")
    made("a.csv", "a\n")
    if change == "gone":
        Path("sql/one.sql").rename("sql/three.sql")
    else:
        write_query("one", "  -- changed")
    commit_all()
    verb = "is gone" if change == "gone" else "has changed"
    assert report().faults == ()
    # Told once, of the run that made the file as it is.
    assert report().notes == ((2, f"sql/one.sql {verb} since it made a.csv"),)


@needs_git
def test_a_query_that_was_committed_after_its_run_is_found(repository: Path) -> None:
    write_query("one", "  -- changed")
    made("a.csv", "a\n")
    assert read_lineage(LINEAGE)[0].committed is False
    commit_all()
    write_query("one", "  -- changed again")
    commit_all()
    git("checkout", "--quiet", "--detach")  # a commit on no branch
    write_query("one", "  -- and again")
    made("b.csv", "b\n")
    commit_all()
    write_query("one")
    commit_all()
    assert report().faults == ()
    assert [line for line, _ in report().notes] == [1, 2]


@needs_git
def test_a_query_is_found_in_a_commit_that_no_branch_has_any_more(repository: Path) -> None:
    made("a.csv", "a\n")
    write_query("one", "  -- changed")
    git("commit", "--quiet", "--all", "--amend", "--message=other")
    assert git("rev-list", "--all", "--count") == "1"
    assert report().faults == ()
    assert [line for line, _ in report().notes] == [1]


@needs_git
def test_a_query_that_was_never_committed_is_a_fault_of_the_newest_run(repository: Path) -> None:
    texts = [write_query("one", f"  -- {number}").read_text() for number in range(2)]
    for text in texts:
        Path("sql/one.sql").write_text(text, "utf-8")
        made("a.csv", text)
    write_query("one")
    commit_all()
    message = (
        "query: expected sql/one.sql with sha256 {} in the repository or its history, got none"
    )
    assert report().notes == ((1, message.format(sha256(texts[0]))),)
    assert report().faults == ((2, message.format(sha256(texts[1]))),)


@needs_git
@pytest.mark.parametrize("name", ["sql/one.sql", "sql/none.sql"])
def test_a_line_that_names_the_wrong_commit_is_a_fault(name: str, repository: Path) -> None:
    text = write_query("one", "  -- changed").read_text()
    made("a.csv", "a\n")
    (record,) = read_lineage(LINEAGE)
    false = replace(record, committed=True, query=name)
    LINEAGE.write_text(f"{false.to_line()}\n", "utf-8")
    was = hashlib.sha256(git("show", "HEAD:sql/one.sql").encode() + b"\n").hexdigest()
    got = f"sha256 {was}" if name == "sql/one.sql" else "no such file"
    assert report().faults == (
        (
            1,
            f"query: expected {name} with sha256 {sha256(text)} in commit {record.commit}, got {got}",
        ),
    )


@needs_git
def test_a_shallow_clone_takes_nobody_at_their_word_and_blames_nobody(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made("a.csv", "a\n")
    made("b.csv", "b\n", "two")
    write_query("one", "  -- changed")
    commit_all()
    clone = repository.parent / "clone"
    git("clone", "--quiet", "--depth=1", f"file://{repository}", str(clone))
    monkeypatch.chdir(clone)
    assert find("b.csv", read_lineage(LINEAGE), clone).state == "known"
    assert report().faults == ()
    ((line, text),) = report().notes
    assert line == 1 and text.endswith(
        "in the repository or its history, got a history that is not whole"
    )
    made("c.csv", "c\n", "two")
    assert read_lineage(LINEAGE)[2].commit == git("rev-parse", "HEAD")


def test_without_a_repository_a_query_must_still_be_there(chain: Path) -> None:
    assert report().faults == ()
    write_query("two", "  -- changed")
    ((line, text),) = report().faults
    assert line == 2 and text.endswith("in the folder, got none")


# --- the command ---


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main([*arguments])
    return status, *capsys.readouterr()


def test_the_command_shows_how_a_file_was_made(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("d.csv").rename("e.csv")
    write_query("two", "  -- changed")
    one = read_lineage(LINEAGE)[0].query_sha256[:12]
    two = read_lineage(LINEAGE)[1].query_sha256[:12]
    digest = {name: sha256(f"{name}\n")[:12] for name in "abcd"}
    engine = f"duckdb 2.0.0, 2026-11-21T12:00:00Z, mlcore {VERSION}"
    assert run(capsys, "--file", "e.csv") == (
        0,
        f"""\
e.csv: csv, 1 row, 2 bytes, sha256 {digest["d"]}, made as d.csv
  query   one.sql, sha256 {one}, no commit
  params  k=50 salt=s
  engine  {engine}
  input   t = c.csv: csv, 1 row, 2 bytes, sha256 {digest["c"]}; line 2
    query   two.sql, sha256 {two}, no commit
    note    this query has changed
    params  k=50 salt=s
    engine  {engine}
    input   t = b.csv: csv, 1 row, 2 bytes, sha256 {digest["b"]}; line 1
      query   one.sql, sha256 {one}, no commit
      params  k=50 salt=s
      engine  {engine}
      input   t = a.csv: csv, 1 row, 2 bytes, sha256 {digest["a"]}; no query made it
""",
        "",
    )


@needs_git
def test_the_command_shows_commits_and_tables(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    append(LINEAGE, record_of("one", output="shop.clean", content=None))
    write_query("two", "  -- changed")
    made("b.csv", "b\n", "two", {"shop.clean": None})
    commit = git("rev-parse", "HEAD")[:12]
    status, out, err = run(capsys, "--file", "b.csv")
    assert (status, err) == (0, "")
    assert f", not as in commit {commit}, among changed files\n" in out
    assert f", in commit {commit}\n" in out
    assert "t = shop.clean: a table of the engine; line 1, by the name of the table\n" in out


def test_a_run_that_two_inputs_come_from_is_shown_once(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made("b.csv", "b\n", "one", {"a.csv": "a\n"})
    made("c.csv", "c\n", "two", {"b.csv": "b\n"})
    made("d.csv", "d\n", "one", {"c.csv": "c\n", "b.csv": "b\n"})
    out = run(capsys, "--file", "d.csv")[1]
    assert out.count("t = a.csv") == 1
    last = out.splitlines()[-1]
    assert last.startswith("  input   t = b.csv") and last.endswith("; line 1, as above")


def test_years_of_daily_runs_are_followed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = record_of("one", {"0.csv": "0"}, "1.csv", content="1")
    records = [
        replace(
            first,
            inputs=(replace(first.inputs[0], sha256=sha256(str(day))),),
            output=replace(first.output, sha256=sha256(str(day + 1))),
        )
        for day in range(1500)
    ]
    LINEAGE.write_text("".join(f"{one.to_line()}\n" for one in records), "utf-8")
    Path("now.csv").write_text("1500", "utf-8")
    status, out, _ = run(capsys, "--file", "now.csv")
    assert (status, out.count("query   one.sql")) == (0, 1500)


def test_the_command_answers_programs_too(chain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, "--file", "c.csv", "--json")
    answer = json.loads(out)
    steps = answer.pop("steps")
    assert (status, answer) == (
        0,
        {"file": "c.csv", "state": "known", "bytes": 2, "sha256": sha256("c\n")},
    )
    assert [(step["line"], step["query_state"], step["made_by"]) for step in steps] == [
        (2, "same", [1]),
        (1, "same", [None]),
    ]
    assert [step["record"] for step in steps] == [
        json.loads(lines_of()[1]),
        json.loads(lines_of()[0]),
    ]


@pytest.mark.parametrize("as_json", [False, True])
def test_a_file_that_is_not_known_or_changed_is_one_error(
    as_json: bool, chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.csv").write_text("a\n", "utf-8")
    Path("d.csv").write_text("x\n", "utf-8")
    for name, state, complaint in (
        (
            "a.csv",
            "unknown",
            "a file that a query of sql/lineage.jsonl made, got one that is not known",
        ),
        (
            "d.csv",
            "changed",
            f"the content with sha256 {sha256('d' + chr(10))[:12]} that one.sql made at "
            f"2026-11-21T12:00:00Z, got another, with sha256 {sha256('x' + chr(10))[:12]}: "
            "changed since",
        ),
    ):
        status, out, err = run(capsys, "--file", name, *(["--json"] if as_json else []))
        assert (status, err) == (1, f"error: {name}: expected {complaint}\n")
        assert (json.loads(out)["state"] == state) if as_json else out == ""


def test_the_command_checks_the_lineage(chain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--check") == (0, "3 runs, nothing wrong\n", "")
    was = read_lineage(LINEAGE)[0].query_sha256
    write_query("one", "  -- changed")
    rule = f"query: expected one.sql with sha256 {was} in the folder, got none"
    assert run(capsys, "--check") == (
        1,
        f"sql/lineage.jsonl:3: {rule}\n",
        f"error: sql/lineage.jsonl:1: {rule}\n",
    )


def test_a_lineage_that_is_not_there_is_one_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = "error: none.jsonl: expected a readable file, got 'No such file or directory'\n"
    Path("a.csv").touch()
    for question in (["--file", "a.csv"], ["--check"]):
        assert run(capsys, *question, "--lineage", "none.jsonl") == (1, "", expected)


@pytest.mark.parametrize("arguments", [[], ["--check", "--file", "a.csv"]])
def test_one_question_at_a_time(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "--file" in capsys.readouterr().err
