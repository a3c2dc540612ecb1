"""What a run read or made, as the lineage records it: a file or a table of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlcore.files.options import PathLike
from mlcore.lineage.contents import FileFacts

__all__ = ["Dataset"]


@dataclass(frozen=True)
class Dataset:
    """An input or the output of a run.

    Attributes:
        table: its name in a query, where the output has none; its role in a command.
        file: its path, or None.
        stored: what the engine calls the table, or None.
        format: of the file, or None.
        rows: their number, or None if not counted; that of a query's output is.
        bytes: of the file, uncompressed, or None.
        sha256: of these bytes, or None.
        columns: names, in order; of an input those that the query reads; none of a command.
    """

    table: str | None
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
        place: PathLike,
        format: str | None,
        facts: FileFacts | None,
        columns: Sequence[str] = (),
        rows: int | None = None,
        *,
        table: str | None = None,
    ) -> Dataset:
        """Return a file.

        Args:
            place: a path, a folder, a pattern, a URI, or ``-``.
            format: such as ``csv``; None where the name does not show it.
            facts: None where the bytes cannot be had.
        """
        size, digest = (None, None) if facts is None else (facts.bytes, facts.sha256)
        return cls(table, str(place), None, format, rows, size, digest, tuple(columns))

    @classmethod
    def of_stored(
        cls,
        stored: str,
        columns: Sequence[str] = (),
        rows: int | None = None,
        *,
        table: str | None = None,
    ) -> Dataset:
        """Return a table that the engine calls ``stored``."""
        return cls(table, None, stored, None, rows, None, None, tuple(columns))
