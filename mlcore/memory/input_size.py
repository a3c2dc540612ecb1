"""How many rows a file has at least, told without reading it, and the refusal of one that has too many.

Only a look at some places of it: the longest line there stands for all of them.
"""

from __future__ import annotations

import os
from pathlib import Path

from mlcore.errors import DataError
from mlcore.memory.available import format_bytes

__all__ = ["least_rows", "refuse_long_file"]

PLACES = 16  # looked at
PLACE_BYTES = 2**14
# Of memory for each row, whoever reads it: two positions, the weight, and the key to sort by.
ROW_BYTES = 24
_GZIP_MAGIC = b"\x1f\x8b"
_LINES = (".csv", ".jsonl")


def least_rows(path: Path) -> int:
    """Return about how many rows a table has at least, or 0 where its size does not tell.

    Args:
        path: a table; the size of one that is compressed, or not made of lines, does not tell.

    Raises:
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    if path.suffix not in _LINES or size < 2 * PLACES * PLACE_BYTES:
        return 0
    longest = 0
    with open(path, "rb") as file:
        if file.read(2) == _GZIP_MAGIC:
            return 0
        for place in range(PLACES):
            file.seek(size * place // PLACES)
            lines = file.read(PLACE_BYTES).split(b"\n")
            if len(lines) < 3:
                return 0  # so long that nobody can tell
            longest = max(longest, *map(len, lines))
    return size // (longest + 1)


def refuse_long_file(path: str | os.PathLike[str], available: int | None) -> None:
    """Refuse a file of interactions whose rows alone do not fit into memory.

    Args:
        path: of the file; one that cannot be opened is left to whoever reads it.
        available: bytes, or None if nobody says: then nothing is refused.

    Raises:
        DataError: it has too many rows.

    >>> refuse_long_file("no-such.csv", 0)
    """
    try:
        rows = least_rows(Path(path))
    except OSError:
        return
    if available is None or rows * ROW_BYTES <= available:
        return
    raise DataError(
        f"{os.fspath(path)}: memory: expected rows that fit into {format_bytes(available)}, as "
        f"available, got at least {rows:,}, which take {format_bytes(rows * ROW_BYTES)} to read",
        "sample users, or use a machine with more memory",
    )
