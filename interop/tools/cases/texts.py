"""Section 9, predictions as text: values and what they are written as.

The texts are literals, from no formatter; the bits are those that Python reads in them.
"""

from __future__ import annotations

import struct
from typing import Any

from interop.tools.draft import Draft
from interop.tools.registry import text

# The shortest text of a binary64, in the notation that ECMAScript has for its size.
NUMBERS = """
    0 1 -1 2 10 0.5 0.1 0.2 0.3 0.30000000000000004 0.75 1.5 100 123456789 0.000001 0.0000012
    1e-7 1.2e-7 -1e-7 1.234567890123456e-7 0.00001 0.00012345 0.1111111111111111
    0.3333333333333333 0.6666666666666666 1.0000000000000002 0.9999999999999999
    3.141592653589793 2.718281828459045 1424953923781206.2 333333333.3333332 333333333.33333325
    333333333.3333333 333333333.3333334 333333333.33333343 -0.0000033333333333333333
    9.999999999999997e-7 9007199254740991 9007199254740992 9007199254740994 -9007199254740992
    1000000000000000 10000000000000000 123456789012345680 100000000000000000000
    295147905179352830000 999999999999999700000 999999999999999900000 1e+21 1.1e+21 -1e+21
    1.2345678901234568e+29 9.999999999999997e+22 1e+23 1.0000000000000001e+23 2e+23 1e+100
    1.7976931348623157e+308 -1.7976931348623157e+308 8.98846567431158e+307
    2.2250738585072014e-308 2.225073858507201e-308 1.1125369292536007e-308 5e-324 -5e-324 1e-323
    1.5e-323 9.5367431640625e-7 4.76837158203125e-7 1.1920928955078125e-7 2.384185791015625e-7
    0.10000000149011612 0.30000001192092896 0.699999988079071 3.4028234663852886e+38
    1.1754943508222875e-38 1.401298464324817e-45 1.1579208237309195e+77 1.9636373861190906e-90
    9.007199254740993e+21 18446744073709552000 9223372036854776000 4611686018427388000
    5.764607523034235e-39 0.00006103515625
""".split()

STRINGS = {
    "": '""',
    "a": '"a"',
    "007": '"007"',
    'a"b': '"a\\"b"',
    "a\\b": '"a\\\\b"',
    "a/b": '"a/b"',
    "\b\t\n\f\r": '"\\b\\t\\n\\f\\r"',
    "\0": '"\\u0000"',
    "\x01\x07\x0b\x0e\x1b\x1f": '"\\u0001\\u0007\\u000b\\u000e\\u001b\\u001f"',
    " \x7f\x80\x85\xa0": '" \x7f\x80\x85\xa0"',
    "\u2028\u2029\ufeff\u200b": '"\u2028\u2029\ufeff\u200b"',
    "<a href='x'>&": "\"<a href='x'>&\"",
    "\u00e9 e\u0301": '"\u00e9 e\u0301"',
    "\uff5e\uffff": '"\uff5e\uffff"',
    "\U0001f600\U0010ffff": '"\U0001f600\U0010ffff"',
    "\\u0041": '"\\\\u0041"',
    "__proto__": '"__proto__"',
}


def hexadecimal(number: str) -> str:
    """Return the bits of the number that a text is."""
    return struct.pack(">d", float(number)).hex()


@text("PRD-2")
def numbers(draft: Draft) -> list[dict[str, Any]]:
    """Numbers: where the notation changes, shortest digits, the ends, and -0, which is 0."""
    lines = [{"bits": hexadecimal(number), "text": number} for number in NUMBERS]
    return [*lines, {"bits": "8000000000000000", "text": "0"}]


@text("PRD-3")
def strings(draft: Draft) -> list[dict[str, Any]]:
    """Strings: what is escaped, and what is not."""
    return [{"string": string, "text": written} for string, written in STRINGS.items()]


def listed(item_id: str, number: str, filled: bool = False) -> dict[str, Any]:
    """Return an item of a list."""
    return {"item_id": item_id, "bits": hexadecimal(number), "filled": filled}


@text("PRD-1")
def lists(draft: Draft) -> list[dict[str, Any]]:
    """Lines of predictions: blanks, order of keys, and source only where an item was filled in."""
    return [
        {
            "user_id": "u",
            "items": [listed("a", "0.75"), listed("b", "0", filled=True)],
            "text": '{"user_id": "u", "items": [{"item_id": "a", "score": 0.75}, '
            '{"item_id": "b", "score": 0, "source": "popularity"}]}\n',
        },
        {"user_id": "nobody", "items": [], "text": '{"user_id": "nobody", "items": []}\n'},
        {
            "user_id": '"007"\t',
            "items": [listed("\u00e9", "-1e-7"), listed("\\", "1e+21"), listed("c", "0")],
            "text": '{"user_id": "\\"007\\"\\t", "items": [{"item_id": "\u00e9", "score": -1e-7}, '
            '{"item_id": "\\\\", "score": 1e+21}, {"item_id": "c", "score": 0}]}\n',
        },
    ]


@text("PRD-4 PRD-1 PRD-2 PRD-3")
def explained(draft: Draft) -> list[dict[str, Any]]:
    """Lines with reasons: the key comes last, also after source, and is there when it is empty."""
    return [
        {
            "user_id": "u",
            "items": [
                {
                    **listed("a", "0.75"),
                    "because": [
                        {"item_id": "h", "bits": hexadecimal("0.5")},
                        {"item_id": "k", "bits": hexadecimal("0.25")},
                    ],
                },
                {**listed("b", "0", filled=True), "because": []},
            ],
            "text": '{"user_id": "u", "items": [{"item_id": "a", "score": 0.75, "because": '
            '[{"item_id": "h", "share": 0.5}, {"item_id": "k", "share": 0.25}]}, '
            '{"item_id": "b", "score": 0, "source": "popularity", "because": []}]}\n',
        },
        {
            "user_id": "v",
            "items": [
                {
                    **listed('"', "-1e-7"),
                    "because": [{"item_id": "\\\u00e9\t", "bits": hexadecimal("-1e-7")}],
                },
                {
                    **listed("c", "0"),
                    "because": [
                        {"item_id": "007", "bits": hexadecimal("1e+21")},
                        {"item_id": "7", "bits": hexadecimal("-1e+21")},
                    ],
                },
            ],
            "text": '{"user_id": "v", "items": [{"item_id": "\\"", "score": -1e-7, "because": '
            '[{"item_id": "\\\\\u00e9\\t", "share": -1e-7}]}, {"item_id": "c", "score": 0, "because": '
            '[{"item_id": "007", "share": 1e+21}, {"item_id": "7", "share": -1e+21}]}]}\n',
        },
        {"user_id": "nobody", "items": [], "text": '{"user_id": "nobody", "items": []}\n'},
    ]
