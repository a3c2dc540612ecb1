"""mlcore.jsontext: numbers and strings as RFC 8785 writes them; nothing but strict JSON is read."""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlcore.jsontext import (
    JsonTextError,
    format_document,
    format_number,
    format_numbers,
    format_string,
    parse_json,
)

needs_node = pytest.mark.node
finite = st.floats(allow_nan=False, allow_infinity=False)
well_formed = st.text(st.characters(exclude_categories=["Cs"]))
json_values = st.recursive(
    st.none() | st.booleans() | finite | st.integers(-(2**53) + 1, 2**53 - 1) | well_formed,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(well_formed, inner, max_size=4),
    max_leaves=12,
)


def bits(value: float) -> bytes:
    return struct.pack(">d", value)


def node(script: str, folder: Path) -> str:
    # Through files: a pipe to or from node may be cut or decoded on the way.
    (folder / "script.js").write_text(script)
    done = subprocess.run(["node", "script.js"], cwd=folder, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return (folder / "out.txt").read_bytes().decode()


# --- numbers


# Appendix B of RFC 8785.
RFC_8785_NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize("pattern", RFC_8785_NUMBERS)
def test_numbers_of_rfc_8785_are_written_as_it_says(pattern: str) -> None:
    (value,) = struct.unpack(">d", bytes.fromhex(pattern))
    assert format_number(value) == RFC_8785_NUMBERS[pattern]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_has_no_number_for_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="expected a finite number"):
        format_number(value)


@given(finite)
@example(sys.float_info.max)
@example(sys.float_info.min)
@example(5e-324)
@example(2.0**-1017)  # rounded to 16 digits, as many as it needs, it is another number
def test_a_number_reads_back_bit_for_bit(value: float) -> None:
    text = format_number(value)
    assert bits(float(text)) == bits(value if value else 0.0)  # the sign of zero is not kept
    assert bits(float(parse_json(text))) == bits(value if value else 0.0)


@given(finite)
def test_no_shorter_text_reads_back_as_the_same_number(value: float) -> None:
    digits = format_number(value).lstrip("-").partition("e")[0].replace(".", "").strip("0")
    shorter = max(0, len(digits) - 2)
    assert not digits or float(f"{value:.{shorter}e}") != value or len(digits) <= 1


def many_numbers() -> list[float]:
    rng = np.random.default_rng(8785)
    patterns = rng.integers(0, 2**64, 12_000, dtype=np.uint64).view(np.float64)
    subnormal = rng.integers(1, 2**52, 1_000, dtype=np.uint64).view(np.float64)
    decimal = [float(f"{rng.integers(1, 10**d)}e{e}") for d in (1, 3, 17) for e in range(-330, 290)]
    powers = [float(f"{m}e{e}") for m in (1, -1, 9.5) for e in range(-323, 308)]
    halves = [math.ldexp(1, exponent) for exponent in range(-1074, 1024)]
    near = [
        float(centre) + step * math.ulp(centre)
        for centre in (2**53, 1e21, 1e-6, 1e-7, 1e15, 1e16, 1e17, 1e22, 1e23, 0.1, 1, 10)
        for step in range(-40, 41)
    ]
    whole = rng.integers(-(2**62), 2**62, 1_000).astype(float)
    parts = (patterns, subnormal, decimal, powers, halves, near, whole)
    numbers = [0.0, -0.0, *(float(value) for part in parts for value in part)]
    return [value for value in numbers if math.isfinite(value)]


@needs_node
def test_numbers_are_written_as_javascript_writes_them(tmp_path: Path) -> None:
    numbers = many_numbers()
    assert len(numbers) >= 20_000
    (tmp_path / "numbers.bin").write_bytes(struct.pack(f"<{len(numbers)}d", *numbers))
    script = """
        const fs = require("fs");
        const bytes = fs.readFileSync("numbers.bin");
        const lines = [];
        for (let at = 0; at < bytes.length; at += 8) {
            lines.push(JSON.stringify(bytes.readDoubleLE(at)));
        }
        fs.writeFileSync("out.txt", lines.join("\\n"));
    """
    expected = node(script, tmp_path).split("\n")
    different = [
        (bits(value).hex(), text, format_number(value))
        for value, text in zip(numbers, expected, strict=True)
        if format_number(value) != text
    ]
    assert different == []


def test_numpy_floats_and_integers_are_written_like_python_floats() -> None:
    assert format_number(np.float64(1e-7)) == "1e-7"
    assert format_number(7) == "7"


@given(st.lists(finite | st.sampled_from([0.0, -0.0, 2.0, 1e16, 1e-7, 0.5]), max_size=5))
@example([0.25, 0.5])
@example([3.0])
def test_many_numbers_are_written_as_each_alone(values: list[float]) -> None:
    assert format_numbers(values) == list(map(format_number, values))


def test_very_many_numbers_are_written_as_each_alone() -> None:
    numbers = many_numbers()
    assert format_numbers(iter(numbers)) == list(map(format_number, numbers))
    assert format_numbers(np.array([0.1, 3])) == ["0.1", "3"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_among_many_too_what_json_has_no_number_for_is_refused(value: float) -> None:
    for values in ([value], [0.5, value], [value, 0.5], [0.5, value, 1.0]):
        with pytest.raises(ValueError, match="expected a finite number"):
            format_numbers(values)


# --- strings


def test_strings_have_the_escapes_of_rfc_8785_and_no_others() -> None:
    short = {8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 0x22: '\\"', 0x5C: "\\\\"}
    for code in [*range(0x300), 0x2028, 0x2029, 0xFEFF, 0xFFFF, 0x1F600, 0x10FFFF]:
        escape = short.get(code, f"\\u{code:04x}" if code < 0x20 else chr(code))
        assert format_string(chr(code)) == f'"{escape}"'


@needs_node
def test_every_character_is_written_as_javascript_writes_it(tmp_path: Path) -> None:
    script = """
        let text = "";
        for (let code = 0; code < 0x110000; code++) {
            if (code < 0xD800 || code > 0xDFFF) text += String.fromCodePoint(code);
        }
        require("fs").writeFileSync("out.txt", JSON.stringify(text));
    """
    everything = "".join(map(chr, [*range(0xD800), *range(0xE000, 0x110000)]))
    assert format_string(everything) == node(script, tmp_path)


@given(well_formed)
def test_a_string_reads_back(text: str) -> None:
    assert parse_json(format_string(text)) == text
    assert json.loads(format_string(text)) == text


# --- documents


@given(json_values)
def test_a_document_reads_back(value: Any) -> None:
    text = format_document(value)
    # Above 2**53 a float has the digits of ECMAScript, which Python takes for another integer.
    assert json.loads(text, parse_int=float) == value
    assert parse_json(text) == json.loads(text)
    assert format_document(parse_json(text)) == text
    assert text.endswith("\n") and "\r" not in text


def test_a_document_is_laid_out_for_people() -> None:
    value = {
        "b": {"x": [1, 2.0, "\u00e9\n"], "empty": {}, "none": []},
        "a": [{"k": None}, [True, False]],
        "small": 1e-7,
    }
    assert format_document(value) == (
        "{\n"
        '  "b": {\n'
        '    "x": [1, 2, "\u00e9\\n"],\n'
        '    "empty": {},\n'
        '    "none": []\n'
        "  },\n"
        '  "a": [\n'
        "    {\n"
        '      "k": null\n'
        "    },\n"
        "    [true, false]\n"
        "  ],\n"
        '  "small": 1e-7\n'
        "}\n"
    )


# --- reading


ACCEPTED: dict[str, Any] = {
    "null": None,
    "true": True,
    "-0": 0,
    "1E2": 100.0,
    "1.5e-3": 0.0015,
    "9007199254740993": 2**53 + 1,
    ' \t\r\n{ "a" : [ 1 , { } , [ ] ] } \n': {"a": [1, {}, []]},
    '{"": 1, " ": 2, "A": 3, "a": 4}': {"": 1, " ": 2, "A": 3, "a": 4},
    '"\\ud83d\\ude00 \\u0000 \\/ \\u00e9"': "\U0001f600 \0 / \u00e9",
    '"\u2028\ufeff"': "\u2028\ufeff",
    '{"a": {"k": 1}, "b": {"k": 1}}': {"a": {"k": 1}, "b": {"k": 1}},
    '["\\\\ud800"]': ["\\ud800"],
}


@pytest.mark.parametrize("text", ACCEPTED, ids=ascii)
def test_strict_json_is_read(text: str) -> None:
    found = parse_json(text)
    assert found == ACCEPTED[text]
    assert json.dumps(found) == json.dumps(ACCEPTED[text])  # 1 is not true, and not 1.0


REFUSED = {
    "empty": "",
    "white space": " \n",
    "bom": "\ufeff{}",
    "no-break space": "\u00a0{}",
    "form feed": "\x0c{}",
    "two values": "{} {}",
    "comma after the value": "{},",
    "trailing comma in an array": "[1,]",
    "trailing comma in an object": '{"a": 1,}',
    "missing comma": "[1 2]",
    "unclosed": '{"a": 1',
    "too many closed": "[]]",
    "single quotes": "{'a': 1}",
    "bare key": "{a: 1}",
    "number as key": "{1: 1}",
    "comment": "[1] // one",
    "capital True": "True",
    "undefined": "undefined",
    "NaN": "NaN",
    "NaN inside": '{"a": [NaN]}',
    "Infinity": "Infinity",
    "minus Infinity": "[-Infinity]",
    "plus sign": "+1",
    "leading zero": "01",
    "no digit before the point": ".5",
    "no digit after the point": "1.",
    "empty exponent": "1e",
    "hexadecimal": "0x10",
    "underscore": "1_000",
    "foreign digits": "\u0661",
    "line break in a string": '"a\nb"',
    "tab in a string": '"a\tb"',
    "NUL in a string": '"a\0b"',
    "unclosed string": '"a',
    "unknown escape": '"\\x41"',
    "capital U": '"\\U0041"',
    "short escape": '"\\u41"',
    "lone high surrogate": '"\\ud800"',
    "lone low surrogate": '["\\udc00"]',
    "surrogates in the wrong order": '"\\ude00\\ud83d"',
    "lone surrogate in a key": '{"\\ud800": 1}',
    "key twice": '{"a": 1, "a": 1}',
    "key twice, written differently": '{"a": 1, "\\u0061": 2}',
    "key twice inside": '[{"b": {"x": 1, "y": 2, "x": 3}}]',
    "deep arrays": "[" * 100_000,
    "deep arrays, closed": "[" * 100_000 + "]" * 100_000,
    "deep objects": '{"a":' * 100_000,
    "digits without end": "[" + "1" * 100_000,
}


@pytest.mark.parametrize("name", REFUSED)
def test_anything_else_is_refused_in_one_short_line(name: str) -> None:
    with pytest.raises(JsonTextError) as caught:
        parse_json(REFUSED[name])
    message = str(caught.value)
    assert message and "\n" not in message and len(message) < 200


def test_a_long_key_that_stands_twice_is_not_repeated_in_full() -> None:
    key = "k" * 10_000
    with pytest.raises(JsonTextError, match="twice") as caught:
        parse_json(f'{{"{key}": 1, "{key}": 2}}')
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"k": ', "}")])
def test_nesting_deeper_than_asked_for_is_refused(opening: str, closing: str) -> None:
    for depth in range(1, 6):
        text = opening * depth + "1" + closing * depth
        text = f"{opening}{text}{closing}"
        assert parse_json(text, max_depth=depth + 1) == json.loads(text)
        with pytest.raises(JsonTextError, match="^JSON nested too deeply$"):
            parse_json(text, max_depth=depth)
    assert parse_json("1", max_depth=0) == 1
    with pytest.raises(JsonTextError):
        parse_json(opening + "1" + closing, max_depth=0)


@pytest.mark.parametrize("leaf", ["1", '"\\u0041"', "{}"])
def test_no_depth_gives_another_error(leaf: str) -> None:
    # Where the stack just suffices to read the value, it may not suffice to look at it again.
    limit = sys.getrecursionlimit()
    depths = [*range(1, 100, 9), *range(limit - 120, limit + 20), 5 * limit]
    verdicts = []
    for depth in depths:
        try:
            parse_json("[" * depth + leaf + "]" * depth)
            verdicts.append(True)
        except JsonTextError:
            verdicts.append(False)
    assert verdicts[0]
    assert verdicts == sorted(verdicts, reverse=True)  # deeper is never better


@settings(max_examples=300)
@given(st.text('[]{}:,"\\u0dD8a1-.eEtrufalsn \n', max_size=12))
def test_what_is_read_is_what_the_json_module_reads_of_it(text: str) -> None:
    try:
        expected = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        with pytest.raises(JsonTextError):
            parse_json(text)
        return
    try:
        found = parse_json(text)
    except JsonTextError as error:
        assert any(word in str(error) for word in ("twice", "surrogate"))
        return
    assert repr(found) == repr(expected)


def test_an_integer_of_more_digits_than_python_converts_is_infinite() -> None:
    assert parse_json('{"a": ' + "1" * 5000 + ', "b": -1}') == {"a": math.inf, "b": -1}


def test_numbers_beyond_float64_stay_json() -> None:
    value = parse_json('{"a": 1e400, "b": [-1e400], "c": 1}')
    assert format_document(value) == '{\n  "a": 1e999,\n  "b": [-1e999],\n  "c": 1\n}\n'
    assert format_document(10**5000) == "1e999\n"


@pytest.mark.parametrize("limit", [0, 640, 4300, 10_000])
def test_an_integer_of_too_many_digits_is_infinite_whatever_the_environment(limit: int) -> None:
    before = sys.get_int_max_str_digits()
    try:
        sys.set_int_max_str_digits(limit)
        found = parse_json(f'[{"9" * 4301}, -{"9" * 4301}, {"9" * 900_000}, {"9" * 640}]')
    finally:
        sys.set_int_max_str_digits(before)
    assert found == [math.inf, -math.inf, math.inf, int("9" * 640)]
    assert parse_json("9" * 4300) == int("9" * 4300)


def test_a_document_writes_numbers_that_float64_does_not_hold_as_one_that_json_has() -> None:
    held = 2**1024 - 2**970 - 1  # which rounds to the greatest float64
    values = parse_json(f'[1{"0" * 400}, -{"9" * 5000}, 1e400, {held}, {held + 1}]')
    assert format_document(values) == f"[1e999, -1e999, 1e999, {held}, 1e999]\n"


def test_time_grows_with_the_digits() -> None:
    begun = time.process_time()
    for text in ("9" * 10**6, "9" * 4300 + ("," + "9" * 4300) * 200, "0." + "9" * 10**6):
        parse_json(f"[{text}]")
    assert time.process_time() - begun < 1


def test_a_text_has_at_most_so_many_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcore.jsontext.MAX_VALUES", 6)
    for text in (
        '[1, 2, {"a": [3]}]',
        "[" * 6 + "]" * 6,
        '[",,,,,,,,[[[[[[[["]',
        '{"a": [[], {}, "", 1]}',
    ):
        parse_json(text)
    for text in ('[1, 2, {"a": [3, 4]}]', "[" * 7 + "]" * 7, '{"a": [[], {}, "", 1, 2]}'):
        with pytest.raises(JsonTextError, match="^JSON of too many values$"):
            parse_json(text)
