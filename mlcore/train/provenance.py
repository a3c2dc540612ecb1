"""What a training notes in ``provenance.json``: its input, and the runs that made it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlcore.artifact import Model
from mlcore.lineage.command_run import CommandRun
from mlcore.lineage.git import head_commit

__all__ = ["facts_of_training"]


def facts_of_training(
    model: Model, num_rows: int, run: CommandRun, *, engine: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return what it takes to make a model again, besides its configuration.

    The same rows give the same digest ``interactions`` from any file; ``inputs`` has those of the files
    themselves, by which a log of lineage knows them. ``commit`` is the one checked out in the
    repository of the current folder, or None; ``lineage`` is ``CommandRun.past``.

    Args:
        num_rows: of the input, before those of one user and item became one.
        run: whose inputs and options are noted.
        engine: name and version.

    >>> from mlcore import Interactions, train_from_data
    >>> model = train_from_data(Interactions.from_columns(["u"], ["a"]))
    >>> facts_of_training(model, 3, CommandRun("train", {}))["interactions"]["rows"]
    3
    """
    return {
        "interactions": {"rows": num_rows, "sha256": model.interactions_sha256},
        "inputs": run.contents(),
        "engine": None if engine is None else dict(engine),
        "commit": head_commit(Path.cwd()),
        "lineage": run.past(),
    }
