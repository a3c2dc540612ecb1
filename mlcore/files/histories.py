"""Histories of users, known to the model or not: JSON Lines of lists, or a table of interactions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np

from mlcore.errors import DataError, at, shorten, shorten_json
from mlcore.files.inputs import display_name
from mlcore.files.interactions import read_events
from mlcore.files.json_lines import hint_at_bare_id, json_member, no_objects, read_json_lines
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.parts import Kind, has_parts, kind_of, read_parts
from mlcore.files.tables import BadValue
from mlcore.files.values import timestamp_from_json, weight_from_json
from mlcore.ids import id_fault
from mlcore.interactions import Events
from mlcore.numeric.ranges import offsets
from mlcore.progress import Progress, no_progress
from mlcore.times import TimeRule

__all__ = ["UserHistory", "histories_of", "read_histories"]

_FINAL_HINT = 'final weights are ready; without "weights": "final" the model makes them of events'


class UserHistory(NamedTuple):
    """The events of one user, and their place in the file, for messages.

    Attributes:
        events: item id, weight, and microseconds since 1970 UTC or None.
        is_final: whether the file says that the weights are final.
    """

    user_id: str
    events: Sequence[tuple[str, float, int | None]]
    place: str
    is_final: bool = False


def read_histories(
    path: PathLike,
    input_options: InputOptions = InputOptions(),
    *,
    combine: str | None = None,
    progress: Progress = no_progress,
) -> Iterator[UserHistory]:
    """Yield the histories of a file.

    JSON Lines hold one history a line: ``{"user_id": "s1", "history": [{"item_id": "a", "weight":
    2.5, "timestamp": 1767225600}]}``; weight and timestamp may be missing; ``"weights": "final"`` says
    that the weights are final. CSV and Parquet are a table of interactions, as for training; its
    users come in order of their ids, the events of each in that of the rows.

    Args:
        path: as for ``read_columns``.
        combine: add up the rows of one user and item in a table; refuse an item twice in JSON Lines,
            with this hint, as in a history whose weights are final.
        progress: called with the bytes read.

    Raises:
        DataError: a user twice, or a value that breaks its rule.
    """
    format = input_options.format
    if kind_of(path, format) != "jsonl":
        yield from _from_table(path, input_options, combine, progress)
        return

    def read(part: PathLike, kind: Kind) -> Iterator[tuple[str, dict[str, Any]]]:
        for line, value in read_json_lines(part, progress, input_options.encoding):
            yield f"{display_name(part)}:{line}", value

    objects = read_parts(path, format, read) if has_parts(path) else read(path, "jsonl")
    first_places: dict[str, str] = {}
    rule = input_options.time_rule()
    for place, value in objects:
        with at(place):
            user_id = _id(value, "user_id")
            if user_id in first_places:
                raise DataError(
                    f"user_id: expected each user once, got {shorten(user_id)} again "
                    f"(first in line {first_places[user_id].rpartition(':')[2]})"
                )
            weights = value.get("weights", "events")
            if weights not in ("events", "final"):
                raise DataError(
                    f"weights: expected 'events' or 'final', got {shorten_json(weights)}"
                )
            is_final = weights == "final"
            history = json_member(value, "history", list)
            events = _events(history, rule, _FINAL_HINT if is_final else combine)
        first_places[user_id] = place
        yield UserHistory(user_id, events, place, is_final)
    if not first_places:
        raise no_objects(display_name(path))


def _from_table(
    path: PathLike, input_options: InputOptions, combine: str | None, progress: Progress
) -> Iterator[UserHistory]:
    events = read_events(path, input_options=input_options, progress=progress)
    return histories_of(events, display_name(path), combine)


def histories_of(events: Events, place: str, combine: str | None = None) -> Iterator[UserHistory]:
    """Yield the histories of the users of some events, by ascending id, events in order of rows.

    Args:
        place: of the events, for messages.
        combine: see ``read_histories``.
    """
    users: Any = events.users
    items, weights, times = events.items, events.weights, events.timestamps
    if combine is not None:
        with at(place):
            combined = events.aggregate()
        users, items = combined.user_items.row_of_entry(), combined.user_items.indices
        weights, times = combined.user_items.data, combined.timestamps
    order = np.argsort(users, kind="stable")
    bounds = offsets(np.bincount(users, minlength=len(events.user_ids)))
    for row, user_id in enumerate(events.user_ids):
        of_user = order[bounds[row] : bounds[row + 1]]
        ids = [events.item_ids[item] for item in items[of_user].tolist()]
        moments = repeat(None) if times is None else times[of_user].tolist()
        rows = list(zip(ids, weights[of_user].tolist(), moments))
        yield UserHistory(user_id, rows, f"{place}: user {shorten(user_id)}")


def _events(
    history: list[Any], rule: TimeRule, each_once: str | None
) -> list[tuple[str, float, int | None]]:
    events: list[tuple[str, float, int | None]] = []
    seen: set[str] = set()
    try:
        for entry in history:
            event = _event(entry, rule)
            if each_once is not None and event[0] in seen:
                raise DataError(
                    f"item_id: expected each item once, got {shorten(event[0])} again", each_once
                )
            seen.add(event[0])
            events.append(event)
    except DataError as fault:  # each entry before has added one
        raise DataError(f"history[{len(events)}]: {fault}", fault.hint) from None
    return events


def _event(entry: Any, rule: TimeRule) -> tuple[str, float, int | None]:
    if not isinstance(entry, dict):
        message = f"expected an object, got {shorten_json(entry)}"
        raise DataError(message, hint_at_bare_id(entry, "history"))
    item_id, key = _id(entry, "item_id"), "weight"
    try:
        weight, key = weight_from_json(entry.get("weight", 1)), "timestamp"
        time = entry.get("timestamp")
        return item_id, weight, None if time is None else timestamp_from_json(time, rule)
    except BadValue as fault:
        raise DataError(f"{key}: {fault}", fault.hint) from None


def _id(value: dict[str, Any], key: str) -> str:
    text = json_member(value, key, str)
    fault = id_fault(text)
    if fault is not None:
        raise DataError(f"{key}: {fault}")
    return text
