"""Sources of a query's tables: files that mlcore reads, and what the engine reads."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import unquote

from mlcore.errors import ConfigError, DataError, shorten
from mlcore.files.database import has_duckdb
from mlcore.files.inputs import opened
from mlcore.files.options import ColumnNames, Format, InputOptions, PathLike
from mlcore.files.parquet import has_integers_or_moments
from mlcore.files.parts import find_parts, has_parts, is_parquet, kind_of
from mlcore.lineage.command_run import CommandRun
from mlcore.progress import Progress, no_progress
from mlcore.warehouse.engines import Engine
from mlcore.warehouse.query import Column
from mlcore.warehouse.rows import Rows, num_rows, read_rows

__all__ = [
    "check_readable",
    "is_file",
    "is_parquet_table",
    "is_remote",
    "local_path",
    "provide_table",
    "refuse_names",
    "take_tables",
]

_FILE_URI = re.compile(r"file:(?://(?:localhost)?)?(/.*)", re.DOTALL)

_TEXT_ENDINGS = tuple(
    ending + packed for ending in (".csv", ".tsv", ".jsonl", ".ndjson") for packed in ("", ".gz")
)


def local_path(place: PathLike) -> PathLike:
    """Return the path that a ``file://`` URI names, or the place as it is.

    >>> local_path("file:///data/my%20events.csv"), local_path("gs://bucket/events.csv")
    ('/data/my events.csv', 'gs://bucket/events.csv')
    """
    found = _FILE_URI.fullmatch(os.fspath(place))
    return place if found is None else unquote(found[1])


def is_file(place: PathLike, format: Format | None = None) -> bool:
    """Return whether mlcore reads a place: by its name, by ``format`` if it exists, or as parts.

    Args:
        place: a path, ``-``, a URI, or what an engine calls a table.

    >>> is_file("-"), is_file("events.csv"), is_file("shop.events", "csv")
    (True, True, False)
    """
    name = os.fspath(place)
    if name == "-" or name.lower().endswith(_TEXT_ENDINGS) or is_parquet(name):
        return not is_remote(name)
    if not is_remote(name) and has_parts(name):
        return True
    return format is not None and os.path.exists(name)


def is_remote(place: PathLike) -> bool:
    """Return whether a place is a URI, which only an engine can read.

    >>> is_remote("gs://bucket/events.jsonl"), is_remote("events.jsonl")
    (True, False)
    """
    return "://" in os.fspath(place)


def take_tables(
    run: CommandRun, tables: Mapping[str, PathLike | None], format: Format | None
) -> None:
    """Note the inputs of a run, each a file or what the engine calls a table."""
    for role, place in tables.items():
        is_stored = place is not None and not is_file(place, format) and not is_remote(place)
        (run.take_stored if is_stored else run.take)(**{role: place})


def check_readable(place: PathLike) -> None:
    """Open a file to see that it can be read; pass over folders, patterns, URIs and ``-``.

    Raises:
        DataError: missing or unreadable.

    >>> check_readable("-")
    """
    if os.fspath(place) == "-" or is_remote(place) or has_parts(place):
        return
    if "*" not in os.fspath(place):
        with opened(place):
            pass


def refuse_names(place: PathLike, names: ColumnNames) -> None:
    """Refuse names of columns for a table of an engine, whose columns have those of the queries.

    Raises:
        ConfigError: they are not the default ones.

    >>> refuse_names("shop.events", ColumnNames())
    """
    if names != ColumnNames():
        raise ConfigError(
            f"{place}: expected columns called {', '.join(ColumnNames().in_order())} in a table of "
            f"an engine, got {', '.join(names.in_order())}",
            "make a view with these names, or give a file",
        )


def provide_table(
    engine: Engine,
    table: str,
    columns: Sequence[Column],
    place: PathLike,
    input_options: InputOptions = InputOptions(),
    progress: Progress = no_progress,
) -> int | None:
    """Give a table to an engine; return the number of its rows, or None if unknown.

    mlcore reads CSV and JSON Lines, by the rules of the columns, and Parquet whose times are no integer
    seconds; the engine reads other Parquet, URIs and its tables.

    Args:
        table: its name in queries.
        columns: those a query reads.
        place: a file, a URI, or what the engine calls the table.
        input_options: of files; names of columns are those of the query.
        progress: called with the bytes read.

    Raises:
        DataError: a file or a table is faulty.
    """
    place = local_path(place)
    name = os.fspath(place)
    is_parquet_here = is_parquet_table(name, input_options.format)
    if is_parquet_here and not _has_other_times(name, columns, input_options):
        check_readable(name)
        engine.attach_parquet(table, columns, name)
        return None
    if is_remote(name):
        engine.load_uri(table, columns, name)
        return None
    if not is_parquet_here and not is_file(name, input_options.format):
        if os.path.exists(name):
            raise DataError(
                f"{name}: expected a name that ends in .csv, .jsonl or .parquet, "
                f"got {shorten(name)}",
                "--format csv or --format jsonl says what it is",
            )
        engine.attach(table, columns, name)
        return None
    count = 0

    def counted() -> Iterator[Rows]:
        nonlocal count
        for part in read_rows(place, columns, input_options, progress):
            count += num_rows(part)
            yield part

    engine.load(table, columns, counted())
    return count


def _has_other_times(name: str, columns: Sequence[Column], input_options: InputOptions) -> bool:
    """Return whether times of Parquet are to be converted by the rules of files; no if unknown."""
    if is_remote(name) or not has_duckdb() or "timestamp" not in {one.name for one in columns}:
        return False
    part = find_parts(name, input_options.format)[0] if has_parts(name) else name
    found = has_integers_or_moments(part, "timestamp")
    if found is None:
        return False
    is_integer, is_moment = found
    return not is_moment if not is_integer else input_options.timestamp_unit != "s"


def is_parquet_table(place: PathLike, format: Format | None = None) -> bool:
    """Return whether a table is Parquet: by its name, by its parts, or as an address of no text.

    >>> is_parquet_table("s3://bucket/events/"), is_parquet_table("s3://bucket/events.csv")
    (True, False)
    """
    if is_remote(place):
        return not os.fspath(place).lower().endswith(_TEXT_ENDINGS)
    return kind_of(place, format) == "parquet" if has_parts(place) else is_parquet(place)
