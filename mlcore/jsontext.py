"""Strict JSON in, canonical JSON out.

Python's ``json`` lets a duplicate key win, reads NaN, and writes ``1.0`` and ``1e-07`` where other
languages write ``1`` and ``1e-7``. Files that several languages read and write need one answer:
reading follows RFC 7493 (I-JSON), numbers are written as RFC 8785 (ECMAScript) writes them.
"""

from __future__ import annotations

import json
import math
from typing import Any

__all__ = ["JsonTextError", "format_document", "format_number", "format_string", "parse_json"]


class JsonTextError(ValueError):
    """The text is not strict JSON; the message says what stands there instead."""


def parse_json(text: str) -> Any:
    """Return the value of a JSON text.

    Args:
        text: one JSON value; white space around it is allowed.

    Raises:
        JsonTextError: malformed, a key stands twice in one object, NaN or an infinity, a lone
            surrogate in a string, or nesting too deep for the parser.

    >>> parse_json('{"a": [1, 2.5]}')
    {'a': [1, 2.5]}
    """
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise JsonTextError(_malformed(text, error)) from None
    except RecursionError:
        raise JsonTextError("JSON nested too deeply") from None
    except JsonTextError:
        raise
    except ValueError:  # an integer of more digits than Python converts
        raise JsonTextError("a number of too many digits") from None
    if "\\u" in text:
        _refuse_lone_surrogates(value)
    return value


def _malformed(text: str, error: json.JSONDecodeError) -> str:
    if not text.strip():
        return "an empty text"
    line = f"line {error.lineno}, " if "\n" in text.rstrip() else ""
    reason = error.msg[0].lower() + error.msg[1:]
    return f"invalid JSON ({reason} at {line}character {error.colno})"


def _object_of_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise JsonTextError(f"the key {key!r} twice")
            seen.add(key)
    return result


def _refuse_constant(name: str) -> Any:
    raise JsonTextError(f"{name}, which is not JSON")


def _refuse_lone_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise JsonTextError("a lone surrogate in a string") from None
    except RecursionError:  # writing needs a little more of the stack than reading
        raise JsonTextError("JSON nested too deeply") from None


_DECODER = json.JSONDecoder(object_pairs_hook=_object_of_pairs, parse_constant=_refuse_constant)


def format_number(value: float) -> str:
    """Return the shortest text that reads back as the same float64, as ECMAScript prints it.

    Equals ``JSON.stringify(value)`` of any JavaScript engine, which is what RFC 8785, section
    3.2.2.3, asks for.

    Args:
        value: a finite number.

    Raises:
        ValueError: NaN or an infinity, which JSON does not have.

    >>> [format_number(x) for x in (1.0, 0.75, 1e-7, 0.00001, 1e21, -0.0)]
    ['1', '0.75', '1e-7', '0.00001', '1e+21', '0']
    """
    text = repr(float(value))
    if text.endswith(".0"):
        return "0" if text == "-0.0" else text[:-2]
    # An exponent ("e"), nan or inf ("n"): only there does Python differ from ECMAScript.
    return _reformat(value) if "e" in text or "n" in text else text


def _reformat(value: float) -> str:
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value!r}")
    mantissa, _, exponent_text = format(value, f".{_significant_digits(value) - 1}e").partition("e")
    sign = "-" if mantissa.startswith("-") else ""
    digits = mantissa.lstrip("-").replace(".", "")
    point = int(exponent_text) + 1  # the decimal point stands after this many digits
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if len(digits) <= point <= 21:
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{'+' if point > 0 else '-'}{abs(point - 1)}"


def _significant_digits(value: float) -> int:
    mantissa = repr(value).partition("e")[0].lstrip("-").replace(".", "")
    return max(1, len(mantissa.lstrip("0").rstrip("0")))


def format_string(text: str) -> str:
    """Return a JSON string with only the escapes that JSON demands.

    Args:
        text: well-formed Unicode.

    >>> print(format_string('a"b\\né'))
    "a\\"b\\né"
    """
    return _encode_string(text)


_encode_string = json.JSONEncoder(ensure_ascii=False).encode


def format_document(value: Any) -> str:
    """Return a JSON document for files that people read too: two spaces, keys in given order.

    Args:
        value: dicts with string keys, lists, strings, numbers, booleans and None.

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
    if isinstance(value, float):
        return format_number(value)
    return json.dumps(value, ensure_ascii=False)
