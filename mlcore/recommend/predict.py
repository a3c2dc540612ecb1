"""Predict from files to files: read requests, write ranked lists, streamed in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from mlcore.files.options import InputOptions, PathLike
from mlcore.errors import UnknownUserError, at, shorten
from mlcore.files.histories import read_histories
from mlcore.files.lists import read_ids
from mlcore.files.outputs import open_outputs
from mlcore.files.predictions import Entries, format_predictions
from mlcore.files.tables import BadValue
from mlcore.jsontext import format_string
from mlcore.memory.plan import Plan
from mlcore.recommend.memory import plan_lists
from mlcore.progress import OnMessage, Progress, no_message, no_progress
from mlcore.recommend.recommender import RankedUsers, Recommender
from mlcore.recommend.options import PredictOptions, Requests
from mlcore.recommend.request import ListOptions, UserRequest
from mlcore.numeric.threads import resolve_threads
from mlcore.types import Float64Array, Int32Array, Int64Array

__all__ = ["predict_from_path"]


@dataclass
class _Tally:
    """Counts for the summary."""

    lists: int = 0
    short_lists: int = 0
    unknown_users: int = 0
    unknown_items: int = 0


def predict_from_path(
    model_dir: PathLike,
    requests: Requests,
    out_path: PathLike,
    options: PredictOptions = PredictOptions(),
    *,
    threads: int | None = None,
    input_options: InputOptions = InputOptions(),
    dry_run: bool = False,
    progress: Progress = no_progress,
    on_message: OnMessage = no_message,
) -> str:
    """Read requests, rank on all cores, write one JSON line for each in order; return a summary.

    Writes lists as they are made; of the requests only the ids stay in memory.

    Args:
        threads: None for one per core. Changes speed only.
        dry_run: open the model only, write nothing, and return the memory plan.
        progress: called with the number of lists made.
        on_message: called with the memory plan before the work, unless it is small; in a dry run,
            only with a plan that does not fit.

    Raises:
        ArtifactError: the model is faulty.
        DataError: a file is faulty, a user is unknown, or memory does not suffice.
    """
    if dry_run:
        return _plan(Recommender.load(model_dir), model_dir, requests, options, threads).dry_run(
            on_message
        )
    tally = _Tally()
    with open_outputs(out_path) as (out,):
        recommender = Recommender.load(model_dir)
        list_options = _list_options(options, input_options)
        plan = _plan(recommender, model_dir, requests, options, threads)
        plan.show(on_message, must_fit=True)
        if requests.users_path is None and requests.histories_path is None:
            total = recommender.model.num_users
            ranked_blocks = recommender.rank_all_users(list_options, threads)
        else:
            total = 0
            wanted = _requests(recommender, requests, options, input_options, tally)
            ranked_blocks = recommender.rank_requests(wanted, list_options, threads)
        json_ids = [format_string(id_) for id_ in recommender.model.items.ids]
        for ranked in ranked_blocks:
            out.write(_format_lists(ranked, json_ids))
            tally.lists += len(ranked.user_ids)
            tally.short_lists += int((np.diff(ranked.ranking.indptr) < options.top_n).sum())
            progress("recommend", tally.lists, total)
    return _summary(tally, options.top_n)


def _plan(
    recommender: Recommender,
    model_dir: PathLike,
    requests: Requests,
    options: PredictOptions,
    threads: int | None,
) -> Plan:
    all_users = requests.users_path is None and requests.histories_path is None
    list_options = ListOptions(options.top_n, explain=options.explain)
    return plan_lists(
        recommender.model, model_dir, list_options, resolve_threads(threads), all_users
    )


def _list_options(options: PredictOptions, input_options: InputOptions) -> ListOptions:
    include, exclude = options.include_items_path, options.exclude_items_path
    return ListOptions(
        options.top_n,
        None if include is None else read_ids(include, "item_id", input_options),
        [] if exclude is None else read_ids(exclude, "item_id", input_options),
        options.include_seen,
        options.fill,
        options.explain,
    )


def _format_lists(ranked: RankedUsers, json_ids: Sequence[str]) -> str:
    ranking, found = ranked.ranking, ranked.contributions
    because = None
    if found is not None:
        because = _entries(found.indptr, found.items, found.shares, json_ids)
    return format_predictions(
        list(map(format_string, ranked.user_ids)),
        _entries(ranking.indptr, ranking.items, ranking.scores, json_ids),
        ranking.filled.tolist(),
        because,
    )


def _entries(
    indptr: Int64Array, items: Int32Array, numbers: Float64Array, json_ids: Sequence[str]
) -> Entries:
    ids = list(map(json_ids.__getitem__, items.tolist()))
    return Entries(indptr.tolist(), ids, numbers.tolist())


def _requests(
    recommender: Recommender,
    requests: Requests,
    options: PredictOptions,
    input_options: InputOptions,
    tally: _Tally,
) -> Iterator[UserRequest]:
    fill = options.fill is not None
    if requests.histories_path is not None:
        for history in read_histories(requests.histories_path, input_options):
            with at(history.place):
                encoded, unknown = recommender.encode_history(history.items)
            tally.unknown_items += unknown
            yield UserRequest(history.user_id, encoded, fill)
    if requests.users_path is not None:
        check = partial(_check_known, recommender) if options.unknown_user == "error" else None
        for user_id in read_ids(requests.users_path, "user_id", input_options, check):
            try:
                yield UserRequest(user_id, recommender.history_of(user_id), fill)
            except UnknownUserError:
                tally.unknown_users += 1
                if options.unknown_user == "fill":
                    yield UserRequest(user_id, recommender.encode_history([])[0], True)


def _check_known(recommender: Recommender, user_id: str) -> None:
    try:
        recommender.history_of(user_id)
    except UnknownUserError:
        raise BadValue(
            f"expected a user of the model, got {shorten(user_id)}",
            "--unknown-user skip leaves such users out, fill gives them popular items",
        ) from None


def _summary(tally: _Tally, top_n: int) -> str:
    parts = [f"{tally.lists} lists"]
    if tally.short_lists:
        parts.append(f"{tally.short_lists} shorter than {top_n}")
    if tally.unknown_users:
        parts.append(f"{tally.unknown_users} unknown users")
    if tally.unknown_items:
        parts.append(f"{tally.unknown_items} unknown items passed over")
    return ", ".join(parts)
