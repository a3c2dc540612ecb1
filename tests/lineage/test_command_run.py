"""Runs of commands: a line for each output, before it has its name, where there is a log."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore.errors import DataError
from mlcore.files.options import ColumnNames, InputOptions, PathLike
from mlcore.files.outputs import open_outputs
from mlcore.lineage import CommandRecord, command_run, read_lineage
from mlcore.lineage.command_run import CommandRun, log_beside
from mlcore.recommend.options import PredictOptions
from tests.lineage.records import facts_of


def write(
    *paths: str, lineage_path: PathLike | None = None, text: str = "n\n", **inputs: str
) -> CommandRun:
    """Write a text to outputs whose roles are one, two and so on."""
    run = CommandRun("split", dict(zip(("one", "two"), paths)), lineage_path)
    run.note(n=1)
    with open_outputs(*paths, on_written=run.on_written) as streams:
        run.take(**inputs)
        for stream in streams:
            stream.write(text)
    return run


def records_of(path: str = "lineage.jsonl") -> list[Any]:
    return read_lineage(path)


def test_each_output_has_its_line_in_the_log_that_is_named(folder: Path) -> None:
    Path("in.csv").write_text("a\n")
    write("a.csv", "b.jsonl.gz", lineage_path="lineage.jsonl", interactions="in.csv")
    one, two = records_of()
    assert isinstance(one, CommandRecord)
    assert (one.command, one.params) == ("split", {"n": 1})
    assert [(one.output.table, two.output.table), (one.output.file, two.output.file)] == [
        ("one", "two"),
        ("a.csv", "b.jsonl.gz"),
    ]
    assert [two.output.format, two.output.bytes, two.output.sha256] == [
        "jsonl",
        2,
        facts_of("n\n").sha256,
    ]
    (source,) = one.inputs
    assert (source.table, source.file, source.format) == ("interactions", "in.csv", "csv")
    assert source.sha256 == facts_of("a\n").sha256


def test_a_log_beside_an_output_is_taken_without_being_asked(folder: Path) -> None:
    for name in ("with", "without"):
        Path(name).mkdir()
    Path("with/lineage.jsonl").touch()
    write("with/a.csv", "without/b.csv")
    assert [record.output.file for record in records_of("with/lineage.jsonl")] == ["a.csv"]
    assert sorted(os.listdir("without")) == ["b.csv"]


@pytest.mark.parametrize("place", ["model", "model/", "./model", "sql/../model"])
def test_the_log_of_a_directory_is_beside_it(place: str, folder: Path) -> None:
    assert log_beside(place) is None
    Path("lineage.jsonl").touch()
    found = log_beside(place)
    assert found is not None and found.resolve() == folder / "lineage.jsonl"
    Path("sql/lineage.jsonl").touch()
    os.chdir("sql")
    assert log_beside(".") == folder / "lineage.jsonl"


def test_the_log_of_the_bundled_queries_is_not_taken(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("sql/lineage.jsonl").touch()
    assert log_beside("sql/a.csv") is not None
    monkeypatch.setattr(command_run, "BUNDLED_QUERIES", folder / "sql")
    assert log_beside("sql/a.csv") is None


def test_without_a_log_nothing_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **more: object) -> None:
        raise AssertionError("read or asked for nothing")

    for name in ("describe_file", "describe_input"):
        monkeypatch.setattr(command_run, name, refuse)
    monkeypatch.setattr("mlcore.lineage.git.subprocess.run", refuse)
    Path("in.csv").write_text("a\n")
    write("a.csv", interactions="in.csv")
    assert Path("a.csv").read_text() == "n\n"
    assert not Path("lineage.jsonl").exists()


def test_the_line_comes_before_the_name_and_after_the_bytes(folder: Path) -> None:
    Path("a.csv").write_text("old\n")
    seen = []
    run = CommandRun("split", {"one": "a.csv"}, "lineage.jsonl")

    @contextmanager
    def watch(hidden: Any) -> Iterator[None]:
        assert hidden[0].read_text() == "n\n"
        with run.on_written(hidden):
            seen.append((len(records_of()), Path("a.csv").read_text()))
            yield

    with open_outputs("a.csv", on_written=watch) as (stream,):
        stream.write("n\n")
    assert (seen, Path("a.csv").read_text()) == ([(1, "old\n")], "n\n")


def test_a_run_that_fails_has_no_line_and_one_without_a_line_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = CommandRun("split", {"one": "a.csv"}, "lineage.jsonl")
    with pytest.raises(ZeroDivisionError), open_outputs("a.csv", on_written=run.on_written):
        raise ZeroDivisionError
    assert sorted(os.listdir()) == ["sql"]

    def refuse(*args: object) -> None:
        raise DataError("lineage.jsonl: expected room to write, got none")

    monkeypatch.setattr("mlcore.lineage.appended", refuse)
    with pytest.raises(DataError, match="room to write"):
        write("a.csv", lineage_path="lineage.jsonl")
    assert sorted(os.listdir()) == ["sql"]


def test_outputs_that_do_not_appear_have_no_line_in_any_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = [Path("lineage.jsonl"), Path("sql/lineage.jsonl")]
    logs[0].touch()
    logs[1].touch()
    write("a.csv", "sql/b.csv")
    before = [log.read_bytes() for log in logs]

    replace = os.replace

    def refuse_once(old: Path, new: Path) -> None:
        monkeypatch.setattr(os, "replace", replace)
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse_once)
    with pytest.raises(DataError, match="^a.csv: expected room to write, got 'Permission denied'$"):
        write("a.csv", "sql/b.csv", text="other\n")
    assert [log.read_bytes() for log in logs] == before
    assert [len(records_of(os.fspath(log))) for log in logs] == [1, 1]


def test_what_nobody_can_read_twice_has_no_digest(folder: Path) -> None:
    os.mkfifo("pipe.csv")
    Path("-").write_text("not standard input")
    write("a.csv", lineage_path="lineage.jsonl", one="pipe.csv", two="-", three="none.csv")
    inputs = [(one.table, one.file, one.sha256) for one in records_of()[0].inputs]
    assert inputs == [("one", "pipe.csv", None), ("two", "-", None), ("three", "none.csv", None)]


def test_tables_of_an_engine_are_inputs_too(folder: Path) -> None:
    run = CommandRun("train", {"one": "a.csv"}, "lineage.jsonl", "spark")
    run.take_stored(interactions="shop.events", items=None)
    with open_outputs("a.csv", on_written=run.on_written):
        pass
    (record,) = records_of()
    assert record.engine == "spark"
    assert [(one.table, one.stored, one.file) for one in record.inputs] == [
        ("interactions", "shop.events", None)
    ]


def test_settings_are_plain_and_have_no_paths(folder: Path) -> None:
    @dataclass(frozen=True)
    class Part:
        name: str = "bm25"
        k1: float = 1.2

    @dataclass(frozen=True)
    class Config:
        part: Part = field(default_factory=Part)
        edges: tuple[int, ...] = (1, 2)
        slices: tuple[str, ...] = ()
        limit: int | None = None

    run = CommandRun("predict", {"one": "a.csv"}, "lineage.jsonl")
    run.note(
        Config(),
        PredictOptions(include_items_path="/data/ann/items.csv"),
        InputOptions(ColumnNames(user="who"), delimiter=";"),
        {"similarity": {"name": "cosine"}},
        all_users=True,
        cutoffs=[np.int64(5)],
        share=np.float64(0.5),
    )
    with open_outputs("a.csv", on_written=run.on_written):
        pass
    assert records_of()[0].params == {
        "part.name": "bm25",
        "part.k1": 1.2,
        "edges": [1, 2],
        "top_n": 10,
        "include_seen": False,
        "unknown_user": "error",
        "explain": False,
        "weights": "events",
        "columns.user": "who",
        "delimiter": ";",
        "similarity.name": "cosine",
        "all_users": True,
        "cutoffs": [5],
        "share": 0.5,
    }


@pytest.mark.parametrize(
    ("outputs", "log", "message"),
    [
        ({"one": "-"}, "l.jsonl", "standard output: expected a file, as the lineage knows it by"),
        ({"one": os.devnull}, "l.jsonl", f"{os.devnull}: expected a file, as the lineage knows it"),
        ({"one": None}, "l.jsonl", "lineage: expected an output, which gets a line, got none"),
        ({"one": "./l.jsonl"}, "l.jsonl", "./l.jsonl: expected another file than the lineage, got"),
        ({"one": "lineage.jsonl"}, None, "lineage.jsonl: expected another file than the lineage"),
        ({"one": "a.csv"}, "sql/one.sql", "sql/one.sql:1: expected a record of a run, got "),
        ({"one": "a.csv"}, "none/l.jsonl", "none/l.jsonl: expected a folder to write to, got none"),
    ],
)
def test_a_log_that_cannot_be_is_refused_before_the_work(
    outputs: dict[str, str | None], log: str | None, message: str, folder: Path
) -> None:
    Path("lineage.jsonl").touch()
    with pytest.raises(DataError) as caught:
        CommandRun("split", outputs, log)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("output", ["-", os.devnull])
def test_a_stream_has_no_line_beside(output: str, folder: Path) -> None:
    Path("lineage.jsonl").touch()
    write(output, text="")
    assert records_of() == []


def test_lines_of_runs_at_once_are_whole(folder: Path) -> None:
    def make(number: int) -> None:
        for _ in range(5):
            write(f"{number}.csv", lineage_path="lineage.jsonl")

    threads = [threading.Thread(target=make, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(records_of()) == 20


def test_an_output_that_cannot_be_read_again_has_its_own_name(folder: Path) -> None:
    run = CommandRun("split", {"one": "a.csv"}, "lineage.jsonl")
    with pytest.raises(DataError) as caught:
        run.on_written([folder / ".a.csv.partial-0123abcd"])
    assert str(caught.value) == ("a.csv: expected a readable file, got 'No such file or directory'")
