"""Records of runs for the tests of the lineage, and the git of their folder."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path

import pytest

from mlcore.files.options import PathLike
from mlcore.lineage import (
    Answer,
    Dataset,
    FileFacts,
    Log,
    Report,
    check,
    QueryRecord,
    append,
    find,
    read_lineage,
)
from mlcore.warehouse.query import Value, parse_query

needs_git = pytest.mark.git
LINEAGE = Path("sql/lineage.jsonl")
NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)


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
) -> QueryRecord:
    """The record of a run; inputs and output are files by content, or stored tables for None."""
    path = query if isinstance(query, Path) else Path(f"sql/{query}.sql")
    return QueryRecord.of_run(
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
RECORD = QueryRecord(
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


def made(path: str, text: str, query: str = "one", inputs: Mapping[str, str | None] = {}) -> None:
    """A file, and the line of the run that made it."""
    Path(path).write_text(text, "utf-8")
    append(LINEAGE, record_of(query, inputs, path, content=text))


def queries_of(path: Path | str = LINEAGE) -> list[QueryRecord]:
    """The records of a lineage that has those of queries alone."""
    records = read_lineage(path)
    assert all(isinstance(record, QueryRecord) for record in records)
    return [record for record in records if isinstance(record, QueryRecord)]


def ask(path: PathLike, lineage: PathLike = LINEAGE) -> Answer:
    """What a log says of a file."""
    with Log(lineage) as log:
        return find(path, log)


def check_log(lineage: PathLike = LINEAGE) -> Report:
    with Log(lineage) as log:
        return check(log)
