"""Every query gives the rows of its cases, on every engine."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mlcore.artifact import HistoryRule
from mlcore.errors import MlcoreError
from mlcore.ids import IdMap
from mlcore.recommend.events import Event, encode_events
from mlcore.warehouse.engines import DuckDb, DuckDbOptions, Spark, SparkOptions
from mlcore.warehouse.engines.base import Engine
from mlcore.warehouse.query import Query, parse_query
from mlcore.weighting import WEIGHTINGS, Normalization
from tests import oracles
from tests.warehouse.page_engines import DataFusion, Postgres, Sqlite
from tests.warehouse.spark_cluster import QUICK_JAVA
from tests.warehouse.sql_cases import FOLDER, Case, cases, load_rows, queries, result_rows

# What needs LN or POWER, or adds up numbers that are no integers in an order that no engine promises;
# all else has the same bits everywhere.
INEXACT = {"evaluate", "coverage"}
INEXACT_SIMILARITIES = {
    "asymmetric_cosine",
    "conditional_probability",
    "pmi",
    "npmi",
    "log_likelihood_ratio",
    "pearson",
}
# The names of the oracle's parameters, where they differ.
ORACLE_NAMES = {"conditional_probability": {"alpha": "popularity_exponent"}}
# Spark makes Java code of each query and compiles it, which takes half of the time of a case; its
# interpreter gives the same rows. tests/warehouse/engines/test_spark.py runs queries as they are run in earnest.
QUICK_SPARK = {
    **QUICK_JAVA,
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


def open_duckdb() -> Engine:
    return DuckDb(DuckDbOptions(threads=2))


def open_googlesql() -> Engine:
    from tests.warehouse.googlesql import GoogleSql

    return GoogleSql()


def open_spark() -> Engine:
    return Spark(SparkOptions("local[1]", QUICK_SPARK))


ENGINES = [
    pytest.param(open_duckdb, id="duckdb", marks=pytest.mark.duckdb),
    pytest.param(open_googlesql, id="googlesql", marks=pytest.mark.googlesql),
    pytest.param(open_spark, id="spark", marks=pytest.mark.spark),
    pytest.param(Postgres, id="postgres", marks=pytest.mark.postgres),
    pytest.param(Sqlite, id="sqlite", marks=pytest.mark.sqlite),
    pytest.param(DataFusion, id="datafusion", marks=pytest.mark.datafusion),
]


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    with request.param() as opened:
        yield opened


@pytest.fixture
def timed_engine(engine: Engine, record_property: Callable[[str, object], None]) -> Engine:
    """The engine, in a test whose time conftest.py adds up, that of its start included."""
    record_property("sql engine", engine.name)
    return engine


def is_exact(case: Case) -> bool:
    if case.query.name == "train":
        return case.params.get("similarity", "cosine") not in INEXACT_SIMILARITIES
    return case.query.name not in INEXACT


def same(found: Any, expected: Any, exact: bool) -> bool:
    if type(found) is not type(expected):
        return False
    if isinstance(expected, float) and not exact:
        return math.isclose(found, expected, rel_tol=1e-12, abs_tol=1e-14)
    return bool(found == expected)


def assert_same_rows(
    query: Query,
    found: Sequence[tuple[Any, ...]],
    expected: Sequence[tuple[Any, ...]],
    exact: bool,
) -> None:
    assert len(found) == len(expected), found
    if not query.order:
        found, expected = sorted(found, key=repr), sorted(expected, key=repr)
    for one, other in zip(found, expected):
        assert all(same(*cells, exact) for cells in zip(one, other, strict=True)), (one, other)


@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_query_gives_the_rows_of_its_case(case: Case, timed_engine: Engine) -> None:
    load_rows(timed_engine, case.query, case.tables)
    found = result_rows(timed_engine, case.query, case.query.values(case.params))
    assert_same_rows(
        case.query, found, [tuple(row.values()) for row in case.expected], is_exact(case)
    )


@pytest.mark.parametrize(
    ("found", "expected", "exact", "is_same"),
    [
        ([("a", 1)], [("a", 1)], True, True),
        ([("a", 1)], [("a", 2)], True, False),
        ([("a", 1)], [("a", 1.0)], False, False),
        ([("a", True)], [("a", 1)], False, False),
        ([("a", 0.0)], [("a", None)], False, False),
        ([("a", 0.1 + 0.2)], [("a", 0.3)], True, False),
        ([("a", 0.1 + 0.2)], [("a", 0.3)], False, True),
        ([("a", 0.3 + 1e-11)], [("a", 0.3)], False, False),
        ([("a", 1)], [("a", 1), ("b", 1)], True, False),
        ([("b", 1), ("a", 1)], [("a", 1), ("b", 1)], True, False),
    ],
)
def test_rows_that_differ_are_told_apart(
    found: list[tuple[Any, ...]], expected: list[tuple[Any, ...]], exact: bool, is_same: bool
) -> None:
    if is_same:
        assert_same_rows(queries()["train"], found, expected, exact)
    else:
        with pytest.raises(AssertionError):
            assert_same_rows(queries()["train"], found, expected, exact)


# --- rounding to float32 -------------------------------------------------------------------------


# What rounds a number to float32 in a text, and that number.
SINGLE = re.compile(
    r"CASE\s+WHEN (?:[a-z]+ > 0 AND )?(?:ABS\()?([a-z.]+).{99,500}?\bEND\b", re.DOTALL
)


def rounding_query(name: str) -> Query:
    (found,) = [one for one in SINGLE.finditer(queries()[name].text) if "536870913e0" in one[0]]
    text = (
        "-- rounded: numbers as float32.\n-- reads: numbers(place INT64, number FLOAT64)\n"
        "-- writes: rounded(place INT64, single FLOAT64)\n-- order: place\n"
        f"SELECT place, {found[0].replace(found[1], 'number')} AS single FROM numbers\n"
    )
    return parse_query(Path("rounded.sql"), text.encode())


def hard_numbers(count: int) -> npt.NDArray[np.float64]:
    """Return numbers above 0 over all of float32's range and beyond, most near the half of two float32."""
    rng = np.random.default_rng(3)
    upper, lower = rng.integers(2**23, 2**24, count), rng.integers(-3, 4, count)
    near_halves = ((2 * upper + 1) * 2**28 + lower).astype(float)
    near_powers = 2.0**53 - rng.integers(0, 2**30, count)
    numbers = np.concatenate([near_halves, near_powers, 2.0**52 * (1 + rng.random(count))])
    numbers = np.ldexp(numbers, rng.integers(-52 - 152, 129 - 52, len(numbers)))
    odd = np.arange(1, 2 * count, 2) * 2.0**-150  # halves of the least float32
    return np.concatenate([numbers, odd, [2.0**-126, np.nextafter(2.0**-126, 0)]])


def assert_rounded(engine: Engine, name: str, numbers: npt.NDArray[np.float64]) -> None:
    query = rounding_query(name)
    columns = {"place": np.arange(len(numbers)), "number": numbers}
    engine.load("numbers", query.reads["numbers"], [columns])
    found = [single for _, single in result_rows(engine, query, {})]
    with np.errstate(over="ignore"):
        expected = numbers.astype(np.float32).astype(float)
    # weigh_history looks at the greatest afterwards
    beyond = [value is None or value > 3.4028234663852886e38 for value in found]
    assert beyond == np.isinf(expected).tolist()
    kept = ~np.array(beyond)
    assert np.array(found, float)[kept].tolist() == expected[kept].tolist()


@pytest.mark.parametrize("name", ["train", "recommend", "weigh_history"])
def test_numbers_are_rounded_to_float32_as_by_numpy(name: str, engine: Engine) -> None:
    numbers = hard_numbers(50)
    assert_rounded(engine, name, numbers)
    if name == "train":
        assert_rounded(engine, name, -numbers)


@pytest.mark.duckdb
def test_a_million_numbers_are_rounded_to_float32_as_by_numpy(duckdb: Engine) -> None:
    numbers = hard_numbers(250_000)
    assert len(numbers) > 10**6
    assert_rounded(duckdb, "train", np.concatenate([numbers, -numbers]))


# --- the cases themselves -------------------------------------------------------------------------


def test_every_folder_is_a_query_with_several_cases() -> None:
    assert sorted(path.name for path in FOLDER.iterdir()) == sorted(queries())
    for name in queries():
        of_query = [case for case in cases() if case.query.name == name]
        assert len(of_query) >= 5, name


@pytest.mark.parametrize("case", cases(), ids=str)
def test_a_case_fits_the_header(case: Case) -> None:
    assert case.why
    assert case.tables.keys() == case.query.reads.keys()
    for table, columns in case.query.reads.items():
        may_lack = {c.name for c in columns if c.nullable or c.default is not None}
        for row in case.tables[table]:
            assert set(row) <= {c.name for c in columns} <= set(row) | may_lack
            assert all(row.get(c.name, 0) is not None or c.nullable for c in columns)
    names = [column.name for column in case.query.writes]
    assert all(list(row) == names for row in case.expected)
    assert case.query.values(case.params).keys() == case.query.parameters.keys()


@pytest.mark.parametrize("case", cases(), ids=str)
def test_the_expected_rows_are_in_the_order_of_the_header(case: Case) -> None:
    def key(row: Any) -> list[Any]:
        cells = [row[name] for name in case.query.order]
        return [cell.encode() if isinstance(cell, str) else cell for cell in cells]

    assert list(case.expected) == sorted(case.expected, key=key)


@pytest.mark.parametrize("query", queries().values(), ids=list(queries()))
def test_every_choice_of_a_parameter_has_a_case(query: Query) -> None:
    for parameter in query.parameters.values():
        given = {
            query.values(case.params)[parameter.name] for case in cases() if case.query == query
        }
        assert set(parameter.choices) <= given, parameter.name
        assert len(given) > 1, parameter.name


def of_train() -> list[Case]:
    return [case for case in cases() if case.query.name == "train"]


@pytest.mark.parametrize("case", of_train(), ids=str)
def test_the_expected_neighbors_are_those_of_the_dense_formulas(case: Case) -> None:
    values: dict[str, Any] = case.query.values(case.params)
    taken = {(row["user_id"], row["item_id"]) for row in case.tables["interactions"]}
    users = sorted({user for user, _ in taken}, key=str.encode)
    items = sorted({item for _, item in taken}, key=str.encode)
    x = np.array([[float((user, item) in taken) for item in items] for user in users])  # (U, I)
    x = x.reshape(len(users), len(items))
    name = values["similarity"]
    own = {"asymmetric_cosine": ["alpha"], "tversky": ["alpha", "beta"]} | {
        "conditional_probability": ["alpha"],
        "log_likelihood_ratio": ["signed"],
    }
    given = {
        ORACLE_NAMES.get(name, {}).get(parameter, parameter): values[parameter]
        for parameter in own.get(name, [])
    }
    w = oracles.similarity(name, x, values["shrinkage"], **given)
    scale = np.abs(w).max(initial=0) or 1.0
    # Rounded, as these formulas lose bits where ours find 0 and ties.
    w = np.round(w / scale, 14) * scale
    with np.errstate(over="ignore"):
        kept = oracles.neighbors(
            w,
            oracles.products(x),
            values["num_neighbors"],
            values["neighborhood"],
            values["min_cooccurrence"],
        )
        singles = w[np.nonzero(kept)].astype(np.float32).astype(float)
    assert [(row["item_id"], row["neighbor_id"]) for row in case.expected] == [
        (items[i], items[j]) for i, j in zip(*np.nonzero(kept))
    ]
    assert [row["similarity"] for row in case.expected] == [
        single if np.isfinite(single) else None for single in singles.tolist()
    ]


def rule_of(case: Case, ids: Sequence[str]) -> HistoryRule:
    """The rule that the parameters and tables of a case of weigh_history describe."""
    values: dict[str, Any] = case.query.values(case.params)
    settings: dict[str, Any] = {"k1": values["k1"]} if values["weighting"] == "bm25" else {}
    if values["half_life_days"]:
        passed_over = "1970-01-01T00:00:00Z"  # as now is given
        settings |= {"half_life_days": values["half_life_days"], "reference_time": passed_over}
    weighting = WEIGHTINGS[values["weighting"]](**settings)
    norms = {row["item_id"]: row.get("norm", math.nan) for row in case.tables["items"]}
    factors = [row["factor"] for row in case.tables["length_factors"]]
    arrays = {
        "item_norms": np.array([norms[id_] for id_ in ids]),
        "length_factors": np.array(factors + [math.nan] * len(ids)),
    }
    used = {name: arrays[name] for name in weighting.uses}
    return HistoryRule(values["aggregate"], weighting, Normalization(**used))


@pytest.mark.parametrize(
    "case", [case for case in cases() if case.query.name == "weigh_history"], ids=str
)
def test_the_expected_histories_are_those_of_the_core(case: Case) -> None:
    ids = sorted({row["item_id"] for row in case.tables["items"]}, key=str.encode)
    rule, now = rule_of(case, ids), int(float(case.params.get("now", 0)) * 10**6)
    events: dict[str, list[Event]] = {row["user_id"]: [] for row in case.tables["events"]}
    for row in case.tables["events"]:
        time = row["timestamp"] * 10**6 if "timestamp" in row else None
        events[row["user_id"]].append((row["item_id"], row.get("weight", 1.0), time))
    for user, history in events.items():
        expected = {
            row["item_id"]: row["weight"] for row in case.expected if row["user_id"] == user
        }
        try:
            encoded, _ = encode_events([history], [user], IdMap.from_ids(ids), rule, now)
        except MlcoreError:
            assert None in expected.values()
        else:
            items, weights = encoded[0]
            assert dict(zip([ids[item] for item in items], weights.tolist())) == expected


# --- positions instead of ids ---------------------------------------------------------------------

# Of the queries that cli.train and others ask over positions, the cases where the order of ids tells.
OVER_POSITIONS = {
    "ties",
    "ties_by_source",
    "opaque_ids",
    "cosine",
    "without_a_list",
    "who_is_asked",
}


@pytest.mark.duckdb
@pytest.mark.parametrize(
    "case",
    [
        case
        for case in cases()
        if case.query.name in ("train", "recommend", "evaluate", "coverage")
        and case.folder.name in OVER_POSITIONS
    ],
    ids=str,
)
def test_positions_instead_of_ids_give_the_same_rows(case: Case, duckdb: Engine) -> None:
    ids = {
        cell
        for rows in (*case.tables.values(), case.expected)
        for row in rows
        for name, cell in row.items()
        if name.endswith("_id") and cell is not None
    }
    position_of: dict[str | None, int | None] = {None: None}
    position_of |= {id_: position for position, id_ in enumerate(sorted(ids, key=str.encode))}

    def with_ids(row: Any) -> dict[str, Any]:
        return {k: position_of[cell] if k.endswith("_id") else cell for k, cell in row.items()}

    tables = {table: [with_ids(row) for row in rows] for table, rows in case.tables.items()}
    query = case.query.with_integer_ids()
    load_rows(duckdb, query, tables)
    found = result_rows(duckdb, query, query.values(case.params))
    assert_same_rows(
        case.query, found, [tuple(with_ids(row).values()) for row in case.expected], is_exact(case)
    )


@pytest.fixture(scope="module")
def duckdb() -> Iterator[Engine]:
    with open_duckdb() as opened:
        yield opened


@pytest.mark.googlesql
@pytest.mark.parametrize("name", ["train", "recommend", "evaluate", "coverage"])
def test_bigquery_takes_the_text_over_positions(name: str) -> None:
    query = queries()[name].with_integer_ids()
    with open_googlesql() as googlesql:
        assert googlesql.estimate(query, query.values({}))
