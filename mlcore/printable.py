"""Texts of others for people: what would steer a terminal, a log or a page is shown as an escape.

A name or a title may clear a screen, turn the reading order around, hide what follows, or begin a
line of its own that looks like ours.
"""

from __future__ import annotations

import html
import json

__all__ = ["JOINERS", "html_text", "printable", "printable_json"]

JOINERS = "\u200c\u200d"  # of Persian words, Indic clusters and emoji: they move and hide nothing


def printable(text: str, keep: str = "") -> str:
    r"""Return a text with the escapes of ``repr`` for all that ``str.isprintable`` refuses.

    That is control and format characters, among them those of direction and of no width, separators
    of lines and every space but the usual, surrogates, and what Unicode does not assign. A backslash
    stays one, so the function changes nothing of its result.

    Args:
        keep: characters that stay in any case.

    >>> print(printable("two\nrows \x1b[2J \u202egnp.exe"))
    two\nrows \x1b[2J \u202egnp.exe
    """
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() or char in keep else char.encode("unicode_escape").decode()
        for char in text
    )


def printable_json(text: str) -> str:
    r"""Return the same JSON with the escapes of JSON for what ``printable`` escapes, but line feeds.

    >>> print(printable_json('"\u202e \x9b \U000e0001"'))
    "\u202e \u009b \udb40\udc01"
    """
    return "".join(
        char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text
    )


def html_text(text: object) -> str:
    r"""Return a value as the text of a page or of an attribute: every text of a page passes here.

    >>> print(html_text('<a href="x">\u202e'))
    &lt;a href=&quot;x&quot;&gt;\u202e
    """
    return html.escape(printable(str(text), JOINERS))
