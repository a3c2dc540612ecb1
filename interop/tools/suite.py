"""The suite as data: its closed lists, its files, and the index of its cases."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "CONFORMANCE",
    "FLAGS",
    "FORMAT_VERSION",
    "GENERATED",
    "INTEROP",
    "KINDS",
    "STAGES",
    "VERDICTS",
    "Case",
    "format_index",
    "read_cases",
    "read_lines",
]

INTEROP = Path(__file__).parents[1]
CONFORMANCE = INTEROP / "conformance"
FORMAT_VERSION = 1

# What the generator deletes and rewrites. Not `gold`, which never changes.
GENERATED = ("valid", "invalid", "predict", "text", "cases.json")

KINDS = ("model", "predict", "text")
STAGES = ("open", "verify", "predict")
VERDICTS = (
    "io",
    "version",
    "manifest",
    "size",
    "container",
    "header",
    "csr",
    "idmap",
    "checksum",
    "unknown_user",
    "unknown_item",
    "request",
)
FLAGS = {
    "needs-symlinks": "the case holds a symbolic link; a checkout without them cannot run it",
    "numpy-accepts": "numpy.load reads every array of this broken container or header",
    "python-json-accepts": "Python's json.loads reads this broken manifest.json",
}


@dataclass(frozen=True)
class Case:
    """One case, as in ``cases.json``; its keys depend on ``kind``."""

    entry: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The name: folder and what the case is about."""
        return str(self.entry["id"])

    @property
    def kind(self) -> str:
        """One of ``KINDS``."""
        return str(self.entry["kind"])

    @property
    def flags(self) -> list[str]:
        """Some of ``FLAGS``."""
        return list(self.entry["flags"])

    @property
    def is_accepted(self) -> bool:
        """Whether a reader must accept the model of a case of kind ``model``."""
        return bool(self.entry["result"] == "accept")

    def path(self, key: str, root: Path = CONFORMANCE) -> Path:
        """Return the path of the file or folder that ``key`` of the entry names."""
        return root / str(self.entry[key])


def read_cases(root: Path = CONFORMANCE) -> list[Case]:
    """Return the cases of an index."""
    return [Case(entry) for entry in json.loads((root / "cases.json").read_text("utf-8"))["cases"]]


def read_lines(path: Path) -> list[Any]:
    """Return the values of a file of JSON Lines."""
    # Not splitlines: it takes U+2028, which JSON strings may hold, for the end of a line.
    return [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]


def format_index(entries: Iterable[Mapping[str, Any]]) -> str:
    """Return the text of ``cases.json``: one case a line, so that a diff shows which changed."""
    ordered = sorted(entries, key=lambda entry: str(entry["id"]))
    version = (INTEROP / "VERSION").read_text("utf-8").strip()
    lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in ordered)
    return (
        f'{{"suite_version": "{version}", "format_version": {FORMAT_VERSION}, '
        f'"count": {len(ordered)}, "cases": [\n{lines}\n]}}\n'
    )
