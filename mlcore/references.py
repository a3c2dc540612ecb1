"""Ids that one input takes from another: whether any is known there, and if not, the likely reason."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection

from mlcore.errors import DataError, shorten

__all__ = ["count_unknown", "likely_reason", "none_known"]

_NOUNS = {"user_id": "users", "item_id": "items"}
# What makes two spellings equal, and what to say of them.
_SPELLINGS: dict[str, Callable[[str], str]] = {
    "leading zeros differ": lambda text: text.lstrip("0"),
    "spaces around them differ": str.strip,
    "upper and lower case differ": str.lower,
    "one has decimals": lambda text: text.removesuffix(".0"),
    "their Unicode forms differ (NFC, NFD)": lambda text: unicodedata.normalize("NFC", text),
}


def count_unknown(ids: Collection[str], known: Collection[str]) -> int:
    """Return how many distinct ids are not among the known ones.

    >>> count_unknown(["tea", "coffee"], ["milk", "tea"])
    1
    """
    return len(set(ids).difference(known))


def none_known(
    place: str, column: str, ids: Collection[str], known: Collection[str], owner: str
) -> DataError | None:
    """Return the error for ids of which none is known, or None if there are none or one is known.

    Args:
        place: where the ids are, for the message.
        column: ``user_id`` or ``item_id``.
        owner: of the known ids, such as ``the model``.

    >>> print(none_known("banned.csv", "item_id", ["7"], ["0007"], "the model"))
    banned.csv: item_id: expected items of the model, got none of them
    """
    if not ids or not set(ids).isdisjoint(known):
        return None
    message = f"{place}: {column}: expected {_NOUNS[column]} of {owner}, got none of them"
    return DataError(message, likely_reason(ids, known) or _examples(ids, known, owner))


def likely_reason(ids: Collection[str], known: Collection[str]) -> str | None:
    """Return how an unknown id may be meant, by the first that is a known one in another spelling.

    >>> likely_reason(["tea", "7"], ["0007", "0008"])
    "is '7' meant to be '0007'? leading zeros differ"
    """
    for difference, simplify in _SPELLINGS.items():
        # Of known ids that become equal, the first.
        meant = {simplify(id_): id_ for id_ in sorted(known, reverse=True)}
        for id_ in ids:
            found = meant.get(simplify(id_))
            if found is not None:
                return f"is {shorten(id_)} meant to be {shorten(found)}? {difference}"
    return None


def _examples(ids: Collection[str], known: Collection[str], owner: str) -> str:
    if not known:
        return f"{owner} has none"
    return f"the first is {shorten(next(iter(ids)))}, the first of {owner} {shorten(min(known))}"
