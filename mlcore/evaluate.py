"""Evaluation: ranked lists against the items that users really took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TextIO, TypeAlias

import numpy as np

from mlcore.artifact import Model
from mlcore.errors import ConfigError, DataError, shorten
from mlcore.files.inputs import Format, Place, find_format
from mlcore.files.interactions import ColumnNames, quote_csv, read_interactions
from mlcore.files.outputs import open_outputs
from mlcore.files.predictions import read_predictions
from mlcore.interactions import Interactions
from mlcore.jsontext import format_document, format_number, format_string
from mlcore.metrics import USER_METRICS, catalogue_coverage, gini, novelty
from mlcore.predictions import Predictions
from mlcore.progress import Progress, silent
from mlcore.types import BoolArray, Float64Array, Int64Array

__all__ = ["Catalogue", "Evaluation", "ExtraUsers", "evaluate_from_data", "evaluate_from_path"]

# The metrics take some ten float64 for each rank of each of these. Changes speed and memory only.
USERS_PER_BLOCK = 4096

ExtraUsers: TypeAlias = Literal["error", "ignore"]


@dataclass(frozen=True)
class Catalogue:
    """What coverage, Gini and novelty are measured against.

    Attributes:
        item_ids: the I items of the training.
        popularity: (I,) int64 users of each.
        num_users: users of the training.
    """

    item_ids: Sequence[str]
    popularity: Int64Array
    num_users: int


@dataclass(frozen=True)
class Evaluation:
    """The metrics, and those of each user.

    Attributes:
        user_ids: the U users of the ground truth, ascending.
        metrics: means over users, named ``recall@10``; then those over the catalogue.
        per_user: (U,) float64 for each of the former.
        users_without_predictions: how many users of the ground truth had no list; they count 0.
        ignored_users: how many lists belonged to no user of the ground truth.
    """

    user_ids: Sequence[str]
    metrics: Mapping[str, float]
    per_user: Mapping[str, Float64Array]
    users_without_predictions: int
    ignored_users: int

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``metrics.json``."""
        return {
            "users": len(self.user_ids),
            "users_without_predictions": self.users_without_predictions,
            "ignored_users": self.ignored_users,
            "metrics": dict(self.metrics),
        }


def evaluate_from_data(
    predictions: Predictions,
    ground_truth: Interactions,
    cutoffs: Sequence[int],
    *,
    catalogue: Catalogue | None = None,
    extra_users: ExtraUsers = "error",
) -> Evaluation:
    """Return precision, recall, hit rate, NDCG, MAP and MRR at each cutoff.

    Averaged over the users of the ground truth; one without a list counts 0. With a catalogue also
    its coverage, the Gini index of the lists, and their novelty.

    Args:
        predictions: ranked lists.
        ground_truth: what users took; its weights play no part.
        cutoffs: list lengths n, each >= 1 and at most the longest list.
        catalogue: the items of the training.
        extra_users: whether a list of a user without ground truth is an error or passed over.

    Raises:
        ConfigError: a cutoff is out of range.
        DataError: a user without ground truth, or an item that is not in the catalogue.

    >>> truth = Interactions.from_columns(["u"], ["a"])
    >>> lists = Predictions(["u"], ["b", "a"], np.array([0, 2]), np.array([0, 1], np.int32))
    >>> evaluate_from_data(lists, truth, [2]).metrics["mrr@2"]
    0.5
    """
    _check_cutoffs(cutoffs)
    longest = int(np.diff(predictions.indptr).max(initial=0))
    if max(cutoffs) > longest:
        raise ConfigError(
            f"cutoffs: expected at most {longest}, the longest list of the predictions, "
            f"got {max(cutoffs)}"
        )
    user_of_list = _positions(predictions.user_ids, ground_truth.user_ids)  # (R,) -1: unknown
    extra = np.flatnonzero(user_of_list < 0)
    if len(extra) and extra_users == "error":
        others = f" and {len(extra) - 1} more" if len(extra) > 1 else ""
        raise DataError(
            f"{predictions.place_of(int(extra[0]))}user_id: expected a user of the ground truth, "
            f"got {shorten(predictions.user_ids[extra[0]])}{others}",
            "--extra-users ignore passes them over; cli.predict --users takes the ground truth",
        )
    hits = _hits(predictions, ground_truth, user_of_list, max(cutoffs))  # (U, N) bool
    relevant = np.diff(ground_truth.user_items.indptr)  # (U,) int64
    blocks = range(0, len(relevant), USERS_PER_BLOCK)
    per_user = {
        f"{name}@{n}": np.concatenate(
            [
                metric(hits[begin : begin + USERS_PER_BLOCK], relevant[begin:][:USERS_PER_BLOCK], n)
                for begin in blocks
            ]
        )
        for name, metric in USER_METRICS.items()
        for n in cutoffs
    }
    metrics = {name: float(values.mean()) for name, values in per_user.items()}
    if catalogue is not None:
        metrics |= _catalogue_metrics(predictions, user_of_list, catalogue, cutoffs)
    return Evaluation(
        ground_truth.user_ids,
        metrics,
        per_user,
        users_without_predictions=len(relevant) - (len(user_of_list) - len(extra)),
        ignored_users=len(extra),
    )


def _check_cutoffs(cutoffs: Sequence[int]) -> None:
    if not cutoffs:
        raise ConfigError("cutoffs: expected at least one, got none")
    for n in cutoffs:
        if n < 1:
            raise ConfigError(f"cutoffs: expected integers >= 1, got {n}")
    if len(set(cutoffs)) < len(cutoffs):
        raise ConfigError(f"cutoffs: expected each once, got {','.join(map(str, cutoffs))}")


def _positions(ids: Sequence[str], known: Sequence[str]) -> Int64Array:
    index = {id_: position for position, id_ in enumerate(known)}
    return np.fromiter((index.get(id_, -1) for id_ in ids), np.int64, len(ids))


def _hits(
    predictions: Predictions, ground_truth: Interactions, user_of_list: Int64Array, longest: int
) -> BoolArray:
    """Return whether the item at each rank of each user's list is relevant, (U, longest) bool."""
    matrix = ground_truth.user_items
    item_of = _positions(predictions.item_ids, ground_truth.item_ids)  # -1: relevant to nobody
    lengths = np.diff(predictions.indptr)
    lists = np.repeat(np.arange(len(lengths)), lengths)  # (P,)
    ranks = np.arange(len(lists)) - predictions.indptr[lists]
    users, items = user_of_list[lists], item_of[predictions.items]
    use = (users >= 0) & (items >= 0) & (ranks < longest)
    users, items, ranks = users[use], items[use], ranks[use]
    # Ordered by user, then item, the pairs of the ground truth are sorted as they stand.
    truth = matrix.row_of_entry() * matrix.num_columns + matrix.indices
    keys = users * matrix.num_columns + items
    found = np.searchsorted(truth, keys)
    is_hit = truth[np.minimum(found, len(truth) - 1)] == keys
    hits = np.zeros((matrix.num_rows, longest), bool)
    hits[users[is_hit], ranks[is_hit]] = True
    return hits


def _catalogue_metrics(
    predictions: Predictions, user_of_list: Int64Array, catalogue: Catalogue, cutoffs: Sequence[int]
) -> dict[str, float]:
    item_of = _positions(predictions.item_ids, catalogue.item_ids)
    strange = np.flatnonzero(item_of < 0)
    if len(strange):
        entry = np.flatnonzero(predictions.items == strange[0])[0]
        row = int(np.searchsorted(predictions.indptr, entry, side="right")) - 1
        raise DataError(
            f"{predictions.place_of(row)}item_id: expected an item of the model, "
            f"got {shorten(predictions.item_ids[strange[0]])}",
            "the predictions were made by another model",
        )
    lists = np.repeat(np.arange(len(user_of_list)), np.diff(predictions.indptr))  # (P,)
    ranks = np.arange(len(lists)) - predictions.indptr[lists]
    metrics: dict[str, float] = {}
    for n in cutoffs:
        use = (ranks < n) & (user_of_list[lists] >= 0)
        listed = np.bincount(item_of[predictions.items[use]], minlength=len(catalogue.item_ids))
        metrics[f"coverage@{n}"] = catalogue_coverage(listed)
        metrics[f"gini@{n}"] = gini(listed)
        metrics[f"novelty@{n}"] = novelty(listed, catalogue.popularity, catalogue.num_users)
    return metrics


def evaluate_from_path(
    predictions_path: Place,
    ground_truth_path: Place,
    out_path: Place,
    cutoffs: Sequence[int],
    *,
    per_user_path: Place | None = None,
    model_dir: Place | None = None,
    extra_users: ExtraUsers = "error",
    names: ColumnNames = ColumnNames(),
    format: Format | None = None,
    progress: Progress = silent,
) -> str:
    """Read predictions and ground truth, evaluate, write the metrics; return a summary.

    Args:
        predictions_path: JSON Lines, as ``cli.predict`` writes them.
        ground_truth_path: interactions.
        out_path: where the metrics go, as JSON.
        cutoffs: list lengths n.
        per_user_path: where the metrics of each user go, ``.csv`` or ``.jsonl``, or None.
        model_dir: the model, for metrics over its catalogue, or None.
        extra_users: whether a list of a user without ground truth is an error or passed over.
        names: how the columns of the ground truth are called.
        format: of the ground truth and the per-user file, or None to go by their names.
        progress: told how many bytes are read.

    Raises:
        ConfigError: a cutoff is out of range.
        DataError: a file is faulty.
        ArtifactError: the model is.
    """
    _check_cutoffs(cutoffs)
    paths = [out_path]
    if per_user_path is not None:
        find_format(per_user_path, format)
        paths.append(per_user_path)
    with open_outputs(*paths) as streams:
        predictions = read_predictions(predictions_path, progress)
        ground_truth = read_interactions(
            ground_truth_path, names=names, format=format, progress=progress
        )
        evaluation = evaluate_from_data(
            predictions,
            ground_truth,
            cutoffs,
            catalogue=None if model_dir is None else _catalogue_of(model_dir),
            extra_users=extra_users,
        )
        streams[0].write(format_document(evaluation.to_json()))
        if per_user_path is not None:
            _write_per_user(streams[1], evaluation, per_user_path, format)
    shown = ", ".join(
        f"{name}@{n} {evaluation.metrics[f'{name}@{n}']:.4f}"
        for n in cutoffs
        for name in ("recall", "ndcg")
    )
    return f"{len(evaluation.user_ids)} users: {shown}"


def _catalogue_of(model_dir: Place) -> Catalogue:
    model = Model.load(model_dir)
    return Catalogue(model.items.ids, model.popularity, model.num_users)


def _write_per_user(
    stream: TextIO, evaluation: Evaluation, path: Place, format: Format | None
) -> None:
    names = list(evaluation.per_user)
    columns = [evaluation.per_user[name].tolist() for name in names]
    is_csv = find_format(path, format) == "csv"
    if is_csv:
        stream.write(",".join(["user_id", *names]) + "\n")
    for user_id, *values in zip(evaluation.user_ids, *columns):
        numbers = map(format_number, values)
        if is_csv:
            stream.write(",".join([quote_csv(user_id), *numbers]) + "\n")
        else:
            pairs = ", ".join(f'"{name}": {number}' for name, number in zip(names, numbers))
            stream.write(f'{{"user_id": {format_string(user_id)}, {pairs}}}\n')
