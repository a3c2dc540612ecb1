"""cli.run_sql: files in, a file and its line of lineage out, or one clear error and nothing."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

import cli.lineage
import cli.run_sql
from mlcore.errors import DataError
from mlcore.files.database import Database
from mlcore.warehouse.engines import DuckDb
from mlcore.lineage import QueryRecord, read_lineage
from mlcore.warehouse.run import SqlRun, run_sql_from_path

ROOT = Path(__file__).parents[2]
SQL = ROOT / "sql"
EVENTS = "user_id,item_id,weight,timestamp\nu,a,1,10\nu,a,2,20\nv,b,4,30\n"
CLEAN = (
    '{"user_id": "u", "item_id": "a", "weight": 3, "timestamp": 20}\n'
    '{"user_id": "v", "item_id": "b", "weight": 4, "timestamp": 30}\n'
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with events and the queries, where the commands run."""
    shutil.copytree(SQL, tmp_path / "sql", ignore=shutil.ignore_patterns("lineage.jsonl"))
    (tmp_path / "events.csv").write_text(EVENTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def records_of(path: str) -> list[QueryRecord]:
    return [record for record in read_lineage(path) if isinstance(record, QueryRecord)]


def run(*arguments: str) -> int:
    return cli.run_sql.main(list(arguments))


def deduplicate(*more: str, out: str = "clean.jsonl") -> int:
    return run(
        "--query", "sql/deduplicate.sql", "--table", "events=events.csv", "--out", out, *more
    )


def test_a_run_writes_the_rows_and_their_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert deduplicate("--param", "min_weight=0.5") == 0
    assert capsys.readouterr().out == "deduplicate: 2 rows\n"
    assert (folder / "clean.jsonl").read_text() == CLEAN
    (record,) = records_of("lineage.jsonl")
    assert record.query == "sql/deduplicate.sql"
    assert record.params == {"aggregate": "sum", "min_weight": 0.5}
    assert (record.output.rows, record.output.bytes) == (2, len(CLEAN))
    assert (record.inputs[0].file, record.inputs[0].rows) == ("events.csv", 3)
    assert cli.lineage.main(["--file", "clean.jsonl"]) == 0


def test_the_same_run_gives_the_same_bytes_and_a_second_line(folder: Path) -> None:
    deduplicate()
    first = (folder / "clean.jsonl").read_bytes()
    deduplicate("--threads", "1")
    assert (folder / "clean.jsonl").read_bytes() == first
    one, other = records_of("lineage.jsonl")
    assert one.output == other.output


@pytest.mark.parametrize("out", ["clean.csv", "clean.jsonl.gz"])
def test_the_line_tells_a_file_by_its_content_however_it_is_packed(folder: Path, out: str) -> None:
    assert deduplicate(out=out) == 0
    data = (folder / out).read_bytes()
    if out.endswith(".gz"):
        assert gzip.decompress(data).decode() == CLEAN
    else:
        assert data == b"user_id,item_id,weight,timestamp\nu,a,3,20\nv,b,4,30\n"
    assert cli.lineage.main(["--file", out]) == 0


def test_standard_input_and_output_will_do(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(EVENTS.encode())))
    arguments = ("--query", "sql/deduplicate.sql", "--table", "events=-", "--out", "-")
    assert run(*arguments, "--format", "csv", "--lineage", "line.jsonl") == 0
    out, err = capfd.readouterr()
    assert out == "user_id,item_id,weight,timestamp\nu,a,3,20\nv,b,4,30\n"
    assert err == "deduplicate: 2 rows\n"
    (record,) = records_of("line.jsonl")
    assert (record.inputs[0].sha256, record.output.file) == (None, "-")


def test_parquet_is_read_by_the_engine(folder: Path) -> None:
    with Database() as database:
        database.rows(
            "COPY (SELECT 'u' AS user_id, 'a' AS item_id, 5 AS timestamp UNION ALL "
            "SELECT 'u', 'a', 7) TO 'events.parquet' (FORMAT parquet)"
        )
    arguments = ("--query", "sql/deduplicate.sql", "--table", "events=events.parquet")
    assert run(*arguments, "--out", "clean.jsonl") == 0
    assert json.loads((folder / "clean.jsonl").read_text()) == {
        "user_id": "u",
        "item_id": "a",
        "weight": 2,
        "timestamp": 7,
    }
    (record,) = records_of("lineage.jsonl")
    assert record.inputs[0].format == "parquet"
    assert record.inputs[0].bytes == (folder / "events.parquet").stat().st_size


def test_rounds_go_on_until_nothing_changes(folder: Path) -> None:
    # a has u v, b has u v, c has v w, d has w: without d and w, c has too few, and v keeps a and b.
    rows = ["u,a", "u,b", "v,a", "v,b", "v,c", "w,c", "w,d"]
    (folder / "log.csv").write_text("user_id,item_id\n" + "".join(f"{row}\n" for row in rows))
    arguments = ["--query", "sql/kcore_round.sql", "--table", "interactions=log.csv"]
    arguments += ["--param", "min_user_interactions=2", "--param", "min_item_interactions=2"]
    assert run(*arguments, "--out", "once.csv") == 0
    assert run(*arguments, "--out", "core.csv", "--until-stable") == 0
    once, core = ((folder / name).read_text().splitlines()[1:] for name in ("once.csv", "core.csv"))
    assert once == ["u,a,1", "u,b,1", "v,a,1", "v,b,1", "v,c,1", "w,c,1"]
    assert core == ["u,a,1", "u,b,1", "v,a,1", "v,b,1"]
    # 7 rows, then 6, 5, 4, and 4 again.
    assert [line.statistics for line in records_of("lineage.jsonl")] == [{}, {"rounds": 4}]


def test_a_query_that_does_not_say_so_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    assert deduplicate("--until-stable") == 1
    message = (
        "sql/deduplicate.sql: repeat: expected a query that says 'repeat: until stable' and reads"
    )
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--out", "lineage.jsonl", "--format", "csv"],
            "lineage.jsonl: expected another file than the lineage",
        ),
        (
            ["--out", "sql/deduplicate.sql", "--format", "csv"],
            "sql/deduplicate.sql: expected another file than the query",
        ),
        (
            ["--out", "q.csv", "--lineage", "./q.csv"],
            "q.csv: expected another file than the lineage",
        ),
        (["--out", "-"], "standard output: expected a format, got none"),
        (["--out", "o.parquet"], "o.parquet: expected a name that ends in .csv, .tsv or .jsonl"),
    ],
)
def test_an_output_that_cannot_be_is_refused(
    arguments: list[str], message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    deduplicate()
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    shared = ["--query", "sql/deduplicate.sql", "--table", "events=events.csv"]
    assert run(*shared, *arguments) == 1
    assert message in capsys.readouterr().err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_pipe_with_a_name_has_no_digest(folder: Path) -> None:
    os.mkfifo(folder / "pipe.csv")
    writer = threading.Thread(target=(folder / "pipe.csv").write_text, args=(EVENTS,))
    writer.start()
    arguments = ("--query", "sql/deduplicate.sql", "--table", "events=pipe.csv")
    assert run(*arguments, "--out", "clean.jsonl") == 0
    writer.join()
    (record,) = records_of("lineage.jsonl")
    assert (record.inputs[0].rows, record.inputs[0].sha256) == (3, None)


def test_a_dry_run_looks_whether_the_files_are_there(capsys: pytest.CaptureFixture[str]) -> None:
    shared = ("--query", "sql/deduplicate.sql", "--dry-run", "--out", "o.csv")
    assert run(*shared, "--table", "events=none.csv") == 1
    assert "none.csv: expected a readable file" in capsys.readouterr().err


def test_a_dry_run_checks_the_query_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in folder.rglob("*"))
    assert deduplicate("--dry-run", "--memory-limit", "1GiB", "--threads", "1") == 0
    out = capsys.readouterr().out
    assert "1 threads, at most 1.0 GiB of memory" in out
    assert "would write user_id STRING, item_id STRING, weight FLOAT64, timestamp INT64\n" in out
    assert sorted(path.name for path in folder.rglob("*")) == before


FAULTS: dict[str, tuple[list[str], str]] = {
    "no such table of the query": (
        ["--table", "event=events.csv"],
        "error: sql/deduplicate.sql: table: expected events, got 'event'",
    ),
    "a table missing": (
        [],
        "error: sql/deduplicate.sql: table: expected events, got no events\n"
        "hint: --table events=FILE names one",
    ),
    "a table twice": (
        ["--table", "events=events.csv", "--table", "events=events.csv"],
        "error: --table: expected each name once, got 'events' again",
    ),
    "no such parameter": (
        ["--table", "events=events.csv", "--param", "min=1"],
        "error: sql/deduplicate.sql: param: expected some of aggregate, min_weight, got 'min'",
    ),
    "a value that is none": (
        ["--table", "events=events.csv", "--param", "aggregate=mean"],
        "error: sql/deduplicate.sql: aggregate: expected one of sum, max, last, count, got 'mean'",
    ),
    "a faulty row": (
        ["--table", "events=bad.csv"],
        "error: bad.csv:3: weight: expected a finite number above 0, got 'x'",
    ),
    "no such file": (
        ["--table", "events=none.csv"],
        "error: none.csv: expected a readable file, got 'No such file or directory'",
    ),
    "no such parquet": (
        ["--table", "events=none.parquet"],
        "error: none.parquet: expected a readable file, got 'No such file or directory'",
    ),
    "a table of an engine": (
        ["--table", "events=shop.events"],
        "error: events: expected a file .csv, .jsonl or .parquet, as duckdb keeps no tables, "
        "got 'shop.events'",
    ),
    "a file of another kind": (
        ["--table", "events=events.txt"],
        "error: events.txt: expected a name that ends in .csv, .jsonl or .parquet, got 'events.txt'"
        "\nhint: --format csv or --format jsonl says what it is",
    ),
    "an option of another engine": (
        ["--table", "events=events.csv", "--master", "local"],
        "error: --master: expected --engine spark, got duckdb",
    ),
    "a lineage that is none": (
        ["--table", "events=events.csv", "--lineage", "events.csv"],
        "error: events.csv:1: expected a record of a run, got invalid JSON (expecting value at "
        "character 1)\nhint: --lineage names another log",
    ),
    "an output that is a table": (
        ["--table", "events=events.csv", "--out", "./events.csv"],
        "error: ./events.csv: expected another file than the input --table events, got the same\n",
    ),
    "two outputs": (
        ["--table", "events=events.csv", "--out-table", "shop.clean"],
        "error: --out: expected one of --out and --out-table, got both or neither",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_clear_error_and_nothing_is_written(
    fault: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "bad.csv").write_text("user_id,item_id,weight\nu,a,1\nu,b,x\n")
    (folder / "events.txt").write_text(EVENTS)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    arguments, message = FAULTS[fault]
    status = run("--query", "sql/deduplicate.sql", "--out", "clean.jsonl", *arguments)
    out, err = capsys.readouterr()
    assert (status, out) == (1, "")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert err.startswith(message)
    assert err.count("\n") == message.count("\n") + 1


def test_an_interrupted_run_leaves_output_and_lineage_as_they_were(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "clean.jsonl").write_text("older")

    def interrupt(*arguments: Any, **more: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mlcore.warehouse.run.write_rows", interrupt)
    assert deduplicate() == 1
    assert capsys.readouterr().err == "error: interrupted, nothing was written\n"
    assert (folder / "clean.jsonl").read_text() == "older"
    assert not (folder / "lineage.jsonl").exists()


def test_without_room_for_the_line_the_output_is_not_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*arguments: Any) -> None:
        raise DataError("sql/lineage.jsonl: expected room to write, got none")

    monkeypatch.setattr("mlcore.warehouse.run.appended", refuse)
    assert deduplicate() == 1
    assert sorted(path.name for path in folder.iterdir()) == ["events.csv", "sql"]
    assert "expected room to write" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stop", "error"),
    [
        ("_store", "error: interrupted\n"),  # nobody knows what is in the table
        ("append", "error: lineage.jsonl: expected room to write, got none; written: clean\n"),
    ],
)
def test_of_a_table_of_an_engine_only_what_is_true_is_said(
    stop: str,
    error: str,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def store(*arguments: Any, **options: Any) -> tuple[int, dict[str, Any]]:
        if stop == "_store":
            raise KeyboardInterrupt
        return 2, {}

    def refuse(*arguments: Any) -> None:
        raise DataError("lineage.jsonl: expected room to write, got none")

    monkeypatch.setattr("mlcore.warehouse.engines.duckdb.DuckDb._store", store)
    monkeypatch.setattr("mlcore.warehouse.run.append", refuse)
    arguments = ["--query", "sql/deduplicate.sql", "--table", "events=events.csv"]
    assert run(*arguments, "--out-table", "clean") == 1
    assert capsys.readouterr().err == error


def test_a_bundled_query_runs_by_name_whatever_files_there_are(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "deduplicate").write_text("-- deduplicate: mine.\n")
    arguments = ("--query", "deduplicate", "--table", "events=events.csv")
    assert run(*arguments, "--out", "clean.jsonl") == 0
    assert (folder / "clean.jsonl").read_text() == CLEAN
    (record,) = records_of("lineage.jsonl")
    assert record.query == "mlcore:deduplicate.sql"
    assert cli.lineage.main(["--check"]) == 0
    capsys.readouterr()
    assert run(*arguments, "--param", "min=1", "--out", "clean.jsonl") == 1
    assert capsys.readouterr().err.startswith("error: deduplicate.sql: param: expected some of ")
    assert run("--query", "./deduplicate", "--table", "events=events.csv", "--out", "o.csv") == 1
    assert capsys.readouterr().err.startswith("error: deduplicate: writes: expected one line")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("dedup", "is deduplicate meant? --list shows all"),
        ("clean", "--list shows the bundled ones"),
        ("../sql", None),
    ],
)
def test_a_name_of_no_query_is_one_error(
    name: str, hint: str | None, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--query", name, "--table", "events=events.csv", "--out", "clean.jsonl") == 1
    message = (
        f"query: expected the name of a bundled query, or a path with a slash or .sql, got {name!r}"
    )
    expected = f"error: {message}\nhint: {hint}\n"
    if hint is None:
        expected = "error: ../sql: expected a readable file, got 'No such file or directory'\n"
    assert capsys.readouterr() == ("", expected)
    assert not (folder / "lineage.jsonl").exists()


def test_the_bundled_queries_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == sorted(path.stem for path in SQL.glob("*.sql"))
    assert "deduplicate        one row for each user and item, with the latest timestamp" in lines


def test_by_default_no_line_goes_to_the_bundled_queries(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mlcore.warehouse.run.BUNDLED_QUERIES", folder / "sql")
    monkeypatch.chdir("sql")
    arguments = ("--query", "deduplicate", "--table", "events=../events.csv", "--out", "../o.csv")
    assert run(*arguments) == 1
    assert capsys.readouterr().err == (
        "error: lineage.jsonl: expected a current folder of yours, got that of mlcore's queries\n"
        "hint: --lineage says where the line is to go\n"
    )
    assert run(*arguments, "--lineage", "lineage.jsonl") == 0


def test_a_query_of_ones_own_runs(folder: Path) -> None:
    (folder / "own").mkdir()
    (folder / "own/active.sql").write_text(
        "-- active: users with many rows.\n"
        "-- reads: events(user_id STRING)\n"
        "-- writes: users(user_id STRING, events INT64)\n"
        "-- order: user_id\n"
        "-- param: least INT64: how many\n"
        "SELECT user_id, COUNT(*) AS events FROM events GROUP BY user_id HAVING COUNT(*) >= @least\n"
    )
    arguments = ("--query", "own/active.sql", "--table", "events=events.csv", "--param", "least=2")
    assert run(*arguments, "--out", "active.csv") == 0
    assert (folder / "active.csv").read_text() == "user_id,events\nu,2\n"
    assert records_of("lineage.jsonl")[0].query == "own/active.sql"


def test_a_function_does_what_the_command_does(folder: Path) -> None:
    with DuckDb() as engine:
        summary = run_sql_from_path(
            engine,
            SqlRun("sql/deduplicate.sql", {"events": "events.csv"}, {"min_weight": 4}),
            out_path="clean.csv",
            lineage_path="line.jsonl",
        )
        with pytest.raises(DataError, match="^out: expected a file or a table for the result"):
            run_sql_from_path(engine, SqlRun("sql/deduplicate.sql", {"events": "events.csv"}, {}))
    assert summary == "deduplicate: 1 rows"
    assert (folder / "clean.csv").read_text().endswith("\nv,b,4,30\n")
