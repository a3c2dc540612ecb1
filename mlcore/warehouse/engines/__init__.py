"""Engines that run the queries of ``sql/``: DuckDB in this process, Spark, BigQuery.

An engine is one module with one class, its options are in ``options``; it imports what it needs beyond
the core when it is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlcore.lazy import lazy_names
from mlcore.warehouse.engines.options import BigQueryOptions as BigQueryOptions
from mlcore.warehouse.engines.options import DuckDbOptions as DuckDbOptions
from mlcore.warehouse.engines.options import EngineOptions as EngineOptions
from mlcore.warehouse.engines.options import SparkOptions as SparkOptions

if TYPE_CHECKING:
    from mlcore.progress import Progress
    from mlcore.warehouse.engines.base import Engine as Engine
    from mlcore.warehouse.engines.base import Result as Result
    from mlcore.warehouse.engines.bigquery import BigQuery as BigQuery
    from mlcore.warehouse.engines.duckdb import DuckDb as DuckDb
    from mlcore.warehouse.engines.spark import Spark as Spark
else:
    __getattr__ = lazy_names(__name__, "base", "duckdb", "spark", "bigquery")


def open_engine(options: EngineOptions, progress: Progress | None = None) -> Engine:
    """Open the engine of the options.

    Args:
        progress: called while an engine starts that takes seconds.

    Raises:
        MlcoreError: its extra is not installed.
        DataError: it cannot be reached.

    >>> with open_engine(DuckDbOptions(threads=1)) as engine:
    ...     engine.name
    'duckdb'
    """
    if isinstance(options, DuckDbOptions):
        from mlcore.warehouse.engines.duckdb import DuckDb

        return DuckDb(options)
    if isinstance(options, SparkOptions):
        from mlcore.warehouse.engines.spark import Spark

        return Spark(options) if progress is None else Spark(options, progress)
    from mlcore.warehouse.engines.bigquery import BigQuery

    return BigQuery(options)
