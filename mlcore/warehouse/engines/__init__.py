"""Engines that run the queries of ``sql/``: DuckDB in this process, Spark, BigQuery.

An engine is one module with one class and its options; what it needs beyond the core is imported when
it is opened.
"""

from typing import TypeAlias

from mlcore.warehouse.engines.base import Engine, Result
from mlcore.warehouse.engines.bigquery import BigQuery, BigQueryOptions
from mlcore.warehouse.engines.duckdb import DuckDb, DuckDbOptions
from mlcore.warehouse.engines.spark import Spark, SparkOptions

__all__ = [
    "BigQuery",
    "BigQueryOptions",
    "DuckDb",
    "DuckDbOptions",
    "Engine",
    "EngineOptions",
    "Result",
    "Spark",
    "SparkOptions",
    "open_engine",
]

EngineOptions: TypeAlias = BigQueryOptions | DuckDbOptions | SparkOptions


def open_engine(options: EngineOptions) -> Engine:
    """Return the engine that some options are of, ready to be given tables.

    Args:
        options: which engine, and how.

    Raises:
        MlcoreError: its extra is not installed.
        DataError: it cannot be reached.

    >>> with open_engine(DuckDbOptions(threads=1)) as engine:
    ...     engine.name
    'duckdb'
    """
    if isinstance(options, DuckDbOptions):
        return DuckDb(options)
    if isinstance(options, SparkOptions):
        return Spark(options)
    return BigQuery(options)
