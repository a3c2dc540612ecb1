"""Files as tables of BigQuery, as long as a run lasts."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import IO, Any, Literal, TypeAlias
from uuid import uuid4

from mlcore.errors import DataError, from_os_error, shorten
from mlcore.progress import no_progress
from mlcore.warehouse.engines.base import Rows
from mlcore.warehouse.engines.bigquery_client import import_bigquery, wait
from mlcore.warehouse.engines.options import BigQueryOptions
from mlcore.warehouse.query import Column

__all__ = ["LoadedTables"]

# Columns that may be NULL: by the header, also those with a default, or all.
_Lacking: TypeAlias = Literal["null", "default", "any"]

_LIFETIME = timedelta(days=1)
# Greater ones lose digits in a reader like JavaScript's; as texts they are exact.
_MAX_JSON_INTEGER = 2**53 - 1
_FORMATS = {".jsonl": "NEWLINE_DELIMITED_JSON", ".csv": "CSV", ".parquet": "PARQUET"}


class LoadedTables:
    """Tables with unique names in one dataset, which expire if they are not deleted."""

    def __init__(self, client: Any, options: BigQueryOptions) -> None:
        self._bigquery = import_bigquery()
        self._client = client
        self._options = options
        self._references: dict[str, list[Any]] = {}  # TableReference by table, the newest last
        self._empty: set[str] = set()

    def load_rows(self, table: str, columns: Sequence[Column], parts: Iterable[Rows]) -> Any:
        """Return a reference to a table of rows."""
        schema = self._schema(columns)
        reference = self._create(table, schema)  # before the rows, as it may fail
        with tempfile.TemporaryFile() as file:
            for part in parts:
                _write_lines(file, columns, part)
            if not file.tell():
                self._empty.add(table)
            else:
                config = self._config(".jsonl", schema)
                job = self._client.load_table_from_file(
                    file, reference, rewind=True, job_config=config
                )
                wait(job, f"load {table} into BigQuery", no_progress)
        return reference

    def load_parquet(self, table: str, path: str) -> Any:
        """Return a reference to a table of a Parquet file of this machine.

        Raises:
            DataError: the file cannot be opened.
        """
        try:
            file = open(path, "rb")
        except OSError as error:
            raise from_os_error(error, path, "a readable file") from error
        with file:
            reference = self._new_reference(table)
            config = self._config(".parquet")
            job = self._client.load_table_from_file(file, reference, job_config=config)
            wait(job, f"load {table} into BigQuery", no_progress)
        self._let_expire(reference)
        return reference

    def load_uri(self, table: str, columns: Sequence[Column], uri: str) -> tuple[Any, bool]:
        """Return a reference to a table of files of Cloud Storage, and whether it has our types.

        Raises:
            DataError: the format is unknown.
        """
        stem = uri.removesuffix(".gz")
        ending = next((ending for ending in _FORMATS if stem.endswith(ending)), None)
        if not uri.startswith("gs://") or ending is None:
            raise DataError(
                "uri: expected gs://... that ends in .jsonl, .csv (or either with .gz) or .parquet, "
                f"got {shorten(uri)}"
            )
        schema = None if ending == ".parquet" else self._schema(columns, "default")
        reference = self._create(table, schema) if schema else self._new_reference(table)
        config = self._config(ending, schema)
        if ending == ".csv":
            config.skip_leading_rows = 1
            config.source_column_match = "NAME"
            config.allow_quoted_newlines = True
        job = self._client.load_table_from_uri(uri, reference, job_config=config)
        wait(job, f"load {table} into BigQuery", no_progress)
        if schema is None:
            self._let_expire(reference)
        return reference, schema is not None

    def create(self, table: str, columns: Sequence[Column]) -> Any:
        """Return a reference to an empty table for the result of a query.

        An older one of this name stays until ``forget``.
        """
        # Results are NULLABLE, and do not go into a table with REQUIRED columns.
        return self._create(table, self._schema(columns, "any"))

    def is_empty(self, table: str) -> bool:
        """Return whether a table was loaded from no rows."""
        return table in self._empty

    def forget(self, table: str, keep: int = 0) -> None:
        """Delete the tables loaded under a name, except the newest ``keep``."""
        references = self._references.get(table, [])
        while len(references) > keep:
            # A table that is not deleted expires; the error that ends the run matters more.
            with suppress(Exception):
                self._client.delete_table(references[0], not_found_ok=True)
            del references[0]

    def forget_all(self) -> None:
        """Delete all loaded tables."""
        for table in self._references:
            self.forget(table)

    def _new_reference(self, table: str) -> Any:
        if self._options.dataset is None:
            raise DataError(
                f"{table}: dataset: expected one to load into, got none", "--dataset names one"
            )
        stored = f"{self._options.dataset}.mlcore_{table}_{uuid4().hex}"
        reference = self._bigquery.TableReference.from_string(stored, self._client.project)
        # Noted before it exists, so that a signal in between leaves nothing behind.
        self._references.setdefault(table, []).append(reference)
        self._empty.discard(table)
        return reference

    def _create(self, table: str, schema: Sequence[Any]) -> Any:
        reference = self._new_reference(table)
        made = self._bigquery.Table(reference, schema)
        made.expires = datetime.now(timezone.utc) + _LIFETIME
        self._client.create_table(made)
        return reference

    def _let_expire(self, reference: Any) -> None:
        made = self._client.get_table(reference)
        made.expires = datetime.now(timezone.utc) + _LIFETIME
        self._client.update_table(made, ["expires"])

    def _schema(self, columns: Sequence[Column], lacking: _Lacking = "null") -> list[Any]:
        def may_lack(column: Column) -> bool:
            has_default = lacking == "default" and column.default is not None
            return column.nullable or has_default or lacking == "any"

        return [
            self._bigquery.SchemaField(
                column.name, column.type, "NULLABLE" if may_lack(column) else "REQUIRED"
            )
            for column in columns
        ]

    def _config(self, ending: str, schema: Sequence[Any] | None = None) -> Any:
        config = self._bigquery.LoadJobConfig(
            source_format=_FORMATS[ending],
            # Not WRITE_TRUNCATE, which may drop the expiry of the table.
            write_disposition="WRITE_EMPTY",
            labels={**self._options.labels, "tool": "mlcore"},
        )
        if schema is not None:
            config.schema = schema
            config.autodetect = False
            config.ignore_unknown_values = True
        return config


def _write_lines(file: IO[bytes], columns: Sequence[Column], part: Rows) -> None:
    names = [column.name for column in columns]
    for row in zip(*(part[name].tolist() for name in names), strict=True):
        found = {
            name: str(value) if type(value) is int and abs(value) > _MAX_JSON_INTEGER else value
            for name, value in zip(names, row)
            if value is not None
        }
        file.write(json.dumps(found, ensure_ascii=False, allow_nan=False).encode() + b"\n")
