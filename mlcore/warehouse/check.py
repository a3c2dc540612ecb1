"""What is checked of a query's text without an engine: its parameters, and how deep it is nested.

What it reads is for the parser of the engine to say.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

from mlcore.errors import DataError

__all__ = ["check_text"]

# Comments and texts.
_QUOTED = re.compile(r"--[^\r\n]*|/\*.*?\*/|'(?:[^']|'')*'", re.DOTALL)
_BRACKET = re.compile(r"(?P<opens>[(\[]|\bCASE\b)|[)\]]|\bEND\b", re.IGNORECASE)
_DEEPEST = 200  # the parser of Spark takes minutes for thousands, and can do few more


def check_text(path: Path, text: str, parameters: Sequence[str]) -> None:
    """Refuse a text that is nested too deep, or whose parameters are not those of its header.

    Args:
        path: of the query, for messages.
        parameters: of the header, by name.

    Raises:
        DataError: it is, or one is in the text or in the header alone, or twice in the header.

    >>> check_text(Path("q.sql"), "SELECT n FROM t WHERE n < @k", ["k"])
    """

    def emptied(quoted: re.Match[str]) -> str:
        is_comment = not quoted[0].startswith("'")
        return " " if is_comment else "'@'" if "@" in quoted[0] else "''"

    body = _QUOTED.sub(emptied, text)
    steps = (1 if bracket["opens"] else -1 for bracket in _BRACKET.finditer(body))
    if max(accumulate(steps), default=0) > _DEEPEST:
        raise DataError(f"{path}: expected brackets and CASE at most {_DEEPEST} deep, got deeper")
    _check_parameters(path, body, parameters)


def _check_parameters(path: Path, body: str, parameters: Sequence[str]) -> None:
    # Each @name is replaced, wherever it is.
    if "'@'" in body:
        raise DataError(f"{path}: expected no @ within a text, as it begins a parameter, got one")
    times = Counter(parameters)
    found = re.findall(r"@([a-z][a-z0-9_]*)?", body)
    for name in found:
        if name not in times:
            got = f"@{name}" if name else "an @ without a name"
            raise DataError(
                f"{path}: param: expected parameters of the header, got {got}",
                f"the comment at the top needs a line such as: -- param: {name or 'k'} INT64: how many",
            )
    unused = times.keys() - set(found)
    for name in parameters:
        if name in unused or times[name] > 1:
            got = "nowhere" if name in unused else "twice in the header"
            raise DataError(f"{path}: param: expected @{name} in the text, got it {got}")
