"""The command of the lineage: its answers as text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from cli.lineage import main
from mlcore.version import VERSION
from mlcore.lineage import CommandRecord, Dataset, append, format_record
from tests.lineage.records import (
    LINEAGE,
    NOON,
    facts_of,
    git,
    lines_of,
    made,
    needs_git,
    queries_of,
    record_of,
    sha256,
    write_query,
)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    log = [] if "--lineage" in arguments else ["--lineage", str(LINEAGE)]
    status = main([*arguments, *log])
    return status, *capsys.readouterr()


def test_the_command_shows_how_a_file_was_made(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("d.csv").rename("e.csv")
    write_query("two", "  -- changed")
    one = queries_of()[0].query_sha256[:12]
    two = queries_of()[1].query_sha256[:12]
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
      input   t = a.csv: csv, 1 row, 2 bytes, sha256 {digest["a"]}; no run made it
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


def test_what_is_not_known_of_an_input_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    record = CommandRecord.of_run(
        command="train",
        engine_name="spark",
        params={"similarity.name": "cosine", "cutoffs": [5, 10], "with_users": True},
        inputs=[
            Dataset.of_file("-", None, None, table="interactions"),
            Dataset.of_stored("shop.items", table="items"),
        ],
        output=Dataset.of_file("a.csv", "csv", facts_of("a\n"), table="model"),
        lineage_path=LINEAGE,
        created_at=NOON,
    )
    append(LINEAGE, record)
    Path("a.csv").write_text("a\n")
    assert run(capsys, "--file", "a.csv")[1].splitlines()[1:] == [
        "  command train by spark, no commit",
        "  params  similarity.name=cosine cutoffs=5,10 with_users=true",
        f"  run     2026-11-21T12:00:00Z, mlcore {VERSION}",
        "  input   interactions = standard input: a file, content not known; no run made it",
        "  input   items = shop.items: a table of the engine; no run made it",
    ]


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
        for day in range(1100)
    ]
    LINEAGE.write_text("".join(f"{format_record(one)}\n" for one in records), "utf-8")
    Path("now.csv").write_text("1100", "utf-8")
    status, out, _ = run(capsys, "--file", "now.csv")
    assert (status, out.count("query   one.sql")) == (0, 1100)


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
            "a file that a run of sql/lineage.jsonl made, got one that is not known\n"
            "hint: a run writes its line where --lineage names a log, or lineage.jsonl is beside its "
            "output",
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
    was = queries_of()[0].query_sha256
    write_query("one", "  -- changed")
    rule = f"query: expected one.sql with sha256 {was} in the folder, got none"
    assert run(capsys, "--check") == (
        1,
        f"sql/lineage.jsonl:3: {rule}\n",
        f"error: sql/lineage.jsonl:1: {rule}\n",
    )


def test_a_check_answers_programs_too(chain: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--check", "--json") == (
        0,
        '{\n  "runs": 3,\n  "faults": [],\n  "notes": []\n}\n',
        "",
    )
    write_query("one", "  -- changed")
    status, out, err = run(capsys, "--check", "--json")
    found = json.loads(out)
    assert (status, found["runs"], found["notes"]) == (1, 3, [])
    assert [fault["line"] for fault in found["faults"]] == [1, 3]
    assert err == f"error: sql/lineage.jsonl:1: {found['faults'][0]['text']}\n"


def test_a_lineage_that_is_not_there_is_one_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = (
        "error: none.jsonl: expected a log of runs, got no such file\n"
        "hint: --lineage names one, as run_sql writes it in the current folder\n"
    )
    Path("a.csv").touch()
    for question in (["--file", "a.csv"], ["--check"]):
        assert run(capsys, *question, "--lineage", "none.jsonl") == (1, "", expected)


@pytest.mark.parametrize("arguments", [[], ["--check", "--file", "a.csv"]])
def test_one_question_at_a_time(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "--file" in capsys.readouterr().err


def test_where_the_text_of_a_moved_query_is_is_shown(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("sql/two.sql").rename("sql/2.sql")
    lines = run(capsys, "--file", "c.csv")[1].splitlines()
    assert lines[2:4] == ["  note    this query is gone", "  text    2.sql"]
    step, _ = json.loads(run(capsys, "--file", "c.csv", "--json")[1])["steps"]
    assert step["text_place"] == {"name": "2.sql", "commit": None}


def test_a_conflict_is_told_once_and_the_other_lines_answer(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, *others = lines_of()
    lines = ["<<<<<<< HEAD", one, "=======", *others, ">>>>>>> other"]
    LINEAGE.write_text("".join(f"{line}\n" for line in lines))
    status, out, err = run(capsys, "--file", "d.csv")
    assert err.count("\n") == 1 and err.startswith("note: sql/lineage.jsonl:1: ")
    assert " in lines 1, 3, 6; passed over: " in err
    assert status == 0 and out.splitlines()[4].endswith("; line 4")
    status, out, err = run(capsys, "--check")
    assert (status, out) == (1, "")
    assert err.startswith(
        "error: sql/lineage.jsonl:1: expected records of runs, got the marks of a "
    )
    assert "; delete the marks and keep the other lines, of both sides; " in err


def test_without_a_log_named_those_here_and_beside_the_file_are_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask_of(name: str) -> tuple[int, list[str]]:
        status = main(["--file", name])
        out, err = capsys.readouterr()
        return status, (out or err).splitlines()

    made("sql/a.csv", "a\n")
    Path("sql/b.csv").write_text("b\n")
    assert ask_of("sql/a.csv")[1][0].startswith("sql/a.csv: csv, 1 row")
    assert "that a run of sql/lineage.jsonl made" in ask_of("sql/b.csv")[1][0]
    Path("lineage.jsonl").touch()
    assert ask_of("sql/a.csv")[0] == 0
    assert "that a run of lineage.jsonl made" in ask_of("sql/b.csv")[1][0]
    LINEAGE.rename("lineage.jsonl")  # and the log is found without its folder
    assert ask_of("sql/a.csv")[0] == 0


def test_of_several_logs_the_first_that_knows_the_file_answers(
    chain: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("empty.jsonl").touch()
    logs = ["--lineage", "empty.jsonl", "--lineage", str(LINEAGE)]
    assert run(capsys, "--file", "d.csv", *logs)[0] == 0
    Path("d.csv").write_text("changed\n")
    assert run(capsys, "--file", "d.csv", *logs)[2].endswith(": changed since\n")
    assert run(capsys, "--check", *logs)[2] == (
        "error: --lineage: expected one log to check, got several\n"
    )
