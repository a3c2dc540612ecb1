"""Parquet from CSV by DuckDB: rows are written as text, as to every other file, then converted in a stream."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mlcore.errors import DataError, MlcoreError, at, shown_as
from mlcore.files.database import Database, import_duckdb
from mlcore.files.options import PathLike
from mlcore.files.rows_sql import quote_path, quote_sql

__all__ = ["check_parquet_output", "convert_to_parquet"]

# Two ids of 65535 bytes, each perhaps doubled by its quotes, and numbers. DuckDB keeps buffers of many
# lines, and of a file that it may not cut into parts keeps all.
_LONGEST_LINE, _BUFFER = 2**19, 2**22


def check_parquet_output(path: PathLike) -> None:
    """Refuse to begin what could not be finished.

    Raises:
        DataError: DuckDB cannot open such a path.
        MlcoreError: DuckDB is not installed.

    >>> check_parquet_output("lists.parquet")
    """
    name = os.fspath(path)
    with at(name, MlcoreError):
        import_duckdb()
    try:
        os.path.realpath(name).encode()
    except UnicodeEncodeError:
        raise DataError(f"{name!a}: expected a path in UTF-8, got another") from None


def convert_to_parquet(source: Path, target: Path, types: Mapping[str, str], place: str) -> None:
    """Write the rows of a CSV file as Parquet, in their order; an empty field is missing.

    Memory does not grow with the rows, which are written in groups.

    Args:
        source: comma, double quote, one header line, no line break within a field.
        target: an existing file, which keeps its identity.
        types: of all columns in their order, as DuckDB calls them.
        place: what messages call the output.

    Raises:
        DataError: the disk refused.
    """
    columns = ", ".join(f"{quote_sql(name)}: {quote_sql(type_)}" for name, type_ in types.items())
    rows = (
        f"read_csv({quote_path(source)}, auto_detect=false, header=true, delim=',', quote='\"', "
        f"escape='\"', max_line_size={_LONGEST_LINE}, buffer_size={_BUFFER}, columns={{{columns}}})"
    )
    try:
        # One thread: the same rows, the same bytes.
        with Database(threads=1, paths=[source, target], ordered=True) as database:
            database.rows(
                f"COPY (SELECT * FROM {rows}) TO {quote_sql(str(target))} (FORMAT parquet, "
                "USE_TMP_FILE false)"
            )
    except import_duckdb().Error as error:
        with shown_as(place, target):
            reason = str(error).splitlines()[0]
            raise DataError(f"{place}: expected room to write, got {reason!r}") from error
