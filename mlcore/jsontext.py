"""Strict JSON in, canonical JSON out.

Python's ``json`` lets a duplicate key win, reads NaN, and writes ``1.0`` and ``1e-07`` for what
other languages write as ``1`` and ``1e-7``. Files for several languages need one answer: read by
RFC 7493 (I-JSON), write numbers by RFC 8785 (ECMAScript).
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlcore.limits import MAX_DEPTH, MAX_DIGITS, MAX_VALUES

__all__ = [
    "JsonTextError",
    "format_document",
    "format_line",
    "format_number",
    "format_numbers",
    "format_string",
    "leaves",
    "parse_json",
]


class JsonTextError(ValueError):
    """The text is not strict JSON; the message says what it is instead."""


def parse_json(text: str, max_depth: int = MAX_DEPTH) -> Any:
    """Return the value of a JSON text, which may have white space around it.

    An integer of more than ``MAX_DIGITS`` digits is infinite, as any number is that no float64 holds
    and that is not written as an integer.

    Args:
        max_depth: of nested arrays and objects, 1 for the outermost.

    Raises:
        JsonTextError: malformed, a key twice in one object, NaN or an infinity, a lone surrogate
            in a string, nested too deeply, or more than ``MAX_VALUES``.

    >>> parse_json('{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    """
    try:
        value = _decode(text)
    except json.JSONDecodeError as error:
        raise JsonTextError(_malformed(text, error)) from None
    except RecursionError:
        raise JsonTextError("JSON nested too deeply") from None
    containers = text.count("[") + text.count("{")
    if containers > max_depth or containers + text.count(",") >= MAX_VALUES:
        _refuse_large(value, max_depth)
    if "\\u" in text:
        _refuse_lone_surrogates(value)
    return value


def _decode(text: str) -> Any:
    if sys.get_int_max_str_digits() == MAX_DIGITS:  # another one takes long, or converts less
        try:
            return _DECODER.decode(text)
        except (json.JSONDecodeError, JsonTextError):
            raise
        except ValueError:  # an integer of more digits, perhaps of no interest
            pass
    return _HUGE_DECODER.decode(text)


def _malformed(text: str, error: json.JSONDecodeError) -> str:
    if not text.strip():
        return "nothing"
    line = f"line {error.lineno}, " if "\n" in text.rstrip() else ""
    reason = error.msg[0].lower() + error.msg[1:]
    return f"invalid JSON ({reason} at {line}character {error.colno})"


def _object_of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise JsonTextError(f"the key {key[:60]!r} twice")
            seen.add(key)
    return result


def _refuse_constant(name: str) -> Any:
    raise JsonTextError(f"{name}, which is not JSON")


def _refuse_large(value: Any, max_depth: int) -> None:
    level, num_values = [value], 0
    for _ in range(max_depth + 1):
        num_values += len(level)
        if num_values > MAX_VALUES:
            raise JsonTextError("JSON of too many values")
        containers = [item for item in level if isinstance(item, (dict, list))]
        if not containers:
            return
        level = [
            inner
            for outer in containers
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    raise JsonTextError("JSON nested too deeply")


def _refuse_lone_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise JsonTextError("a lone surrogate in a string") from None
    except RecursionError:  # writing needs a little more of the stack than reading
        raise JsonTextError("JSON nested too deeply") from None


def _parse_integer(text: str) -> int | float:
    if len(text.removeprefix("-")) > MAX_DIGITS:
        return -math.inf if text[0] == "-" else math.inf
    try:
        return int(text)
    except ValueError:  # where the environment sets another limit
        return float(text)


_DECODER = json.JSONDecoder(object_pairs_hook=_object_of_pairs, parse_constant=_refuse_constant)
_HUGE_DECODER = json.JSONDecoder(
    object_pairs_hook=_object_of_pairs,
    parse_constant=_refuse_constant,
    parse_int=_parse_integer,
)


def format_number(value: float) -> str:
    """Return the shortest text that reads back as the same float64, as ECMAScript prints it.

    Equals ``JSON.stringify(value)`` of any JavaScript engine, as RFC 8785, section 3.2.2.3, demands.

    Raises:
        ValueError: NaN or an infinity, which JSON does not have.

    >>> [format_number(x) for x in (1.0, 0.75, 1e-7, 0.00001, 1e21, -0.0)]
    ['1', '0.75', '1e-7', '0.00001', '1e+21', '0']
    """
    return _to_ecmascript(repr(float(value)))


def format_numbers(values: Iterable[float]) -> list[str]:
    """Return ``format_number`` of each, faster for many.

    Raises:
        ValueError: NaN or an infinity, which JSON does not have.

    >>> format_numbers([0.75, 1e-7])
    ['0.75', '1e-7']
    """
    text = repr(list(map(float, values)))[1:-1]
    if not text:
        return []
    numbers = text.split(", ")
    # Sums of many products are hardly ever integers or have exponents.
    if ".0, " in text or text.endswith(".0") or "e" in text or "n" in text:
        return list(map(_to_ecmascript, numbers))
    return numbers


def _to_ecmascript(text: str) -> str:
    """Return what ECMAScript prints for a float, given its ``repr``."""
    if text.endswith(".0"):
        return "0" if text == "-0.0" else text[:-2]
    # Python differs from ECMAScript only in exponents ("e"), nan and inf ("n").
    return _reformat(text) if "e" in text or "n" in text else text


def _reformat(text: str) -> str:
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        raise ValueError(f"expected a finite number, got {text}")
    sign = "-" if mantissa.startswith("-") else ""
    # Not rounded anew: for some powers of two, as many digits would give another number.
    digits = mantissa.lstrip("-").replace(".", "")
    point = int(exponent) + 1  # digits before the decimal point
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if len(digits) <= point <= 21:
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def format_string(text: str) -> str:
    """Return a JSON string of well-formed Unicode, with only the escapes that JSON demands.

    >>> print(format_string('a"b\\né'))
    "a\\"b\\né"
    """
    return _encode_string(text)


_encode_string = json.JSONEncoder(ensure_ascii=False).encode


def format_document(value: Any) -> str:
    """Return a JSON document for people too: indented by two spaces, keys in given order.

    >>> print(format_document({"a": 1.0, "b": []}), end="")
    {
      "a": 1,
      "b": []
    }
    """
    return _format(value, "\n") + "\n"


def _format(value: Any, newline: str) -> str:
    inner = newline + "  "
    if isinstance(value, dict) and value:
        parts = [f"{format_string(key)}: {_format(item, inner)}" for key, item in value.items()]
        return "{" + inner + f",{inner}".join(parts) + newline + "}"
    if isinstance(value, (list, tuple)) and any(isinstance(item, (dict, list)) for item in value):
        return (
            "[" + inner + f",{inner}".join(_format(item, inner) for item in value) + newline + "]"
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_format(item, inner) for item in value) + "]"
    if isinstance(value, float) and math.isfinite(value):
        return format_number(value)
    if isinstance(value, (int, float)) and not _is_held(value):
        return "-1e999" if value < 0 else "1e999"  # a number that JSON has, and no float64
    return json.dumps(value, ensure_ascii=False)


def _is_held(value: float) -> bool:
    """Return whether float64 holds a number, perhaps rounded."""
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def format_line(value: Any) -> str:
    """Return a JSON value on one line, keys in given order, without a line feed.

    >>> print(format_line({"a": 1.0, "b": [None, "x"]}))
    {"a": 1, "b": [null, "x"]}
    """
    if isinstance(value, dict):
        pairs = (f"{format_string(key)}: {format_line(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(format_line, value)) + "]"
    return _format(value, "")


def leaves(document: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value of nested objects with its dotted key, in their order.

    >>> list(leaves({"similarity": {"name": "cosine"}, "shrinkage": 0}))
    [('similarity.name', 'cosine'), ('shrinkage', 0)]
    """
    for key, value in document.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
