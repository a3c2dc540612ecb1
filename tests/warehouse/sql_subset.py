"""The subset of SQL that BigQuery, DuckDB and Spark read alike, as a list of what is allowed.

``faults`` reads a text as tokens; whatever stands in no list is a fault, with the reason. The table of
sql/README.md says the same in words. What the lists cannot see, types and names of columns, is checked
by GoogleSQL's analyzer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mlcore.warehouse.query import Query

__all__ = ["FUNCTIONS", "KEYWORDS", "RESERVED", "faults", "names_of"]

KEYWORDS = frozenset(
    "ALL AND AS BY CASE CROSS DESC DISTINCT ELSE END FROM GROUP HAVING IS JOIN LEFT NULL ON OR "
    "ORDER OVER PARTITION SELECT THEN UNION WHEN WHERE WITH".split()
)
FUNCTIONS = frozenset(
    "ABS AVG COALESCE CONCAT COUNT GREATEST LEAST LN MAX MD5 POWER ROW_NUMBER SIGN SQRT SUBSTR "
    "SUM TO_HEX".split()
)
# Of BigQuery; those of DuckDB come from DuckDB itself, in the tests.
RESERVED = KEYWORDS | frozenset(
    "ANY ARRAY ASC ASSERT_ROWS_MODIFIED AT BETWEEN CAST COLLATE CONTAINS CREATE CUBE CURRENT DEFAULT DEFINE "
    "ENUM ESCAPE EXCEPT EXCLUDE EXISTS EXTRACT FALSE FETCH FOLLOWING FOR FULL GROUPING GROUPS HASH IF "
    "IGNORE IN INNER INTERSECT INTERVAL INTO LATERAL LIKE LIMIT LOOKUP MERGE NATURAL NEW NO NOT NULLS OF "
    "OUTER PRECEDING PROTO QUALIFY RANGE RECURSIVE RESPECT RIGHT ROLLUP ROWS SET SOME STRUCT "
    "TABLESAMPLE TO TREAT TRUE UNBOUNDED UNNEST USING WINDOW WITHIN".split()
)
_WHY_NOT = {
    "%": "no % in BigQuery",
    "//": "no // in BigQuery",
    "::": "no :: in BigQuery",
    "!=": "<> is the one that all have",
    '"': "engines quote names each in their own way",
    "`": "engines quote names each in their own way",
    "FILTER": "three spellings; take SUM(CASE WHEN ...)",
    "COUNTIF": "three spellings; take SUM(CASE WHEN ...)",
    "CAST": "no name of a type is known to all; x * 1e0 is a FLOAT64",
    "LOG": "LOG is ln in one engine and log10 in another, with its arguments in either order",
    "LOG2": "no LOG2 in BigQuery; take LN(x) / LN(2)",
    "QUALIFY": "not in older Spark; take a subquery",
    "LIMIT": "which rows come first is not defined without an order",
    "UNNEST": "positions count from 0 or from 1",
    "USING": "take ON: which of the two columns is meant differs",
    "RECURSIVE": "restricted in each engine in its own way; the runner repeats a query",
    "IN": "NOT IN is NULL beside a NULL; take LEFT JOIN ... WHERE x IS NULL",
    "SEMI": "not in BigQuery",
}
_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<comment>--[^\n]*)|(?P<text>'[^'\n]*')|(?P<parameter>@\w*)"
    r"|(?P<number>[0-9][0-9.]*(?:[eE][+-]?[0-9]+)?)|(?P<word>[^\W0-9]\w*)"
    r"|(?P<sign><>|<=|>=|::|//|!=|\|\||[^\s\w])"
)
_SIGNS = frozenset("+ - * / = <> < > <= >= ( ) , .".split())


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    line: int


def faults(query: Query) -> list[str]:
    """Return what a query does that not all engines do alike, as ``line: what``; none if it is fine."""
    tokens = list(_tokens(query.text))
    told = [*_of_comments(query.text)]
    code = [token for token in tokens if token.kind != "comment"]
    for before, token, after in zip([None, *code], code, [*code[1:], None]):
        why = _fault(before, token, after)
        if why is not None:
            told.append(f"{token.line}: {token.text}: {why}")
    return told + _of_windows(query, code) + _of_names(query, code) + _of_columns(code)


def names_of(text: str) -> set[str]:
    """Return the words of a text that are names."""
    return {token.text for token in _tokens(text) if token.kind == "word" and _is_name(token)}


def _tokens(text: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(text):
        kind = found.lastgroup or ""
        if kind != "space":
            yield _Token(kind, found[0], text.count("\n", 0, found.start()) + 1)


def _is_name(token: _Token) -> bool:
    return token.text == token.text.lower()


def _of_comments(text: str) -> Iterator[str]:
    # Parameters get another sigil by a replacement in the whole text.
    for token in _tokens(text):
        if token.kind == "comment" and "@" in token.text:
            yield f"{token.line}: {token.text}: no @ in comments"
    if "\t" in text or "\r" in text or not text.endswith("\n"):
        yield "1: lines end in LF, the last too, and hold no tabs"


def _fault(before: _Token | None, token: _Token, after: _Token | None) -> str | None:
    follows = "" if after is None else after.text
    if token.kind == "word":
        return _fault_of_word(token, follows)
    if token.kind == "number" and not re.fullmatch(r"[0-9]+|[0-9.]+[eE].*", token.text):
        return "a decimal without exponent is no FLOAT64 in DuckDB and Spark; write 5e-1"
    beside = {token.text for token in (before, after) if token is not None}
    if token.kind == "number" and "/" in beside and "e" not in token.text.lower():
        return "integers divide to an integer in Postgres, SQLite and DataFusion; write 2e0"
    if token.kind == "number" and before is not None and before.text == "BY":
        return "write the column, not its number"
    if token.kind == "text" and not re.fullmatch(r"'[a-z0-9_,]*'", token.text):
        return "texts of other characters are read in different ways"
    if token.kind == "sign" and token.text not in _SIGNS:
        return _WHY_NOT.get(token.text, "not in all engines")
    if token.text == "*" and before is not None and before.text in ("SELECT", ".", "DISTINCT", ","):
        return "write the columns: their order and number may change"
    return None


def _fault_of_word(token: _Token, follows: str) -> str | None:
    word = token.text.upper()
    if word == "UNION" and follows != "ALL":
        return "UNION ALL: BigQuery has no bare UNION"
    if _is_name(token):
        if word in RESERVED or not re.fullmatch(r"[a-z][a-z0-9_]*", token.text):
            return "a reserved word or no name in some engine; keywords are written in capitals"
        return None if follows != "(" else _WHY_NOT.get(word, "no function that all engines have")
    if token.text in FUNCTIONS:
        return None if follows == "(" else "a function stands before its parenthesis"
    if token.text in KEYWORDS:
        return None
    return _WHY_NOT.get(word, "neither a keyword nor a function that all engines have")


def _of_windows(query: Query, code: Sequence[_Token]) -> list[str]:
    nullable = _may_be_missing(query, code)
    told: list[str] = []
    for index, token in enumerate(code):
        if token.text == "OVER":
            window = _parenthesis(code, index + 1)
            words = [each.text for each in window]
            called = _function_before(code, index)
            if called == "ROW_NUMBER" and "ORDER" not in words:
                told.append(
                    f"{token.line}: OVER: which row is first is not defined without ORDER BY"
                )
            if called != "ROW_NUMBER" and "ORDER" in words:
                told.append(f"{token.line}: OVER: with ORDER BY the frame differs between engines")
            told += _nulls(window, nullable)
        if token.text == "ORDER" and not any(
            token in _parenthesis(code, other + 1)
            for other, each in enumerate(code[:index])
            if each.text == "OVER"
        ):
            told.append(f"{token.line}: ORDER: the runner orders the rows, by the header")
    return told


def _may_be_missing(query: Query, code: Sequence[_Token]) -> set[str]:
    """Return the columns that may be NULL wherever they are read and that no condition filters."""
    columns = [column for columns in query.reads.values() for column in columns]
    certain = {column.name for column in columns if not column.nullable}
    filtered: set[str] = set()
    for index, token in enumerate(code):
        if token.text in ("WHERE", "AND"):
            name = index + (3 if code[index + 2].text == "." else 1)
            if code[name + 1].text in ("=", "<", "<=", ">", ">=", "<>"):
                filtered.add(code[name].text)
    return {column.name for column in columns} - certain - filtered


def _parenthesis(code: Sequence[_Token], begin: int) -> Sequence[_Token]:
    depth = 0
    for index in range(begin, len(code)):
        depth += {"(": 1, ")": -1}.get(code[index].text, 0)
        if depth == 0:
            return code[begin : index + 1]
    return code[begin:]


def _function_before(code: Sequence[_Token], index: int) -> str:
    depth = 0
    for place in range(index - 1, 0, -1):
        depth += {")": 1, "(": -1}.get(code[place].text, 0)
        if depth == 0:
            return code[place - 1].text
    return ""


def _nulls(window: Sequence[_Token], nullable: set[str]) -> Iterator[str]:
    covered = 0
    orders = [index for index, token in enumerate(window) if token.text == "ORDER"]
    for index, token in enumerate(window):
        if token.text == "COALESCE":
            covered = index + len(_parenthesis(window, index + 1))
        if orders and index > orders[0] and index > covered and token.text in nullable:
            yield f"{token.line}: {token.text}: NULL comes first or last; order by COALESCE(...)"


def _of_columns(code: Sequence[_Token]) -> list[str]:
    told: list[str] = []
    clauses = [""]  # of each parenthesis that is open
    for index, token in enumerate(code):
        if token.text == "(":
            clauses.append("")
        elif token.text == ")":
            clauses.pop()
        elif token.text in ("SELECT", "FROM"):
            clauses[-1] = token.text
        elif clauses[-1] == "SELECT" and token.text == ".":
            begins = code[index - 2].text in ("SELECT", "DISTINCT", ",")
            if begins and code[index + 2].text in (",", "FROM"):
                column = code[index + 1]
                told.append(
                    f"{column.line}: {column.text}: ClickHouse names it with its table; write AS"
                )
    return told


def _of_names(query: Query, code: Sequence[_Token]) -> list[str]:
    texts = [token.text for token in code]
    made = {texts[i] for i in range(len(texts) - 2) if texts[i + 1 : i + 3] == ["AS", "("]}
    sources = {
        texts[i + 1] for i in range(len(texts) - 1) if texts[i] in ("FROM", "JOIN")
    }  # tables alone: neither parentheses nor lists stand there
    used = {token.text[1:] for token in code if token.kind == "parameter"}
    told = [f"1: @{name}: not in the header" for name in sorted(used - set(query.parameters))]
    told += [
        f"1: @{name}: in the header, not used" for name in sorted(set(query.parameters) - used)
    ]
    tables = set(query.reads)
    told += [f"1: {name}: neither read nor made" for name in sorted(sources - made - tables)]
    told += [f"1: {name}: not used" for name in sorted((made | tables) - sources)]
    told += [f"1: {name}: made, yet it is the name of a table" for name in sorted(made & tables)]
    for i, text in enumerate(texts[:-2]):
        end = i + (4 if texts[i + 2] == "AS" else 2)
        if text == "FROM" and texts[end : end + 1] == [","]:
            told.append(f"{code[i].line}: FROM: one table; the others by JOIN")
    return told
