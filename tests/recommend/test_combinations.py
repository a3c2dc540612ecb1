"""All features of a model and all options of a list at once, beside the loops of interop/tools/reference.py."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from interop.tools import draft
from interop.tools.history import Rule, exp2
from interop.tools.reference import answer, bits
from mlcore import Interactions, Model, Recommender, train_from_data
from mlcore.interactions import Events
from mlcore.recommend.lists import RankedList
from mlcore.types import CsrMatrix
from tests import oracles
from tests.recommend.catalogues import (
    COLUMNS,
    SECOND,
    Facts,
    encoded,
    random_facts,
    random_filter,
)

DAY = 86_400
NUM_USERS, NUM_ITEMS, NUM_ROUNDS = 24, 30, 8
UNTAKEN = 2  # of the items

ORDER = {"name": "sequential_rules", "steps": 3, "decay": "harmonic", "session_gap_minutes": 4000}
BM25 = {"name": "bm25", "smooth": True, "half_life_days": 3}
CONFIGS: list[dict[str, Any]] = [
    {
        "similarity": ORDER,
        "neighborhood": "target",
        "weighting": BM25,
        "history_decay": {"name": "quadratic"},
    },
    {
        "similarity": {"name": "cosine"},
        "weighting": BM25,
        "history_decay": {"name": "exponential", "half_life_items": 1.5},
        "aggregate": "last",
    },
    {
        # Weights of either sign: sums may cancel.
        "similarity": {"name": "adjusted_cosine"},
        "weighting": {"name": "tf_idf", "smooth": True, "half_life_days": 0.2},
        "history_decay": {"name": "exponential", "half_life_items": 0.01},
        "aggregate": "max",
    },
    {
        "similarity": ORDER,
        "weighting": {"name": "log"},
        "history_decay": {"name": "quadratic"},
        "heavy_users": {"name": "latest", "max_interactions": 4},
        "aggregate": "count",
    },
]
Row = tuple[str, str, float, int]  # user, item, weight, seconds


@dataclass(frozen=True)
class World:
    """A trained model, and the same as the reference has it, from plain numbers."""

    recommender: Recommender
    reference: draft.Model
    rows: list[Row]
    items: list[str]


def random_rows(rng: random.Random) -> list[Row]:
    """Return events, some of them repeated, many at equal times, some before 1970."""
    items = oracles.ids("i", NUM_ITEMS - UNTAKEN)
    return [
        (user, rng.choice(items), rng.choice([0.25, 1, 3]), rng.randrange(-3 * DAY, 9 * DAY, 7000))
        for user in oracles.ids("u", NUM_USERS)
        for _ in range(rng.randint(1, 14))
    ]


def world_of(rng: random.Random, config: Mapping[str, Any]) -> World:
    rows, items = random_rows(rng), oracles.ids("i", NUM_ITEMS)
    config = {"popularity_half_life_days": 2, "num_neighbors": 2, **config}
    rng.shuffle(rows)
    interactions = _interactions(rows, config).with_catalogue(items)
    model = train_from_data(interactions, config)
    facts = {item: random_facts(rng) for item in items}
    model = replace(model, attributes=encoded(facts, model.items))
    return World(Recommender(model), reference_of(model, rows, facts), rows, items)


def _interactions(rows: list[Row], config: Mapping[str, Any]) -> Interactions:
    one_each = Interactions.from_columns(*zip(*rows))
    events = one_each.events
    assert isinstance(events, Events)
    return events.aggregate(config.get("aggregate", "sum"), keep_events=True)


def reference_of(model: Model, rows: list[Row], facts: Mapping[str, Facts]) -> draft.Model:
    assert model.users and model.histories and model.order is not None and model.normalization
    norms, factors = (None if part is None else part.tolist() for part in model.normalization)
    config: Mapping[str, Any] = model.config_json
    places = replace(model.histories, data=model.order)  # the same entries
    values = sorted({of[column] for of in facts.values() for column in COLUMNS} - {None})
    codes = [
        [-1 if of[column] is None else values.index(of[column]) for of in facts.values()]
        for column in COLUMNS
    ]
    begins, ends = (
        [draft.NO_TIME if of[side] is None else of[side] * SECOND for of in facts.values()]
        for side in ("from", "until")
    )
    return draft.Model(
        model.items.ids,
        _maps(model.similarity),
        model.users.ids,
        _maps(model.histories),
        True,
        Rule(config["aggregate"], config["weighting"], norms, factors, config["history_decay"]),
        _maps(places),
        draft.Attributes(COLUMNS, values, codes, (begins, ends)),
        decayed_popularity(rows, model.items.ids, config["popularity_half_life_days"]),
    )


def _maps(matrix: CsrMatrix) -> list[dict[int, Any]]:
    rows = (matrix.row(row) for row in range(matrix.num_rows))
    return [dict(zip(items.tolist(), values.tolist())) for items, values in rows]


def decayed_popularity(rows: list[Row], items: Any, half_life_days: float) -> list[float]:
    latest: dict[tuple[str, str], int] = {}
    for user, item, _, seconds in rows:
        latest[user, item] = max(seconds, latest.get((user, item), seconds))
    now, total = max(latest.values()), dict.fromkeys(items, 0.0)
    for (_, item), seconds in sorted(latest.items()):
        total[item] += exp2(-((now - seconds) / (half_life_days * DAY)))
    return list(total.values())


def random_request(rng: random.Random, world: World) -> dict[str, Any]:
    """Return the options of a list, as the conformance protocol has them."""
    wanted = random_filter(rng, with_caps=rng.random() < 0.5) if rng.random() < 0.6 else {}
    if "available_at" in wanted:
        wanted["available_at"] *= SECOND
    request: dict[str, Any] = {
        "id": "",
        "n": rng.choice([1, 3, 8, 40]),
        "filter": wanted,
        "exclude": rng.choice([[], rng.sample(world.items, 5)]),
        "include_seen": rng.random() < 0.4,
        "fill": rng.random() < 0.7,
        "explain": rng.random() < 0.3,
    }
    if rng.random() < 0.4:
        request["include"] = [*rng.sample(world.items, 18), "unknown"]
    return request


def arguments_of(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a request, as Python's functions take them."""
    wanted = dict(request["filter"])
    if "available_at" in wanted:
        wanted["available_at"] //= SECOND
    return {
        "n": request["n"],
        "include": request.get("include"),
        "exclude": request["exclude"],
        "include_seen": request["include_seen"],
        "fill": "popularity" if request["fill"] else None,
        "explain": request["explain"],
        "filter": wanted,
    }


def expected(world: World, request: Mapping[str, Any]) -> list[Any]:
    return [
        (
            item["item_id"],
            item["bits"],
            item["filled"],
            [(one["item_id"], one["bits"]) for one in item.get("because", [])],
        )
        for item in answer(world.reference, request)["items"]
    ]


def plain(ranked: RankedList) -> list[Any]:
    return [
        (
            item.item_id,
            bits(item.score),
            item.source == "popularity",
            [(one.item_id, bits(one.share)) for one in item.because],
        )
        for item in ranked
    ]


def limited(rng: random.Random, world: World) -> dict[str, list[str]]:
    users = rng.sample(world.reference.users, NUM_USERS // 2)
    return {user: rng.sample([*world.items, "unknown"], rng.choice([0, 4, 20])) for user in users}


def of_user(
    request: Mapping[str, Any],
    user: str,
    include: Mapping[str, list[str]] | None,
    exclude: Mapping[str, list[str]] | None,
) -> dict[str, Any]:
    """Return the request of one user, whose own items join those of all."""
    alone = {**request, "user": user}
    if include is not None:
        common = request.get("include")
        own = include.get(user, [])
        alone["include"] = own if common is None else [item for item in own if item in common]
    alone["exclude"] = [*request["exclude"], *(exclude or {}).get(user, [])]
    return alone


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("number", range(len(CONFIGS)))
def test_lists_of_many_users_with_all_options_are_those_of_plain_loops(number: int) -> None:
    rng = random.Random(number)
    world = world_of(rng, CONFIGS[number])
    users = [*world.reference.users, world.reference.users[3]]
    num_ranked = num_filled = num_short = 0
    for _ in range(NUM_ROUNDS):
        request = random_request(rng, world)
        include, exclude = (rng.choice([None, limited(rng, world)]) for _ in range(2))
        found = world.recommender.predict_many(
            users, **arguments_of(request), include_by_user=include, exclude_by_user=exclude
        )
        for user, ranked in zip(users, found, strict=True):
            assert plain(ranked) == expected(world, of_user(request, user, include, exclude))
            filled = sum(item.source == "popularity" for item in ranked)
            num_ranked, num_filled = num_ranked + len(ranked) - filled, num_filled + filled
            num_short += len(ranked) < request["n"]
    assert min(num_ranked, num_filled, num_short) > 20


@pytest.mark.parametrize("number", range(len(CONFIGS)))
def test_lists_of_one_user_history_or_item_with_all_options_are_those_of_plain_loops(
    number: int,
) -> None:
    rng = random.Random(number)
    world = world_of(rng, CONFIGS[number])
    ask = world.recommender
    for _ in range(4 * NUM_ROUNDS):
        request = random_request(rng, world)
        options, user = arguments_of(request), rng.choice(world.reference.users)
        of_model = ask.predict(user, **options)
        assert plain(of_model) == expected(world, {**request, "user": user})
        own = [row[1:] for row in world.rows if row[0] == user]
        assert plain(ask.predict_history(own, **options)) == plain(of_model)
        events = rng.choices(own, k=rng.randint(0, 5)) + [
            (item, rng.choice([0.5, 2])) for item in rng.choices(world.items, k=rng.randint(0, 3))
        ]
        rng.shuffle(events)
        in_microseconds = [[*event[:2], *(t * SECOND for t in event[2:])] for event in events]
        asked = {**request, "history": in_microseconds, "now": 9 * DAY * SECOND}
        found = ask.predict_history(events, now=9 * DAY, **options)
        assert plain(found) == expected(world, asked)
        final = {item: rng.choice([0.1, 7.5]) for item in rng.sample(world.items, 4)}
        asked = {**request, "history": [*map(list, final.items())], "weights": "final"}
        found = ask.predict_history(final, weights="final", **options)
        assert plain(found) == expected(world, asked)
        item = rng.choice(world.items)
        asked = {**request, "item": item}
        found = ask.similar_items(item, **options)
        assert plain(found) == expected(world, asked)
