"""mlcore.files.csv_layout: what separates the fields, by the option, by ``sep=`` or by the header."""

from __future__ import annotations

import pytest

from mlcore.files.csv_layout import CsvLayout, csv_records
from mlcore.files.options import InputOptions


def layout_of(text: str, options: InputOptions = InputOptions()) -> CsvLayout:
    lines = iter(text.splitlines(keepends=True))
    return CsvLayout.of_first_line(lambda: next(lines, ""), ["user_id", "item_id"], options)


@pytest.mark.parametrize(
    ("text", "delimiter", "is_guess"),
    [
        ("user_id,item_id\n", ",", True),
        ("user_id\titem_id\n", "\t", True),
        ("user_id::item_id\n", "::", True),
        ("user_id;item_id;a,b,c,d\n", ";", True),
        ("user;item|x;y\n", ";", True),  # neither has the columns: most fields
        ("user;item,x;y\n", ",", True),  # without the columns, commas stay commas
        ('"user_id;\nitem_id"\n', ",", True),
        ("SEP=|\nuser_id|item_id\n", "|", False),
        ('"sep=;"\r\nuser_id;item_id\r\n', ";", False),
        ("", ",", True),
    ],
)
def test_the_first_line_shows_the_delimiter(text: str, delimiter: str, is_guess: bool) -> None:
    found = layout_of(text)
    assert (found.delimiter, found.is_guess) == (delimiter, is_guess)
    assert found.skipped == (not is_guess) and "=" not in found.line


def test_the_option_wins_over_the_line_of_excel_which_is_skipped_all_the_same() -> None:
    found = layout_of("sep=;\nuser_id|item_id\n", InputOptions(delimiter="|"))
    assert found == CsvLayout("|", 1, "user_id|item_id\n", False)


def test_without_a_header_the_number_of_fields_decides() -> None:
    options = InputOptions(field_names=("user_id", "item_id", "weight"))
    assert layout_of("1::2,5::3\n", options).delimiter == "::"


def test_fields_between_two_characters_have_no_quotes() -> None:
    assert list(csv_records(['"a::b"\n', "\n"], "::")) == [['"a', 'b"'], []]
