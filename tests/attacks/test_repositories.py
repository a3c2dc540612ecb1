"""Repositories of others: what their configuration names does not run when lineage asks git.

Each attack shows first that it works: plain git runs it.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from mlcore.lineage import append, find_root, format_record, parse_record, read_lineage
from mlcore.lineage.git import (
    EVERYTHING,
    blob_sha256,
    first_commit,
    has_commit,
    head_commit,
    is_changed,
    is_partial,
    objects_of,
    read_blobs,
    top_folder,
)
from tests.cli.cases import INTERACTIONS, PREDICTIONS, TRUTH, run, write
from tests.lineage.conftest import folder, repository  # noqa: F401
from tests.lineage.records import RECORD, check_log, commit_all, git, record_of, write_query

pytestmark = pytest.mark.git


# --- attacks: each is told the path of a program that leaves a mark ---


def attack_filter(
    program: str, key: str = "clean", name: str = "evil", attributes: str = ".gitattributes"
) -> None:
    Path(attributes).write_text(f"*.sql filter={name}\n")
    git("config", f"filter.{name}.{key}", program)
    os.utime("sql/one.sql", (0, 0))  # git would look into it


def attack_include(program: str) -> None:
    attack_filter(program)
    Path("config").write_text(Path(".git/config").read_text())
    git("config", "--remove-section", "filter.evil")
    git("config", "include.path", "../config")


def attack_config_of_worktree(program: str) -> None:
    attack_filter(program)
    git("config", "--remove-section", "filter.evil")
    git("config", "extensions.worktreeConfig", "true")
    git("config", "--worktree", "filter.evil.clean", program)


def attack_attributes_elsewhere(program: str) -> None:
    attack_filter(program, attributes="attributes")
    git("config", "core.attributesFile", str(Path("attributes").resolve()))


def attack_submodule(program: str) -> None:
    with inside("sub"):
        git("init", "--quiet")
        write_query("one")
        commit_all()
    git("add", "sub")
    git("commit", "--quiet", "--message=sub")
    with inside("sub"):
        attack_filter(program)


def attack_monitor(program: str) -> None:
    git("config", "core.fsmonitor", program)


def attack_git_file(program: str) -> None:
    attack_monitor(program)
    Path(".git").rename("elsewhere")
    Path(".git").write_text("gitdir: elsewhere\n")


def attack_hooks(program: str, path: str = ".git/hooks") -> None:
    Path(path).mkdir(exist_ok=True)
    Path(path, "post-index-change").symlink_to(program)
    git("config", "core.hooksPath", str(Path(path).resolve()))
    os.utime("sql/one.sql", (0, 0))


def attack_diff(program: str, key: str) -> None:
    Path(".gitattributes").write_text("*.sql diff=evil\n")
    git("config", key, program)
    write_query("one", "  -- changed")


def attack_signature(program: str) -> None:
    signed = git("cat-file", "commit", "HEAD").replace(
        "\n\n", "\ngpgsig -----BEGIN PGP SIGNATURE-----\n\n", 1
    )
    words = ["git", "hash-object", "-t", "commit", "-w", "--stdin"]
    done = subprocess.run(words, input=f"{signed}\n".encode(), check=True, capture_output=True)
    git("update-ref", "HEAD", done.stdout.decode().strip())
    git("config", "gpg.program", program)
    git("config", "log.showSignature", "true")


def attack_remote(program: str, missing: str, url: str, key: str, value: str | None = None) -> None:
    """A clone that lacks an object, which git would fetch from a remote that is a program."""
    found = git("rev-parse", missing)
    Path(".git/objects", found[:2], found[2:]).unlink()
    git("config", "core.repositoryFormatVersion", "1")
    git("config", "extensions.partialClone", "origin")
    git("config", "remote.origin.url", url.replace("PROGRAM", program))
    git("config", key, value or program)


UPLOAD = {"url": ".", "key": "remote.origin.uploadpack"}
ATTACKS: dict[str, tuple[Callable[[str], None], str]] = {
    "clean": (attack_filter, "status"),
    "process": (partial(attack_filter, key="process"), "status"),
    "a name with =": (partial(attack_filter, name="a=b"), "status"),
    "attributes": (partial(attack_filter, attributes=".git/info/attributes"), "status"),
    "attributes elsewhere": (attack_attributes_elsewhere, "status"),
    "include": (attack_include, "status"),
    "config of a worktree": (attack_config_of_worktree, "status"),
    "submodule": (attack_submodule, "status"),
    "monitor": (attack_monitor, "status"),
    "git file": (attack_git_file, "status"),
    "hooks": (attack_hooks, "status"),
    "hooks elsewhere": (partial(attack_hooks, path="hooks"), "status"),
    "diff": (partial(attack_diff, key="diff.external"), "diff"),
    "textconv": (partial(attack_diff, key="diff.evil.textconv"), "diff"),
    "signature": (attack_signature, "log"),
    "remote of a blob": (
        partial(attack_remote, missing="HEAD:sql/one.sql", **UPLOAD),
        "show HEAD:sql/one.sql",
    ),
    "remote of a tree": (partial(attack_remote, missing="HEAD^{tree}", **UPLOAD), "status"),
    "remote of a commit": (partial(attack_remote, missing="HEAD", **UPLOAD), "log"),
    "remote by ssh": (
        partial(attack_remote, missing="HEAD", url="ssh://host/r", key="core.sshCommand"),
        "log",
    ),
    "remote by a helper": (
        partial(
            attack_remote,
            missing="HEAD",
            url="ext::PROGRAM",
            key="protocol.ext.allow",
            value="always",
        ),
        "log",
    ),
}


@contextmanager
def inside(path: str) -> Iterator[None]:
    home = Path.cwd()
    Path(path).mkdir(exist_ok=True)
    os.chdir(path)
    try:
        Path("sql").mkdir(exist_ok=True)
        yield
    finally:
        os.chdir(home)


class Mark:
    """A program that leaves a mark, and whether it has run."""

    def __init__(self, folder: Path) -> None:
        self._left, self.program = folder / "mark", folder / "program"
        self.program.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(self._left))}\n")
        self.program.chmod(0o755)

    def was_left(self) -> bool:
        """Return it, and forget it."""
        found = self._left.exists()
        self._left.unlink(missing_ok=True)
        return found


@pytest.fixture
def mark(repository: Path) -> Mark:  # noqa: F811
    return Mark(repository.parent)


def plain_git(words: str) -> None:
    """What anyone may type; whether it succeeds depends on the attack."""
    subprocess.run(["git", *words.split()], stdin=subprocess.DEVNULL, capture_output=True)


@pytest.mark.parametrize("name", ATTACKS)
def test_no_question_runs_a_program_of_the_repository(
    name: str, repository: Path, mark: Mark  # noqa: F811
) -> None:
    attack, words = ATTACKS[name]
    commit, blob = git("rev-parse", "HEAD", "HEAD:sql/one.sql").split()
    attack(str(mark.program))
    mark.was_left()
    root = top_folder(repository / "sql")
    assert root == repository
    head_commit(root)
    has_commit(root, commit)
    is_changed(root, commit)
    is_partial(root)
    blob_sha256(root, commit, "sql/one.sql")
    dict(read_blobs(root, {blob: "one.sql"} | objects_of(root, *EVERYTHING)))
    first_commit(root, blob)
    append("lineage.jsonl", record_of(lineage="lineage.jsonl"))
    check_log("lineage.jsonl")
    assert not mark.was_left()
    plain_git(words)
    assert mark.was_left(), "the attack is none"


STEPS = {
    "preprocess": "preprocess --interactions events.csv --out clean.csv",
    "split": "split --interactions events.csv --strategy last-n --n 1 --train-out a.csv --test-out b.csv",
    "train": "train --interactions events.csv --out-dir model",
    "predict": "predict --model-dir model --all-users --out lists.jsonl",
    "evaluate": "evaluate --predictions p.jsonl --ground-truth truth.csv --cutoffs 5 --out m.json",
    "compare": "compare --baseline p.jsonl --candidate p.jsonl --ground-truth truth.csv --out c.json",
    "diff": "diff --model-dir model --model-dir model --out d.json",
    "lineage": "lineage --file clean.csv",
    "check": "lineage --check",
}


def hostile_folder(mark: Mark) -> None:
    """Files of a user in a repository with many attacks at once."""
    write(Path(), {"events.csv": INTERACTIONS, "p.jsonl": PREDICTIONS, "truth.csv": TRUTH})
    commit_all()
    program = str(mark.program)
    attack_submodule(program)
    attack_filter(program)
    attack_monitor(program)
    attack_hooks(program)
    attack_remote(program, missing="HEAD:sql/two.sql", **UPLOAD)
    Path("lineage.jsonl").touch()
    os.utime("events.csv", (0, 0))
    mark.was_left()


@pytest.mark.slow
def test_no_command_runs_a_program_of_the_repository(
    repository: Path, mark: Mark  # noqa: F811
) -> None:
    hostile_folder(mark)
    for name, line in STEPS.items():
        assert run(line) == 0, name
        assert not mark.was_left(), name
    assert len(read_lineage("lineage.jsonl")) == 8
    plain_git("status")
    assert mark.was_left(), "the attack is none"


@pytest.mark.duckdb
@pytest.mark.parametrize("query", ["deduplicate", "sql/one.sql"])
def test_no_query_runs_a_program_of_the_repository(
    query: str, repository: Path, mark: Mark  # noqa: F811
) -> None:
    hostile_folder(mark)
    table = "--table events=events.csv --param aggregate=sum" if query == "deduplicate" else ""
    assert run(f"run_sql --query {query} {table} --out made.csv") == 0
    assert run("lineage --check") == 0
    assert not mark.was_left()


@pytest.mark.slow
@pytest.mark.optuna
def test_no_search_runs_a_program_of_the_repository(
    repository: Path, mark: Mark  # noqa: F811
) -> None:
    hostile_folder(mark)
    validation = "--validation truth.csv --metric recall@5 --trials 1"
    assert run(f"tune --interactions events.csv {validation} --out-dir found") == 0
    assert read_lineage("lineage.jsonl") != [] and not mark.was_left()


def test_a_bare_repository_among_the_files_is_no_repository(
    repository: Path, mark: Mark, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    git("clone", "--quiet", "--bare", ".", "bare")
    monkeypatch.chdir("bare")
    git("config", "core.bare", "false")
    git("config", "core.worktree", str(repository))
    attack_monitor(str(mark.program))
    assert (top_folder(Path.cwd()), head_commit(Path.cwd())) == (None, None)
    assert not mark.was_left()
    plain_git("status")
    assert mark.was_left(), "the attack is none"


def test_a_work_tree_elsewhere_is_not_taken_for_the_root(repository: Path) -> None:  # noqa: F811
    other = repository.parent / "other"
    git("init", "--quiet", str(other))
    for elsewhere in ("/", str(other)):
        git("config", "core.worktree", elsewhere)
        assert git("rev-parse", "--show-toplevel") == elsewhere
        assert top_folder(repository) is None
    assert find_root("sql/lineage.jsonl") == repository / "sql"


def test_a_repository_of_another_user_is_refused_as_git_does(
    repository: Path,  # noqa: F811
) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to give files away")
    os.chown(".git", 12345, 12345)
    os.chown(".", 12345, 12345)
    assert (top_folder(repository), head_commit(repository)) == (None, None)


def test_submodules_that_contain_each_other_end(
    repository: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:
    head = git("rev-parse", "HEAD")
    for name in ("left", "right"):
        git("update-index", "--add", "--cacheinfo", f"160000,{head},{name}")
    git("commit", "--quiet", "--message=loops")
    for name in ("left", "right"):
        Path(name).symlink_to(".")
        git("update-index", "--assume-unchanged", name)
    asked = iter(range(20))  # each level would double their number
    monkeypatch.setattr("mlcore.lineage.git.head_commit", lambda folder: next(asked) and head)
    assert is_changed(repository, git("rev-parse", "HEAD")) is False


def test_a_huge_blob_is_not_read(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # noqa: F811
    size = Path("sql/one.sql").stat().st_size
    commit = git("rev-parse", "HEAD")
    monkeypatch.setattr("mlcore.lineage.git.MAX_QUERY_BYTES", size)
    assert blob_sha256(repository, commit, "sql/one.sql") not in (None, "")
    monkeypatch.setattr("mlcore.lineage.git.MAX_QUERY_BYTES", size - 1)
    assert blob_sha256(repository, commit, "sql/one.sql") is None


@pytest.mark.parametrize("name", ["/dev/zero", "../secret", "sql/../../secret", "mlcore:../secret"])
def test_a_line_names_no_file_outside_the_root(name: str, folder: Path) -> None:  # noqa: F811
    record = parse_record(format_record(RECORD).replace("sql/one.sql", name), "")
    (folder.parent / "secret").write_text("")
    append("lineage.jsonl", record)
    report = check_log("lineage.jsonl")
    assert report.faults == ()
    assert report.notes == ((1, f"{name} is in another place, which this lineage does not know"),)


def test_a_query_that_is_a_pipe_is_not_read(folder: Path) -> None:  # noqa: F811
    append("lineage.jsonl", record_of(lineage="lineage.jsonl"))
    Path("sql/one.sql").unlink()
    os.mkfifo("sql/one.sql")
    (_, fault), *_ = check_log("lineage.jsonl").faults
    assert fault.endswith("in the folder, got none")
