"""Events (raw rows) and interactions (one weight for each user and item).

Positions follow the order of the ids, and sums run over sorted values, so the order of the input
rows changes no bit of any result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from mlcore.aggregate import AGGREGATES, Aggregate
from mlcore.columns import Encoded, Ids, encode_ids, times_of, weights_of
from mlcore.errors import ConfigError, DataError, shorten
from mlcore.frames import FrameNames, read_frame
from mlcore.ids import refuse_text
from mlcore.notebook import SHOWN_ROWS, html_table
from mlcore.numeric.csr import cut_matrix
from mlcore.numeric.pairs import are_stored, combine_pairs, sort_pairs, spans, take
from mlcore.numeric.ranges import offsets
from mlcore.parameters import time_rule
from mlcore.sequences import Sequences
from mlcore.times import TimeUnit, format_rfc_3339
from mlcore.types import BoolArray, CsrMatrix, Float64Array, Int32Array, Int64Array

__all__ = ["Events", "Interactions", "combine_rows", "no_timestamps", "sort_codes"]


@dataclass(frozen=True, repr=False)
class Events:
    """Rows of (user, item, weight, time); a user and an item may share several.

    Attributes:
        user_ids: ascending.
        item_ids: ascending.
        users: (E,) int32 positions into ``user_ids``.
        items: (E,) int32 positions into ``item_ids``.
        weights: (E,) float64, finite and above 0.
        timestamps: (E,) int64 microseconds since 1970 UTC, or None.
    """

    user_ids: Sequence[str]
    item_ids: Sequence[str]
    users: Int32Array
    items: Int32Array
    weights: Float64Array
    timestamps: Int64Array | None = None

    def __repr__(self) -> str:
        return f"Events({len(self.users)} of {len(self.user_ids)} users and {len(self.item_ids)} items)"

    @classmethod
    def of(cls, rows: Events | Interactions | Any) -> Events:
        """Return events as they are, interactions as one event each, or the rows of a data frame.

        Raises:
            DataError: as ``Interactions.from_frame``, with the names of columns by default.
        """
        if isinstance(rows, Events):
            return rows
        if isinstance(rows, Interactions):
            matrix = rows.user_items
            users = matrix.row_of_entry().astype(np.int32)
            return cls(
                rows.user_ids, rows.item_ids, users, matrix.indices, matrix.data, rows.timestamps
            )
        return _events_of(*read_frame(rows, FrameNames(), time_rule(None, "s"), None))

    def aggregate(self, how: Aggregate = "sum", *, keep_events: bool = False) -> Interactions:
        """Combine the rows of each user and item into one interaction, with their latest timestamp.

        Args:
            how: the weight: ``sum``, ``max``, ``last`` (of the newest row; of several newest, the
                greatest) or ``count`` (of rows).
            keep_events: keep these events behind the interactions, if several become one.

        Raises:
            ConfigError: there is no such way.
            DataError: ``last`` without timestamps, or a sum that overflows float64.

        >>> events = Events(["u"], ["a"], *np.zeros((2, 3), np.int32), np.array([1.0, 2.0, 4.0]))
        >>> events.aggregate("sum").user_items.data.tolist()
        [7.0]
        """
        user_counts, items, weights, times = combine_rows(self, how)
        has_repeats = len(items) < len(self.users)
        combined = Interactions.from_rows(
            self.user_ids,
            self.item_ids,
            user_counts,
            items,
            weights,
            times,
            self if keep_events else None,
            has_repeats,
        )
        return replace(combined, combined_by=how if how == "count" or has_repeats else None)

    def within(self, user_items: CsrMatrix) -> Events:
        """Return the events of the pairs that a matrix stores.

        Args:
            user_items: (U, I).
        """
        return self._take(np.flatnonzero(are_stored(self.users, self.items, user_items)))

    def in_order(self) -> Events:
        """Return the events by user, then time, item and weight, whatever their rows."""
        times = np.zeros(len(self.users)) if self.timestamps is None else self.timestamps
        return self._take(np.lexsort((self.weights, self.items, times, self.users)))

    def _take(self, rows: Int64Array) -> Events:
        return Events(
            self.user_ids,
            self.item_ids,
            self.users[rows],
            self.items[rows],
            self.weights[rows],
            None if self.timestamps is None else self.timestamps[rows],
        )


@dataclass(frozen=True, repr=False)
class Interactions:
    """One weight for each user and item, ordered by user, then item.

    Every user has an item, and every item a user, except those added by ``with_catalogue``.

    Attributes:
        user_ids: U ids, ascending.
        item_ids: I ids, ascending.
        user_items: (U, I) float64 weights, all finite and above 0.
        timestamps: (E,) int64 microseconds since 1970 UTC in the order of ``user_items``, or None.
        combined_by: how rows of one user and item became one, or None if nothing says so.
        events: the rows behind the interactions, if several became one and they are kept.
        has_repeats: whether several became one; if not, the interactions are all rows.
    """

    user_ids: Sequence[str]
    item_ids: Sequence[str]
    user_items: CsrMatrix
    timestamps: Int64Array | None = None
    combined_by: Aggregate | None = field(default=None, compare=False)
    events: Events | None = field(default=None, compare=False)
    has_repeats: bool = field(default=False, compare=False)

    @classmethod
    def from_columns(
        cls,
        user_ids: Iterable[Any],
        item_ids: Iterable[Any],
        weights: Iterable[Any] | None = None,
        timestamps: Iterable[Any] | None = None,
        *,
        timezone: str | None = None,
        timestamp_unit: TimeUnit = "s",
    ) -> Interactions:
        """Return the interactions of columns: lists, numpy arrays, pandas or polars columns.

        Args:
            user_ids: E strings.
            item_ids: E strings.
            weights: E finite numbers above 0, by default 1; those of one user and item add up.
            timestamps: E integers since 1970 UTC, datetimes or texts; the latest of a user and item
                stays.
            timezone: of times without a zone: ``UTC``, ``+09:00`` or ``Europe/Berlin``.
            timestamp_unit: of integers. Seconds are of the years 1 to 9999, other units of the years
                1971 to 2100, so that a wrong unit is found.

        Raises:
            ConfigError: there is no such zone or unit.
            DataError: columns of different length, no rows, or a value that breaks its rule; the
                message names column and row, counted from 0.

        >>> interactions = Interactions.from_columns(["u2", "u1", "u1"], ["b", "b", "a"])
        >>> interactions.user_ids, interactions.user_items.indices.tolist()
        (['u1', 'u2'], [0, 1, 1])
        """
        users, items = encode_ids("user_ids", user_ids), encode_ids("item_ids", item_ids)
        num_rows = len(users[0])
        weight_column = np.ones(num_rows) if weights is None else weights_of("weights", weights)
        rule = time_rule(timezone, timestamp_unit)
        time_column = None if timestamps is None else times_of("timestamps", timestamps, rule)
        lengths = {"item_ids": len(items[0]), "weights": len(weight_column)}
        if time_column is not None:
            lengths["timestamps"] = len(time_column)
        for name, length in lengths.items():
            if length != num_rows:
                raise DataError(f"{name}: expected {num_rows} rows, got {length}")
        if not num_rows:
            raise DataError("user_ids: expected at least one row, got none")
        events = _events_of(users, items, weight_column, time_column)
        return events.aggregate(keep_events=time_column is not None)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        user: str = "user_id",
        item: str = "item_id",
        weight: str | None = None,
        time: str | None = None,
        timezone: str | None = None,
        timestamp_unit: TimeUnit = "s",
        ids: Ids | None = None,
        aggregate: Aggregate = "sum",
    ) -> Interactions:
        """Return the interactions of a data frame, by the rules of a file.

        Args:
            frame: of pandas or polars, a ``pyarrow.Table`` or a DuckDB relation; anything else with
                an Arrow C stream is read by pyarrow.
            user: the column of users.
            item: the column of items.
            weight: the column of weights; None for ``weight``, if there is one, or 1.
            time: the column of times; None for ``timestamp``, if there is one.
            timezone: see ``from_columns``.
            timestamp_unit: see ``from_columns``.
            ids: ``as_text`` takes integers, categories and UUIDs by their text, 7 as ``"7"``.
            aggregate: see ``Events.aggregate``.

        Raises:
            ConfigError: an option has no such value.
            DataError: a column is missing, or a value breaks its rule; the message names column and
                row, counted from 0.
            MlcoreError: pyarrow is needed and not installed.
        """
        names = FrameNames(user, item, weight, time)
        events = _events_of(*read_frame(frame, names, time_rule(timezone, timestamp_unit), ids))
        return events.aggregate(aggregate, keep_events=events.timestamps is not None)

    @classmethod
    def of(
        cls,
        rows: Interactions | Events | Any,
        aggregate: Aggregate = "sum",
        *,
        keep_events: bool = False,
    ) -> Interactions:
        """Return interactions as they are, or those of events or of a data frame.

        Args:
            rows: a frame has the default names.
            keep_events: see ``Events.aggregate``.

        Raises:
            DataError: as ``from_frame``.
        """
        if isinstance(rows, Interactions):
            return rows
        return Events.of(rows).aggregate(aggregate, keep_events=keep_events)

    @classmethod
    def from_rows(
        cls,
        user_ids: Sequence[str],
        item_ids: Sequence[str],
        user_counts: Int64Array,
        items: Int32Array | Int64Array,
        weights: Float64Array,
        timestamps: Int64Array | None,
        events: Events | None = None,
        has_repeats: bool = False,
    ) -> Interactions:
        """Return interactions from distinct pairs in order of user, then item.

        Drops users and items without a pair.

        Args:
            user_ids: ascending.
            item_ids: ascending.
            user_counts: (U,) number of items of each user.
            items: (E,) positions into ``item_ids``, ascending for each user.
            timestamps: (E,) int64 microseconds, or None.
            events: the rows of these pairs; dropped if each has one.

        >>> one, counts = np.array([1]), np.array([0, 1])
        >>> Interactions.from_rows(["u", "v"], ["a", "b"], counts, one, one / 2, None).item_ids
        ['b']
        """
        user_used = user_counts > 0
        item_used = np.zeros(len(item_ids), bool)
        item_used[items] = True
        new_items = (np.cumsum(item_used) - 1).astype(np.int32)
        matrix = CsrMatrix(
            offsets(user_counts[user_used]),
            items.astype(np.int32, copy=False) if item_used.all() else take(new_items, items),
            weights.astype(np.float64, copy=False),
            int(item_used.sum()),
        )
        kept_users = [user_ids[index] for index in np.flatnonzero(user_used).tolist()]
        kept_items = [item_ids[index] for index in np.flatnonzero(item_used).tolist()]
        if events is not None:
            has_repeats = len(events.users) > len(items)
            new_users = (np.cumsum(user_used) - 1).astype(np.int32)
            columns = take(new_users, events.users), take(new_items, events.items), events.weights
            events = Events(kept_users, kept_items, *columns, events.timestamps)
        return cls(
            kept_users,
            kept_items,
            matrix,
            timestamps,
            events=events if has_repeats else None,
            has_repeats=has_repeats,
        )

    def combined_again(self, how: Aggregate) -> Interactions:
        """Return ``Events.of(self).aggregate(how)``, with the events behind these, if they are kept.

        Raises:
            DataError: as ``Events.aggregate``.
        """
        used = self.select(np.ones(len(self), bool))  # without the rest of a catalogue
        combined = Events.of(used).aggregate(how)
        return replace(
            combined,
            combined_by=combined.combined_by or used.combined_by,
            events=used.events,
            has_repeats=used.has_repeats,
        )

    def select(self, keep: BoolArray) -> Interactions:
        """Return the interactions that ``keep`` marks, without users and items left empty.

        Args:
            keep: (E,) in the order of ``user_items``.

        >>> both = Interactions.from_columns(["u", "v"], ["a", "b"])
        >>> both.select(np.array([False, True])).user_ids
        ['v']
        """
        kept = self.user_items.select(keep)
        selected = Interactions.from_rows(
            self.user_ids,
            self.item_ids,
            np.diff(kept.indptr),
            kept.indices,
            kept.data,
            None if self.timestamps is None else self.timestamps[keep],
            None if self.events is None else self.events.within(kept),
            self.has_repeats,
        )
        return replace(selected, combined_by=self.combined_by)

    def with_catalogue(self, item_ids: Iterable[str]) -> Interactions:
        """Return the same interactions with all items of a catalogue, also those without a user.

        Args:
            item_ids: the catalogue, in any order; need not contain the items of the interactions.

        Raises:
            DataError: an id breaks its rule.

        >>> Interactions.from_columns(["u"], ["b"]).with_catalogue(["a", "b"]).item_ids
        ['a', 'b']
        """
        refuse_text("catalogue", item_ids)
        _, index = encode_ids("catalogue", item_ids)
        all_ids = sorted(index.keys() | set(self.item_ids))
        positions = {item_id: position for position, item_id in enumerate(all_ids)}
        new = np.array([positions[item_id] for item_id in self.item_ids], np.int32)  # (I,)
        old = self.user_items
        matrix = CsrMatrix(old.indptr, take(new, old.indices), old.data, len(all_ids))
        events = self.events
        if events is not None:
            events = replace(events, item_ids=all_ids, items=take(new, events.items))
        return replace(self, item_ids=all_ids, user_items=matrix, events=events)

    @cached_property
    def sequences(self) -> Sequences:
        """The events of each user by time; those of equal times by item id, whatever their rows.

        Raises:
            DataError: there are no timestamps, or rows of one user and item became one and only
                their latest time is known.

        >>> Interactions.from_columns("uuu", "aba", timestamps=[1, 2, 3]).sequences.items.tolist()
        [0, 1, 0]
        """
        if self.timestamps is None:
            raise no_timestamps("put events in order by", "take another similarity")
        matrix, events = self.user_items, self.events
        if events is not None and events.timestamps is not None:
            return Sequences.of(events.users, events.items, events.timestamps, matrix.num_rows)
        if self.has_repeats:
            raise DataError(
                "interactions: expected all events of each user in order, got rows of one user and "
                "item combined into one",
                "train on events, a data frame or a file, or say keep_events=True where rows are "
                "combined: Events.aggregate, PreprocessConfig, SplitConfig",
            )
        users = matrix.row_of_entry()
        return Sequences.of(users, matrix.indices, self.timestamps, matrix.num_rows)

    def spans(self) -> Iterator[tuple[Interactions, slice]]:
        """Yield the interactions of some users after the other, with their entries; events are left out."""
        for part, users, entries in cut_matrix(self.user_items):
            times = None if self.timestamps is None else self.timestamps[entries]
            yield Interactions(self.user_ids[users], self.item_ids, part, times), entries

    def __len__(self) -> int:
        return self.user_items.num_entries

    def __repr__(self) -> str:
        times = "" if self.timestamps is None else ", with times"
        return (
            f"Interactions({len(self)} of {len(self.user_ids)} users and "
            f"{len(self.item_ids)} items{times})"
        )

    def _repr_html_(self) -> str:
        entries = np.arange(min(SHOWN_ROWS, len(self)))
        users = np.searchsorted(self.user_items.indptr, entries, side="right") - 1
        first = slice(0, SHOWN_ROWS)
        items, weights = self.user_items.indices[first], self.user_items.data[first]
        rows: list[dict[str, object]] = [
            {"user_id": self.user_ids[user], "item_id": self.item_ids[item], "weight": weight}
            for user, item, weight in zip(users, items, weights.tolist())
        ]
        if self.timestamps is not None:
            for row, time in zip(rows, self.timestamps[first].tolist()):
                row["timestamp"] = format_rfc_3339(time)
        return html_table(repr(self), rows, len(self))

    def place_of(self, entry: int) -> str:
        """Return user, unless its id is empty, and item of a stored entry, for messages.

        >>> Interactions.from_columns(["u"], ["a"]).place_of(0)
        "user 'u', item 'a'"
        """
        user = int(np.searchsorted(self.user_items.indptr, entry, side="right")) - 1
        of_user = f"user {self.user_ids[user]!r}, " if self.user_ids[user] else ""
        return f"{of_user}item {self.item_ids[self.user_items.indices[entry]]!r}"

    def sha256(self, *, with_order: bool = False) -> str:
        """Return the digest of the canonical form, independent of row order and file format.

        Hashes, little-endian: U, I and E as int64; each user id, then each item id, as uint32
        length and UTF-8 bytes; row offsets (int64), item positions (int32) and weights (float64);
        and the timestamps (int64 microseconds), if any.

        Args:
            with_order: if several events became one, hash their ``sequences``, too: offsets
                (int64), item positions (int32) and times (int64 microseconds).
        """
        digest = hashlib.sha256(
            np.array([len(self.user_ids), len(self.item_ids), len(self)], "<i8").tobytes()
        )
        for ids in (self.user_ids, self.item_ids):
            encoded = (id_.encode() for id_ in ids)
            digest.update(b"".join(len(id_).to_bytes(4, "little") + id_ for id_ in encoded))
        _digest(digest, self.user_items.indptr, "<i8")
        _digest(digest, self.user_items.indices, "<i4")
        _digest(digest, self.user_items.data, "<f8")
        if self.timestamps is not None:
            _digest(digest, self.timestamps, "<i8")
        if with_order and self.has_repeats:
            _digest(digest, self.sequences.indptr, "<i8")
            _digest(digest, self.sequences.items, "<i4")
            _digest(digest, self.sequences.times, "<i8")
        return digest.hexdigest()


def combine_rows(
    events: Events, how: Aggregate
) -> tuple[Int64Array, Int32Array, Float64Array, Int64Array | None]:
    """Return the pairs of some rows in order: how many each user has, their items, weights and times.

    Raises:
        ConfigError, DataError: as ``Events.aggregate``.
    """
    if how not in AGGREGATES:
        raise ConfigError(f"aggregate: expected one of {', '.join(AGGREGATES)}, got {how!r}")
    if how == "last" and events.timestamps is None:
        raise no_timestamps("find the last row by", "take another aggregate: sum, max or count")
    num_items = len(events.item_ids)
    shape = len(events.user_ids), num_items
    keys, weights, times = combine_pairs(
        how, *sort_pairs(events.users, events.items, shape, events.weights, events.timestamps)
    )
    if not np.isfinite(weights).all():
        pair = int(np.flatnonzero(np.isinf(weights))[0])
        user, item = divmod(int(keys[pair]), num_items)
        raise DataError(
            f"weight: user {shorten(events.user_ids[user])}, item {shorten(events.item_ids[item])}: "
            "expected a finite sum, got Infinity"
        )
    first_keys = np.arange(len(events.user_ids) + 1) * num_items
    user_counts = np.diff(np.searchsorted(keys, first_keys))
    items = np.empty(len(keys), np.int32)
    for span in spans(len(keys)):
        users = keys[span] // num_items
        items[span] = keys[span] - users * num_items  # the remainder, several times faster
    return user_counts, items, weights, times


def _digest(digest: Any, values: Any, dtype: str) -> None:
    digest.update(np.ascontiguousarray(values, dtype))  # no copy of what has the type already


def _events_of(
    users: Encoded, items: Encoded, weights: Float64Array, times: Int64Array | None
) -> Events:
    user_ids, user_codes = sort_codes(users[1], users[0])
    item_ids, item_codes = sort_codes(items[1], items[0])
    return Events(user_ids, item_ids, user_codes, item_codes, weights, times)


def no_timestamps(purpose: str, otherwise: str) -> DataError:
    """Return the error of a step that needs timestamps where there are none.

    Args:
        purpose: what for, after "to".
        otherwise: what to do without them.

    >>> no_timestamps("split by", "take --strategy random").hint
    '--timestamp-column names one; without timestamps take --strategy random'
    """
    return DataError(
        f"timestamp: expected a column to {purpose}, got none",
        f"--timestamp-column names one; without timestamps {otherwise}",
    )


def sort_codes(index: Mapping[str, int], codes: Int32Array) -> tuple[list[str], Int32Array]:
    """Return ids in ascending order, and codes renumbered to match.

    Args:
        index: code of each id, 0, 1, 2 ... in order of insertion.
        codes: (E,) int32.

    >>> sort_codes({"b": 0, "a": 1}, np.array([0, 1, 1], np.int32))
    (['a', 'b'], array([1, 0, 0], dtype=int32))
    """
    ids = sorted(index)
    new_codes = np.empty(len(ids), np.int32)
    old = np.fromiter((index[id_] for id_ in ids), np.int64, len(ids))
    new_codes[old] = np.arange(len(ids), dtype=np.int32)
    return ids, new_codes[codes]
