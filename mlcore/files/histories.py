"""Histories of users, known to the model or not: JSON Lines of lists, or a table of interactions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from mlcore.errors import DataError, at, shorten, shorten_json
from mlcore.files.inputs import display_name
from mlcore.files.interactions import read_interactions
from mlcore.files.json_lines import json_member, no_objects, read_json_lines
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.parts import Kind, has_parts, kind_of, read_parts
from mlcore.files.tables import BadValue
from mlcore.files.values import weight_from_json
from mlcore.ids import id_fault
from mlcore.progress import Progress, no_progress

__all__ = ["UserHistory", "read_histories"]


class UserHistory(NamedTuple):
    """Items and weights of one user, and their place in the file, for messages."""

    user_id: str
    items: list[tuple[str, float]]
    place: str


def read_histories(
    path: PathLike, input_options: InputOptions = InputOptions(), progress: Progress = no_progress
) -> Iterator[UserHistory]:
    """Yield the histories of a file.

    JSON Lines hold one history a line: ``{"user_id": "s1", "history": [{"item_id": "a", "weight":
    2.5}]}``; the weight is 1 if missing. CSV and Parquet are a table of interactions, as for training; its users
    come in order of their ids.

    Args:
        path: as for ``read_columns``.
        progress: called with the bytes read.

    Raises:
        DataError: a user or, within a history, an item twice, or a value that breaks its rule.
    """
    format = input_options.format
    if kind_of(path, format) != "jsonl":
        yield from _from_table(path, input_options, progress)
        return

    def read(part: PathLike, kind: Kind) -> Iterator[tuple[str, dict[str, Any]]]:
        for line, value in read_json_lines(part, progress, input_options.encoding):
            yield f"{display_name(part)}:{line}", value

    objects = read_parts(path, format, read) if has_parts(path) else read(path, "jsonl")
    first_places: dict[str, str] = {}
    for place, value in objects:
        with at(place):
            user_id = _id(value, "user_id")
            if user_id in first_places:
                raise DataError(
                    f"user_id: expected each user once, got {shorten(user_id)} again "
                    f"(first in line {first_places[user_id].rpartition(':')[2]})"
                )
            items = _entries(json_member(value, "history", list))
        first_places[user_id] = place
        yield UserHistory(user_id, items, place)
    if not first_places:
        raise no_objects(display_name(path))


def _from_table(
    path: PathLike, input_options: InputOptions, progress: Progress
) -> Iterator[UserHistory]:
    interactions = read_interactions(path, input_options=input_options, progress=progress)
    for row, user_id in enumerate(interactions.user_ids):
        columns, weights = interactions.user_items.row(row)
        items = [interactions.item_ids[column] for column in columns.tolist()]
        yield UserHistory(user_id, list(zip(items, weights.tolist())), display_name(path))


def _entries(history: list[Any]) -> list[tuple[str, float]]:
    items: dict[str, float] = {}
    try:
        for entry in history:
            _add(items, entry)
    except DataError as fault:  # each entry before has added one
        raise DataError(f"history[{len(items)}]: {fault}") from None
    return list(items.items())


def _add(items: dict[str, float], entry: Any) -> None:
    if not isinstance(entry, dict):
        raise DataError(f"expected an object, got {shorten_json(entry)}")
    item_id = _id(entry, "item_id")
    if item_id in items:
        raise DataError(f"item_id: expected each item once, got {shorten(item_id)} again")
    try:
        items[item_id] = weight_from_json(entry.get("weight", 1))
    except BadValue as fault:
        raise DataError(f"weight: {fault}") from None


def _id(value: dict[str, Any], key: str) -> str:
    text = json_member(value, key, str)
    fault = id_fault(text)
    if fault is not None:
        raise DataError(f"{key}: {fault}")
    return text
