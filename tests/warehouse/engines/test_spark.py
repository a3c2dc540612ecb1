"""Spark on this machine: types, rows, tables, messages, and the end of Java."""

from __future__ import annotations

import hashlib
import math
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlcore.errors import ConfigError, DataError, MlcoreError
from mlcore.warehouse.engines import DuckDb, DuckDbOptions, Spark, SparkOptions
from mlcore.warehouse.engines.base import Engine, Rows
from mlcore.warehouse.engines.spark_columns import batch_rows, to_arrow
from mlcore.warehouse.query import Column, Query, Value, parse_query
from tests.warehouse.spark_cluster import QUICK_JAVA, is_running
from tests.warehouse.sql_cases import queries, result_rows

# Of the parameters that have no default.
GIVEN: dict[str, Value] = {
    "begin_time": 0,
    "end_time": 2**40,
    "part": "train",
    "cutoff": 50,
    "max_user_interactions": 3,
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    folder = tmp_path_factory.mktemp("warehouse")
    conf = {
        **QUICK_JAVA,
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(folder),
    }
    before = signal.getsignal(signal.SIGINT)
    with Spark(SparkOptions("local[1]", conf, str(folder / "spark.log"))) as opened:
        assert signal.getsignal(signal.SIGINT) is before
        yield opened
    assert "Spark" in (folder / "spark.log").read_text()


def query_of(header: str, text: str) -> Query:
    lines = "".join(f"-- {line}\n" for line in ["q: a query.", *header.splitlines()])
    return parse_query(Path("q.sql"), f"{lines}{text}\n".encode())


def rows_of(engine: Engine, table: str, columns: str, order: str) -> list[tuple[Any, ...]]:
    names = ", ".join(column.split()[0] for column in columns.split(", "))
    query = query_of(
        f"reads: {table}({columns})\nwrites: o({columns})\norder: {order}",
        f"SELECT {names} FROM {table}",
    )
    return result_rows(engine, query, {})


@pytest.mark.parametrize("name", ["it's; DROP `x` \\", "order", "a.b", 'ü "q" %\n*[1]{a}?'])
def test_tables_columns_and_files_may_have_any_name(
    name: str, engine: Spark, tmp_path: Path
) -> None:
    folder = tmp_path / name
    folder.mkdir()
    path = str(folder / f"{name}.parquet")
    pq.write_table(pa.table({name: ["u", "v"]}), path)
    columns = (Column(name, "STRING"),)
    query = query_of("reads: t(c STRING)\nwrites: w(c STRING)\norder: c", "SELECT c FROM t")
    quoted = "`" + name.replace("`", "``") + "`"
    text = f"SELECT {quoted} FROM {quoted}"
    query = replace(query, text=text, reads={name: columns}, writes=columns, order=(name,))
    for do in (
        lambda: engine.attach_parquet(name, columns, path),
        lambda: engine.attach_parquet(name, columns, str(folder)),
        lambda: engine.load(name, columns, [{name: np.array(["u", "v"], object)}]),
        lambda: engine.materialize(query, {}, name),
    ):
        do()
        (part,) = engine.run(query, {}).parts
        assert part[name].tolist() == ["u", "v"]


def made_up_rows(columns: Sequence[Column], rng: np.random.Generator) -> Rows:
    """About 240 rows; no user has an item or a position twice."""
    pairs = rng.permutation(30 * 40)[:240]
    positions = np.array(
        [np.count_nonzero(pairs[:n] // 40 == p // 40) for n, p in enumerate(pairs)]
    )
    cells: dict[str, Any] = {
        "user_id": np.array([f"u{pair // 40}" for pair in pairs], object),
        "item_id": np.array([f"i{pair % 40}" for pair in pairs], object),
        "neighbor_id": np.array([f"i{item}" for item in rng.integers(0, 40, 240)], object),
        "position": positions + 1,
        "weight": rng.integers(1, 4, 240) / 2,
        "similarity": rng.integers(1, 1000, 240) / 1024,
        "timestamp": rng.integers(0, 100, 240),
        "action": rng.choice(np.array(["buy", "view"], object), 240),
        "norm": rng.integers(1, 1000, 240) / 256,
        "num_items": np.arange(1, 241),
        "factor": rng.integers(1, 1000, 240) / 512,
    }
    rows: dict[str, Any] = {}
    for column in columns:
        rows[column.name] = cells[column.name]  # (240,)
        if column.nullable:
            rows[column.name] = rows[column.name].astype(object)
            rows[column.name][::7] = None
    return rows


@pytest.mark.parametrize("name", queries())
def test_a_query_gives_the_rows_that_duckdb_gives(engine: Spark, name: str) -> None:
    query = queries()[name]
    values = query.values({key: GIVEN[key] for key in query.parameters.keys() & GIVEN.keys()})
    found = []
    with DuckDb(DuckDbOptions(threads=1)) as other:
        for one in (engine, other):
            rng = np.random.default_rng(0)
            for table, columns in query.reads.items():
                rows = made_up_rows(columns, rng)
                if table == "action_weights":
                    rows = {name: cells[:1] for name, cells in rows.items()}
                one.load(table, columns, [rows])
            found.append(result_rows(one, query, values))
    assert found[0]
    for row, expected in zip(*found, strict=True):
        for cell, wanted in zip(row, expected, strict=True):
            assert type(cell) is type(wanted)
            assert cell == wanted or math.isclose(cell, wanted, rel_tol=1e-12), (row, expected)


# --- rows in and out ------------------------------------------------------------------------------


def test_rows_come_back_as_they_went_in_and_in_the_order_of_utf8(engine: Spark) -> None:
    ids = ["\U0001f600", "\ufffd", "é", "e\u0301", "007", "7", "", " a ", "a\nb", "a\0b", "'"]
    numbers: list[int | None] = [2**63 - 1, -(2**63), None, 0, 1, -1, 2**53 + 1, None, 2, 3, 4]
    floats = [math.inf, -math.inf, None, -0.0, 5e-324, 1.7976931348623157e308, 0.1, *[1.5] * 4]
    bools = [True, False, None] * 3 + [True, False]
    types = "user_id STRING, n INT64 NULL, x FLOAT64 NULL, b BOOL NULL"
    columns = query_of(f"reads: t({types})\nwrites: o(n INT64)", "").reads["t"]

    def part(span: slice) -> Rows:
        cells: Any = (ids, numbers, floats, bools)
        return {c.name: np.array(values[span], object) for c, values in zip(columns, cells)}

    engine.load("t", columns, [part(slice(0, 4)), part(slice(0, 0)), part(slice(4, None))])
    found = rows_of(engine, "t", types, "user_id")
    expected = sorted(zip(ids, numbers, floats, bools), key=lambda row: row[0].encode())
    assert repr(found) == repr(expected)  # which tells -0.0 from 0.0, and True from 1


def test_nan_is_a_number_and_not_missing(engine: Spark) -> None:
    columns = [Column("x", "FLOAT64", nullable=True)]
    engine.load("t", columns, [{"x": np.array([math.nan, None], object)}])
    query = query_of(
        "reads: t(x FLOAT64 NULL)\nwrites: o(rows_there INT64, values_there INT64)",
        "SELECT COUNT(*) AS rows_there, COUNT(x) AS values_there FROM t",
    )
    assert result_rows(engine, query, {}) == [(2, 1)]


def test_arrays_of_their_own_types_go_in_and_come_out(engine: Spark) -> None:
    columns = [Column("n", "INT64"), Column("x", "FLOAT64"), Column("b", "BOOL")]
    rows = {"n": np.arange(3), "x": np.arange(3) / 4, "b": np.arange(3) > 1}
    engine.load("t", columns, [rows])
    query = query_of(
        "reads: t(n INT64)\nwrites: o(n INT64, x FLOAT64, b BOOL)\norder: n",
        "SELECT n, x, b FROM t",
    )
    (part,) = engine.run(query, {}).parts
    assert [part[name].dtype for name in rows] == [np.int64, np.float64, np.bool_]
    assert all(np.array_equal(part[name], cells) for name, cells in rows.items())


def test_a_table_without_rows_is_a_table(engine: Spark) -> None:
    engine.load("t", [Column("user_id", "STRING"), Column("n", "INT64")], [])
    assert rows_of(engine, "t", "user_id STRING, n INT64", "user_id") == []


def test_a_table_given_again_is_replaced(engine: Spark) -> None:
    engine.load("t", [Column("n", "INT64")], [{"n": np.arange(2)}])
    engine.load("t", [Column("user_id", "STRING")], [{"user_id": np.array(["a"], object)}])
    assert rows_of(engine, "t", "user_id STRING", "user_id") == [("a",)]


def test_a_missing_value_where_none_may_be_is_refused(engine: Spark) -> None:
    with pytest.raises(DataError, match="^t: n: expected a value in every row, got NULL$"):
        engine.load("t", [Column("n", "INT64")], [{"n": np.array([1, None], object)}])


def test_rows_of_long_texts_go_in_smaller_tasks() -> None:
    # 8 MiB a task: 8 rows of 1 MiB, 2^17 rows of 16 bytes.
    columns = [Column("user_id", "STRING")]
    rows = to_arrow("t", columns, [{"user_id": np.array(["a" * 2**20] * 2, object)}])
    assert batch_rows(rows) == 7  # a text also has its offset
    pairs = [Column("user_id", "INT64"), Column("item_id", "INT64")]
    numbers = {"user_id": np.arange(2**20), "item_id": np.arange(2**20)}
    assert batch_rows(to_arrow("t", pairs, [numbers])) == 2**17


def test_parameters_have_the_types_of_the_header(engine: Spark) -> None:
    # As int, which Spark makes of small integers, 2^31 would be too much.
    query = query_of(
        "writes: o(n INT64, x FLOAT64, b BOOL, s STRING)\n"
        "param: n INT64: n\nparam: x FLOAT64: x\nparam: b BOOL: b\nparam: s STRING: s",
        "SELECT @n + 1 AS n, @x AS x, @b AS b, @s AS s",
    )
    for n, x, b, s in [(2**31 - 1, 0.1, True, "it's"), (-(2**63) + 1, -1e300, False, "@n :n \\")]:
        values: dict[str, Value] = {"n": n, "x": x, "b": b, "s": s}
        assert result_rows(engine, query, values) == [(n + 1, x, b, s)]


def test_hexadecimal_digits_of_an_md5_are_those_of_hashlib(engine: Spark) -> None:
    query = query_of("writes: o(s STRING)\nparam: s STRING: s", "SELECT TO_HEX(MD5(@s)) AS s")
    for text in ("", "é,\U0001f600"):
        found = result_rows(engine, query, {"s": text})
        assert found == [(hashlib.md5(text.encode()).hexdigest(),)]


def test_the_statistics_name_no_place(engine: Spark, tmp_path: Path) -> None:
    engine.load("t", [Column("n", "INT64")], [{"n": np.arange(9)}])
    query = query_of("reads: t(n INT64)\nwrites: o(n INT64)", "SELECT SUM(n) AS n FROM t")
    statistics = engine.run(query, {}).statistics
    assert statistics["master"] == "local" and statistics["executors"] == 1
    assert int(statistics["tasks"]) >= 1 and statistics["failed_tasks"] == 0
    assert str(statistics["application"]).startswith("local-")
    assert not any("/" in str(value) or "127.0.0.1" in str(value) for value in statistics.values())


# --- tables that Spark has ------------------------------------------------------------------------

INTERACTIONS = "user_id STRING, item_id STRING, weight FLOAT64 = 1, timestamp INT64 NULL"


def columns_of(text: str) -> Sequence[Column]:
    return query_of(f"reads: t({text})\nwrites: o(n INT64)", "").reads["t"]


def test_a_query_is_stored_and_attached(engine: Spark) -> None:
    query = query_of(
        "writes: o(user_id STRING, item_id STRING, weight FLOAT64)\nparam: n INT64: n",
        "SELECT 'u' AS user_id, 'i' AS item_id, @n / 2 AS weight\n"
        "UNION ALL SELECT 'v' AS user_id, 'i' AS item_id, 3 / 1 AS weight",
    )
    assert engine.store(query, {"n": 1}, "kept")[0] == 2
    rows, statistics = engine.store(query, {"n": 5}, "default.kept")  # in its place
    assert rows == 2 and int(statistics["tasks"]) >= 1
    engine.load("kept", [Column("n", "INT64")], [{"n": np.arange(2)}])
    engine.attach("kept", columns_of(INTERACTIONS), "kept")  # the stored one, not the loaded one
    found = rows_of(engine, "kept", INTERACTIONS.replace(" = 1", ""), "user_id")
    assert found == [("u", "i", 2.5, None), ("v", "i", 3.0, None)]
    engine.attach("t", columns_of("user_id STRING, n INT64 = 7, x BOOL NULL"), "default.kept")
    found = rows_of(engine, "t", "user_id STRING, n INT64, x BOOL NULL", "user_id")
    assert found == [("u", 7, None), ("v", 7, None)]


@pytest.mark.parametrize("partition", [None, "day"])
def test_rows_are_appended_to_a_table_or_make_it(partition: str | None, engine: Spark) -> None:
    columns, stored = "n INT64, day STRING", f"appended_{partition}"
    query = query_of(f"writes: o({columns})\nparam: n INT64: n", "SELECT @n AS n, 'd' AS day")
    for number in (1, 2):
        written, _ = engine.store(query, {"n": number}, stored, append=True, partition=partition)
        assert written == 1
    engine.attach("t", columns_of(columns), stored)
    assert rows_of(engine, "t", columns, "n") == [(1, "d"), (2, "d")]
    described = engine.session.sql(f"DESCRIBE TABLE {stored}").collect()
    is_partitioned = "# Partition Information" in [row["col_name"] for row in described]
    assert is_partitioned == (partition is not None)
    assert engine.store(query, {"n": 3}, stored, partition=partition)[0] == 1
    engine.attach("t", columns_of(columns), stored)
    assert rows_of(engine, "t", columns, "n") == [(3, "d")]


def test_a_join_gets_tasks_by_its_rows(engine: Spark) -> None:
    query = query_of(
        "reads: t(n INT64)\nwrites: o(n INT64, c INT64)",
        "SELECT n, COUNT(*) AS c FROM t GROUP BY n",
    )
    engine.load("t", columns_of("n INT64"), [{"n": np.arange(9)}])
    settings = ("spark.sql.shuffle.partitions", "spark.sql.adaptive.coalescePartitions.enabled")
    before = [engine.session.conf.get(name) for name in settings]
    few, many = (
        sum(1 for _ in engine.run(query, {}, ordered=False, joined_rows=rows).parts)
        for rows in (0, 20 * 2**20)
    )
    assert few <= 2 < many <= 10  # 2 by the settings of the test, 10 of two million rows
    assert [engine.session.conf.get(name) for name in settings] == before


def test_a_missing_value_where_none_may_be_is_not_stored(engine: Spark) -> None:
    columns = "n INT64, user_id STRING NULL"
    text = "SELECT CASE WHEN @k = 1 THEN 7 END AS n, CASE WHEN @k = 2 THEN 'u' END AS user_id"
    query = query_of(f"writes: o({columns})\nparam: k INT64: k", text)
    with pytest.raises(DataError, match="o: n: expected a value, got NULL"):
        engine.store(query, {"k": 2}, "never_kept")
    with pytest.raises(DataError, match="never_kept"):
        engine.attach("t", columns_of(columns), "never_kept")
    assert engine.store(query, {"k": 1}, "kept_with_null")[0] == 1
    engine.attach("t", columns_of(columns), "kept_with_null")
    assert rows_of(engine, "t", columns, "n") == [(7, None)]


def test_integers_and_single_precision_are_numbers_of_parquet(
    engine: Spark, tmp_path: Path
) -> None:
    table = pa.table(
        {
            "item_id": pa.array([3, 1], pa.int32()),  # a position
            "user_id": pa.array(["u", "v"], pa.large_string()),
            "weight": pa.array([0.1, 2], pa.float32()),
            "timestamp": pa.array([None, 5], pa.int16()),
            "passed_over": pa.array([[1], []], pa.list_(pa.int8())),
        }
    )
    pq.write_table(table, tmp_path / "one.parquet")
    pq.write_table(table.slice(1), tmp_path / "two.parquet")
    types = "user_id STRING, item_id INT64, weight FLOAT64, timestamp INT64 NULL"
    first, second = ("u", 3, float(np.float32(0.1)), None), ("v", 1, 2.0, 5)
    for place, expected in [
        (tmp_path / "one.parquet", [first, second]),
        (tmp_path, [first, second, second]),
        (tmp_path / "t*.parquet", [second]),
    ]:
        engine.attach_parquet("t", columns_of(types), str(place))
        assert rows_of(engine, "t", types, "user_id") == expected
    engine.attach_parquet("t", columns_of("timestamp FLOAT64 NULL"), str(tmp_path / "two.parquet"))
    assert rows_of(engine, "t", "timestamp FLOAT64 NULL", "timestamp") == [(5.0,)]


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("nobody STRING", "nobody: expected a column of this name, got 'n', 'd', 's', 't', 'y'"),
        ("n STRING", "n: expected STRING, got bigint"),
        ("s INT64", "s: expected INT64, got string"),
        ("n BOOL", "n: expected BOOL, got bigint"),
        ("d INT64", r"d: expected INT64, got decimal\(9,2\)"),
        ("t INT64", "t: expected INT64, got timestamp"),
        ("y STRING", "y: expected STRING, got binary"),
    ],
)
def test_a_stored_column_of_another_type_is_refused(
    engine: Spark, tmp_path: Path, wanted: str, message: str
) -> None:
    table = pa.table(
        {
            "n": [1],
            "d": pa.array([1], pa.decimal128(9, 2)),
            "s": ["a"],
            "t": pa.array([1], pa.timestamp("us", "UTC")),
            "y": pa.array([b"a"]),
        }
    )
    path = tmp_path / "t.parquet"
    pq.write_table(table, path)
    with pytest.raises(DataError, match=f"^{path}: {message}$"):
        engine.attach_parquet("t", columns_of(wanted), str(path))


def test_an_estimate_says_what_spark_knows(engine: Spark, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"n": np.arange(2**17)}), path)
    engine.attach_parquet("t", columns_of("n INT64"), str(path))
    query = query_of("reads: t(n INT64)\nwrites: o(n INT64)", "SELECT n FROM t")
    assert engine.estimate(query, {}).startswith(
        f"spark {engine.version} would run it on local, 1 executor; "
        "by its statistics it reads t (at most 0."
    )
    with pytest.raises(DataError, match="^q.sql: writes: expected the columns of the header"):
        engine.estimate(query_of("writes: o(n FLOAT64)", "SELECT 1 AS n"), {})


# --- messages -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELEC 1 AS n", "expected what spark can run, got .*PARSE_SYNTAX_ERROR.*.line 5, "),
        ("SELECT nobody AS n", "expected what spark can run, got .*UNRESOLVED_COLUMN.*`nobody`"),
        ("SELECT n FROM nobody", "expected what spark can run, got .*TABLE_OR_VIEW_NOT_FOUND"),
        ("SELECT 'a' AS n", "writes: expected the columns of the header .n INT64., got n STRING"),
        ("SELECT 1.5 AS n", "writes: expected .*, got n of another type"),
        ("SELECT 1 AS n, 2 AS m", "writes: expected .*, got n INT64, m INT64"),
        ("SELECT CAST(n / 0 AS bigint) AS n FROM nine", "expected .* got .*DIVIDE_BY_ZERO"),
        ("SELECT SUM(n + 9223372036854775800) AS n FROM nine", "expected .*ARITHMETIC_OVERFLOW"),
    ],
)
def test_what_is_wrong_with_a_query_is_one_line(
    engine: Spark, capfd: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    engine.load("nine", [Column("n", "INT64")], [{"n": np.arange(9)}])
    with pytest.raises(DataError) as caught:
        engine.run(
            query_of("reads: nine(n INT64)\nreads: nobody(n INT64)\nwrites: o(n INT64)", text), {}
        )
    assert "\n" not in str(caught.value)
    caught.match(f"^q.sql: {message}")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("place", ["none.parquet", "text.parquet"])
def test_a_file_that_is_no_parquet_is_one_line(engine: Spark, tmp_path: Path, place: str) -> None:
    path = tmp_path / place
    if place.startswith("text"):
        path.write_text("user_id,item_id\n")
    with pytest.raises(DataError, match=f"^{path}: expected what spark can run, got "):
        engine.attach_parquet("t", columns_of("user_id STRING"), str(path))


def test_a_table_that_is_none_is_one_line(engine: Spark) -> None:
    for name in ("shop.none", "no name at all"):
        with pytest.raises(DataError, match=f"^{name}: expected what spark can run, got "):
            engine.attach("t", columns_of("user_id STRING"), name)


@pytest.mark.parametrize("package", ["pyspark", "pyarrow"])
def test_a_missing_extra_is_one_line(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MlcoreError, match=rf"^{package}: expected the extra \[spark\]") as caught:
        Spark()
    assert caught.value.hint and "pip install" in caught.value.hint


def test_a_spark_that_is_too_old_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyspark.__version__", "3.5.6")
    with pytest.raises(MlcoreError, match="^pyspark: expected version 4 or newer, got 3.5.6$"):
        Spark()


@pytest.mark.parametrize("variable", ["JAVA_HOME", "PATH"])
def test_no_java_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
) -> None:
    monkeypatch.setattr("pyspark.SparkContext._active_spark_context", None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    steps: list[str] = []
    with pytest.raises(MlcoreError, match="^java: expected Java 17 or newer, got none"):
        Spark(progress=lambda step, done, total: steps.append(step))
    assert {*steps} == {"start Spark"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            SparkOptions("local[1]", {"spark.driver.memory": "1x"}),
            "Invalid maximum heap size: -Xmx1x",
        ),
        (SparkOptions("nowhere"), "org.apache.spark.SparkException: Master must either be "),
    ],
)
# pyspark leaves the pipe open to a Java that did not start.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_java_that_does_not_start_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    options: SparkOptions,
    message: str,
) -> None:
    for name in ("_active_spark_context", "_gateway", "_jvm"):
        monkeypatch.setattr(f"pyspark.SparkContext.{name}", None)
    start = re.escape(f"spark: expected a session on {options.master}, got '{message}")
    with pytest.raises(MlcoreError, match=f"^{start}.*$"):
        Spark(options)
    assert capfd.readouterr() == ("", "")


def test_a_log_that_cannot_be_written_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("pyspark.SparkContext._active_spark_context", None)
    with pytest.raises(DataError, match=f"^{tmp_path}: expected a writable file for the log"):
        Spark(SparkOptions(log=str(tmp_path)))


# --- sessions -------------------------------------------------------------------------------------


def test_a_session_of_the_caller_is_used_and_left(engine: Spark) -> None:
    columns = [Column("n", "INT64")]
    engine.load("mine", columns, [{"n": np.array([1])}])
    with Spark(SparkOptions("local[7]", {"spark.sql.shuffle.partitions": "3"})) as second:
        second.load("mine", columns, [{"n": np.array([2])}])
        assert rows_of(second, "mine", "n INT64", "n") == [(2,)]
        assert (
            second.run(
                query_of("writes: o(s STRING)", "SELECT CURRENT_TIMEZONE() AS s"), {}
            ).statistics["master"]
            == "local"
        )
    assert rows_of(engine, "mine", "n INT64", "n") == [(1,)]


def test_a_setting_that_a_session_cannot_have_is_one_line(engine: Spark) -> None:
    name = "spark.sql.warehouse.dir"
    with pytest.raises(ConfigError, match=f"^{name}: expected a setting of a session, got .*"):
        Spark(SparkOptions(conf={name: "elsewhere"}))


INTERRUPTED = """
import numpy as np, sys
from mlcore.warehouse.engines import Spark, SparkOptions
from mlcore.warehouse.query import Column
from tests.warehouse.spark_cluster import QUICK_JAVA
from tests.warehouse.engines.test_spark import query_of, rows_of
columns = [Column("n", "INT64")]
with Spark(SparkOptions("local[1]", QUICK_JAVA)) as engine:
    engine.load("t", columns, [{"n": np.arange(4000)}])
    print(engine._own._gateway.proc.pid, flush=True)
    endless = query_of("reads: t(n INT64)\\nwrites: o(n INT64)",
                       "SELECT SUM(a.n + b.n + c.n) AS n FROM t AS a CROSS JOIN t AS b CROSS JOIN t AS c")
    try:
        engine.run(endless, {}, progress=lambda *told: print("works", flush=True))
    except KeyboardInterrupt:
        engine.load("t", columns, [{"n": np.arange(2)}])
        print(rows_of(engine, "t", "n INT64", "n"))
"""


def test_ctrl_c_ends_the_job_and_java_goes_with_the_engine() -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", INTERRUPTED],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        java = int(process.stdout.readline())
        assert process.stdout.readline() == "works\n"
        process.send_signal(signal.SIGINT)
        shown, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert shown.splitlines()[-1] == "[(0,), (1,)]"
    assert not is_running(java)
