"""Results as folders of Parquet: read back by DuckDB itself, whole or as before, and in the lineage."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

import cli.run_sql
from mlcore.warehouse.engines import DuckDb
from mlcore.lineage import QueryRecord, read_lineage

QUERY = """-- daily: rows with a day.
-- reads: events(user_id STRING, day STRING NULL, n INT64)
-- writes: rows(user_id STRING, day STRING NULL, n INT64)
-- order: user_id, day
SELECT user_id, day, n FROM events
"""
DAYS = ["2026-01-01", "a/b=c %2F é", "007", "1e3"]
Row = tuple[str, str | None, int]
ROWS: list[Row] = [("u", DAYS[0], 1), ("u", DAYS[1], 2), ("v", DAYS[2], 3), ("w", DAYS[3], 4)]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "daily.sql").write_text(QUERY)
    monkeypatch.chdir(tmp_path)
    write_events(ROWS)
    return tmp_path


def write_events(rows: list[Row]) -> None:
    names = ("user_id", "day", "n")
    lines = [
        json.dumps({k: v for k, v in zip(names, row) if v is not None}, ensure_ascii=False)
        for row in rows
    ]
    Path("events.jsonl").write_text("".join(f"{line}\n" for line in lines))


def run(*more: str, events: str = "events.jsonl", out: str = "out/") -> int:
    arguments = ["--query", "./daily.sql", "--table", f"events={events}"]
    return cli.run_sql.main([*arguments, "--out", out, *more])


def rows_in(place: str = "out") -> list[Row]:
    """Return the rows of a folder as DuckDB reads it."""
    source = f"read_parquet('{place}/**/*.parquet', hive_partitioning=true, hive_types_autocast=0)"
    found = duckdb.execute(f"SELECT user_id, day, n FROM {source}").fetchall()
    return sorted(found, key=lambda row: row[2])


def names_in(place: str = "out") -> list[str]:
    return sorted(str(path.relative_to(place)) for path in Path(place).rglob("*.parquet"))


def test_a_folder_has_the_rows_in_order_and_replaces_what_was_there() -> None:
    assert run() == 0
    assert rows_in() == ROWS and names_in() == ["part-00000.parquet"]
    write_events(ROWS[1:3])
    assert run(out="out") == 0
    assert rows_in() == ROWS[1:3]


def test_values_name_folders_as_hive_has_them() -> None:
    assert run("--partition-by", "day") == 0
    assert rows_in() == ROWS
    assert names_in() == [
        "day=007/part-00000.parquet",
        "day=1e3/part-00000.parquet",
        "day=2026-01-01/part-00000.parquet",
        "day=a%2Fb%3Dc %252F é/part-00000.parquet",
    ]
    assert run(events="out/", out="back.jsonl") == 0
    assert Path("back.jsonl").read_bytes() == Path("events.jsonl").read_bytes()


def test_a_missing_value_has_the_folder_that_hive_gives_it() -> None:
    rows: list[Row] = [("u", None, 1), ("v", "x", 2)]
    write_events(rows)
    assert run("--partition-by", "day") == 0
    assert names_in()[0] == "day=__HIVE_DEFAULT_PARTITION__/part-00000.parquet"
    assert run(events="out", out="back.jsonl") == 0
    assert Path("back.jsonl").read_bytes() == Path("events.jsonl").read_bytes()


@pytest.mark.parametrize("partition", [[], ["--partition-by", "day"]])
def test_appended_rows_come_to_those_that_are_there(partition: list[str]) -> None:
    assert run(*partition) == 0
    kept = {name: Path("out", name).read_bytes() for name in names_in()}
    write_events([("x", DAYS[0], 5)])
    assert run("--append", *partition) == 0
    assert rows_in() == [*ROWS, ("x", DAYS[0], 5)]
    assert kept.items() < {name: Path("out", name).read_bytes() for name in names_in()}.items()
    assert run("--append", *partition, out="new/") == 0
    assert rows_in("new") == [("x", DAYS[0], 5)]


def test_the_same_rows_are_the_same_bytes_and_have_their_line() -> None:
    digests = []
    for out in ("one/", "other/"):
        assert run("--partition-by", "day", out=out) == 0
        lines = [
            f"{hashlib.sha256(Path(out, name).read_bytes()).hexdigest()}  {name}\n"
            for name in names_in(out)
        ]
        digests.append(hashlib.sha256("".join(lines).encode()).hexdigest())
    records = [one for one in read_lineage("lineage.jsonl") if isinstance(one, QueryRecord)]
    assert [record.output.sha256 for record in records] == digests
    assert len({*digests}) == 1 and records[0].output.rows == len(ROWS)


def test_no_rows_are_a_folder_that_reads_as_no_rows() -> None:
    Path("none.csv").write_text("user_id,day,n\n")
    assert run(events="none.csv") == 0
    assert rows_in() == []
    assert run(events="out", out="none.jsonl") == 0
    assert Path("none.jsonl").read_bytes() == b""


def test_a_run_that_fails_leaves_the_folder_as_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--partition-by", "day") == 0
    before = sorted(path for path in folder.rglob("*") if path.name != "lineage.jsonl")
    monkeypatch.setattr(DuckDb, "write_parquet", lambda *_: (_ for _ in ()).throw(OSError("full")))
    for more in ([], ["--append"], ["--partition-by", "day"]):
        assert run(*more) == 1
    assert "full" in capsys.readouterr().err
    assert sorted(path for path in folder.rglob("*") if path.name != "lineage.jsonl") == before
    assert rows_in() == ROWS
    assert len((folder / "lineage.jsonl").read_text().splitlines()) == 1


def test_rows_of_another_run_are_not_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run() == 0
    write = DuckDb.write_parquet

    def write_beside(*arguments: Any) -> None:
        shutil.copy("out/part-00000.parquet", "out/part-of-another.parquet")
        write(*arguments)

    monkeypatch.setattr(DuckDb, "write_parquet", write_beside)
    assert run("--append") == 1
    assert "another run has written there meanwhile" in capsys.readouterr().err
    assert names_in() == ["part-00000.parquet", "part-of-another.parquet"]
    assert len((folder / "lineage.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("more", "out", "message"),
    [
        (["--append"], "rows.jsonl", "append: expected a folder, with a slash at its end"),
        (["--partition-by", "day"], "rows.csv", "partition: expected a folder"),
        (["--partition-by", "week"], "out/", "partition: expected one of several columns"),
        ([], "s3://bucket/rows/", "expected a path of this machine, got an address"),
        ([], "notes", "expected a folder of nothing but Parquet to replace, got 'notes.txt'"),
        (["--partition-by", "user_id"], "out/", "user_id: expected a text that names a folder"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    more: list[str], out: str, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "notes").mkdir()
    (folder / "notes/notes.txt").touch()
    if "user_id" in more:
        write_events([("__HIVE_DEFAULT_PARTITION__", "x", 1)])
    before = sorted(folder.rglob("*"))
    assert run(*more, out=out) == 1
    assert message in capsys.readouterr().err
    assert sorted(folder.rglob("*")) == before
