"""Seeded draws by a hash of ids: independent of the other data, and reproducible in SQL."""

from __future__ import annotations

import hashlib

__all__ = ["draw_digest"]


def draw_digest(key: str, seed: int | str) -> str:
    """Return the MD5 of ``key,seed`` as 32 hexadecimal digits, a random number for each key and seed.

    In SQL ``TO_HEX(MD5(CONCAT(key, ',', seed)))``.

    Args:
        key: an id, or ids joined by commas.

    >>> draw_digest("u,a", 0)[:8]
    '4982b4d4'
    """
    return hashlib.md5(f"{key},{seed}".encode(), usedforsecurity=False).hexdigest()
