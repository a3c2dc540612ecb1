"""Checks of a query's text against its header: one query, no other tables, no other parameters.

A table that the header does not name would be missing in the lineage.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from mlcore.errors import DataError, shorten

__all__ = ["check_text"]

# Comments and texts.
_QUOTED = re.compile(r"--[^\n]*|'(?:[^']|'')*'")
_EXTRACT = re.compile(r"\bEXTRACT\s*\(\s*\w+\s+FROM\b", re.IGNORECASE)
_SOURCE = re.compile(r"\b(?:FROM|JOIN)\s+(?!\()([^\s,;()]+\(?)", re.IGNORECASE)
_NAMED = re.compile(r"\b(\w+)\s+AS\s*\(", re.IGNORECASE)


def check_text(
    path: Path, text: str, reads: Mapping[str, object], parameters: Sequence[str]
) -> None:
    """Refuse a text that says more or less than its header.

    Args:
        path: of the query, for messages.
        reads: the tables of the header.
        parameters: of the header, by name.

    Raises:
        DataError: it is not one query, reads another table, or has other parameters.

    >>> check_text(Path("q.sql"), "SELECT n FROM t WHERE n < @k", {"t": ()}, ["k"])
    """

    def emptied(quoted: re.Match[str]) -> str:
        is_comment = quoted[0].startswith("--")
        return "" if is_comment else "'@'" if "@" in quoted[0] else "''"

    body = _QUOTED.sub(emptied, text)
    if "'@'" in body:
        raise DataError(f"{path}: expected no @ within a text, as it begins a parameter, got one")
    if ";" in body:
        raise DataError(f"{path}: expected one query, got a ';'", "none is needed at the end")
    found = re.findall(r"@([a-z][a-z0-9_]*)?", body)
    for name in found:
        if name not in parameters:
            got = f"@{name}" if name else "an @ without a name"
            raise DataError(
                f"{path}: param: expected parameters of the header, got {got}",
                f"the comment at the top needs a line such as: -- param: {name or 'k'} INT64: how many",
            )
    for name in parameters:
        if name not in found or parameters.count(name) > 1:
            times = "nowhere" if name not in found else "twice in the header"
            raise DataError(f"{path}: param: expected @{name} in the text, got it {times}")
    known = {*reads, *_NAMED.findall(body)}
    for source in _SOURCE.findall(_EXTRACT.sub("", body)):
        if source not in known and source.lower() != "unnest(":
            raise DataError(
                f"{path}: reads: expected tables of the header after FROM and JOIN, "
                f"got {shorten(source)}",
                "the header names what a query reads, for the lineage",
            )
