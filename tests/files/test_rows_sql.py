"""mlcore.files.rows_sql: SQL of DuckDB gives what Python gives, or NULL."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from mlcore.files.database import Database
from mlcore.files.duckdb_input import GREATEST_TIME, LEAST_TIME
from mlcore.files.options import InputOptions
from mlcore.files.plain import Dialect
from mlcore.files.rows_sql import csv_rows, json_rows, quote_path, quote_sql, time_from_text
from mlcore.files.values import parse_timestamp
from tests.files.samples import (
    TIMESTAMPS,
)


def test_times_are_those_of_python(tmp_path: Path) -> None:
    draw = random.Random(0)
    texts = [text for text, _ in TIMESTAMPS]
    while len(texts) < 5000:
        text = draw.choice(texts[: len(TIMESTAMPS)])
        place = draw.randrange(len(text))
        texts.append(text[:place] + draw.choice("0123456789:-+.TZtz ") + text[place + 1 :])
    values = ", ".join(f"({row}, {quote_sql(text)})" for row, text in enumerate(texts))
    with Database(threads=1) as database:
        found = database.rows(
            f"SELECT {time_from_text('text')} FROM (VALUES {values}) t(row, text) ORDER BY row"
        )
    sure = 0
    for text, (microseconds,) in zip(texts, found):
        if microseconds is None or not LEAST_TIME <= microseconds <= GREATEST_TIME:
            assert text not in dict(TIMESTAMPS)  # rare spellings only are left to Python
        else:
            sure += 1
            assert microseconds == parse_timestamp(text), text
    assert 1000 < sure < 4000


def evaluate(expression: str) -> object:
    with Database(threads=1) as database:
        return database.rows(f"SELECT {expression}")[0][0]


@pytest.mark.parametrize("text", ["it's", "''", "\\", "$1", "a\nb", "--", "\u00e9", '"; DROP'])
def test_a_literal_is_the_text(text: str) -> None:
    assert evaluate(quote_sql(text)) == text


def test_a_path_is_one_file_and_no_pattern(tmp_path: Path) -> None:
    for name in ("a*.txt", "ab.txt"):
        (tmp_path / name).write_text(name)
    text = f"(SELECT string_agg(content) FROM read_text({quote_path(tmp_path / 'a*.txt')}))"
    assert evaluate(text) == "a*.txt"


HEADERS: dict[str, tuple[Dialect, bool]] = {
    "all columns": (Dialect("weight,item_id,x,user_id", 3, 9, "\n", False), True),
    "quoted": (Dialect('"user_id",item_id', 2, 2, "\n", True), True),
    "no item": (Dialect("user_id,weight", 3, 3, "\n", False), False),
    "a column twice": (Dialect("user_id,item_id,weight,weight", 2, 6, "\n", False), False),
    "no rows": (Dialect("user_id,item_id", 1, 1, "\n", False), False),
    "ragged": (Dialect("user_id,item_id", 3, 4, "\n", False), False),
    "open quote": (Dialect('user_id,"item_id', 2, 2, "\n", True), False),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_csv_file_has_rows_if_its_header_and_counts_fit(name: str) -> None:
    dialect, fits = HEADERS[name]
    rows = csv_rows("a.csv", dialect, False, InputOptions())
    assert (rows is not None) == fits
    if rows is not None:
        assert rows.count == dialect.lines - 1


@pytest.mark.parametrize(
    "line",
    [
        "",
        "[1]",
        '{"user_id": "a"}',
        '{"user_id": 7, "item_id": "a"}',
        '{"user_id": "a", "item_id": []}',
    ],
)
def test_a_first_line_that_is_no_flat_object_of_ids_has_no_rows(line: str) -> None:
    assert (
        json_rows("a.jsonl", Dialect(line, 1, line.count('"'), "\n", False), False, InputOptions())
        is None
    )
