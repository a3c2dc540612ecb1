"""Texts of queries: one query, and nothing that the header does not name."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.warehouse.check import check_text


def check(text: str) -> None:
    check_text(Path("cap.sql"), text, {"rows_of_users": (), "users": ()}, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 'me@here' FROM users", "expected no @ within a text"),
        ("SELECT @many FROM users", "param: expected parameters of the header, got @many"),
        ("SELECT @ many FROM users", "param: expected parameters of the header, got an @ without"),
        ("SELECT 1 FROM users;", "expected one query, got a ';'"),
        ("SELECT 1 FROM others", "reads: expected tables of the header .*, got 'others'"),
        ("SELECT 1 FROM users JOIN shop.others ON 1 = 1", "got 'shop.others'"),
        ('SELECT 1 FROM "train.csv"', "got .*train.csv"),
        ("SELECT 1 FROM 'train.csv'", "expected tables of the header"),
        ("SELECT 1 FROM read_csv('train.csv')", r"got 'read_csv\('"),
        ("select 1 from\n  users join rows_of\n  on 1 = 1", "got 'rows_of'"),
    ],
)
def test_a_text_that_its_header_does_not_cover_is_refused(text: str, message: str) -> None:
    with pytest.raises(DataError, match=f"^cap.sql: .*{message}"):
        check(text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 -- don't; FROM others @all\nFROM users",
        "SELECT ';', 'it''s FROM others' FROM users",
        "WITH new AS (SELECT 1 FROM users), b AS (SELECT 2) SELECT 1 FROM new JOIN b ON 1 = 1",
        "SELECT EXTRACT(YEAR FROM t) FROM (SELECT 1 AS t FROM users)",
        "SELECT x FROM users CROSS JOIN UNNEST(many) AS x",
    ],
)
def test_comments_texts_and_names_of_its_own_are_no_matter(text: str) -> None:
    check(text)


@pytest.mark.parametrize(
    ("text", "parameters", "message"),
    [
        ("SELECT @k FROM users", [], "param: expected parameters of the header, got @k"),
        ("SELECT 1 FROM users", ["k"], "param: expected @k in the text, got it nowhere"),
        ("SELECT @k FROM users", ["k", "k"], "expected @k in the text, got it twice in the header"),
    ],
)
def test_the_parameters_are_those_of_the_header(
    text: str, parameters: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        check_text(Path("cap.sql"), text, {"users": ()}, parameters)
    check_text(Path("cap.sql"), "SELECT @k, @k FROM users", {"users": ()}, ["k"])
