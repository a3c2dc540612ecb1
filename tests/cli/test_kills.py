"""Whatever stops a command, its outputs are whole, and the next run removes the rest."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.kills import WRITERS, Writer, kill_often, prepare, stop_often, write_at_once

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the system has no such locks")
CASES = [
    pytest.param(
        writer, id=writer.name, marks=[getattr(pytest.mark, writer.needs)] if writer.needs else []
    )
    for writer in WRITERS
]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kills")
    prepare(folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("writer", CASES)
def test_a_kill_tears_no_output_and_leaves_nothing_for_long(writer: Writer, base: Path) -> None:
    figures = kill_often(base, writer, 6)
    assert figures.killed > 0 and figures.is_clean(), figures


@pytest.mark.slow
@pytest.mark.parametrize("writer", CASES)
def test_a_stop_leaves_all_as_it_was_or_comes_too_late(writer: Writer, base: Path) -> None:
    figures = stop_often(base, writer, 6)
    assert figures.is_clean() and figures.left == 0, figures


@pytest.mark.slow
@pytest.mark.parametrize("writer", CASES)
def test_of_several_at_once_one_is_the_result(writer: Writer, base: Path) -> None:
    figures = write_at_once(base, writer, 1)
    assert figures.is_clean(), figures
