"""Lines of the lineage for what commands make: one for each output, where there is a log."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlcore import lineage  # whose names load on first use: most runs have no log
from mlcore.errors import DataError, shown_as
from mlcore.files.clobber import refuse_clobber
from mlcore.files.options import ColumnNames, InputOptions, PathLike
from mlcore.files.outputs import is_stream
from mlcore.lineage.contents import describe_file, describe_input
from mlcore.lineage.data import Dataset
from mlcore.lineage.queries import BUNDLED_QUERIES
from mlcore.lineage.recorded import plain_value, recorded_dataset

if TYPE_CHECKING:
    from mlcore.lineage.command_record import Setting

__all__ = ["CommandRun", "format_of", "log_beside", "logs_for"]

_FORMATS = {"csv", "json", "jsonl", "ndjson", "parquet", "tsv"}


class CommandRun:
    """One run of a command that makes files or a directory.

    An output has a log if one is given, or else if ``lineage.jsonl`` lies beside it. Without a log this
    asks no git and reads nothing, unless told to. Call ``take`` before the inputs are read, ``note`` with what decides
    the outputs, and let ``on_written`` be called when they are whole and have no name yet: see
    ``open_outputs``.

    Args:
        command: its name.
        outputs: paths by role, in the order in which they are opened; None for one not asked for.
        lineage_path: of the log; None for the one beside each output.
        engine: that does the work, or None.
        always_takes: whether inputs are fingerprinted without a log, too: see ``contents``.

    Raises:
        DataError: a log cannot take a line, is an output, or lies in a model directory; or a log is
            given for an output that is no file, whose content nobody could look up.
    """

    def __init__(
        self,
        command: str,
        outputs: Mapping[str, PathLike | None],
        lineage_path: PathLike | None = None,
        engine: str | None = None,
        *,
        always_takes: bool = False,
    ) -> None:
        self._always_takes = always_takes
        self._command, self._engine = command, engine
        self._outputs = {role: path for role, path in outputs.items() if path is not None}
        if lineage_path is not None and not self._outputs:
            raise DataError(
                "lineage: expected an output, which gets a line, got none", "--out names a file"
            )
        self._logs = {
            role: log
            for role, path in self._outputs.items()
            if (log := _find_log(path, lineage_path)) is not None
        }
        for log in dict.fromkeys(os.fspath(log) for log in self._logs.values()):
            for path in self._outputs.values():
                if os.path.realpath(path) == os.path.realpath(log):
                    raise DataError(f"{path}: expected another file than the lineage, got the same")
            refuse_clobber(log, {})
            lineage.check_appendable(log)
        self._inputs: list[Dataset] = []
        self._params: dict[str, Setting] = {}

    def take(self, **inputs: PathLike | None) -> None:
        """Fingerprint files that are about to be read; those that are no files get no digest.

        Raises:
            DataError: a file is unreadable or damaged, or a log is one, or lies in a folder of parts.
        """
        for role, path in inputs.items() if self._logs or self._always_takes else ():
            if path is not None:
                for log in self._logs.values():
                    refuse_clobber(log, {"--" + role.replace("_", "-"): path})
                facts = describe_input(path)
                self._inputs.append(Dataset.of_file(path, format_of(path), facts, table=role))

    def take_options(self, inputs: Mapping[str, PathLike | None]) -> None:
        """Do what ``take`` does with the files of options: ``--model-dir`` is the role ``model``.

        Args:
            inputs: by option, as ``refuse_clobber`` takes them.

        Raises:
            DataError: as ``take``.
        """
        roles = {
            option.removeprefix("--").removesuffix("-dir").replace("-", "_"): path
            for option, path in inputs.items()
        }
        self.take(**roles)

    def take_stored(self, **tables: PathLike | None) -> None:
        """Note tables that the engine reads, by what it calls them."""
        for role, name in tables.items():
            if name is not None:
                self._inputs.append(Dataset.of_stored(os.fspath(name), table=role))

    def note(self, *configs: object, **params: object) -> None:
        """Note what decides the outputs.

        None and empty lists are left out; so are paths, which are inputs, and defaults of
        ``InputOptions``.

        Args:
            configs: dataclasses, or JSON objects.
        """
        for values in (*map(_fields, configs), params) if self._logs else ():
            self._params |= dict(_settings(values))

    def contents(self) -> list[dict[str, Any]]:
        """Return role, format, size and digest of each file that was taken and can be read twice."""
        keys = ("role", "format", "bytes", "sha256")
        taken = [lineage.dataset_to_json(one) for one in self._inputs if one.sha256 is not None]
        return [{key: one[key] for key in keys} for one in taken]

    def past(self) -> dict[str, Any] | None:
        """Return options and inputs of this run as its line will have them, and the lines that led to
        its inputs, nearest first; or None without a log.

        Raises:
            DataError: the log has become unreadable.
        """
        for path in self._logs.values():
            inputs = tuple(recorded_dataset(one, lineage.find_root(path)) for one in self._inputs)
            steps: tuple[lineage.Step, ...] = ()
            if os.path.exists(path):
                with lineage.Log(path) as log:
                    steps = lineage.trace(log, inputs, self._engine)
            return {
                "params": self._params,
                "inputs": [lineage.dataset_to_json(one) for one in inputs],
                "runs": [step.record.to_json() for step in steps],
            }
        return None

    def on_written(self, hidden: Sequence[Path | None]) -> AbstractContextManager[None]:
        """Return a context that appends the lines, and takes them back if its block raises.

        Args:
            hidden: where each output is until it gets its name, in their order.
        """
        lines: dict[str, tuple[PathLike, list[lineage.Record]]] = {}
        for (role, path), content in zip(self._outputs.items(), hidden, strict=True):
            log = self._logs.get(role)
            if log is not None and content is not None:
                record = self._record(role, path, content, log)
                lines.setdefault(os.path.realpath(log), (log, []))[1].append(record)
        # In one order, or two runs would wait for each other.
        return _appended([found for _, found in sorted(lines.items())])

    def _record(
        self, role: str, path: PathLike, content: Path, log: PathLike
    ) -> lineage.CommandRecord:
        kind = format_of(path)
        if kind is None and content.is_dir():
            kind = "parquet" if any(content.glob("*.parquet")) else "model"
        with shown_as(path, content):
            facts = describe_file(content)
        return lineage.CommandRecord.of_run(
            command=self._command,
            engine_name=self._engine,
            params=self._params,
            inputs=self._inputs,
            output=Dataset.of_file(path, kind, facts, table=role),
            lineage_path=log,
        )


@contextmanager
def _appended(lines: Iterable[tuple[PathLike, Sequence[lineage.Record]]]) -> Iterator[None]:
    with ExitStack() as stack:
        for log, records in lines:
            stack.enter_context(lineage.appended(log, records))
        yield


def _find_log(path: PathLike, given: PathLike | None) -> PathLike | None:
    is_file = not is_stream(path)
    if given is not None and not is_file:
        name = "standard output" if os.fspath(path) == "-" else path
        raise DataError(
            f"{name}: expected a file, as the lineage knows it by its content, got a stream",
            "name a file, or leave out --lineage",
        )
    return given if given is not None or not is_file else log_beside(path)


def log_beside(path: PathLike) -> Path | None:
    """Return the log beside a file or a directory, or None; never that of mlcore's queries."""
    name = os.path.normpath(path)
    if os.path.basename(name) in (".", ".."):
        name = os.path.abspath(name)
    log = Path(name).parent / lineage.LINEAGE_NAME
    is_ours = log.parent.resolve() == BUNDLED_QUERIES.resolve()
    return log if log.is_file() and not is_ours else None


def logs_for(path: PathLike) -> list[PathLike]:
    """Return the logs to ask about a file, where none is named: of the current folder, then beside it."""
    beside = None if is_stream(path) else log_beside(path)
    if beside is None or os.path.realpath(beside) == os.path.realpath(lineage.LINEAGE_NAME):
        return [lineage.LINEAGE_NAME]
    return [*filter(os.path.exists, [lineage.LINEAGE_NAME]), beside]


def format_of(path: PathLike) -> str | None:
    """Return what a file or a folder is in by its name; ``model``; or None.

    >>> format_of("events.CSV.gz"), format_of("events")
    ('csv', None)
    """
    if (Path(path) / "manifest.json").is_file():
        return "model"
    ending = Path(os.fspath(path).lower().removesuffix(".gz")).suffix[1:]
    return ending if ending in _FORMATS else None


def _fields(config: object) -> Mapping[str, object]:
    if isinstance(config, Mapping):
        return config
    values = {field.name: getattr(config, field.name) for field in fields(config)}  # type: ignore[arg-type]
    if isinstance(config, (InputOptions, ColumnNames)):
        default = type(config)()
        return {name: value for name, value in values.items() if value != getattr(default, name)}
    return values


def _settings(values: Mapping[str, object], before: str = "") -> Iterator[tuple[str, Setting]]:
    for name, value in values.items():
        if isinstance(value, Mapping) or is_dataclass(value):
            yield from _settings(_fields(value), f"{before}{name}.")
        elif isinstance(value, (list, tuple)) and value:
            yield before + name, [one for one in map(plain_value, value) if one is not None]
        elif not name.endswith("_path") and (plain := plain_value(value)) is not None:
            yield before + name, plain
