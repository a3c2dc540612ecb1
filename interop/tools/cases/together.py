"""A model that requires all there is, and requests whose options meet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interop.tools.cases.attributes import COLUMNS, FROM, UNTIL, similar_to
from interop.tools.cases.events import NOON, SESSION, of_events
from interop.tools.cases.order import SESSIONS, decaying, exponential, ordered
from interop.tools.cases.prediction import Request, of_user
from interop.tools.draft import Draft, make_attributes
from interop.tools.registry import predict, valid

# By users a b c 3, d e 2; by users who count less with time d, then b, then a and c, then e.
ALL = replace(
    ordered(decaying(exponential(1), "bm25", 2.5)),
    attributes=make_attributes(COLUMNS, (FROM, UNTIL)),
    decayed=(0.5, 1.25, 0.5, 1.5, 0.25),
)


@valid("MAN-7 MAN-12 DIR-6 ATT-1 ORD-1 POP-3", ALL)
def all_features(draft: Draft) -> None:
    """A rule with norms, factors, a half-life and an order, a catalogue with times, and a popularity that decays."""
    assert len(draft.model.features) == 4 and draft.model.counts == [3, 3, 3, 2, 2]


FILTERS: list[dict[str, Any]] = [
    {},
    {"any_of": {"brand": ["x", "z"]}, "at_most": {"brand": 1}},
    {"none_of": {"kind": ["milk"]}, "available_at": NOON},
    {"available_at": NOON - 1, "at_most": {"kind": 1, "brand": 1}},
]


@predict("REC-8 ATT-5 ATT-6 ORD-5 HIS-8 HIS-7", ALL)
def options_together(draft: Draft) -> list[Request]:
    """Each filter with what else a request may have, for users, events, final weights and similar items."""
    options: list[dict[str, Any]] = [
        {"fill": True, "explain": True},
        {"fill": True, "include": ["a", "c", "d", "e"], "exclude": ["c"]},
        {"include_seen": True, "exclude": ["b"], "explain": True},
    ]
    requests: list[Request] = []
    for wanted in FILTERS:
        for more in options:
            for user in SESSIONS:
                requests.append(of_user(user, 3, filter=wanted, **more))
            requests += [
                of_events(SESSION, 3, filter=wanted, now=NOON + 10**12, **more),
                of_events([["e", 2], ["b", 1], ["e", 1]], 3, filter=wanted, **more),
                of_events([["b", 0.5], ["a", 2]], 3, filter=wanted, weights="final", **more),
                of_events([], 3, filter=wanted, **more),
            ]
        requests += [similar_to(item, filter=wanted) for item in draft.model.items]
    return requests
