"""Whatever system call of a writing command fails, its outputs are old or new, as code and words say."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from zlib import crc32

import pytest

from tests.attacks.calls import can_trace
from tests.attacks.faults import COMMANDS, COMMANDS_IN_GO, Bench, Command, Tally, cases_of
from tests.attacks.forks import Forks, Program

pytestmark = pytest.mark.slow
NUM_CASES = 10  # of each command; `make attack` goes on
PARAMETERS = [
    pytest.param(one, id=one.name, marks=[getattr(pytest.mark, one.needs)] if one.needs else [])
    for one in COMMANDS
]


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    if not can_trace():
        pytest.skip("strace: get it from strace.io, and let it trace")
    with Forks(tmp_path_factory.mktemp("logs")) as started:
        yield started


def attack(bench: Bench) -> None:
    rng, tally = random.Random(crc32(bench.command.name.encode())), Tally()
    for injection in islice(cases_of(bench.calls, rng), NUM_CASES):
        bench.attack(injection, tally)
    assert sum(tally.tried.values()) > NUM_CASES // 4
    assert not tally.wrong


@pytest.mark.parametrize("command", PARAMETERS)
def test_a_call_that_fails_leaves_old_or_new_and_the_words_say_which(
    command: Command, forks: Forks, tmp_path: Path
) -> None:
    attack(Bench(command, forks, tmp_path))


@pytest.mark.go
@pytest.mark.parametrize("command", COMMANDS_IN_GO, ids=lambda command: command.name)
def test_a_call_that_fails_in_go_does_so_too(
    command: Command, forks: Forks, tmp_path: Path, go_reader: Path
) -> None:
    attack(Bench(command, forks, tmp_path, Program(go_reader)))
