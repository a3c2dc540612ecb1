"""What the words of a text show before BigQuery sees it."""

from __future__ import annotations

import pytest

from mlcore.warehouse.engines.bigquery_reads import find_foreign, find_second_query
from mlcore.warehouse.query import bundled_queries


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("SELECT e.n FROM t AS e JOIN u v ON e.n = v.n", None),
        ("SELECT n FROM t, t.many CROSS JOIN t.more", None),
        ("SELECT EXTRACT(YEAR FROM t.time), SAFE.SUBSTR(a, 1), changes FROM t", None),
        ("SELECT `a b` FROM `t`", None),
        ("SELECT 1 FROM shop.t", "'shop.t'"),
        ("SELECT 1 FROM/**/Shop . T", "'shop.t'"),
        ("SELECT 1 FROM `shop.t`", "'shop.t'"),
        ("SELECT 1 FROM t, `a-b.shop`.t", "'a-b.shop'"),
        ("SELECT 1 FROM t, `shop`.information_schema.tables", "INFORMATION_SCHEMA"),
        ("SELECT 1 FROM External_Query ('a', 'b')", "EXTERNAL_QUERY"),
        (r"SELECT 1 FROM `\x45XTERNAL_QUERY`('a', 'b')", r"'\\x45xternal_query'"),
        ("SELECT 1 FROM APPENDS(TABLE t)", "APPENDS"),
        ("SELECT 1 FROM f(TABLE shop.t)", "'shop.t'"),
        ("SELECT 1 FROM ML.PREDICT(MODEL m, TABLE t)", "ml.predict(...)"),
        ("SELECT shop.f(n) FROM t", "shop.f(...)"),
        ("SELECT a-b.net.f(n), `a`.safe.f(n) FROM t", "net.f(...)"),
        ("SELECT 1 FROM -- t\rExternal_Query ('a', 'b')", "EXTERNAL_QUERY"),
        ("SELECT 1 FROM # t\rshop.t", "'shop.t'"),
        ("SELECT ''' ' ''', \"'\" FROM shop.t # '", "'shop.t'"),
        (r"SELECT 'it\'s', r'\' FROM shop.t' FROM t -- FROM shop.t", None),
        ('SELECT """a"; FROM shop.t""" /* FROM shop.t */ FROM t # FROM shop.t', None),
    ],
)
def test_words_that_reach_elsewhere_are_found(text: str, foreign: str | None) -> None:
    assert find_foreign(text, ["t", "u"]) == foreign


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("SELECT 1; DROP TABLE t", ";"),
        ("SELECT (1)) UNION ALL (SELECT 2", ")"),
        ("SELECT 1 -- of t\r; DROP TABLE t", ";"),
        ("SELECT ';)' /* ;) */ FROM t -- ;)", None),
    ],
)
def test_a_text_is_one_query(text: str, sign: str | None) -> None:
    assert find_second_query(text) == sign


def test_the_queries_of_mlcore_reach_nowhere() -> None:
    for query in bundled_queries():
        assert find_foreign(query.text, query.reads) is None
        assert find_second_query(query.text) is None
