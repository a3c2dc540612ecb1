"""Checks: the texts of queries are where the lines say."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from mlcore.lineage import Report, format_record, read_lineage
from tests.lineage.records import (
    LINEAGE,
    ask,
    check_log,
    commit_all,
    git,
    made,
    needs_git,
    queries_of,
    sha256,
    write_query,
)


@needs_git
def test_a_lineage_whose_queries_stand_as_they_were_has_no_fault(repository: Path) -> None:
    made("a.csv", "a\n")
    made("b.csv", "b\n", "two", {"a.csv": "a\n"})
    assert check_log() == Report(2, (), ())


@needs_git
@pytest.mark.parametrize("change", ["changed", "gone"])
def test_a_query_of_the_past_is_found_in_the_history(change: str, repository: Path) -> None:
    first = git("rev-parse", "HEAD")
    made("a.csv", "a\n")
    made("a.csv", "a\n")
    if change == "gone":
        Path("sql/one.sql").rename("sql/three.sql")
    else:
        write_query("one", "  -- changed")
    commit_all()
    verb = "is gone" if change == "gone" else "has changed"
    assert check_log().faults == ()
    # Told once, of the run that made the file as it is.
    where = "sql/three.sql" if change == "gone" else f"sql/one.sql in commit {first[:12]}"
    note = f"sql/one.sql {verb} since it made a.csv; its text is {where}"
    assert check_log().notes == ((2, note),)


@needs_git
def test_a_query_that_was_committed_after_its_run_is_found(repository: Path) -> None:
    write_query("one", "  -- changed")
    made("a.csv", "a\n")
    assert queries_of()[0].committed is False
    commit_all()
    write_query("one", "  -- changed again")
    commit_all()
    git("checkout", "--quiet", "--detach")  # a commit on no branch
    write_query("one", "  -- and again")
    made("b.csv", "b\n")
    commit_all()
    write_query("one")
    commit_all()
    assert check_log().faults == ()
    assert [line for line, _ in check_log().notes] == [1, 2]


@needs_git
def test_a_query_is_found_in_a_commit_that_no_branch_has_any_more(repository: Path) -> None:
    made("a.csv", "a\n")
    write_query("one", "  -- changed")
    git("commit", "--quiet", "--all", "--amend", "--message=other")
    assert git("rev-list", "--all", "--count") == "1"
    assert check_log().faults == ()
    assert [line for line, _ in check_log().notes] == [1]


@needs_git
def test_a_query_that_was_never_committed_is_a_fault_of_the_newest_run(repository: Path) -> None:
    texts = [write_query("one", f"  -- {number}").read_text() for number in range(2)]
    for text in texts:
        Path("sql/one.sql").write_text(text, "utf-8")
        made("a.csv", sha256(text))
    write_query("one")
    commit_all()
    message = (
        "query: expected sql/one.sql with sha256 {} in the repository or its history, got none"
    )
    assert check_log().notes == ((1, message.format(sha256(texts[0]))),)
    assert check_log().faults == ((2, message.format(sha256(texts[1]))),)


@needs_git
@pytest.mark.parametrize("name", ["sql/one.sql", "sql/none.sql"])
def test_a_line_that_names_the_wrong_commit_is_a_fault(name: str, repository: Path) -> None:
    text = write_query("one", "  -- changed").read_text()
    made("a.csv", "a\n")
    (record,) = queries_of()
    false = replace(record, committed=True, query=name)
    LINEAGE.write_text(f"{format_record(false)}\n", "utf-8")
    was = hashlib.sha256(git("show", "HEAD:sql/one.sql").encode() + b"\n").hexdigest()
    got = f"sha256 {was}" if name == "sql/one.sql" else "no such file"
    assert check_log().faults == (
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
    assert ask("b.csv").state == "known"
    assert check_log().faults == ()
    ((line, text),) = check_log().notes
    assert line == 1 and text.endswith(
        "in the repository or its history, got a history that is not whole"
    )
    made("c.csv", "c\n", "two")
    assert read_lineage(LINEAGE)[2].commit == git("rev-parse", "HEAD")


def test_without_a_repository_a_query_must_still_be_there(chain: Path) -> None:
    assert check_log().faults == ()
    write_query("two", "  -- changed")
    ((line, text),) = check_log().faults
    assert line == 2 and text.endswith("in the folder, got none")
