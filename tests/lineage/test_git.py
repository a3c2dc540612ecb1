"""Records of runs in a repository and without one."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mlcore.lineage import append, find_root, read_lineage
from mlcore.lineage.git import (
    blob_sha256,
    first_commit,
    head_commit,
    is_changed,
    is_partial,
    objects_of,
    top_folder,
)
from tests.lineage.records import (
    LINEAGE,
    RECORD,
    check_log,
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
    assert check_log().faults == ()


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
    head = git("rev-parse", "HEAD")
    assert is_changed(repository, head) is False
    git("mv", "sql/two.sql", ":(top)é x")  # a rename; a pattern; quoted where people read it
    names = {"sql/two.sql", ":(top)é x"}
    assert [is_changed(repository, head, names - {one}) for one in names] == [True, True]
    assert is_changed(repository, head, names) is False
    commit = commit_all()
    blobs = {name: blob for blob, name in objects_of(repository, "--no-walk", commit).items()}
    assert {":(top)é x", "sql/one.sql"} <= set(blobs)
    # The first commit has these bytes, under the former name.
    assert first_commit(repository, blobs[":(top)é x"]) == (head, "sql/two.sql")


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
    answer = check_log("lineage.jsonl")
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


# --- what differs from the commit, of files that git writes in another way than it holds them ---


def is_dirty(*apart: str) -> bool | None:
    return is_changed(Path.cwd(), git("rev-parse", "HEAD"), set(apart))


def touch(*names: str) -> None:
    """Git must look into them: their times are not those of the index any more."""
    for name in names:
        os.utime(name, (0, 0))


def by_setting() -> None:
    git("config", "core.autocrlf", "true")


def by_attribute(path: str = ".gitattributes") -> None:
    Path(path).write_text("*.sql text eol=crlf\n")


@needs_git
@pytest.mark.parametrize(
    "ask_for", [by_setting, by_attribute, lambda: by_attribute(".git/info/attributes")]
)
def test_other_ends_of_lines_are_no_change(ask_for: Callable[[], None], repository: Path) -> None:
    ask_for()
    git("add", "--all")
    git("commit", "--quiet", "--allow-empty", "--message=ends")
    shutil.rmtree("sql")
    git("checkout", "--", "sql")
    text = Path("sql/one.sql").read_bytes()
    assert text.endswith(b"\r\n")
    touch("sql/one.sql")
    assert is_dirty() is False
    Path("sql/one.sql").write_bytes(text.replace(b"1", b"2"))
    assert is_dirty() is True


@needs_git
def test_of_a_touched_file_with_a_filter_nobody_can_tell(repository: Path) -> None:
    Path(".gitattributes").write_text("*.bin filter=upper\n")
    git("config", "filter.upper.clean", "tr a-z A-Z")
    Path("a.bin").write_text("abc")
    touch("a.bin")
    commit_all()
    assert git("show", "HEAD:a.bin") == "ABC"
    assert is_dirty() is False  # as the index knows its times
    os.utime("a.bin", (1, 1))
    assert (is_dirty(), is_dirty("a.bin")) == (None, False)
    write_query("one", "  -- changed")
    assert is_dirty() is True
    git("checkout", "sql/one.sql")
    Path("a.bin").unlink()
    assert is_dirty() is True


@needs_git
def test_modes_and_links_count_where_git_counts_them(repository: Path) -> None:
    Path("link").symlink_to("sql/one.sql")
    commit_all()
    assert is_dirty() is False
    Path("sql/one.sql").chmod(0o755)
    assert is_dirty() is True
    git("config", "core.fileMode", "false")
    assert is_dirty() is False
    Path("link").unlink()
    Path("link").symlink_to("sql/two.sql")
    assert is_dirty() is True


@needs_git
@pytest.mark.parametrize(
    "arrange",
    [
        ("update-index", "--split-index"),
        ("sparse-checkout", "set", "--no-cone", "/sql/one.sql"),
        ("sparse-checkout", "set", "--cone", "--sparse-index", "sql"),
        ("update-index", "--index-version", "4"),
        ("pack-refs", "--all"),
        ("checkout", "--quiet", "--detach"),
    ],
)
def test_any_arrangement_of_a_repository_is_understood(
    arrange: tuple[str, ...], repository: Path
) -> None:
    Path("data").mkdir()
    Path("data/in.csv").write_text("n\n")
    commit_all()
    git(*arrange)
    touch("sql/one.sql")
    assert is_dirty() is False
    write_query("one", "  -- changed")
    assert is_dirty() is True


@needs_git
def test_changes_in_a_submodule_count(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = repository / "modules/inner"
    git("init", "--quiet", str(inner))
    (inner / "sql").mkdir()
    monkeypatch.chdir(inner)
    write_query("one")
    first = commit_all()
    write_query("two")
    commit_all()
    monkeypatch.chdir(repository)
    git("add", "modules/inner")
    commit_all()
    assert is_dirty() is False
    (inner / "sql/one.sql").write_text("SELECT 3\n")
    assert (is_dirty(), is_dirty("modules/inner/sql/one.sql")) == (True, False)
    git("-C", str(inner), "checkout", "--quiet", "--force", first)
    assert is_dirty() is True
    shutil.rmtree(inner)
    inner.mkdir()  # a submodule that is not checked out
    assert is_dirty() is False


@needs_git
@pytest.mark.parametrize("main", [".", "../bare"])
def test_a_worktree_has_its_own_index_and_commit(
    main: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = repository.parent / "other"
    git("clone", "--quiet", "--bare", ".", "../bare")
    git("-C", main, "worktree", "add", "--quiet", str(other))
    write_query("one", "  -- changed")
    assert is_dirty() is True
    monkeypatch.chdir(other)
    assert top_folder(other / "sql") == other
    assert (is_dirty(), head_commit(other)) == (False, git("rev-parse", "HEAD"))
    write_query("two", "  -- changed")
    git("add", "--all")
    assert is_dirty() is True


@needs_git
def test_a_repository_with_sha256_is_understood(folder: Path) -> None:
    if not git_can("init", "--quiet", "--object-format=sha256"):
        pytest.skip("needs a git with --object-format")
    commit = commit_all()
    assert len(commit) == 64
    touch("sql/one.sql")
    record = record_of()
    assert (record.commit, record.committed, record.dirty) == (commit, True, False)
    write_query("one", "  -- changed")
    assert (record_of().committed, is_dirty()) == (False, True)


def git_can(*arguments: str) -> bool:
    return subprocess.run(["git", *arguments], capture_output=True).returncode == 0


@needs_git
def test_what_a_partial_clone_lacks_is_not_fetched_and_not_denied(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = git("rev-parse", "HEAD")
    append(LINEAGE, record_of())
    write_query("one", "  -- changed")
    commit_all()
    git("config", "uploadpack.allowFilter", "true")
    clone = repository.parent / "clone"
    git("clone", "--quiet", "--filter=blob:none", f"file://{repository}", str(clone))
    monkeypatch.chdir(clone)
    assert is_partial(clone) and not is_partial(repository)
    assert blob_sha256(clone, first, "sql/one.sql") is None
    assert blob_sha256(clone, first, "sql/none.sql") == ""
    assert blob_sha256(clone, first, "sql") == ""
    ((line, text),) = check_log().notes
    assert line == 1 and text.endswith("got a history that is not whole")
    assert record_of().committed is True
