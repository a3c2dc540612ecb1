"""Logarithms and powers of float64 with the same bits on every platform.

``np.log`` and ``np.power`` differ in the last bit between processors. These use only operations that
IEEE 754 rounds correctly or that are exact: + - * /, sqrt, rint, frexp, scaling by powers of two, and
comparisons. numpy computes each in a separate pass, so no compiler fuses two of them.

A number is carried as high + low, unevaluated, where one float64 is not enough. The tables are
computed with 40 decimal digits. After Tang, Table-Driven Implementation of the Logarithm Function
(ACM TOMS 1990), with the short reciprocals of Arm's optimized-routines; the polynomials are plain
Taylor series.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from decimal import Context, Decimal
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from mlcore.types import Float64Array, Int64Array

__all__ = ["exp2", "log", "log1p", "log_ratio", "power"]

_Parts: TypeAlias = tuple[Float64Array, Float64Array]  # high and low, each (E,)

_BLOCK = 2**13  # values; their temporaries stay in the cache. Changes speed only.
_DIGITS = Context(prec=40)
_LN2 = _DIGITS.ln(Decimal(2))
_STEPS = 128  # of both tables, for each factor of 2
_SQRT_HALF = math.sqrt(0.5)


def _split(number: Decimal, bits: int) -> tuple[float, float]:
    """Return the nearest multiple of 2^-bits, and the rest."""
    high = float(_DIGITS.multiply(number, Decimal(2**bits)).to_integral_value()) / 2**bits
    return high, float(_DIGITS.subtract(number, Decimal(high)))


def _table(parts: list[tuple[float, float]]) -> _Parts:
    high, low = zip(*parts)
    return np.array(high), np.array(low)


# Multiples of 2^-42 below 2^10, as all logarithms are: sums of two are exact, and so are products
# of _LN2_HIGH with the exponents of float64.
_LN2_HIGH, _LN2_LOW = _split(_LN2, 42)
_STEP_HIGH, _STEP_LOW = _split(_DIGITS.divide(_LN2, Decimal(_STEPS)), 42)
_FIRST = 90  # of the reciprocals 90/128 ... 182/128 of the numbers from sqrt(1/2) to sqrt(2)


@cache
def _logs() -> _Parts:
    numbers = [_DIGITS.divide(Decimal(_STEPS), Decimal(i)) for i in range(_FIRST, 183)]
    return _table([_split(_DIGITS.ln(number), 42) for number in numbers])


@cache
def _powers() -> _Parts:
    steps = [_DIGITS.multiply(_LN2, Decimal(i)) for i in range(_STEPS)]
    numbers = [_DIGITS.exp(_DIGITS.divide(step, Decimal(_STEPS))) for step in steps]
    return _table([_split(number, 52) for number in numbers])


def log(values: Float64Array) -> Float64Array:
    """Return the natural logarithm of each value.

    Off by less than 0.51 units in the last place; ``log(1)`` is 0. Equals ``np.log`` up to the last
    bit.

    Args:
        values: float64 of any shape, finite and above 0.

    >>> log(np.array([1.0, 2.0])).tolist()
    [0.0, 0.6931471805599453]
    """

    def compute(block: Float64Array) -> Float64Array:
        high, low = _log_parts(block)
        return high + low

    return _in_blocks(compute, values)


def log1p(values: Float64Array) -> Float64Array:
    """Return ln(1 + x) of each value x, also of those that 1 + x rounds away.

    Off by less than 0.8 units in the last place. Equals ``np.log1p`` up to the last bit.

    Args:
        values: float64 of any shape, finite and at least 0.

    >>> log1p(np.array([0.0, 1e-20, 1.0])).tolist()
    [0.0, 1e-20, 0.6931471805599453]
    """

    def compute(block: Float64Array) -> Float64Array:
        rounded = 1.0 + block
        lost = _lost_in_sum(1.0, block, rounded)
        high, low = _log_parts(rounded)
        return high + (low + lost / rounded)

    return _in_blocks(compute, values)


def log_ratio(numerators: Int64Array, denominators: Int64Array) -> Float64Array:
    """Return ln(p / q) of each pair of integers, correctly rounded.

    ln p - ln q is known to 2^-65 of ln p + ln q; where that leaves two roundings possible, 40 decimal digits decide.

    Args:
        numerators: p, (E,) int64, 1 to 2^53.
        denominators: q, likewise.

    >>> log_ratio(np.array([4, 3]), np.array([2, 3])).tolist()
    [0.6931471805599453, 0.0]
    """
    result = np.empty(len(numerators))
    for begin in range(0, len(result), _BLOCK):
        span = slice(begin, begin + _BLOCK)
        result[span] = _log_ratio_of_block(numerators[span], denominators[span])
    return result


def _log_ratio_of_block(numerators: Int64Array, denominators: Int64Array) -> Float64Array:
    high, low = _log_parts(numerators.astype(np.float64))
    less, less_low = _log_parts(denominators.astype(np.float64))
    difference = high - less
    rest = _lost_in_sum(high, -less, difference) + (low - less_low)
    # Each logarithm is off by a factor of 1 + 2^-66; twice that covers the rounding of the rest.
    bound = (high + less) * 2.0**-65
    least, most = difference + (rest - bound), difference + (rest + bound)
    for index in np.flatnonzero(least != most).tolist():
        ratio = _DIGITS.divide(Decimal(int(numerators[index])), Decimal(int(denominators[index])))
        least[index] = float(_DIGITS.ln(ratio))
    return least


def exp2(values: Float64Array) -> Float64Array:
    """Return 2^x of each value x: exact for integers, 0 or infinity beyond the range of float64.

    Off by less than 0.52 units in the last place (1 for a subnormal result). Equals ``np.exp2``
    up to the last bit.

    Args:
        values: float64 of any shape, not NaN.

    >>> exp2(np.array([-1.0, 0.5, 2000.0])).tolist()
    [0.5, 1.4142135623730951, inf]
    """

    def compute(block: Float64Array) -> Float64Array:
        clipped = np.clip(block, -1100.0, 1100.0)
        steps = np.rint(clipped * _STEPS)
        return _exp_of(steps, (clipped - steps / _STEPS) * float(_LN2))

    return _in_blocks(compute, values)


def power(bases: Float64Array, exponent: float) -> Float64Array:
    """Return x^a of each base x; 0^a is 0 for a above 0, 1 for a = 0, infinity below.

    Exact for the exponents 0 and 1, rounded once for -1, 0.5 and 2, else off by less than 0.55 units
    in the last place (1 for a subnormal result). Equals ``np.power`` up to the last bit.

    Args:
        bases: float64 of any shape, finite and at least 0.
        exponent: a, finite.

    >>> power(np.array([0.0, 9.0, 32.0]), 0.4).tolist()
    [0.0, 2.4082246852806923, 4.0]
    """
    with np.errstate(all="ignore"):
        if exponent in _ROUNDED_ONCE:
            return _ROUNDED_ONCE[exponent](np.asarray(bases, np.float64))
        # Beyond it every power is 0, 1 or infinity, and far beyond it the splitting overflows.
        a = min(max(float(exponent), -(2.0**70)), 2.0**70)
        return _in_blocks(lambda block: _power_of_block(block, a), bases)


_ROUNDED_ONCE: dict[float, Callable[[Float64Array], Float64Array]] = {
    -1.0: lambda bases: 1.0 / bases,
    0.0: np.ones_like,
    0.5: np.sqrt,
    1.0: np.copy,
    2.0: lambda bases: bases * bases,
}


def _power_of_block(bases: Float64Array, exponent: float) -> Float64Array:
    is_zero = bases == 0
    log_high, log_low = _log_parts(np.where(is_zero, 1.0, bases))
    high = exponent * log_high
    low = _lost_in_product(exponent, log_high, high) + exponent * log_low
    beyond = np.abs(high) > 800  # e^800 is above, e^-800 below all float64
    high, low = np.clip(high, -800.0, 800.0), np.where(beyond, 0.0, low)
    steps = np.rint(high * (_STEPS / float(_LN2)))
    rest = (high - steps * _STEP_HIGH) + (low - steps * _STEP_LOW)  # all but the last two rounded
    return np.where(is_zero, 0.0 if exponent > 0 else np.inf, _exp_of(steps, rest))


def _in_blocks(
    compute: Callable[[Float64Array], Float64Array], values: Float64Array
) -> Float64Array:
    flat = np.asarray(values, np.float64).ravel()
    result = np.empty_like(flat)
    with np.errstate(over="ignore", under="ignore"):
        for begin in range(0, len(flat), _BLOCK):
            result[begin : begin + _BLOCK] = compute(flat[begin : begin + _BLOCK])
    return result.reshape(np.shape(values))


def _log_parts(values: Float64Array) -> _Parts:
    """Return ln x as high + low, off by a factor of 1 + 2^-66 at most; ln 1 is 0.

    x = 2^k m, m in [sqrt(1/2), sqrt(2)); c an integer / 128 near 1 / m; r = m c - 1, |r| < 2^-7.4:
    ln x = k ln 2 - ln c + r - r^2 / 2 + r^3 / 3 - ... - r^8 / 8.
    """
    m, exponents = np.frexp(values)
    small = m < _SQRT_HALF
    m *= 1.0 + small
    k = (exponents - small).astype(np.float64)
    reciprocals = np.rint(_STEPS / m)
    which = reciprocals.astype(np.intp) - _FIRST
    c = reciprocals / _STEPS
    # m in two parts, so short that r_high, its square, r_low and r are exact.
    m_high = np.rint(m * 2.0**26) / 2.0**26
    r_high, r_low = m_high * c - 1.0, (m - m_high) * c
    r = r_high + r_low
    logs_high, logs_low = _logs()
    whole = k * _LN2_HIGH + logs_high[which]  # exact
    linear = whole + r
    half_square = 0.5 * r_high * r_high  # exact
    high = linear - half_square
    # Each is what the sum before it rounded away: |whole| > |r|, or it is 0; |linear| > r^2 / 2.
    low = ((whole - linear) + r) + ((linear - high) - half_square)
    low += k * _LN2_LOW + logs_low[which]
    low -= 0.5 * r_low * (r_high + r)
    low += r * r * r * _horner(r, [1 / 3, -1 / 4, 1 / 5, -1 / 6, 1 / 7, -1 / 8])
    return high, low


def _exp_of(steps: Float64Array, rest: Float64Array) -> Float64Array:
    """Return 2^(steps / 128) e^rest, |rest| <= ln 2 / 256."""
    whole = np.floor(steps / _STEPS)
    which = (steps - whole * _STEPS).astype(np.intp)
    grown = rest * _horner(rest, [1.0, 1 / 2, 1 / 6, 1 / 24, 1 / 120])  # e^rest - 1
    powers_high, powers_low = _powers()
    high = powers_high[which]
    result = high + (powers_low[which] + high * grown)
    # Twice, so that both factors are normal; and not by ldexp of the result, which rounds
    # subnormal numbers otherwise in one C library.
    half = np.floor(whole / 2).astype(np.int32)
    first = np.ldexp(1.0, half)
    second = np.ldexp(1.0, whole.astype(np.int32) - half)
    scaled: Float64Array = result * first * second
    return scaled


def _horner(x: Float64Array, coefficients: list[float]) -> Float64Array:
    """Return the polynomial with these coefficients, that of x^0 first."""
    result = x * coefficients[-1]
    for coefficient in coefficients[-2:0:-1]:
        result += coefficient
        result *= x
    result += coefficients[0]
    return result


def _lost_in_sum(a: float | Float64Array, b: Float64Array, rounded: Float64Array) -> Float64Array:
    """Return a + b - rounded, exactly (Knuth)."""
    of_b = rounded - a
    return (a - (rounded - of_b)) + (b - of_b)


def _lost_in_product(a: float, b: Float64Array, rounded: Float64Array) -> Float64Array:
    """Return a b - rounded, exactly unless it underflows (Dekker)."""
    a_high, b_high = _upper_half(np.float64(a)), _upper_half(b)
    a_low, b_low = a - a_high, b - b_high
    lost: Float64Array = (
        (a_high * b_high - rounded) + a_high * b_low + a_low * b_high
    ) + a_low * b_low
    return lost


def _upper_half(x: npt.NDArray[np.float64] | np.float64) -> npt.NDArray[np.float64] | np.float64:
    """Return x rounded to 26 bits (Veltkamp)."""
    product = x * (2.0**27 + 1)
    return product - (product - x)
