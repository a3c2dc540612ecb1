"""Queries as files: one SQL text with a header that says what it reads, writes and is told.

The header is the comment at the top of the file::

    -- cap: the newest rows of each user.
    --
    -- What else there is to say.
    --
    -- reads: interactions(user_id STRING, weight FLOAT64 = 1, timestamp INT64 NULL)
    -- writes: capped(user_id STRING, timestamp INT64 NULL)
    -- order: user_id, timestamp
    -- param: limit INT64 >= 1 = 100: how many of each user

Types are those of BigQuery: STRING, INT64, FLOAT64, BOOL; FRACTION is a parameter above 0 and below 1
that the query sees as 8 hexadecimal digits, to compare with those of an MD5. ``NULL`` says that values
may be missing, ``= 1`` what a table without the column stands for, ``{a|b}`` which values there are.
``order`` is the order in which rows go into files; ``repeat: until stable`` allows a query to be run on
its own result until the number of rows no longer changes. The text below is sent to the engine as it is:
one query, which reads no other tables than those of the header.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, TypeAlias, cast

from mlcore.errors import DataError, from_os_error, shorten

__all__ = [
    "Column",
    "Parameter",
    "Query",
    "SqlType",
    "Value",
    "own_query",
    "parse_query",
    "read_query",
]

_FOLDER = Path(__file__).parents[1] / "sql"

SqlType: TypeAlias = Literal["STRING", "INT64", "FLOAT64", "BOOL"]
Value: TypeAlias = str | int | float | bool

_MAX_INT64 = 2**63 - 1
# What is neither a name nor a sign: comments, texts.
_QUOTED = re.compile(r"--[^\n]*|'(?:[^']|'')*'")
_EXTRACT = re.compile(r"\bEXTRACT\s*\(\s*\w+\s+FROM\b", re.IGNORECASE)
_SOURCE = re.compile(r"\b(?:FROM|JOIN)\s+(?!\()([^\s,;()]+\(?)", re.IGNORECASE)
_NAMED = re.compile(r"\b(\w+)\s+AS\s*\(", re.IGNORECASE)
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_NAME = r"[a-z][a-z0-9_]*"
_COLUMN = re.compile(rf"({_NAME}) (STRING|INT64|FLOAT64|BOOL)( NULL)?(?: = ([0-9.]+))?")
_TABLE = re.compile(rf"({_NAME})\((.*)\)")
_PARAMETER = re.compile(
    rf"({_NAME}) (STRING|INT64|FLOAT64|BOOL|FRACTION)(?: \{{([a-z0-9_|]+)\}})?"
    r"(?: >= ([0-9]+))?(?: = ([^ :]+))?: (.+)"
)
_RULES = {
    "STRING": "a text",
    "INT64": "an integer",
    "FLOAT64": "a finite number",
    "BOOL": "true or false",
    "FRACTION": "a number above 0 and below 1",
}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: lower case.
        type: of its values.
        nullable: whether values may be missing; a file may then lack the column.
        default: what a file without the column stands for, or None if it must have it.
    """

    name: str
    type: SqlType
    nullable: bool = False
    default: float | None = None


@dataclass(frozen=True)
class Parameter:
    """What a query is told.

    Attributes:
        name: written ``@name`` in the text.
        type: of the values the engine gets.
        is_fraction: whether it is given as a number from 0 to 1 and sent as hexadecimal digits.
        choices: the values there are, or none if any.
        minimum: the least value, or None.
        default: as text, or None if it must be given.
        help: what it does.
    """

    name: str
    type: SqlType
    help: str
    is_fraction: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    default: str | None = None

    def convert(self, given: Value, place: str) -> Value:
        """Return a value as the engine gets it.

        Args:
            given: the value, or a text that stands for it.
            place: the query, for messages.

        Raises:
            DataError: it breaks the rule.

        >>> Parameter("part", "STRING", "", is_fraction=True).convert("0.2", "")
        '33333333'
        """
        try:
            value = self._from_text(given if isinstance(given, str) else str(given).lower())
        except ValueError:
            value = None
        if value is None or (self.choices and value not in self.choices):
            got = shorten(given if isinstance(given, str) else str(given))
            raise DataError(f"{place}: {self.name}: expected {self.rule()}, got {got}")
        return value

    def _from_text(self, text: str) -> Value | None:
        if self.is_fraction:
            share = int(_number(text) * 2**32)
            return f"{share:08x}" if 0 < share < 2**32 else None
        if self.type == "STRING":
            return text
        if self.type == "BOOL":
            return {"true": True, "false": False}.get(text)
        number = _integer(text) if self.type == "INT64" else _number(text)
        fine = abs(number) <= _MAX_INT64 if self.type == "INT64" else math.isfinite(number)
        return number if fine and (self.minimum is None or number >= self.minimum) else None

    def rule(self) -> str:
        """Return what it may be, in words."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        least = "" if self.minimum is None else f" >= {self.minimum:g}"
        return _RULES["FRACTION" if self.is_fraction else self.type] + least


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError
    return int(text)


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError
    return float(text)


@dataclass(frozen=True)
class Query:
    """One query, as its file has it.

    Attributes:
        name: of the file, without its ending.
        path: of the file, as it was given.
        text: the whole file, which the engine gets.
        sha256: of the bytes of the file.
        summary: the first sentence of the header.
        reads: the columns of each table.
        table: what the result is called.
        writes: the columns of the result.
        order: names of the columns whose values order the rows in files; none for a single row.
        parameters: by name.
        is_repeatable: whether it may be run on its own result until that is stable.
    """

    name: str
    path: Path
    text: str
    sha256: str
    summary: str
    reads: Mapping[str, tuple[Column, ...]]
    table: str
    writes: tuple[Column, ...]
    order: tuple[str, ...]
    parameters: Mapping[str, Parameter]
    is_repeatable: bool = False

    def values(self, given: Mapping[str, Value]) -> dict[str, Value]:
        """Return the value of every parameter: as given, or its default.

        Args:
            given: by name; texts are converted.

        Raises:
            DataError: an unknown name, a missing value, or one that breaks its rule.
        """
        place = str(self.path)
        unknown = [name for name in given if name not in self.parameters]
        if unknown:
            known = ", ".join(self.parameters) or "none"
            raise DataError(f"{place}: param: expected some of {known}, got {shorten(unknown[0])}")
        values: dict[str, Value] = {}
        for name, parameter in self.parameters.items():
            value = given.get(name, parameter.default)
            if value is None:
                raise DataError(f"{place}: {name}: expected {parameter.rule()}, got no value")
            values[name] = parameter.convert(value, place)
        return values

    def recorded(self, given: Mapping[str, Value]) -> dict[str, Value]:
        """Return the values as they can be given again: a fraction as a number.

        Args:
            given: as for ``values``.

        Raises:
            DataError: as ``values``.
        """
        values = self.values(given)
        for name, parameter in self.parameters.items():
            if parameter.is_fraction:
                values[name] = float(given.get(name, parameter.default or 0))
        return values

    def coded(self) -> Query:
        """Return the query over positions instead of ids: the same text, columns of other types.

        The order of positions is that of the ids, so the rows are the same.
        """
        reads = {table: _coded(columns) for table, columns in self.reads.items()}
        return replace(self, reads=reads, writes=_coded(self.writes))


def _coded(columns: Sequence[Column]) -> tuple[Column, ...]:
    return tuple(
        replace(column, type="INT64") if column.name.endswith("_id") else column
        for column in columns
    )


def parse_query(path: Path, data: bytes) -> Query:
    r"""Return the query of a file.

    Args:
        path: of the file; its name is that of the query.
        data: its bytes.

    Raises:
        DataError: the header does not say what it must.

    >>> parse_query(Path("one.sql"), b"-- one: 1.\n-- writes: one(n INT64)\nSELECT 1 AS n\n").writes
    (Column(name='n', type='INT64', nullable=False, default=None),)
    """
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise DataError(f"{path}: expected UTF-8, got other bytes") from None
    lines = _header(text)
    if not lines or not lines[0].startswith(f"{path.stem}: "):
        got = shorten(lines[0]) if lines else "none"
        raise DataError(f"{path}:1: expected a comment '-- {path.stem}: ...', got {got}")
    keys = ("reads", "writes", "order", "param", "repeat")
    parts: dict[str, list[tuple[int, str]]] = {key: [] for key in keys}
    for number, line in enumerate(lines, 1):
        key, colon, rest = line.partition(": ")
        if colon and key in parts:
            parts[key].append((number, rest.strip()))
    reads = dict(_table(path, *part) for part in parts["reads"])
    if len(parts["writes"]) != 1:
        raise DataError(f"{path}: writes: expected one line, got {len(parts['writes'])}")
    table, writes = _table(path, *parts["writes"][0])
    parameters = [_parameter(path, *part) for part in parts["param"]]
    order = tuple(name for _, rest in parts["order"] for name in rest.split(", "))
    strange = [name for name in order if name not in {column.name for column in writes}]
    if strange:
        raise DataError(f"{path}: order: expected columns it writes, got {shorten(strange[0])}")
    _check_text(path, text, reads, [parameter.name for parameter in parameters])
    return Query(
        path.stem,
        path,
        text,
        hashlib.sha256(data).hexdigest(),
        lines[0].partition(": ")[2],
        reads,
        table,
        writes,
        order,
        {parameter.name: parameter for parameter in parameters},
        [rest for _, rest in parts["repeat"]] == ["until stable"],
    )


def _check_text(
    path: Path, text: str, reads: Mapping[str, object], parameters: Sequence[str]
) -> None:
    """Refuse a text that says more or less than the header."""

    def emptied(quoted: re.Match[str]) -> str:
        is_comment = quoted[0].startswith("--")
        return "" if is_comment else "'@'" if "@" in quoted[0] else "''"

    body = _QUOTED.sub(emptied, text)
    if "'@'" in body:
        raise DataError(f"{path}: expected no @ within a text, as it begins a parameter, got one")
    if ";" in body:
        raise DataError(f"{path}: expected one query, got a ';'", "none is needed at the end")
    found = re.findall(rf"@({_NAME})?", body)
    for name in found:
        if name not in parameters:
            got = f"@{name}" if name else "an @ without a name"
            raise DataError(
                f"{path}: param: expected parameters of the header, got {got}",
                f"the comment at the top needs a line such as: -- param: {name or 'k'} INT64: how many",
            )
    for name in parameters:
        if name not in found or parameters.count(name) > 1:
            times = "nowhere" if name not in found else "twice in the header"
            raise DataError(f"{path}: param: expected @{name} in the text, got it {times}")
    known = {*reads, *_NAMED.findall(body)}
    for source in _SOURCE.findall(_EXTRACT.sub("", body)):
        if source not in known and source.lower() != "unnest(":
            raise DataError(
                f"{path}: reads: expected tables of the header after FROM and JOIN, "
                f"got {shorten(source)}",
                "what a query reads stands in its header, or the lineage would not know of it",
            )


def _header(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line[2:].strip())
    return lines


def _table(path: Path, number: int, text: str) -> tuple[str, tuple[Column, ...]]:
    found = _TABLE.fullmatch(text)
    columns = [_COLUMN.fullmatch(part) for part in found[2].split(", ")] if found else [None]
    if found is None or None in columns:
        raise DataError(
            f"{path}:{number}: expected a table such as model(item_id STRING, n INT64 NULL), "
            f"got {shorten(text)}"
        )
    return found[1], tuple(
        Column(
            column[1],
            cast(SqlType, column[2]),
            column[3] is not None,
            None if column[4] is None else float(column[4]),
        )
        for column in columns
        if column is not None
    )


def _parameter(path: Path, number: int, text: str) -> Parameter:
    found = _PARAMETER.fullmatch(text)
    if found is None:
        raise DataError(
            f"{path}:{number}: param: expected one such as 'k INT64 >= 1 = 50: how many', "
            f"got {shorten(text)}"
        )
    name, type_, choices, minimum, default, help_ = found.groups()
    return Parameter(
        name,
        "STRING" if type_ == "FRACTION" else cast(SqlType, type_),
        help_,
        type_ == "FRACTION",
        tuple(choices.split("|")) if choices else (),
        None if minimum is None else float(minimum),
        default,
    )


def read_query(path: str | os.PathLike[str]) -> Query:
    """Return the query of a file.

    Args:
        path: of the file, ``.sql``.

    Raises:
        DataError: it cannot be read, or the header does not say what it must.

    >>> read_query(own_query("deduplicate").path).name
    'deduplicate'
    """
    try:
        return parse_query(Path(path), Path(path).read_bytes())
    except OSError as error:
        raise from_os_error(error, path, "a readable file") from error


def own_query(name: str) -> Query:
    """Return one of the queries that come with mlcore.

    Args:
        name: of the file in ``sql``, without its ending.

    >>> own_query("train").table
    'neighbors'
    """
    return read_query(_FOLDER / f"{name}.sql")
