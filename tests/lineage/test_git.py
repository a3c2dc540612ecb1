"""Records of runs in a repository and without one."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from mlcore.lineage import append, check, find_root, read_lineage
from mlcore.lineage.git import changed_files, commits_of
from tests.lineage.records import (
    LINEAGE,
    RECORD,
    commit_all,
    git,
    needs_git,
    queries_of,
    record_of,
    write_query,
)


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
    assert record.query == "elsewhere:one.sql"
    assert (record.commit, record.committed, record.dirty) == (None, None, None)


@needs_git
def test_the_commit_is_that_of_the_repository_the_query_is_in(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git("rev-parse", "HEAD")
    other = repository.parent / "other"
    git("init", "--quiet", str(other))
    (other / "data").mkdir()
    (other / "data/in.csv").write_text("n\n")
    monkeypatch.chdir(other)
    commit_all()
    (other / "data/in.csv").write_text("n\n1\n")  # which makes the other one dirty alone
    for log in ("lineage.jsonl", repository.parent / "lineage.jsonl"):
        record = record_of(repository / "sql/one.sql", lineage=log)
        assert (record.commit, record.committed, record.dirty) == (commit, True, False)
    assert record.query == "work/sql/one.sql"  # below the log, which is in no repository
    append("lineage.jsonl", record_of(repository / "sql/one.sql", lineage="lineage.jsonl"))
    (record,) = queries_of("lineage.jsonl")
    assert record.query == "elsewhere:sql/one.sql"
    # The same path here is another query.
    (other / "sql").mkdir()
    write_query("one", "  -- another")
    answer = check([record], find_root("lineage.jsonl"))
    assert answer.faults == ()
    assert answer.notes == (
        (1, "elsewhere:sql/one.sql is in another place, which this lineage does not know"),
    )


@needs_git
def test_the_repository_of_a_hook_is_not_taken_for_that_of_the_folder(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git("rev-parse", "HEAD")
    other = repository.parent / "other"
    git("init", "--quiet", str(other))
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert record_of().commit == commit
