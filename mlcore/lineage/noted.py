"""What a model notes of its own making: ``provenance.json``, where the log has no line of it."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlcore.errors import DataError
from mlcore.jsontext import format_line, parse_json
from mlcore.lineage.command_record import CommandRecord
from mlcore.lineage.contents import claimed_sha256
from mlcore.lineage.record import Record, parse_record
from mlcore.limits import MAX_DOCUMENT_BYTES

__all__ = ["noted_records"]

_PROVENANCE = "provenance.json"
_NO_TIME = "1970-01-01T00:00:00Z"  # the file has no clock


def noted_records(folder: Path, sha256: str, name: str | None) -> list[Record]:
    """Return the training of a model, then the runs that led to its inputs, nearest first.

    None where the folder has another model or none, or a ``provenance.json`` of something else.
    ``created_at`` of the training is "", as nobody noted it.

    Args:
        sha256: of the model's manifest.
        name: of the folder, as lines have it.
    """
    try:
        if claimed_sha256(folder) != sha256:
            return []
        noted = _read(folder / _PROVENANCE)
        log = noted["lineage"] or {"params": {}, "inputs": noted["inputs"], "runs": []}
        runs = [parse_record(format_line(one), "") for one in log["runs"]]
        training = CommandRecord.from_json(_training(noted, log, sha256, name), "")
    except (OSError, ValueError, TypeError, KeyError, AttributeError, DataError):
        return []
    return [replace(training, created_at=""), *runs]


def _read(path: Path) -> Any:
    status = path.lstat()  # a folder of others may link to a device
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_DOCUMENT_BYTES:
        raise ValueError
    return parse_json(path.read_text("utf-8"))


def _training(noted: Any, log: Any, sha256: str, name: str | None) -> dict[str, Any]:
    data = {"file": None, "stored": None}
    output = {"role": "model", **data, "file": name, "format": "model", "bytes": None}
    return {
        "command": "train",
        "commit": noted["commit"],
        "dirty": None,
        "engine": noted["engine"] and noted["engine"]["name"],
        "params": log["params"],
        "inputs": [
            {
                key: (data | one)[key]
                for key in ("role", "file", "stored", "format", "bytes", "sha256")
            }
            for one in log["inputs"]
        ],
        "output": {**output, "sha256": sha256},
        "created_at": _NO_TIME,
        "tool": f"mlcore {noted['versions']['mlcore']}",
    }
