"""What a line keeps of a run: names without folders and secrets, plain values, the state of git."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from mlcore.files.options import PathLike
from mlcore.lineage.data import Dataset
from mlcore.lineage.git import head_commit, is_changed
from mlcore.lineage.names import recorded_name
from mlcore.parameters import Value

__all__ = [
    "git_state",
    "plain_value",
    "plain_values",
    "recorded_dataset",
    "recorded_text",
    "recorded_time",
]


def recorded_dataset(data: Dataset, root: Path) -> Dataset:
    """Return a dataset with names as lines have them.

    Args:
        data: with the path that the user gave.
        root: see ``find_root``.
    """
    return replace(
        data,
        file=None if data.file is None else recorded_name(data.file, root),
        stored=None if data.stored is None else recorded_text(data.stored, root),
        rows=None if data.rows is None else int(data.rows),
    )


def recorded_text(text: str, root: Path) -> str:
    """Return what an engine says, with a path or a URI in it as lines have them.

    >>> recorded_text("parquet.`/data/ann/events`", Path("/work"))
    'parquet.`events`'
    """
    # A text without a slash is the name of a table or a job.
    if "/" not in text and "\\" not in text:
        return text
    # Spark calls a folder parquet.`/path`.
    before, tick, path = text.partition("`")
    if tick:
        return f"{before}`{recorded_name(path.rstrip('`'), root)}`"
    return recorded_name(text, root)


def recorded_time(moment: datetime | None) -> str:
    """Return a moment, or now, in UTC by RFC 3339."""
    moment = (moment or datetime.now(timezone.utc)).astimezone(timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def git_state(repository: Path | None, own: Sequence[PathLike]) -> dict[str, Any]:
    """Return the commit that is checked out, and whether a tracked file differs from it.

    Args:
        own: files apart from those, as their digests are in the line.

    Returns:
        ``commit`` and ``dirty``; None for what nobody can tell.
    """
    commit = None if repository is None else head_commit(repository)
    if repository is None or commit is None:
        return {"commit": None, "dirty": None}
    apart = {recorded_name(one, repository) for one in own}
    return {"commit": commit, "dirty": is_changed(repository, commit, apart)}


def plain_values(values: Mapping[str, Value]) -> dict[str, Value]:
    """Return values with numpy's as Python's, without those that JSON lacks.

    >>> plain_values({"share": float("nan"), "n": True})
    {'n': True}
    """
    plain = {name: plain_value(value) for name, value in values.items()}
    return {name: value for name, value in plain.items() if value is not None}


def plain_value(value: object) -> Value | None:
    """Return a value with numpy's as Python's, or None for one that JSON lacks.

    >>> plain_value(0.5), plain_value(float("inf")), plain_value(None)
    (0.5, None, None)
    """
    if isinstance(value, (bool, str)):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) and math.isfinite(value) else None
