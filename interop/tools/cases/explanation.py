"""Section 9, explanations: which shares, in which order, and that they add up to the score.

Where a case is a trap, an assertion shows that the wrong way gives another answer.
"""

from __future__ import annotations

from interop.tools.cases.prediction import (
    BASKETS,
    CANCELLING,
    EXTREME,
    FUSED,
    LONG,
    NEGATIVE,
    QUOTED,
    WEIGHTED,
    Request,
    in_order,
    of_history,
    of_user,
    sum_of,
)
from interop.tools.draft import Draft, f32, make_model
from interop.tools.reference import contributions
from interop.tools.registry import predict


@predict("REC-11", BASKETS)
def explain(draft: Draft) -> list[Request]:
    """The reasons of all users' lists, and of histories; without the option there are none."""
    requests = [of_user(user, explain=True) for user in BASKETS.users]
    requests += [
        of_user("bob", 1, explain=True),
        of_history({"c": 3, "a": 1, "b": 2}, explain=True),
    ]
    return [*requests, of_user("ann", explain=False), of_user("nobody", explain=True)]


@predict("REC-11 REC-5 REC-6", BASKETS)
def explain_with_options(draft: Draft) -> list[Request]:
    """Items that may not be listed are reasons all the same; items of the history may be listed."""
    return [
        of_user("ann", include=["d"], explain=True),
        of_user("ann", exclude=["a", "b"], explain=True),
        of_user("ann", include=[], explain=True),
        of_user("bob", include_seen=True, explain=True),
        of_user("ann", 2, include_seen=True, include=["a", "c"], explain=True),
        of_history({"zz": 100, "a": 1}, explain=True),
    ]


@predict("REC-12 REC-8", BASKETS)
def explain_filled(draft: Draft) -> list[Request]:
    """A filled item has no reasons, which are an empty list."""
    users = [of_user(user, 9, fill=True, explain=True) for user in ("ann", "cold", "eve")]
    return [*users, of_history({"a": 1}, 9, fill=True, exclude=["b"], explain=True)]


@predict("REC-11", CANCELLING)
def explain_in_order_of_positions(draft: Draft) -> list[Request]:
    """The order of a history in the request changes nothing: reasons go by position."""
    because = contributions(CANCELLING, CANCELLING.histories[0], 3)
    assert list(because.values()) == [2.0**60, 1, -(2.0**60)] and in_order([*because.values()]) == 0
    orders = ["abc", "cba", "acb", "bca"]
    return [of_history({item: 1 for item in order}, explain=True) for order in orders]


SIZES = make_model(
    ["a", "b", "c", "t", "x", "y"],
    {("a", "t"): 0.25, ("b", "t"): -4.0, ("c", "t"): 1.0, ("x", "t"): 1.0, ("y", "t"): -0.125},
    {"u": {"a": 2, "b": 1, "c": 3, "x": 1, "y": 8}},
)


@predict("REC-11", SIZES)
def explain_not_by_size(draft: Draft) -> list[Request]:
    """Reasons of all sizes and signs, two of them equal, none of which is sorted away."""
    values = list(contributions(SIZES, SIZES.histories[0], 3).values())
    assert values == [0.5, -4, 3, 1, -1] and values not in (sorted(values), sorted(values)[::-1])
    return [of_user("u", explain=True), of_history({"y": 8, "b": 1}, explain=True)]


@predict("REC-11 REC-4", NEGATIVE)
def explain_less_than_0(draft: Draft) -> list[Request]:
    """Shares below 0 are there, also where they cancel the score to 0."""
    assert list(contributions(NEGATIVE, NEGATIVE.histories[0], 2).values()) == [-0.5, 0.5]
    return [
        of_user("u", explain=True),
        of_user("u", 2, explain=True),
        of_user("v", fill=True, explain=True),
        of_history({"a": 3}, explain=True),
    ]


@predict("REC-11 REC-3", FUSED)
def explain_by_exact_products(draft: Draft) -> list[Request]:
    """Shares are products in f64; rounded to f32 they would be others."""
    terms = sum_of(FUSED, "t")
    assert all(f32(term) != term for term in terms)
    return [of_user("u", explain=True)]


@predict("REC-11 REC-3", EXTREME)
def explain_extremes(draft: Draft) -> list[Request]:
    """Shares that overflow or vanish in f32, and one that the sum swallows."""
    first, second, third = sum_of(EXTREME, "s")
    assert third > 0 and in_order([first, second, third]) == in_order([first, second])
    return [of_user("u", explain=True), of_user("v", explain=True)]


@predict("REC-11 REC-2", WEIGHTED)
def explain_weights(draft: Draft) -> list[Request]:
    """Shares hold the weights, those of a request rounded to f32."""
    assert f32(0.1) * f32(0.7) != 0.1 * f32(0.7)
    one = of_history({"a": 0.1, "b": 0.2}, include_seen=True, explain=True)
    return [of_user("u", explain=True), of_user("v", explain=True), one]


@predict("REC-11 REC-3", LONG)
def explain_by_many(draft: Draft) -> list[Request]:
    """337 shares of many sizes; added in another order they would not be the score."""
    terms = sum_of(LONG, "target")
    assert in_order(terms) not in (in_order(terms[::-1]), in_order(sorted(terms)))
    return [of_user("u", explain=True)]


@predict("REC-11 IDM-3 IDM-4", QUOTED)
def explain_ids(draft: Draft) -> list[Request]:
    """Reasons whose ids are written otherwise in CSV, in JSON, or in both."""
    return [of_history({item: 1 for item in QUOTED.items}, include_seen=True, explain=True)]


@predict("REC-11 STG-3 CSR-2", BASKETS, verdict="csr")
def explain_index_past_the_end(draft: Draft) -> list[Request]:
    """A row holds a position that no item has: there is no list, and nothing to explain."""
    draft.values("similarity.npz", "indices")[2] = 5
    return [of_user("ann", explain=True), of_history({"a": 1}, 1, explain=True)]
