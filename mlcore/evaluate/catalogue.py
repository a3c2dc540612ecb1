"""Metrics and slices that need the model: its catalogue, similarity and histories."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlcore.errors import DataError, shorten
from mlcore.evaluate.config import POPULARITY_SHARES, EvaluateConfig, SliceBy
from mlcore.evaluate.diversity import list_diversity
from mlcore.evaluate.exposure import Exposure, most_popular_metrics, shares_by_popularity
from mlcore.evaluate.hits import Hits, find_positions
from mlcore.evaluate.metrics import catalogue_coverage, gini, novelty, user_metrics
from mlcore.evaluate.result import Slice, mean_over_users
from mlcore.evaluate.slices import (
    POPULARITY_SLICES,
    slice_by_history,
    slice_by_popularity,
)
from mlcore.interactions import Interactions
from mlcore.numeric.ranges import ragged_arange
from mlcore.ranked_lists import Predictions
from mlcore.types import CsrMatrix, Float64Array, Int64Array

__all__ = ["Catalogue", "CataloguedLists", "evaluate_slices"]

# Precision, MAP and MRR depend on the number of possible hits, so they mean little for a part of these.
METRICS_BY_POPULARITY = ("recall", "hit_rate", "ndcg")


@dataclass(frozen=True)
class Catalogue:
    """The training that lists are measured against.

    Attributes:
        item_ids: the I items.
        popularity: (I,) int64 users of each item.
        num_users: users of the training.
        similarity: (I, I) float32, source items as rows; diversity needs it.
        user_ids: slices by history need them.
        history_lengths: (num_users,) int64 items of each user; slices by history need them.
    """

    item_ids: Sequence[str]
    popularity: Int64Array
    num_users: int
    similarity: CsrMatrix | None = None
    user_ids: Sequence[str] | None = None
    history_lengths: Int64Array | None = None


class CataloguedLists:
    """The lists of the U users of a ground truth, as positions in a catalogue.

    Args:
        user_of_list: (R,) int64 user of each list, -1 to skip it.
        longest: ranks count from 0 to here, excluded.

    Raises:
        DataError: an item is not in the catalogue.
    """

    def __init__(
        self,
        predictions: Predictions,
        user_of_list: Int64Array,
        catalogue: Catalogue,
        longest: int,
    ) -> None:
        item_of = find_positions(predictions.item_ids, catalogue.item_ids)
        _check_known(predictions, item_of)
        lists = np.flatnonzero(user_of_list >= 0)
        starts = predictions.indptr[lists]
        self._lengths = np.minimum(predictions.indptr[lists + 1] - starts, longest)
        self._items = item_of[predictions.items[ragged_arange(starts, self._lengths)]]  # (P,) int64
        self._ranks = ragged_arange(np.zeros_like(starts), self._lengths)  # (P,)
        self._users = user_of_list[lists]
        self._catalogue = catalogue

    def metrics(self, cutoffs: Sequence[int]) -> dict[str, float]:
        """Return coverage, Gini index and novelty at each cutoff."""
        catalogue = self._catalogue
        metrics: dict[str, float] = {}
        for n in cutoffs:
            listed = self._listed(n)
            metrics[f"coverage@{n}"] = catalogue_coverage(listed)
            metrics[f"gini@{n}"] = gini(listed)
            metrics[f"novelty@{n}"] = novelty(listed, catalogue.popularity, catalogue.num_users)
        return metrics

    def exposure(
        self, ground_truth: Interactions, cutoffs: Sequence[int], config: EvaluateConfig
    ) -> Exposure:
        """Return how items, interactions, relevant items and lists spread over popularity.

        Relevant items outside the catalogue are new. ``most_popular`` is what the most popular items would
        have, shown to everybody.
        """
        popularity = self._catalogue.popularity
        slice_of = slice_by_popularity(popularity, _popularity_shares(config))  # (I,)
        relevant = np.bincount(
            ground_truth.user_items.indices, minlength=len(ground_truth.item_ids)
        )
        of_truth = _slices_of_truth(ground_truth, self._catalogue, slice_of)  # (T,)
        popular = most_popular_metrics(popularity, self._catalogue.num_users, cutoffs)
        return {
            "items_share": shares_by_popularity(slice_of, np.ones_like(popularity)),
            "interactions_share": shares_by_popularity(slice_of, popularity),
            "relevant_share": shares_by_popularity(of_truth, relevant),
            "listed_share": {
                str(n): shares_by_popularity(slice_of, self._listed(n)) for n in cutoffs
            },
            "most_popular": config.named(popular),
        }

    def _listed(self, n: int) -> Int64Array:
        """Return how many lists have each item among their first n, (I,) int64."""
        return np.bincount(self._items[self._ranks < n], minlength=len(self._catalogue.item_ids))

    def diversity(self, cutoffs: Sequence[int], num_users: int) -> dict[str, Float64Array]:
        """Return the diversity of each user's list at each cutoff, (U,), NaN without two items."""
        assert self._catalogue.similarity is not None, "checked before the work"
        longest = int(self._lengths.max(initial=1))
        shown = {n: min(n, longest) for n in cutoffs}  # beyond, there is nothing in any list
        lengths = sorted(set(shown.values()))
        ranked = np.full((len(self._users), longest), -1, np.int32)
        lists = np.repeat(np.arange(len(self._users)), self._lengths)  # (P,)
        ranked[lists, self._ranks] = self._items
        values = np.full((num_users, len(lengths)), np.nan)
        values[self._users] = list_diversity(ranked, self._catalogue.similarity, lengths)
        return {f"diversity@{n}": values[:, lengths.index(shown[n])] for n in cutoffs}


def _check_known(predictions: Predictions, item_of: Int64Array) -> None:
    unknown = np.flatnonzero(item_of < 0)
    if len(unknown):
        entry = np.flatnonzero(predictions.items == unknown[0])[0]
        row = int(np.searchsorted(predictions.indptr, entry, side="right")) - 1
        raise DataError(
            f"{predictions.place_of(row)}item_id: expected an item of the model, "
            f"got {shorten(predictions.item_ids[unknown[0]])}",
            "the predictions were made by another model: --model-dir names theirs",
        )


def evaluate_slices(
    ground_truth: Interactions,
    hits: Hits,
    per_user: Mapping[str, Float64Array],
    catalogue: Catalogue,
    cutoffs: Sequence[int],
    config: EvaluateConfig,
) -> dict[SliceBy, dict[str, Slice]]:
    """Return the slices of ``config``, without empty ones.

    By history length: the metrics of each user, averaged over the users of a slice; a user outside
    the training has a history of length 0. By popularity: recall, hit rate and NDCG with only the
    items of the slice as relevant, averaged over the users who have any; ranks are those in the
    whole list. An item outside the training is new.

    Args:
        per_user: (U,) float64 for each metric.
        catalogue: with histories for slices by history length.
    """
    slices: dict[SliceBy, dict[str, Slice]] = {}
    if "history-length" in config.slices:
        lengths = _history_lengths(ground_truth, catalogue)
        slices["history-length"] = _by_history(lengths, hits, per_user, config)
    if "popularity" in config.slices:
        slices["popularity"] = _by_popularity(ground_truth, hits, catalogue, cutoffs, config)
    return slices


def _history_lengths(ground_truth: Interactions, catalogue: Catalogue) -> Int64Array:
    assert catalogue.user_ids is not None and catalogue.history_lengths is not None
    # This way round, as a model may have many more users than the ground truth.
    users = find_positions(catalogue.user_ids, ground_truth.user_ids)
    lengths = np.zeros(len(ground_truth.user_ids), np.int64)
    lengths[users[users >= 0]] = catalogue.history_lengths[users >= 0]
    return lengths


def _by_history(
    lengths: Int64Array, hits: Hits, per_user: Mapping[str, Float64Array], config: EvaluateConfig
) -> dict[str, Slice]:
    names, slice_of = slice_by_history(lengths, config.history_edges)
    slices = {}
    for position, name in enumerate(names):
        members = slice_of == position  # (U,)
        if members.any():
            columns = {metric: values[members] for metric, values in per_user.items()}
            means = mean_over_users(columns, config)
            slices[name] = Slice(int(members.sum()), int(hits.relevant[members].sum()), means)
    return slices


def _by_popularity(
    ground_truth: Interactions,
    hits: Hits,
    catalogue: Catalogue,
    cutoffs: Sequence[int],
    config: EvaluateConfig,
) -> dict[str, Slice]:
    slice_of = slice_by_popularity(catalogue.popularity, _popularity_shares(config))  # (I,)
    slice_of_truth = _slices_of_truth(ground_truth, catalogue, slice_of)  # (T,)
    truth = ground_truth.user_items
    users = truth.row_of_entry()
    slices = {}
    for number, name in enumerate(POPULARITY_SLICES):
        wanted = slice_of_truth == number  # (T,)
        relevant = np.bincount(users[wanted[truth.indices]], minlength=truth.num_rows)  # (U,)
        if relevant.any():
            columns = user_metrics(hits.among(wanted, relevant), cutoffs, METRICS_BY_POPULARITY)
            slices[name] = Slice(
                int((relevant > 0).sum()),
                int(relevant.sum()),
                mean_over_users(config.named(columns), config),
                int((slice_of == number).sum()),
            )
    return slices


def _popularity_shares(config: EvaluateConfig) -> tuple[float, float]:
    low, high = config.popularity_shares or POPULARITY_SHARES
    return low, high


def _slices_of_truth(
    ground_truth: Interactions, catalogue: Catalogue, slice_of: Int64Array
) -> Int64Array:
    """Return the slice of each item of the ground truth, (T,) int64; those outside the training are new."""
    position = find_positions(ground_truth.item_ids, catalogue.item_ids)  # (T,)
    return np.where(position < 0, POPULARITY_SLICES.index("new"), slice_of[position])
