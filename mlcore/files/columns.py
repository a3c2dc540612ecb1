"""Chosen columns of a table, whatever it is written in: CSV, JSON Lines or Parquet, in one file or parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlcore.errors import DataError
from mlcore.files.csv_tables import read_csv_columns
from mlcore.files.inputs import display_name, text_chunks
from mlcore.files.json_lines import read_json_columns
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.parquet import read_parquet_columns
from mlcore.files.parts import Kind, has_parts, kind_of, read_parts
from mlcore.files.tables import ColumnReader
from mlcore.progress import Progress, no_progress

__all__ = ["read_columns"]


def read_columns(
    path: PathLike,
    columns: Sequence[ColumnReader],
    input_options: InputOptions = InputOptions(),
    progress: Progress = no_progress,
) -> Iterator[list[list[Any] | None]]:
    """Yield the converted columns of a table, chunk by chunk.

    Other columns and blank lines are ignored.

    Args:
        path: a file, a folder of parts, a pattern such as ``events/*.csv``, or ``-``.
        progress: called with the bytes read.

    Returns:
        For each chunk one list per column, or None for an optional column the file lacks.

    Raises:
        DataError: the first fault of the file, with its line and column.
        MlcoreError: the table is Parquet, and DuckDB is not installed.
    """
    format = input_options.format

    def read(part: PathLike, kind: Kind) -> Iterator[list[list[Any] | None]]:
        return _read_file(part, kind, columns, input_options, progress)

    if not has_parts(path):
        yield from read(path, kind_of(path, format))
        return
    present: list[bool] | None = None
    for chunk in read_parts(path, format, read):
        found = [values is not None for values in chunk]
        present = present or found
        for column, before, now in zip(columns, present, found):
            if before != now:
                raise DataError(
                    f"{display_name(path)}: {column.name}: expected a column of this name in all "
                    "parts or in none, got some without"
                )
        yield chunk


def _read_file(
    path: PathLike,
    kind: Kind,
    columns: Sequence[ColumnReader],
    input_options: InputOptions,
    progress: Progress,
) -> Iterator[list[list[Any] | None]]:
    if kind == "parquet":
        return read_parquet_columns(path, columns, input_options)
    chunks = text_chunks(path, progress, input_options.encoding)
    if kind == "csv":
        return read_csv_columns(display_name(path), columns, chunks, input_options)
    return read_json_columns(display_name(path), columns, chunks)
