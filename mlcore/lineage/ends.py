"""Texts that are the same but for the ends of their lines, as git and editors write them."""

from __future__ import annotations

import hashlib

__all__ = ["sha256_like", "sha256s"]


def sha256s(content: bytes) -> tuple[str, ...]:
    r"""Return the SHA-256 of a text as it is, with LF, and with CRLF as the ends of its lines.

    >>> sha256s(b"a\n")[0] == sha256s(b"a\r\n")[1]
    True
    """
    unix = content.replace(b"\r\n", b"\n")
    texts = (content, unix, unix.replace(b"\n", b"\r\n"))
    return tuple(hashlib.sha256(text).hexdigest() for text in texts)


def sha256_like(content: bytes, sha256: str) -> str:
    """Return a digest if a text has it, perhaps with other ends of lines; else the text's own."""
    found = sha256s(content)
    return sha256 if sha256 in found else found[0]
