"""The directory that remembers a search.

``tuning.json`` says what is searched, ``trials.jsonl`` has one line for each finished trial, and
``config.json`` is the best configuration. A line is on the disk before the next trial begins, so
whatever stops a search costs one trial.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from io import FileIO
from pathlib import Path
from typing import Any

from mlcore.errors import DataError, DataWarning, from_os_error, shorten_json
from mlcore.files.inputs import read_text
from mlcore.files.outputs import open_outputs
from mlcore.jsontext import JsonTextError, format_document, format_line, parse_json
from mlcore.tune.trials import Trial

__all__ = ["TuningDirectory", "open_tuning_directory"]

TRIALS, TUNING, CONFIG = "trials.jsonl", "tuning.json", "config.json"


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
    with _locked(directory) as stream:
        for stale in directory.glob(".*.partial-*"):  # of a process that was killed
            stale.unlink()
        if os.fstat(stream.fileno()).st_size or (directory / TUNING).exists():
            _refuse_other(directory / TUNING, search)
        else:
            _write(directory / TUNING, format_document(search))
        yield TuningDirectory(directory, stream, _read_trials(stream, directory / TRIALS))


class TuningDirectory:
    """An open directory of a search; ``trials`` are those finished before."""

    def __init__(self, directory: Path, stream: FileIO, trials: list[Trial]) -> None:
        self._directory, self._stream, self.trials = directory, stream, trials

    def append(self, trial: Trial) -> None:
        """Add the line of a finished trial, and wait until it is on the disk.

        Args:
            trial: the next one.
        """
        line = format_line(asdict(trial)).encode() + b"\n"
        try:
            while line:
                line = line[self._stream.write(line) :]
            os.fsync(self._stream.fileno())
        except OSError as error:
            path = self._directory / TRIALS
            raise from_os_error(error, path, "room to write") from error

    def write_config(self, config: Mapping[str, Any]) -> None:
        """Replace the best configuration in one step.

        Args:
            config: as ``cli.train --config`` takes it.
        """
        _write(self._directory / CONFIG, format_document(config))


def _write(path: Path, text: str) -> None:
    with open_outputs(path) as (stream,):
        stream.write(text)


@contextmanager
def _locked(directory: Path) -> Iterator[FileIO]:
    """Give the file of the trials, open for this process alone."""
    path = directory / TRIALS
    if not path.exists() and directory.is_dir() and any(directory.iterdir()):
        raise DataError(f"{directory}: expected a directory of a search, got other content")
    try:
        directory.mkdir(exist_ok=True)
        # Without a buffer, whose rest would be written once more at the end if the disk is full.
        stream = open(path, "a+b", buffering=0)
    except OSError as error:
        raise from_os_error(error, directory, "a directory to write to") from error
    with stream:
        try:
            _lock(stream)
        except OSError:
            raise DataError(
                f"{directory}: expected a search that is not running, got one in another process"
            ) from None
        yield stream


def _lock(stream: FileIO) -> None:
    # The system lets go of it when the process ends, however it ends.
    with suppress(ImportError):  # Windows
        import fcntl

        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


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
            "another --out-dir starts another search",
        )


def _read_trials(stream: FileIO, path: Path) -> list[Trial]:
    stream.seek(0)
    content = stream.read()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        message = f"{path}: dropped a last line that was not written to its end"
        warnings.warn(message, DataWarning, stacklevel=2)
        stream.truncate(end)
        os.fsync(stream.fileno())
    lines = content[:end].split(b"\n")[:-1]
    return [_parse_trial(line, number, path) for number, line in enumerate(lines)]


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
