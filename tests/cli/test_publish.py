"""cli.publish: a link that leads to the newest copy, and old copies that go."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.cases import run, snapshot


def test_the_link_leads_to_the_newest_and_old_copies_go(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("model", "no-users"):
        assert run(f"publish --model-dir {name} --to current --keep 1") == 0
        assert snapshot(folder / "current") == snapshot(folder / name)
    assert [path for path in folder.glob("current.*")] == [(folder / "current").resolve()]
    assert capsys.readouterr().err == ""


def test_at_least_one_copy_is_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("publish --model-dir model --to current --keep 0") == 1
    assert capsys.readouterr().err == "error: keep: expected an integer >= 1, got 0\n"
    assert not (folder / "current").exists()


@pytest.mark.parametrize("by_link", [True, False])
def test_a_published_copy_is_not_overwritten(
    by_link: bool, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("publish --model-dir model --to live") == 0
    capsys.readouterr()
    copy = (folder / "live").resolve()
    before, name = snapshot(copy), "live" if by_link else copy.name
    assert run(f"train --interactions interactions.csv --out-dir {name} --overwrite") == 1
    assert capsys.readouterr().err == (
        f"error: {name}: expected a model directory to overwrite, "
        f"got the published copy {copy.name!r}\n"
        "hint: its name says its content: --out-dir NEW, "
        "then cli.publish --model-dir NEW --to live\n"
    )
    assert snapshot(copy) == before
