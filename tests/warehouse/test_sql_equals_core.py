"""The queries on DuckDB give what the Python core gives, on the fixtures and on made-up logs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pytest

from mlcore import Interactions, Recommender, TrainConfig, train_from_data
from mlcore.artifact import Model
from mlcore.evaluate.evaluate import Catalogue, evaluate_from_data
from mlcore.files.interactions import read_events, read_interactions
from mlcore.files.predictions import read_predictions
from mlcore.interactions import Events
from mlcore.preprocess import preprocess_from_data
from mlcore.aggregate import AGGREGATES, Aggregate
from mlcore.preprocess.config import PreprocessConfig
from mlcore.similarity import SIMILARITIES
from mlcore.split import SplitConfig, split_from_data
from mlcore.warehouse.engines import DuckDb, DuckDbOptions
from mlcore.warehouse.engines.base import Engine
from mlcore.warehouse.model_tables import ModelTables
from mlcore.warehouse.query import Query, Value
from mlcore.weighting import WEIGHTINGS
from tests import oracles
from tests.warehouse.sql_cases import ROOT, load_rows, queries, result_rows

# A table by name; rows as tuples, in the order of the header.
Row: TypeAlias = tuple[Any, ...]
FIXTURES = ["small", "family"]
MODELS = ["small/cosine_tf_idf", "small/jaccard_source", "family/default", "family/pearson"]
# In order of UTF-8 bytes; by UTF-16 the last two change places.
LETTERS = ["", "0", "00", "7", "A", "a", "a ", "e\u0301", "é", "日", "\ue000", "😀"]
MEASURES: list[dict[str, Value]] = [
    {"name": "dot"},
    {"name": "cosine"},
    {"name": "asymmetric_cosine", "alpha": 0.3},
    {"name": "jaccard"},
    {"name": "dice"},
    {"name": "tversky", "alpha": 0.7, "beta": 0.2},
    {"name": "conditional_probability", "popularity_exponent": 0.5},
    {"name": "lift"},
    {"name": "pmi"},
    {"name": "npmi"},
    {"name": "log_likelihood_ratio"},
    {"name": "log_likelihood_ratio", "signed": True},
    {"name": "pearson"},
]
# Of + - * / and square roots, in the same order as the core.
SAME_BITS = {"dot", "cosine", "jaccard", "dice", "tversky", "lift"}


@pytest.fixture(scope="module")
def duckdb() -> Iterator[Engine]:
    with DuckDb(DuckDbOptions(threads=2)) as engine:
        yield engine


def ask(
    engine: Engine,
    name: str,
    params: dict[str, Value],
    **tables: Sequence[Row],
) -> list[Row]:
    """Return the rows of a query; those of its tables have the columns of the header, in order."""
    query = queries()[name]
    named = {
        table: [dict(zip([column.name for column in columns], row)) for row in tables[table]]
        for table, columns in query.reads.items()
    }
    load_rows(engine, query, named)
    return result_rows(engine, query, query.values(params))


def rows_of(interactions: Interactions) -> list[Row]:
    """Return user, item, weight, seconds."""
    matrix, times = interactions.user_items, interactions.timestamps
    return [
        (
            interactions.user_ids[user],
            interactions.item_ids[item],
            float(weight),
            None if times is None else int(times[entry]) // 10**6,
        )
        for entry, (user, item, weight) in enumerate(
            zip(matrix.row_of_entry().tolist(), matrix.indices.tolist(), matrix.data.tolist())
        )
    ]


def rows_of_events(events: Events) -> list[Row]:
    assert events.timestamps is not None
    return [
        (events.user_ids[user], events.item_ids[item], weight, time // 10**6)
        for user, item, weight, time in zip(
            events.users.tolist(),
            events.items.tolist(),
            events.weights.tolist(),
            events.timestamps.tolist(),
        )
    ]


def as_events(rows: Sequence[Row]) -> Events:
    users, items, weights, seconds = zip(*rows)
    user_ids, item_ids = (sorted(set(ids), key=str.encode) for ids in (users, items))
    user_of, item_of = ({id_: code for code, id_ in enumerate(ids)} for ids in (user_ids, item_ids))
    return Events(
        user_ids,
        item_ids,
        np.array([user_of[user] for user in users], np.int32),
        np.array([item_of[item] for item in items], np.int32),
        np.array(weights),
        np.array(seconds) * 10**6,
    )


def made_up(seed: int, rows: int = 250) -> list[Row]:
    """Return events with few users, items, weights and times, so that there are ties of all kinds."""
    rng = np.random.default_rng(seed)
    users = [f"{letter}{number}" for letter in LETTERS for number in (1, 2)]
    return [
        (
            users[int(rng.integers(len(users)))],
            f"{LETTERS[int(rng.integers(len(LETTERS)) ** 2) // len(LETTERS)]}.",
            float(rng.integers(1, 4)),
            int(rng.integers(-3, 5)),
        )
        for _ in range(rows)
    ]


def as_interactions(rows: Sequence[Row]) -> Interactions:
    users, items, weights, seconds = zip(*rows)
    return Interactions.from_columns(users, items, weights, [second * 10**6 for second in seconds])


def of_fixture(name: str) -> Interactions:
    return read_interactions(ROOT / "fixtures" / name / "train.csv")


LOGS: dict[str, Callable[[], Interactions]] = {
    "small": lambda: of_fixture("small"),
    "family": lambda: of_fixture("family"),
    "made_up": lambda: as_interactions(made_up(1)),
}


# --- preprocessing and splits ---------------------------------------------------------------------


@pytest.mark.parametrize("aggregate", ["sum", "max", "last", "count"])
@pytest.mark.parametrize("log", [*FIXTURES, "made_up"])
def test_preprocessing_is_that_of_the_core(log: str, aggregate: Aggregate, duckdb: Engine) -> None:
    if log == "made_up":
        events = made_up(2, 400)
    else:
        events = rows_of_events(read_events(ROOT / "fixtures" / log / "events.csv"))
        events += [(*row[:2], 7.0 - row[2], row[3] - 86400) for row in events[::3]]
    parsed = as_events(events)
    least = 1.0 if aggregate == "count" else 2.0
    limits: dict[str, Any] = {"min_user_interactions": 5, "min_item_interactions": 3}
    config = PreprocessConfig(aggregate, least, max_user_interactions=6, **limits)
    found = ask(duckdb, "deduplicate", {"aggregate": aggregate, "min_weight": least}, events=events)
    assert len(found) < len(events)
    found = ask(duckdb, "cap_history", {"max_user_interactions": 6}, interactions=found)
    rounds = 0
    while True:
        left = ask(duckdb, "kcore_round", {**limits}, interactions=found)
        if len(left) == len(found):
            break
        found, rounds = left, rounds + 1
    assert rounds >= 1
    assert found == rows_of(preprocess_from_data(parsed, config))


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize(
    ("name", "params", "config"),
    [
        ("split_random", {"test_fraction": 0.3}, SplitConfig("random", 0.3)),
        ("split_random", {"test_fraction": 0.3, "seed": 9}, SplitConfig("random", 0.3, seed=9)),
        ("split_last_n", {"n": 2}, SplitConfig("last-n", n=2)),
        ("split_temporal", {}, SplitConfig("temporal")),
    ],
)
def test_both_sides_of_a_split_are_those_of_the_core(
    name: str, params: dict[str, Value], config: SplitConfig, log: str, duckdb: Engine
) -> None:
    interactions = LOGS[log]()
    if name == "split_temporal":
        assert interactions.timestamps is not None
        cutoff = int(np.median(interactions.timestamps)) // 10**6
        params, config = {"cutoff": cutoff}, SplitConfig("temporal", cutoff=cutoff * 10**6)
    train, test = split_from_data(interactions, config)
    for part, expected in (("train", train), ("test", test)):
        found = ask(duckdb, name, {**params, "part": part}, interactions=rows_of(interactions))
        assert found == rows_of(expected)


# --- neighbors ------------------------------------------------------------------------------------


def binary_model(interactions: Interactions, measure: dict[str, Value], **settings: Any) -> Model:
    given = {"similarity": measure, "weighting": {"name": "binary"}, **settings}
    return train_from_data(interactions, TrainConfig.from_json(given))


def neighbors_of(model: Model) -> dict[tuple[str, str], float]:
    matrix, ids = model.similarity, model.items.ids
    return {
        (ids[source], ids[target]): value
        for source, target, value in zip(
            matrix.row_of_entry().tolist(), matrix.indices.tolist(), matrix.data.tolist()
        )
    }


def train_params(measure: dict[str, Value]) -> dict[str, Value]:
    renamed = {"name": "similarity", "popularity_exponent": "alpha"}
    return {renamed.get(name, name): value for name, value in measure.items()}


def assert_ranked(found: Sequence[Row], neighborhood: str = "source") -> None:
    """Check that positions are by similarity; float64 may tell apart what float32 does not."""
    own = 1 if neighborhood == "target" else 0
    ranked = sorted(found, key=lambda row: (row[own].encode(), row[3]))
    for before, row in zip([None, *ranked], ranked):
        if before is None or before[own] != row[own]:
            assert row[3] == 1
        else:
            assert row[3] == before[3] + 1 and row[2] <= before[2]


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize(
    "measure", MEASURES, ids=lambda measure: "-".join(map(str, measure.values()))
)
def test_all_neighbors_are_those_of_the_core(
    measure: dict[str, Value], log: str, duckdb: Engine
) -> None:
    interactions = LOGS[log]()
    settings = {"shrinkage": 1.5, "min_cooccurrence": 2}
    params = {**train_params(measure), **settings, "num_neighbors": 1000}
    pairs = [row[:2] for row in rows_of(interactions)]
    found = ask(duckdb, "train", params, interactions=pairs)
    model = neighbors_of(binary_model(interactions, measure, num_neighbors=None, **settings))
    assert len(model) > 20
    assert [row[:2] for row in found] == sorted(model, key=lambda pair: [i.encode() for i in pair])
    values = np.array([row[2] for row in found])
    kept = np.array([model[row[:2]] for row in found], np.float32)
    if measure["name"] in SAME_BITS:
        assert (values == kept).all()
    assert (values.astype(np.float32) == values).all()
    np.testing.assert_allclose(values, kept, rtol=2**-23, atol=1e-12)
    x = (oracles.dense(interactions.user_items) > 0).astype(float)
    own = {key: value for key, value in measure.items() if key != "name"}
    w = oracles.similarity(str(measure["name"]), x, 1.5, **own)
    places = {id_: place for place, id_ in enumerate(interactions.item_ids)}
    expected = [w[places[row[0]], places[row[1]]] for row in found]
    np.testing.assert_allclose(values, expected, rtol=2**-24, atol=1e-12)
    common = oracles.products(x)
    assert [row[4] for row in found] == [common[places[row[0]], places[row[1]]] for row in found]
    assert_ranked(found)


@pytest.mark.parametrize("shrinkage", [0.0, 1e9])  # of 1e9: more ties in float32 than in float64
@pytest.mark.parametrize("neighborhood", ["target", "source"])
@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize(
    "measure", [m for m in MEASURES if m["name"] in SAME_BITS], ids=lambda measure: measure["name"]
)
def test_the_best_neighbors_are_those_of_the_core(
    measure: dict[str, Value], log: str, neighborhood: str, shrinkage: float, duckdb: Engine
) -> None:
    interactions = LOGS[log]()
    settings: dict[str, Value] = {
        "num_neighbors": 3,
        "neighborhood": neighborhood,
        "shrinkage": shrinkage,
    }
    params = {**train_params(measure), **settings}
    found = ask(duckdb, "train", params, interactions=[row[:2] for row in rows_of(interactions)])
    model = binary_model(interactions, measure, **settings)
    assert {row[:2]: row[2] for row in found} == neighbors_of(model)
    assert_ranked(found, neighborhood)


@pytest.mark.googlesql
@pytest.mark.parametrize("measure", [MEASURES[1], MEASURES[9]], ids=lambda measure: measure["name"])
def test_googlesql_finds_the_neighbors_of_the_core(measure: dict[str, Value]) -> None:
    from tests.warehouse.googlesql import GoogleSql

    log = as_interactions(made_up(3, 60))
    params = {**train_params(measure), "num_neighbors": 1000}
    with GoogleSql() as engine:
        found = ask(engine, "train", params, interactions=[row[:2] for row in rows_of(log)])
    model = neighbors_of(binary_model(log, measure, num_neighbors=None))
    assert {row[:2] for row in found} == set(model)
    for row in found:
        assert row[2] == pytest.approx(model[row[:2]], rel=2**-23)
    assert_ranked(found)


# --- lists and their metrics ----------------------------------------------------------------------


def abs_scores(model: Model) -> npt.NDArray[np.float64]:
    """Return the sum of the absolute products of each user and item, (U, I)."""
    assert model.histories is not None
    similarity = abs(model.similarity.to_scipy().toarray().astype(float))
    sums: npt.NDArray[np.float64] = model.histories.to_scipy().toarray().astype(float) @ similarity
    return sums


@pytest.mark.parametrize("folder", MODELS)
def test_recommendations_are_those_of_the_core(folder: str, duckdb: Engine) -> None:
    model = Model.load(ROOT / "fixtures" / folder / "model")
    histories, users = model.histories, model.users
    assert histories is not None and users is not None
    ids, user_ids = model.items.ids, users.ids
    neighbors = [(*pair, value) for pair, value in neighbors_of(model).items()]
    rows = [
        (user_ids[user], ids[item], float(weight))
        for user, item, weight in zip(
            histories.row_of_entry().tolist(), histories.indices.tolist(), histories.data.tolist()
        )
    ]
    asked = user_ids[::2]
    found = ask(
        duckdb,
        "recommend",
        {"n": 7},
        neighbors=neighbors,
        histories=rows,
        users=[(user,) for user in asked],
    )
    recommender = Recommender(model)
    expected = [
        (user, one.item_id, one.score, position)
        for user in asked
        for position, one in enumerate(recommender.predict(user, 7), 1)
    ]
    assert [(row[0], row[1], row[3]) for row in found] == [
        (row[0], row[1], row[3]) for row in expected
    ]
    # The core rounds at each addition, the query once.
    sums = abs_scores(model)
    longest = int(np.diff(histories.indptr).max())
    for one, other in zip(found, expected):
        bound = longest * 2.0**-53 * sums[user_ids.index(one[0]), ids.index(one[1])]
        assert abs(one[2] - other[2]) <= bound


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize(
    ("measure", "weighting"),
    [(one, "binary") for one in MEASURES]
    + [(one, "none") for one in MEASURES if SIMILARITIES[str(one["name"])].binary],
    ids=lambda one: one if isinstance(one, str) else "-".join(map(str, one.values())),
)
def test_train_and_recommend_give_the_lists_of_training_and_prediction(
    measure: dict[str, Value], weighting: str, log: str, duckdb: Engine
) -> None:
    tenths = weighting == "none"  # no float32
    taken = [(*row[:2], row[2] / 10 if tenths else 1.0) for row in rows_of(LOGS[log]())]
    config = {"similarity": measure, "weighting": {"name": weighting}}
    model = train_from_data(Interactions.from_columns(*zip(*taken)), TrainConfig.from_json(config))
    pairs = [row[:2] for row in taken]
    neighbors = ask(duckdb, "train", train_params(measure), interactions=pairs)
    assert {row[:2]: row[2] for row in neighbors} == neighbors_of(model)
    assert model.users is not None
    users = [(user,) for user in model.users.ids]
    tables = {"neighbors": [row[:3] for row in neighbors], "histories": taken, "users": users}
    found = ask(duckdb, "recommend", {}, **tables)
    recommender = Recommender(model)
    expected = [
        (user, one.item_id, one.score) for (user,) in users for one in recommender.predict(user)
    ]
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    scores = np.array([row[2] for row in expected])
    np.testing.assert_allclose(
        [row[2] for row in found], scores, rtol=1e-14 if tenths else 0, atol=1e-14 if tenths else 0
    )


@pytest.mark.parametrize("spread", [0, 20])
def test_scores_of_the_longest_histories_are_exact_sums_rounded_once(
    spread: int, duckdb: Engine
) -> None:
    rng, longest = np.random.default_rng(8), 2**18
    items = [f"{item}" for item in range(longest)]
    weights = 2 - rng.random(longest, np.float32)
    similarities = np.ldexp(1 - rng.random(longest) / 8, -rng.integers(0, spread + 1, longest))
    similarities = (similarities * rng.choice([-1, 1, 1], longest)).astype(np.float32)
    products = weights.astype(float) * similarities.astype(float)
    tables: dict[str, list[Row]] = {
        "neighbors": list(zip(items, itertools.cycle("xyz"), similarities.tolist())),
        "histories": list(zip(itertools.repeat("u"), items, weights.tolist())),
        "users": [("u",)],
    }
    expected = {id_: math.fsum(products[place::3]) for place, id_ in enumerate("xyz")}
    found = ask(duckdb, "recommend", {}, **tables)
    assert {row[1]: row[2] for row in found} == expected
    alone = [(item, "x", similarity) for item, _, similarity in tables["neighbors"]]
    ((_, _, score, _),) = ask(duckdb, "recommend", {}, **{**tables, "neighbors": alone})
    assert score == math.fsum(products)


@pytest.mark.parametrize("cutoff", [1, 3, 5])
@pytest.mark.parametrize("folder", MODELS)
def test_metrics_are_those_of_the_core(folder: str, cutoff: int, duckdb: Engine) -> None:
    data = ROOT / "fixtures" / Path(folder).parts[0]
    predictions = read_predictions(ROOT / "fixtures" / folder / "predictions.jsonl")
    truth, train = read_interactions(data / "test.csv"), read_interactions(data / "train.csv")
    catalogue = Catalogue(
        train.item_ids, np.bincount(train.user_items.indices), len(train.user_ids)
    )
    expected = evaluate_from_data(
        predictions, truth, [cutoff], catalogue=catalogue, extra_users="ignore"
    )
    lists = [
        (user, predictions.item_ids[item], position)
        for user, begin, end in zip(
            predictions.user_ids, predictions.indptr, predictions.indptr[1:]
        )
        for position, item in enumerate(predictions.items[begin:end].tolist(), 1)
    ]
    wanted = [row[:2] for row in rows_of(truth)]
    (found,) = ask(duckdb, "evaluate", {"cutoff": cutoff}, predictions=lists, ground_truth=wanted)
    (spread,) = ask(
        duckdb,
        "coverage",
        {"cutoff": cutoff},
        predictions=lists,
        ground_truth=[row[:1] for row in wanted],
        interactions=[row[:2] for row in rows_of(train)],
    )
    names = ["precision", "recall", "hit_rate", "ndcg", "map", "mrr", "coverage", "gini", "novelty"]
    for name, value in zip(names, (*found[:6], *spread[:3]), strict=True):
        assert value == pytest.approx(expected.metrics[f"{name}@{cutoff}"], rel=1e-12), name
    assert found[6:] == (
        len(truth.user_ids),
        expected.users_without_predictions,
        expected.ignored_users,
        0,
    )
    assert spread[3] == 0


# --- histories from raw events --------------------------------------------------------------------


def made_up_events(seed: int, catalogue: Sequence[str], num_users: int = 12) -> list[Row]:
    """Return events of known and unknown items, some without a time, with repeats and ties."""
    rng = np.random.default_rng(seed)
    items = [*catalogue, "unknown", "unknown too"]
    return [
        (
            f"{LETTERS[int(rng.integers(num_users))]}.",
            items[int(rng.integers(len(items)))],
            float(rng.integers(1, 5)) / 4,
            None if rng.integers(5) == 0 else int(rng.integers(-3, 5)),
        )
        for _ in range(250)
    ]


def rows_of_model(tables: ModelTables, query: Query) -> dict[str, list[Row]]:
    """Return the tables that a model has for a query, rows with the columns of the header."""
    return {
        table: [
            row
            for part in tables.parts(table, query.reads[table])
            for row in zip(*(cells.tolist() for cells in part.values()))
        ]
        for table in tables.names
    }


def histories_of_core(
    recommender: Recommender, events: Sequence[Row]
) -> dict[tuple[str, str], float]:
    """Return the weights of raw events by user and item."""
    ids = recommender.model.items.ids
    found: dict[tuple[str, str], float] = {}
    for user in {row[0] for row in events}:
        history = [(*row[1:3], row[3] and row[3] * 10**6) for row in events if row[0] == user]
        (items, weights), _ = recommender.encode_history(history)
        found |= {(user, ids[item]): weight for item, weight in zip(items, weights.tolist())}
    return found


@pytest.mark.filterwarnings("ignore:.*half-lives old:mlcore.errors.DataWarning")
@pytest.mark.parametrize("half_life_days", [None, 2 / 86400, 0.03 / 86400])
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_histories_of_raw_events_are_those_of_the_core(
    weighting: str, half_life_days: float | None, duckdb: Engine, tmp_path: Path
) -> None:
    given: dict[str, Any] = {"name": weighting, "half_life_days": half_life_days}
    if weighting in ("tf_idf", "bm25"):
        given["smooth"] = True
    trained = as_events(made_up(6))
    weigh, recommend = queries()["weigh_history"], queries()["recommend"]
    for seed, aggregate in enumerate(AGGREGATES, 7):
        config = TrainConfig.from_json({"weighting": given, "aggregate": aggregate})
        train_from_data(trained.aggregate(aggregate), config).save(tmp_path / aggregate)
        recommender = Recommender.load(tmp_path / aggregate)
        events = made_up(6) + made_up_events(seed, trained.item_ids)
        model = ModelTables(tmp_path / aggregate, weigh)
        tables = {"events": events, **rows_of_model(model, weigh)}
        found = ask(duckdb, "weigh_history", model.params, **tables)
        expected = histories_of_core(recommender, events)
        assert [row[:2] for row in found] == sorted(
            expected, key=lambda pair: [*map(str.encode, pair)]
        )
        weights = [expected[row[:2]] for row in found]
        # The last bit of float32, where LN or POWER differs in the last one of float64.
        is_exact = half_life_days is None and weighting != "log"
        np.testing.assert_allclose(
            [row[2] for row in found], weights, rtol=0 if is_exact else 2**-23, atol=0
        )
        tables = rows_of_model(ModelTables(tmp_path / aggregate, recommend), recommend)
        tables |= {"histories": found, "users": sorted({row[:1] for row in events})}
        lists = ask(duckdb, "recommend", {"n": 5}, **tables)
        assert [row[:2] for row in lists] == [
            (user, one.item_id)
            for (user,) in sorted(tables["users"], key=lambda row: str.encode(row[0]))
            for one in recommender.predict_history(
                [row[1:] for row in events if row[0] == user], n=5
            )
        ]


def test_a_sum_beyond_float64_is_refused_though_binary_counts_1(duckdb: Engine) -> None:
    tables: dict[str, list[Row]] = {"items": [("a", None), ("b", None)], "length_factors": []}
    tables["events"] = [("u", item, 1e308, None) for item in "aab"]
    found = ask(duckdb, "weigh_history", {"weighting": "binary"}, **tables)
    assert found == [("u", "a", None), ("u", "b", 1.0)]


# --- laws -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("deduplicate", {"aggregate": "last"}),
        ("deduplicate", {"aggregate": "sum"}),
        ("cap_history", {"max_user_interactions": 3}),
        ("kcore_round", {"min_user_interactions": 6, "min_item_interactions": 9}),
        ("split_random", {"part": "test"}),
        ("split_last_n", {"part": "test", "n": 3}),
        ("split_temporal", {"part": "test", "cutoff": 1}),
        ("train", {"similarity": "jaccard", "num_neighbors": 3}),
        ("recommend", {"n": 4}),
        ("weigh_history", {"aggregate": "last", "weighting": "log"}),
        ("weigh_history", {"aggregate": "sum", "half_life_days": 1, "now": 4}),
    ],
)
def test_the_order_of_rows_changes_nothing(
    name: str, params: dict[str, Value], duckdb: Engine
) -> None:
    rng = np.random.default_rng(5)
    events = made_up(4)
    unique = rows_of(as_interactions(events))
    tables: dict[str, list[Row]] = {
        "events": events,
        "interactions": [row[:2] for row in unique] if name == "train" else unique,
        "neighbors": [(f"{a}.", f"{b}.", 0.1) for a in LETTERS for b in LETTERS if a != b],
        "histories": [row[:3] for row in unique],
        "users": sorted({row[:1] for row in unique}),
        "items": [(f"{letter}.", None) for letter in LETTERS[1:]],
        "length_factors": [],
    }
    once = ask(duckdb, name, params, **tables)
    assert once
    for table in tables.values():
        rng.shuffle(table)
    assert ask(duckdb, name, params, **tables) == once
