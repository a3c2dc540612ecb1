"""Answers: what made a file, and whether the lineage is true."""

from __future__ import annotations

import gzip
import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlcore.lineage import LineageRecord, append, check, find, find_root, read_lineage
from tests.lineage.records import (
    LINEAGE,
    ask,
    commit_all,
    facts_of,
    git,
    made,
    needs_git,
    record_of,
    sha256,
    write_query,
)


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

    monkeypatch.setattr("mlcore.lineage.answers._query_state", look)
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
