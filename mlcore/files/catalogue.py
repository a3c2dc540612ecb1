"""The catalogue: of each item a value in each column, and when it is there, as a file has them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mlcore.errors import DataError, DataWarning, shorten, shorten_json
from mlcore.files.columns import column_names, read_columns
from mlcore.files.inputs import display_name
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.tables import BadValue, ColumnReader
from mlcore.files.values import IdEncoder, id_column, parse_timestamp, timestamp_from_json
from mlcore.ids import id_fault
from mlcore.times import TimeRule

__all__ = ["NO_TIME", "NO_VALUE", "Catalogue", "read_catalogue"]

NO_VALUE = -1  # of an item in a column
NO_TIME = -(2**63)  # of an item that is there from ever, or for ever
AVAILABLE_FROM, AVAILABLE_UNTIL = "available_from", "available_until"

_NO_TEXT = "cut such texts, or leave the column out of the file"
_NO_NUMBER = "write the column as text, so that nobody invents its digits"
_EMPTY = "leave the field empty, or null, where there is none"


@dataclass(frozen=True)
class Catalogue:
    """A table of R items.

    Attributes:
        item_ids: (R,) each once.
        columns: by name, (R,) places in ``values``, or ``NO_VALUE``.
        values: the distinct ones of all columns.
        begins: (R,) microseconds since 1970 UTC, or ``NO_TIME``; None if the table has none.
        ends: likewise.
    """

    item_ids: Sequence[str]
    columns: dict[str, list[int]]
    values: Sequence[str]
    begins: list[int] | None = None
    ends: list[int] | None = None


def read_catalogue(path: PathLike, input_options: InputOptions = InputOptions()) -> Catalogue:
    """Return the catalogue of a file: its column of items, and all others.

    ``available_from`` and ``available_until`` are times, all others texts; integers, true and false
    are the texts that JSON has for them. An empty text and null are no value.

    Args:
        path: as for ``read_columns``, but no stream, since its columns are looked for first.

    Raises:
        DataError: the first fault of the file, with its line and column; or an item comes twice.
    """
    place = display_name(path)
    is_stream = os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path))
    if is_stream or os.fspath(path) == "-":
        raise DataError(
            f"{place}: expected a file that can be read twice, got a stream",
            "cat > FILE keeps what a stream gives",
        )
    ids, values = IdEncoder(), IdEncoder()
    item = id_column(input_options.columns.item, "item", ids)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # said when the columns are read
        names = column_names(path, item, input_options)
    rule = input_options.time_rule()
    others = [
        (
            _time_column(name, rule)
            if name in (AVAILABLE_FROM, AVAILABLE_UNTIL)
            else _value_column(place, name, values)
        )
        for name in dict.fromkeys(names)
        if name != item.name
    ]
    if not others and item.name in names:
        raise DataError(f"{place}: expected columns besides {item.name}, got none")
    codes: list[int] = []
    found: dict[str, list[int]] = {column.name: [] for column in others}
    for chunk in read_columns(path, [item, *others], input_options):
        codes += chunk[0] or []
        for column, part in zip(others, chunk[1:]):
            found[column.name] += part or []
    item_ids = list(ids)
    _expect_once(place, item.name, codes, item_ids)
    begins, ends = found.pop(AVAILABLE_FROM, None), found.pop(AVAILABLE_UNTIL, None)
    return Catalogue(item_ids, found, list(values), begins, ends)


def _expect_once(place: str, name: str, codes: Sequence[int], item_ids: Sequence[str]) -> None:
    # Items are numbered as they come: the first row whose number is not its own has one again.
    for row, code in enumerate(codes):
        if code != row:
            raise DataError(
                f"{place}: {name}: expected each item once, got {shorten(item_ids[code])} again",
                "keep one row of each item: a value for each column",
            )


def _value_column(place: str, name: str, values: IdEncoder) -> ColumnReader:
    fault = id_fault(name)
    if fault is not None:
        raise DataError(f"{place}: name of a column: {fault}", "give it a name, or leave it out")
    encode = partial(_encode, values)
    return ColumnReader(name, encode, _from_json(encode), False, NO_VALUE, kind="value")


def _encode(values: IdEncoder, text: str) -> int:
    if not text:
        return NO_VALUE
    try:
        return values[text]
    except BadValue as fault:
        raise BadValue(str(fault), _NO_TEXT) from None


def _from_json(encode: Callable[[str], int]) -> Callable[[Any], int]:
    def convert(value: Any) -> int:
        if value is None:
            return NO_VALUE
        if isinstance(value, bool):
            return encode("true" if value else "false")
        if isinstance(value, int):
            return encode(str(value))
        if isinstance(value, str):
            return encode(value)
        hint = _NO_NUMBER if isinstance(value, float) else "a column has one value for each item"
        raise BadValue(
            f"expected a string, an integer, true, false or null, got {shorten_json(value)}", hint
        )

    return convert


def _time_column(name: str, rule: TimeRule) -> ColumnReader:
    def from_json(value: Any) -> int:
        if value is None or value == "":
            return NO_TIME
        try:
            return timestamp_from_json(value, rule)
        except BadValue as fault:
            is_empty = isinstance(value, str) and value.lower() in ("null", "none", "nan", "na")
            raise BadValue(str(fault), _EMPTY if is_empty else fault.hint) from None

    return ColumnReader(name, from_json, from_json, False, NO_TIME, kind="time")
