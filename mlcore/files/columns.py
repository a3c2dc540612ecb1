"""Chosen columns of a table, whatever it is written in: CSV, JSON Lines or Parquet, in one file or parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mlcore.errors import DataError
from mlcore.files.inputs import display_name, text_chunks
from mlcore.files.json_lines import read_json_columns, read_json_lines
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.parts import Kind, find_parts, has_parts, kind_of, read_parts
from mlcore.files.tables import ColumnReader, too_many_columns
from mlcore.limits import MAX_COLUMNS
from mlcore.progress import Progress, no_progress

__all__ = ["column_names", "read_columns"]


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


def column_names(
    path: PathLike, key: ColumnReader, input_options: InputOptions = InputOptions()
) -> list[str]:
    """Return the names of all columns of a table, of all parts and objects, as they come.

    Args:
        path: as for ``read_columns``, but no stream: who reads the columns reads it again.
        key: a column that it must have.

    Raises:
        DataError: the file cannot be read, or has more than ``MAX_COLUMNS``.
        MlcoreError: the table is Parquet, and DuckDB is not installed.
    """
    from mlcore.files.csv_tables import read_csv_names
    from mlcore.files.parquet import parquet_column_names

    format = input_options.format
    kind = kind_of(path, format)
    names: dict[str, None] = {}
    for part in find_parts(path, format) if has_parts(path) else [path]:
        if kind == "parquet":
            names |= dict.fromkeys(parquet_column_names(part))
        elif kind == "csv":
            chunks = text_chunks(part, encoding=input_options.encoding)
            found = read_csv_names(display_name(part), [key], chunks, input_options)
            names |= dict.fromkeys(found)
        else:
            for _, value in read_json_lines(part, encoding=input_options.encoding):
                names |= dict.fromkeys(value)
    if len(names) > MAX_COLUMNS:
        raise too_many_columns(display_name(path))
    return list(names)


def _read_file(
    path: PathLike,
    kind: Kind,
    columns: Sequence[ColumnReader],
    input_options: InputOptions,
    progress: Progress,
) -> Iterator[list[list[Any] | None]]:
    if kind == "parquet":
        from mlcore.files.parquet import read_parquet_columns

        return read_parquet_columns(path, columns, input_options)
    chunks = text_chunks(path, progress, input_options.encoding)
    if kind == "csv":
        from mlcore.files.csv_tables import read_csv_columns

        return read_csv_columns(display_name(path), columns, chunks, input_options)
    return read_json_columns(display_name(path), columns, chunks)
