"""DuckDB, of the extra ``[local]``: a database in memory that a signal can stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar

import numpy.typing as npt

from mlcore.errors import MlcoreError
from mlcore.memory.available import available_bytes
from mlcore.numeric.threads import resolve_threads

__all__ = ["Database", "has_duckdb", "import_duckdb"]

T = TypeVar("T")

_LEAST_MEMORY = 2**28
_SECONDS_TO_NOTICE = 0.1


def import_duckdb() -> Any:
    """Return the package.

    Raises:
        MlcoreError: it is not installed.

    >>> int(import_duckdb().__version__.split(".")[0]) >= 1
    True
    """
    try:
        import duckdb
    except ImportError:
        raise MlcoreError(
            "duckdb: expected the extra [local] to be installed, got no such package",
            'pip install ".[local]" in the folder of mlcore, or pip install duckdb',
        ) from None
    return duckdb


def has_duckdb() -> bool:
    """Return whether DuckDB is installed.

    >>> has_duckdb()
    True
    """
    try:
        import_duckdb()
    except MlcoreError:
        return False
    return True


class Database:
    """A database in memory, which loads no extensions, and writes no files unless told where.

    Queries run in a thread of their own, since DuckDB in the main thread looks for a signal only
    now and then. However the ``with`` ends, no query goes on behind its back and fills the memory.

    Args:
        threads: how many; None for one a core.
        memory_limit: bytes; None for three quarters of what is free, as the rest is for the arrays
            that come back.
        temp_directory: where what does not fit into memory goes, or None for nowhere.

    >>> with Database(threads=1) as database:
    ...     database.rows("SELECT 7, 'a'")
    [(7, 'a')]
    """

    def __init__(
        self,
        threads: int | None = None,
        memory_limit: int | None = None,
        temp_directory: str | None = None,
    ) -> None:
        settings: dict[str, str | int | bool] = {
            "threads": resolve_threads(threads),
            "temp_directory": temp_directory or "",
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        available = available_bytes()
        if memory_limit is None and available is not None:
            memory_limit = max(available * 3 // 4, _LEAST_MEMORY)
        if memory_limit is not None:
            settings["memory_limit"] = f"{memory_limit}B"
        duckdb = import_duckdb()
        self._queries = ThreadPoolExecutor(1)
        # In the thread, so that it stands: a signal while it starts would make it two.
        self._connection = self._run(lambda: duckdb.connect(":memory:", config=settings))

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *error: object) -> None:
        # A signal may have come before a query was under way: so not one interrupt, but as many as
        # it takes until the thread has come to what stands behind all queries.
        last = self._queries.submit(lambda: None)
        while not wait([last], timeout=_SECONDS_TO_NOTICE).done:
            self._connection.interrupt()
        self._queries.shutdown()
        self._connection.close()

    def rows(
        self,
        query: str,
        values: Mapping[str, Any] | None = None,
        report: Callable[[float], None] | None = None,
    ) -> list[tuple[Any, ...]]:
        """Return the rows that a query gives.

        Args:
            query: SQL.
            values: of its parameters, ``$name`` in the text; all that are there, and no others.
            report: told now and then how many percent are done, as far as DuckDB can tell.
        """
        return self._run(lambda: self._connection.execute(query, values).fetchall(), report)

    def arrays(self, query: str) -> dict[str, npt.NDArray[Any]]:
        """Return the columns that a query gives.

        Args:
            query: SQL.
        """
        return self._run(lambda: self._connection.execute(query).fetchnumpy())

    def append(
        self, table: str, columns: Mapping[str, npt.NDArray[Any]], selected: str = "*"
    ) -> None:
        """Add rows to a table.

        Args:
            table: its name.
            columns: arrays of one length.
            selected: SQL that gives the columns of the table, in their order, from the arrays.
        """

        def insert() -> None:
            self._connection.register("appended_rows", dict(columns))
            self._connection.execute(f"INSERT INTO {table} SELECT {selected} FROM appended_rows")
            self._connection.unregister("appended_rows")

        self._run(insert)

    def _run(self, query: Callable[[], T], report: Callable[[float], None] | None = None) -> T:
        result = self._queries.submit(query)
        # Python sees a signal that comes just before a wait only when the wait is over.
        while not wait([result], timeout=_SECONDS_TO_NOTICE).done:
            if report is not None:
                report(self._connection.query_progress())
        return result.result()
