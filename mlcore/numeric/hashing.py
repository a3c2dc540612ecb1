"""Seeded draws by a hash of ids: the same whatever else is in the data, and possible in SQL."""

from __future__ import annotations

import hashlib

__all__ = ["draw_digest"]


def draw_digest(key: str, seed: int) -> str:
    """Return the MD5 of ``key,seed`` as 32 hexadecimal digits, which serve as a random number.

    In SQL ``TO_HEX(MD5(CONCAT(key, ',', seed)))``.

    Args:
        key: an id, or ids joined by commas.
        seed: another seed, another draw.

    >>> draw_digest("u,a", 0)[:8]
    '4982b4d4'
    """
    return hashlib.md5(f"{key},{seed}".encode(), usedforsecurity=False).hexdigest()
