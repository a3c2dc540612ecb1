"""Whatever a file holds, a command that reads it answers, or refuses it in one line, in time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attacks.fuzz import Answer, fuzz, judge, try_input
from interop.tools.damage import fit_crc
from tests.attacks.readers import READERS, Reader
from tests.cli.cases import REPOSITORY

NUM_INPUTS = 400  # `make attack` goes on
KEPT = [
    pytest.param(reader, name, data, id=f"{reader.name} {number} {name}")
    for reader in READERS.values()
    for number, (name, data) in enumerate(reader.kept)
]


@pytest.mark.parametrize(("reader", "name", "data"), KEPT)
def test_what_was_found_before_is_found_no_more(
    reader: Reader, name: str, data: bytes, good_files: Path
) -> None:
    for command in reader.commands:
        assert try_input(reader, command, name, data)[1] == []


@pytest.mark.slow
def test_damaged_files_are_answered_or_refused_in_one_line(
    good_files: Path, tmp_path: Path
) -> None:
    found = fuzz(range(NUM_INPUTS), list(READERS.values()), tmp_path)
    assert found.problems == {}
    assert min(found.verdicts["accepted"], found.verdicts["refused"]) > NUM_INPUTS // 20


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        (Answer(0, "", "Traceback\n", "", 0, 0), "words: a strange line"),
        (Answer(1, "", "error: a.csv: expected b, got \x1b\n", "", 0, 0), "words: not printable"),
        (Answer(1, "", "error: [Errno 5]\n", "", 0, 0), "words: not our template"),
        (Answer(1, "", "", "", 0, 0), "code: not 0, nor 1 and one error"),
        (Answer(0, "", "", "", 0, 1 << 40), "memory: 1048576 MiB"),
        (Answer(-1, "", "", "a\nb\nKeyError: 1", 0, 0), "crash: a | b | KeyError: 1"),
    ],
)
def test_what_is_wrong_with_an_answer_is_seen(given: Answer, problem: str, tmp_path: Path) -> None:
    assert list(judge(given, tmp_path)) == [problem]
    refused = Answer(1, "", "error: a.csv: expected b, got c\nhint: d\n", "", 0, 0)
    assert list(judge(refused, tmp_path)) == []
    (tmp_path / "new.csv").touch()
    assert list(judge(refused, tmp_path)) == ["output: there is one"]


def test_an_archive_gets_the_checksums_of_what_it_holds() -> None:
    path = REPOSITORY / "interop/conformance/valid/good/model/similarity.npz"
    whole = path.read_bytes()
    assert fit_crc(whole) == whole
    crc = whole.index(b"PK\x03\x04") + 14
    assert fit_crc(whole[:crc] + b"\0\0\0\0" + whole[crc + 4 :]) == whole
    assert fit_crc(b"PK\x03\x04") == b"PK\x03\x04"
