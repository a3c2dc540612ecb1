"""The catalogue that a model carries: the value of each item in each column, and when items are there."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mlcore.artifact.idmap import format_id_map
from mlcore.artifact.manifest import ATTRIBUTE_FILES, ITEM_ATTRIBUTES
from mlcore.artifact.reader import ModelFiles
from mlcore.artifact.writer import ModelWriter
from mlcore.errors import CsrError, DataError, DataWarning, shorten
from mlcore.files.catalogue import NO_TIME, NO_VALUE, Catalogue, read_catalogue
from mlcore.files.inputs import display_name
from mlcore.files.options import InputOptions, PathLike
from mlcore.ids import IdMap
from mlcore.references import count_unknown, none_known
from mlcore.times import MAX_SECONDS, MIN_SECONDS
from mlcore.types import BoolArray, Int32Array, Int64Array

__all__ = ["Attributes", "Availability", "read_attributes"]

_COLUMNS, _VALUES, _CODES, _TIMES = ATTRIBUTE_FILES


class Availability(NamedTuple):
    """From when, and until when, each item is there: (I,) int64 microseconds, or ``NO_TIME``."""

    begins: Int64Array
    ends: Int64Array

    def at(self, moment: int) -> BoolArray:
        """Return which items are there: begins <= moment < ends.

        Raises:
            CsrError: a time is not of the years 1 to 9999.

        >>> Availability(np.array([5, 6]), np.array([NO_TIME, NO_TIME])).at(5).tolist()
        [True, False]
        """
        self.check(_TIMES)
        there: BoolArray = (self.ends == NO_TIME) | (self.ends > moment)
        there &= self.begins <= moment
        return there

    def check(self, place: str) -> None:
        """Check all times.

        Raises:
            CsrError: one is not of the years 1 to 9999.
        """
        for name, times in (("from", self.begins), ("until", self.ends)):
            inside = (times >= MIN_SECONDS * 10**6) & (times < (MAX_SECONDS + 1) * 10**6)
            rule = "microseconds of the years 1 to 9999, or none"
            _expect(inside | (times == NO_TIME), times, f"{place}: {name}.npy", rule)


@dataclass(frozen=True)
class Attributes:
    """What a model knows of its I items.

    Attributes:
        columns: the names of the C columns.
        values: the V values of all columns.
        codes: (C * I,) int32, column by column: position of each item's value, or ``NO_VALUE``.
        availability: None if the catalogue has no such times.
    """

    columns: IdMap
    values: IdMap
    codes: Int32Array
    availability: Availability | None = None

    @classmethod
    def encode(cls, catalogue: Catalogue, items: IdMap) -> Attributes:
        """Return what a catalogue says of some items; its other items are passed over.

        >>> table = Catalogue(["b", "z"], {"brand": [1, 0]}, ["acme", "zeta"])
        >>> Attributes.encode(table, IdMap.from_ids(["a", "b"])).codes.tolist()
        [-1, 0]
        """
        found = [items.position(item_id) for item_id in catalogue.item_ids]
        rows = np.flatnonzero([position is not None for position in found])  # (R,)
        positions = np.array([found[row] for row in rows.tolist()], np.int64)  # (R,)
        names = sorted(catalogue.columns)
        codes = np.full((len(names), len(items)), NO_VALUE, np.int32)  # (C, I)
        for column, name in zip(codes, names):
            column[positions] = np.array(catalogue.columns[name], np.int32)[rows]
        used = sorted(
            np.unique(codes[codes != NO_VALUE]).tolist(), key=catalogue.values.__getitem__
        )
        rank = np.full(len(catalogue.values) + 1, NO_VALUE, np.int32)  # the last: of NO_VALUE, -1
        rank[used] = np.arange(len(used), dtype=np.int32)

        def bounds(times: list[int] | None) -> Int64Array:
            result = np.full(len(items), NO_TIME, np.int64)
            if times is not None:
                result[positions] = np.array(times, np.int64)[rows]
            return result

        times = catalogue.begins, catalogue.ends
        return cls(
            IdMap.from_ids(names),
            IdMap.from_ids(catalogue.values[code] for code in used),
            rank[codes].ravel(),
            None if times == (None, None) else Availability(*map(bounds, times)),
        )

    @classmethod
    def expect(cls, value: object, num_items: int) -> Attributes:
        """Return those that Python was called with.

        Raises:
            DataError: it is something else, or of another number of items.
        """
        hint = "attributes_of(interactions, path) of mlcore.train reads those of a table"
        if not isinstance(value, Attributes):
            raise DataError(f"attributes: expected Attributes, got {shorten(value)}", hint)
        sizes = [len(times) for times in value.availability or ()]
        sizes += [len(value.codes) // len(value.columns)] if len(value.columns) else []
        if any(size != num_items for size in sizes):
            got = f"those of {sizes[0]}"
            raise DataError(f"attributes: expected those of {num_items} items, got {got}", hint)
        return value

    def num_bytes(self) -> int:
        """Return the bytes of the arrays."""
        return sum(array.nbytes for array in (self.codes, *(self.availability or ())))

    def column(self, position: int) -> Int32Array:
        """Return the code of each item in a column, (I,) int32, checked.

        Raises:
            CsrError: a code is of no value.
        """
        num_items = len(self.codes) // len(self.columns)
        codes = self.codes[position * num_items : (position + 1) * num_items]
        self._check_codes(codes, _CODES)
        return codes

    def texts(self, name: str) -> list[str | None] | None:
        """Return the value of each item in a column, (I,), None for none; None without the column.

        Raises:
            CsrError: a code is of no value.
        """
        position = self.columns.position(name)
        if position is None:
            return None
        values = [*self.values.ids, None]  # the last: of no value, code -1
        return [values[code] for code in self.column(position).tolist()]

    def sha256(self) -> str:
        """Return a digest of all that is known of the items, as the files have it."""
        digest = hashlib.sha256()
        for ids in (self.columns, self.values):
            digest.update(format_id_map(ids.ids))
        for array in (self.codes, *(self.availability or ())):
            digest.update(np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()

    def _check_codes(self, codes: Int32Array, place: str) -> None:
        fine = (codes >= NO_VALUE) & (codes < len(self.values))
        _expect(fine, codes, f"{place}: codes.npy", f"{NO_VALUE} to {len(self.values) - 1}")

    def load_ids(self) -> None:
        """Read the names of the columns and the values.

        Raises:
            IdMapError: a column or a value is malformed.
        """
        self.columns.load()
        self.values.load()

    def verify(self, files: ModelFiles) -> None:
        """Check all ids and all values.

        Raises:
            IdMapError: a column or a value is malformed.
            CsrError: a code or a time is out of range.
        """
        self.load_ids()
        self._check_codes(self.codes, files.place(_CODES))
        if self.availability is not None:
            self.availability.check(files.place(_TIMES))

    def describe(self) -> dict[str, Any]:
        """Return for each column how many values it has, and how many items with one; as JSON.

        >>> table = Catalogue(["a", "b"], {"brand": [0, 0]}, ["acme"])
        >>> Attributes.encode(table, IdMap.from_ids(["a", "b"])).describe()["columns"]
        {'brand': {'values': 1, 'items': 2}}
        """
        columns = {}
        for position, name in enumerate(self.columns.ids):
            codes = self.column(position)
            known = codes[codes != NO_VALUE]
            columns[name] = {"values": len(np.unique(known)), "items": len(known)}
        if self.availability is None:
            return {"columns": columns}
        counts = [int((times != NO_TIME).sum()) for times in self.availability]
        return {"columns": columns, "availability": dict(zip(("from", "until"), counts))}

    @classmethod
    def read(cls, files: ModelFiles) -> Attributes | None:
        """Return those of an opened directory, or None if it has none."""
        if ITEM_ATTRIBUTES not in files.manifest.features:
            return None
        counts, availability = files.manifest.counts, None
        if _TIMES in files.manifest.files:
            availability = Availability(*files.arrays(_TIMES).values())
        return cls(
            files.ids(_COLUMNS, counts.attribute_columns or 0),
            files.ids(_VALUES, counts.attribute_values or 0),
            files.arrays(_CODES)["codes"],
            availability,
        )

    def write(self, writer: ModelWriter) -> None:
        """Write the files."""
        writer.write_bytes(_COLUMNS, format_id_map(self.columns.ids))
        writer.write_bytes(_VALUES, format_id_map(self.values.ids))
        writer.write_arrays(_CODES, {"codes": self.codes})
        if self.availability is not None:
            writer.write_arrays(_TIMES, dict(zip(("from", "until"), self.availability)))


def read_attributes(
    path: PathLike, items: IdMap, input_options: InputOptions = InputOptions()
) -> Attributes:
    """Return what a file, as for ``read_catalogue``, says of some items.

    Warns of items of the file that are none of them.

    Raises:
        DataError: the file is faulty, or has none of the items.
    """
    catalogue, place = read_catalogue(path, input_options), display_name(path)
    fault = none_known(place, "item_id", catalogue.item_ids, items.ids, "the model")
    if fault is not None:
        raise fault
    if unknown := count_unknown(catalogue.item_ids, items.ids):
        message = (
            f"{place}: item_id: {unknown} of {len(catalogue.item_ids)} items are not in the model, "
            "and are passed over"
        )
        warnings.warn(message, DataWarning, stacklevel=2)
    return Attributes.encode(catalogue, items)


def _expect(fine: BoolArray, values: npt.NDArray[Any], place: str, rule: str) -> None:
    wrong = np.flatnonzero(~fine)
    if len(wrong):
        raise CsrError(f"{place}: element {wrong[0]}: expected {rule}, got {values[wrong[0]]}")
