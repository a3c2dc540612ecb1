"""Evaluate ranked lists against the items that users took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TextIO

import numpy as np

from mlcore.files.options import Format, InputOptions, PathLike
from mlcore.artifact import Model
from mlcore.evaluate.catalogue import Catalogue, CataloguedLists, evaluate_slices
from mlcore.errors import ConfigError, DataError, NoUsersError, shorten
from mlcore.evaluate.config import DEFAULT_EXTRA_USERS, EvaluateConfig, ExtraUsers, SliceBy
from mlcore.evaluate.result import Evaluation, Slice, mean_over_users
from mlcore.files.inputs import find_format
from mlcore.files.formats import ROW_FORMATS
from mlcore.files.interactions import read_interactions
from mlcore.files.outputs import open_outputs
from mlcore.files.predictions import read_predictions
from mlcore.evaluate.hits import find_hits, find_positions
from mlcore.interactions import Interactions
from mlcore.jsontext import format_document, format_number
from mlcore.evaluate.metrics import user_metrics
from mlcore.ranked_lists import Predictions
from mlcore.progress import Progress, no_progress
from mlcore.types import Int64Array

__all__ = [
    "Catalogue",
    "Evaluation",
    "check_cutoffs",
    "check_longest",
    "evaluate_from_data",
    "evaluate_from_path",
]


def evaluate_from_data(
    predictions: Predictions,
    ground_truth: Interactions,
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
        ground_truth: weights play no part.
        cutoffs: list lengths n, each >= 1; a shorter list has no hits beyond its end.
        catalogue: with what slices and diversity need.
        extra_users: ``ignore`` skips lists of users without ground truth.

    Raises:
        ConfigError: a cutoff is below 1 or given twice, or the catalogue lacks what ``config`` needs.
        DataError: a user without ground truth, or an item that is not in the catalogue.

    >>> truth = Interactions.from_columns(["u"], ["a"])
    >>> lists = Predictions(["u"], ["b", "a"], np.array([0, 2]), np.array([0, 1], np.int32))
    >>> evaluate_from_data(lists, truth, [2]).metrics["mrr@2"]
    0.5
    """
    check_cutoffs(cutoffs)
    _check_catalogue(catalogue, config)
    user_of_list = _users_of_lists(predictions, ground_truth, extra_users)
    hits = find_hits(predictions, ground_truth, user_of_list, max(cutoffs))
    per_user = user_metrics(hits, cutoffs)
    of_catalogue: dict[str, float] = {}
    slices: dict[SliceBy, dict[str, Slice]] = {}
    if catalogue is not None:
        lists = CataloguedLists(predictions, user_of_list, catalogue, max(cutoffs))
        of_catalogue = lists.metrics(cutoffs)
        if config.diversity:
            per_user |= lists.diversity(cutoffs, len(hits.relevant))
        slices = evaluate_slices(ground_truth, hits, per_user, catalogue, cutoffs, config)
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
    )


def check_cutoffs(cutoffs: Sequence[int]) -> None:
    """Refuse invalid cutoffs.

    Raises:
        ConfigError: there are none, one is below 1, or one occurs twice.

    >>> check_cutoffs([5, 10])
    """
    if not cutoffs:
        raise ConfigError("cutoffs: expected at least one, got none")
    for n in cutoffs:
        if n < 1:
            raise ConfigError(f"cutoffs: expected integers >= 1, got {n}")
    if len(set(cutoffs)) < len(cutoffs):
        raise ConfigError(f"cutoffs: expected each once, got {','.join(map(str, cutoffs))}")


def check_longest(
    cutoffs: Sequence[int], predictions: Predictions, side: str = "predictions"
) -> None:
    """Refuse cutoffs beyond the longest list: the metric would be that of a shorter list.

    Raises:
        ConfigError: a cutoff is; the message begins with the file of the lists, or ``side``.

    >>> lists = Predictions(["u"], ["b", "a"], np.array([0, 2]), np.array([0, 1], np.int32))
    >>> check_longest([2], lists)
    """
    if max(cutoffs) > predictions.longest:
        raise ConfigError(
            f"{predictions.place or side}: cutoffs: expected at most {predictions.longest}, "
            f"the longest list, got {max(cutoffs)}",
            "--cutoffs takes smaller ones; cli.predict --top-n makes longer lists",
        )


def _users_of_lists(
    predictions: Predictions, ground_truth: Interactions, extra_users: ExtraUsers
) -> Int64Array:
    """Return the user of each list, (R,) int64, -1 without ground truth."""
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
    progress: Progress = no_progress,
) -> str:
    """Read predictions and ground truth, evaluate, write the metrics as JSON; return a summary.

    Args:
        predictions_path: JSON Lines, as ``cli.predict`` writes them.
        cutoffs: list lengths n, each >= 1 and at most the longest list.
        per_user_path: for the metrics of each user, ``.csv`` or ``.jsonl``.
        model_dir: for metrics over its catalogue, slices and diversity.
        extra_users: ``ignore`` skips lists of users without ground truth.
        progress: called with the bytes read.

    Raises:
        ConfigError: a cutoff is out of range, or ``config`` needs a model.
        DataError: a file is faulty, or slices by history need histories that the model lacks.
        ArtifactError: the model is faulty.
    """
    check_cutoffs(cutoffs)
    paths = [out_path]
    if per_user_path is not None:
        find_format(per_user_path, input_options.format)
        paths.append(per_user_path)
    with open_outputs(*paths) as streams:
        catalogue = None if model_dir is None else _catalogue_of(Model.load(model_dir), config)
        _check_catalogue(catalogue, config)  # before reading files
        predictions = read_predictions(predictions_path, progress)
        check_longest(cutoffs, predictions)
        ground_truth = read_interactions(
            ground_truth_path, input_options=input_options, progress=progress
        )
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
    rows, names = ROW_FORMATS[find_format(path, format)], ["user_id", *evaluation.per_user]
    stream.write(rows.header(names))
    around = rows.around(names)
    columns = [values.tolist() for values in evaluation.per_user.values()]
    for user_id, *values in zip(evaluation.user_ids, *columns):
        numbers = [rows.missing if math.isnan(value) else format_number(value) for value in values]
        stream.write(rows.row(around, [rows.quote(user_id), *numbers]))
