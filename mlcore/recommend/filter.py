"""A filter on the catalogue of a model: which items may be listed, and at most how many of a kind."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from mlcore.artifact.attributes import Attributes, Availability
from mlcore.columns import time_of
from mlcore.errors import ConfigError, DataError, DataWarning, IdMapError, shorten, shorten_json
from mlcore.files.catalogue import NO_VALUE
from mlcore.files.inputs import display_name, read_text
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.tables import BadValue
from mlcore.files.values import timestamp_from_json
from mlcore.jsontext import JsonTextError, parse_json
from mlcore.parameters import check_keys, convert_value, integer
from mlcore.recommend.caps import Caps
from mlcore.references import hint_at_one
from mlcore.types import BoolArray

__all__ = ["FilterLike", "ItemFilter", "Lists", "filter_path", "note_filter", "read_filter"]

FilterLike: TypeAlias = "Mapping[str, Any] | ItemFilter | None"
Lists: TypeAlias = Mapping[str, tuple[str, ...]]

_NO_FILE = """a filter is a file, or JSON that begins with {: '{"any_of": {"brand": ["acme"]}}'"""
_QUOTES = "in single quotes, the shell leaves the double ones within as they are"
SHOWN_VALUES = 3
SHOWN_COLUMNS = 10
_KEYS = ("any_of", "none_of", "available_at", "at_most")
_BY_COLUMN = ("any_of", "none_of", "at_most")
_NO_ATTRIBUTES = "--attributes FILE keeps the catalogue when training, or brings it when predicting"


@dataclass(frozen=True)
class ItemFilter:
    """Conditions, all of which an item must meet; columns are those of the model.

    Attributes:
        any_of: of each column, the item has one of these values.
        none_of: of each column, the item has none of these values.
        available_at: the item is there at this moment, in microseconds since 1970 UTC.
        at_most: of each column, the list holds at most so many items with the same value.
    """

    any_of: Lists = field(default_factory=dict)
    none_of: Lists = field(default_factory=dict)
    available_at: int | None = None
    at_most: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def parse(
        cls, value: Any, place: str = "filter", moment: Callable[[str, Any], int] = time_of
    ) -> ItemFilter:
        """Return the filter of a mapping, as JSON has it; None is an empty one.

        Args:
            place: for messages.
            moment: converts ``available_at``, given its name and value.

        Raises:
            ConfigError: a key is unknown, or a value is of another type.
            DataError: the moment is none.

        >>> ItemFilter.parse({"none_of": {"brand": ["acme"]}}).none_of
        {'brand': ('acme',)}
        """
        if value is None or isinstance(value, ItemFilter):
            return value or cls()
        value = _mapping(value, place)
        check_keys(value, _KEYS, place)
        return cls(
            _lists(value.get("any_of", {}), f"{place}: any_of"),
            _lists(value.get("none_of", {}), f"{place}: none_of"),
            (
                moment(f"{place}: available_at", value["available_at"])
                if "available_at" in value
                else None
            ),
            _limits(value.get("at_most", {}), f"{place}: at_most"),
        )

    def check(self, attributes: Attributes | None) -> None:
        """Refuse what the catalogue of a model does not have.

        Raises:
            DataError: the model has no such column, or no times.
        """
        try:
            for name in _BY_COLUMN:
                for column in getattr(self, name):
                    _find_column(attributes, column, name)
        except IdMapError:
            pass  # whoever looks at the items of a column finds this, too
        if self.available_at is not None:
            _availability(attributes)

    def admitted(self, attributes: Attributes | None) -> BoolArray | None:
        """Return which items meet the conditions, (I,), or None for all.

        Raises:
            DataError: the model has no such column, or no times.
            CsrError: a code or a time of the model is out of range.
        """
        met = [
            _has_any(attributes, column, values, name) == (name == "any_of")
            for name in ("any_of", "none_of")
            for column, values in getattr(self, name).items()
        ]
        if self.available_at is not None:
            met.append(_availability(attributes).at(self.available_at))
        return np.logical_and.reduce(met) if met else None

    def caps(self, attributes: Attributes | None) -> Caps | None:
        """Return the limits of ``at_most``, or None if there are none.

        Raises:
            DataError: the model has no such column.
            CsrError: a code of the model is out of range.
        """
        found = [_find_column(attributes, column, "at_most") for column in self.at_most]
        if not found:
            return None
        return Caps([known.column(place) for known, place in found], [*self.at_most.values()])

    def unknown_values(self, attributes: Attributes | None) -> list[str]:
        """Return the values that no item has in their column, each as column and value.

        Raises:
            DataError: the model has no such column.
            CsrError: a code of the model is out of range.
        """
        unknown: list[str] = []
        for name in ("any_of", "none_of"):
            for column, values in getattr(self, name).items():
                known, place = _find_column(attributes, column, name)
                used = {*np.unique(known.column(place)).tolist()} - {NO_VALUE}
                unknown += [
                    f"{column}: {shorten(value)}"
                    for value in values
                    if known.values.position(value) not in used
                ]
        return unknown


def filter_path(given: Mapping[str, Any] | PathLike | None) -> PathLike | None:
    """Return the file that a filter is in; None for one that is there as text or as a mapping.

    >>> filter_path('{"none_of": {}}') is None, filter_path("filter.json")
    (True, 'filter.json')
    """
    if given is None or isinstance(given, Mapping):
        return None
    text = os.fspath(given).lstrip()
    return None if not text or text.startswith("{") else given


def read_filter(
    given: Mapping[str, Any] | PathLike | None, input_options: InputOptions = InputOptions()
) -> ItemFilter:
    """Return the filter of a mapping, of a JSON object as text, or of a file of it.

    Args:
        input_options: how a moment is read: as text, or as a number in the unit of timestamps.

    Raises:
        ConfigError: it is not JSON, a key is unknown, or a value is of another type.
        DataError: the file cannot be read.

    >>> read_filter('{"at_most": {"brand": 2}}').at_most
    {'brand': 2}
    """
    path, place = filter_path(given), "filter"
    if path is not None:
        place = display_name(path)
        try:
            given = read_text(path)
        except DataError as error:
            raise DataError(f"filter: {error}", error.hint or _NO_FILE) from None
    if isinstance(given, str):
        lost_quotes = path is None and '"' not in given
        try:
            given = parse_json(given)
        except JsonTextError as error:
            message = f"{place}: expected a JSON object, got {error}"
            raise ConfigError(message, _QUOTES if lost_quotes else None) from None

    def moment(name: str, value: Any) -> int:
        try:
            return timestamp_from_json(value, input_options.time_rule())
        except BadValue as fault:
            hint = "leave available_at out for no moment" if value in (None, "") else fault.hint
            raise ConfigError(f"{name}: {fault}", hint) from None

    return ItemFilter.parse({} if given is None else given, place, moment)


def note_filter(wanted: ItemFilter, attributes: Attributes | None) -> None:
    """Warn of values that no item has, and of a filter that admits nothing.

    Raises:
        DataError: as ``ItemFilter.admitted``.
    """
    admitted = wanted.admitted(attributes)
    wanted.caps(attributes)  # a fault of its columns comes before any note
    unknown = wanted.unknown_values(attributes)
    notes = [f"no item has {', '.join(unknown[:SHOWN_VALUES])}"] if unknown else []
    if len(unknown) > SHOWN_VALUES:
        notes = [f"{notes[0]} and {len(unknown) - SHOWN_VALUES} other values"]
    if admitted is not None and not admitted.any():
        notes.append("it admits no item, so all lists are empty")
    for note in notes:
        warnings.warn(f"filter: {note}", DataWarning, stacklevel=2)


def _has_any(
    attributes: Attributes | None, column: str, values: Iterable[str], name: str
) -> BoolArray:
    """Return which items have one of some values in a column, (I,)."""
    known, place = _find_column(attributes, column, name)
    wanted = np.zeros(len(known.values) + 1, bool)  # the last: of no value, code -1
    for value in values:
        position = known.values.position(value)
        if position is not None:
            wanted[position] = True
    return wanted[known.column(place)]


def _availability(attributes: Attributes | None) -> Availability:
    if attributes is None or attributes.availability is None:
        raise DataError(
            "filter: available_at: expected a model with available_from or available_until "
            "of its items, got one without",
            _NO_ATTRIBUTES,
        )
    return attributes.availability


def _find_column(attributes: Attributes | None, column: str, name: str) -> tuple[Attributes, int]:
    if attributes is None:
        raise DataError(
            f"filter: {name}: expected a model with attributes, got one without", _NO_ATTRIBUTES
        )
    place = attributes.columns.position(column)
    if place is None:
        names = attributes.columns.ids
        shown = [shorten(known) for known in names[:SHOWN_COLUMNS]] or ["none"]
        shown += ["..."] * (len(names) > SHOWN_COLUMNS)
        raise DataError(
            f"filter: {name}: expected a column of the model, {', '.join(shown)}, "
            f"got {shorten(column)}",
            hint_at_one(column, names, "the columns"),
        )
    return attributes, place


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ConfigError(f"{place}: expected an object, got {shorten_json(value)}")
    for key in value:
        if not isinstance(key, str):
            raise ConfigError(f"{place}: expected keys that are strings, got {shorten_json(key)}")
    return dict(sorted(value.items()))  # so that messages are the same in every order, as Go's


def _limits(value: Any, place: str) -> Mapping[str, int]:
    return {
        column: convert_value(integer(minimum=1), most, f"{place}: {column}", shorten_json)
        for column, most in _mapping(value, place).items()
    }


def _lists(value: Any, place: str) -> Lists:
    return {
        column: tuple(_texts(texts, f"{place}: {column}"))
        for column, texts in _mapping(value, place).items()
    }


def _texts(value: Any, place: str) -> Iterable[str]:
    is_list = isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))
    if not is_list or hasattr(type(value), "columns"):  # a frame has the names of its columns
        hint = f'["{value}"] is a list of one' if isinstance(value, str) else None
        raise ConfigError(f"{place}: expected a list of strings, got {shorten_json(value)}", hint)
    for index, text in enumerate(value):
        if not isinstance(text, str):
            hint = f'values are texts: "{text}"' if type(text) in (int, float) else None
            raise ConfigError(
                f"{place}[{index}]: expected a string, got {shorten_json(text)}", hint
            )
        yield text
