"""docs.blocks: every block of the pages runs, and prints what the page shows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from docs.blocks import as_expected, blocks, main, run_page, write_outputs
from docs.pages import ROOT, pages
from docs.translations import TRANSLATIONS

TUTORIAL = "docs/tutorial.md"

# Their commands are run by tests of their own, which need more than a folder: see the names.
ELSEWHERE = {
    "docs/troubleshooting.md": "tests/cli/test_troubleshooting.py",
    "docs/engines.md": "tests/warehouse/page_engines.py",
    "sql/README.md": "tests/warehouse/test_model_tables.py",
    "CONTRIBUTING.md": "tests/test_docs.py",
    "interop/go/README.md": "tests/test_docs.py",
}
NEEDS = {
    "docs/warehouse.md": [pytest.mark.duckdb],
    "docs/lineage.md": [pytest.mark.duckdb],
    "docs/configuration.md": [pytest.mark.optuna],
    "docs/reports.md": [pytest.mark.optuna, pytest.mark.matplotlib],
}


def with_blocks() -> list[Any]:
    """The pages with blocks to run, each marked with what it needs.

    A translation has the blocks of its original, see test_translations.py.
    """
    found = []
    for page in pages():
        if page in ELSEWHERE or page in TRANSLATIONS or page == TUTORIAL:
            continue
        marks = NEEDS.get(page, [])
        if any(
            block.language in ("sh", "python") and "not-run" not in block.marks
            for block in blocks((ROOT / page).read_text("utf-8"))
        ):
            found.append(pytest.param(page, marks=marks, id=page))
    return found


def faults_of(page: str, folder: Path) -> list[str]:
    """What a page shows that is not what its blocks print."""
    text = (ROOT / page).read_text("utf-8")
    return [
        f"{ran.block.text}prints\n{ran.printed}"
        for ran in run_page(text, folder)
        if ran.shown and not as_expected(ran.printed, ran.shown.text)
    ]


@pytest.fixture(scope="session")
def after_tutorial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the tutorial leaves, in which the other pages go on."""
    folder = tmp_path_factory.mktemp("tutorial")
    assert faults_of(TUTORIAL, folder) == []
    return folder


def test_the_tutorial_runs_and_prints_what_is_shown(after_tutorial: Path) -> None:
    assert (after_tutorial / "my-lists.csv").is_file()


def test_the_readme_runs_with_a_table_and_prints_what_is_shown(tmp_path: Path) -> None:
    shutil.copy(ROOT / "fixtures/small/events.csv", tmp_path)
    assert faults_of("README.md", tmp_path) == []


@pytest.mark.parametrize("page", with_blocks())
def test_every_block_of_a_page_runs_and_prints_what_is_shown(
    page: str, tmp_path: Path, after_tutorial: Path
) -> None:
    shutil.copytree(after_tutorial, tmp_path, symlinks=True, dirs_exist_ok=True)
    assert faults_of(page, tmp_path) == []


def test_the_tests_that_run_other_pages_are_there() -> None:
    assert [test for test in ELSEWHERE.values() if not (ROOT / test).is_file()] == []


PAGE = """\
```sh
echo one; echo two >&2
```

```text output
old
```

```python
x = 1
print(x)
```

```sh not-run
exit 1
```
"""


def test_a_block_has_its_language_its_marks_and_its_place() -> None:
    found = blocks(PAGE)
    assert [(one.language, *one.marks) for one in found] == [
        ("sh",),
        ("text", "output"),
        ("python",),
        ("sh", "not-run"),
    ]
    assert all(PAGE[one.start : one.end] == one.text for one in found)


def test_what_a_page_shows_otherwise_is_written_anew(tmp_path: Path) -> None:
    ran = list(run_page(PAGE, tmp_path))
    assert [one.printed for one in ran] == ["one\ntwo\n", "1\n"]
    new = write_outputs(PAGE, ran)
    assert new == PAGE.replace("old\n", "one\ntwo\n")
    assert write_outputs(new, list(run_page(new, tmp_path))) == new


def test_a_command_that_fails_is_shown_with_its_message(tmp_path: Path) -> None:
    page = "```sh\nfalse\necho never\n```\n"
    with pytest.raises(AssertionError, match="never"):
        list(run_page(page, tmp_path))


@pytest.mark.parametrize(
    ("printed", "shown", "same"),
    [
        ("a\nb\nc\n", "a\n...\nc\n", True),
        ("a\nc\n", "a\n...\nc\n", True),
        ("a\nb\nd\n", "a\n...\nc\n", False),
        ("a\nb\n", "a\n...\n", True),
        ("a.b\n", "a?b\n", False),
    ],
)
def test_dots_stand_for_any_lines(printed: str, shown: str, same: bool) -> None:
    assert as_expected(printed, shown) == same


def test_the_command_says_which_page_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "page.md").write_text(PAGE)
    assert main(["page.md"]) == 1
    assert "page.md" in capsys.readouterr().err
    assert main(["--write", "page.md"]) == 0 == main(["page.md"])
