"""mlcore.artifact.npy: the header that numpy writes, and no other."""

from __future__ import annotations

import io

import numpy as np
import pytest

from mlcore.artifact.npy import MAX_HEADER_BYTES, format_header, parse_header
from mlcore.errors import HeaderError
from tests.artifact.test_npz import npy_bytes, npy_text


@pytest.mark.parametrize("length", [0, 10**6, 2**31 - 1, 2**31, 2**53 - 1])
def test_a_header_equals_the_one_of_numpy_for_lengths_no_test_can_allocate(length: int) -> None:
    expected = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (length,)}
    np.lib.format.write_array_header_1_0(expected, header)
    assert format_header("<f4", length) == expected.getvalue()
    assert parse_header(expected.getvalue(), "x") == ("<f4", length, 128)


def test_no_more_of_a_header_than_the_limit_is_looked_at() -> None:
    largest = npy_bytes(npy_text("<i4", 3), b"", MAX_HEADER_BYTES)
    assert parse_header(largest, "x") == parse_header(largest + bytes(99), "x")
    assert parse_header(largest, "x") == ("<i4", 3, MAX_HEADER_BYTES)
    with pytest.raises(HeaderError, match="header size: expected a multiple of 64 up to 1024"):
        parse_header(npy_bytes(npy_text("<i4", 3), b"", MAX_HEADER_BYTES + 64), "x")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00", "expected the magic bytes of npy 1.0, got "),
        (b"False", b"True,", "header: expected the canonical text of a one-dimensional array"),
        (b"(3,)", b"(3 )", "header: expected the canonical text"),
        (b"<i4", b">i4", "dtype: expected one of <f4, <f8, <i4, <i8, got '>i4'"),
        (b"<i4", b"|O8", "dtype: expected one of <f4, <f8, <i4, <i8, got '|O8'"),
    ],
)
def test_any_other_header_is_refused(old: bytes, new: bytes, message: str) -> None:
    good = format_header("<i4", 3)
    assert good.count(old) == 1
    with pytest.raises(HeaderError) as caught:
        parse_header(good.replace(old, new), "x.npz: data.npy")
    assert str(caught.value).startswith(f"x.npz: data.npy: {message}")


def test_a_header_cut_short_is_refused() -> None:
    with pytest.raises(HeaderError, match="x: header: expected the canonical text"):
        parse_header(format_header("<i4", 3)[:-1], "x")
