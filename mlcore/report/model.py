"""The part of a report on a model directory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.artifact import Model, describe_model
from mlcore.artifact.manifest import SELECTION
from mlcore.charts.chart import Chart, Row
from mlcore.charts.marks import label
from mlcore.files.options import PathLike
from mlcore.errors import DataError
from mlcore.files.inputs import display_name, read_text
from mlcore.jsontext import JsonTextError, format_line, leaves, parse_json
from mlcore.lineage import find_from_path
from mlcore.lineage.command_run import logs_for
from mlcore.report.lineage import LineageGraph
from mlcore.report.page import Block, Fact, Part, Table
from mlcore.report.search import SELECTION_SHAPE, selection_chart
from mlcore.report.shapes import check_shape

__all__ = ["report_model"]


def report_model(directory: PathLike, source: str) -> Part:
    """Return the part of a report on a model.

    Args:
        directory: of the model.
        source: its name on the page.

    Raises:
        ArtifactError: a subclass for each kind of fault.
    """
    description, model = describe_model(directory), Model.load(directory)
    charts = model.plot()
    steps = _steps(directory)
    blocks: list[Block] = [*charts, *_selection(Path(directory))]
    if steps:
        blocks.append(LineageGraph(steps))
    blocks += _tables(description)
    left_out = [
        "How long the training took, and the memory of each step: train --progress prints them; a model keeps "
        "neither, so that the same training gives the same bytes."
    ]
    if not steps:
        left_out.append(
            "Lineage: touch lineage.jsonl beside the files, before they are made, and each command adds "
            "its line."
        )
    verdict = [_verdict(description), *_advice(model)]
    return Part("model", source, verdict, list(_facts(description)), blocks, left_out)


def _verdict(description: Mapping[str, Any]) -> str:
    name = description["config"].get("similarity", {}).get("name", "an unknown similarity")
    return (
        f"{label(name)} on {description['interactions']:,} interactions of {description['users']:,} users and "
        f"{description['items']:,} items."
    )


def _advice(model: Model) -> Iterator[str]:
    lonely = np.bincount(model.similarity.indices, minlength=len(model.items)) == 0
    if lonely.any():
        yield (
            f"{int(lonely.sum()):,} of {len(model.items):,} items are no neighbor of any other, so no list has "
            "them: predict --fill popularity may show them."
        )
    if model.histories is not None:
        short = int((np.diff(model.histories.indptr) <= 1).sum())
        if short:
            yield f"{short:,} of {model.num_users:,} users have one item or none: their lists rest on little."
    yield "A copy from elsewhere: python -m cli.inspect --verify checks every byte of it."


def _facts(description: Mapping[str, Any]) -> Iterator[Fact]:
    yield Fact("users", description["users"], "kept" if description["with_users"] else "not kept")
    yield Fact("items", description["items"])
    yield Fact("interactions", description["interactions"])
    per_item = description["pairs"] / max(1, description["items"])
    yield Fact("stored pairs", description["pairs"], f"{per_item:.1f} an item")
    yield Fact("bytes", sum(description["bytes"].values()), "mapped, not loaded")


def _tables(description: Mapping[str, Any]) -> Iterator[Table]:
    settings = [
        {"setting": label(key, 60), "value": label(format_line(value).strip(), 60)}
        for key, value in leaves(description["config"])
    ]
    yield Table("Configuration", "With every default spelled out.", settings, wide=False)
    files = [{"file": label(name), "bytes": size} for name, size in description["bytes"].items()]
    yield Table(
        "Files", "Memory that a process needs to serve it is at most their sum.", files, wide=False
    )
    provenance = description.get("provenance")
    if provenance is not None:
        rows = [*_inputs(provenance), *_versions(provenance)]
        yield Table("Provenance", "What it was made of, and by which versions.", rows, wide=False)


def _inputs(provenance: Mapping[str, Any]) -> Iterator[Row]:
    inputs = provenance.get("inputs")
    for one in inputs if isinstance(inputs, list) else []:
        if isinstance(one, dict):
            digest = label(one.get("sha256", ""), 33)
            yield {"what": label(one.get("role", "")), "is": digest}


def _versions(provenance: Mapping[str, Any]) -> Iterator[Row]:
    versions = provenance.get("versions")
    for name, version in versions.items() if isinstance(versions, dict) else ():
        yield {"what": label(name), "is": label(version)}
    if isinstance(provenance.get("commit"), str):
        yield {"what": "commit", "is": label(provenance["commit"], 64)}


def _selection(directory: Path) -> Iterator[Chart]:
    """Yield the chart of what auto tried, if it chose the configuration."""
    path = directory / SELECTION
    if path.is_file():
        try:
            document = parse_json(read_text(path))
        except JsonTextError as error:
            raise DataError(f"{path}: expected a JSON object, got {error}") from None
        check_shape(document, SELECTION_SHAPE, display_name(path))
        chart = selection_chart(document)
        if chart is not None:
            yield chart


def _steps(directory: PathLike) -> Sequence[Mapping[str, Any]]:
    """Return the runs that led to a model, or none where no log knows it."""
    logs = [log for log in logs_for(directory) if Path(log).is_file()]
    if not logs:
        return []
    steps: Sequence[Mapping[str, Any]] = json.loads(
        find_from_path(directory, *logs, as_json=True)[0]
    )["steps"]
    return steps
