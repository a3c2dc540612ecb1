"""Evaluate ranked lists against the items that users took."""

from __future__ import annotations

import math
import numbers
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import TextIO, get_args

import numpy as np

from mlcore.artifact import Model
from mlcore.errors import ConfigError, DataError, DataWarning, NoUsersError, shorten
from mlcore.evaluate.catalogue import Catalogue, CataloguedLists, evaluate_slices
from mlcore.evaluate.config import DEFAULT_EXTRA_USERS, EvaluateConfig, ExtraUsers, SliceBy
from mlcore.evaluate.hits import find_hits, find_positions
from mlcore.evaluate.lists import IdLists, as_data
from mlcore.evaluate.metrics import user_metrics
from mlcore.evaluate.result import Evaluation, Slice, mean_over_users
from mlcore.files.formats import find_row_format, refuse_table_name
from mlcore.files.interactions import read_interactions
from mlcore.files.options import Format, InputOptions, PathLike
from mlcore.files.outputs import open_outputs
from mlcore.files.predictions import read_predictions
from mlcore.interactions import Interactions
from mlcore.jsontext import format_document, format_number
from mlcore.lineage.command_run import CommandRun
from mlcore.progress import Progress, no_progress, waiting
from mlcore.ranked_lists import Predictions
from mlcore.references import count_unknown, none_known
from mlcore.types import Int64Array

__all__ = [
    "Catalogue",
    "Evaluation",
    "check_cutoffs",
    "check_overlap",
    "evaluate_from_data",
    "evaluate_from_path",
    "measure_lists",
    "note_short_lists",
]

MAX_CUTOFF = 2**31 - 1


def evaluate_from_data(
    predictions: Predictions | IdLists,
    ground_truth: Interactions | IdLists,
    cutoffs: Sequence[int],
    *,
    catalogue: Catalogue | None = None,
    extra_users: ExtraUsers = DEFAULT_EXTRA_USERS,
    config: EvaluateConfig = EvaluateConfig(),
) -> Evaluation:
    """Return precision, recall, hit rate, NDCG, MAP and MRR at each cutoff.

    Averages over the users of the ground truth; one without a list counts 0. A catalogue adds its
    coverage, the Gini index of the lists, and their novelty; ``config`` adds intervals of the means,
    slices, and diversity within the lists.

    Args:
        predictions: or the list of each user, best first: ids, or what ``Recommender.predict``
            returns; or what ``Recommender.predict_many`` returns for users given once.
        ground_truth: weights play no part; or the ids of the items that each user took. Two lists
            of lists hold the same users in the same order, named 0, 1, 2 ...
        cutoffs: list lengths n, each >= 1; a shorter list has no hits beyond its end.
        catalogue: with what slices and diversity need.
        extra_users: ``ignore`` skips lists of users without ground truth.

    Raises:
        ConfigError: a cutoff is below 1 or given twice, or the catalogue lacks what ``config`` needs.
        DataError: a user without ground truth, a user or, in a list, an item twice, a value that is
            no id, an item that is not in the catalogue, or lists and ground truth that share no
            user or no item.

    >>> evaluate_from_data({"u": ["b", "a"]}, {"u": ["a"]}, [2]).metrics["mrr@2"]
    0.5
    """
    check_cutoffs(cutoffs)
    lists, ground_truth = as_data({"predictions": predictions}, ground_truth)
    predictions = lists["predictions"]
    _check_catalogue(catalogue, config)
    known = None if catalogue is None else catalogue.item_ids
    check_overlap(predictions, ground_truth, item_ids=known)
    return measure_lists(
        predictions,
        ground_truth,
        cutoffs,
        catalogue=catalogue,
        extra_users=extra_users,
        config=config,
    )


def measure_lists(
    predictions: Predictions,
    ground_truth: Interactions,
    cutoffs: Sequence[int],
    *,
    catalogue: Catalogue | None = None,
    extra_users: ExtraUsers = DEFAULT_EXTRA_USERS,
    config: EvaluateConfig = EvaluateConfig(),
) -> Evaluation:
    """Evaluate lists of known origin as ``evaluate_from_data`` does; they may miss every item.

    Raises:
        DataError: a user without ground truth, or an item that is not in the catalogue.
    """
    user_of_list = _users_of_lists(predictions, ground_truth, extra_users)
    hits = find_hits(predictions, ground_truth, user_of_list, max(cutoffs))
    per_user = config.named(user_metrics(hits, cutoffs))
    of_catalogue: dict[str, float] = {}
    slices: dict[SliceBy, dict[str, Slice]] = {}
    unknown_items, exposure = 0, None
    if catalogue is not None:
        unknown_items = count_unknown(ground_truth.item_ids, catalogue.item_ids)
        lists = CataloguedLists(predictions, user_of_list, catalogue, max(cutoffs))
        of_catalogue = config.named(lists.metrics(cutoffs))
        if config.diversity:
            per_user |= config.named(lists.diversity(cutoffs, len(hits.relevant)))
        slices = evaluate_slices(ground_truth, hits, per_user, catalogue, cutoffs, config)
        if "popularity" in config.slices:
            exposure = lists.exposure(ground_truth, cutoffs, config)
    means = mean_over_users(per_user, config)
    num_known = int((user_of_list >= 0).sum())
    return Evaluation(
        ground_truth.user_ids,
        {**means.metrics, **of_catalogue},
        per_user,
        users_without_predictions=len(hits.relevant) - num_known,
        ignored_users=len(user_of_list) - num_known,
        means=means,
        slices=slices,
        config=config,
        unknown_items=unknown_items,
        exposure=exposure,
    )


def check_overlap(
    predictions: Predictions,
    ground_truth: Interactions,
    *,
    item_ids: Sequence[str] | None = None,
    side: str = "predictions",
) -> None:
    """Refuse lists and ground truth that do not belong together: they share no user or no item.

    Lists that are all empty share the items of any ground truth. Where the catalogue is known, which
    has the items of the lists, the ground truth need only share an item with that.

    Args:
        item_ids: the catalogue.

    Raises:
        DataError: with a likely reason; begins with the file of the lists, or ``side``.

    >>> lists = Predictions(["u"], ["b", "a"], np.array([0, 2]), np.array([0, 1], np.int32))
    >>> check_overlap(lists, Interactions.from_columns(["u"], ["a"]))
    """
    place, owner = predictions.place or side, "the ground truth"
    known = predictions.item_ids if item_ids is None else item_ids
    users, items = ground_truth.user_ids, ground_truth.item_ids
    fault = none_known(place, "user_id", predictions.user_ids, users, owner)
    if fault is None and not set(items).isdisjoint(known):
        return
    if fault is None:
        fault = none_known(place, "item_id", predictions.item_ids or known, items, owner)
    if fault is not None:
        raise fault


def check_cutoffs(cutoffs: Sequence[int]) -> None:
    """Refuse invalid cutoffs.

    Raises:
        ConfigError: there are none, one is below 1, or one occurs twice.

    >>> check_cutoffs([5, 10])
    """
    if not isinstance(cutoffs, Sequence) or isinstance(cutoffs, str):
        raise ConfigError(f"cutoffs: expected a list of integers >= 1, got {shorten(cutoffs)}")
    if not cutoffs:
        raise ConfigError("cutoffs: expected at least one, got none")
    for n in cutoffs:
        if isinstance(n, bool) or not isinstance(n, numbers.Integral) or n < 1:
            raise ConfigError(f"cutoffs: expected integers >= 1, got {shorten(n)}")
        if n > MAX_CUTOFF:
            raise ConfigError(f"cutoffs: expected integers below {MAX_CUTOFF + 1}, got {n}")
    if len(set(cutoffs)) < len(cutoffs):
        raise ConfigError(f"cutoffs: expected each once, got {','.join(map(str, cutoffs))}")


def note_short_lists(
    cutoffs: Sequence[int], predictions: Predictions, side: str = "predictions"
) -> None:
    """Warn of cutoffs above the longest list, whose metrics are those of shorter lists.

    The catalogue may have no more, so this is no error; lists made with a smaller n look the same.

    >>> lists = Predictions(["u"], ["b", "a"], np.array([0, 2]), np.array([0, 1], np.int32))
    >>> note_short_lists([2], lists)
    """
    place, longest = predictions.place or side, predictions.longest
    if not longest:
        warnings.warn(f"{place}: every list is empty and counts 0", DataWarning, stacklevel=3)
    elif max(cutoffs) > longest:
        message = (
            f"{place}: no list has more than {longest} items: metrics at {max(cutoffs)} are those of "
            f"shorter lists; cli.predict --top-n makes longer ones, if the catalogue has more"
        )
        warnings.warn(message, DataWarning, stacklevel=3)


def _users_of_lists(
    predictions: Predictions, ground_truth: Interactions, extra_users: ExtraUsers
) -> Int64Array:
    """Return the user of each list, (R,) int64, -1 without ground truth."""
    if extra_users not in get_args(ExtraUsers):
        raise ConfigError(f"extra_users: expected 'error' or 'ignore', got {shorten(extra_users)}")
    users = find_positions(predictions.user_ids, ground_truth.user_ids)
    extra = np.flatnonzero(users < 0)
    if len(extra) and extra_users == "error":
        others = f" and {len(extra) - 1} more" if len(extra) > 1 else ""
        raise DataError(
            f"{predictions.place_of(int(extra[0]))}user_id: expected a user of the ground truth, "
            f"got {shorten(predictions.user_ids[extra[0]])}{others}",
            "--extra-users ignore passes them over; cli.predict --users takes the ground truth",
        )
    return users


def _check_catalogue(catalogue: Catalogue | None, config: EvaluateConfig) -> None:
    config.check_model(catalogue is not None)
    if catalogue is None:
        return
    if config.diversity and catalogue.similarity is None:
        raise ConfigError("diversity: expected a catalogue with a similarity, got one without")
    if "history-length" in config.slices and catalogue.history_lengths is None:
        raise NoUsersError(
            "slices: history-length: expected a model with users, got one trained without",
            "train without --without-users, or ask for --slices popularity alone",
        )


def evaluate_from_path(
    predictions_path: PathLike,
    ground_truth_path: PathLike,
    out_path: PathLike,
    cutoffs: Sequence[int],
    *,
    per_user_path: PathLike | None = None,
    model_dir: PathLike | None = None,
    extra_users: ExtraUsers = DEFAULT_EXTRA_USERS,
    config: EvaluateConfig = EvaluateConfig(),
    input_options: InputOptions = InputOptions(),
    lineage_path: PathLike | None = None,
    progress: Progress = no_progress,
) -> str:
    """Read predictions and ground truth, evaluate, write the metrics as JSON; return a summary.

    Args:
        predictions_path: as ``cli.predict`` writes them, JSON Lines or a table.
        cutoffs: list lengths n, each >= 1.
        per_user_path: for the metrics of each user, ``.csv`` or ``.jsonl``.
        model_dir: for metrics over its catalogue, slices and diversity.
        extra_users: ``ignore`` skips lists of users without ground truth.
        lineage_path: gets a line for each output; None for ``lineage.jsonl`` beside it, if there is one.
        progress: called with the bytes read.

    Raises:
        ConfigError: a cutoff is out of range, or ``config`` needs a model.
        DataError: a file is faulty, lists and ground truth share no user or no item, or slices by
            history need histories that the model lacks.
        ArtifactError: the model is faulty.
    """
    check_cutoffs(cutoffs)
    paths = [out_path]
    if per_user_path is not None:
        find_row_format(per_user_path, input_options.format)
        paths.append(per_user_path)
    inputs = {
        "--predictions": predictions_path,
        "--ground-truth": ground_truth_path,
        "--model-dir": model_dir,
    }
    outputs = {"metrics": out_path, "per_user": per_user_path}
    run = CommandRun("evaluate", outputs, lineage_path)
    run.note(config, input_options, cutoffs=cutoffs, extra_users=extra_users)
    with open_outputs(*paths, inputs=inputs, on_written=run.on_written) as streams:
        refuse_table_name(out_path)
        run.take_options(inputs)
        model = None if model_dir is None else Model.load(model_dir)
        catalogue = None if model is None else _catalogue_of(model, config)
        _check_catalogue(catalogue, config)  # before reading files
        predictions = read_predictions(predictions_path, progress)
        note_short_lists(cutoffs, predictions)
        ground_truth = read_interactions(
            ground_truth_path, input_options=input_options, progress=progress
        )
        if model is not None:
            model.check_files()  # reading took a while
        with waiting(progress, "measure"):
            evaluation = evaluate_from_data(
                predictions,
                ground_truth,
                cutoffs,
                catalogue=catalogue,
                extra_users=extra_users,
                config=config,
            )
        streams[0].write(format_document(evaluation.to_json()))
        if per_user_path is not None:
            _write_per_user(streams[1], evaluation, per_user_path, input_options.format)
    return evaluation.summary(cutoffs)


def _catalogue_of(model: Model, config: EvaluateConfig) -> Catalogue:
    catalogue = Catalogue(
        model.items.ids, model.popularity, model.num_users, similarity=model.similarity
    )
    if "history-length" not in config.slices or model.users is None or model.histories is None:
        return catalogue  # reading all user ids takes time
    lengths = np.diff(model.histories.indptr)
    return replace(catalogue, user_ids=model.users.ids, history_lengths=lengths)


def _write_per_user(
    stream: TextIO, evaluation: Evaluation, path: PathLike, format: Format | None
) -> None:
    rows, names = find_row_format(path, format), ["user_id", *evaluation.per_user]
    stream.write(rows.header(names))
    around = rows.around(names)
    columns = [values.tolist() for values in evaluation.per_user.values()]
    for user_id, *values in zip(evaluation.user_ids, *columns):
        numbers = [rows.missing if math.isnan(value) else format_number(value) for value in values]
        stream.write(rows.row(around, [rows.quote(user_id), *numbers]))
