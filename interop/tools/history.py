"""Section 9 of SPEC.md, word by word: from events to a history, with Python's floats and decimals."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from decimal import Context, Decimal
from typing import Any, NamedTuple

__all__ = [
    "LN2",
    "LN2_F64",
    "LOG",
    "POW",
    "Refusal",
    "Rule",
    "before_decay",
    "decayed",
    "encode",
    "exp2",
    "f32",
    "log1p",
    "order",
]

_EXACT = Context(prec=60)
_LN2 = _EXACT.ln(Decimal(2))
_SQRT_HALF = math.sqrt(0.5)
_DAY = 86_400_000_000


class Refusal(Exception):
    """A request has no answer; the argument is the verdict."""


class Rule(NamedTuple):
    """The rule of a model.

    Attributes:
        weighting: as in config.json.
        norms: of the items, or None.
        factors: of the numbers of items, or None.
        decay: the history decay as in config.json, or None in a model without ``history_order``.
    """

    aggregate: str
    weighting: Mapping[str, Any]
    norms: Sequence[float] | None = None
    factors: Sequence[float] | None = None
    decay: Mapping[str, Any] | None = None


def f32(value: float) -> float:
    """Return the nearest binary32 number, ties to even."""
    rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    return rounded


class _Split(NamedTuple):
    high: float
    low: float


def _split(number: Decimal, bits: int) -> _Split:
    high = float(_EXACT.multiply(number, Decimal(2**bits)).to_integral_value()) / 2**bits
    return _Split(high, float(_EXACT.subtract(number, Decimal(high))))


LN2_F64 = float(_LN2)
LN2 = _split(_LN2, 42)
LOG = {c: _split(_EXACT.ln(_EXACT.divide(Decimal(128), Decimal(c))), 42) for c in range(90, 183)}
POW = [
    _split(_EXACT.exp(_EXACT.divide(_EXACT.multiply(_LN2, Decimal(k)), Decimal(128))), 52)
    for k in range(128)
]


def _horner(x: float, coefficients: Sequence[float]) -> float:
    result = x * coefficients[-1]
    for coefficient in coefficients[-2:0:-1]:
        result = (result + coefficient) * x
    return result + coefficients[0]


def log1p(x: float) -> float:
    """Return ln(1 + x) (HIS-10)."""
    y = 1 + x
    b = y - 1
    lost = (1 - (y - b)) + (x - b)
    m, e = math.frexp(y)
    if m < _SQRT_HALF:
        m, e = m * 2, e - 1
    c = round(128 / m)
    d = c / 128
    m_high = round(m * 2**26) / 2**26
    r_high, r_low = m_high * d - 1, (m - m_high) * d
    r = r_high + r_low
    whole = e * LN2.high + LOG[c].high
    linear = whole + r
    half_square = 0.5 * r_high * r_high
    high = linear - half_square
    low = ((whole - linear) + r) + ((linear - high) - half_square)
    low = low + (e * LN2.low + LOG[c].low)
    low = low - 0.5 * r_low * (r_high + r)
    low = low + r * r * r * _horner(r, [1 / 3, -1 / 4, 1 / 5, -1 / 6, 1 / 7, -1 / 8])
    return high + (low + lost / y)


def exp2(x: float) -> float:
    """Return 2^x (HIS-10)."""
    x = min(max(x, -1100.0), 1100.0)
    s = round(x * 128)
    rest = (x - s / 128) * LN2_F64
    k, i = divmod(s, 128)
    grown = rest * _horner(rest, [1, 1 / 2, 1 / 6, 1 / 24, 1 / 120])
    y = POW[i].high + (POW[i].low + POW[i].high * grown)
    half = k // 2
    return y * 2.0**half * 2.0 ** (k - half)


def encode(
    rule: Rule, position: Mapping[str, int], events: Sequence[Sequence[Any]], now: int | None
) -> dict[int, float]:
    """Return the weight of each item of a history, by position, as ``before_decay`` and decayed."""
    return decayed(rule, before_decay(rule, position, events, now), order(position, events))


def order(position: Mapping[str, int], events: Sequence[Sequence[Any]]) -> dict[int, int]:
    """Return p of each item of a history, by position (ORD-4)."""
    latest: dict[int, tuple[float, int]] = {}
    for number, (item, _, *time) in enumerate(events):
        if item in position:
            key = (time[0], position[item]) if time else (math.inf, number)
            before = latest.get(position[item], key)
            latest[position[item]] = max(before, key)
    return {item: p for p, item in enumerate(sorted(latest, key=lambda item: latest[item]), 1)}


def decayed(
    rule: Rule, weights: Mapping[int, float], places: Mapping[int, int]
) -> dict[int, float]:
    """Return the weights of a history with the decay of the rule (ORD-5).

    Args:
        places: p of each item.
    """
    if rule.decay is None:
        return dict(weights)
    name, length = rule.decay["name"], len(weights)
    factor = {item: 1.0 for item in weights}
    if name == "quadratic":
        shares = {item: places[item] / length for item in weights}
        factor = {item: shares[item] * shares[item] for item in weights}
    if name == "exponential":
        half_life = float(rule.decay["half_life_items"])
        factor = {item: exp2(-((length - places[item]) / half_life)) for item in weights}
    return {item: f32(weights[item] * factor[item]) or 2.0**-149 for item in weights}


def before_decay(
    rule: Rule, position: Mapping[str, int], events: Sequence[Sequence[Any]], now: int | None
) -> dict[int, float]:
    """Return the weight of each item of a history, by position, up to HIS-9.

    Args:
        position: of each item of the model.
        events: id, weight and perhaps time in microseconds.
        now: or None for the reference time.
    """
    by_item: dict[int, list[tuple[float, float]]] = {}
    for item, weight, *time in events:
        value = _number(weight)
        if item in position:
            by_item.setdefault(position[item], []).append((time[0] if time else math.inf, value))
    return {
        item: _weigh(rule, item, _decay(rule, sorted(some), now), len(by_item))
        for item, some in by_item.items()
    }


def _number(weight: object) -> float:
    if type(weight) not in (int, float):
        raise Refusal("request")
    assert isinstance(weight, (int, float))
    try:
        value = float(weight)
    except OverflowError:
        raise Refusal("request") from None
    if not (math.isfinite(value) and value > 0):
        raise Refusal("request")
    return value


def _decay(
    rule: Rule, events: list[tuple[float, float]], now: int | None
) -> tuple[float, float | None]:
    """Return x, and the half-lives that have passed, or None (HIS-6, HIS-7)."""
    weights = [weight for _, weight in events]
    total = 0.0
    for weight in weights:
        total += weight
    x = {"sum": total, "max": max(weights), "last": weights[-1], "count": float(len(weights))}[
        rule.aggregate
    ]
    if not math.isfinite(x):
        raise Refusal("request")
    if rule.weighting["name"] == "binary":
        x = 1.0
    half_life = rule.weighting["half_life_days"]
    if half_life is None:
        return x, None
    if now is None:
        now = _microseconds(rule.weighting["reference_time"])
    latest = max(time for time, _ in events)
    age = 0 if latest == math.inf else now - int(latest)
    if age < 0:
        raise Refusal("request")
    passed = float(age) / (float(half_life) * _DAY)
    return max(x * exp2(-passed), 2.0**-1022), passed


def _microseconds(time: str) -> int:
    moment = datetime.strptime(time, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    return (moment - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)


def _weigh(rule: Rule, item: int, decayed: tuple[float, float | None], length: int) -> float:
    """Return the weight as f32 (HIS-8, HIS-9)."""
    x, passed = decayed
    name = rule.weighting["name"]
    weight = log1p(x) if name == "log" else x
    if name == "bm25":
        assert rule.norms is not None
        weight = x * (float(rule.weighting["k1"]) + 1) / (x + rule.norms[item])
    if name in ("tf_idf", "bm25"):
        assert rule.factors is not None
        weight = weight * rule.factors[length - 1]
    try:
        rounded = f32(weight)
    except OverflowError:
        raise Refusal("request") from None
    if rounded == 0 < weight and passed is not None and passed > 100:
        rounded = 2.0**-149
    if not (math.isfinite(rounded) and rounded > 0):
        raise Refusal("request")
    return rounded
