"""Places of queries: how lines name them, and whose git is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcore.lineage import BUNDLED_QUERIES, queries
from mlcore.lineage.queries import QueryPlace, find_query_place, locate_query, query_state
from tests.lineage.records import commit_all, git, needs_git, sha256

TEXT = "-- one: n.\n-- writes: one(n INT64)\nSELECT 1 AS n\n"


def place(path: Path | str, root: Path) -> QueryPlace:
    found = locate_query(Path(path), root)
    again = find_query_place(found.name, root)
    assert again == (None if found.name.startswith("elsewhere:") else found)
    return found


def bundle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the queries of mlcore be in a folder."""
    (folder / "sql").mkdir(parents=True)
    (folder / "sql/one.sql").write_text(TEXT)
    monkeypatch.setattr(queries, "BUNDLED_QUERIES", folder / "sql")
    return folder / "sql/one.sql"


def test_without_a_repository_names_are_relative_to_the_folder_of_the_lineage(folder: Path) -> None:
    assert place("sql/one.sql", folder) == QueryPlace("sql/one.sql", folder / "sql/one.sql", None)
    assert place("sql/one.sql", folder / "data").name == "elsewhere:one.sql"


@needs_git
def test_a_repository_has_its_queries_and_those_of_repositories_in_it(repository: Path) -> None:
    assert place("sql/one.sql", repository).repository == repository
    git("init", "--quiet", "part")
    Path("part/two.sql").write_text(TEXT)
    inner = place("part/two.sql", repository)
    assert (inner.name, inner.repository) == ("part/two.sql", repository / "part")
    assert inner.name_in_repository == "two.sql"


@needs_git
def test_a_query_of_another_repository_is_elsewhere(repository: Path) -> None:
    found = place("sql/one.sql", repository.parent / "other")
    assert (found.name, found.repository) == ("elsewhere:sql/one.sql", repository)


@needs_git
def test_a_bundled_query_of_an_environment_is_in_no_repository(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bundle(repository / ".venv/lib/site-packages", monkeypatch)
    assert place(path, repository) == QueryPlace("mlcore:one.sql", path, None)
    assert place(path, repository.parent) == QueryPlace("mlcore:one.sql", path, None)


@needs_git
def test_a_bundled_query_of_a_checkout_is_in_its_repository(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = folder / "checkout"
    path = bundle(checkout, monkeypatch)
    git("init", "--quiet", "checkout")
    monkeypatch.chdir(checkout)
    commit_all()
    assert place(path, checkout) == QueryPlace("sql/one.sql", path, checkout)
    assert place(path, folder) == QueryPlace("mlcore:one.sql", path, checkout)
    assert place(path, folder).name_in_repository == "sql/one.sql"


def test_the_state_of_a_bundled_query_is_that_of_the_one_here() -> None:
    text = (BUNDLED_QUERIES / "train.sql").read_text("utf-8")
    name, root = "mlcore:train.sql", Path("/none")
    assert query_state(name, sha256(text), root) == "same"
    assert query_state(name, sha256(f"{text} "), root) == "changed"
    assert query_state("mlcore:none.sql", sha256(text), root) == "missing"


@needs_git
def test_a_query_whose_folder_is_gone_is_in_the_repository_around(repository: Path) -> None:
    found = find_query_place("gone/deep/one.sql", repository)
    assert found is not None
    assert (found.repository, found.name_in_repository) == (repository, "gone/deep/one.sql")
