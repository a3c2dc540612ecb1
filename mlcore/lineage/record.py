"""One run of a query as one line of JSON."""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Protocol

from mlcore.errors import DataError, shorten_json
from mlcore.files.options import PathLike
from mlcore.jsontext import JsonTextError, format_line, parse_json
from mlcore.parameters import Rule, Value, boolean, condition, convert_value, integer, optional
from mlcore.version import VERSION
from mlcore.lineage.data import Dataset
from mlcore.lineage.git import blob_sha256, changed_files, head_commit
from mlcore.lineage.names import find_root, recorded_name
from mlcore.lineage.queries import QueryPlace, locate_query

__all__ = ["QueryRecord"]

_COUNT = integer(minimum=0, below=2**63)
_TEXT = condition("a text", lambda value: isinstance(value, str) and value != "")
_SHA256 = condition("a SHA-256 in hexadecimal", lambda value: _matches(r"[0-9a-f]{64}", value))
_COMMIT = condition(  # of SHA-1, of SHA-256
    "the id of a commit", lambda value: _matches(r"[0-9a-f]{40}|[0-9a-f]{64}", value)
)
_TIME = condition(
    "a time such as 2026-01-31T12:00:00Z",
    lambda value: _matches(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value),
)
_VALUES = condition(
    "an object of texts, numbers, true and false",
    lambda value: isinstance(value, dict)
    and all(isinstance(one, (str, int, float)) for one in value.values()),
)
_RECORD_RULES = {
    "query": _TEXT,
    "query_sha256": _SHA256,
    "commit": optional(_COMMIT),
    "committed": optional(boolean()),
    "dirty": optional(boolean()),
    "engine": _TEXT,
    "engine_version": _TEXT,
    "params": _VALUES,
    "inputs": condition("a list", lambda value: isinstance(value, list)),
    "output": condition("an object", lambda value: isinstance(value, dict)),
    "statistics": _VALUES,
    "created_at": _TIME,
    "tool": _TEXT,
}
_OUTPUT_RULES = {
    "file": optional(_TEXT),
    "stored": optional(_TEXT),
    "format": optional(_TEXT),
    "rows": _COUNT,
    "bytes": optional(_COUNT),
    "sha256": optional(_SHA256),
    "columns": condition(
        "a list of texts",
        lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    ),
}
_INPUT_RULES = {"table": _TEXT, **_OUTPUT_RULES, "rows": optional(_COUNT)}


class QueryFile(Protocol):
    """What a line says of a query: its path as it was given, and the SHA-256 of its bytes."""

    @property
    def path(self) -> Path: ...

    @property
    def sha256(self) -> str: ...


@dataclass(frozen=True)
class QueryRecord:
    """One run of a query; the fields are the keys of its line, in their order.

    Attributes:
        query: its name, as ``QueryPlace`` has it.
        query_sha256: of its bytes.
        commit: checked out where the query is, or None without git.
        committed: whether the commit has these bytes of the query; None without git.
        dirty: whether a tracked file differed from the commit, except the lineage file, and inputs
            and output, whose digests are here. None without git.
        params: the value of each parameter.
        statistics: what the engine says of the job.
        created_at: time of the line, by RFC 3339, UTC.
        tool: that wrote the line, with its version.
    """

    query: str
    query_sha256: str
    commit: str | None
    committed: bool | None
    dirty: bool | None
    engine: str
    engine_version: str
    params: Mapping[str, Value]
    inputs: tuple[Dataset, ...]
    output: Dataset
    statistics: Mapping[str, Value]
    created_at: str
    tool: str

    @classmethod
    def of_run(
        cls,
        *,
        query: QueryFile,
        values: Mapping[str, Value],
        engine_name: str,
        engine_version: str,
        inputs: Sequence[Dataset],
        output: Dataset,
        statistics: Mapping[str, Value],
        lineage_path: PathLike,
        created_at: datetime | None = None,
    ) -> QueryRecord:
        """Return the record of a run that has just ended, with the state of the query in git.

        No name in it is absolute, and no URI has a user, a password or a query string.

        Args:
            values: of all parameters.
            inputs: files by the path that the user gave.
            output: likewise.
            statistics: of the job; numbers that JSON lacks are left out, paths and URIs shortened as
                names are.
            lineage_path: of the file that gets the line; see ``find_root``.
            created_at: None for now.
        """
        root = find_root(lineage_path)
        named = [replace(one, **_recorded(one, root)) for one in inputs]
        made = replace(output, **_recorded(output, root))
        place = locate_query(query.path, root)
        own = [lineage_path, *(one.file for one in (output, *inputs) if one.file is not None)]
        moment = (created_at or datetime.now(timezone.utc)).astimezone(timezone.utc)
        return cls(
            query=place.name,
            query_sha256=query.sha256,
            **_state_in_git(place, query.sha256, own),
            engine=engine_name,
            engine_version=engine_version,
            params=_plain(values),
            inputs=tuple(named),
            output=made,
            statistics={
                name: _shortened(value, root) if isinstance(value, str) else value
                for name, value in _plain(statistics).items()
            },
            created_at=moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            tool=f"mlcore {VERSION}",
        )

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON object, keys in the order of the fields."""
        values = asdict(self)
        del values["output"]["table"]
        return values

    def to_line(self) -> str:
        """Return the record as one line of JSON, without a line feed."""
        return format_line(self.to_json())

    @classmethod
    def from_line(cls, line: str, place: str) -> QueryRecord:
        """Return the record of a line.

        Args:
            place: file and line number, for messages.

        Raises:
            DataError: it is no record.
        """
        try:
            value = parse_json(line)
        except JsonTextError as error:
            raise DataError(f"{place}: expected a record of a run, got {error}") from None
        record = _checked(_RECORD_RULES, value, place)
        output = _checked(_OUTPUT_RULES, record.pop("output"), f"{place}: output")
        return cls(
            inputs=tuple(
                _dataset(_checked(_INPUT_RULES, one, f"{place}: inputs"))
                for one in record.pop("inputs")
            ),
            output=_dataset({"table": None, **output}),
            **record,
        )


def _recorded(data: Dataset, root: Path) -> dict[str, Any]:
    """Return the fields whose recorded values differ from the caller's."""
    return {
        "file": None if data.file is None else recorded_name(data.file, root),
        "stored": None if data.stored is None else _shortened(data.stored, root),
        "rows": None if data.rows is None else int(data.rows),
    }


def _shortened(text: str, root: Path) -> str:
    # A text without a slash is the name of a table or a job.
    if "/" not in text and "\\" not in text:
        return text
    # Spark calls a folder parquet.`/path`.
    before, tick, path = text.partition("`")
    if tick:
        return f"{before}`{recorded_name(path.rstrip('`'), root)}`"
    return recorded_name(text, root)


def _state_in_git(place: QueryPlace, sha256: str, own: Sequence[PathLike]) -> dict[str, Any]:
    root, name = place.repository, place.name_in_repository
    commit = None if root is None else head_commit(root)
    if root is None or commit is None:
        return {"commit": None, "committed": None, "dirty": None}
    changed = changed_files(root)
    apart = {recorded_name(one, root) for one in own} - {name}
    return {
        "commit": commit,
        "committed": blob_sha256(root, commit, name) == sha256,
        "dirty": None if changed is None else bool(changed - apart),
    }


def _plain(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return values with numpy's as Python's, without those that JSON lacks."""
    plain: dict[str, Value] = {}
    for name, value in values.items():
        if isinstance(value, (bool, str)):
            plain[name] = value
        elif isinstance(value, numbers.Integral):
            plain[name] = int(value)
        elif math.isfinite(value):
            plain[name] = float(value)
    return plain


def _matches(pattern: str, value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None


def _checked(rules: Mapping[str, Rule], value: Any, place: str) -> dict[str, Any]:
    """Return a JSON object that has exactly the keys of the rules, in their order."""
    if not isinstance(value, dict) or list(value) != list(rules):
        got = ", ".join(value) if isinstance(value, dict) else shorten_json(value)
        raise DataError(f"{place}: expected an object with {', '.join(rules)}, got {got}")
    return {
        key: convert_value(rule, value[key], f"{place}: {key}", shorten_json, DataError)
        for key, rule in rules.items()
    }


def _dataset(values: Mapping[str, Any]) -> Dataset:
    return Dataset(**{**values, "columns": tuple(values["columns"])})
