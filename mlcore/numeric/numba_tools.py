"""Decorators and intrinsics of compiled code. Needs the extra ``[local]``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir
from numba.extending import intrinsic

__all__ = ["compiled", "fetch", "inlined", "num_bits", "trailing_zeros"]


_OPTIONS = {"error_model": "numpy"}


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that numba compiles when first called, free of the interpreter lock.

    Its machine code is cached for the next process, beside the source or in the user's cache, until
    that one source file changes: functions that call each other belong in one module. No arithmetic
    is relaxed: the bits, and quotients by 0, are those of the same operations in numpy, in order.

    >>> compiled(lambda x: x + 1)(2)
    3
    """
    try:
        result: Callable[..., Any] = numba.njit(nogil=True, cache=True, **_OPTIONS)(function)
    except RuntimeError:  # there is no folder to keep it in
        result = numba.njit(nogil=True, **_OPTIONS)(function)
    return result


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that numba inlines where compiled code of the same module calls it.

    >>> twice = inlined(lambda x: 2 * x)
    >>> compiled(lambda x: twice(x) + 1)(2)
    5
    """
    result: Callable[..., Any] = numba.njit(inline="always", **_OPTIONS)(function)
    return result


@intrinsic
def fetch(typing_context, array, index):  # type: ignore[no-untyped-def]
    """Prefetch the cache line of an entry, which need not exist.

    Equals ``__builtin_prefetch(&array[index])`` in C. For compiled code only; numba passes the
    typing context.

    Args:
        array: of one axis, contiguous.
        index: uint64.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        place = builder.bitcast(builder.gep(data, [arguments[1]]), byte)
        # Read, keep in all caches, data and not code.
        builder.call(function, [place, *(ir.Constant(number, value) for value in (0, 3, 1))])
        return context.get_dummy_value()

    return numba.void(array, numba.uint64), generate


@intrinsic
def num_bits(typing_context, word):  # type: ignore[no-untyped-def]
    """Return how many bits of a uint64 are 1, as uint64.

    Equals ``int.bit_count``. For compiled code only; numba passes the typing context.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.ctpop(arguments[0])

    return numba.uint64(numba.uint64), generate


@intrinsic
def trailing_zeros(typing_context, word):  # type: ignore[no-untyped-def]
    """Return the position of the lowest bit of a uint64 that is 1, as uint64; the word is not 0.

    Equals ``__builtin_ctzll`` in C. For compiled code only; numba passes the typing context.
    """

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return numba.uint64(numba.uint64), generate
