"""One run of a query as one line of JSON."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mlcore.files.options import PathLike
from mlcore.errors import DataError, shorten_json
from mlcore.jsontext import JsonTextError, format_line, parse_json
from mlcore.warehouse.lineage.data import Input, Output
from mlcore.warehouse.lineage.git import blob_sha256, changed_files, head_commit
from mlcore.warehouse.lineage.names import find_root, recorded_name
from mlcore.warehouse.lineage.rules import RULES
from mlcore.warehouse.query import Query, Value
from mlcore.version import VERSION

__all__ = ["LineageRecord"]


@dataclass(frozen=True)
class LineageRecord:
    """One run of a query; the fields are the keys of its line, in their order.

    Attributes:
        query: the path of its file, from the root of the repository.
        query_sha256: of its bytes.
        commit: what was checked out, or None without git.
        committed: whether these bytes of the query are in the commit; None without git.
        dirty: whether a tracked file was not as in the commit; not the lineage file, nor inputs and
            output, whose digests stand here. None without git.
        engine: its name.
        engine_version: of the engine.
        params: the value of each parameter.
        inputs: what it read.
        output: what it made.
        statistics: what the engine says of the job.
        created_at: when the line was made, by RFC 3339, UTC.
        tool: what wrote the line, with its version.
    """

    query: str
    query_sha256: str
    commit: str | None
    committed: bool | None
    dirty: bool | None
    engine: str
    engine_version: str
    params: Mapping[str, Value]
    inputs: tuple[Input, ...]
    output: Output
    statistics: Mapping[str, Value]
    created_at: str
    tool: str

    @classmethod
    def of_run(
        cls,
        *,
        query: Query,
        values: Mapping[str, Value],
        engine_name: str,
        engine_version: str,
        inputs: Sequence[Input],
        output: Output,
        statistics: Mapping[str, Value],
        lineage_path: PathLike,
        created_at: datetime | None = None,
    ) -> LineageRecord:
        """Return the record of a run that has just ended, with what git says of the query.

        No name in it is absolute, and no URI has a user, a password or a query string.

        Args:
            query: what ran.
            values: of all its parameters.
            engine_name: where it ran.
            engine_version: of the engine.
            inputs: files by the path the user gave.
            output: a file by the path the user gave.
            statistics: of the job; numbers that JSON does not have are left out, texts that are
                paths or URIs shortened as names are.
            lineage_path: where the line will go; names are relative to its repository, or without
                one to its folder.
            created_at: None for now.
        """
        root = find_root(lineage_path)
        named = [replace(one, **_recorded(one, root)) for one in inputs]
        made = replace(output, **_recorded(output, root))
        name = recorded_name(query.path, root)
        own = {recorded_name(lineage_path, root), made.file, *(one.file for one in named)}
        moment = (created_at or datetime.now(timezone.utc)).astimezone(timezone.utc)
        return cls(
            query=name,
            query_sha256=query.sha256,
            **_state_in_git(root, name, query.sha256, own - {name}),
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

    def to_line(self) -> str:
        """Return the record as one line of JSON, without a line feed."""
        return format_line(asdict(self))

    @classmethod
    def from_line(cls, line: str, place: str) -> LineageRecord:
        """Return the record of a line.

        Args:
            line: as ``to_line`` gives it.
            place: file and line number, for messages.

        Raises:
            DataError: it is no record.
        """
        try:
            value = parse_json(line)
        except JsonTextError as error:
            raise DataError(f"{place}: expected a record of a run, got {error}") from None
        record = _checked(cls, value, place)
        inputs = [_checked(Input, one, f"{place}: inputs") for one in record.pop("inputs")]
        output = _checked(Output, record.pop("output"), f"{place}: output")
        return cls(
            inputs=tuple(Input(**_with_tuple(one)) for one in inputs),
            output=Output(**_with_tuple(output)),
            **record,
        )


def _recorded(data: Input | Output, root: Path) -> dict[str, Any]:
    """Return the fields that are not to be as the caller gave them."""
    return {
        "file": None if data.file is None else recorded_name(data.file, root),
        "stored": None if data.stored is None else _shortened(data.stored, root),
        "rows": None if data.rows is None else int(data.rows),
    }


def _shortened(text: str, root: Path) -> str:
    # What has no slash is the name of a table or of a job.
    if "/" not in text and "\\" not in text:
        return text
    # Spark calls a folder parquet.`/path`.
    before, tick, path = text.partition("`")
    if tick:
        return f"{before}`{recorded_name(path.rstrip('`'), root)}`"
    return recorded_name(text, root)


def _state_in_git(root: Path, name: str, sha256: str, own: set[str | None]) -> dict[str, Any]:
    commit = head_commit(root)
    if commit is None:
        return {"commit": None, "committed": None, "dirty": None}
    changed = changed_files(root)
    return {
        "commit": commit,
        "committed": blob_sha256(root, commit, name) == sha256,
        "dirty": None if changed is None else bool(changed - own),
    }


def _plain(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return values with those of numpy as Python's, without those that JSON does not have."""
    plain: dict[str, Value] = {}
    for name, value in values.items():
        if isinstance(value, (bool, str)):
            plain[name] = value
        elif isinstance(value, numbers.Integral):
            plain[name] = int(value)
        elif math.isfinite(value):
            plain[name] = float(value)
    return plain


def _checked(cls: type[Any], value: Any, place: str) -> dict[str, Any]:
    """Return a JSON object that has the keys of a class, each with a value of its rule."""
    keys = [item.name for item in fields(cls)]
    if not isinstance(value, dict) or list(value) != keys:
        got = ", ".join(value) if isinstance(value, dict) else shorten_json(value)
        raise DataError(f"{place}: expected an object with {', '.join(keys)}, got {got}")
    for key, one in value.items():
        rule = RULES[cls.__name__, key]
        if not rule.allows(one):
            raise DataError(f"{place}: {key}: expected {rule.expected}, got {shorten_json(one)}")
    return dict(value)


def _with_tuple(values: dict[str, Any]) -> dict[str, Any]:
    return {**values, "columns": tuple(values["columns"])}
