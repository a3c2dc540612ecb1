"""Parts of a header: columns, and parameters with the values that they allow."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.warehouse.header import Column, Parameter, Value, parse_parameter, parse_table

PATH = Path("cap.sql")
PARAMETERS = {
    parameter.name: parameter
    for parameter in (
        parse_parameter(PATH, 1, text)
        for text in (
            "how STRING {first|last} = last: which",
            "limit INT64 >= 1 = 50: how many",
            "shift INT64: any",
            "share FRACTION: of whom",
            "factor FLOAT64 >= 0: what counts",
            "exact BOOL = false: whether",
            "seed STRING = 0: of the draw",
        )
    )
}


def test_a_table_has_columns_in_order() -> None:
    assert parse_table(PATH, 1, "t(user_id STRING, weight FLOAT64 = 1.5, n INT64 NULL)") == (
        "t",
        (
            Column("user_id", "STRING"),
            Column("weight", "FLOAT64", default=1.5),
            Column("n", "INT64", nullable=True),
        ),
    )


def test_a_parameter_has_choices_or_a_minimum_a_default_and_a_help() -> None:
    assert PARAMETERS["how"] == Parameter(
        "how", "STRING", "which", choices=("first", "last"), default="last"
    )
    assert PARAMETERS["limit"] == Parameter("limit", "INT64", "how many", minimum=1.0, default="50")
    assert PARAMETERS["share"] == Parameter("share", "STRING", "of whom", is_fraction=True)


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("how", "first", "first"),
        ("limit", 7, 7),
        ("limit", "+7", 7),
        ("limit", str(2**63 - 1), 2**63 - 1),
        ("shift", "-5", -5),
        ("share", "0.25", "40000000"),
        ("share", 0.5, "80000000"),
        ("factor", "1e-3", 0.001),
        ("factor", 2, 2.0),
        ("exact", "true", True),
        ("exact", False, False),
        ("seed", 7, "7"),
    ],
)
def test_a_value_is_converted_by_its_type(name: str, given: Value, value: Value) -> None:
    found = PARAMETERS[name].convert(given, "cap.sql")
    assert (found, type(found)) == (value, type(value))


def test_a_fraction_is_compared_with_the_digits_of_an_md5() -> None:
    threshold = str(PARAMETERS["share"].convert("0.2", "cap.sql"))
    digests = [hashlib.md5(str(number).encode()).hexdigest() for number in range(5000)]
    assert sum(digest < threshold for digest in digests) / 5000 == pytest.approx(0.2, abs=0.02)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("how", "newest", "one of first, last"),
        ("limit", "0", "an integer >= 1"),
        ("limit", "1.5", "an integer >= 1"),
        ("limit", True, "an integer >= 1"),
        ("limit", str(2**63), "an integer below 9223372036854775808"),
        ("limit", "1_000", "an integer >= 1"),
        ("limit", " 5", "an integer >= 1"),
        ("share", "1e-12", "a number above 0 and below 1"),
        ("share", "1", "a number above 0 and below 1"),
        ("share", "nan", "a number above 0 and below 1"),
        ("shift", "-9223372036854775808", "an integer"),
        ("factor", "-1", "a finite number >= 0"),
        ("factor", "inf", "a finite number >= 0"),
        ("exact", "yes", "true or false"),
    ],
)
def test_a_value_that_breaks_its_rule_is_refused(name: str, value: Value, rule: str) -> None:
    shown = repr(value) if isinstance(value, str) else f"'{value}'"
    with pytest.raises(DataError) as caught:
        PARAMETERS[name].convert(value, "cap.sql")
    assert str(caught.value) == f"cap.sql: {name}: expected {rule}, got {shown}"


@pytest.mark.parametrize(
    "text",
    [
        *("t", "t()", "t(n INT)", "t(n INT64, n)", "T(n INT64)", "t(n INT64) "),
        *("t(n FLOAT64 = 1..2)", "t(n FLOAT64 = .)", f"t(n INT64 = {10**15})"),
    ],
)
def test_a_text_that_is_no_table_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"^cap.sql:7: expected a table such as model\("):
        parse_table(PATH, 7, text)


@pytest.mark.parametrize(
    "text",
    [
        *("k INT64", "k TEXT: k", "k INT64 = 1 >= 1: k", "K INT64: k"),
        f"k INT64 >= {10**400}: k",
    ],
)
def test_a_text_that_is_no_parameter_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="^cap.sql:7: param: expected one such as 'k INT64 >= 1"):
        parse_parameter(PATH, 7, text)
