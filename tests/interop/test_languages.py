"""All readers, once built, give the same verdicts, lists and bits; ``make test ALL=1`` builds them before."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest

from interop.tools import agree, mutate, same_lists
from interop.tools.programs import built_programs
from tests.interop.test_go_agree import MODELS

LANGUAGES = ("rust", "java", "typescript")


@pytest.fixture(scope="module")
def programs(go_reader: Path) -> dict[str, Sequence[str]]:
    built = built_programs()
    for name in LANGUAGES:
        assert name in built, f"interop/{name}: not built; interop/{name}/check.sh builds it"
    return {**built, "go": [str(go_reader), "conformance"]}


def test_damaged_models_and_requests_are_answered_alike(
    programs: dict[str, Sequence[str]], tmp_path: Path
) -> None:
    mutate.write_corpus(tmp_path / "corpus", 300, 3000, seed=12)
    entries = agree.read_corpus(tmp_path / "corpus")
    found = {name: agree.run_program(command, entries) for name, command in programs.items()}
    assert agree.differences(entries, found) == {name: [] for name in ("go", *LANGUAGES)}


@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.parent.name)
def test_lists_are_the_same_bytes(
    model: Path, programs: dict[str, Sequence[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(same_lists, "SOME", 200)
    monkeypatch.setattr(same_lists, "OPTIONS", same_lists.OPTIONS[-1:])
    named = [f"--program={name}={shlex.join(command)}" for name, command in programs.items()]
    assert same_lists.main([f"--model-dir={model}", "--requests=2000", *named]) == 0
