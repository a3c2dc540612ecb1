"""The interface of engines: take tables, run a query, give its rows."""

from __future__ import annotations

import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple, TypeAlias, TypeVar

from mlcore.errors import DataError, DataWarning, MlcoreError, shorten
from mlcore.files.values import NO_DECIMALS, NO_ZONE
from mlcore.progress import Progress, no_progress
from mlcore.warehouse.query import Column, Query, SqlType, Value
from mlcore.warehouse.rows import Rows, num_rows

__all__ = [
    "BoundQuery",
    "Engine",
    "Kind",
    "Result",
    "Rows",
    "check_columns",
    "check_kind",
    "default_of",
    "has_ranks",
    "refusal_of",
    "rewrite_placeholders",
    "rules_of",
]

# What a stored column holds, whatever the engine calls its type. A moment is a time with a zone; a
# partition is a value in the name of a folder, a text of any type.
Kind: TypeAlias = Literal[
    "text", "integer", "number", "boolean", "moment", "local time", "partition"
]

E = TypeVar("E", bound="Engine")

_FITTING: dict[SqlType, tuple[Kind, ...]] = {
    "STRING": ("text", "partition"),
    "INT64": ("integer", "partition"),
    "FLOAT64": ("number", "integer", "partition"),
    "BOOL": ("boolean", "partition"),
}
_NO_NUMBERS = (
    "ids are strings, as 007 and 7 would be one number: make a view with CAST(column AS STRING), or "
    "write the column as text"
)
_NO_TEXTS = "make a view that converts the column; in a file mlcore reads RFC 3339"
_PARAMETER = re.compile(r"@([a-z][a-z0-9_]*)")


@dataclass(frozen=True)
class Result:
    """The rows that a query gives.

    Attributes:
        columns: as in the header of the query.
        parts: yields the rows once, while the engine is open.
        statistics: what the engine says of the job, for the lineage: numbers and texts, no paths,
            no names of people.
    """

    columns: Sequence[Column]
    parts: Iterator[Rows]
    statistics: Mapping[str, Value] = field(default_factory=dict)


class BoundQuery(NamedTuple):
    """A query with the values of its parameters.

    Attributes:
        joined_rows: of the join that decides its work, if that is known; else 0.
    """

    query: Query
    values: Mapping[str, Value]
    progress: Progress = no_progress
    joined_rows: int = 0

    @property
    def place(self) -> str:
        """The file of the query, for messages."""
        return self.query.place


class Engine(ABC):
    """A place where queries run. A context manager; tables last as long as it is open.

    Give every table that a query reads by ``load``, ``attach``, ``attach_parquet`` or ``load_uri``
    before ``run``. The same name given again replaces the table.
    """

    name: ClassVar[str]
    # Whether a result becomes a table without a place that somebody must name, and for no money.
    materializes: ClassVar[bool] = False
    # What a joined row of sql/train.sql costs a core; by default as on Spark.
    seconds_per_joined_row: ClassVar[float] = 1e-5

    def __enter__(self: E) -> E:
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.close()
        except (MlcoreError, OSError) as trouble:  # what the block was to write is there, or is not
            warnings.warn(f"{self.name}: {trouble}", DataWarning, stacklevel=2)

    @abstractmethod
    def close(self) -> None:
        """End what is still running, and forget the tables."""

    @property
    @abstractmethod
    def version(self) -> str:
        """Of the engine."""

    @property
    def room(self) -> int | None:
        """Bytes of memory and of what it may spill to, or None if unknown."""
        return None

    @abstractmethod
    def load(self, table: str, columns: Sequence[Column], parts: Iterable[Rows]) -> None:
        """Make a table of rows.

        Args:
            table: its name in queries.
            columns: all of them, in order.
        """

    def attach(self, table: str, columns: Sequence[Column], stored: str) -> None:
        """Make a table readable that the engine has.

        Args:
            table: its name in queries.
            columns: those a query reads. Missing ones get their default, or NULL if they may.
            stored: what the engine calls it, as ``dataset.table``.

        Raises:
            DataError: there is no such table, or a column is missing or of another type.
        """
        raise DataError(
            f"{table}: expected a file .csv, .jsonl or .parquet, as {self.name} keeps no tables, "
            f"got {shorten(stored)}"
        )

    @abstractmethod
    def attach_parquet(self, table: str, columns: Sequence[Column], path: str) -> None:
        """Make a Parquet file readable as a table.

        Args:
            table: its name in queries.
            columns: see ``attach``.
            path: of the file, or of a folder or a pattern if the engine takes those.

        Raises:
            DataError: as ``attach``, or the file cannot be read.
        """

    def load_uri(self, table: str, columns: Sequence[Column], uri: str) -> None:
        """Make a table of a CSV or JSON Lines file that only the engine can read.

        Args:
            table: its name in queries.
            columns: all of them.
            uri: such as ``gs://bucket/events.jsonl``.

        Raises:
            DataError: the engine does not, or the file is faulty.
        """
        raise DataError(
            f"{table}: expected a file or a table, as {self.name} loads none, got {uri}"
        )

    def check(self, query: Query) -> None:
        """Refuse a text that is not one query over the tables of its header; run nothing.

        Raises:
            DataError: it reads, calls or does something else, by the engine's own parser.
        """
        foreign = self._find_foreign(query)
        if foreign is not None:
            raise refusal_of(query, foreign)

    def run(
        self,
        query: Query,
        values: Mapping[str, Value],
        *,
        ordered: bool = True,
        progress: Progress = no_progress,
        joined_rows: int = 0,
    ) -> Result:
        """Run a query and give its rows.

        Args:
            values: of all its parameters.
            ordered: whether the rows come in the order of the header.
            progress: called where the engine says how far it is.
            joined_rows: see ``BoundQuery``. Changes speed and memory only.

        Raises:
            DataError: the engine refuses the query, or its columns are not those of the header.
        """
        bound = self._bind(query, values, progress)._replace(joined_rows=joined_rows)
        return self._run(bound, query.order if ordered else ())

    def materialize(
        self,
        query: Query,
        values: Mapping[str, Value],
        table: str,
        progress: Progress = no_progress,
    ) -> int:
        """Run a query and make its result a table for queries; return the number of rows.

        Args:
            table: its name in queries, perhaps of one that the query reads.

        Raises:
            DataError: as ``run``.
        """
        return self._materialize(self._bind(query, values, progress), table)

    def store(
        self,
        query: Query,
        values: Mapping[str, Value],
        stored: str,
        progress: Progress = no_progress,
        *,
        append: bool = False,
        partition: str | None = None,
    ) -> tuple[int, Mapping[str, Value]]:
        """Run a query into a table of the engine, in place of one of that name.

        Args:
            stored: what the engine calls it.
            append: add the rows to those of the table.
            partition: the column by which a table that is made is partitioned, or None.

        Returns:
            The number of rows written, and the statistics of the job.

        Raises:
            DataError: as ``run``, or the engine stores nothing.
        """
        return self._store(self._bind(query, values, progress), stored, append, partition)

    def estimate(self, query: Query, values: Mapping[str, Value]) -> str:
        """Check a query without running it; return what a run would take, in words.

        Raises:
            DataError: as ``run``.
        """
        return self._estimate(self._bind(query, values))

    def _bind(
        self, query: Query, values: Mapping[str, Value], progress: Progress = no_progress
    ) -> BoundQuery:
        self.check(query)
        return BoundQuery(query, values, progress)

    def _find_foreign(self, query: Query) -> str | None:
        """Return what a text reaches for besides its tables, in words, or None; override it."""
        return None

    @abstractmethod
    def _run(self, bound: BoundQuery, order: Sequence[str]) -> Result: ...

    def _materialize(self, bound: BoundQuery, table: str) -> int:
        """Let the rows go through this process; override it with a better way."""
        parts = self._run(bound, ()).parts
        count = 0

        def counted() -> Iterator[Rows]:
            nonlocal count
            for part in parts:
                count += num_rows(part)
                yield part

        self.load(table, bound.query.writes, counted())
        return count

    def _store(
        self, bound: BoundQuery, stored: str, append: bool, partition: str | None
    ) -> tuple[int, Mapping[str, Value]]:
        raise DataError(
            f"{stored}: expected an output file .csv or .jsonl, as {self.name} keeps no tables, "
            "got a table"
        )

    @abstractmethod
    def _estimate(self, bound: BoundQuery) -> str: ...


def refusal_of(query: Query, foreign: str) -> DataError:
    """Return the error of a text that reads more than its tables.

    Args:
        foreign: what, in words.
    """
    return DataError(
        f"{query.place}: reads: expected tables of the header and nothing else, got {foreign}",
        "the header names what a query reads, for the lineage",
    )


def rewrite_placeholders(text: str, sigil: str) -> str:
    """Return a query whose parameters begin with ``sigil`` in place of ``@``.

    >>> rewrite_placeholders("SELECT @k", "$")
    'SELECT $k'
    """
    return _PARAMETER.sub(lambda found: sigil + found[1], text)


def has_ranks(columns: Sequence[Column], found: Iterable[str]) -> bool:
    """Return whether a stored table has ``rank``, as ``cli.predict`` writes it, for ``position``.

    >>> has_ranks([Column("position", "INT64")], ["user_id", "item_id", "rank"])
    True
    """
    names = set(found)
    is_asked = any(column.name == "position" for column in columns)
    return is_asked and "position" not in names and "rank" in names


def default_of(column: Column, found: Iterable[str], place: str) -> float | None:
    """Return the value of a column that a stored table lacks: its default, or None for NULL.

    Args:
        found: the columns of the table, by name.
        place: the table, for the message.

    Raises:
        DataError: the column has no default and must not be NULL.

    >>> default_of(Column("weight", "FLOAT64", default=1.0), ["user_id"], "shop.events")
    1.0
    """
    if column.default is None and not column.nullable:
        shown = ", ".join(map(shorten, list(found)[:10])) or "none"
        raise DataError(
            f"{place}: {column.name}: expected a column of this name, got {shown}",
            f"a view, or a query of your own, names it so: SELECT NAME AS {column.name}",
        )
    return column.default


def check_kind(column: Column, kind: Kind | None, shown: str, place: str) -> None:
    """Refuse a stored column that a query cannot read; the same ones on every engine.

    FLOAT64 takes integers and decimals, ``timestamp`` a moment: the second that it lies in.

    Args:
        kind: None for what no query reads.
        shown: the type as the engine calls it.
        place: the table, for the message.

    Raises:
        DataError: the kind does not fit.

    >>> check_kind(Column("timestamp", "INT64"), "moment", "TIMESTAMP", "shop.events")
    """
    is_time = column.name == "timestamp" and column.type == "INT64"
    if kind in _FITTING[column.type] or (is_time and kind == "moment"):
        return
    hints = {"local time": NO_ZONE, "number": NO_DECIMALS, "text": _NO_TEXTS} if is_time else {}
    if column.type == "STRING":
        hints = {"integer": _NO_NUMBERS}
    expected = "INT64 or a time with a zone" if is_time else column.type
    raise DataError(
        f"{place}: {column.name}: expected {expected}, got {shown}", hints.get(kind or "")
    )


def rules_of(column: Column, name: str, infinity: str) -> list[tuple[str, str]]:
    """Return what is wrong in a stored column, as SQL, and what is expected, in words.

    Args:
        name: of the column, quoted.
        infinity: as SQL.

    >>> rules_of(Column("n", "INT64"), "n", "inf")
    [('n IS NULL', 'values in all rows')]
    """
    rules = [] if column.nullable else [(f"{name} IS NULL", "values in all rows")]
    if column.name.endswith("_id") and column.type == "STRING" and not column.nullable:
        rules.append((f"CAST({name} AS STRING) = ''", "ids of at least one character"))
    if column.name == "weight" and column.type == "FLOAT64":
        rules.append((f"NOT ({name} > 0 AND {name} < {infinity})", "finite numbers above 0"))
    return rules


def check_columns(query: Query, found: Sequence[tuple[str, str | None]]) -> None:
    """Refuse a result whose columns are not those of the header.

    Args:
        found: name and type of each column as the engine sees them; None for a type that no header
            has.

    >>> from pathlib import Path
    >>> from mlcore.warehouse.query import parse_query
    >>> query = parse_query(Path("q.sql"), b"-- q: 1.\\n-- writes: t(n INT64)\\nSELECT 1 AS n\\n")
    >>> check_columns(query, [("n", "INT64")])
    """
    expected = [(column.name, column.type) for column in query.writes]
    if list(found) != expected:
        shown = ", ".join(f"{name} {type_ or 'of another type'}" for name, type_ in found)
        raise DataError(
            f"{query.place}: writes: expected the columns of the header "
            f"({', '.join(f'{name} {type_}' for name, type_ in expected)}), got {shown}"
        )
