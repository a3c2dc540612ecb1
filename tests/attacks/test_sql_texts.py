"""Texts of queries that reach beyond their tables: refused by every engine, before anything runs.

Nothing is read, nothing written, with and without ``--dry-run``; texts that stay within run.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cli.run_sql
from mlcore.errors import DataError
from mlcore.warehouse.engines.base import Engine
from mlcore.warehouse.query import Query, parse_query

SECRET = "the-secret-of-another-file"
HEADER = """\
-- q: counts rows.
--
-- reads: t(a STRING, b INT64)
-- reads: u(b INT64)
-- writes: w(n INT64)
"""
# FOLDER is where the files are.
ANYWHERE = [
    "SELECT count(*) AS n FROM other",
    "SELECT b AS n FROM t JOIN/**/other ON true",
    "SELECT b AS n FROM t, other",
    "SELECT (SELECT max(b) FROM other) AS n FROM t",
    "SELECT b AS n FROM t WHERE EXISTS (SELECT 1 FROM other)",
    "SELECT b AS n FROM t ORDER BY (SELECT max(b) FROM other)",
    "SELECT b AS n FROM t UNION ALL SELECT b FROM other",
    "WITH a AS (SELECT n FROM other), other AS (SELECT 1 AS n) SELECT n FROM a",
    "SELECT n FROM (WITH other AS (SELECT 1 AS n) SELECT n FROM other) AS x, other",
    "SELECT b AS n FROM t; SELECT b AS n FROM u",
    "SELECT b AS n FROM t) UNION ALL (SELECT b FROM u",
    "SELECT 1 AS n; DROP TABLE t",
    "INSERT INTO t VALUES ('x', 1)",
    "CREATE TABLE other AS SELECT 1 AS n",
    "SELECT count(*) AS n FROM information_schema.tables",
]
DUCKDB = [
    "SELECT count(*) AS n FROM t, read_text('FOLDER/secret.csv')",
    "SELECT b AS n FROM t JOIN/**/read_text('FOLDER/secret.csv') ON true",
    "SELECT count(*) AS n FROM 'FOLDER/secret.csv'",
    'SELECT count(*) AS n FROM "FOLDER/secret.csv"',
    'SELECT n FROM (WITH "secret.csv" AS (SELECT 1 AS n) FROM "secret.csv"), "secret.csv"',
    'WITH RECURSIVE "secret.csv" AS (FROM "secret.csv") SELECT count(*) AS n FROM "secret.csv"',
    "SELECT $$'$$ AS x, count(*) AS n FROM read_csv('FOLDER/secret.csv') -- '",
    "SELECT 1 AS \"n;\"; COPY (SELECT 1) TO 'FOLDER/new.csv'",
    "SELECT $$'$$ AS x; COPY (SELECT 1) TO 'FOLDER/new.csv'; --'",
    "COPY (SELECT 1 AS n) TO 'FOLDER/new.csv'",
    "WITH x AS (COPY t TO 'FOLDER/new.csv') SELECT 1 AS n",
    "WITH x AS (INSERT INTO t VALUES ('x', 1) RETURNING b) SELECT b AS n FROM x",
    "SELECT count(*) AS n FROM glob('FOLDER/*')",
    "SELECT count(*) AS n FROM sniff_csv('FOLDER/secret.csv')",
    "SELECT count(*) AS n FROM read_blob('FOLDER/secret.csv')",
    "SELECT count(*) AS n FROM parquet_metadata('FOLDER/secret.parquet')",
    "SELECT count(*) AS n FROM query('SELECT 1')",
    "SELECT count(*) AS n FROM query_table('t')",
    "SELECT count(*) AS n FROM t LIMIT (SELECT count(*) FROM read_text('FOLDER/secret.csv'))",
    "SELECT json_serialize_plan('FROM read_csv(''FOLDER/secret.csv'')')::VARCHAR::INT AS n",
    "SELECT length(getenv('HOME')) AS n",
    "SELECT length(current_setting('temp_directory')) AS n",
    "SELECT count(*) AS n FROM duckdb_settings()",
    "SELECT count(*) AS n FROM duckdb_secrets()",
    "SELECT count(*) AS n FROM pragma_database_size()",
    "SELECT count(*) AS n FROM main.t",
    "SELECT count(*) AS n FROM (DESCRIBE t)",
    "SELECT count(*) AS n FROM (SHOW ALL TABLES)",
    "DESCRIBE t",
    "PRAGMA version",
    "CALL pragma_version()",
    "SET memory_limit = '1GB'",
    "ATTACH 'FOLDER/new.db'",
    "EXPORT DATABASE 'FOLDER/new'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "SELECT " + " + ".join(["b"] * 900) + " AS n FROM t",
]
SPARK = [
    "SELECT count(*) AS n FROM csv.`FOLDER/secret.csv`",
    "SELECT count(*) AS n FROM t JOIN/**/`csv`.`FOLDER/secret.csv`",
    "SELECT count(*) AS n FROM IDENTIFIER('text.`FOLDER/secret.csv`')",
    "SELECT count(*) AS n FROM spark_catalog.default.t",
    "SELECT count(reflect('java.lang.System', 'getenv', a)) AS n FROM t",
    "SELECT count(system.builtin.java_method('java.lang.System', 'getenv', a)) AS n FROM t",
    "SELECT count(*) OVER w AS n FROM t WINDOW w AS (ORDER BY reflect('java.lang.System', 'exit'))",
    "SELECT b AS n FROM t LATERAL VIEW explode(array(try_reflect('a', 'b'))) x AS y",
    "SELECT n FROM VALUES (reflect('java.lang.System', 'exit')) AS v(n)",
    "SELECT from_xml(a, 'b INT', map('rowValidationXSDPath', 'FOLDER/secret.csv')).b AS n FROM t",
    *(
        f"SELECT count({name}('<!DOCTYPE a SYSTEM \"file:FOLDER/secret.csv\"><a/>', 'a')) AS n FROM t"
        for name in (
            *("xpath", "xpath_boolean", "xpath_double", "xpath_float", "xpath_int"),
            *("xpath_long", "xpath_number", "xpath_short", "xpath_string"),
        )
    ),
    "SELECT TRANSFORM(a) USING 'touch FOLDER/new.csv' AS (n INT) FROM t",
    "INSERT OVERWRITE LOCAL DIRECTORY 'FOLDER/new' USING csv SELECT a FROM t",
    "FROM t INSERT INTO u SELECT b INSERT INTO other SELECT b",
    "SELECT shop.own(b) AS n FROM t",
    "SELECT own(b) AS n FROM t",
    "SELECT count(*) AS n FROM own(TABLE(t))",
    "BEGIN SELECT b AS n FROM t; END",
    "EXECUTE IMMEDIATE 'SELECT 1 AS n'",
    "SET spark.sql.ansi.enabled = false",
    "ADD JAR 'FOLDER/secret.csv'",
    "SHOW TABLES",
]
BIGQUERY = [
    "SELECT COUNT(*) AS n FROM shop.other",
    "SELECT COUNT(*) AS n FROM `test-project.shop.other`",
    "SELECT COUNT(*) AS n FROM t, shop.other",
    "SELECT COUNT(*) AS n FROM EXTERNAL_QUERY('here', 'SELECT 1')",
    "SELECT COUNT(*) AS n FROM `\\x45XTERNAL_QUERY`('here', 'SELECT 1')",
    "SELECT COUNT(*) AS n FROM shop.INFORMATION_SCHEMA.TABLES",
    "SELECT COUNT(*) AS n FROM ML.PREDICT(MODEL shop.model, TABLE t)",
    "SELECT COUNT(*) AS n FROM `shop.events_*`",
    "SELECT shop.own(b) AS n FROM t",
    "SELECT '''it's''' AS x, COUNT(*) AS n FROM EXTERNAL_QUERY('here', 'SELECT 1') -- '",
]
HONEST = [
    "SELECT count(*) AS n FROM t",
    "SELECT T.b AS n FROM T",
    "WITH t AS (SELECT b FROM t) SELECT b AS n FROM t",
    "WITH other AS (SELECT b FROM t), more AS (SELECT b FROM other) SELECT b AS n FROM more",
    "SELECT b AS n FROM t UNION ALL SELECT b FROM u",
    "SELECT b AS n FROM t WHERE b IN (SELECT b FROM u)",
    "SELECT (SELECT max(b) FROM u) AS n FROM t",
    "SELECT b AS n FROM (SELECT b FROM (SELECT b FROM t) AS x) AS y",
    "SELECT row_number() OVER (PARTITION BY a ORDER BY b) AS n FROM t",
    "SELECT EXTRACT(YEAR FROM DATE '2020-01-01') AS n",
    "SELECT b AS n FROM t -- it's; FROM other\n",
    "SELECT b AS n FROM t /* it's; FROM other */",
    "SELECT b AS n FROM t WHERE a <> '; FROM other -- '",
]
HONEST_OF = {
    "duckdb": [
        'SELECT b AS n FROM "t" WHERE a <> $$it\'s; FROM other$$',
        "SELECT t.b AS n FROM t JOIN u ON t.b IS NOT DISTINCT FROM u.b",
        "PIVOT t ON a IN ('x' AS n) USING sum(b)",
        "SELECT n FROM t PIVOT (sum(b) FOR a IN ('x' AS n))",
        "SELECT value AS n FROM t UNPIVOT (value FOR name IN (b))",
        "SELECT x.n FROM t, LATERAL (SELECT t.b + 1 AS n) AS x",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r",
        "WITH x AS MATERIALIZED (FROM t) SELECT b AS n FROM x QUALIFY row_number() OVER (ORDER BY b) = 1",
        "SELECT n FROM range(3) AS x(n)",
        "SELECT unnest([1, 2]) AS n",
        "SELECT n FROM (VALUES (1)) AS x(n) SEMI JOIN t ON n = b",
        "SELECT " + " + ".join(["b"] * 200) + " AS n FROM t",
    ],
    "spark": [
        "SELECT b AS n FROM `t` WHERE a <> 'it\\'s; FROM other'",
        "SELECT t.b AS n FROM t JOIN u ON t.b IS NOT DISTINCT FROM u.b",
        "SELECT CAST(x AS BIGINT) AS n FROM t PIVOT (sum(b) FOR a IN ('x'))",
        "SELECT value AS n FROM t UNPIVOT (value FOR name IN (b))",
        "SELECT x.n FROM t, LATERAL (SELECT t.b + 1 AS n) AS x",
        "SELECT y AS n FROM t LATERAL VIEW explode(array(b, 2)) x AS y",
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r",
        "SELECT count(*) OVER w AS n FROM t WINDOW w AS (PARTITION BY md5(a))",
        "SELECT id AS n FROM range(3)",
        "SELECT n FROM VALUES (1) AS v(n) LEFT SEMI JOIN t ON n = b",
        "FROM t |> WHERE b > 0 |> SELECT b AS n",
        "SELECT /*+ BROADCAST(u) */ t.b AS n FROM t JOIN u ON t.b = u.b",
    ],
    "bigquery": [
        'SELECT `b` AS n FROM `t` WHERE a <> "it\'s; FROM other"',
        "SELECT e.b AS n FROM t e WHERE e.a <> '''it's; FROM shop.other'''",
        "SELECT n FROM t, UNNEST([b, 2]) AS n # ; FROM shop.other\n",
        "SELECT x.n FROM t CROSS JOIN UNNEST([STRUCT(b AS n)]) AS x",
    ],
}


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    from mlcore.warehouse.engines import Spark, SparkOptions
    from tests.warehouse.spark_cluster import QUICK_JAVA

    folder = str(tmp_path_factory.mktemp("warehouse"))
    conf = {**QUICK_JAVA, "spark.sql.warehouse.dir": folder}
    with Spark(SparkOptions("local[1]", conf)) as opened:
        yield opened


@pytest.fixture
def duckdb() -> Iterator[Engine]:
    from mlcore.warehouse.engines import DuckDb, DuckDbOptions

    with DuckDb(DuckDbOptions(threads=1)) as opened:
        yield opened


@pytest.fixture
def bigquery() -> Iterator[Engine]:
    from mlcore.warehouse.engines import BigQuery, BigQueryOptions
    from tests.warehouse.fake_bigquery import FakeBigQuery, Field

    fake = FakeBigQuery()
    fake.add("shop.other", [Field("b", "INTEGER")], [(1,)])
    with BigQuery(BigQueryOptions(dataset="scratch"), fake.client()) as opened:
        yield opened


def cases(**texts: list[str]) -> list[Any]:
    return [
        pytest.param(engine, text, marks=getattr(pytest.mark, engine), id=f"{engine}-{number}")
        for engine, some in texts.items()
        for number, text in enumerate(some)
    ]


def query_of(text: str) -> Query:
    return parse_query(Path("q.sql"), (HEADER + text).encode())


def load(engine: Engine, query: Query) -> None:
    parts: dict[str, Any] = {"a": np.array(["x"], object), "b": np.array([1])}
    for table, columns in query.reads.items():
        engine.load(table, columns, [{column.name: parts[column.name] for column in columns}])


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with tables, and a file that is none."""
    for name, text in {"t": "a,b\nx,1\n", "u": "b\n1\n", "secret": f"n\n{SECRET}\n"}.items():
        (tmp_path / f"{name}.csv").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "text"),
    cases(duckdb=ANYWHERE + DUCKDB, spark=ANYWHERE + SPARK, bigquery=ANYWHERE + BIGQUERY),
)
def test_a_text_that_reaches_beyond_its_tables_is_refused(
    name: str, text: str, folder: Path, request: pytest.FixtureRequest
) -> None:
    engine = request.getfixturevalue(name)
    query = query_of(text.replace("FOLDER", str(folder)))
    load(engine, query)
    before = files_of(folder)
    for do in (engine.estimate, engine.run, lambda *given: engine.materialize(*given, "w")):
        with pytest.raises(DataError) as caught:
            do(query, {})
        said = str(caught.value)
        assert said.startswith("q.sql: ") and "\n" not in said and SECRET not in said
    assert files_of(folder) == before


@pytest.mark.duckdb
@pytest.mark.parametrize("text", ANYWHERE + DUCKDB)
@pytest.mark.parametrize("dry", [True, False])
def test_the_command_says_so_in_one_line_and_does_nothing(
    dry: bool, text: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "q.sql").write_text(HEADER + text.replace("FOLDER", str(folder)))
    before = files_of(folder)
    command = ["--query", "./q.sql", "--table", "t=t.csv", "--table", "u=u.csv"]
    command += ["--dry-run"] if dry else ["--out", "out.csv"]
    assert cli.run_sql.main(command) == 1
    said = capsys.readouterr()
    assert said.err.startswith("error: q.sql: expected ") or "q.sql: reads: expected" in said.err
    assert SECRET not in said.err + said.out and files_of(folder) == before


@pytest.mark.duckdb
@pytest.mark.parametrize("text", [text for text in DUCKDB if "FOLDER" in text])
def test_what_the_parser_missed_could_not_touch_a_file_either(
    text: str, folder: Path, duckdb: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(duckdb), "_find_foreign", lambda self, query: None)
    query = query_of(text.replace("FOLDER", str(folder)))
    load(duckdb, query)
    before = files_of(folder)
    with pytest.raises(DataError) as caught:
        duckdb.run(query, {})
    assert SECRET not in str(caught.value) and files_of(folder) == before


@pytest.mark.parametrize(
    ("name", "text"), cases(**{name: HONEST + more for name, more in HONEST_OF.items()})
)
def test_a_text_over_its_tables_runs(name: str, text: str, request: pytest.FixtureRequest) -> None:
    engine = request.getfixturevalue(name)
    query = query_of(text)
    load(engine, query)
    assert engine.estimate(query, {})
    assert [len(part["n"]) for part in engine.run(query, {}).parts] != []
