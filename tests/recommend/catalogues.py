"""Random models with catalogues, random filters, and what these mean by plain loops."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlcore import Interactions, Recommender, train_from_data
from mlcore.artifact import Attributes
from mlcore.files.catalogue import NO_TIME, NO_VALUE, Catalogue
from mlcore.ranked_lists import source_of
from tests import oracles

NUM_USERS = 25
SECOND = 1_000_000
Facts = Mapping[str, Any]  # of one item: its value by column, "from" and "until" in seconds


@dataclass(frozen=True)
class World:
    """A model, and what is known of each of its items."""

    recommender: Recommender
    facts: Mapping[str, Facts]

    @property
    def users(self) -> Sequence[str]:
        return self.recommender.user_ids()


def random_world(rng: random.Random, num_items: int = 30) -> World:
    items = oracles.ids("i", num_items)
    rows = [
        (user, item)
        for user in oracles.ids("u", NUM_USERS)
        for item in rng.sample(items, rng.randint(1, 9))
    ]
    model = train_from_data(Interactions.from_columns(*zip(*rows)).with_catalogue(items))
    facts = {item: random_facts(rng) for item in items}
    return World(Recommender(replace(model, attributes=encoded(facts, model.items))), facts)


def random_facts(rng: random.Random) -> Facts:
    return {
        "brand": rng.choice([None, "a", "b", "c", "\u00e9"]),
        "kind": rng.choice(["a", "tea", "x,y"]),
        "series": rng.choice([None, None, None, "1", "2"]),
        "from": rng.choice([None, *range(5)]),
        "until": rng.choice([None, *range(5)]),
    }


COLUMNS = ("brand", "kind", "series")


def encoded(facts: Mapping[str, Facts], items: Any) -> Attributes:
    values = sorted({of[column] for of in facts.values() for column in COLUMNS} - {None})
    codes = {value: place for place, value in enumerate(values)} | {None: NO_VALUE}
    columns = {column: [codes[of[column]] for of in facts.values()] for column in COLUMNS}
    begins, ends = (
        [NO_TIME if of[side] is None else of[side] * SECOND for of in facts.values()]
        for side in ("from", "until")
    )
    return Attributes.encode(Catalogue(list(facts), columns, values, begins, ends), items)


def random_filter(rng: random.Random, with_caps: bool = False) -> dict[str, Any]:
    values = ["a", "b", "c", "\u00e9", "tea", "x,y", "1", "2", "of nobody"]
    wanted: dict[str, Any] = {}
    for part in ("any_of", "none_of"):
        if rng.random() < 0.6:
            columns = rng.sample(COLUMNS, rng.choice([0, 1, 1, 2]))
            wanted[part] = {column: rng.sample(values, rng.randint(0, 5)) for column in columns}
    if rng.random() < 0.4:
        wanted["available_at"] = rng.randint(-1, 5)
    if with_caps:
        columns = rng.sample(COLUMNS, rng.randint(1, 3))
        wanted["at_most"] = {column: rng.choice([1, 1, 2, 3]) for column in columns}
    return wanted


def admits(wanted: Mapping[str, Any], of: Facts) -> bool:
    moment = wanted.get("available_at")
    return (
        all(of[column] in some for column, some in wanted.get("any_of", {}).items())
        and all(of[column] not in some for column, some in wanted.get("none_of", {}).items())
        and (moment is None or of["from"] is None or of["from"] <= moment)
        and (moment is None or of["until"] is None or moment < of["until"])
    )


def random_options(rng: random.Random, world: World) -> dict[str, Any]:
    items = list(world.facts)
    return {
        "n": rng.choice([1, 3, 8, 40]),
        "include": rng.choice([None, rng.sample(items, 20), [*items[:9], "unknown"]]),
        "exclude": rng.choice([[], rng.sample(items, 6)]),
        "include_seen": rng.random() < 0.4,
        "fill": rng.choice([None, "popularity"]),
    }


Listed = tuple[str, float, str]  # item, score and source


def capped_list(
    world: World, user: str, wanted: Mapping[str, Any], options: Mapping[str, Any]
) -> list[Listed]:
    """Return the list by a walk over all candidates, then over all popular items."""
    recommender, n, listed = world.recommender, options["n"], list[Listed]()
    held: dict[str, Counter[str]] = {column: Counter() for column in wanted.get("at_most", {})}

    def walk(items: Sequence[tuple[str, float]], filled: bool) -> None:
        for item, score in items:
            of, included = world.facts[item], options["include"]
            if len(listed) == n or not admits(wanted, of) or item in options["exclude"]:
                continue
            if included is not None and item not in included:
                continue
            if any(held[column][of[column]] == wanted["at_most"][column] for column in held):
                continue
            listed.append((item, score, source_of(filled)))
            for column in held:
                if of[column] is not None:
                    held[column][of[column]] += 1

    every = recommender.predict(user, len(world.facts), include_seen=options["include_seen"])
    walk([(found.item_id, found.score) for found in every], False)
    if options["fill"] is not None:
        ids, popularity = recommender.model.items.ids, recommender.model.popularity
        history = [ids[place] for place in recommender.history_of(user)[0]]
        taken = {*history, *(item for item, *_ in listed)}
        order = sorted(range(len(ids)), key=lambda place: (-popularity[place], place))
        popular = [ids[place] for place in order if popularity[place] > 0]
        walk([(item, 0.0) for item in popular if item not in taken], True)
    return listed
