"""Texts of queries that have moved, or whose commit is gone, are found by their content."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlcore.lineage import append
from mlcore.lineage.git import read_blobs
from mlcore.lineage.history import TextPlace
from tests.lineage.records import (
    LINEAGE,
    ask,
    check_log,
    commit_all,
    git,
    made,
    needs_git,
    queries_of,
    record_of,
    write_query,
)


def text_of(name: str = "a.csv") -> tuple[Any, TextPlace | None]:
    """The state of the query that made a file, and where its text is."""
    (step,) = ask(name).steps
    return step.query_state, step.text_place


def drop_history() -> None:
    """Forget what no branch has."""
    git("reflog", "expire", "--expire=now", "--all")
    git("gc", "--quiet", "--prune=now")


@needs_git
def test_a_query_that_stands_is_not_looked_for(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made("a.csv", "a\n")
    monkeypatch.setattr("mlcore.lineage.answers.History.find", None)
    assert text_of() == ("same", None)


@needs_git
@pytest.mark.parametrize("commit", [True, False])
def test_a_moved_query_is_where_its_content_is(commit: bool, repository: Path) -> None:
    made("a.csv", "a\n")
    Path("queries/daily").mkdir(parents=True)
    git("mv", "sql/one.sql", "queries/daily/first.sql")
    if commit:
        commit_all()
    assert text_of() == ("missing", TextPlace("queries/daily/first.sql", None))
    assert check_log().faults == ()


@needs_git
def test_a_query_under_any_name_is_found_in_the_commit_that_is_checked_out(
    repository: Path,
) -> None:
    made("a.csv", "a\n")
    git("mv", "sql/one.sql", "sql/one.txt")
    head = commit_all()
    assert text_of() == ("missing", TextPlace("sql/one.txt", head))


@needs_git
def test_a_squashed_query_is_found_by_the_commit_that_has_it_first(repository: Path) -> None:
    first = git("rev-parse", "HEAD")
    git("checkout", "--quiet", "-b", "topic")
    Path("notes").write_text("1")
    commit_all()
    write_query("one", "  -- changed")
    gone = commit_all()
    made("a.csv", "a\n")
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "--squash", "topic")
    squashed = commit_all()
    git("branch", "-D", "topic")
    drop_history()
    assert gone not in git("rev-list", "--all")
    assert text_of() == ("same", None) and check_log().faults == ()
    write_query("one", "  -- changed again")
    commit_all()
    assert text_of() == ("changed", TextPlace("sql/one.sql", squashed))
    assert check_log().faults == ()
    assert first != squashed


@needs_git
def test_a_rebased_and_renamed_query_is_found_under_its_first_name(repository: Path) -> None:
    Path("q").mkdir()
    Path("q/new.sql").write_text("-- new: n.\n-- writes: new(n INT64)\nSELECT 7 AS n\n")
    made_by = Path("q/new.sql")
    append(LINEAGE, record_of(made_by, content="a\n", output="a.csv"))
    Path("a.csv").write_text("a\n")
    added = commit_all()
    git("mv", "q/new.sql", "sql/renamed.sql")
    commit_all()
    git("rm", "--quiet", "sql/renamed.sql")
    git("commit", "--quiet", "--message=gone")
    assert text_of() == ("missing", TextPlace("q/new.sql", added))


@needs_git
def test_what_only_the_reflog_has_is_found(repository: Path) -> None:
    lost_text = write_query("one", "  -- changed").read_text()
    git("mv", "sql/one.sql", "sql/three.sql")
    lost = commit_all()
    git("reset", "--quiet", "--hard", "HEAD~1")
    Path("sql/one.sql").write_text(lost_text)  # ran under another name and without a commit
    made("a.csv", "a\n")
    git("checkout", "--quiet", "sql/one.sql")
    assert text_of() == ("changed", TextPlace("sql/three.sql", lost))
    drop_history()
    assert text_of() == ("changed", None)
    assert len(check_log().faults) == 1


@needs_git
def test_a_checkout_with_other_ends_of_lines_has_the_same_text(repository: Path) -> None:
    made("a.csv", "a\n")
    path = Path("sql/one.sql")
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    LINEAGE.write_bytes(LINEAGE.read_bytes().replace(b"\n", b"\r\n"))
    assert text_of() == ("same", None)
    made("b.csv", "b\n")
    assert [one.committed for one in queries_of()] == [True, True]
    path.unlink()
    assert check_log().faults == ()
    assert text_of("b.csv")[1] == TextPlace("sql/one.sql", git("rev-parse", "HEAD"))


@needs_git
def test_a_repository_without_a_commit_has_its_files(folder: Path) -> None:
    git("init", "--quiet")
    made("a.csv", "a\n")
    Path("sql/one.sql").rename("one.sql")
    assert text_of() == ("missing", TextPlace("one.sql", None))
    Path("one.sql").unlink()
    assert text_of() == ("missing", None)


def test_without_git_a_moved_query_is_found_below_the_log(folder: Path) -> None:
    made("a.csv", "a\n")
    Path("sql/old").mkdir()
    Path("sql/one.sql").rename("sql/old/one.sql")
    assert text_of() == ("missing", TextPlace("old/one.sql", None))
    assert check_log().faults == ()
    Path("sql/old/one.sql").rename("sql/old/.one")
    assert text_of() == ("missing", None)


@needs_git
def test_a_shallow_clone_has_what_it_has(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made("a.csv", "a\n")
    commit_all()
    git("mv", "sql/one.sql", "one.txt")
    made("b.csv", "b\n", "two")
    write_query("two", "  -- changed")
    head = commit_all()
    clone = repository.parent / "clone"
    git("clone", "--quiet", "--depth=1", f"file://{repository}", str(clone))
    monkeypatch.chdir(clone)
    assert text_of("a.csv") == ("missing", TextPlace("one.txt", head))
    assert text_of("b.csv") == ("changed", None)


@needs_git
def test_objects_are_read_in_batches_and_no_huge_one(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    contents = {f"{n}.sql": bytes([n, 10]) * 10 * (n + 1) for n in range(9)}
    blobs = {}
    for name, content in contents.items():
        words = ["git", "hash-object", "-w", "--stdin"]
        done = subprocess.run(words, input=content, capture_output=True, check=True)
        blobs[done.stdout.decode().strip()] = name
    monkeypatch.setattr("mlcore.lineage.git._BATCH_BYTES", 100)
    monkeypatch.setattr("mlcore.lineage.git.MAX_QUERY_BYTES", 160)
    asked = blobs | {"0" * 40: "none.sql", git("rev-parse", "HEAD"): "commit.sql"}
    found = {blobs[blob]: content for blob, content in read_blobs(repository, asked)}
    assert found == {name: one for name, one in contents.items() if len(one) <= 160}
    monkeypatch.setattr("mlcore.lineage.git.MAX_TEXT_BYTES", 60)
    assert [blobs[blob] for blob, _ in read_blobs(repository, asked)] == ["0.sql", "1.sql"]
