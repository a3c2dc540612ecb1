"""Make a report of results: which kind each is shows in its content."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mlcore.artifact import Model
from mlcore.charts.chart import Charts
from mlcore.errors import ConfigError, DataError, shorten_json
from mlcore.files.inputs import display_name, read_text
from mlcore.files.interactions import read_interactions
from mlcore.files.lists import read_titles
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.outputs import open_outputs
from mlcore.files.predictions import read_predictions
from mlcore.jsontext import JsonTextError, parse_json
from mlcore.progress import Progress, no_progress, waiting
from mlcore.report.comparison import COMPARISON, report_comparison
from mlcore.report.difference import DIFFERENCE, report_difference
from mlcore.report.evaluation import EVALUATION, report_evaluation
from mlcore.report.examples import Examples, choose_examples
from mlcore.report.model import report_model
from mlcore.report.page import Part, render_page
from mlcore.report.search import TRIALS, read_search, report_search
from mlcore.report.shapes import Shape, check_shape
from mlcore.version import VERSION

__all__ = ["report_from_path"]


def report_from_path(
    paths: Sequence[PathLike],
    out_path: PathLike,
    *,
    predictions_path: PathLike | None = None,
    ground_truth_path: PathLike | None = None,
    model_dir: PathLike | None = None,
    items_path: PathLike | None = None,
    input_options: InputOptions = InputOptions(),
    progress: Progress = no_progress,
) -> str:
    """Write one page of some results; return a summary. The same files give the same bytes.

    Args:
        paths: of the results, whose kind shows in their content.
        predictions_path: with the ground truth, for lists of ten users.
        model_dir: for their histories and reasons.
        items_path: a table with the columns of items and ``title``.
        progress: called with the bytes read.

    Raises:
        MlcoreError: matplotlib is not installed.
        DataError: a file is no result, or faulty.
        ArtifactError: a model is faulty.
    """
    Charts().checked()
    if (predictions_path is None) != (ground_truth_path is None):
        missing, given = ("ground_truth", "predictions")
        if predictions_path is None:
            missing, given = given, missing
        raise ConfigError(
            f"{missing}: expected a file, too, for lists of users, got {given.replace('_', ' ')} alone"
        )
    inputs = {f"--of {os.fspath(path)}": path for path in paths} | {
        "--predictions": predictions_path,
        "--ground-truth": ground_truth_path,
        "--model-dir": model_dir,
        "--items": items_path,
    }
    with open_outputs(out_path, inputs=inputs) as (stream,):
        model = None if model_dir is None else Model.load(model_dir)
        titles = (
            read_titles(items_path, input_options) if items_path is not None else _titles_of(model)
        )
        examples = None
        if predictions_path is not None and ground_truth_path is not None:
            examples = choose_examples(
                read_predictions(predictions_path, progress),
                read_interactions(
                    ground_truth_path, input_options=input_options, progress=progress
                ),
                model,
                titles,
            )
        with waiting(progress, "draw"):
            parts = [_part(path, _Extras(titles, examples)) for path in paths]
            kinds = ", ".join(part.kind for part in parts)
            page = render_page(f"Report: {kinds}", parts, f"mlcore {VERSION}")
        stream.write(page)
    return f"{kinds}: {len(page.encode()):,} bytes"


class _Extras(NamedTuple):
    """What results do not have in themselves."""

    titles: Mapping[str, str]
    examples: Examples | None


class _Kind(NamedTuple):
    """A kind of document: the keys that tell it from the others, what it must hold, how it is shown."""

    keys: frozenset[str]
    shape: Shape
    report: Callable[[Any, str, _Extras], Part]


_KINDS = {
    "difference": _Kind(
        frozenset(["configuration", "neighbors"]),
        DIFFERENCE,
        lambda document, place, extras: report_difference(document, place, extras.titles),
    ),
    "comparison": _Kind(
        frozenset(["deciding", "metrics"]),
        COMPARISON,
        lambda document, place, extras: report_comparison(document, place, extras.titles),
    ),
    "evaluation": _Kind(
        frozenset(["users", "metrics"]),
        EVALUATION,
        lambda document, place, extras: report_evaluation(document, place, extras.examples),
    ),
}
MANIFEST = "manifest.json"
_WRITTEN = "a model, a search, or the JSON of evaluate, compare or diff"


def _part(path: PathLike, extras: _Extras) -> Part:
    place = display_name(path)
    if (Path(path) / MANIFEST).is_file():
        return report_model(path, place)
    if (Path(path) / TRIALS).is_file() or Path(path).name == TRIALS:
        return report_search(*read_search(path), place)
    try:
        document = parse_json(read_text(path))
    except JsonTextError as error:
        raise DataError(f"{place}: expected {_WRITTEN}, got {error}") from None
    for kind in _KINDS.values():
        if isinstance(document, dict) and kind.keys <= document.keys():
            check_shape(document, kind.shape, place)
            return kind.report(document, place, extras)
    raise DataError(f"{place}: expected {_WRITTEN}, got {shorten_json(document)}")


def _titles_of(model: Model | None) -> dict[str, str]:
    attributes = None if model is None else model.attributes
    texts = None if attributes is None else attributes.texts("title")
    if model is None or texts is None:
        return {}
    return {item_id: text for item_id, text in zip(model.items.ids, texts) if text is not None}
