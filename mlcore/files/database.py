"""DuckDB, of the extra ``[local]``: an in-memory database that a signal can interrupt."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar

import numpy.typing as npt

from mlcore.errors import MlcoreError
from mlcore.files.options import PathLike
from mlcore.files.rows_sql import quote_name, quote_sql
from mlcore.memory.available import available_bytes
from mlcore.numeric.threads import resolve_threads

__all__ = ["Database", "has_duckdb", "import_duckdb"]

T = TypeVar("T")

_MIN_MEMORY = 2**28
_POLL_SECONDS = 0.1
_APPENDED = "appended rows"  # no name of a header


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
    """An in-memory database that loads no extensions and writes only to ``temp_directory``.

    Queries run in a thread of their own, since DuckDB in the main thread rarely checks for
    signals. However the ``with`` ends, no query keeps running and filling memory.

    Args:
        threads: None for one per core.
        memory_limit: bytes; None for three quarters of the free memory, which leaves the rest for
            the arrays that come back.
        temp_directory: for data that does not fit into memory; None for none.
        paths: as ``confine`` takes them, from the start; None for no limit yet.
        ordered: whether rows keep the order that they have in a file.

    >>> with Database(threads=1) as database:
    ...     database.rows("SELECT 7, 'a'")
    [(7, 'a')]
    """

    def __init__(
        self,
        threads: int | None = None,
        memory_limit: int | None = None,
        temp_directory: str | None = None,
        *,
        paths: Iterable[PathLike] | None = None,
        ordered: bool = False,
    ) -> None:
        settings: dict[str, str | int | bool] = {
            "threads": resolve_threads(threads),
            "temp_directory": temp_directory or "",
            "preserve_insertion_order": ordered,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "python_enable_replacements": False,  # FROM x is never a variable of Python
        }
        available = available_bytes()
        if memory_limit is None and available is not None:
            memory_limit = max(available * 3 // 4, _MIN_MEMORY)
        if memory_limit is not None:
            settings["memory_limit"] = f"{memory_limit}B"
        duckdb = import_duckdb()
        self._queries = ThreadPoolExecutor(1)
        # Starts the thread now: a signal during its start would leave two of them.
        self._connection = self._run(lambda: duckdb.connect(":memory:", config=settings))
        if paths is not None:
            self.confine(paths)

    def confine(self, paths: Iterable[PathLike]) -> None:
        """Let no query touch other files than these and those of ``temp_directory``, for good.

        Nor can a query change a setting then, this one included.

        >>> with Database(threads=1, paths=[]) as database:
        ...     database.rows("SELECT current_setting('enable_external_access')")
        [(False,)]
        """
        absolute = [os.path.abspath(path) for path in paths]
        names = {*absolute, *map(glob.escape, absolute)}  # as a name, and as quote_path gives it
        self.rows(f"SET allowed_paths = [{', '.join(map(quote_sql, sorted(names)))}]")
        self.rows("SET enable_external_access = false")
        self.rows("SET lock_configuration = true")

    def __enter__(self) -> Database:
        return self

    def __exit__(self, *error: object) -> None:
        # A signal may have come before its query started, so interrupt until the thread has got to
        # the end of the queue.
        last = self._queries.submit(lambda: None)
        while not wait([last], timeout=_POLL_SECONDS).done:
            self._connection.interrupt()
        self._queries.shutdown()
        self._connection.close()

    def rows(
        self,
        query: str,
        values: Mapping[str, Any] | None = None,
        report: Callable[[float], None] | None = None,
    ) -> list[tuple[Any, ...]]:
        """Return the rows of a query.

        Args:
            values: of the parameters, ``$name`` in the query: exactly those.
            report: called now and then with the percentage done, as DuckDB estimates it.
        """
        return self._run(lambda: self._connection.execute(query, values).fetchall(), report)

    def arrays(self, query: str) -> dict[str, npt.NDArray[Any]]:
        """Return the columns of a query."""
        return self._run(lambda: self._connection.execute(query).fetchnumpy())

    def append(
        self, table: str, columns: Mapping[str, npt.NDArray[Any]], selected: str = "*"
    ) -> None:
        """Add rows to a table.

        Args:
            table: its name.
            columns: arrays of equal length.
            selected: SQL of the table's columns, in their order, from the arrays.
        """

        def insert() -> None:
            self._connection.register(_APPENDED, dict(columns))
            self._connection.execute(
                f"INSERT INTO {quote_name(table)} SELECT {selected} FROM {quote_name(_APPENDED)}"
            )
            self._connection.unregister(_APPENDED)

        self._run(insert)

    def _run(self, query: Callable[[], T], report: Callable[[float], None] | None = None) -> T:
        result = self._queries.submit(query)
        # Python sees a signal that comes just before a wait only after the wait.
        while not wait([result], timeout=_POLL_SECONDS).done:
            if report is not None:
                report(self._connection.query_progress())
        return result.result()
