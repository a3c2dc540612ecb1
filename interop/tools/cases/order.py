"""Section 9, the order of a history: models that keep it, and what its decays make of weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from interop.tools.cases.events import HALF_LIVES, NOON, SESSION, of_events, rule, weighting
from interop.tools.cases.prediction import BASKETS, Request, of_user, similar_to
from interop.tools.draft import Draft, Model
from interop.tools.history import Rule, before_decay, exp2, f32, order
from interop.tools.registry import PLAIN, invalid, predict, valid

Events = Sequence[Sequence[Any]]

NONE: dict[str, Any] = {"name": "none"}
QUADRATIC: dict[str, Any] = {"name": "quadratic"}


def exponential(half_life_items: float) -> dict[str, Any]:
    """Return an exponential decay as in config.json."""
    return {"name": "exponential", "half_life_items": half_life_items}


# Of each user the items at several times, in no order; e is similar to d alone.
SESSIONS: dict[str, Events] = {
    "ann": SESSION,
    "bob": [["d", 1.0, 7], ["a", 3.0, 7], ["c", 0.1, 7], ["b", 2.0, 7]],  # all at once
    "cold": [],
    "dan": [["e", 2.5, NOON]],
    "eve": [
        ["e", 1.0, 5],
        ["a", 1.0, 3],
        ["c", 1.0, 1],
        ["b", 1.0, 2],
        ["d", 1.0, 4],
        ["c", 1.0, 9],
    ],
}


def ordered(rule: Rule, sessions: Mapping[str, Events] = SESSIONS) -> Model:
    """Return a model whose users have the histories of some events."""
    positions = {item: index for index, item in enumerate(BASKETS.items)}
    users = sorted(sessions)
    return replace(
        BASKETS.with_rule(rule),
        users=users,
        histories=[before_decay(rule, positions, sessions[user], None) for user in users],
        orders=[order(positions, sessions[user]) for user in users],
    )


def decaying(decay: Mapping[str, Any], name: str = "none", half_life: float | None = None) -> Rule:
    """Return a rule with a history decay."""
    return rule(name, "sum", half_life)._replace(decay=decay)


def _of_all(model: Model) -> list[Request]:
    users = [of_user(user, explain=True) for user in model.users]
    return users + [of_events(events, explain=True) for events in SESSIONS.values()]


for _suffix, _rule in {
    "none": decaying(NONE),
    "quadratic": decaying(QUADRATIC),
    "exponential": decaying(exponential(2.5)),
    "of_few_items": decaying(exponential(0.01)),
    "of_infinitely_few_items": decaying(exponential(5e-324)),
    "of_many_items": decaying(exponential(1e308)),
    "of_bm25_and_time": decaying(exponential(1), "bm25", 2.5),
    "of_the_logarithm": decaying(QUADRATIC, "log"),
}.items():

    def _case(draft: Draft) -> list[Request]:
        users, events = _of_all(draft.model)[:5], _of_all(draft.model)[5:]
        return [*users, *events, *(of_user(user, include_seen=True) for user in SESSIONS)]

    _case.__name__ = f"order_decay_{_suffix}"
    _case.__doc__ = "Users, and their events, which have the same lists."
    predict("ORD-5 ORD-3 ORD-4 REC-1 REC-11", ordered(_rule))(_case)


@predict("STG-3 ORD-5", ordered(decaying(NONE)))
def order_not_looked_at(draft: Draft) -> list[Request]:
    """A position is out of range, and no decay looks at it."""
    draft.values("order.npz", "positions")[0] = 99
    return [of_user(user) for user in SESSIONS]


@predict("ORD-4", ordered(decaying(QUADRATIC)))
def order_of_events(draft: Draft) -> list[Request]:
    """The latest time of an item counts, equal times go by position, events without one come last."""
    a, b, c, d = "abcd"
    by_time = [[d, 1, 1], [c, 1, 2], [b, 1, 3], [a, 1, 4]]
    equal = [[c, 1, 5], [a, 1, 5], [b, 1, 5]]
    undated = [[c, 1], [a, 1], [b, 1]]
    some = [[c, 1], [a, 1, NOON], [b, 1, -NOON]]
    again = [[c, 1, 1], [a, 1, 2], [b, 1, 3], [c, 1, 4], [a, 1, 0]]
    undated_again = [[c, 1], [a, 1], [b, 1], [c, 1]]
    mixed = [[c, 1, 9], [a, 1], [c, 1], [b, 1, 8], [a, 1, 10]]
    unknown = [["zz", 1, 0], *by_time, ["yy", 1]]
    lists = [by_time, equal, undated, some, again, undated_again, mixed, unknown]
    orders = [order({item: index for index, item in enumerate("abcde")}, one) for one in lists]
    assert orders[0] == {3: 1, 2: 2, 1: 3, 0: 4} and orders[1] == {0: 1, 1: 2, 2: 3}
    assert orders[2] == {2: 1, 0: 2, 1: 3} and orders[3] == {1: 1, 0: 2, 2: 3}
    assert orders[4] == {0: 1, 1: 2, 2: 3} and orders[5] == {0: 1, 1: 2, 2: 3}
    assert orders[6] == {1: 1, 0: 2, 2: 3} and orders[7] == orders[0]
    return [of_events(one[::step], explain=True) for one in lists for step in (1, -1)]


@predict("ORD-5", ordered(decaying(exponential(0.1))))
def order_and_weights_that_round_to_0(draft: Draft) -> list[Request]:
    """What a decay makes smaller than f32 holds becomes the least weight; the last one stays."""
    small = [["b", 2.0**-149, 1], ["a", 2.0**-140, 2], ["c", 3.0, 3]]
    assert f32(2.0**-149 * exp2(-20.0)) == 0
    return [
        of_events(small, explain=True),
        of_events(small[:1]),
        of_events(small[1:], explain=True),
    ]


@predict("ORD-5", ordered(decaying(QUADRATIC)))
def order_and_factors_of_f64(draft: Draft) -> list[Request]:
    """A factor is rounded to f64 alone, before it meets the weight."""
    weights = [f32(weight) for weight in (0.1, 0.3, 0.7, 0.9, 1.1, 1.3, 1.7, 2.9, 3.1)]
    third, two = (1 / 3) * (1 / 3), (2 / 3) * (2 / 3)
    assert any(f32(weight * third) != f32(weight * f32(third)) for weight in weights)
    assert any(f32(weight * two) != f32(weight * f32(two)) for weight in weights)
    return [
        of_events([["a", weight, 1], ["b", weight, 2], ["c", 1, 3]], explain=True)
        for weight in weights
    ]


for _number, _half_life in enumerate(HALF_LIVES[6:9]):

    def _power(draft: Draft) -> list[Request]:
        return [of_events([["b", weight, 1], ["e", 1, 2]], explain=True) for weight in (1, 0.7, 3)]

    assert len({f32(exp2(-(1 / _half_life)) * (1 + step * 2.0**-52)) for step in (-1, 0, 1)}) > 1
    _power.__name__ = f"order_and_powers_that_need_all_bits_{_number}"
    _power.__doc__ = "A power of 2 near the middle of two f32."
    predict("ORD-5 HIS-10", ordered(decaying(exponential(_half_life))))(_power)


@predict("ORD-6 REC-10", ordered(decaying(QUADRATIC, "bm25", 2.5)))
def order_and_final_weights(draft: Draft) -> list[Request]:
    """Ready weights and similar items have no decay."""
    pairs = [["b", 2.0, 1], ["a", 0.5, 2], ["c", 1.0]]
    final = of_events(pairs, weights="final", explain=True)
    return [final, of_events(pairs[::-1], weights="final"), *map(similar_to, "abcde")]


@predict("ORD-1 ORD-5 REC-1", ordered(decaying(exponential(1))).without_users())
def order_without_users(draft: Draft) -> list[Request]:
    """A model without users has no order.npz, and its decay all the same."""
    return [*(of_events(events) for events in SESSIONS.values()), of_user("ann")]


@predict("ORD-5", ordered(decaying(QUADRATIC)))
def order_and_options(draft: Draft) -> list[Request]:
    """Filters and filled items change no weight."""
    more: dict[str, Any] = {"include": ["a", "c", "e"], "exclude": ["c"], "fill": True}
    return [of_user("ann", **more), of_events(SESSION, **more), of_user("eve", 3, fill=True)]


def _with_places(places: Sequence[int]) -> Model:
    model = ordered(decaying(QUADRATIC))
    rows = [dict(row) for row in model.orders]
    rows[1] = dict(enumerate(places))
    return replace(model, orders=rows)


for _name, _places in {
    "0": [0, 1, 2, 3],
    "beyond_the_history": [1, 2, 3, 5],
    "below_0": [1, 2, 3, -(2**31)],
}.items():

    def _met(draft: Draft) -> list[Request]:
        return [of_user("bob"), of_user("bob", include_seen=True)]

    _met.__name__ = f"order_{_name}_met"
    _met.__doc__ = "A position that no history has is found by the user who has it."
    predict("STG-3 ORD-3", _with_places(_places), "csr")(_met)


# --- models --------------------------------------------------------------------------------------

WITH_USERS = ordered(decaying(QUADRATIC))
ALONE = PLAIN.with_rule(Rule("sum", weighting("none"), decay=exponential(4)))


@valid("ORD-1 ORD-2 ORD-3 DIR-6 MAN-7", WITH_USERS)
def order_with_users(draft: Draft) -> None:
    """A model with the order of its users' items."""


@valid("ORD-1 ORD-2", ALONE)
def order_of_requests_alone(draft: Draft) -> None:
    """A model without users has a decay and no order.npz."""


@valid("ORD-2 ORD-1", ordered(decaying(NONE)))
def order_without_a_decay(draft: Draft) -> None:
    """The order is kept, and no decay needs it."""


@valid("ORD-2 CFG-2", WITH_USERS)
def order_with_other_keys(draft: Draft) -> None:
    """Keys that the text does not name are passed over."""
    draft.config["history_decay"] |= {"half_life_items": "of another decay", "steps": 3}


@valid("ORD-1 CFG-2", PLAIN.with_rule(Rule("sum", weighting("none"))))
def order_not_there(draft: Draft) -> None:
    """Without the feature the configuration may say anything of a decay."""
    draft.config["history_decay"] = 7


@valid("MAN-7", WITH_USERS)
def order_named_first(draft: Draft) -> None:
    """Required features stand in any order."""
    draft.manifest["required_features"].reverse()


def _faulty(
    name: str, note: str, verdict: str, model: Model, change: Callable[[Draft], Any]
) -> None:
    def case(draft: Draft) -> None:
        change(draft)

    case.__name__, case.__doc__ = f"order_{name}", note
    invalid("ORD-2", verdict, model=model)(case)


def _of_decay(key: str, value: Any) -> Callable[[Draft], Any]:
    return lambda draft: draft.config["history_decay"].update({key: value})


for _args in [
    ("decay_missing", "No decay.", "manifest", WITH_USERS, lambda d: d.config.pop("history_decay")),
    ("decay_null", "The decay is null.", "manifest", WITH_USERS,
     lambda d: d.config.update(history_decay=None)),
    ("decay_a_name", "The decay is a string.", "manifest", WITH_USERS,
     lambda d: d.config.update(history_decay="quadratic")),
    ("decay_without_name", "The decay has no name.", "manifest", WITH_USERS,
     lambda d: d.config["history_decay"].pop("name")),
    ("decay_name_a_number", "The name is a number.", "manifest", WITH_USERS, _of_decay("name", 2)),
    ("decay_unknown", "A decay of a later version.", "version", WITH_USERS, _of_decay("name", "linear")),
    ("decay_in_capitals", "Names are compared byte by byte.", "version", ALONE,
     _of_decay("name", "Exponential")),
    ("half_life_missing", "An exponential decay without a half-life.", "manifest", ALONE,
     lambda d: d.config["history_decay"].pop("half_life_items")),
    ("half_life_null", "The half-life is null.", "manifest", ALONE, _of_decay("half_life_items", None)),
    ("half_life_0", "A half-life of 0.", "manifest", ALONE, _of_decay("half_life_items", 0)),
    ("half_life_below_0", "A half-life below 0.", "manifest", ALONE, _of_decay("half_life_items", -1)),
    ("half_life_true", "The half-life is true.", "manifest", ALONE, _of_decay("half_life_items", True)),
    ("half_life_a_string", "The half-life is a string.", "manifest", ALONE,
     _of_decay("half_life_items", "4")),
    ("half_life_beyond_f64", "The half-life is a number that f64 does not hold.", "manifest", ALONE,
     _of_decay("half_life_items", 10**400)),
]:  # fmt: skip
    _faulty(*_args)


def _misplaced(name: str, places: Sequence[int]) -> None:
    def case(draft: Draft) -> None:
        begin = len(draft.model.orders[0])
        draft.values("order.npz", "positions")[begin : begin + 4] = places

    case.__name__ = f"order_{name}"
    case.__doc__ = "The positions of a history are not 1 to the number of its items."
    invalid("ORD-3", "csr", "verify", model=WITH_USERS)(case)


for _order in [
    ("0", [0, 1, 2, 3]),
    ("beyond_the_history", [1, 2, 3, 5]),
    ("below_0", [1, 2, 3, -(2**31)]),
    ("twice", [1, 2, 3, 3]),
    ("the_greatest", [2**31 - 1, 1, 2, 3]),
]:
    _misplaced(*_order)


@invalid("ORD-1", "manifest", model=ALONE)
def order_without_the_rule(draft: Draft) -> None:
    """The order needs the rule."""
    draft.manifest["required_features"] = ["history_order"]


@invalid("ORD-1 MAN-12", "manifest", model=WITH_USERS)
def order_missing(draft: Draft) -> None:
    """Users, and no order.npz."""
    del draft.arrays["order.npz"]


@invalid("ORD-1 MAN-12", "manifest", model=WITH_USERS)
def order_without_histories(draft: Draft) -> None:
    """An order.npz, and no users."""
    del draft.ids["users.csv"], draft.arrays["histories.npz"]


@invalid("ORD-1 MAN-12", "manifest", model=WITH_USERS)
def order_without_the_feature(draft: Draft) -> None:
    """The order is listed, but the feature is not."""
    draft.manifest["required_features"] = ["history_rule"]


@invalid("DIR-6 MAN-12", "manifest", model=WITH_USERS)
def order_not_listed(draft: Draft) -> None:
    """The order is there, but not listed."""
    del draft.manifest["files"]["order.npz"]


@invalid("MAN-14", "manifest", model=WITH_USERS)
def order_too_short(draft: Draft) -> None:
    """A position for each entry but one."""
    draft.values("order.npz", "positions").pop()


@invalid("MAN-14", "manifest", model=WITH_USERS)
def order_of_64_bits(draft: Draft) -> None:
    """The positions have another type."""
    arrays = draft.arrays["order.npz"]
    arrays["positions"] = ("<i8", arrays["positions"][1])


@invalid("MAN-13", "checksum", "verify", model=WITH_USERS)
def checksum_of_order(draft: Draft) -> None:
    """The digest of order.npz is another one."""
    draft.manifest["files"]["order.npz"]["sha256"] = "0" * 64
