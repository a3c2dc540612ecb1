"""What a query read and what it made: files and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlcore.files.options import PathLike
from mlcore.warehouse.lineage.contents import FileFacts

__all__ = ["Input", "Output"]


@dataclass(frozen=True)
class Input:
    """A table that a query read.

    Attributes:
        table: its name in the query.
        file: the file it was read from, or None.
        stored: what the engine calls it, if it had it, or None.
        format: of the file, or None.
        rows: how many, or None if nobody has counted.
        bytes: of the file, not compressed, or None.
        sha256: of these bytes, or None.
        columns: the names of those the query reads.
    """

    table: str
    file: str | None
    stored: str | None
    format: str | None
    rows: int | None
    bytes: int | None
    sha256: str | None
    columns: tuple[str, ...]

    @classmethod
    def of_file(
        cls,
        table: str,
        place: PathLike,
        format: str,
        facts: FileFacts | None,
        columns: Sequence[str],
        rows: int | None = None,
    ) -> Input:
        """Return the input that a file is.

        Args:
            table: its name in the query.
            place: a path, a folder, a pattern, a URI, or ``-``.
            format: ``csv``, ``jsonl`` or ``parquet``.
            facts: of ``describe_file``, or None where the bytes cannot be had.
            columns: the names of those the query reads.
            rows: how many, if known.
        """
        size, digest = (None, None) if facts is None else (facts.bytes, facts.sha256)
        return cls(table, str(place), None, format, rows, size, digest, tuple(columns))

    @classmethod
    def of_stored(
        cls, table: str, stored: str, columns: Sequence[str], rows: int | None = None
    ) -> Input:
        """Return the input that a table of the engine is.

        Args:
            table: its name in the query.
            stored: what the engine calls it.
            columns: the names of those the query reads.
            rows: how many, if known.
        """
        return cls(table, None, stored, None, rows, None, None, tuple(columns))


@dataclass(frozen=True)
class Output:
    """What a query made.

    Attributes:
        file: the file it was written to, or None.
        stored: what the engine calls the table, if it keeps it, or None.
        format: of the file, or None.
        rows: how many.
        bytes: of the file, not compressed, or None.
        sha256: of these bytes, or None.
        columns: names, in order.
    """

    file: str | None
    stored: str | None
    format: str | None
    rows: int
    bytes: int | None
    sha256: str | None
    columns: tuple[str, ...]

    @classmethod
    def of_file(
        cls, place: PathLike, format: str, facts: FileFacts, columns: Sequence[str], rows: int
    ) -> Output:
        """Return the output that a file is.

        Args:
            place: where it is to stand, or ``-``.
            format: ``csv`` or ``jsonl``.
            facts: of a ``Fingerprint`` that took all that was written.
            columns: names, in order.
            rows: how many.
        """
        return cls(str(place), None, format, rows, facts.bytes, facts.sha256, tuple(columns))

    @classmethod
    def of_stored(cls, stored: str, columns: Sequence[str], rows: int) -> Output:
        """Return the output that a table of the engine is.

        Args:
            stored: what the engine calls it.
            columns: names, in order.
            rows: how many.
        """
        return cls(None, stored, None, rows, None, None, tuple(columns))
