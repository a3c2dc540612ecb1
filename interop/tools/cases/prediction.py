"""Section 9: requests, and traps for those who add or compare in another way.

Where a case is a trap, an assertion shows that the wrong way gives another answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from interop.tools.cases.valid import MAX_F32, MIN_F32, model_of_ids
from interop.tools.draft import Draft, Model, f32, make_model
from interop.tools.reference import scores
from interop.tools.request_form import YEAR_1, YEAR_10_000
from interop.tools.registry import GOOD, predict

Request = dict[str, Any]


def of_user(user: str, n: Any = 10, **options: Any) -> Request:
    """Return a request for a user of the model."""
    return {"user": user, "n": n, **options}


def of_history(history: Mapping[str, Any] | Sequence[Any], n: Any = 10, **options: Any) -> Request:
    """Return a request with a history."""
    pairs = history.items() if isinstance(history, Mapping) else history
    return {"history": [[item, weight] for item, weight in pairs], "n": n, **options}


def similar_to(item: str, n: Any = 10, **options: Any) -> Request:
    """Return a request for the items similar to one."""
    return {"item": item, "n": n, **options}


# Five items, popular: b c d 3, a 2, e 0. Row of a: b c d; of b: a c; of c: d; of d: nothing.
BASKETS = make_model(
    ["a", "b", "c", "d", "e"],
    {
        ("a", "b"): 0.5,
        ("a", "c"): 0.25,
        ("a", "d"): 0.75,
        ("b", "a"): 0.5,
        ("b", "c"): 1.0,
        ("c", "d"): 0.125,
        ("e", "d"): 2.0,
    },
    {
        "ann": {"a": 1, "b": 2},
        "bob": {"a": 1, "b": 1, "c": 1, "d": 1},
        "cold": {},
        "dan": {"b": 1, "c": 3, "d": 1},
        "eve": {"d": 5, "c": 1},
    },
)


# --- users and histories -------------------------------------------------------------------------


@predict("REC-1 REC-3 REC-5 REC-7", BASKETS)
def users(draft: Draft) -> list[Request]:
    """The lists of all users."""
    return [of_user(user) for user in BASKETS.users]


@predict("REC-1", BASKETS)
def history_of_a_user(draft: Draft) -> list[Request]:
    """A history in the request gives what the same history of a user gives."""
    return [of_user("ann"), of_history({"a": 1, "b": 2})]


@predict("REC-1", BASKETS)
def user_unknown(draft: Draft) -> list[Request]:
    """Users that the model does not have, among them nearly right ones."""
    near = ["nobody", "", "Ann", "ann ", "an", "anna", "0", "a"]
    return [of_user(user) for user in near] + [of_user("nobody", fill=True), of_user("ann")]


@predict("REC-1", BASKETS)
def user_cold(draft: Draft) -> list[Request]:
    """A user without items has an empty list, and is not unknown."""
    return [of_user("cold"), of_user("cold", include_seen=True), of_user("cold", 3, fill=True)]


@predict("REC-1 DIR-2", BASKETS.without_users())
def model_without_users(draft: Draft) -> list[Request]:
    """Any user is unknown; histories and items have answers."""
    asked = [of_user("ann"), of_user("ann", fill=True), of_user("")]
    return [*asked, of_history({"a": 1, "b": 2}), of_history({}, 2, fill=True), similar_to("a")]


@predict("REC-1 REC-2", make_model([], {}, {}))
def model_without_items(draft: Draft) -> list[Request]:
    """A model of nothing: lists are empty, also when filled."""
    asked = [of_user("u"), similar_to("a"), of_history({}), of_history({"a": 1})]
    return [*asked, of_history({"a": 1}, include=["a"], fill=True, include_seen=True)]


@predict("REC-2", BASKETS)
def history_empty(draft: Draft) -> list[Request]:
    """A history of no items has no candidates."""
    return [of_history({}), of_history({}, include_seen=True), of_history({}, 3, fill=True)]


@predict("REC-2 REC-6", BASKETS)
def items_unknown(draft: Draft) -> list[Request]:
    """Items that the model does not have are passed over, wherever they stand."""
    return [
        of_history({"a": 1, "zz": 100, "b": 2}),
        of_history({"zz": 1}),
        of_history({"zz": 1}, 2, fill=True),
        of_user("ann", include=["zz", "c"]),
        of_user("ann", include=["zz"]),
        of_user("ann", include=["zz"], fill=True),
        of_user("ann", exclude=["zz", "c"]),
        of_user("ann", exclude=["", "A"]),
    ]


@predict("REC-2", BASKETS)
def history_item_twice(draft: Draft) -> list[Request]:
    """An item twice is an error, with equal weights, with others, and if it is unknown."""
    return [
        of_history([("a", 1), ("a", 1)]),
        of_history([("a", 1), ("b", 2), ("a", 3)]),
        of_history([("zz", 1), ("zz", 1)]),
        of_history([("a", 1), ("b", 1)]),
    ]


@predict("REC-2", BASKETS)
def weight_refused(draft: Draft) -> list[Request]:
    """Weights that are not above 0, or not finite and above 0 as f32."""
    tie_with_zero, tie_with_infinity = 2.0**-150, (2 - 2.0**-24) * 2.0**127
    numbers = [0, 0.0, -0.0, -1, -1e-300, 1e39, 1e300, 1e-46, 5e-324]
    numbers += [tie_with_zero, tie_with_infinity, 10**40]
    known = [of_history([("a", weight)]) for weight in [*numbers, "1", True, None, [1], "x"]]
    return [*known, of_history({"a": 1, "zz": 0}), of_history({"a": 1})]


@predict("REC-2", BASKETS)
def weight_accepted(draft: Draft) -> list[Request]:
    """Weights at the ends of f32: those beyond that still round into it count."""
    over_zero, under_infinity = 2.0**-150 * (1 + 2.0**-52), (2 - 2.0**-24 - 2.0**-52) * 2.0**127
    assert f32(over_zero) == MIN_F32 and f32(under_infinity) == MAX_F32
    weights = [1, 1.0, 1e-45, 8e-46, over_zero, 3.4028234663852886e38, 3.4028235e38, under_infinity]
    return [of_history([("a", weight)]) for weight in weights]


@predict("REC-2", BASKETS)
def weight_rounded(draft: Draft) -> list[Request]:
    """Weights are rounded to f32, ties to even, before anything is multiplied."""
    above, below = 1 + 2.0**-24, 1 + 3 * 2.0**-24
    assert (f32(above), f32(below)) == (1, 1 + 2.0**-22)
    weights = [0.1, 1 / 3, above, below, 16_777_217, 16_777_219, 123456789, 1e22, 2**63 - 1]
    assert f32(0.1) * 0.5 != 0.1 * 0.5
    return [of_history([("a", weight)]) for weight in weights]


# --- scores --------------------------------------------------------------------------------------


def sum_of(model: Model, target: str) -> list[float]:
    """Return the products that make the score of an item for the first user, in order."""
    j = list(model.items).index(target)
    history = model.histories[0]
    return [
        history[i] * model.similarity[i][j] for i in sorted(history) if j in model.similarity[i]
    ]


def in_order(terms: Sequence[float]) -> float:
    """Return the sum as the text says: one after the other, from 0."""
    total = 0.0
    for term in terms:
        total += term
    return total


def in_f32(terms: Sequence[float]) -> float:
    """Return the sum with each step rounded to f32."""
    total = 0.0
    for term in terms:
        total = f32(total + f32(term))
    return total


def in_pairs(terms: Sequence[float]) -> float:
    """Return the sum of the sums of both halves."""
    if len(terms) <= 2:
        return in_order(terms)
    half = len(terms) // 2
    return in_pairs(terms[:half]) + in_pairs(terms[half:])


def in_lanes(terms: Sequence[float], lanes: int) -> float:
    """Return the sum of several running sums, as vector units add."""
    return in_order([in_order(terms[lane::lanes]) for lane in range(lanes)])


WEIGHTED = make_model(
    ["a", "b", "c", "t"],
    {("a", "t"): f32(0.1), ("b", "t"): f32(0.2), ("c", "t"): f32(0.3), ("a", "c"): f32(0.7)},
    {"u": {"a": f32(1.1), "b": f32(2.2), "c": f32(3.3)}, "v": {"a": f32(0.3)}},
)


@predict("REC-3", WEIGHTED)
def history_weighted(draft: Draft) -> list[Request]:
    """Weights and similarities that no finite binary fraction is."""
    terms = sum_of(WEIGHTED, "t")
    assert in_order(terms) != in_f32(terms)
    one = of_history({"a": 0.1, "b": 0.2}, include_seen=True)
    return [of_user("u"), of_user("v"), of_history({"c": 1e-3, "a": 1e3, "b": 1}), one]


CANCELLING = make_model(
    ["a", "b", "c", "t"],
    {("a", "t"): 2.0**60, ("b", "t"): 1.0, ("c", "t"): -(2.0**60)},
    {"u": {"a": 1, "b": 1, "c": 1}},
)


@predict("REC-3", CANCELLING)
def history_in_other_order(draft: Draft) -> list[Request]:
    """The order of a history in the request changes nothing: sums go by position."""
    first, last = sum_of(CANCELLING, "t"), sum_of(CANCELLING, "t")[::-1]
    # 2^60 + 1 is 2^60, so the 1 is lost whenever it does not come last.
    assert in_order(first) == 0 and in_order(first) != in_order([first[0], first[2], first[1]])
    assert in_order(last) == 0
    orders = ["abc", "cba", "acb", "bac", "bca", "cab"]
    return [of_history({item: 1 for item in order}) for order in orders] + [of_user("u")]


def long_history(length: int, exponents: Sequence[int]) -> Model:
    """Return a model whose one user has many items, all of which speak for one more."""
    items = [f"i{index:03}" for index in range(length)]
    values = {
        item: f32((1 + (index * 37 % 101) / 101) * 2.0 ** exponents[index % len(exponents)])
        for index, item in enumerate(items)
    }
    pairs = {(item, "target"): value for item, value in values.items()}
    return make_model([*items, "target"], pairs, {"u": {item: f32(0.1) for item in items}})


LONG = long_history(337, [0, 20, -25, 7, -13])


@predict("REC-3", LONG)
def sum_of_many(draft: Draft) -> list[Request]:
    """337 terms of many sizes: sums in pairs, in lanes, in f32, exact or backwards differ."""
    terms = sum_of(LONG, "target")
    right = in_order(terms)
    others = [in_pairs(terms), in_f32(terms), in_order(terms[::-1]), math.fsum(terms)]
    others += [in_lanes(terms, lanes) for lanes in (2, 4, 8)]
    assert right not in others
    return [of_user("u"), of_history({item: 0.1 for item in reversed(LONG.items[:-1])})]


NARROW = make_model(
    ["a", "b", "s", "t"],
    {("a", "s"): 1.0, ("a", "t"): 1.0, ("b", "t"): 2.0**-24},
    {"u": {"a": 1, "b": 1}},
)


@predict("REC-3 REC-7", NARROW)
def sum_in_f64(draft: Draft) -> list[Request]:
    """A term that f32 would lose decides which of two items is the better one."""
    assert in_f32(sum_of(NARROW, "t")) == 1 < in_order(sum_of(NARROW, "t"))
    return [of_user("u"), of_user("u", 1)]


FUSED = make_model(
    ["a", "b", "t"],
    {("a", "t"): f32(1 / 3), ("b", "t"): f32(-1 / 3)},
    {"u": {"a": f32(1 + 2.0**-23), "b": f32(1 + 2.0**-22)}},
)


@predict("REC-3", FUSED)
def sum_of_exact_products(draft: Draft) -> list[Request]:
    """Products that f32 would round, and whose difference is small."""
    terms = sum_of(FUSED, "t")
    assert in_order(terms) != in_f32(terms)
    return [of_user("u")]


EXTREME = make_model(
    ["a", "b", "c", "s", "t"],
    {
        ("a", "s"): MAX_F32,
        ("b", "s"): MAX_F32,
        ("c", "s"): MIN_F32,
        ("a", "t"): MIN_F32,
        ("c", "t"): MIN_F32,
    },
    {"u": {"a": MAX_F32, "b": MAX_F32, "c": MIN_F32}, "v": {"c": MIN_F32}},
)


@predict("REC-3", EXTREME)
def sum_of_extremes(draft: Draft) -> list[Request]:
    """Products of the largest and of the smallest f32 overflow and vanish in f32, not in f64."""
    return [of_user("u"), of_user("v")]


NEGATIVE = make_model(
    ["a", "b", "c", "d", "e"],
    {
        ("a", "c"): -0.5,
        ("b", "c"): 0.5,
        ("a", "d"): -1.0,
        ("b", "d"): 0.25,
        ("a", "e"): 0.125,
    },
    {"u": {"a": 1, "b": 1}, "v": {"b": 2}},
)


@predict("REC-4 REC-7", NEGATIVE)
def score_not_above_0(draft: Draft) -> list[Request]:
    """An item whose terms cancel to 0, and one with a score below 0, are candidates."""
    assert scores(NEGATIVE, NEGATIVE.histories[0]) == {2: 0.0, 3: -0.75, 4: 0.125}
    lists = [of_user("u"), of_user("u", 2), of_user("u", fill=True), of_user("u", 1, fill=True)]
    return [*lists, of_user("v"), of_user("v", fill=True), of_history({"a": 3})]


# --- order ---------------------------------------------------------------------------------------


TIES = make_model(
    ["s", "p", "q", "r", "t", "x"],
    {("s", "t"): 0.5, ("s", "q"): 0.5, ("s", "r"): 0.5, ("s", "p"): 0.5, ("x", "r"): 0.25},
    {"u": {"s": 1}, "v": {"s": 1, "x": 1}},
)


@predict("REC-7", TIES)
def ties(draft: Draft) -> list[Request]:
    """Equal scores go to the smaller position, also where the list is cut."""
    return [of_user("u", n) for n in (1, 2, 3, 4, 5)] + [of_user("v", n) for n in (1, 2, 3)]


MANY_TIES = make_model(
    ["s", *(f"t{index:03}" for index in range(200))],
    {("s", f"t{index:03}"): (0.5, 0.25, 0.75)[index % 3] for index in range(200)},
    {"u": {"s": 1}},
)


@predict("REC-7", MANY_TIES)
def ties_of_many(draft: Draft) -> list[Request]:
    """200 items of three scores: a heap or a partial sort shows which of equals it keeps."""
    return [of_user("u", n) for n in (1, 10, 66, 67, 100, 133, 134, 199, 200, 201)]


ULP = make_model(
    ["a", "b", "p", "q"],
    {("a", "p"): 1.0, ("a", "q"): 1.0, ("b", "q"): 2.0**-52},
    {"u": {"a": 1, "b": 1}},
)


@predict("REC-7", ULP)
def ties_all_but_one_bit(draft: Draft) -> list[Request]:
    """Two scores differ in the last bit of f64: no tie, though they print alike in most formats."""
    assert f"{1 + 2.0**-52:.15g}" == "1"
    return [of_user("u"), of_user("u", 1)]


SCRIPTS = ["\uff5e", "\U0001f600", "\u00e9", "e\u0301", "Z", "a", "10", "9"]
SCRIPT_TIES = make_model(
    ["s", *SCRIPTS],
    {("s", item): 0.5 for item in SCRIPTS},
    {"\U0001f600": {"s": 1}, "\uff5e": {"s": 2}},
)


@predict("REC-7 IDM-5", SCRIPT_TIES)
def ties_of_scripts(draft: Draft) -> list[Request]:
    """Ties between ids whose order is another one in UTF-16, as numbers, or in a language."""
    in_utf16 = sorted(SCRIPT_TIES.items, key=lambda item: item.encode("utf-16-be"))
    assert in_utf16 != SCRIPT_TIES.items
    return [of_user("\U0001f600"), of_user("\uff5e", 3), of_history({"s": 1}, 8)]


# --- options -------------------------------------------------------------------------------------


@predict("REC-5", BASKETS)
def include_seen(draft: Draft) -> list[Request]:
    """With include_seen an item of the history is a candidate, if an entry touches it."""
    requests = []
    for seen in (False, True):
        requests += [of_user(user, include_seen=seen) for user in ("ann", "bob", "dan", "eve")]
    return [*requests, of_history({"d": 1}, include_seen=True)]


@predict("REC-6", BASKETS)
def include_and_exclude(draft: Draft) -> list[Request]:
    """Items to include and to exclude, alone and together."""
    return [
        of_user("ann", include=["c"]),
        of_user("ann", include=["d", "c"], exclude=[]),
        of_user("ann", include=["d", "d", "c", "d"]),
        of_user("ann", include=[]),
        of_user("ann", include=["e"]),
        of_user("ann", include=["a", "b"]),
        of_user("ann", include=["a", "b"], include_seen=True),
        of_user("ann", exclude=["d"]),
        of_user("ann", exclude=["d", "d"]),
        of_user("ann", exclude=["a", "b"]),
        of_user("ann", exclude=list("abcde")),
        of_user("ann", exclude=["a"], include_seen=True),
        of_user("ann", include=["c", "d"], exclude=["d"]),
        of_user("ann", 1, include=["c", "d"], exclude=["d"]),
        of_user("ann", include=["d"], exclude=["d"]),
    ]


@predict("REC-6 REC-3", BASKETS)
def include_changes_no_score(draft: Draft) -> list[Request]:
    """Items of the history that are not included, or are excluded, still speak for others."""
    return [of_user("ann", include=["d"]), of_user("ann", exclude=["a"]), of_user("ann")]


@predict("REC-8", BASKETS)
def fill(draft: Draft) -> list[Request]:
    """Short lists are completed by popularity, ties to the smaller position."""
    requests = [
        of_user(user, n, fill=True) for user in ("ann", "cold", "eve") for n in (1, 2, 3, 9)
    ]
    return [*requests, of_user("bob", 9, fill=True), of_history({"e": 1}, 5, fill=True)]


@predict("REC-8 REC-6 REC-5", BASKETS)
def fill_with_options(draft: Draft) -> list[Request]:
    """Items of the history are never filled in; include and exclude hold for filled ones too."""
    return [
        of_user("ann", 9, fill=True, include_seen=True),
        of_user("eve", 9, fill=True, include_seen=True),
        of_user("cold", 9, fill=True, include_seen=True),
        of_user("ann", 9, fill=True, include=["e", "d"]),
        of_user("ann", 9, fill=True, include=["a", "b", "e"]),
        of_user("ann", 9, fill=True, include=[]),
        of_user("ann", 9, fill=True, exclude=["e"]),
        of_user("cold", 2, fill=True, exclude=["b", "c"]),
        of_user("cold", 9, fill=True, include=["a", "b", "d"], exclude=["b"]),
    ]


POPULAR = make_model(
    ["a", "b", "c", "d", "e"],
    {("a", "e"): 0.5},
    {f"u{i}": dict.fromkeys(items, 1) for i, items in enumerate(["e", "de", "de", "ce", "a", "d"])},
)


@predict("REC-8", POPULAR)
def fill_by_popularity(draft: Draft) -> list[Request]:
    """The items by users are e 4, d 3, a and c 1; nobody has b. The best by score still comes first."""
    assert POPULAR.counts == [1, 0, 1, 3, 4]
    histories: list[dict[str, float]] = [{}, {"a": 1}, {"e": 1}, {"d": 1, "c": 2}]
    return [of_history(history, n, fill=True) for history in histories for n in (1, 3, 5)]


@predict("REC-9", BASKETS)
def n_of_all_sizes(draft: Draft) -> list[Request]:
    """Lists are cut at n, and shorter where there are fewer candidates."""
    sizes = [1, 2, 3, 100, 2**31 - 1]
    requests = [of_user("ann", n) for n in sizes] + [of_user("ann", n, fill=True) for n in sizes]
    return [*requests, of_history({"d": 1}, 1), similar_to("a", 2**31 - 1)]


@predict("REC-9", BASKETS)
def n_refused(draft: Draft) -> list[Request]:
    """An n that is not an integer from 1 to 2^31 - 1."""
    sizes = [0, -1, 2**31, 2**32 + 1, 2**63, 2**64 + 1, 3.0, 2.5, "3", "", None, True, [3]]
    whom = [of_history({"a": 1}, 0), similar_to("a", 0), of_user("ann", 0, fill=True)]
    return [*(of_user("ann", n) for n in sizes), *whom, of_user("ann", 3)]


@predict("REC-10", BASKETS)
def similar(draft: Draft) -> list[Request]:
    """The items similar to an item, some of which have none."""
    requests = [similar_to(item) for item in BASKETS.items]
    return [*requests, similar_to("a", 1), of_history({"a": 1}), similar_to("a", 3)]


@predict("REC-10 REC-5 REC-6 REC-8 REC-11", BASKETS)
def similar_with_options(draft: Draft) -> list[Request]:
    """All options apply to similar items: the item is the history."""
    return [
        similar_to("a", include=["b", "c"]),
        similar_to("a", exclude=["d"]),
        similar_to("a", include=["a"], include_seen=True),
        similar_to("a", fill=True),
        similar_to("d", 3, fill=True, exclude=["b"]),
        similar_to("a", explain=True),
        similar_to("a", 4, fill=True, explain=True),
        similar_to("zz", fill=True),
    ]


@predict("REC-13 REC-1 REC-10", BASKETS)
def request_before_unknown(draft: Draft) -> list[Request]:
    """What is malformed is found before it is looked whether the model knows the user or the item."""
    wrong: list[Request] = [
        {"n": 0},
        {"n": 3.0},
        {"include": "a"},
        {"fill": 1},
        {"filter": {"any_of": {"brand": ["x"]}}},
        {"weights": "last"},
        {"now": "today"},
        {"now": YEAR_10_000},
    ]
    asked = [{**of_user("nobody"), **more} for more in wrong]
    asked += [{**similar_to("zz"), **more} for more in wrong]
    return [*asked, of_user("nobody"), similar_to("zz")]


@predict("REC-13", BASKETS)
def request_of_none_or_two(draft: Draft) -> list[Request]:
    """A request names a user, a history or an item, and only one of them."""
    events = of_history({"a": 1})
    asked = [{"n": 10}, {**of_user("ann"), **events}, {**similar_to("a"), **events}]
    asked += [
        {**of_user("ann"), **similar_to("a")},
        {**of_user("ann"), **similar_to("a"), **events},
    ]
    return [*asked, {**of_user("ann"), "history": []}, {**of_user("nobody"), "item": "zz"}, events]


@predict("REC-13", BASKETS)
def request_of_other_types(draft: Draft) -> list[Request]:
    """Values of another type, null too, are refused; keys that the text does not name are passed over."""
    wrong: dict[str, list[Any]] = {
        "n": [None, "10", [], True],
        "include": [None, "a", {"a": 1}, [1], [None], True],
        "exclude": [None, "a", {"a": 1}, [["a"]], 0],
        "include_seen": [None, 0, 1, "true", []],
        "fill": [None, 0, 1, "popularity"],
        "explain": [None, 0, 1, "no"],
        "filter": [None, [], "brand", 1, True],
        "weights": [None, 1, "Final", ["final"]],
        "now": [None, "5", 5.5, True, [5], YEAR_1 - 1, YEAR_10_000, 2**64],
    }
    asked = [{**of_user("ann"), key: value} for key, values in wrong.items() for value in values]
    asked += [{"user": user, "n": 2} for user in (None, 1, ["ann"], {"ann": 1})]
    asked += [{"item": item, "n": 2} for item in (None, 1, ["a"])]
    histories: list[Any] = [
        None,
        "a",
        {"a": 1},
        ["a"],
        [["a"]],
        [[]],
        [["a", 1, 2, 3]],
        [[1, 1]],
        [[None, 1]],
    ]
    histories += [[["a", 1, None]], [["a", 1, "2"]], [["a", 1, 2.5]], [["a", 1, YEAR_10_000]]]
    asked += [{"history": history, "n": 2} for history in histories]
    return [*asked, {**of_user("ann"), "N": 1, "strange": None, "weight": "final"}]


@predict("REC-13", BASKETS)
def request_with_what_is_of_histories(draft: Draft) -> list[Request]:
    """Beside a user or an item it is passed over whether weights are final, and what time is now."""
    beside = {"weights": "final", "now": YEAR_10_000 - 1}
    return [of_user("ann", **beside), similar_to("a", **beside), of_user("ann", now=YEAR_1)]


@predict("REC-10", BASKETS)
def similar_to_unknown(draft: Draft) -> list[Request]:
    """Items that the model does not have, among them nearly right ones."""
    return [similar_to(item) for item in ("zz", "", "A", "a ", "0")] + [similar_to("a")]


@predict("REC-10 REC-4", NEGATIVE)
def similar_by_less_than_0(draft: Draft) -> list[Request]:
    """Similarities below 0 are listed last, and not left out."""
    return [similar_to("a"), similar_to("b"), similar_to("a", 1)]


# --- ids -----------------------------------------------------------------------------------------


def of_all_ids(model: Model) -> list[Request]:
    """Return requests that name every id of a model as user and as item."""
    requests = [of_user(user) for user in model.users]
    requests += [similar_to(item) for item in model.items]
    return [*requests, of_history({item: 1 for item in model.items}, include_seen=True)]


JAVASCRIPT = model_of_ids("__proto__", "constructor", "toString", "hasOwnProperty", "length")


@predict("IDM-4 REC-1", JAVASCRIPT)
def ids_of_javascript(draft: Draft) -> list[Request]:
    """Ids that every object of JavaScript has already, known and unknown."""
    unknown = ["valueOf", "__defineGetter__", "prototype"]
    more = [similar_to(item) for item in unknown] + [of_user(user) for user in unknown]
    return of_all_ids(JAVASCRIPT) + more


LOOKALIKES = model_of_ids(
    "007", "7", "7.0", "NA", "null", "\u00e9", "e\u0301", "a", "A", " a", "a "
)


@predict("IDM-4 REC-1", LOOKALIKES)
def ids_that_look_alike(draft: Draft) -> list[Request]:
    """Ids that are equal as numbers, trimmed, folded or normalised."""
    return of_all_ids(LOOKALIKES) + [of_user("07"), of_user("\u00c9"), similar_to("na")]


QUOTED = model_of_ids(",", '"', 'a"b', "a,b", '""', "\t", "\\", "/", "\u2028", "\x7f", "\U0001f600")


@predict("IDM-3 IDM-4", QUOTED)
def ids_quoted(draft: Draft) -> list[Request]:
    """Ids that are written otherwise in CSV, in JSON, or in both."""
    return of_all_ids(QUOTED)


# --- large and faulty ----------------------------------------------------------------------------


LONG_ROW = make_model(
    ["s", *(f"t{index:04}" for index in range(5000))],
    {
        ("s", f"t{index:04}"): f32((index * 7919 % 5003 - 2500) / 2500 or 0.5)
        for index in range(5000)
    },
    {"u": {"s": 1}},
)


@predict("REC-3 REC-7 LIM-1", LONG_ROW)
def long_row(draft: Draft) -> list[Request]:
    """One row holds 5,000 pairs."""
    return [
        of_user("u", 10),
        of_user("u", 3, exclude=["t0000"]),
        of_user("u", 2, include=["t4999"]),
    ]


@predict("STG-3 CSR-2", BASKETS, verdict="csr")
def index_past_the_end(draft: Draft) -> list[Request]:
    """A row holds a position that no item has: found when the row is read, at the latest."""
    draft.values("similarity.npz", "indices")[2] = 5
    return [of_user("ann"), of_history({"a": 1}), of_history({"a": 1}, 1), similar_to("a")]


@predict("STG-3 CSR-2", BASKETS, verdict="csr")
def index_far_past_the_end(draft: Draft) -> list[Request]:
    """A row holds the largest position that its type has."""
    draft.values("similarity.npz", "indices")[2] = 2**31 - 1
    return [of_user("ann"), of_history({"a": 1}), similar_to("a", 1)]


@predict("STG-3 CSR-2", BASKETS, verdict="csr")
def index_below_0(draft: Draft) -> list[Request]:
    """A row holds the position -1."""
    draft.values("similarity.npz", "indices")[0] = -1
    return [of_user("ann"), of_history({"a": 1}), similar_to("a")]


@predict("STG-3 CSR-2", BASKETS, verdict="csr")
def index_of_a_history_past_the_end(draft: Draft) -> list[Request]:
    """A user's history holds a position that no item has."""
    draft.values("histories.npz", "indices")[1] = 5
    return [of_user("ann"), of_user("ann", 1, fill=True), of_user("ann", include_seen=True)]


@predict("STG-3 CSR-2", BASKETS, verdict="csr")
def index_of_a_history_far_past_the_end(draft: Draft) -> list[Request]:
    """A user's history holds the largest position that its type has."""
    draft.values("histories.npz", "indices")[1] = 2**31 - 1
    return [of_user("ann"), of_user("ann", fill=True)]


@predict("STG-3 CSR-2", BASKETS, verdict="csr")
def index_of_a_history_below_0(draft: Draft) -> list[Request]:
    """A user's history holds the position -1."""
    draft.values("histories.npz", "indices")[0] = -1
    return [of_user("ann"), of_user("ann", fill=True)]


def of_row_a() -> list[Request]:
    """Return requests that use the row of a, with options that leave out items of it."""
    asked = [of_user("ann"), of_history({"a": 1}), of_history({"a": 1}, 1), similar_to("a")]
    options: list[Request] = [{"include": ["d"]}, {"include": []}, {"exclude": ["b", "c"]}]
    asked += [of_history({"a": 1, "b": 1}, 1, **more) for more in options]
    return [*asked, of_history({"a": 1, "b": 1, "c": 1}), similar_to("a", 1, explain=True)]


@predict("STG-3 STG-4 CSR-4", BASKETS, verdict="csr")
def value_nan(draft: Draft) -> list[Request]:
    """A row holds NaN, also for an item that is seen, or not to be listed."""
    draft.values("similarity.npz", "data")[0] = math.nan
    return of_row_a()


@predict("STG-3 STG-4 CSR-4", BASKETS, verdict="csr")
def value_infinite(draft: Draft) -> list[Request]:
    """A row holds infinity."""
    draft.values("similarity.npz", "data")[0] = math.inf
    return of_row_a()


@predict("STG-3 STG-4 CSR-4", BASKETS, verdict="csr")
def value_minus_infinity(draft: Draft) -> list[Request]:
    """A row holds minus infinity, which would come last in a list and be cut off."""
    draft.values("similarity.npz", "data")[1] = -math.inf
    return of_row_a()


@predict("STG-3 STG-4 CSR-3", BASKETS, verdict="csr")
def row_descends(draft: Draft) -> list[Request]:
    """Two positions of a row are in the other order."""
    positions = draft.values("similarity.npz", "indices")
    positions[1], positions[2] = positions[2], positions[1]
    return of_row_a()


@predict("STG-3 STG-4 CSR-3", BASKETS, verdict="csr")
def row_with_an_item_twice(draft: Draft) -> list[Request]:
    """A row holds a position twice."""
    positions = draft.values("similarity.npz", "indices")
    positions[1] = positions[0]
    return of_row_a()


UNVERIFIED = make_model(
    ["a", "b", "c"],
    {("a", "b"): 0.0, ("a", "c"): 0.25, ("b", "a"): 0.5, ("b", "b"): 0.75, ("c", "b"): 1.0},
    {},
).without_users()


@predict("STG-3 CSR-4 CSR-5", UNVERIFIED)
def rows_with_what_is_left_to_verify(draft: Draft) -> list[Request]:
    """A value of 0, and a row that holds its own item: while predicting they count as they are."""
    asked = [of_history({"a": 1}), of_history({"b": 1}), of_history({"b": 2}, include_seen=True)]
    return [*asked, similar_to("a"), of_history({"a": 1, "b": 1}, explain=True)]


@predict("STG-3", BASKETS)
def rows_beside_a_faulty_one(draft: Draft) -> list[Request]:
    """Requests that do not use the faulty row have their answers."""
    draft.values("similarity.npz", "data")[0] = math.nan
    draft.values("histories.npz", "data")[0] = math.nan
    return [of_history({"b": 1}), of_user("dan"), of_user("eve", fill=True), similar_to("c")]


@predict("STG-3 STG-4 CSR-3", BASKETS, verdict="csr")
def history_descends(draft: Draft) -> list[Request]:
    """The positions of a user's row are in the other order."""
    positions = draft.values("histories.npz", "indices")
    positions[0], positions[1] = positions[1], positions[0]
    return [of_user("ann"), of_user("ann", 1, include=["c"]), of_user("ann", include=[])]


@predict("STG-3 CSR-4", BASKETS, verdict="csr")
def history_with_nan(draft: Draft) -> list[Request]:
    """A weight of a user's row is NaN."""
    draft.values("histories.npz", "data")[0] = math.nan
    return [of_user("ann"), of_user("ann", include=[]), of_user("ann", fill=True)]


@predict("STG-3 CSR-4 CSR-6", BASKETS, verdict="csr")
def history_with_0(draft: Draft) -> list[Request]:
    """A weight of a user's row is 0."""
    draft.values("histories.npz", "data")[1] = 0.0
    return [of_user("ann"), of_user("ann", include=[])]


@predict("STG-3 CSR-6", BASKETS, verdict="csr")
def history_below_0(draft: Draft) -> list[Request]:
    """A weight of a user's row is below 0."""
    draft.values("histories.npz", "data")[1] = -1.0
    return [of_user("ann"), of_user("ann", include=["c"])]


@predict("STG-3 STG-4 REC-8", BASKETS, verdict="csr")
def popularity_below_0(draft: Draft) -> list[Request]:
    """The number of users of an item is below 0, and a list is short."""
    draft.values("popularity.npz", "counts")[4] = -1
    return [of_user("ann", fill=True), of_history({}, 1, fill=True), similar_to("d", fill=True)]


@predict("STG-4 REC-8", BASKETS)
def popularity_below_0_not_looked_at(draft: Draft) -> list[Request]:
    """The number of users of an item is below 0, and no list is to be completed."""
    draft.values("popularity.npz", "counts")[4] = -1
    return [of_user("ann"), of_history({"a": 1}, 1, fill=True), similar_to("d")]


@predict("IDM-6", BASKETS, verdict="idmap")
def items_out_of_order(draft: Draft) -> list[Request]:
    """The map of the items is faulty, and every list needs it, also an empty one."""
    draft.files["items.csv"] = draft.files["items.csv"].replace(b"\n1,", b"\n2,")
    asked = [of_user("ann"), of_user("cold"), of_history({"a": 1}), of_history({}), similar_to("a")]
    return [*asked, of_history({}, fill=True), of_user("ann", include=["a"]), similar_to("zz")]


@predict("IDM-6", BASKETS, verdict="idmap")
def users_out_of_order(draft: Draft) -> list[Request]:
    """The map of the users is faulty, and every user is looked up in it, also one that it does not hold."""
    draft.files["users.csv"] = draft.files["users.csv"].replace(b"\n1,", b"\n2,")
    return [of_user("ann"), of_user("nobody"), of_user("cold"), of_user("ann", fill=True)]


@predict("IDM-6 REC-13", BASKETS, verdict="request")
def request_before_faulty_ids(draft: Draft) -> list[Request]:
    """Both maps are faulty, but the requests are malformed."""
    for file in ("items.csv", "users.csv"):
        draft.files[file] = draft.files[file].replace(b"\n1,", b"\n2,")
    return [of_user("ann", 0), of_history({"a": 0}), similar_to("a", 0), {"n": 1}]


@predict("IDM-6", BASKETS)
def users_out_of_order_not_looked_at(draft: Draft) -> list[Request]:
    """The map of the users is faulty, and no user is asked for."""
    draft.files["users.csv"] = draft.files["users.csv"].replace(b"\n1,", b"\n2,")
    return [of_history({"a": 1}), of_history({}), similar_to("a"), similar_to("zz")]


@predict("IDM-6 REC-1", BASKETS, verdict="unknown_user")
def user_unknown_before_faulty_items(draft: Draft) -> list[Request]:
    """The map of the items is faulty, but no list is made for a user that is unknown."""
    draft.files["items.csv"] = draft.files["items.csv"].replace(b"\n1,", b"\n2,")
    return [of_user("nobody"), of_user("nobody", fill=True)]


@predict("STG-3 REC-1", GOOD)
def good(draft: Draft) -> list[Request]:
    """Requests of all kinds to the model that most invalid cases break."""
    requests = [of_user("ann"), of_user("bob"), of_user("eve"), of_history({"apple": 0.5})]
    return [*requests, similar_to("cream"), of_history({"cream": 1}, 2, fill=True)]
