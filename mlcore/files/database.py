"""DuckDB, of the extra ``[local]``: a database in memory that a signal can stop."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, TypeVar

import numpy.typing as npt

from mlcore.errors import MlcoreError
from mlcore.memory import available_bytes
from mlcore.threads import resolve_threads

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
    """A database in memory, which writes no files and loads no extensions.

    Queries run in a thread of their own, since DuckDB in the main thread looks for a signal only
    now and then. However the ``with`` ends, no query goes on behind its back and fills the memory.

    >>> with Database(threads=1) as database:
    ...     database.rows("SELECT 7, 'a'")
    [(7, 'a')]
    """

    def __init__(self, threads: int | None = None) -> None:
        settings: dict[str, str | int | bool] = {
            "threads": resolve_threads(threads),
            "temp_directory": "",
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        available = available_bytes()
        if available is not None:
            # The rest is for the arrays that come back.
            settings["memory_limit"] = f"{max(available * 3 // 4, _LEAST_MEMORY)}B"
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

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows that a query gives.

        Args:
            query: SQL.
        """
        return self._run(lambda: self._connection.execute(query).fetchall())

    def arrays(self, query: str) -> dict[str, npt.NDArray[Any]]:
        """Return the columns that a query gives.

        Args:
            query: SQL.
        """
        return self._run(lambda: self._connection.execute(query).fetchnumpy())

    def _run(self, query: Callable[[], T]) -> T:
        result = self._queries.submit(query)
        # Python sees a signal that comes just before a wait only when the wait is over.
        while not wait([result], timeout=_SECONDS_TO_NOTICE).done:
            pass
        return result.result()
