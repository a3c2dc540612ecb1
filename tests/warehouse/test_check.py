"""Texts of queries: their parameters are those of the header, and they are not too deep."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.warehouse.check import check_text


@pytest.mark.parametrize(
    ("text", "parameters", "message"),
    [
        ("SELECT 'me@here' FROM users", [], "expected no @ within a text"),
        ("SELECT @many FROM users", [], "param: expected parameters of the header, got @many"),
        ("SELECT @ many FROM users", ["many"], "expected parameters of the header, got an @ with"),
        ("SELECT 1 FROM users", ["k"], "param: expected @k in the text, got it nowhere"),
        ("SELECT 1 -- one\r+ @k FROM users", [], "expected parameters of the header, got @k"),
        ("SELECT @k FROM users", ["k", "k"], "expected @k in the text, got it twice in the header"),
    ],
)
def test_the_parameters_are_those_of_the_header(
    text: str, parameters: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=f"^cap.sql: .*{message}"):
        check_text(Path("cap.sql"), text, parameters)


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("SELECT @k, @k FROM users", ["k"]),
        ("SELECT 1 -- don't; @all\nFROM users", []),
        ("SELECT 1 /* don't; @all */ FROM users", []),
    ],
)
def test_comments_are_no_matter(text: str, parameters: list[str]) -> None:
    check_text(Path("cap.sql"), text, parameters)


@pytest.mark.parametrize(
    ("opens", "closes"), [("(", ")"), ("[", "]"), ("(SELECT ", ")"), ("CASE WHEN 1 THEN ", " END")]
)
def test_a_text_is_only_so_deep(opens: str, closes: str) -> None:
    def nested(depth: int) -> str:
        return "SELECT " + opens * depth + "1" + closes * depth

    check_text(Path("q.sql"), nested(200), [])
    check_text(Path("q.sql"), "SELECT " + ", ".join([opens + "1" + closes] * 1000), [])
    with pytest.raises(DataError, match="^q.sql: expected brackets and CASE at most 200 deep, got"):
        check_text(Path("q.sql"), nested(201), [])
