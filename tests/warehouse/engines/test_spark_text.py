"""What Spark's parser shows of a text; tests/attacks has texts that run and texts that do not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.warehouse.engines import Spark, SparkOptions
from mlcore.warehouse.query import bundled_queries, parse_query
from tests.warehouse.spark_cluster import QUICK_JAVA


@pytest.fixture(scope="module")
def engine() -> Iterator[Spark]:
    with Spark(SparkOptions("local[1]", QUICK_JAVA)) as opened:
        yield opened


def check(engine: Spark, text: str) -> None:
    header = b"-- q: one.\n-- reads: t(a INT64)\n-- writes: w(n INT64)\n"
    engine.check(parse_query(Path("q.sql"), header + text.encode()))


@pytest.mark.parametrize(
    ("text", "foreign"),
    [
        ("FROM other SELECT a", "'other'"),
        ("SELECT * FROM csv.`/etc/passwd`", "'csv./etc/passwd'"),
        ("SELECT (SELECT (SELECT max(b) FROM other) FROM t) FROM t", "'other'"),
        ("SELECT CASE WHEN EXISTS (SELECT b FROM other) THEN 1 END FROM t", "'other'"),
        ("SELECT a FROM t LIMIT (SELECT 1 FROM other)", "'other'"),
        ("SELECT * FROM VALUES ((SELECT 1 FROM other)) AS x(y)", "'other'"),
        ("SELECT * FROM explode(array((SELECT a FROM other)))", "'other'"),
        ("SELECT a FROM t LATERAL VIEW explode(array((SELECT b FROM other))) x", "'other'"),
        ("SELECT a FROM t, LATERAL (SELECT * FROM other)", "'other'"),
        ("WITH x AS (SELECT * FROM y), y AS (SELECT 1) SELECT * FROM x", "'y'"),
        ("WITH x AS (SELECT * FROM x) SELECT * FROM x", "'x'"),
        ("SELECT max(a) OVER w FROM t WINDOW w AS (ORDER BY (SELECT 1))", "a query where"),
        ("FROM t |> SET a = reflect('a', 'b')", "reflect(...)"),
        ("FROM t |> SET a = (SELECT max(b) FROM other)", "a query where"),
        ("SELECT a FROM t WHERE IDENTIFIER('re' || 'flect')('a', 'b') = 'c'", "IDENTIFIER(...)"),
        ("SELECT max(a) OVER w FROM t WINDOW w AS (ORDER BY reflect('a'))", "reflect(...)"),
        ("SELECT `a, b`(1) FROM t", "a.b(...)"),
        ("SELECT a FROM t LATERAL VIEW shop.explode(array(1)) x", "shop.explode(...)"),
        ("SELECT a FROM t LATERAL VIEW own(1) x", "own(...)"),
        ("SELECT * FROM shop.range(3)", "shop.range(...)"),
        ("SELECT TRANSFORM(a) USING 'cat' FROM t", "ScriptTransformation"),
    ],
)
def test_what_a_text_reads_besides_its_tables_is_found(
    engine: Spark, text: str, foreign: str
) -> None:
    with pytest.raises(DataError) as caught:
        check(engine, text)
    assert f"header and nothing else, got {foreign}" in str(caught.value)


def test_a_text_that_java_cannot_hold_is_refused_in_one_line(engine: Spark) -> None:
    with pytest.raises(DataError, match="^q.sql: expected what spark can run, got [^\n]*$"):
        check(engine, "SELECT " + "- " * 20_000 + "1 AS n")


def test_the_queries_of_mlcore_stay_within_their_tables(engine: Spark) -> None:
    for query in bundled_queries():
        engine.check(query)


def test_a_path_is_a_table_for_the_command_line_but_for_no_text(
    engine: Spark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "t.parquet")
    engine._session.range(3).withColumnRenamed("id", "a").write.parquet(path)
    header = b"-- q: one.\n-- reads: t(a INT64)\n-- writes: w(n INT64)\n"
    query = parse_query(Path("q.sql"), header + b"SELECT max(a) AS n FROM t")
    hidden = parse_query(
        Path("q.sql"), header + f"SELECT max(a) AS n FROM parquet.`{path}`".encode()
    )
    monkeypatch.setattr(Spark, "_find_foreign", lambda self, query: None)
    for _ in range(2):
        engine.attach("t", query.reads["t"], f"parquet.`{path}`")
        (part,) = engine.run(query, {}).parts
        assert part["n"].tolist() == [2]
        with pytest.raises(DataError, match="q.sql: expected what spark can run, got"):
            engine.run(hidden, {})
