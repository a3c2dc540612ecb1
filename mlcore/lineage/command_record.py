"""One output of a command as one line of JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from mlcore.files.options import PathLike
from mlcore.lineage.data import Dataset
from mlcore.lineage.git import top_folder
from mlcore.lineage.names import find_root
from mlcore.lineage.recorded import git_state, recorded_dataset, recorded_time
from mlcore.lineage.rules import COMMIT, COUNT, LIST, OBJECT, SHA256, TEXT, TIME, check_object
from mlcore.parameters import Value, boolean, condition, optional
from mlcore.version import VERSION

__all__ = ["CommandRecord", "Setting", "dataset_to_json"]

Setting: TypeAlias = Value | Sequence[Value]

_RULES = {
    "command": TEXT,
    "commit": optional(COMMIT),
    "dirty": optional(boolean()),
    "engine": optional(TEXT),
    "params": condition(
        "an object of texts, numbers, true, false, and lists of them",
        lambda value: isinstance(value, dict) and all(map(_is_setting, value.values())),
    ),
    "inputs": LIST,
    "output": OBJECT,
    "created_at": TIME,
    "tool": TEXT,
}
_DATASET_RULES = {
    "role": TEXT,
    "file": optional(TEXT),
    "stored": optional(TEXT),
    "format": optional(TEXT),
    "bytes": optional(COUNT),
    "sha256": optional(SHA256),
}


@dataclass(frozen=True)
class CommandRecord:
    """One output of a command; the fields are the keys of its line, in their order.

    Attributes:
        command: its name, such as ``train``.
        commit: checked out in the folder that the command ran in, or None without git.
        dirty: whether a tracked file there differed from the commit, except the lineage file, and
            inputs and output, whose digests are here. None if git cannot tell.
        engine: that computed it, or None.
        params: what decided the output; those of parts under names such as ``weighting.name``.
        inputs: by role, such as ``interactions`` or ``model``.
        output: likewise.
        created_at: time of the line, by RFC 3339, UTC.
        tool: that wrote the line, with its version.
    """

    command: str
    commit: str | None
    dirty: bool | None
    engine: str | None
    params: Mapping[str, Setting]
    inputs: tuple[Dataset, ...]
    output: Dataset
    created_at: str
    tool: str

    @classmethod
    def of_run(
        cls,
        *,
        command: str,
        engine_name: str | None,
        params: Mapping[str, Setting],
        inputs: Sequence[Dataset],
        output: Dataset,
        lineage_path: PathLike,
        created_at: datetime | None = None,
    ) -> CommandRecord:
        """Return the record of an output that is about to get its name.

        No name in it is absolute, and no URI has a user, a password or a query string.

        Args:
            inputs: files by the path that the user gave.
            output: likewise.
            lineage_path: of the file that gets the line; see ``find_root``.
            created_at: None for now.
        """
        root = find_root(lineage_path)
        own = [lineage_path, *(one.file for one in (output, *inputs) if one.file is not None)]
        return cls(
            command=command,
            **git_state(top_folder(Path.cwd()), own),
            engine=engine_name,
            params=params,
            inputs=tuple(recorded_dataset(one, root) for one in inputs),
            output=recorded_dataset(output, root),
            created_at=recorded_time(created_at),
            tool=f"mlcore {VERSION}",
        )

    @property
    def maker(self) -> str:
        """What made the output, in a word."""
        return self.command

    def to_json(self) -> dict[str, Any]:
        """Return the record as a JSON object, keys in the order of the fields."""
        return {
            **vars(self),
            "inputs": [dataset_to_json(one) for one in self.inputs],
            "output": dataset_to_json(self.output),
        }

    @classmethod
    def from_json(cls, value: object, place: str) -> CommandRecord:
        """Return the record of a JSON object.

        Args:
            place: file and line number, for messages.

        Raises:
            DataError: it is no record.
        """
        record = check_object(_RULES, value, place)
        inputs = [_from_json(one, f"{place}: inputs") for one in record.pop("inputs")]
        output = _from_json(record.pop("output"), f"{place}: output")
        return cls(inputs=tuple(inputs), output=output, **record)


def _is_setting(value: object) -> bool:
    values = value if isinstance(value, list) else [value]
    return all(isinstance(one, (str, int, float)) for one in values)


def dataset_to_json(data: Dataset) -> dict[str, Any]:
    """Return an input or an output as lines of commands have them."""
    names = {"role": "table"}
    return {key: getattr(data, names.get(key, key)) for key in _DATASET_RULES}


def _from_json(value: object, place: str) -> Dataset:
    values = check_object(_DATASET_RULES, value, place)
    return Dataset(table=values.pop("role"), rows=None, columns=(), **values)
