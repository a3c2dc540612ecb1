"""mlcore.numeric.numba_tools: intrinsics of compiled code, and code that runs where no cache can be."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest

from mlcore.numeric.numba_tools import compiled, fetch, num_bits, trailing_zeros

WORDS = [1, 2, 3, 2**63, 2**64 - 1, 0b1011000]


@compiled
def _bits_of(words, bits, zeros):  # type: ignore[no-untyped-def]
    for place in range(len(words)):
        bits[place] = num_bits(words[place])
        zeros[place] = trailing_zeros(words[place])


@compiled
def _divide_and_fetch(values, divisor):  # type: ignore[no-untyped-def]
    fetch(values, np.uint64(10**6))  # beyond the end: only a hint
    return values[0] / divisor


def test_bits_and_zeros_are_those_of_python() -> None:
    bits, zeros = np.zeros((2, len(WORDS)), np.uint64)
    _bits_of(np.array(WORDS, np.uint64), bits, zeros)
    assert bits.tolist() == [word.bit_count() for word in WORDS]
    assert zeros.tolist() == [(word & -word).bit_length() - 1 for word in WORDS]


def test_a_prefetch_reads_nothing_and_a_quotient_by_0_is_that_of_numpy() -> None:
    assert _divide_and_fetch(np.array([1.0]), 0.0) == np.inf


def test_code_runs_where_it_cannot_be_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = numba.njit

    def njit(*args: Any, **options: Any) -> Any:
        if options.get("cache"):
            raise RuntimeError("no locator")
        return plain(*args, **options)

    monkeypatch.setattr(numba, "njit", njit)
    assert compiled(lambda x: x + 1)(2) == 3
