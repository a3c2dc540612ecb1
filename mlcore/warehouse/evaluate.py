"""Evaluation by an engine: the metrics of ``evaluate_from_path``, computed where the lists are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from mlcore.errors import DataError
from mlcore.evaluate.config import DEFAULT_EXTRA_USERS, METRIC_NAMES, ExtraUsers
from mlcore.evaluate.evaluate import check_cutoffs, check_overlap, note_short_lists
from mlcore.evaluate.result import Means, count_users
from mlcore.files.formats import refuse_table_name
from mlcore.files.inputs import display_name
from mlcore.files.interactions import read_interactions
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.outputs import open_outputs
from mlcore.files.predictions import read_predictions
from mlcore.interactions import Interactions
from mlcore.jsontext import format_document
from mlcore.lineage.command_run import CommandRun
from mlcore.numeric.ranges import ragged_arange
from mlcore.progress import Progress, no_progress
from mlcore.ranked_lists import Predictions
from mlcore.references import none_known
from mlcore.warehouse.engines import Engine
from mlcore.warehouse.query import Query, bundled_query
from mlcore.warehouse.rows import Rows
from mlcore.warehouse.tables import (
    check_readable,
    is_file,
    provide_table,
    refuse_names,
    take_tables,
)

__all__ = [
    "EvaluationTables",
    "estimate_evaluation",
    "evaluate_by_engine",
    "evaluate_by_engine_from_path",
]

_CATALOGUE_METRICS = ("coverage", "gini", "novelty")
_ROWS_PER_PART = 2**20


class EvaluationTables(NamedTuple):
    """Inputs of an evaluation: files, or what the engine calls tables.

    Attributes:
        predictions: a file as ``cli.predict`` writes it, or a table as it, or ``sql/recommend.sql``, does.
        ground_truth: interactions.
        interactions: of the training, for metrics over its catalogue; or None.
    """

    predictions: PathLike
    ground_truth: PathLike
    interactions: PathLike | None = None


def evaluate_by_engine_from_path(
    engine: Engine,
    tables: EvaluationTables,
    out_path: PathLike,
    cutoffs: Sequence[int],
    *,
    extra_users: ExtraUsers = DEFAULT_EXTRA_USERS,
    input_options: InputOptions = InputOptions(),
    lineage_path: PathLike | None = None,
    progress: Progress = no_progress,
) -> str:
    """Evaluate by an engine, write the metrics; return a summary.

    Equals ``evaluate_from_path``, with the training in place of its model, to 1e-12: an engine adds
    up in another order.

    Args:
        out_path: of the metrics, as JSON.
        cutoffs: list lengths n.
        extra_users: whether a list of a user without ground truth is an error or ignored.
        lineage_path: see ``evaluate_from_path``.

    Raises:
        ConfigError: a cutoff is out of range.
        DataError: a file or a table is faulty, or a list is of a user without ground truth, or has
            an item that the training does not have.
    """
    check_cutoffs(cutoffs)
    inputs = {
        "--predictions": tables.predictions,
        "--ground-truth": tables.ground_truth,
        "--interactions": tables.interactions,
    }
    run = CommandRun("evaluate", {"metrics": out_path}, lineage_path, engine.name)
    run.note(input_options, cutoffs=cutoffs, extra_users=extra_users)
    with open_outputs(out_path, inputs=inputs, on_written=run.on_written) as (stream,):
        refuse_table_name(out_path)
        take_tables(run, tables._asdict(), input_options.format)
        document, summary = evaluate_by_engine(
            engine, tables, cutoffs, extra_users, input_options, progress
        )
        stream.write(format_document(document))
    return summary


def evaluate_by_engine(
    engine: Engine,
    tables: EvaluationTables,
    cutoffs: Sequence[int],
    extra_users: ExtraUsers = DEFAULT_EXTRA_USERS,
    input_options: InputOptions = InputOptions(),
    progress: Progress = no_progress,
) -> tuple[dict[str, Any], str]:
    """Return what ``evaluate_by_engine_from_path`` writes, and its summary.

    Raises:
        ConfigError, DataError: as there.
    """
    check_cutoffs(cutoffs)
    with_empty_lists = _provide(engine, tables, cutoffs, input_options, progress)
    found = [_run(engine, bundled_query("evaluate"), {"cutoff": n}, progress) for n in cutoffs]
    by_cutoff = dict(zip(cutoffs, found))
    catalogue = {}
    if tables.interactions is not None:
        catalogue = _catalogue_metrics(engine, tables, cutoffs, progress)
    unknown_items = _count_unknown_items(engine, tables, found, progress)
    first = _count_empty_lists(engine, found[0], with_empty_lists, progress)
    if first["extra_users"] and first["users"] == first["users_without_predictions"]:
        raise _none_shared(engine, tables, "user", progress)
    _refuse_faults(tables, first, extra_users)
    columns = {column.name for column in bundled_query("evaluate").writes}
    names = [name for name in METRIC_NAMES if name in columns]
    metrics = {f"{name}@{n}": float(by_cutoff[n][name]) for name in names for n in cutoffs}
    metrics |= catalogue
    document = {
        "users": first["users"],
        "users_without_predictions": first["users_without_predictions"],
        "ignored_users": first["extra_users"],
        "metrics": metrics,
    }
    shown = Means(metrics).shown([f"{name}@{n}" for n in cutoffs for name in ("recall", "ndcg")])
    others = first["users_without_predictions"], first["extra_users"], unknown_items
    return document, f"{count_users(first['users'], *others)}: {shown}"


def _refuse_faults(
    tables: EvaluationTables, found: Mapping[str, Any], extra_users: ExtraUsers
) -> None:
    lists = display_name(tables.predictions)
    if not found["users"]:
        raise DataError(f"{display_name(tables.ground_truth)}: expected at least one row, got none")
    if found["faults"]:
        raise DataError(
            f"{lists}: position: expected each item and each position of a list once, from 1, "
            f"got {found['faults']} faults"
        )
    if extra_users == "error" and found["extra_users"]:
        raise DataError(
            f"{lists}: user_id: expected users of the ground truth, "
            f"got {found['extra_users']} others",
            "--extra-users ignore passes them over",
        )


def estimate_evaluation(
    engine: Engine,
    tables: EvaluationTables,
    cutoffs: Sequence[int],
    input_options: InputOptions = InputOptions(),
) -> str:
    """Return what the queries of an evaluation would take, in words, without running them.

    Only tables of the engine count; files are not read.

    Args:
        cutoffs: list lengths n, each a query.

    Raises:
        ConfigError: a cutoff is out of range.
        DataError: there is no such file or table.
    """
    check_cutoffs(cutoffs)
    queries = [bundled_query("evaluate")]
    if tables.interactions is not None:
        queries += [bundled_query("coverage"), bundled_query("overlap")]
    lines = []
    for query in queries:
        for table, columns in query.reads.items():
            place = getattr(tables, table)
            if is_file(place, input_options.format):
                check_readable(place)
                engine.load(table, columns, [])
            else:
                if table != "predictions":
                    refuse_names(place, input_options.columns)
                provide_table(engine, table, columns, place)
        cutoff = {name: cutoffs[0] for name in query.parameters}
        each = f", each of {len(cutoffs)} cutoffs" if cutoff else ""
        lines.append(f"{query.name}{each}: {engine.estimate(query, query.values(cutoff))}")
    return "\n".join(lines)


def _provide(
    engine: Engine,
    tables: EvaluationTables,
    cutoffs: Sequence[int],
    input_options: InputOptions,
    progress: Progress,
) -> list[str]:
    """Give the tables to the engine; return the users whose list has no item."""
    with_empty_lists: list[str] = []
    predictions: Predictions | None = None
    files: dict[str, Interactions] = {}
    reads: dict[str, Any] = dict(bundled_query("evaluate").reads)
    if is_file(tables.predictions, input_options.format):
        predictions = read_predictions(tables.predictions, progress)
        note_short_lists(cutoffs, predictions)
        engine.load("predictions", reads["predictions"], _rows_of_lists(predictions))
        empty = np.flatnonzero(np.diff(predictions.indptr) == 0)
        with_empty_lists = [predictions.user_ids[row] for row in empty.tolist()]
    else:
        provide_table(engine, "predictions", reads["predictions"], tables.predictions)
    reads |= {"interactions": bundled_query("coverage").reads["interactions"]}
    for table in ("ground_truth", "interactions"):
        place = getattr(tables, table)
        if place is None:
            continue
        if is_file(place, input_options.format):
            read = read_interactions(place, input_options=input_options, progress=progress)
            files[table] = read
            engine.load(table, reads[table], _rows_of_interactions(read))
        else:
            refuse_names(place, input_options.columns)
            provide_table(engine, table, reads[table], place)
    if predictions is not None and "ground_truth" in files:
        # Items of a table are not known here.
        known = files.get("interactions", files["ground_truth"])
        item_ids = None if tables.interactions is None else known.item_ids
        check_overlap(predictions, files["ground_truth"], item_ids=item_ids)
    return with_empty_lists


def _count_unknown_items(
    engine: Engine,
    tables: EvaluationTables,
    found: Sequence[Mapping[str, Any]],
    progress: Progress,
) -> int:
    """Return how many items of the ground truth the training lacks; refuse, as files, if it has none.

    Without the training, the lists must have one, which a hit shows as well.
    """
    first = found[0]
    if first["faults"] or first["users"] == first["users_without_predictions"]:
        return 0  # refused for that, or no list of a known user has an item
    query = bundled_query("overlap")
    if tables.interactions is None:
        if any(row["hit_rate"] for row in found):
            return 0
        engine.load("interactions", query.reads["interactions"], [])
    counts = _run(engine, query, {}, progress)
    shared = counts["listed_items" if tables.interactions is None else "known_items"]
    if not shared:
        raise _none_shared(engine, tables, "item", progress)
    return 0 if tables.interactions is None else int(counts["items"] - shared)


def _none_shared(
    engine: Engine, tables: EvaluationTables, axis: Literal["user", "item"], progress: Progress
) -> DataError:
    """Return the error of ``check_overlap``, with ids of the tables where the engine has them."""
    ids: dict[str, list[str]] = {"predictions": [], "ground_truth": []}
    for row in _rows(engine, bundled_query("example_ids"), {}, progress):
        if row["axis"] == axis:
            ids[row["source"]].append(row["id"])
    place = display_name(tables.predictions)
    fault = none_known(
        place, f"{axis}_id", ids["predictions"], ids["ground_truth"], "the ground truth"
    )
    assert fault is not None
    return fault


def _count_empty_lists(
    engine: Engine, found: Mapping[str, Any], users: Sequence[str], progress: Progress
) -> Mapping[str, Any]:
    """Add to the counts of an evaluation the users whose list has no item, hence no row."""
    if not users:
        return found
    query = bundled_query("evaluate")
    something = {
        "user_id": np.array(users, object),
        "item_id": np.array(["-"] * len(users), object),
        "position": np.ones(len(users), np.int64),
    }
    engine.load("predictions", query.reads["predictions"], [something])
    these = _run(engine, query, {"cutoff": 1}, progress)
    num_known = these["users"] - these["users_without_predictions"]
    return {
        **found,
        "users_without_predictions": found["users_without_predictions"] - num_known,
        "extra_users": found["extra_users"] + these["extra_users"],
    }


def _rows_of_lists(predictions: Predictions) -> Iterator[Rows]:
    users = np.array(predictions.user_ids, object)
    items = np.array(predictions.item_ids, object)
    lengths = np.diff(predictions.indptr)
    rows = np.repeat(np.arange(len(lengths)), lengths)  # (P,) int64
    positions = ragged_arange(np.ones_like(lengths), lengths)  # (P,) int64 from 1
    for begin in range(0, len(rows), _ROWS_PER_PART):
        span = slice(begin, begin + _ROWS_PER_PART)
        yield {
            "user_id": users[rows[span]],
            "item_id": items[predictions.items[span]],
            "position": positions[span],
        }


def _rows_of_interactions(interactions: Interactions) -> Iterator[Rows]:
    users = np.array(interactions.user_ids, object)
    items = np.array(interactions.item_ids, object)
    matrix = interactions.user_items
    rows = matrix.row_of_entry()  # (E,)
    for begin in range(0, len(rows), _ROWS_PER_PART):
        span = slice(begin, begin + _ROWS_PER_PART)
        yield {"user_id": users[rows[span]], "item_id": items[matrix.indices[span]]}


def _run(
    engine: Engine, query: Query, given: Mapping[str, int], progress: Progress
) -> Mapping[str, Any]:
    (row,) = _rows(engine, query, given, progress)
    return row


def _rows(
    engine: Engine, query: Query, given: Mapping[str, int], progress: Progress
) -> Iterator[dict[str, Any]]:
    for part in engine.run(query, query.values(given), progress=progress).parts:
        for values in zip(*(column.tolist() for column in part.values())):
            yield dict(zip(part, values))


def _catalogue_metrics(
    engine: Engine, tables: EvaluationTables, cutoffs: Sequence[int], progress: Progress
) -> dict[str, float]:
    coverage = bundled_query("coverage")
    found = {n: _run(engine, coverage, {"cutoff": n}, progress) for n in cutoffs}
    unknown = max(int(row["unknown_items"]) for row in found.values())
    if unknown:
        raise DataError(
            f"{display_name(tables.predictions)}: item_id: expected items of the training, "
            f"got {unknown} others",
            "the predictions were made by another model: --interactions names its training",
        )
    return {f"{name}@{n}": float(found[n][name]) for n in cutoffs for name in _CATALOGUE_METRICS}
