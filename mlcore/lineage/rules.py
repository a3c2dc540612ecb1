"""Rules of the values in a line of the lineage."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from mlcore.errors import DataError, shorten_json
from mlcore.parameters import Rule, condition, convert_value, integer

__all__ = ["COMMIT", "COUNT", "LIST", "OBJECT", "SHA256", "TEXT", "TIME", "VALUES", "check_object"]

COUNT = integer(minimum=0, below=2**63)
TEXT = condition("a text", lambda value: isinstance(value, str) and value != "")
SHA256 = condition("a SHA-256 in hexadecimal", lambda value: _matches(r"[0-9a-f]{64}", value))
COMMIT = condition(  # of SHA-1, of SHA-256
    "the id of a commit", lambda value: _matches(r"[0-9a-f]{40}|[0-9a-f]{64}", value)
)
TIME = condition(
    "a time such as 2026-01-31T12:00:00Z",
    lambda value: _matches(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value),
)
VALUES = condition(
    "an object of texts, numbers, true and false",
    lambda value: isinstance(value, dict)
    and all(isinstance(one, (str, int, float)) for one in value.values()),
)
LIST = condition("a list", lambda value: isinstance(value, list))
OBJECT = condition("an object", lambda value: isinstance(value, dict))


def check_object(rules: Mapping[str, Rule], value: object, place: str) -> dict[str, Any]:
    """Return a JSON object that has exactly the keys of the rules, in their order.

    Args:
        place: file and line number, for messages.

    Raises:
        DataError: it has others, or a value breaks its rule.

    >>> check_object({"rows": COUNT}, {"rows": 3}, "lineage.jsonl:1")
    {'rows': 3}
    """
    if not isinstance(value, dict) or list(value) != list(rules):
        got = ", ".join(value) if isinstance(value, dict) else shorten_json(value)
        raise DataError(f"{place}: expected an object with {', '.join(rules)}, got {got}")
    return {
        key: convert_value(rule, value[key], f"{place}: {key}", shorten_json, DataError)
        for key, rule in rules.items()
    }


def _matches(pattern: str, value: object) -> bool:
    return isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII) is not None
