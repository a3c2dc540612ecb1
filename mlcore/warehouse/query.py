"""Queries as files: one SQL text, whose header names what it reads and writes, and its parameters.

The header is the comment at the top of the file::

    -- cap: the newest rows of each user.
    --
    -- More about it.
    --
    -- reads: interactions(user_id STRING, weight FLOAT64 = 1, timestamp INT64 NULL)
    -- writes: capped(user_id STRING, timestamp INT64 NULL)
    -- order: user_id, timestamp
    -- param: limit INT64 >= 1 = 100: how many of each user

Types are those of BigQuery: STRING, INT64, FLOAT64, BOOL; FRACTION is a parameter above 0 and below 1
that the query sees as 8 hexadecimal digits, to compare with those of an MD5. ``NULL``: values may be
missing. ``= 1``: the default of a parameter, or of a column that a table lacks. ``{a|b}``: the values
allowed. ``order``: the order of rows in files. ``repeat: until stable``: the query may be run on its own
result until the number of rows no longer changes. The engine gets the text as it is: one query, which
reads no other tables than those of the header, as the parser of the engine sees it before the query runs.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

from mlcore.errors import DataError, from_os_error, shorten
from mlcore.lineage import BUNDLED_QUERIES
from mlcore.parameters import nearest
from mlcore.warehouse.check import check_text
from mlcore.warehouse.header import Column, Parameter, SqlType, Value, parse_parameter, parse_table

__all__ = [
    "Column",
    "Parameter",
    "Query",
    "SqlType",
    "Value",
    "bundled_queries",
    "bundled_query",
    "find_query",
    "parse_query",
    "read_query",
]

# A parser that calls itself for every parenthesis would end the process at some megabytes of them.
_MOST_BYTES = 2**17


@dataclass(frozen=True)
class Query:
    """A query and its header.

    Attributes:
        name: of the file, without its ending.
        path: of the file, as it was given.
        text: the whole file, which the engine gets.
        sha256: of the bytes of the file.
        summary: the first sentence of the header.
        reads: the columns of each table.
        table: the name of the result.
        writes: the columns of the result.
        order: names of the columns that order the rows in files; none for a single row.
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

    @property
    def place(self) -> str:
        """What messages call it: the path, without the folder of a bundled query."""
        return self.path.name if self.path.parent == BUNDLED_QUERIES else str(self.path)

    def values(self, given: Mapping[str, Value]) -> dict[str, Value]:
        """Return the value of every parameter: as given, or its default.

        Args:
            given: by name; texts are converted.

        Raises:
            DataError: an unknown name, a missing value, or one that breaks its rule.
        """
        place = self.place
        unknown = [name for name in given if name not in self.parameters]
        if unknown:
            known = ", ".join(self.parameters) or "none"
            raise DataError(
                f"{place}: param: expected some of {known}, got {shorten(unknown[0])}",
                nearest(unknown[0], self.parameters),
            )
        values: dict[str, Value] = {}
        for name, parameter in self.parameters.items():
            value = given.get(name, parameter.default)
            if value is None:
                raise DataError(
                    f"{place}: {name}: expected {parameter.rule().expected}, got no value",
                    f"--param {name}=VALUE gives one",
                )
            values[name] = parameter.convert(value, place)
        return values

    def recorded(self, given: Mapping[str, Value]) -> dict[str, Value]:
        """Return the values as they can be given again: a fraction as a number.

        Raises:
            DataError: as ``values``.
        """
        values = self.values(given)
        for name, parameter in self.parameters.items():
            if parameter.is_fraction:
                values[name] = float(given.get(name, parameter.default or 0))
        return values

    def with_integer_ids(self) -> Query:
        """Return the same text over ids that are INT64: positions, which sort as the ids do."""
        reads = {table: _with_integer_ids(columns) for table, columns in self.reads.items()}
        return replace(self, reads=reads, writes=_with_integer_ids(self.writes))


def _with_integer_ids(columns: Sequence[Column]) -> tuple[Column, ...]:
    return tuple(
        replace(column, type="INT64") if column.name.endswith("_id") else column
        for column in columns
    )


def parse_query(path: Path, data: bytes) -> Query:
    r"""Return the query of a file.

    Args:
        path: its name is that of the query.
        data: the bytes of the file.

    Raises:
        DataError: the file is too long, the header is incomplete, or as ``check_text``.

    >>> parse_query(Path("one.sql"), b"-- one: 1.\n-- writes: one(n INT64)\nSELECT 1 AS n\n").writes
    (Column(name='n', type='INT64', nullable=False, default=None),)
    """
    if len(data) > _MOST_BYTES:
        raise DataError(f"{path}: expected a query of at most {_MOST_BYTES} bytes, got more")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise DataError(f"{path}: expected UTF-8, got other bytes") from None
    lines = _header(text)
    if not lines or not lines[0].startswith(f"{path.stem}: "):
        got = shorten(lines[0]) if lines else "none"
        raise DataError(
            f"{path}:1: expected a comment '-- {path.stem}: ...', got {got}",
            _header_hint(path.stem),
        )
    keys = ("reads", "writes", "order", "param", "repeat")
    parts: dict[str, list[tuple[int, str]]] = {key: [] for key in keys}
    for number, line in enumerate(lines, 1):
        key, colon, rest = line.partition(": ")
        if colon and key in parts:
            parts[key].append((number, rest.strip()))
    reads = dict(parse_table(path, *part) for part in parts["reads"])
    if len(parts["writes"]) != 1:
        raise DataError(
            f"{path}: writes: expected one line, got {len(parts['writes'])}",
            _header_hint(path.stem),
        )
    table, writes = parse_table(path, *parts["writes"][0])
    parameters = [parse_parameter(path, *part) for part in parts["param"]]
    order = tuple(name for _, rest in parts["order"] for name in rest.split(", "))
    written = {column.name for column in writes}
    strange = [name for name in order if name not in written]
    if strange:
        raise DataError(f"{path}: order: expected columns it writes, got {shorten(strange[0])}")
    check_text(path, text, [parameter.name for parameter in parameters])
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


def _header_hint(name: str) -> str:
    return (
        f"a query begins with lines such as '-- {name}: what it does', "
        "'-- reads: events(user_id STRING, weight FLOAT64)', '-- writes: rows(user_id STRING)'"
    )


def _header(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line[2:].strip())
    return lines


def read_query(path: str | os.PathLike[str]) -> Query:
    """Return the query of a file.

    Raises:
        DataError: it cannot be read, or as ``parse_query``.

    >>> read_query(BUNDLED_QUERIES / "deduplicate.sql").name
    'deduplicate'
    """
    try:
        with open(path, "rb") as file:
            return parse_query(Path(path), file.read(_MOST_BYTES + 1))
    except OSError as error:
        fault = from_os_error(error, path, "a readable file")
        name = Path(path).stem
        if isinstance(error, FileNotFoundError) and (BUNDLED_QUERIES / f"{name}.sql").is_file():
            fault.hint = f"{name}, without folder and .sql, is the query that comes with mlcore"
        raise fault from error


def bundled_query(name: str) -> Query:
    """Return a query that comes with mlcore, by name.

    Raises:
        DataError: there is none of this name.

    >>> bundled_query("train").table
    'neighbors'
    """
    path = BUNDLED_QUERIES / f"{name}.sql"
    known = sorted(one.stem for one in BUNDLED_QUERIES.glob("*.sql"))
    if name not in known:
        alike = get_close_matches(name, known, n=1)
        raise DataError(
            f"query: expected the name of a bundled query, or a path with a slash or .sql, "
            f"got {shorten(name)}",
            f"is {alike[0]} meant? --list shows all" if alike else "--list shows the bundled ones",
        )
    return read_query(path)


def bundled_queries() -> list[Query]:
    """Return the queries that come with mlcore, by name.

    >>> [query.name for query in bundled_queries()][:2]
    ['cap_history', 'coverage']
    """
    return [read_query(path) for path in sorted(BUNDLED_QUERIES.glob("*.sql"))]


def find_query(query: str | os.PathLike[str]) -> Query:
    """Return a query by its path, or by the name of a bundled one.

    Args:
        query: a text without a slash that does not end in ``.sql`` is a name, even if a file has it.

    Raises:
        DataError: as ``read_query`` or ``bundled_query``.

    >>> find_query("train").place, find_query(BUNDLED_QUERIES / "train.sql").place
    ('train.sql', 'train.sql')
    """
    text = os.fspath(query)
    is_path = (
        isinstance(query, os.PathLike) or text.endswith(".sql") or os.path.basename(text) != text
    )
    return read_query(query) if is_path else bundled_query(text)
