"""The directory that remembers a search.

``tuning.json`` says what is searched, ``trials.jsonl`` has one line for each finished trial, and
``config.json`` is the best configuration. A line is on the disk before the next trial begins, so
whatever stops a search costs one trial.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from mlcore.errors import DataError, from_os_error, shorten_json
from mlcore.files.inputs import read_text
from mlcore.files.journal import Journal, open_journal
from mlcore.files.outputs import OnWritten, open_outputs
from mlcore.jsontext import JsonTextError, format_document, format_line, parse_json
from mlcore.tune.trials import Trial

__all__ = ["CONFIG", "TUNING_FILES", "TuningDirectory", "open_tuning_directory"]

TUNING_FILES = TRIALS, TUNING, CONFIG = "trials.jsonl", "tuning.json", "config.json"
_ELSEWHERE = "another --out-dir starts another search"


@contextmanager
def open_tuning_directory(directory: Path, search: Mapping[str, Any]) -> Iterator[TuningDirectory]:
    """Give the directory of a search, new or to go on with, which no other process may open.

    Args:
        directory: made if there is none.
        search: JSON values that say what is searched; a search goes on only with the same.

    Raises:
        DataError: another search, one that is running, something else stands there, or a line that
            is no trial.
    """
    with _open_trials(directory) as journal:
        for stale in directory.glob(".*.partial-*"):  # of a process that was killed
            stale.unlink()
        if journal.is_empty and not (directory / TUNING).exists():
            _write(directory / TUNING, format_document(search))
        else:
            _refuse_other(directory / TUNING, search)
        yield TuningDirectory(directory, journal)


class TuningDirectory:
    """An open directory of a search; ``trials`` are those finished before."""

    def __init__(self, directory: Path, journal: Journal) -> None:
        self._directory, self._journal = directory, journal
        self.trials = _read_trials(journal, directory / TRIALS)

    def append(self, trial: Trial) -> None:
        """Add the line of a finished trial, and wait until it is on the disk."""
        self._journal.append(format_line(asdict(trial)))

    def write_config(self, config: Mapping[str, Any], on_written: OnWritten | None = None) -> None:
        """Replace the best configuration, as ``cli.train --config`` takes it, in one step.

        Args:
            on_written: see ``open_outputs``.
        """
        _write(self._directory / CONFIG, format_document(config), on_written)


def _write(path: Path, text: str, on_written: OnWritten | None = None) -> None:
    with open_outputs(path, on_written=on_written) as (stream,):
        stream.write(text)


@contextmanager
def _open_trials(directory: Path) -> Iterator[Journal]:
    path = directory / TRIALS
    if not path.exists() and directory.is_dir() and any(directory.iterdir()):
        raise DataError(
            f"{directory}: expected a directory of a search, got other content", _ELSEWHERE
        )
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise from_os_error(error, directory, "a directory to write to") from error
    with ExitStack() as stack:
        try:
            journal = stack.enter_context(open_journal(path, wait=False))
        except BlockingIOError:
            raise DataError(
                f"{directory}: expected a search that is not running, got one in another process"
            ) from None
        yield journal


def _refuse_other(path: Path, search: Mapping[str, Any]) -> None:
    """Raise DataError unless the search that began here was this one."""
    try:
        begun = parse_json(read_text(path))
    except JsonTextError as error:
        raise DataError(f"{path}: expected a JSON object, got {error}") from None
    if not isinstance(begun, dict):
        raise DataError(f"{path}: expected a JSON object, got {shorten_json(begun)}")
    other = [key for key in search if begun.get(key) != search[key]]
    if other:
        more = f" (and another {', '.join(other[1:])})" if other[1:] else ""
        raise DataError(
            f"{path}: {other[0]}: expected {shorten_json(begun.get(other[0]))}, with which the "
            f"search began, got {shorten_json(search[other[0]])}{more}",
            _ELSEWHERE,
        )


def _read_trials(journal: Journal, path: Path) -> list[Trial]:
    journal.mend_end()
    return [_parse_trial(line, number, path) for number, line in enumerate(journal.lines())]


def _parse_trial(line: bytes, number: int, path: Path) -> Trial:
    try:
        values = parse_json(line.decode())
    except (JsonTextError, UnicodeDecodeError):
        values = None
    if not isinstance(values, dict) or not _is_trial(values, number):
        raise DataError(
            f"{path}:{number + 1}: expected trial {number} as it was written, got another line"
        )
    return Trial(**values)


def _is_trial(values: Mapping[str, Any], number: int) -> bool:
    if list(values) != [item.name for item in fields(Trial)] or values["trial"] != number:
        return False
    if not all(isinstance(values[name], dict) for name in ("params", "config", "metrics")):
        return False
    failed = values["value"] is None
    return failed == isinstance(values["error"], str) and (
        failed or isinstance(values["value"], (int, float))
    )
