"""JSON Schema by the keywords that ours use, for the tests: written from the specification alone."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any

__all__ = ["is_valid"]

TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "integer": lambda value: TYPES["number"](value)
    and math.isfinite(value)
    and value == int(value),
}


def same(one: Any, other: Any) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


# One line a keyword: the value, what the schema says, and the rest of the schema.
KEYWORDS: dict[str, Callable[[Any, Any, dict[str, Any], dict[str, Any]], bool]] = {
    "type": lambda value, name, _, __: TYPES[name](value),
    "const": lambda value, constant, _, __: same(value, constant),
    "enum": lambda value, choices, _, __: any(same(value, choice) for choice in choices),
    "minimum": lambda value, bound, _, __: not TYPES["number"](value) or value >= bound,
    "maximum": lambda value, bound, _, __: not TYPES["number"](value) or value <= bound,
    "exclusiveMinimum": lambda value, bound, _, __: not TYPES["number"](value) or value > bound,
    "exclusiveMaximum": lambda value, bound, _, __: not TYPES["number"](value) or value < bound,
    "pattern": lambda value, text, _, __: not isinstance(value, str)
    or bool(re.search(text, value)),
    "minLength": lambda value, bound, _, __: not isinstance(value, str) or len(value) >= bound,
    "maxLength": lambda value, bound, _, __: not isinstance(value, str) or len(value) <= bound,
    "minItems": lambda value, bound, _, __: not isinstance(value, list) or len(value) >= bound,
    "maxItems": lambda value, bound, _, __: not isinstance(value, list) or len(value) <= bound,
    "items": lambda value, inner, _, root: not isinstance(value, list)
    or all(is_valid(item, inner, root) for item in value),
    "required": lambda value, keys, _, __: not isinstance(value, dict) or value.keys() >= {*keys},
    "properties": lambda value, inner, _, root: not isinstance(value, dict)
    or all(is_valid(value[key], inner[key], root) for key in value.keys() & inner.keys()),
    "additionalProperties": lambda value, _, schema, __: not isinstance(value, dict)
    or value.keys() <= schema["properties"].keys(),
    "dependentRequired": lambda value, keys, _, __: all(
        key not in value or value.keys() >= {*others} for key, others in keys.items()
    ),
    "allOf": lambda value, inner, _, root: all(is_valid(value, part, root) for part in inner),
    "anyOf": lambda value, inner, _, root: any(is_valid(value, part, root) for part in inner),
    "oneOf": lambda value, inner, _, root: sum(is_valid(value, part, root) for part in inner) == 1,
    "contains": lambda value, inner, _, root: not isinstance(value, list)
    or any(is_valid(item, inner, root) for item in value),
    "if": lambda value, inner, schema, root: not is_valid(value, inner, root)
    or is_valid(value, schema["then"], root),
    "$ref": lambda value, name, _, root: is_valid(
        value, root["$defs"][name.removeprefix("#/$defs/")], root
    ),
}


def is_valid(value: Any, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Return whether a value is as a JSON Schema says, by the keywords that ours use."""
    rest = schema.keys() - {"$schema", "$defs", "title", "description", "default", "then"}
    return all(KEYWORDS[key](value, schema[key], schema, root) for key in rest)
