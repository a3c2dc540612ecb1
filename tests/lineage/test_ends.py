"""Texts that are the same but for the ends of their lines."""

from __future__ import annotations

import pytest

from mlcore.lineage.ends import sha256_like, sha256s
from tests.lineage.records import sha256


@pytest.mark.parametrize("ran", ["\n", "\r\n"])
@pytest.mark.parametrize("here", ["\n", "\r\n"])
def test_a_text_is_known_by_either_end_of_lines(ran: str, here: str) -> None:
    digest = sha256(f"a{ran}b{ran}")
    assert digest in sha256s(f"a{here}b{here}".encode())
    assert sha256_like(f"a{here}b{here}".encode(), digest) == digest
    assert sha256_like(b"a\rb\r", digest) == sha256("a\rb\r")
