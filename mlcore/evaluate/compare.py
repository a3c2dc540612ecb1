"""Compare two recommenders by their predictions for the same users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mlcore.errors import ConfigError, shorten
from mlcore.evaluate.changes import (
    ROUNDING,
    changed_items,
    changed_users,
    differences_of,
    spread_of,
)
from mlcore.evaluate.comparison import Comparison, MetricComparison
from mlcore.evaluate.config import DEFAULT_CUTOFFS, DEFAULT_EXTRA_USERS, CompareConfig, ExtraUsers
from mlcore.evaluate.evaluate import (
    check_cutoffs,
    check_overlap,
    measure_lists,
    note_short_lists,
)
from mlcore.evaluate.lists import IdLists, as_data
from mlcore.evaluate.metrics import USER_METRICS
from mlcore.evaluate.resampling import adjust_holm, bootstrap_interval, paired_test, users_needed
from mlcore.files.formats import refuse_table_name
from mlcore.files.interactions import read_interactions
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.outputs import open_outputs
from mlcore.files.predictions import read_predictions
from mlcore.interactions import Interactions
from mlcore.jsontext import format_document
from mlcore.lineage.command_run import CommandRun
from mlcore.parameters import nearest
from mlcore.progress import Progress, no_progress, waiting
from mlcore.ranked_lists import Predictions
from mlcore.types import Float64Array, Int32Array, Int64Array

__all__ = ["compare_from_data", "compare_from_path"]


def compare_from_data(
    baseline: Predictions | IdLists,
    candidate: Predictions | IdLists,
    ground_truth: Interactions | IdLists,
    cutoffs: Sequence[int] = DEFAULT_CUTOFFS,
    config: CompareConfig = CompareConfig(),
    *,
    extra_users: ExtraUsers = DEFAULT_EXTRA_USERS,
) -> Comparison:
    """Compare each metric, paired by user.

    difference = mean over users of (metric of the candidate - metric of the baseline); users
    without a list count 0, as in ``evaluate_from_data``. Differences up to 1e-12 are rounding and
    count as 0.

    Args:
        baseline: lists of the recommender in use, as ``evaluate_from_data`` takes them.
        candidate: lists of the one that may replace it.
        ground_truth: weights play no part; or the ids of the items that each user took.
        cutoffs: list lengths n, each >= 1.
        extra_users: ``ignore`` skips lists of users without ground truth.

    Raises:
        ConfigError: a cutoff is out of range, or the gate names an unknown metric.
        DataError: as ``evaluate_from_data``.

    >>> lists = {"u": ["b"], "v": ["a"]}, {"u": ["a"], "v": ["a"]}
    >>> compare_from_data(*lists, {"u": ["a"], "v": ["a"]}, [1]).metrics["recall@1"].difference
    0.5
    """
    _check_metrics(config, cutoffs)
    sides, ground_truth = as_data({"baseline": baseline, "candidate": candidate}, ground_truth)
    evaluations = []
    for side, predictions in sides.items():
        note_short_lists(cutoffs, predictions, side)
        check_overlap(predictions, ground_truth, side=side)
        evaluations.append(
            measure_lists(predictions, ground_truth, cutoffs, extra_users=extra_users)
        )
    before, after = evaluations
    ranked = RankedItems(sides["baseline"], sides["candidate"], ground_truth.user_ids, max(cutoffs))
    deciding = config.fail_if_worse or [f"ndcg@{cutoffs[0]}"]
    first, at = deciding[0], int(deciding[0].partition("@")[2])
    return Comparison(
        config,
        _compare_metrics(before.per_user, after.per_user, config),
        deciding,
        ranked.count_others(),
        (before.users_without_predictions, after.users_without_predictions),
        (before.ignored_users, after.ignored_users),
        changed_users(ground_truth.user_ids, before.per_user[first], after.per_user[first]),
        changed_items(ranked.item_ids, ranked.before[:, :at], ranked.after[:, :at], ground_truth),
    )


def _compare_metrics(
    before: Mapping[str, Float64Array], after: Mapping[str, Float64Array], config: CompareConfig
) -> dict[str, MetricComparison]:
    columns = [differences_of(values, after[name]) for name, values in before.items()]
    differences: Float64Array = np.stack(columns, axis=1)  # (U, M) float64
    p_values = paired_test(differences, config.test, config.rounds, config.seed)  # (M,)
    holm = adjust_holm(p_values)  # (M,)
    low, high = bootstrap_interval(differences, config.confidence, config.rounds, config.seed)
    means = differences.mean(axis=0)  # (M,)
    means[np.abs(means) <= ROUNDING] = 0  # gains and losses balance, but for rounding
    needed = np.where(means == 0, np.inf, users_needed(differences, config.level))  # (M,)
    return {
        name: MetricComparison(
            name=name,
            config=config,
            baseline=float(before[name].mean()),
            candidate=float(after[name].mean()),
            difference=float(means[m]),
            interval=(float(low[m]), float(high[m])),
            p_value=float(p_values[m]),
            p_value_holm=float(holm[m]),
            users_better=int((differences[:, m] > 0).sum()),
            users_equal=int((differences[:, m] == 0).sum()),
            users_worse=int((differences[:, m] < 0).sum()),
            users_needed=float(needed[m]),
            spread=spread_of(differences[:, m]),
        )
        for m, name in enumerate(before)
    }


def _check_metrics(config: CompareConfig, cutoffs: Sequence[int]) -> None:
    check_cutoffs(cutoffs)
    known = [f"{name}@{n}" for name in USER_METRICS for n in cutoffs]
    for name in config.fail_if_worse:
        if name not in known:
            metric, at_sign, _ = name.partition("@")
            cutoffs_say = "--cutoffs says which list lengths there are"
            raise ConfigError(
                f"fail_if_worse: expected one of {', '.join(known)}, got {shorten(name)}",
                cutoffs_say if at_sign and metric in USER_METRICS else nearest(name, known),
            )


class RankedItems:
    """The lists of both sides for the same users, as positions in one numbering of their items.

    Attributes:
        item_ids: of both.
        before: (U, n) int32 item at each rank of the baseline, -1 beyond the end of a list.
        after: (U, n) int32 likewise of the candidate.
    """

    def __init__(
        self, baseline: Predictions, candidate: Predictions, user_ids: Sequence[str], n: int
    ) -> None:
        n = min(n, max(baseline.longest, candidate.longest))
        user_of = {user_id: user for user, user_id in enumerate(user_ids)}
        self.item_ids = list(dict.fromkeys((*baseline.item_ids, *candidate.item_ids)))
        item_of = {item_id: item for item, item_id in enumerate(self.item_ids)}
        self.before = _ranked(baseline, user_of, item_of, n)
        self.after = _ranked(candidate, user_of, item_of, n)

    def count_others(self) -> int:
        """Return the number of users whose lists differ, in content or order."""
        return int((self.before != self.after).any(axis=1).sum())


def _ranked(
    predictions: Predictions, user_of: Mapping[str, int], item_of: Mapping[str, int], n: int
) -> Int32Array:
    """Return the item at each rank of each user's list, (U, n) int32, -1 beyond its end."""
    num_lists = len(predictions.user_ids)
    users = np.fromiter((user_of.get(id_, -1) for id_ in predictions.user_ids), int, num_lists)
    items = np.array([item_of[id_] for id_ in predictions.item_ids], np.int32)
    lists = np.repeat(np.arange(num_lists), np.diff(predictions.indptr))  # (P,) int64
    ranks: Int64Array = np.arange(len(lists)) - predictions.indptr[lists]
    use = (users[lists] >= 0) & (ranks < n)
    ranked = np.full((len(user_of), n), -1, np.int32)
    ranked[users[lists][use], ranks[use]] = items[predictions.items[use]]
    return ranked


def compare_from_path(
    baseline_path: PathLike,
    candidate_path: PathLike,
    ground_truth_path: PathLike,
    cutoffs: Sequence[int] = DEFAULT_CUTOFFS,
    config: CompareConfig = CompareConfig(),
    *,
    out_path: PathLike | None = None,
    extra_users: ExtraUsers = DEFAULT_EXTRA_USERS,
    input_options: InputOptions = InputOptions(),
    lineage_path: PathLike | None = None,
    progress: Progress = no_progress,
) -> Comparison:
    """Read predictions and ground truth, compare, write the result; return it.

    Writes the result of a failed gate too: ask ``Comparison.failure``.

    Args:
        baseline_path: as ``cli.predict`` writes them, JSON Lines or a table.
        candidate_path: likewise.
        out_path: for the comparison as JSON.
        extra_users: ``ignore`` skips lists of users without ground truth.
        lineage_path: gets a line for the comparison; None for ``lineage.jsonl`` beside it, if there is one.
        progress: called with the bytes read.

    Raises:
        ConfigError: a cutoff is out of range, or the gate names an unknown metric.
        DataError: a file is faulty.
    """
    _check_metrics(config, cutoffs)  # before reading files
    inputs = {
        "--baseline": baseline_path,
        "--candidate": candidate_path,
        "--ground-truth": ground_truth_path,
    }
    run = CommandRun("compare", {"comparison": out_path}, lineage_path)
    run.note(config, input_options, cutoffs=cutoffs, extra_users=extra_users)
    paths = [] if out_path is None else [out_path]
    with open_outputs(*paths, inputs=inputs, on_written=run.on_written) as streams:
        for path in paths:
            refuse_table_name(path)
        run.take_options(inputs)
        baseline = read_predictions(baseline_path, progress)
        candidate = read_predictions(candidate_path, progress)
        ground_truth = read_interactions(
            ground_truth_path, input_options=input_options, progress=progress
        )
        with waiting(progress, "compare"):
            comparison = compare_from_data(
                baseline, candidate, ground_truth, cutoffs, config, extra_users=extra_users
            )
        for stream in streams:
            stream.write(format_document(comparison.to_json()))
    return comparison
