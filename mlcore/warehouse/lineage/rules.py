"""What each key of a record may hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["RULES", "FieldRule"]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # of SHA-1, of SHA-256
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


@dataclass(frozen=True)
class FieldRule:
    """What a value may be.

    Attributes:
        expected: the rule in words, as it stands in an error message.
        allows: whether a value from JSON is such a one.
    """

    expected: str
    allows: Callable[[Any], bool]

    def or_null(self) -> FieldRule:
        """Return the rule that allows null too.

        >>> FieldRule("a text", lambda value: isinstance(value, str)).or_null().allows(None)
        True
        """
        allows = self.allows
        return FieldRule(f"{self.expected} or null", lambda value: value is None or allows(value))


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


_TEXT = FieldRule("a text", lambda value: isinstance(value, str) and value != "")
_SHA = FieldRule("a SHA-256 in hexadecimal", _matches(_SHA256))
_ID = FieldRule("the id of a commit", _matches(_COMMIT))
_TIME = FieldRule("a time such as 2026-01-31T12:00:00Z", _matches(_MOMENT))
_BOOL = FieldRule("true or false", lambda value: isinstance(value, bool))
_COUNT = FieldRule("a whole number >= 0", _is_count)
_NAMES = FieldRule(
    "a list of texts",
    lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
)
_VALUES = FieldRule(
    "an object of texts, numbers, true and false",
    lambda value: isinstance(value, dict)
    and all(isinstance(one, (str, int, float)) for one in value.values()),
)
_LIST = FieldRule("a list", lambda value: isinstance(value, list))
_OBJECT = FieldRule("an object", lambda value: isinstance(value, dict))

_OF_DATA = {
    "file": _TEXT.or_null(),
    "stored": _TEXT.or_null(),
    "format": _TEXT.or_null(),
    "bytes": _COUNT.or_null(),
    "sha256": _SHA.or_null(),
    "columns": _NAMES,
}
_BY_CLASS = {
    "Input": {"table": _TEXT, "rows": _COUNT.or_null(), **_OF_DATA},
    "Output": {"rows": _COUNT, **_OF_DATA},
    "LineageRecord": {
        "query": _TEXT,
        "query_sha256": _SHA,
        "commit": _ID.or_null(),
        "committed": _BOOL.or_null(),
        "dirty": _BOOL.or_null(),
        "engine": _TEXT,
        "engine_version": _TEXT,
        "params": _VALUES,
        "inputs": _LIST,
        "output": _OBJECT,
        "statistics": _VALUES,
        "created_at": _TIME,
        "tool": _TEXT,
    },
}
# By class and key.
RULES = {(name, key): rule for name, rules in _BY_CLASS.items() for key, rule in rules.items()}
