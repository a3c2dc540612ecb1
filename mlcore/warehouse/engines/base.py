"""What every engine can do: take tables, run a query, give its rows."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import ClassVar, TypeVar

from mlcore.errors import DataError
from mlcore.warehouse.rows import Rows
from mlcore.progress import Progress, no_progress
from mlcore.warehouse.query import Column, Query, Value

__all__ = ["Engine", "Result", "Rows", "check_columns", "rewrite_placeholders"]

E = TypeVar("E", bound="Engine")

_PARAMETER = re.compile(r"@([a-z][a-z0-9_]*)")


@dataclass(frozen=True)
class Result:
    """What a query gave.

    Attributes:
        columns: as the query's header has them.
        parts: yields the rows, in the order of the header, while the engine is open; once.
        statistics: what the engine says of the job, for the lineage: numbers and texts, no paths,
            no names of people.
    """

    columns: Sequence[Column]
    parts: Iterator[Rows]
    statistics: Mapping[str, Value] = field(default_factory=dict)


class Engine(ABC):
    """A place where queries run. A context manager; tables last as long as it is open.

    Every table a query reads is given by one of ``load``, ``attach`` and ``attach_parquet`` before
    ``run``. The same name given again replaces the table.
    """

    name: ClassVar[str]

    def __enter__(self: E) -> E:
        return self

    @abstractmethod
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    @property
    @abstractmethod
    def version(self) -> str:
        """Of the engine."""

    @abstractmethod
    def load(self, table: str, columns: Sequence[Column], parts: Iterable[Rows]) -> None:
        """Make a table of rows.

        Args:
            table: its name in queries.
            columns: all of them, in order.
            parts: rows, of which there may be many.
        """

    @abstractmethod
    def attach(self, table: str, columns: Sequence[Column], stored: str) -> None:
        """Make a table readable that the engine has.

        Args:
            table: its name in queries.
            columns: those a query reads. Missing ones get their default, or NULL if they may.
            stored: what the engine calls it, as ``dataset.table``.

        Raises:
            DataError: there is no such table, or a column is missing or of another type.
        """

    @abstractmethod
    def attach_parquet(self, table: str, columns: Sequence[Column], path: str) -> None:
        """Make a Parquet file readable as a table.

        Args:
            table: its name in queries.
            columns: as for ``attach``.
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

    @abstractmethod
    def run(
        self,
        query: Query,
        values: Mapping[str, Value],
        *,
        ordered: bool = True,
        progress: Progress = no_progress,
    ) -> Result:
        """Run a query and give its rows.

        Args:
            query: whose tables are there.
            values: of all its parameters.
            ordered: whether the rows come in the order of the header.
            progress: told how far it is, where the engine says.

        Raises:
            DataError: the engine refuses the query, or its columns are not those of the header.
        """

    def keep(
        self,
        query: Query,
        values: Mapping[str, Value],
        table: str,
        progress: Progress = no_progress,
    ) -> int:
        """Run a query and make its result a table for queries; return how many rows it has.

        Here the rows go through this process; an engine that has a better way overrides it.

        Args:
            query: as for ``run``.
            values: as for ``run``.
            table: its name in queries, perhaps of one that the query reads.
            progress: as for ``run``.

        Raises:
            DataError: as ``run``.
        """
        result = self.run(query, values, ordered=False, progress=progress)
        count = 0

        def counted() -> Iterator[Rows]:
            nonlocal count
            for part in result.parts:
                count += len(part[query.writes[0].name])
                yield part

        self.load(table, query.writes, counted())
        return count

    @abstractmethod
    def store(
        self,
        query: Query,
        values: Mapping[str, Value],
        stored: str,
        progress: Progress = no_progress,
    ) -> tuple[int, Mapping[str, Value]]:
        """Run a query into a table of the engine; one that stands there is replaced.

        Args:
            query: as for ``run``.
            values: as for ``run``.
            stored: what the engine is to call it.
            progress: as for ``run``.

        Returns:
            How many rows it has, and the statistics of the job.

        Raises:
            DataError: as ``run``, or the engine stores nothing.
        """

    @abstractmethod
    def estimate(self, query: Query, values: Mapping[str, Value]) -> str:
        """Return what a run would take, in words, without running it; the query is checked.

        Args:
            query: as for ``run``.
            values: as for ``run``.

        Raises:
            DataError: as ``run``.
        """


def rewrite_placeholders(text: str, sigil: str) -> str:
    """Return a query whose parameters are written another way.

    Args:
        text: with ``@name``.
        sigil: what the engine writes before the name.

    >>> rewrite_placeholders("SELECT @k", "$")
    'SELECT $k'
    """
    return _PARAMETER.sub(lambda found: sigil + found[1], text)


def check_columns(query: Query, found: Sequence[tuple[str, str | None]]) -> None:
    """Refuse a result whose columns are not those of the header.

    Args:
        query: with the header.
        found: name and type of each column as the engine sees them; None for a type that BigQuery
            does not have.

    Raises:
        DataError: they differ.

    >>> from pathlib import Path
    >>> from mlcore.warehouse.query import parse_query
    >>> query = parse_query(Path("q.sql"), b"-- q: 1.\\n-- writes: t(n INT64)\\nSELECT 1 AS n\\n")
    >>> check_columns(query, [("n", "INT64")])
    """
    expected = [(column.name, column.type) for column in query.writes]
    if list(found) != expected:
        shown = ", ".join(f"{name} {type_ or 'of another type'}" for name, type_ in found)
        raise DataError(
            f"{query.path}: writes: expected the columns of the header "
            f"({', '.join(f'{name} {type_}' for name, type_ in expected)}), got {shown}"
        )
