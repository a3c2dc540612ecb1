"""What a text reads, as far as its words tell before BigQuery sees it.

BigQuery's parser does not come with its client: a dry run, which says what tables a query reads, decides.
But it does not list what functions read outside of tables, and for some it calls on another database. So
their names are refused first. They cannot hide, as names in backticks and comments are told from texts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from mlcore.errors import shorten

__all__ = ["find_foreign", "find_second_query"]

_TOKEN = re.compile(
    r"--[^\r\n]*|\#[^\r\n]*|/\*.*?\*/"  # a carriage return alone ends a comment, too
    r"|[rb]{0,2}(?P<quote>'''|\"\"\"|'|\")(?:\\.|(?!(?P=quote))[^\\])*(?P=quote)"
    r"|(?P<word>[a-z_]\w*|`(?:\\.|[^`\\])*`)|(?P<sign>\S)",
    re.IGNORECASE | re.DOTALL,
)
# Functions and schemas, each with what follows its name.
_FOREIGN = {
    **dict.fromkeys(["external_query", "vector_search", "appends", "changes", "graph_table"], "("),
    "information_schema": ".",
}
# What may stand before the dot of a function, unless it is a dataset of a project itself: such a
# function reads its arguments only.
_FAMILIES = ("safe", "net", "hll_count", "kll_quantiles")


def find_foreign(text: str, tables: Collection[str]) -> str | None:
    """Return what a text reaches for besides its tables, in words, or None if its words show nothing.

    Args:
        tables: of the header.

    >>> find_foreign("SELECT e.n FROM events AS e -- FROM shop.users", ["events"])
    >>> find_foreign("SELECT n FROM events JOIN shop.users", ["events"])
    "'shop.users'"
    """
    words = [*_words(text), "", "", ""]
    own = {word for word, after in zip(words, words[1:]) if after != "."}
    own |= {name.lower() for name in tables}
    before = ""
    for word, *after in zip(words, words[1:], words[2:], words[3:]):
        is_qualified = after[0] == "." and word.isidentifier()
        if word.startswith("`"):  # a path, or letters by their codes
            return shorten(word.strip("`"))
        if _FOREIGN.get(word) == after[0]:
            return word.upper()
        if is_qualified and after[2] == "(" and (word not in _FAMILIES or before == "."):
            return f"{word}.{after[1]}(...)"
        if is_qualified and before in ("from", "join", "table") and word not in own:
            return shorten(f"{word}.{after[1]}")
        before = word
    return None


def find_second_query(text: str) -> str | None:
    """Return the sign at which a text ends before its end, or None: it is wrapped in parentheses.

    >>> find_second_query("SELECT ';' /* ; */"), find_second_query("SELECT 1) UNION ALL (SELECT 2")
    (None, ')')
    """
    depth = 0
    for word in _words(text):
        depth += {"(": 1, ")": -1}.get(word, 0)
        if depth < 0 or word == ";":
            return word
    return None


def _words(text: str) -> Sequence[str]:
    """Return the words and signs outside of texts and comments, in lower case."""
    found = (token["word"] or token["sign"] for token in _TOKEN.finditer(text))
    return [re.sub(r"^`([\w ]+)`$", r"\1", word.lower()) for word in found if word]
