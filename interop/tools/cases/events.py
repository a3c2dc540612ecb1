"""Section 9: from events to a history, and models that say wrongly how."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from interop.tools.cases.prediction import BASKETS, Request, of_history, of_user, similar_to
from interop.tools.draft import Draft, Model
from interop.tools.history import Rule, encode, exp2, f32, log1p
from interop.tools.registry import PLAIN, invalid, predict, valid

DAY = 86_400_000_000
NOON = 1_767_268_800_000_000  # 2026-01-01T12:00:00Z
FACTORS = [1.75, 1.25, 0.875, 0.75, 0.6875]
NORMS = [0.5, 1.25, 0.75, 2.0, 0.0]


def weighting(name: str, half_life_days: float | None = None, **more: Any) -> dict[str, Any]:
    """Return a weighting as in config.json."""
    time = None if half_life_days is None else "2026-01-01T12:00:00.000000Z"
    return {"name": name, **more, "half_life_days": half_life_days, "reference_time": time}


def rule(name: str = "none", aggregate: str = "sum", half_life_days: float | None = None) -> Rule:
    """Return a rule for five items."""
    more = {"k1": 1.5, "b": 0.75} if name == "bm25" else {}
    norms = NORMS if name == "bm25" else None
    factors = FACTORS if name in ("tf_idf", "bm25") else None
    return Rule(aggregate, weighting(name, half_life_days, **more), norms, factors)


def of_events(events: Sequence[Sequence[Any]], n: int = 10, **options: Any) -> Request:
    """Return a request with a history of events."""
    return {"history": [list(event) for event in events], "n": n, **options}


# The same item at several times, in no order; 0.1 + 0.2 + 0.3 depends on the order of additions.
SESSION = [
    ["b", 0.3, NOON - 3 * DAY],
    ["a", 2.0, NOON - DAY],
    ["b", 0.1, NOON - 5 * DAY],
    ["c", 1.0, NOON],
    ["b", 0.2, NOON - 3 * DAY],
    ["a", 7.0, NOON - 2 * DAY],
]


def _weights(model: Model, events: Sequence[Sequence[Any]]) -> dict[int, float]:
    assert model.rule is not None
    positions = {item: index for index, item in enumerate(model.items)}
    return encode(model.rule, positions, events, None)


def _all_ways(draft: Draft) -> list[Request]:
    half = [[item, weight, *time] for item, weight, *time in SESSION[:3]] + SESSION[3:]
    return [
        of_events(SESSION),
        of_events(SESSION[::-1], explain=True),
        of_events([[item, weight] for item, weight, _ in SESSION]),
        of_events([[item, weight] for item, weight, _ in half[:2]] + half[2:], include_seen=True),
        of_events([["d", 1], ["e", 2.5]], fill=True),
        of_events([]),
    ]


for _name in ("none", "binary", "log", "tf_idf", "bm25"):
    for _half_life in (None, 2.5):

        def _case(draft: Draft) -> list[Request]:
            return _all_ways(draft)

        _case.__name__ = f"events_{_name}" + ("_decayed" if _half_life else "")
        _case.__doc__ = f"Events of a model with the weighting {_name}" + (
            " and a half-life." if _half_life else "."
        )
        predict("HIS-1 HIS-4 HIS-6 HIS-8", BASKETS.with_rule(rule(_name, "sum", _half_life)))(_case)

for _aggregate in ("max", "last", "count"):

    def _case_of_aggregate(draft: Draft) -> list[Request]:
        return _all_ways(draft)

    _case_of_aggregate.__name__ = f"events_{_aggregate}"
    _case_of_aggregate.__doc__ = f"The events of one item become one by the aggregate {_aggregate}."
    predict("HIS-2 HIS-6", BASKETS.with_rule(rule("none", _aggregate)))(_case_of_aggregate)


@predict("HIS-6", BASKETS.with_rule(rule()))
def events_in_order_of_time_and_weight(draft: Draft) -> list[Request]:
    """Sums are added in order of time, then weight, events without a time last."""
    tenths = [["b", 0.1, 1], ["b", 0.2, 2], ["b", 0.3, 3]]
    forward = _weights(draft.model, tenths)[1]
    assert forward == f32(0.1 + 0.2 + 0.3)
    small = [["b", 2.0**-24, 1], ["b", 2.0**-24, 1], ["b", 1.0, 2]]
    # By weight alone the other way round: 1 + 2^-53 + 2^-53 loses both.
    tiny = [["b", 1.0, 5], ["b", 2.0**-53, 5], ["b", 2.0**-53, 5], ["b", 2.0**-24]]
    assert _weights(draft.model, tiny)[1] != f32(1.0 + 2.0**-53 + 2.0**-53 + 2.0**-24)
    return [of_events(some[::step]) for some in (tenths, small, tiny) for step in (1, -1)]


@predict("HIS-1 REC-2", BASKETS)
def events_without_a_rule(draft: Draft) -> list[Request]:
    """Without a rule times are passed over, and an item twice is refused."""
    return [
        of_events([["a", 1, NOON], ["b", 2, 5]]),
        of_history({"a": 1, "b": 2}),
        of_events([["a", 1], ["b", 2]], now=3),
        of_events([["a", 1, 1], ["a", 1, 2]]),
    ]


@predict("HIS-1 REC-2 REC-10", BASKETS.with_rule(rule("bm25", "sum", 2.5)))
def events_final(draft: Draft) -> list[Request]:
    """Final weights are taken as they are, and so is the 1 of similar items; users are stored."""
    return [
        of_events([["a", 1, NOON + 5], ["b", 2]], weights="final"),
        of_events([["a", 0.1], ["b", 2]], weights="final", explain=True),
        of_events([["a", 1], ["a", 2]], weights="final"),
        of_events([["a", 1e39]], weights="final"),
        of_events([["a", 1], ["b", 2]], weights="events"),
        similar_to("a"),
        of_user("ann"),
    ]


@predict("HIS-4", BASKETS.with_rule(rule()))
def events_refused(draft: Draft) -> list[Request]:
    """Weights that are no numbers above 0, also of unknown items."""
    wrong = [0, -1, -0.0, 5e-325, "1", None, True, [1]]
    known = [of_events([["b", 1], ["a", weight]]) for weight in wrong]
    return known + [of_events([["b", 1], ["zz", weight]]) for weight in wrong]


@predict("HIS-5", BASKETS.with_rule(rule("bm25")))
def events_of_unknown_items(draft: Draft) -> list[Request]:
    """Unknown items count nowhere, not in the number of items either."""
    known = [["a", 1], ["b", 2]]
    return [of_events(known), of_events([["zz", 5], *known, ["yy", 1], ["zz", 1]])]


@predict("HIS-6", BASKETS.with_rule(rule("binary")))
def events_sum_to_infinity(draft: Draft) -> list[Request]:
    """A sum beyond f64 is refused, also where it would become 1."""
    return [of_events([["a", 1e308], ["a", 1e308]]), of_events([["a", 1e308]])]


@predict("HIS-7", BASKETS.with_rule(rule("none", "sum", 2.5)))
def events_and_now(draft: Draft) -> list[Request]:
    """Now may be earlier and later than the reference time, and no event is after it."""
    return [
        of_events(SESSION, now=NOON),
        of_events(SESSION, now=NOON + 10 * DAY),
        of_events(SESSION, now=NOON - 1),
        of_events(SESSION[:3], now=NOON - DAY),
        of_events([["a", 1, NOON + 1]]),
        of_events([["a", 1, NOON + 1]], now=NOON + 1),
        of_events([["a", 1, -NOON], ["b", 1]], now=0),
        of_events([["a", 1], ["a", 1, NOON + DAY]]),
        of_events([["zz", 1, NOON + 1], ["a", 1]]),
    ]


@predict("HIS-7", BASKETS.with_rule(rule("none")))
def events_and_now_without_a_half_life(draft: Draft) -> list[Request]:
    """Without a half-life now is passed over, and an event may be after it."""
    return [of_events(SESSION), of_events(SESSION, now=5), of_events([["a", 1, NOON]], now=5)]


@predict("HIS-7 HIS-9", BASKETS.with_rule(rule("none", "sum", 1)))
def events_that_are_old(draft: Draft) -> list[Request]:
    """What is so old that f32 has no number for it keeps the least one, and small weights do not."""
    ages = [100, 101, 148, 149, 150, 151, 1000, 1022, 1023, 1100, 5000]
    asked = [of_events([["b", 1.0, NOON - age * DAY]], explain=True) for age in ages]
    small = [
        of_events([["b", weight, NOON - 60 * DAY]]) for weight in (2.0**-89, 2.0**-90, 2.0**-91)
    ]
    large = [of_events([["b", 2.0**127, NOON - age * DAY]]) for age in (0, 126, 275, 277, 300)]
    return asked + small + large


@predict("HIS-9", BASKETS.with_rule(rule("log", "sum", 1)))
def events_that_are_old_by_their_logarithm(draft: Draft) -> list[Request]:
    """The least weight comes after the formula."""
    return [of_events([["b", 3.0, NOON - age * DAY]]) for age in (99, 101, 150, 160, 1030, 2000)]


@predict("HIS-8 HIS-9", BASKETS.with_rule(Rule("sum", weighting("tf_idf"), None, [1, 0, -1, 2, 3])))
def events_with_factors_not_above_0(draft: Draft) -> list[Request]:
    """A factor of 0 or below refuses the history; one of other lengths has its list."""
    return [of_events([[item, 1] for item in "abcde"[:length]]) for length in range(6)]


@predict("HIS-9", BASKETS.with_rule(rule()))
def events_that_f32_does_not_hold(draft: Draft) -> list[Request]:
    """A weight that rounds to 0 or infinity is refused."""
    weights = [2.0**-150, 2.0**-149, 1.1 * 2.0**-150, 2.0**128 - 2.0**103, 3.4e38, 1e39, 1e-50]
    return [of_events([["b", weight]]) for weight in weights]


def _on_edges(function: Callable[[float], float], inverse: Callable[[float], float]) -> list[float]:
    """Return arguments whose values lie so near to the middle of two f32 that the last bit decides."""
    found: list[float] = []
    for step in range(1, 4000):
        value = f32(0.37 + step / 5000)
        middle = value + math.ulp(value) * 2.0**28  # half a unit of f32
        x = inverse(middle)
        y = function(x)
        if len({f32(math.nextafter(y, 0)), f32(y), f32(math.nextafter(y, 9))}) > 1:
            found.append(x)
    assert len(found) >= 40, len(found)
    return found[:40]


@predict("HIS-10", BASKETS.with_rule(rule("log")))
def events_whose_logarithms_need_all_bits(draft: Draft) -> list[Request]:
    """Logarithms between two f32, where one bit of f64 decides; and those of all sizes."""
    sizes = [5e-324, 1e-310, 2.0**-60, 1e-9, 0.4142, 0.5, 1, 3, 1e5, 2.0**53, 1e200, 1.7e308]
    xs = _on_edges(log1p, math.expm1) + sizes[2:]
    assert f32(log1p(3.0)) == f32(math.log1p(3.0))
    refused = [of_events([["b", x]]) for x in sizes[:2]]
    return [of_events([["b", x]], explain=True) for x in xs] + refused


HALF_LIVES = [1 / x for x in _on_edges(lambda x: exp2(-x), lambda y: -math.log2(y))]


def _decay_case(number: int) -> None:
    half_life = HALF_LIVES[number]

    def case(draft: Draft) -> list[Request]:
        return [of_events([["b", weight, NOON - DAY]], explain=True) for weight in (1, 0.7, 3)]

    case.__name__ = f"events_whose_powers_need_all_bits_{number}"
    case.__doc__ = "A power of 2 near the middle of two f32."
    predict("HIS-10 HIS-7", BASKETS.with_rule(rule("none", "sum", half_life)))(case)


for _number in range(6):
    _decay_case(_number)


@predict("STG-3 NRM-1", BASKETS.with_rule(rule("bm25")._replace(norms=[-0.5, *NORMS[1:]])), "csr")
def norms_below_0_met(draft: Draft) -> list[Request]:
    """A faulty norm is the model's fault, not that of the request."""
    return [of_events([["a", 1]]), of_events([["b", 1], ["a", 1]])]


@predict(
    "STG-3 NRM-1",
    BASKETS.with_rule(rule("tf_idf")._replace(factors=[1.0, math.inf, 1, 1, 1])),
    "csr",
)
def factors_infinite_met(draft: Draft) -> list[Request]:
    """A faulty factor is found with the length that needs it."""
    return [of_events([["a", 1], ["b", 1]]), of_events([["b", 1], ["c", 2], ["b", 3]])]


# --- models --------------------------------------------------------------------------------------

GROCERIES = PLAIN.with_rule(rule()._replace(weighting=weighting("none")))
THREE = Rule("sum", weighting("bm25", k1=1.2), [1.0, 0.5, 0.0], [1.5, 1.0, 0.5])
BM25 = PLAIN.with_rule(THREE)
DECAYED = PLAIN.with_rule(Rule("last", weighting("log", 30)))


@valid("HIS-2 HIS-3 DIR-6 MAN-7", BM25)
def rule_with_arrays(draft: Draft) -> None:
    """A rule with norms and factors."""


@valid("HIS-3", PLAIN.with_rule(Rule("max", weighting("tf_idf"), None, [1.5, 1.0, -0.5])))
def rule_with_factors(draft: Draft) -> None:
    """A rule with factors alone, one of which is below 0."""


@valid("HIS-2 CFG-2", DECAYED)
def rule_with_other_keys(draft: Draft) -> None:
    """Keys that the text does not name are passed over, in the weighting too."""
    draft.config["weighting"] |= {"epsilon": 1, "k1": "of another weighting"}
    draft.config["session_gap"] = None


@valid("HIS-1 CFG-2", PLAIN)
def rule_not_there(draft: Draft) -> None:
    """Without the feature the configuration may say anything."""
    draft.config.update({"aggregate": 7, "weighting": "of another kind"})


def _faulty(
    name: str, note: str, verdict: str, model: Model, change: Callable[[Draft], Any]
) -> None:
    def case(draft: Draft) -> None:
        change(draft)

    case.__name__, case.__doc__ = f"rule_{name}", note
    invalid("HIS-2", verdict, model=model)(case)


def _of_weighting(key: str, value: Any) -> Callable[[Draft], Any]:
    return lambda draft: draft.config["weighting"].update({key: value})


for _args in [
    ("aggregate_missing", "No aggregate.", "manifest", GROCERIES, lambda d: d.config.pop("aggregate")),
    ("aggregate_a_number", "The aggregate is a number.", "manifest", GROCERIES,
     lambda d: d.config.update(aggregate=1)),
    ("aggregate_unknown", "An aggregate of a later version.", "version", GROCERIES,
     lambda d: d.config.update(aggregate="median")),
    ("aggregate_in_capitals", "Names are compared byte by byte.", "version", GROCERIES,
     lambda d: d.config.update(aggregate="Sum")),
    ("weighting_missing", "No weighting.", "manifest", GROCERIES, lambda d: d.config.pop("weighting")),
    ("weighting_a_name", "The weighting is a string.", "manifest", GROCERIES,
     lambda d: d.config.update(weighting="none")),
    ("name_missing", "The weighting has no name.", "manifest", GROCERIES,
     lambda d: d.config["weighting"].pop("name")),
    ("name_null", "The name is null.", "manifest", GROCERIES, _of_weighting("name", None)),
    ("name_unknown", "A weighting of a later version.", "version", GROCERIES,
     _of_weighting("name", "pmi")),
    ("half_life_missing", "No half-life, not even null.", "manifest", GROCERIES,
     lambda d: d.config["weighting"].pop("half_life_days")),
    ("half_life_0", "A half-life of 0.", "manifest", DECAYED, _of_weighting("half_life_days", 0)),
    ("half_life_below_0", "A half-life below 0.", "manifest", DECAYED,
     _of_weighting("half_life_days", -1)),
    ("half_life_a_string", "The half-life is a string.", "manifest", DECAYED,
     _of_weighting("half_life_days", "30")),
    ("half_life_true", "The half-life is true.", "manifest", DECAYED,
     _of_weighting("half_life_days", True)),
    ("half_life_beyond_f64", "The half-life is a number that f64 does not hold.", "manifest", DECAYED,
     _of_weighting("half_life_days", 10**400)),
    ("reference_time_missing", "A half-life, but no reference time.", "manifest", DECAYED,
     lambda d: d.config["weighting"].pop("reference_time")),
    ("reference_time_null", "A half-life, and null for a time.", "manifest", DECAYED,
     _of_weighting("reference_time", None)),
    ("reference_time_in_seconds", "The reference time is a number.", "manifest", DECAYED,
     _of_weighting("reference_time", 1767268800)),
    ("reference_time_without_fraction", "Six digits of a fraction are asked for.", "manifest", DECAYED,
     _of_weighting("reference_time", "2026-01-01T12:00:00Z")),
    ("reference_time_of_no_day", "There is no such day.", "manifest", DECAYED,
     _of_weighting("reference_time", "2026-02-30T12:00:00.000000Z")),
    ("k1_missing", "BM25 without k1.", "manifest", BM25, lambda d: d.config["weighting"].pop("k1")),
    ("k1_below_0", "BM25 with k1 below 0.", "manifest", BM25, _of_weighting("k1", -0.5)),
    ("k1_null", "BM25 with null for k1.", "manifest", BM25, _of_weighting("k1", None)),
]:  # fmt: skip
    _faulty(*_args)


@invalid("HIS-3", "manifest", model=BM25)
def rule_without_norms(draft: Draft) -> None:
    """BM25 without item_norms.npz."""
    del draft.arrays["item_norms.npz"]


@invalid("HIS-3", "manifest", model=BM25)
def rule_without_factors(draft: Draft) -> None:
    """BM25 without length_factors.npz."""
    del draft.arrays["length_factors.npz"]


@invalid("HIS-3", "manifest", model=BM25)
def rule_with_norms_of_another_weighting(draft: Draft) -> None:
    """TF-IDF has no norms, but they are there."""
    draft.config["weighting"] = weighting("tf_idf")


@invalid("HIS-3", "manifest", model=BM25)
def rule_with_arrays_of_another_weighting(draft: Draft) -> None:
    """The weighting needs no arrays, but they are there."""
    draft.config["weighting"] = weighting("log")


@invalid("HIS-3 MAN-12", "manifest", model=BM25)
def rule_arrays_without_the_feature(draft: Draft) -> None:
    """Arrays of a rule are listed, but the feature is not."""
    draft.manifest["required_features"] = []


@invalid("DIR-6 MAN-12", "manifest", model=BM25)
def rule_arrays_not_listed(draft: Draft) -> None:
    """The norms are there, but not listed."""
    del draft.manifest["files"]["item_norms.npz"]


@invalid("NRM-1", "csr", "verify", model=BM25)
def norms_below_0(draft: Draft) -> None:
    """A norm is below 0."""
    draft.values("item_norms.npz", "norms")[1] = -0.25


@invalid("NRM-1", "csr", "verify", model=BM25)
def norms_infinity(draft: Draft) -> None:
    """A norm is infinite."""
    draft.values("item_norms.npz", "norms")[2] = math.inf


@invalid("NRM-1", "csr", "verify", model=BM25)
def factors_nan(draft: Draft) -> None:
    """A factor is no number."""
    draft.values("length_factors.npz", "factors")[0] = math.nan


@invalid("MAN-14", "manifest", model=BM25)
def norms_too_few(draft: Draft) -> None:
    """A norm for each item but one."""
    draft.values("item_norms.npz", "norms").pop()


@invalid("MAN-13", "checksum", "verify", model=BM25)
def checksum_of_norms(draft: Draft) -> None:
    """The digest of item_norms.npz is another one."""
    draft.manifest["files"]["item_norms.npz"]["sha256"] = "0" * 64
