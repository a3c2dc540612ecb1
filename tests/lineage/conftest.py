"""Folders for the tests of the lineage."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.lineage.records import commit_all, git, made, write_query


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with two queries, in no repository."""
    work = (tmp_path / "work").resolve()
    (work / "sql").mkdir(parents=True)
    monkeypatch.chdir(work)
    # Whatever stands above the folder of the tests and in the settings of who runs them.
    for name, value in {
        "GIT_CEILING_DIRECTORIES": str(work.parent),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{
            f"GIT_{who}_{what}": "a@b"
            for who in ("AUTHOR", "COMMITTER")
            for what in ("NAME", "EMAIL")
        },
    }.items():
        monkeypatch.setenv(name, value)
    write_query("one")
    write_query("two")
    return work


@pytest.fixture
def repository(folder: Path) -> Path:
    """The folder as a repository, all committed."""
    git("init", "--quiet", "--initial-branch=main")
    commit_all()
    return folder


@pytest.fixture
def chain(folder: Path) -> Path:
    """a.csv -> b.csv -> c.csv -> d.csv, by three runs."""
    made("b.csv", "b\n", "one", {"a.csv": "a\n"})
    made("c.csv", "c\n", "two", {"b.csv": "b\n"})
    made("d.csv", "d\n", "one", {"c.csv": "c\n"})
    return folder
