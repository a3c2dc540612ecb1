"""Events of a request as a history: the same steps as in the training, by the rule of the model."""

from __future__ import annotations

import numbers
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeAlias

import numpy as np

from mlcore.artifact import HistoryRule
from mlcore.columns import time_of
from mlcore.errors import DataError, shorten
from mlcore.ids import IdMap, check_asked, refuse_text
from mlcore.recommend.request import EncodedHistory
from mlcore.weighting import NO_TIME

__all__ = ["Event", "encode_events", "events_of"]

Event: TypeAlias = tuple[str, float, int | None]  # item id, weight, microseconds since 1970 UTC

_KEYS = ("item_id", "weight", "timestamp")
_RULE = "expected an item id, (item id, weight), (item id, weight, time) or a dict with item_id"


def events_of(history: Mapping[str, float] | Iterable[Any]) -> list[Event]:
    """Return the events of a history from Python.

    Args:
        history: weights by item id; or items, (item, weight), (item, weight, time), or dictionaries
            with ``item_id`` and, if there, ``weight`` and ``timestamp``. Times as for ``time_of``.

    Raises:
        DataError: an entry is none of these, or a time breaks its rule.

    >>> events_of(["tea", ("milk", 2, 60)])
    [('tea', 1.0, None), ('milk', 2, 60000000)]
    """
    refuse_text("history", history, 'frame.to_dict("records"), or to_dicts(), makes events of rows')
    if isinstance(history, Mapping):
        return [(item_id, weight, None) for item_id, weight in history.items()]
    return [_event(place, entry) for place, entry in enumerate(history)]


def _event(place: int, entry: Any) -> Event:
    if isinstance(entry, str):
        return entry, 1.0, None
    if isinstance(entry, Mapping):
        strange = [key for key in entry if key not in _KEYS]
        if strange or "item_id" not in entry:
            got = f"the key {shorten(strange[0])}" if strange else "no item_id"
            raise DataError(f"history[{place}]: expected some of {', '.join(_KEYS)}, got {got}")
        entry = (entry["item_id"], entry.get("weight", 1.0), entry.get("timestamp"))
    elif not isinstance(entry, (tuple, list)):
        entry = (check_asked(f"history[{place}]: item_id", entry),)
    if len(entry) not in (2, 3):
        raise DataError(f"history[{place}]: {_RULE}, got {shorten(entry)}")
    item_id, weight, time = (*entry, None)[:3]
    name = f"history[{place}]: timestamp"
    return item_id, weight, None if time is None else time_of(name, time)


def encode_events(
    histories: Sequence[Iterable[Event | tuple[str, float]]],
    names: Sequence[str],
    items: IdMap,
    rule: HistoryRule,
    now: int | None = None,
) -> tuple[list[EncodedHistory], list[int]]:
    """Return positions and weights of each history, and its number of items unknown to the model.

    Args:
        names: of the users, for messages; empty for no name.
        now: in microseconds; None for the reference time of the model.

    Raises:
        DataError: a weight is not finite and above 0, before or after weighting, or a time is after
            ``now``.
    """
    rows: list[int] = []
    positions: list[int] = []
    weights: list[float] = []
    times: list[int] = []
    unknown: list[int] = []
    for row, events in enumerate(histories):
        missing = set()
        # All weights come before the first position: a faulty request before a faulty map of the items.
        checked = [
            (check_asked("history: item_id", item_id), _weight(item_id, weight), rest)
            for item_id, weight, *rest in events
        ]
        for item_id, value, rest in checked:
            position = items.position(item_id)
            if position is None:
                missing.add(item_id)
                continue
            rows.append(row)
            positions.append(position)
            weights.append(value)
            time = rest[0] if rest else None
            times.append(NO_TIME if time is None else time)
        unknown.append(len(missing))
    matrix = rule.apply(
        np.array(rows, np.int32),
        np.array(positions, np.int32),
        np.array(weights, np.float64),
        np.array(times, np.int64),
        list(names),
        items,
        now,
    )
    return [matrix.row(row) for row in range(matrix.num_rows)], unknown


def _weight(item_id: str, weight: Any) -> float:
    if type(weight) is float and 0 < weight < np.inf:
        return weight
    if isinstance(weight, (numbers.Real, Decimal)) and not isinstance(weight, bool):
        try:
            value = float(weight)
        except OverflowError:
            value = np.inf
        if 0 < value < np.inf:
            return value
    raise DataError(
        f"history: item {shorten(item_id)}: weight: expected a finite number above 0, "
        f"got {shorten(weight)}"
    )
