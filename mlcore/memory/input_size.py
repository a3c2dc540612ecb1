"""How many rows a file has at least, from a few samples of it, and the error of one with too many."""

from __future__ import annotations

import os
from pathlib import Path

from mlcore.errors import DataError
from mlcore.memory.available import available_bytes, format_bytes

__all__ = ["check_rows_fit", "least_rows"]

NUM_SAMPLES = 16  # evenly spaced; the longest line of them bounds all others
SAMPLE_BYTES = 2**14
ROW_BYTES = 24  # of memory for each row, by any reader: two positions, the weight, and the sort key
_GZIP_MAGIC = b"\x1f\x8b"
_LINES = (".csv", ".jsonl")


def least_rows(path: Path) -> int:
    """Return about how many rows a table has at least; 0 if it is small, compressed, or not lines.

    Raises:
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    if path.suffix not in _LINES or size < 2 * NUM_SAMPLES * SAMPLE_BYTES:
        return 0
    longest = 0
    with open(path, "rb") as file:
        if file.read(2) == _GZIP_MAGIC:
            return 0
        for sample in range(NUM_SAMPLES):
            file.seek(size * sample // NUM_SAMPLES)
            lines = file.read(SAMPLE_BYTES).split(b"\n")
            if len(lines) < 3:
                return 0  # lines so long that a sample says nothing
            longest = max(longest, *map(len, lines))
    return size // (longest + 1)


def check_rows_fit(path: str | os.PathLike[str]) -> None:
    """Check that the rows of a file of interactions fit into memory, before it is read.

    A file that cannot be opened passes: its reader says why.

    Raises:
        DataError: it has too many rows.

    >>> check_rows_fit("no-such.csv")
    """
    try:
        rows = least_rows(Path(path))
    except OSError:
        return
    available = available_bytes() if rows else None
    if available is None or rows * ROW_BYTES <= available:
        return
    raise DataError(
        f"{os.fspath(path)}: memory: expected rows that fit into {format_bytes(available)}, as "
        f"available, got at least {rows:,}, which take {format_bytes(rows * ROW_BYTES)} to read",
        "cli.train --memory-limit SIZE works from disk; or sample users",
    )
