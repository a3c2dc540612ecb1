"""The result of an evaluation: means over users, intervals, slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlcore.charts.chart import Charts, with_charts
from mlcore.charts.evaluation import evaluation_charts
from mlcore.evaluate.config import EvaluateConfig, SliceBy
from mlcore.evaluate.exposure import Exposure
from mlcore.evaluate.resampling import FEW_USERS, bootstrap_interval
from mlcore.notebook import html_table
from mlcore.types import Float64Array

__all__ = ["Evaluation", "Means", "Slice", "count_users", "mean_over_users"]


@dataclass(frozen=True)
class Means:
    """Means of some metrics over some users.

    Attributes:
        metrics: by name, without those that no user has.
        counted: number of users, for metrics that not every user has.
        intervals: low and high of each mean; empty without ``confidence``.
    """

    metrics: Mapping[str, float]
    counted: Mapping[str, int] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def shown(self, names: Sequence[str]) -> str:
        """Return the named metrics as text, ``recall@10 0.1234 [0.1201, 0.1267]``, skipping missing ones.

        >>> Means({"recall@10": 0.5}).shown(["recall@10", "ndcg@10"])
        'recall@10 0.5000'
        """
        parts = []
        for name in (name for name in names if name in self.metrics):
            low_high = self.intervals.get(name, ())
            interval = f" [{', '.join(f'{bound:.4f}' for bound in low_high)}]" if low_high else ""
            parts.append(f"{name} {self.metrics[name]:.4f}{interval}")
        return ", ".join(parts)


def mean_over_users(columns: Mapping[str, Float64Array], config: EvaluateConfig) -> Means:
    """Return the mean of each metric over the users with a value, and its interval if asked.

    Metrics of the same users share their resamples.

    Args:
        columns: (U,) float64 for each metric, NaN for a user without a value.

    >>> columns = {"recall@2": np.array([0.0, 1.0]), "diversity@2": np.array([0.25, np.nan])}
    >>> mean_over_users(columns, EvaluateConfig()).metrics
    {'recall@2': 0.5, 'diversity@2': 0.25}
    """
    has_value = {name: ~np.isnan(values) for name, values in columns.items()}
    counted = {name: int(has.sum()) for name, has in has_value.items() if not has.all()}
    known = [name for name in columns if counted.get(name) != 0]
    metrics = {name: float(columns[name][has_value[name]].mean()) for name in known}
    if config.confidence is None:
        return Means(metrics, counted)
    of_same_users: dict[bytes, list[str]] = {}
    for name in known:
        of_same_users.setdefault(has_value[name].tobytes(), []).append(name)
    intervals: dict[str, tuple[float, float]] = {}
    for names in of_same_users.values():
        stacked: Float64Array = np.stack([columns[name] for name in names], axis=1)
        bounds = bootstrap_interval(
            stacked[has_value[names[0]]], config.confidence, config.bootstrap_rounds, config.seed
        )
        intervals |= {name: (low, high) for name, (low, high) in zip(names, bounds.T.tolist())}
    return Means(metrics, counted, {name: intervals[name] for name in known})


def count_users(users: int, without_list: int, ignored: int, unknown_items: int = 0) -> str:
    """Return the users of an evaluation in words, with those who do not match, if any.

    >>> count_users(3, 1, 0)
    '3 users, 1 without a list'
    """
    parts = [f"{users} users"]
    parts += [f"{without_list} without a list"] if without_list else []
    parts += [f"{ignored} other lists ignored"] if ignored else []
    parts += [f"{unknown_items} of their items not in the model"] if unknown_items else []
    return ", ".join(parts)


@dataclass(frozen=True)
class Slice:
    """The metrics of some users, or of the relevant items of one kind.

    Attributes:
        users: number of users counted.
        ground_truth_items: total number of their relevant items.
        means: over these users.
        catalogue_items: how many items are of the kind, if the slice is one of items.
    """

    users: int
    ground_truth_items: int
    means: Means
    catalogue_items: int | None = None

    def to_json(self, config: EvaluateConfig) -> dict[str, Any]:
        """Return one entry of ``slices``."""
        sizes = {} if self.catalogue_items is None else {"catalogue_items": self.catalogue_items}
        sizes |= {"users": self.users, "ground_truth_items": self.ground_truth_items}
        return sizes | _means_to_json(self.means, self.means.metrics, config)


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Metrics, in total and of each user.

    Attributes:
        user_ids: the U users of the ground truth, ascending.
        metrics: means over users, named ``recall@10``; then those over the catalogue.
        per_user: (U,) float64 for each of the former; NaN where a user has no diversity.
        users_without_predictions: number of users without a list; they count 0.
        ignored_users: number of lists of users without ground truth.
        means: of ``per_user``, with intervals if asked for.
        slices: by kind, then by name; none is empty.
        unknown_items: number of items of the ground truth that the catalogue, if given, lacks.
        exposure: as ``CataloguedLists.exposure``, if slices by popularity are asked for.
    """

    user_ids: Sequence[str]
    metrics: Mapping[str, float]
    per_user: Mapping[str, Float64Array]
    users_without_predictions: int
    ignored_users: int
    means: Means = Means({})
    slices: Mapping[SliceBy, Mapping[str, Slice]] = field(default_factory=dict)
    config: EvaluateConfig = EvaluateConfig()
    unknown_items: int = 0
    exposure: Exposure | None = None

    def __repr__(self) -> str:
        return f"Evaluation({len(self.user_ids)} users, {len(self.metrics)} metrics)"

    def _repr_html_(self) -> str:
        rows = self.to_rows()
        return with_charts(html_table(repr(self), rows, len(rows)), self.plot)

    def plot(self) -> Charts:
        """Return the charts of ``cli.report``, which a notebook shows.

        Raises:
            MlcoreError: matplotlib is not installed.
        """
        return evaluation_charts(self.to_json()).checked()

    def to_rows(self) -> list[dict[str, Any]]:
        """Return a row for each metric, as ``pandas.DataFrame`` and ``polars.DataFrame`` take them.

        Columns: ``slice_by`` and ``slice``, None for all users; ``metric``, ``value``; ``low`` and
        ``high`` of the interval, None without one; ``users``, how many are averaged over.
        """
        everyone = _rows(None, None, self.metrics, self.means, len(self.user_ids))
        return everyone + [
            row
            for by, parts in self.slices.items()
            for name, part in parts.items()
            for row in _rows(by, name, part.means.metrics, part.means, part.users)
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``metrics.json``."""
        config = self.config
        document: dict[str, Any] = {
            "users": len(self.user_ids),
            "users_without_predictions": self.users_without_predictions,
            "ignored_users": self.ignored_users,
        }
        if config.confidence is not None:
            names = ("confidence", "bootstrap_rounds", "seed")
            document |= {name: getattr(config, name) for name in names}
        document |= _means_to_json(self.means, self.metrics, config)
        if config.slices:
            document["slices"] = {
                by: {name: part.to_json(config) for name, part in parts.items()}
                for by, parts in self.slices.items()
            }
        if self.exposure is not None:
            document["exposure"] = dict(self.exposure)
        return document

    def summary(self, cutoffs: Sequence[int]) -> str:
        """Return recall and NDCG as text, one line for all users and one for each slice."""
        kinds = ("recall", "diversity", "ndcg") if self.config.diversity else ("recall", "ndcg")
        names = list(self.config.named({f"{kind}@{n}": 0 for n in cutoffs for kind in kinds}))
        counts = self.users_without_predictions, self.ignored_users, self.unknown_items
        counted = count_users(len(self.user_ids), *counts)
        lines = [f"{counted}: {self.means.shown(names)}"]
        for by, parts in self.slices.items():
            lines += [
                f"{by} {name} ({part.users} users, {part.ground_truth_items} items): "
                f"{part.means.shown(names)}"
                for name, part in parts.items()
            ]
        sizes = [part.users for parts in self.slices.values() for part in parts.values()]
        if self.config.confidence is not None and min([len(self.user_ids), *sizes]) < FEW_USERS:
            lines.append(f"The intervals of fewer than {FEW_USERS} users are too narrow.")
        return "\n".join(lines)


def _rows(
    by: str | None, name: str | None, metrics: Mapping[str, float], means: Means, users: int
) -> list[dict[str, Any]]:
    rows = []
    for metric, value in metrics.items():
        low, high = means.intervals.get(metric, (None, None))
        numbers = {"low": low, "high": high, "users": means.counted.get(metric, users)}
        rows.append({"slice_by": by, "slice": name, "metric": metric, "value": value, **numbers})
    return rows


def _means_to_json(
    means: Means, metrics: Mapping[str, float], config: EvaluateConfig
) -> dict[str, Any]:
    values: dict[str, Any] = {"metrics": dict(metrics)}
    if config.diversity:
        values["users_counted"] = dict(means.counted)
    if config.confidence is not None:
        values["confidence_intervals"] = {
            name: list(bounds) for name, bounds in means.intervals.items()
        }
    return values
