"""BigQuery: an engine where the data are, of the extra ``[bigquery]``.

Every run begins with a dry run, which costs nothing, checks the query and says what it will read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from mlcore.errors import DataError, shorten
from mlcore.memory.available import format_bytes
from mlcore.warehouse.engines.base import (
    BoundQuery,
    Engine,
    Result,
    Rows,
    check_columns,
    refusal_of,
)
from mlcore.warehouse.engines.bigquery_client import (
    connect,
    faults,
    import_bigquery,
    statistics_of,
    wait,
)
from mlcore.warehouse.engines.bigquery_names import billed_bytes, check_table, price_words
from mlcore.warehouse.engines.bigquery_reads import find_foreign, find_second_query
from mlcore.warehouse.engines.bigquery_tables import LoadedTables
from mlcore.warehouse.engines.bigquery_text import Found, Source, make_source, type_of, wrap
from mlcore.warehouse.engines.options import BigQueryOptions
from mlcore.warehouse.query import Column, Query, SqlType, Value

__all__ = ["BigQuery"]

_ROWS_PER_PAGE = 50_000
_MAX_CLUSTERING = 4
_DTYPES: dict[SqlType, Any] = {"INT64": np.int64, "FLOAT64": np.float64, "BOOL": np.bool_}


class _Plan(NamedTuple):
    """A query as BigQuery gets it, and what the dry run said."""

    bound: BoundQuery
    text: str
    processed_bytes: int


class BigQuery(Engine):
    """BigQuery; loads files into tables of their own, and deletes these at the end.

    Args:
        client: with other credentials, for instance; it stays open.
    """

    name = "bigquery"

    def __init__(self, options: BigQueryOptions = BigQueryOptions(), client: Any = None) -> None:
        self._bigquery = import_bigquery()
        self._options = options
        self._is_own = client is None
        self._client = connect(options) if client is None else client
        self._loaded = LoadedTables(self._client, options)
        self._sources: dict[str, Source] = {}
        self._stored: dict[str, str] = {}  # as project.dataset.table

    def close(self) -> None:
        """Delete the loaded tables."""
        self._loaded.forget_all()
        if self._is_own:
            self._client.close()

    @property
    def version(self) -> str:
        """Of the client library; the service has none."""
        return f"google-cloud-bigquery {self._bigquery.__version__}"

    def load(self, table: str, columns: Sequence[Column], parts: Iterable[Rows]) -> None:
        """Make a table of rows, in the dataset of the options."""
        with faults(table):
            reference = self._loaded.load_rows(table, columns, parts)
            self._read_from(table, columns, reference, table, has_rules=False)

    def attach(self, table: str, columns: Sequence[Column], stored: str) -> None:
        """Make a stored table or view readable."""
        with faults(stored):
            self._read_from(table, columns, self._reference(stored), stored, newest=0)

    def attach_parquet(self, table: str, columns: Sequence[Column], path: str) -> None:
        """Load a Parquet file of this machine, or a folder or those that match ``gs://...``.

        The names of partitions, ``date=...``, are no columns here: an external table has them.
        """
        if "://" in path:
            is_folder = "." not in path.rstrip("/").rpartition("/")[2]
            uri = f"{path.rstrip('/')}/*.parquet" if is_folder else path
            self.load_uri(table, columns, uri)
            return
        with faults(path):
            reference = self._loaded.load_parquet(table, path)
            self._read_from(table, columns, reference, path)

    def load_uri(self, table: str, columns: Sequence[Column], uri: str) -> None:
        """Load ``gs://...``, also a pattern: .jsonl, .csv, either with .gz, or .parquet.

        BigQuery reads it, not mlcore: JSON Lines may have numbers as ids, and a missing value is the
        default of its column.
        """
        with faults(uri):
            reference, has_schema = self._loaded.load_uri(table, columns, uri)
            self._read_from(table, columns, reference, uri, fill_defaults=has_schema)

    def _find_foreign(self, query: Query) -> str | None:
        sign = find_second_query(query.text)
        if sign is not None:
            raise DataError(f"{query.place}: expected one query, got a {sign!r}")
        return find_foreign(query.text, query.reads)

    def _run(self, bound: BoundQuery, order: Sequence[str]) -> Result:
        job, _ = self._execute(self._plan(bound, order))
        return Result(bound.query.writes, self._parts(bound, job), statistics_of(job))

    def _materialize(self, bound: BoundQuery, table: str) -> int:
        plan = self._plan(bound)
        with faults(bound.place):
            reference = self._loaded.create(table, bound.query.writes)
            _, rows = self._execute(plan, destination=reference, write_disposition="WRITE_EMPTY")
            self._read_from(table, bound.query.writes, reference, table, has_rules=False)
        return int(rows.total_rows)

    def _store(
        self, bound: BoundQuery, stored: str, append: bool, partition: str | None
    ) -> tuple[int, Mapping[str, Value]]:
        """Run a query into a table, clustered by the ids that order its rows."""
        if partition is not None:
            raise DataError(
                f"{stored}: partition: expected none, as BigQuery partitions by times and ranges "
                f"that no query of ours writes, got {shorten(partition)}",
                "append to a table that is partitioned already",
            )
        to: dict[str, Any] = {
            "destination": self._reference(stored),
            "write_disposition": "WRITE_APPEND" if append else "WRITE_TRUNCATE",
        }
        clustering = [name for name in bound.query.order if name.endswith("_id")][:_MAX_CLUSTERING]
        if clustering and not append:  # a table that is there has its own
            to["clustering_fields"] = clustering
        before = self._num_rows(stored) if append else 0
        job, rows = self._execute(self._plan(bound, refuses_null=True), **to)
        # Of a table that rows were added to, the result would be all of its rows.
        count = self._num_rows(stored) - before if append else int(rows.total_rows)
        return count, statistics_of(job)

    def _num_rows(self, stored: str) -> int:
        from google.api_core.exceptions import NotFound

        try:
            with faults(stored):
                return int(self._client.get_table(self._reference(stored)).num_rows)
        except DataError as error:
            if isinstance(error.__context__, NotFound):
                return 0
            raise

    def _estimate(self, bound: BoundQuery) -> str:
        """Return bytes and price of a run, by a dry run."""
        query, processed = bound.query, self._plan(bound, bound.query.order).processed_bytes
        words = price_words(processed, len(query.reads), self._options.dollars_per_tib)
        empty = [table for table in query.reads if self._loaded.is_empty(table)]
        return f"{words}, not counting {', '.join(empty)}, yet to be loaded" if empty else words

    def _plan(
        self, bound: BoundQuery, order: Sequence[str] = (), refuses_null: bool = False
    ) -> _Plan:
        query = bound.query
        text = wrap(query, bound.values, self._sources, order, refuses_null)
        job = self._dry_run(bound, text)
        self._check_tables(bound, job)
        check_columns(query, [(found.name, type_of(found.field_type)) for found in job.schema])
        plan = _Plan(bound, text, int(job.total_bytes_processed))
        billed = billed_bytes(plan.processed_bytes, len(query.reads))
        limit = self._options.maximum_bytes_billed
        if limit is not None and billed > limit:
            raise DataError(
                f"{query.place}: maximum_bytes_billed: expected a query that is billed at most "
                f"{limit:,} bytes ({format_bytes(limit)}), got {billed:,} ({format_bytes(billed)})",
                "--maximum-bytes-billed raises the limit",
            )
        return plan

    def _dry_run(self, bound: BoundQuery, text: str) -> Any:
        # A cached result costs nothing, which says nothing about the next run.
        config = self._config(bound, dry_run=True, use_query_cache=False)
        with faults(bound.place):
            return self._client.query(text, job_config=config)

    def _check_tables(self, bound: BoundQuery, job: Any) -> None:
        """Refuse what BigQuery itself found to be more than a SELECT over the tables of the header."""
        query = bound.query
        if job.statement_type not in ("SELECT", None):
            raise refusal_of(query, str(job.statement_type))
        own = [self._stored[table] for table in query.reads]
        more = _tables_of(job) - set(own)
        if more and own:  # what a view of ours reads is listed, too
            counts = ", ".join(f"(SELECT COUNT(*) FROM `{stored}`)" for stored in own)
            alone = BoundQuery(replace(query, parameters={}), {})
            more -= _tables_of(self._dry_run(alone, f"SELECT {counts}"))
        if more:
            raise refusal_of(query, shorten(min(more)))

    def _execute(self, plan: _Plan, **destination: Any) -> tuple[Any, Any]:
        """Return the job and its rows."""
        bound = plan.bound
        config = self._config(bound, **destination)
        if self._options.maximum_bytes_billed is not None:
            config.maximum_bytes_billed = self._options.maximum_bytes_billed
        step = f"run {bound.query.name} in BigQuery ({format_bytes(plan.processed_bytes)})"
        with faults(bound.place):
            job = self._client.query(plan.text, job_config=config, job_id_prefix="mlcore_")
            return job, wait(job, step, bound.progress)

    def _config(self, bound: BoundQuery, **more: Any) -> Any:
        query = bound.query
        parameters = [
            self._bigquery.ScalarQueryParameter(name, parameter.type, bound.values[name])
            for name, parameter in query.parameters.items()
        ]
        labels = {**self._options.labels, "tool": "mlcore", "query": query.name[:63]}
        return self._bigquery.QueryJobConfig(
            query_parameters=parameters, labels=labels, use_legacy_sql=False, **more
        )

    def _parts(self, bound: BoundQuery, job: Any) -> Iterator[Rows]:
        with faults(bound.place):
            for page in job.result(page_size=_ROWS_PER_PAGE).pages:
                yield _to_rows(bound.query.writes, [row.values() for row in page])

    def _reference(self, stored: str) -> Any:
        check_table(stored)
        return self._bigquery.TableReference.from_string(stored, self._client.project)

    def _read_from(
        self,
        table: str,
        columns: Sequence[Column],
        reference: Any,
        place: str,
        *,
        newest: int = 1,
        fill_defaults: bool = False,
        has_rules: bool = True,
    ) -> None:
        schema = self._client.get_table(reference).schema
        found = {column.name.lower(): Found(column.field_type, column.mode) for column in schema}
        self._sources[table] = make_source(
            table,
            columns,
            str(reference),
            found,
            place=place,
            fill_defaults=fill_defaults,
            has_rules=has_rules,
        )
        self._stored[table] = str(reference)
        self._loaded.forget(table, keep=newest)  # older ones of this name


def _tables_of(job: Any) -> set[str]:
    return {str(table) for table in job.referenced_tables}


def _to_rows(columns: Sequence[Column], rows: Sequence[Sequence[Any]]) -> Rows:
    by_column = list(zip(*rows, strict=True)) or [()] * len(columns)
    found: dict[str, Any] = {}
    for column, cells in zip(columns, by_column, strict=True):
        dtype = object if column.type == "STRING" or None in cells else _DTYPES[column.type]
        found[column.name] = np.array(cells, dtype)  # (R,)
    return found
