"""``items.csv`` and ``users.csv``: one line for each id, in order, under a strict subset of CSV.

The first line is ``index,id``; line k + 2 holds k and its id. An id is quoted exactly when it
contains a comma or a quote. Ids strictly ascend in UTF-8 byte order, hence are unique.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence

from mlcore.errors import IdMapError, shorten
from mlcore.ids import id_fault

__all__ = ["format_id_map", "parse_id_map"]

_HEADER = "index,id\n"


def format_id_map(ids: Sequence[str]) -> bytes:
    """Return the file's bytes.

    Args:
        ids: valid ids, ascending.

    >>> format_id_map(["a", 'b,"c'])
    b'index,id\\n0,a\\n1,"b,""c"\\n'
    """
    lines = [f"{index},{_quote(id_)}\n" for index, id_ in enumerate(ids)]
    return (_HEADER + "".join(lines)).encode()


def _quote(id_: str) -> str:
    if "," in id_ or '"' in id_:
        return '"' + id_.replace('"', '""') + '"'
    return id_


def parse_id_map(data: bytes, count: int, place: str) -> list[str]:
    """Return the ids of a file.

    Args:
        data: the whole file.
        count: how many ids the manifest says there are.
        place: the file, for messages.

    Raises:
        IdMapError: a byte is not as the format says.

    >>> parse_id_map(b"index,id\\n0,a\\n", 1, "items.csv")
    ['a']
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise IdMapError(
            f"{place}:{line}: expected UTF-8, got the byte 0x{data[error.start]:02x}"
        ) from None
    if not text.startswith(_HEADER):
        raise IdMapError(
            f"{place}:1: expected the header 'index,id', got {shorten(text.partition(chr(10))[0])}"
        )
    if not text.endswith("\n"):
        raise IdMapError(f"{place}: expected a line break at the end, got none")
    lines = text.split("\n")[1:-1]
    if len(lines) != count:
        raise IdMapError(f"{place}: expected {count} ids as in the manifest, got {len(lines)}")
    ids = [_parse_line(line, index, place) for index, line in enumerate(lines)]
    if not all(map(operator.lt, ids, ids[1:])):
        index = next(index for index in range(1, count) if not ids[index - 1] < ids[index])
        raise IdMapError(
            f"{place}:{index + 2}: expected an id after {shorten(ids[index - 1])} in UTF-8 byte "
            f"order, got {shorten(ids[index])}"
        )
    return ids


def _parse_line(line: str, index: int, place: str) -> str:
    prefix = f"{index},"
    if not line.startswith(prefix):
        raise IdMapError(f"{place}:{index + 2}: expected the index {index}, got {shorten(line)}")
    id_ = field = line[len(prefix) :]
    if '"' in field or "," in field:
        id_ = field[1:-1].replace('""', '"')
        if _quote(id_) != field:
            raise IdMapError(
                f"{place}:{index + 2}: id: expected quotes around, and doubled within, an id "
                f"with a comma or a quote, got {shorten(field)}"
            )
    fault = None if id_.isalnum() and len(id_) < 1000 else id_fault(id_)
    if fault is not None:
        raise IdMapError(f"{place}:{index + 2}: id: {fault}")
    return id_
