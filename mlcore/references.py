"""Ids that one input takes from another: whether any is known there, and if not, the likely reason."""

from __future__ import annotations

import os
import re
import string
import unicodedata
from collections.abc import Callable, Collection

from mlcore.errors import DataError, shorten

__all__ = ["count_unknown", "hint_at_one", "likely_reason", "none_known"]

_NOUNS = {"user_id": "users", "item_id": "items"}
_ZEROS = re.compile("(?<![0-9])0+(?=[0-9])")
_NO_MARKS = str.maketrans("", "", string.punctuation + string.whitespace)
_LEAST_LETTERS = 3  # of ids of which one may be a slip for another
# What makes two spellings equal, and what to say of them.
_SPELLINGS: dict[str, Callable[[str], str]] = {
    "leading zeros differ": lambda text: _ZEROS.sub("", text),
    "spaces around them differ": str.strip,
    "upper and lower case differ": str.lower,
    "one has decimals": lambda text: text.removesuffix(".0"),
    "their Unicode forms differ (NFC, NFD)": lambda text: unicodedata.normalize("NFC", text),
    "spaces, punctuation or case differ": lambda text: text.translate(_NO_MARKS).lower(),
    "they are spelled in two ways": lambda text: _ZEROS.sub(
        "", text.strip().removesuffix(".0").translate(_NO_MARKS).lower()
    ),
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
            found = meant.get(simplify(id_)) if simplify(id_) else None
            if found is not None:
                return f"is {shorten(id_)} meant to be {shorten(found)}? {difference}"
    return None


def hint_at_one(id_: str, known: Collection[str], owner: str) -> str:
    """Return how one unknown id that somebody typed may be meant, or how known ones look.

    Also tries slips: a letter more, fewer or another, or two in each other's place. Digits are not
    letters: 18 is not meant to be 17.

    >>> hint_at_one("sguar", ["jam", "sugar"], "the model")
    "is 'sguar' meant to be 'sugar'? two letters are swapped"
    """
    reason = likely_reason([id_], known)
    if reason is not None or not known:
        return reason or f"{owner} has none"
    slips = [other for other in known if abs(len(other) - len(id_)) <= 1 and _slip(id_, other)]
    if not slips:
        return f"the first of {owner} is {shorten(min(known))}"
    meant = min(slips)
    return f"is {shorten(id_)} meant to be {shorten(meant)}? {_slip(id_, meant)}"


def _slip(one: str, other: str) -> str | None:
    """Return by which slip two different texts of letters become each other, if by one."""
    if min(len(one), len(other)) < _LEAST_LETTERS:
        return None
    begin = len(os.path.commonprefix((one, other)))
    one, other = one[begin:], other[begin:]
    end = len(os.path.commonprefix((one[::-1], other[::-1])))
    one, other = one[: len(one) - end], other[: len(other) - end]
    if not (one + other).isalpha():
        return None
    if len(one) <= 1 and len(other) <= 1:
        return "one letter differs"
    return "two letters are swapped" if len(one) == 2 and one == other[::-1] else None


def _examples(ids: Collection[str], known: Collection[str], owner: str) -> str:
    if not known:
        return f"{owner} has none"
    return f"the first is {shorten(next(iter(ids)))}, the first of {owner} {shorten(min(known))}"
