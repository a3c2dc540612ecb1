"""Histories of users the model need not know: JSON Lines of lists, or a table of interactions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from mlcore.files.options import InputOptions, PathLike
from mlcore.errors import DataError, shorten, shorten_json
from mlcore.files.inputs import find_format, display_name
from mlcore.files.interactions import read_interactions
from mlcore.files.tables import BadValue, read_json_lines
from mlcore.files.values import weight_from_json
from mlcore.ids import id_fault
from mlcore.progress import Progress, no_progress

__all__ = ["UserHistory", "read_histories"]


class UserHistory(NamedTuple):
    """Items and weights of one user, and where they stand, for messages."""

    user_id: str
    items: list[tuple[str, float]]
    place: str


def read_histories(
    path: PathLike, input_options: InputOptions = InputOptions(), progress: Progress = no_progress
) -> Iterator[UserHistory]:
    """Yield the histories of a file.

    JSON Lines hold one history a line: ``{"user_id": "s1", "history": [{"item_id": "a", "weight":
    2.5}]}``, where the weight may be missing and is 1 then. CSV is a table of interactions, as
    for training; its users come in order of their ids.

    Args:
        path: ``.jsonl`` or ``.csv``, perhaps ``.gz``, or ``-``.
        progress: told how many bytes are read.

    Raises:
        DataError: a user or, within a history, an item twice, or a value that breaks its rule.
    """
    if find_format(path, input_options.format) == "csv":
        yield from _from_table(path, progress)
        return
    first_lines: dict[str, int] = {}
    for line, value in read_json_lines(path, progress):
        place = f"{display_name(path)}:{line}"
        user_id = _id(value, "user_id", place)
        if user_id in first_lines:
            raise DataError(
                f"{place}: user_id: expected each user once, got {shorten(user_id)} again "
                f"(first in line {first_lines[user_id]})"
            )
        first_lines[user_id] = line
        yield UserHistory(user_id, _entries(value, place), place)
    if not first_lines:
        raise DataError(
            f"{display_name(path)}: expected at least one JSON object, got an empty file"
        )


def _from_table(path: PathLike, progress: Progress) -> Iterator[UserHistory]:
    interactions = read_interactions(
        path, input_options=InputOptions(format="csv"), progress=progress
    )
    for row, user_id in enumerate(interactions.user_ids):
        columns, weights = interactions.user_items.row(row)
        items = [interactions.item_ids[column] for column in columns.tolist()]
        yield UserHistory(user_id, list(zip(items, weights.tolist())), display_name(path))


def _entries(value: dict[str, Any], place: str) -> list[tuple[str, float]]:
    history = value.get("history")
    if not isinstance(history, list):
        got = shorten_json(history) if "history" in value else "no such key"
        raise DataError(f"{place}: history: expected an array, got {got}")
    items: dict[str, float] = {}
    for position, entry in enumerate(history):
        where = f"{place}: history[{position}]"
        if not isinstance(entry, dict):
            raise DataError(f"{where}: expected an object, got {shorten_json(entry)}")
        item_id = _id(entry, "item_id", where)
        if item_id in items:
            raise DataError(
                f"{where}: item_id: expected each item once, got {shorten(item_id)} again"
            )
        try:
            items[item_id] = weight_from_json(entry.get("weight", 1))
        except BadValue as fault:
            raise DataError(f"{where}: weight: {fault}") from None
    return list(items.items())


def _id(value: dict[str, Any], key: str, place: str) -> str:
    text = value.get(key)
    if not isinstance(text, str):
        got = shorten_json(text) if key in value else "no such key"
        raise DataError(f"{place}: {key}: expected a string, got {got}")
    fault = id_fault(text)
    if fault is not None:
        raise DataError(f"{place}: {key}: {fault}")
    return text
