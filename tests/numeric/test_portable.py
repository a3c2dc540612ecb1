"""mlcore.numeric.portable: within an ulp of 60 decimal digits, and the same bits on every platform."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from decimal import Context, Decimal

import numpy as np
import numpy.typing as npt
import pytest

from mlcore.numeric import portable
from mlcore.numeric.portable import exp2, log, log1p, log_ratio, power

Values = npt.NDArray[np.float64]

EXACT = Context(prec=60, Emax=10**9, Emin=-(10**9))
LN2 = EXACT.ln(Decimal(2))
LARGEST, SMALLEST = float(np.finfo(np.float64).max), 5e-324
EXPONENTS = (0.001, 0.1, 0.25, 1 / 3, 0.75, 1.5, 3.0, 30.3, 90_000.7, -0.3, -2.0)


@pytest.fixture(autouse=True)
def every_floating_point_fault_raises() -> Iterator[None]:
    """Callers must never see a warning, whatever their numpy is set to."""
    with np.errstate(all="raise"):
        yield


def ulps(found: Values, exact: list[Decimal]) -> float:
    """Return the largest error in units in the last place of the exact value."""
    pairs = zip(found.tolist(), exact, strict=True)
    return max(
        float(abs(EXACT.subtract(Decimal(one), value)) / Decimal(math.ulp(float(value))))
        for one, value in pairs
    )


def positive_values() -> Values:
    """Return values of all sizes; around 1, where a logarithm cancels; and where tables change."""
    rng = np.random.default_rng(5)
    anything = rng.integers(1, 0x7FEF_FFFF_FFFF_FFFF, 1000).view(np.float64)
    subnormal = rng.integers(1, 2**52, 200).view(np.float64)
    near_1 = 1 + rng.choice([-1, 1], 1000) * 10.0 ** rng.uniform(-17, -0.4, 1000)
    between_entries = 128 / (np.arange(90, 182) + 0.5)
    beside = np.concatenate([np.nextafter(between_entries, 0), np.nextafter(between_entries, 9)])
    sqrt_half = math.sqrt(0.5)
    edges = [1 - 2.0**-53, 1 + 2.0**-52, SMALLEST, 2.0**-1022, LARGEST, 2 * sqrt_half]
    edges += [sqrt_half, math.nextafter(sqrt_half, 0), math.nextafter(sqrt_half, 1)]
    return np.concatenate([anything, subnormal, near_1, beside, edges, np.arange(1.0, 500)])


def test_log_is_rounded_nearly_as_if_exact() -> None:
    values = positive_values()
    assert ulps(log(values), [EXACT.ln(Decimal(x)) for x in values.tolist()]) < 0.51


def test_logs_of_ratios_are_rounded_as_if_exact() -> None:
    rng = np.random.default_rng(8)
    large = rng.integers(1, 2**53, 500)
    near = np.maximum(large + rng.integers(-3, 4, 500), 1)  # whose logarithms cancel
    small = np.arange(1, 300)
    p = np.concatenate([large, large, small, np.full(299, 299), small])
    q = np.concatenate([rng.integers(1, 2**53, 500), near, 1 + small, small, small])
    exact = [
        float(EXACT.ln(EXACT.divide(Decimal(a), Decimal(b))))
        for a, b in zip(p.tolist(), q.tolist())
    ]
    assert log_ratio(p, q).tolist() == exact


def test_log1p_keeps_what_1_plus_x_rounds_away() -> None:
    rng = np.random.default_rng(6)
    values = 10.0 ** np.concatenate([rng.uniform(-25, 3, 2000), rng.uniform(-300, 300, 300)])
    values = np.concatenate([values, 2.0**-53 * rng.uniform(0.5, 2, 500)])  # 1 + x rounds to 1
    # Of 1e-30, 1 + x has no digit left among 60; x - x^2 / 2 is exact enough by far.
    exact = [
        EXACT.ln(EXACT.add(1, x)) if x > 1e-20 else EXACT.fma(x, -x / 2, x)
        for x in map(Decimal, values.tolist())
    ]
    assert ulps(log1p(values), exact) < 0.8
    assert log1p(np.array([0.0, SMALLEST])).tolist() == [0.0, SMALLEST]


@pytest.mark.parametrize(
    ("low", "high", "most"), [(-1, 1, 0.52), (-1022, 1024, 0.52), (-1074, -1022, 1.0)]
)
def test_exp2_is_rounded_nearly_as_if_exact(low: int, high: int, most: float) -> None:
    rng = np.random.default_rng(7)
    between_entries = (np.arange(low * 4, high * 4) + 0.125) / 4  # 1/128 a step: half of one
    values = np.concatenate([rng.uniform(low, high, 2000), between_entries[:2000]])
    exact = [EXACT.exp(EXACT.multiply(Decimal(x), LN2)) for x in values.tolist()]
    assert ulps(exp2(values), exact) < most


def test_exp2_of_an_integer_is_exact() -> None:
    integers = np.arange(-1074, 1024)
    assert exp2(integers.astype(np.float64)).tolist() == [2.0 ** int(n) for n in integers]


def test_exp2_ends_in_0_and_in_infinity() -> None:
    values = [-1e308, -math.inf, -1075.5, 1024.0, 1e308, math.inf, -0.0, SMALLEST]
    assert exp2(np.array(values)).tolist() == [0, 0, 0, math.inf, math.inf, math.inf, 1, 1]


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_power_is_rounded_nearly_as_if_exact(exponent: float) -> None:
    rng = np.random.default_rng(8)
    most = min(307, 307 / abs(exponent))
    bases = np.concatenate(
        [10.0 ** rng.uniform(-most, most, 600), 1 + rng.uniform(-0.4, 0.4, 600), np.arange(1, 300)]
    )
    bases = bases[np.abs(exponent * np.log10(bases)) < 307]
    logs = [EXACT.ln(Decimal(x)) for x in bases.tolist()]
    exact = [EXACT.exp(EXACT.multiply(Decimal(exponent), one)) for one in logs]
    assert ulps(power(bases, exponent), exact) < 0.55


def test_power_of_a_number_beside_1_keeps_its_digits() -> None:
    # (1 + 2^-52)^(2^52) = e - e 2^-53 + ..., (1 - 2^-53)^(2^52) = e^-1/2 (1 - 2^-55 + ...).
    found = power(np.array([1 + 2.0**-52, 1 - 2.0**-53]), 2.0**52)
    assert found.tolist() == pytest.approx([math.e, math.exp(-0.5)], rel=2e-16)


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [
        (0, [1.0] * 6),
        (1, [0.0, SMALLEST, 0.1, 1.0, 3.0, LARGEST]),
        (2, [0.0, 0.0, 0.1 * 0.1, 1.0, 9.0, math.inf]),
        (0.5, [0.0, math.sqrt(SMALLEST), math.sqrt(0.1), 1.0, math.sqrt(3), math.sqrt(LARGEST)]),
        (-1, [math.inf, math.inf, 10.0, 1.0, 1 / 3, 1 / LARGEST]),
        (3, [0.0, 0.0, 0.001, 1.0, 27.0, math.inf]),
        (-3, [math.inf, math.inf, 1000.0, 1.0, 1 / 27, 0.0]),
        (LARGEST, [0.0, 0.0, 0.0, 1.0, math.inf, math.inf]),
        (-LARGEST, [math.inf, math.inf, math.inf, 1.0, 0.0, 0.0]),
        (SMALLEST, [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]),
        (-SMALLEST, [math.inf, 1.0, 1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_power_at_the_edges(exponent: float, expected: list[float]) -> None:
    found = power(np.array([0.0, SMALLEST, 0.1, 1.0, 3.0, LARGEST]), exponent)
    assert found.tolist() == pytest.approx(expected, rel=2.3e-16, abs=0)
    if abs(exponent) in (0, 0.5, 1, 2):
        assert found.tolist() == expected


@pytest.mark.parametrize(
    ("function", "x", "bits"),
    [
        (log, "0x1.8p+1", "0x1.193ea7aad030bp+0"),
        (log, "0x1.fffffffffffffp-1", "-0x1.0000000000000p-53"),
        (log, "0x1.0000000000001p+0", "0x1.fffffffffffffp-53"),
        (log, "0x1.fffffffffffffp+1023", "0x1.62e42fefa39efp+9"),
        (log, "0x0.0000000000001p-1022", "-0x1.74385446d71c3p+9"),
        (log, "0x1.6a09e667f3bccp-1", "-0x1.62e42fefa39f1p-2"),
        (log1p, "0x1.999999999999ap-4", "0x1.8663f793c46c7p-4"),
        (exp2, "0x1.999999999999ap-4", "0x1.125fbee250664p+0"),
        (exp2, "-0x1.0cb3333333333p+10", "0x0.0000000000001p-1022"),
        (lambda x: power(x, 0.25), "0x1.8p+1", "0x1.50ea39fcbf166p+0"),
        (lambda x: power(x, -1.7), "0x1.999999999999ap-4", "0x1.90f3253c0179fp+5"),
    ],
)
def test_these_bits_come_out_on_every_platform(
    function: Callable[[Values], Values], x: str, bits: str
) -> None:
    assert function(np.array([float.fromhex(x)]))[0].item().hex() == float.fromhex(bits).hex()


@pytest.mark.parametrize(
    ("function", "digest"),
    [
        (log, "d8885be1e1e80a76"),
        (log1p, "da6f177deaada0d9"),
        (lambda x: exp2(x.view(np.int64) % 2**54 / 2**43 - 1024), "3798e54522630b4a"),
        (lambda x: power(x, 0.3), "3ae012bf253ce87d"),
        (lambda x: power(x, -1.7), "6f6c41e7cf924071"),
    ],
)
def test_these_bits_of_many_values_come_out_on_every_platform(
    function: Callable[[Values], Values], digest: str
) -> None:
    integers = np.random.default_rng(10).integers(2**52, 0x7FEF_FFFF_FFFF_FFFF, 20_000)
    found = function(integers.view(np.float64)).astype("<f8")
    assert hashlib.sha256(found.tobytes()).hexdigest()[:16] == digest


@pytest.mark.parametrize("function", [log, log1p, exp2, lambda x: power(x, 0.3)])
def test_neither_blocks_nor_shapes_nor_neighbors_change_a_bit(
    function: Callable[[Values], Values], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = np.random.default_rng(9).uniform(0.01, 900, 97)
    whole = function(values)
    monkeypatch.setattr(portable, "_BLOCK", 13)
    assert (function(values) == whole).all()
    assert (function(values[::-1])[::-1] == whole).all()
    assert [function(values[i : i + 1])[0] for i in range(97)] == whole.tolist()
    assert (function(values[:96].reshape(12, 8)) == whole[:96].reshape(12, 8)).all()
    assert function(np.zeros(0)).shape == (0,)
    assert (values == np.random.default_rng(9).uniform(0.01, 900, 97)).all()  # left as they were


def test_the_tables_hold_what_their_decimals_say() -> None:
    # high + low of ln 2 beyond float64: the low part is what makes a power accurate.
    high, low = Decimal(portable._LN2_HIGH), Decimal(portable._LN2_LOW)
    assert abs(EXACT.subtract(EXACT.add(high, low), LN2)) < Decimal(2) ** -94
    assert all((table * 2.0**42 % 1 == 0).all() for table in portable._logs()[:1])


def test_the_tables_are_those_of_60_digits() -> None:
    # With fewer, the low parts differ from those of readers in other languages.
    def split(number: Decimal, bits: int) -> tuple[float, float]:
        scaled = EXACT.multiply(number, Decimal(2**bits))
        high = float(EXACT.to_integral_value(scaled)) / 2**bits
        return high, float(EXACT.subtract(number, Decimal(high)))

    powers = [
        EXACT.exp(EXACT.divide(EXACT.multiply(LN2, Decimal(k)), Decimal(128))) for k in range(128)
    ]
    logs = [EXACT.ln(EXACT.divide(Decimal(128), Decimal(c))) for c in range(90, 183)]
    found = zip(*(part.tolist() for part in portable._powers()), strict=True)
    assert list(found) == [split(power, 52) for power in powers]
    found = zip(*(part.tolist() for part in portable._logs()), strict=True)
    assert list(found) == [split(one, 42) for one in logs]
    assert (portable._LN2_HIGH, portable._LN2_LOW) == split(LN2, 42)
