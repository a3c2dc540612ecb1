"""A popularity that decays: models that have one, rightly and wrongly, and lists that it fills."""

from __future__ import annotations

import math
from collections.abc import Sequence

from interop.tools.cases.events import FACTORS, NORMS, NOON, of_events, weighting
from interop.tools.cases.prediction import BASKETS, POPULAR, Request, of_history, of_user
from interop.tools.draft import Draft
from interop.tools.history import Rule
from interop.tools.registry import GOOD, PLAIN, invalid, predict, valid

LEAST = 2.0**-1022
POPULARITY = "popularity.npz"
DECAYED = PLAIN.with_decayed(0.5, 1.25, 0.75)
# By users b c d 3, a 2, e 0; by users who count less with time d, then a and c, then b.
RECENT = BASKETS.with_decayed(0.75, 0.5, 0.75, 1.5, 0.0)


@predict("STG-3 REC-8", RECENT)
def counts_that_order_nothing(draft: Draft) -> list[Request]:
    """A number of users is below 0, and the popularity that decays fills the list."""
    draft.values(POPULARITY, "counts")[4] = -1
    return [of_user("ann", fill=True), of_history({}, fill=True)]


@valid("POP-3 MAN-7 MAN-14", GOOD.with_decayed(0.5, 1.25, 0.75))
def decayed_popularity(draft: Draft) -> None:
    """A popularity that decays."""


@valid("POP-3", DECAYED.with_rule(Rule("last", weighting("log", 30))))
def decayed_popularity_with_a_rule(draft: Draft) -> None:
    """Both features, in either order, and one of them twice."""
    draft.manifest["required_features"] = ["decayed_popularity", "history_rule", "history_rule"]


@valid("POP-3", BASKETS.with_decayed(LEAST, 3, 1e-300, math.nextafter(3, 4), 0))
def decayed_popularity_of_all_sizes(draft: Draft) -> None:
    """The least number that is written, and an item that nobody has."""


@valid("CFG-2", DECAYED)
def decayed_popularity_configured_in_another_way(draft: Draft) -> None:
    """No reader looks at the keys of the configuration."""
    draft.config["popularity_half_life_days"] = "of a later version"


def _wrong(name: str, note: str, values: Sequence[float]) -> None:
    def case(draft: Draft) -> None:
        draft.values(POPULARITY, "decayed")[:] = values

    case.__name__, case.__doc__ = f"decayed_popularity_{name}", note
    invalid("POP-3", "csr", "verify", model=BASKETS.with_decayed(1, 1, 1, 1, 0))(case)


_wrong("below_0", "An item that users have is below 0.", [1, -1, 1, 1, 0])
_wrong("nan", "An item is no number.", [1, 1, math.nan, 1, 0])
_wrong("infinity", "An item is infinite.", [math.inf, 1, 1, 1, 0])
_wrong("of_0_with_users", "An item that users have is 0.", [1, 1, 1, 0, 0])
_wrong("above_0_without_users", "An item that nobody has is above 0.", [1, 1, 1, 1, LEAST])
_wrong("nan_without_users", "An item that nobody has is no number.", [1, 1, 1, 1, math.nan])


@invalid("MAN-14", "manifest", model=DECAYED)
def decayed_popularity_missing(draft: Draft) -> None:
    """The feature is there, but no array decayed."""
    del draft.arrays[POPULARITY]["decayed"]


@invalid("MAN-14 MAN-7", "manifest", model=DECAYED)
def decayed_popularity_without_the_feature(draft: Draft) -> None:
    """The array is there, but not the feature."""
    draft.manifest["required_features"] = []


@invalid("MAN-14 MAN-7", "manifest", model=DECAYED)
def decayed_popularity_with_another_feature(draft: Draft) -> None:
    """The array is there, and the feature is another one."""
    draft.config.update({"aggregate": "sum", "weighting": weighting("none")})
    draft.manifest["required_features"] = ["history_rule"]


@invalid("MAN-14", "manifest", model=DECAYED)
def decayed_popularity_in_integers(draft: Draft) -> None:
    """The array holds i64."""
    draft.arrays[POPULARITY]["decayed"] = ("<i8", [1, 1, 1])


@invalid("MAN-14", "manifest", model=DECAYED)
def decayed_popularity_of_an_item_less(draft: Draft) -> None:
    """A number for each item but one."""
    draft.values(POPULARITY, "decayed").pop()


@invalid("NPZ-1", "container", model=DECAYED)
def decayed_popularity_first(draft: Draft) -> None:
    """The arrays are in another order."""
    draft.archives[POPULARITY].members.reverse()


@invalid("MAN-7", "version", model=DECAYED)
def decayed_popularity_in_capitals(draft: Draft) -> None:
    """Features are compared byte by byte."""
    draft.manifest["required_features"] = ["Decayed_Popularity"]


@predict("REC-8", RECENT)
def fill_by_decayed_popularity(draft: Draft) -> list[Request]:
    """Filled items are in the order of decayed, not of counts; ties go to the smaller position."""
    assert RECENT.counts == [2, 3, 3, 3, 0]
    requests = [of_user(user, n, fill=True) for user in RECENT.users for n in (1, 2, 3, 9)]
    return [*requests, of_history({}, 9, fill=True), of_history({"e": 1}, 5, fill=True)]


@predict("REC-8 REC-6 REC-5 REC-12", RECENT)
def fill_by_decayed_popularity_with_options(draft: Draft) -> list[Request]:
    """Options hold for filled items too, and change nothing in their order."""
    return [
        of_user("cold", 9, fill=True, include_seen=True, explain=True),
        of_user("ann", 9, fill=True, include=["e", "d", "c"]),
        of_user("cold", 2, fill=True, exclude=["d", "a"]),
        of_user("cold", 9, fill=True, include=["a", "b", "e"], exclude=["a"]),
        of_user("cold", 9, fill=True, include=[]),
        of_user("ann"),
    ]


@predict("REC-8", POPULAR.with_decayed(1, 0, math.nextafter(1, 2), 1, LEAST))
def fill_by_the_last_bit(draft: Draft) -> list[Request]:
    """One bit of f64 decides, and what is ever so old comes before what nobody has."""
    assert POPULAR.counts == [1, 0, 1, 3, 4]
    return [of_history({}, n, fill=True) for n in (1, 2, 3, 4, 9)]


@predict(
    "REC-8 HIS-1", RECENT.with_rule(Rule("sum", weighting("bm25", 2.5, k1=1.5), NORMS, FACTORS))
)
def fill_by_decayed_popularity_and_now(draft: Draft) -> list[Request]:
    """The popularity is that of the training, whatever time it is now."""
    session = [["e", 1, NOON], ["b", 2]]
    return [of_events(session, 9, fill=True, **now) for now in ({}, {"now": NOON + 10**15})]


@predict("STG-3 POP-3", RECENT.with_decayed(0.75, math.nan, 0.75, 1.5, 0.0), "csr")
def decayed_popularity_nan_met(draft: Draft) -> list[Request]:
    """What is no number has no place in an order."""
    return [of_history({}, 2, fill=True), of_user("cold", 9, fill=True)]


@predict("STG-3 POP-3", RECENT.with_decayed(0.75, 0.5, -0.75, 1.5, 0.0), "csr")
def decayed_popularity_below_0_met(draft: Draft) -> list[Request]:
    """A popularity below 0 is the model's fault."""
    return [of_history({}, 2, fill=True), of_user("cold", 9, fill=True)]
