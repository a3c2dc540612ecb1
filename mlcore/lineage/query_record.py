"""One run of a query as one line of JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from mlcore.files.options import PathLike
from mlcore.lineage.data import Dataset
from mlcore.lineage.git import blob_sha256
from mlcore.lineage.names import find_root
from mlcore.lineage.queries import locate_query
from mlcore.lineage.recorded import (
    git_state,
    plain_values,
    recorded_dataset,
    recorded_text,
    recorded_time,
)
from mlcore.lineage.rules import (
    COMMIT,
    COUNT,
    LIST,
    OBJECT,
    SHA256,
    TEXT,
    TIME,
    VALUES,
    check_object,
)
from mlcore.parameters import Value, boolean, condition, optional
from mlcore.version import VERSION

__all__ = ["QueryFile", "QueryRecord"]

_RECORD_RULES = {
    "query": TEXT,
    "query_sha256": SHA256,
    "commit": optional(COMMIT),
    "committed": optional(boolean()),
    "dirty": optional(boolean()),
    "engine": TEXT,
    "engine_version": TEXT,
    "params": VALUES,
    "inputs": LIST,
    "output": OBJECT,
    "statistics": VALUES,
    "created_at": TIME,
    "tool": TEXT,
}
_OUTPUT_RULES = {
    "file": optional(TEXT),
    "stored": optional(TEXT),
    "format": optional(TEXT),
    "rows": COUNT,
    "bytes": optional(COUNT),
    "sha256": optional(SHA256),
    "columns": condition(
        "a list of texts",
        lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    ),
}
_INPUT_RULES = {"table": TEXT, **_OUTPUT_RULES, "rows": optional(COUNT)}


class QueryFile(Protocol):
    """What a line says of a query: its path as it was given, and the SHA-256 of its bytes."""

    @property
    def path(self) -> Path:
        """Of its file."""

    @property
    def sha256(self) -> str:
        """In hexadecimal."""


@dataclass(frozen=True)
class QueryRecord:
    """One run of a query; the fields are the keys of its line, in their order.

    Attributes:
        query: its name, as ``QueryPlace`` has it.
        query_sha256: of its bytes.
        commit: checked out where the query is, or None without git.
        committed: whether the commit has this text of the query, but for ends of lines; None if git
            cannot tell.
        dirty: whether a tracked file differed from the commit, except the lineage file, and inputs
            and output, whose digests are here. None if git cannot tell.
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
        place = locate_query(query.path, root)
        own = [lineage_path, *(one.file for one in (output, *inputs) if one.file is not None)]
        git, blob = git_state(place.repository, own), None
        if git["commit"] is not None:
            assert place.repository is not None
            blob = blob_sha256(
                place.repository, git["commit"], place.name_in_repository, query.sha256
            )
        return cls(
            query=place.name,
            query_sha256=query.sha256,
            committed=None if blob is None else blob == query.sha256,
            **git,
            engine=engine_name,
            engine_version=engine_version,
            params=plain_values(values),
            inputs=tuple(recorded_dataset(one, root) for one in inputs),
            output=recorded_dataset(output, root),
            statistics={
                name: recorded_text(value, root) if isinstance(value, str) else value
                for name, value in plain_values(statistics).items()
            },
            created_at=recorded_time(created_at),
            tool=f"mlcore {VERSION}",
        )

    @property
    def maker(self) -> str:
        """What made the output, in a word."""
        return self.query

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON object, keys in the order of the fields."""
        values = asdict(self)
        del values["output"]["table"]
        return values

    @classmethod
    def from_json(cls, value: object, place: str) -> QueryRecord:
        """Return the record of a JSON object.

        Args:
            place: file and line number, for messages.

        Raises:
            DataError: it is no record.
        """
        record = check_object(_RECORD_RULES, value, place)
        output = check_object(_OUTPUT_RULES, record.pop("output"), f"{place}: output")
        return cls(
            inputs=tuple(
                _dataset(check_object(_INPUT_RULES, one, f"{place}: inputs"))
                for one in record.pop("inputs")
            ),
            output=_dataset({"table": None, **output}),
            **record,
        )


def _dataset(values: Mapping[str, Any]) -> Dataset:
    return Dataset(**{**values, "columns": tuple(values["columns"])})
