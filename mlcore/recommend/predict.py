"""Predict from files to files: read requests, write ranked lists in order as they are made."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mlcore.artifact import Model
from mlcore.errors import ConfigError, DataError, DataWarning, UnknownUserError, at, shorten
from mlcore.files.clobber import refuse_clobber
from mlcore.files.inputs import display_name
from mlcore.files.list_rows import LIST_TYPES
from mlcore.files.lists import read_ids
from mlcore.files.lists_native import ListArrays
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.outputs import open_outputs
from mlcore.files.predictions import find_list_format
from mlcore.files.tables import BadValue
from mlcore.files.values import parse_timestamp
from mlcore.lineage.command_run import CommandRun
from mlcore.memory.plan import Plan
from mlcore.numeric.threads import resolve_threads
from mlcore.progress import OnMessage, Progress, no_message, no_progress
from mlcore.recommend.filter import ItemFilter, filter_path, note_filter, read_filter
from mlcore.recommend.limits import Limits, note_fault
from mlcore.recommend.memory import plan_lists
from mlcore.recommend.options import PredictOptions, Requests, UnknownUser, Weights
from mlcore.recommend.ranker import RankedUsers
from mlcore.recommend.recommender import Recommender
from mlcore.recommend.request import ListOptions, UserRequest
from mlcore.references import likely_reason, none_known
from mlcore.types import Int64Array

if TYPE_CHECKING:
    from mlcore.files.histories import UserHistory

__all__ = [
    "each_once",
    "expect_histories",
    "list_options",
    "note_now",
    "parse_now",
    "predict_from_path",
    "unknown_user_fault",
    "unknown_users",
]

EVENTS_AT_ONCE = 10_000  # weighed together. Changes speed only.
MAX_EXAMPLES = 100  # of unknown items that are compared with the known ones


@dataclass
class _Tally:
    """Counts for the summary."""

    lists: int = 0
    short_lists: int = 0
    unknown_users: int = 0
    known_items: int = 0  # of histories
    unknown_items: int = 0
    examples: list[str] = field(default_factory=list)  # of the unknown ones, while none is known


def predict_from_path(
    model_dir: PathLike,
    requests: Requests,
    out_path: PathLike,
    options: PredictOptions = PredictOptions(),
    *,
    threads: int | None = None,
    input_options: InputOptions = InputOptions(),
    lineage_path: PathLike | None = None,
    dry_run: bool = False,
    progress: Progress = no_progress,
    on_message: OnMessage = no_message,
) -> str:
    """Read requests, rank on all cores, write their lists in order; return a summary.

    Writes lists as they are made; of the requests only the ids stay in memory.

    Args:
        out_path: JSON Lines, unless the name ends in ``.csv``, ``.tsv`` or ``.parquet``, see
            ``find_list_format``.
        threads: None for one per core. Changes speed only.
        lineage_path: gets the line of the lists; None for ``lineage.jsonl`` beside them, if there is one.
        dry_run: open the model only, write nothing, and return the memory plan.
        progress: called with the number of lists made.
        on_message: called with the memory plan before the work, unless it is small; in a dry run,
            only with a plan that does not fit.

    Raises:
        ArtifactError: the model is faulty.
        ConfigError: rows are to explain scores.
        DataError: a file is faulty, a user is unknown, no item to include or no user is known, or
            memory does not suffice.
    """
    inputs = {
        "--model-dir": model_dir,
        "--users": requests.users_path,
        "--histories": requests.histories_path,
        "--include-items": options.include_items_path,
        "--exclude-items": options.exclude_items_path,
        "--include-pairs": options.include_pairs_path,
        "--exclude-pairs": options.exclude_pairs_path,
        "--filter": filter_path(options.filter),
        "--attributes": options.attributes_path,
    }
    if not dry_run:
        refuse_clobber(out_path, inputs)  # before what is wrong with its name
    list_format = find_list_format(out_path, options.explain)
    requests.check()
    expect_histories(requests, options)
    now = parse_now(options, input_options)  # before the work, and in a dry run too
    wanted = read_filter(options.filter, input_options)
    if dry_run:
        recommender = Recommender.load(model_dir)
        plan = _plan(recommender, model_dir, requests, options, wanted, threads)
        return plan.dry_run(on_message)
    tally = _Tally()
    run = CommandRun("predict", {"predictions": out_path}, lineage_path)
    noted = options if filter_path(options.filter) is None else replace(options, filter=None)
    run.note(noted, input_options, all_users=requests.all_users)
    with open_outputs(out_path, inputs=inputs, types=LIST_TYPES, on_written=run.on_written) as (
        out,
    ):
        run.take_options(inputs)
        out.write_bytes(list_format.header.encode())
        recommender = Recommender.load(
            model_dir, attributes=options.attributes_path, input_options=input_options
        )
        note_filter(wanted, recommender.model.attributes)
        limits = Limits(options, input_options, recommender.model.items)
        of_lists = list_options(options, limits, wanted)
        plan = _plan(recommender, model_dir, requests, options, wanted, threads)
        plan.show(on_message, must_fit=True)
        write = partial(_write, list_format.writer(recommender.model.items.load()))
        if requests.users_path is None and requests.histories_path is None:
            total = recommender.model.num_users
            if recommender.model.users is not None:
                limits.expect_users(recommender.model.users.load(), "the model")
            blocks = recommender.map_all_users(write, of_lists, threads)
        else:
            total = 0
            asked = _requests(recommender, requests, options, input_options, now, tally, limits)
            blocks = recommender.map_requests(write, asked, of_lists, threads)
        for block in blocks:
            out.write_bytes(block.lines)
            limits.note_asked(block.user_ids)
            tally.lists += len(block.user_ids)
            tally.short_lists += int((block.lengths < options.top_n).sum())
            progress("recommend", tally.lists, total)
        if requests.histories_path is not None:
            limits.expect_asked(display_name(requests.histories_path))
    if tally.unknown_items and not tally.known_items:
        assert requests.histories_path is not None
        place, known = display_name(requests.histories_path), recommender.model.items.ids
        note_fault(none_known(place, "item_id", tally.examples[:MAX_EXAMPLES], known, "the model"))
    return ", ".join([*_summary(tally, options.top_n), *limits.summary()])


def _plan(
    recommender: Recommender,
    model_dir: PathLike,
    requests: Requests,
    options: PredictOptions,
    wanted: ItemFilter,
    threads: int | None,
) -> Plan:
    all_users = requests.users_path is None and requests.histories_path is None
    of_lists = ListOptions(options.top_n, explain=options.explain, filter=wanted)
    naming = (
        *(options.include_items_path, options.exclude_items_path),
        *(options.include_pairs_path, options.exclude_pairs_path, options.attributes_path),
    )
    return plan_lists(
        recommender.model,
        model_dir,
        of_lists,
        resolve_threads(threads),
        all_users,
        finds_items=any(path is not None for path in naming),
    )


def list_options(options: PredictOptions, limits: Limits, wanted: ItemFilter) -> ListOptions:
    """Return the options of lists, with what their files say."""
    return ListOptions(
        options.top_n,
        limits.include,
        limits.exclude,
        options.include_seen,
        options.fill,
        options.explain,
        wanted,
        limits.by_user("included"),
        limits.by_user("excluded"),
    )


class _Written(NamedTuple):
    """The lines of some lists, and how long each is; scores are not kept while they wait."""

    user_ids: Sequence[str]
    lines: bytes
    lengths: Int64Array


def _write(writer: Callable[[ListArrays], bytes], ranked: RankedUsers) -> _Written:
    ranking, found = ranked.ranking, ranked.contributions
    reasons = None if found is None else (found.indptr, found.items, found.shares)
    columns = ranking.items, ranking.scores, ranking.filled
    lines = writer(ListArrays(ranked.user_ids, ranking.indptr, *columns, reasons))
    return _Written(ranked.user_ids, lines, np.diff(ranking.indptr))


def _requests(
    recommender: Recommender,
    requests: Requests,
    options: PredictOptions,
    input_options: InputOptions,
    now: int | None,
    tally: _Tally,
    limits: Limits,
) -> Iterator[UserRequest]:
    fill = options.fill is not None
    if requests.histories_path is not None:
        from mlcore.files.histories import read_histories

        combine = each_once(recommender.model, options.weights)
        note_now(recommender.model, options)
        histories = read_histories(requests.histories_path, input_options, combine=combine)
        for block in _blocks(histories):
            encoded = recommender.encode_histories(block, options.weights, now)
            for history, (items, unknown) in zip(block, encoded):
                tally.unknown_items += unknown
                tally.known_items += len(items[0])
                if not tally.known_items and len(tally.examples) < MAX_EXAMPLES:
                    tally.examples += [event[0] for event in history.events]
                yield UserRequest(history.user_id, items, fill)
    if requests.users_path is not None:
        check = partial(_check_known, recommender) if options.unknown_user == "error" else None
        user_ids = read_ids(requests.users_path, "user_id", input_options, check)
        _expect_users(recommender, requests.users_path, user_ids, options.unknown_user)
        limits.expect_users(user_ids, display_name(requests.users_path))
        for user_id in user_ids:
            try:
                yield UserRequest(user_id, recommender.history_of(user_id), fill)
            except UnknownUserError:
                tally.unknown_users += 1
                if options.unknown_user == "fill":
                    yield UserRequest(user_id, recommender.encode_history([])[0], True)


def _blocks(histories: Iterable[UserHistory]) -> Iterator[list[UserHistory]]:
    """Yield histories in their order, each block once it has many events."""
    block: list[UserHistory] = []
    num_events = 0
    for history in histories:
        block.append(history)
        num_events += 1 + len(history.events)  # those without one count too
        if num_events >= EVENTS_AT_ONCE:
            yield block
            block, num_events = [], 0
    if block:
        yield block


def expect_histories(requests: Requests, options: PredictOptions) -> None:
    """Refuse options of histories where there are none.

    Raises:
        ConfigError: one is given.

    >>> expect_histories(Requests(all_users=True), PredictOptions())
    """
    if requests.histories_path is not None:
        return
    for name, is_given in {"weights": options.weights != "events", "now": options.now}.items():
        if is_given:
            raise ConfigError(
                f"{name}: expected --histories with it, got none",
                "the histories of users of the model are ready",
            )


def each_once(model: Model, weights: Weights) -> str | None:
    """Return why an item may come once only in a history, as a hint, or None where it may not."""
    if model.history_rule is None:
        return "mlcore 0.2 or before wrote the model, for final weights; train it anew for events"
    return "--weights events makes weights of events" if weights == "final" else None


def note_now(model: Model, options: PredictOptions) -> None:
    """Warn of a time that changes nothing, as no event ages."""
    rule = model.history_rule
    is_decaying = rule is not None and rule.weighting.half_life_days is not None
    if options.now is not None and not (is_decaying and options.weights == "events"):
        warnings.warn("now: changes nothing, as no event ages here", DataWarning, stacklevel=2)


def parse_now(options: PredictOptions, input_options: InputOptions) -> int | None:
    """Return the time from which events age, in microseconds, or None.

    Raises:
        ConfigError: it is no time.
    """
    if options.now is None:
        return None
    try:
        return parse_timestamp(options.now, input_options.time_rule())
    except BadValue as fault:
        raise ConfigError(f"now: {fault}", fault.hint) from None


def _check_known(recommender: Recommender, user_id: str) -> None:
    try:
        recommender.history_of(user_id)
    except UnknownUserError:
        raise unknown_user_fault(recommender, user_id) from None


def unknown_user_fault(recommender: Recommender, user_id: str) -> BadValue:
    """Return the error of a user whom the model does not have."""
    return BadValue(
        f"expected a user of the model, got {shorten(user_id)}",
        likely_reason([user_id], recommender.user_ids())
        or "--unknown-user skip leaves such users out, fill gives them popular items",
    )


def _expect_users(
    recommender: Recommender, path: PathLike, user_ids: Sequence[str], unknown_user: UnknownUser
) -> None:
    """Refuse users of whom none is known, except new ones who are to get popular items."""
    users = recommender.model.users
    # Asked one by one first: reading all ids of a model takes time.
    if users is None or any(users.position(user_id) is not None for user_id in user_ids):
        return
    fault = unknown_users(display_name(path), user_ids, users.ids, unknown_user)
    if fault is not None:
        raise fault


def unknown_users(
    place: str, user_ids: Sequence[str], known: Sequence[str], unknown_user: UnknownUser
) -> DataError | None:
    """Return the error of users of whom none is known, or None if they may be new ones."""
    fault = none_known(place, "user_id", user_ids, known, "the model")
    if fault is not None and (unknown_user == "skip" or likely_reason(user_ids, known)):
        return fault
    return None


def _summary(tally: _Tally, top_n: int) -> list[str]:
    parts = [f"{tally.lists} lists"]
    if tally.short_lists:
        parts.append(f"{tally.short_lists} shorter than {top_n}")
    if tally.unknown_users:
        parts.append(f"{tally.unknown_users} unknown users")
    if tally.unknown_items:
        parts.append(f"{tally.unknown_items} unknown items passed over")
    return parts
