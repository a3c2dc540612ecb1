"""Predictions from and to files: JSON Lines with a list a line, best item first, or rows."""

from __future__ import annotations

import os
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, NoReturn

import numpy as np

from mlcore import native
from mlcore.errors import ConfigError, DataError, at, shorten, shorten_json
from mlcore.files.formats import ROW_FORMATS, any_ending_of, find_row_format
from mlcore.files.inputs import display_name, text_chunks
from mlcore.files.json_lines import hint_at_bare_id, json_member, no_objects, parse_json_object
from mlcore.files.list_rows import are_rows, format_list_rows, read_list_rows
from mlcore.files.lists_native import ListArrays, format_lists, growth
from mlcore.files.options import PathLike
from mlcore.files.outputs import is_stream
from mlcore.files.tables import BadValue
from mlcore.files.values import JSON_NUMBER, IdEncoder
from mlcore.jsontext import format_numbers, format_string
from mlcore.numeric.ranges import offsets
from mlcore.numeric.utf8 import utf8_of
from mlcore.progress import Progress, no_progress
from mlcore.ranked_lists import LIST_COLUMNS, Predictions
from mlcore.types import Float64Array, Int32Array, Int64Array

__all__ = [
    "Entries",
    "ListFormat",
    "find_list_format",
    "format_prediction",
    "format_predictions",
    "read_predictions",
]

# A list as format_predictions writes it: the text before its first id, and the text after each id. A
# number of more digits might be too long for the parser; an atomic group never backtracks.
_ID = r'[^"\\\x00-\x1f]*+'
_NUMBER = rf"(?!-?[0-9]{{101}})(?>{JSON_NUMBER})"
_REASON = rf'\{{"item_id": "{_ID}", "share": {_NUMBER}\}}'
_BEFORE_IDS = re.compile(rf'\{{"user_id": "({_ID})", "items": \[\{{"item_id": "({_ID})')
_AFTER_ID = re.compile(
    rf'", "score": {_NUMBER}(?:, "source": "popularity")?+'
    rf'(?:, "because": \[(?:{_REASON}(?:, {_REASON})*+)?+\])?+\}}'
    r'(?:, \{"item_id": "|\]\}\Z)'
)


class Entries(NamedTuple):
    """Items and their numbers: the scores of R lists, or the shares of P items, concatenated.

    Attributes:
        bounds: (R + 1,) or (P + 1,) offsets.
        items: ids as they are written, such as JSON strings.
        numbers: scores or shares.
    """

    bounds: Sequence[int]
    items: Sequence[str]
    numbers: Sequence[float]

    def join(self, parts: Sequence[str]) -> list[str]:
        """Return the texts of the entries of each list, with commas between them."""
        return [", ".join(parts[begin:end]) for begin, end in zip(self.bounds, self.bounds[1:])]


def format_predictions(
    users: Sequence[str], lists: Entries, filled: Sequence[bool], because: Entries | None = None
) -> str:
    """Return a line for each list.

    Args:
        users: R ids as JSON strings.
        lists: items and scores of each user, P in all.
        filled: (P,) whether popularity filled in the item.
        because: the contributions to each item, or None to omit the key.

    >>> format_predictions(['"u"', '"v"'], Entries([0, 0, 1], ['"a"'], [0.75]), [False])
    '{"user_id": "u", "items": []}\\n{"user_id": "v", "items": [{"item_id": "a", "score": 0.75}]}\\n'
    """
    parts = _format_entries(lists, "score")
    if any(filled):
        parts = [
            f'{part[:-1]}, "source": "popularity"}}' if is_filled else part
            for part, is_filled in zip(parts, filled, strict=True)
        ]
    if because is not None:
        reasons = because.join(_format_entries(because, "share"))
        parts = [
            f'{part[:-1]}, "because": [{reason}]}}'
            for part, reason in zip(parts, reasons, strict=True)
        ]
    return "".join(
        [
            f'{{"user_id": {user}, "items": [{items}]}}\n'
            for user, items in zip(users, lists.join(parts), strict=True)
        ]
    )


def _format_entries(entries: Entries, name: str) -> list[str]:
    return [
        f'{{"item_id": {item}, "{name}": {number}}}'
        for item, number in zip(entries.items, format_numbers(entries.numbers), strict=True)
    ]


def format_prediction(
    user: str,
    items: Iterable[tuple[str, float, bool]],
    because: Iterable[Iterable[tuple[str, float]]] | None = None,
) -> str:
    """Return one line.

    Args:
        user: as a JSON string, like all ids.
        items: id, score, and whether popularity filled it in.
        because: ids and shares of the contributions to each item, or None to omit the key.

    >>> format_prediction('"u"', [('"a"', 0.75, False)])
    '{"user_id": "u", "items": [{"item_id": "a", "score": 0.75}]}\\n'
    >>> format_prediction('"u"', [('"a"', 0.5, False)], [[('"b"', 0.5)]])[58:-4]
    '"because": [{"item_id": "b", "share": 0.5}]'
    """
    listed = list(items)
    filled = [is_filled for _, _, is_filled in listed]
    lists = _concatenate([[(item, score) for item, score, _ in listed]])
    return format_predictions(
        [user], lists, filled, None if because is None else _concatenate(because)
    )


def _concatenate(groups: Iterable[Iterable[tuple[str, float]]]) -> Entries:
    bounds, items, numbers = [0], list[str](), list[float]()
    for group in groups:
        for item, number in group:
            items.append(item)
            numbers.append(number)
        bounds.append(len(items))
    return Entries(bounds, items, numbers)


class ListFormat(NamedTuple):
    """How the lists of an output are written.

    Attributes:
        header: the text before them.
        quote: what makes of an id the text that ``format`` takes.
        format: the lines of some lists, as ``format_predictions``.
        delimiter: of rows; None for JSON Lines.
    """

    header: str
    quote: Callable[[str], str]
    format: Callable[[Sequence[str], Entries, Sequence[bool], Entries | None], str]
    delimiter: str | None = None

    def writer(self, item_ids: Sequence[str]) -> Callable[[ListArrays], bytes]:
        """Return what makes the lines of lists of these items: compiled code for all of them, or none.

        >>> write = find_list_format("-").writer(["a"])
        >>> score = np.array([0.5]), np.array([False])
        >>> write(ListArrays(["u"], np.array([0, 1]), np.array([0]), *score))
        b'{"user_id": "u", "items": [{"item_id": "a", "score": 0.5}]}\\n'
        """
        if native.is_available():
            items = utf8_of(item_ids)
            return partial(
                format_lists, items=items, delimiter=self.delimiter, item_growth=growth(items)
            )
        return partial(self._write, list(map(self.quote, item_ids)))

    def _write(self, item_texts: Sequence[str], lists: ListArrays) -> bytes:
        def entries(bounds: Int64Array, items: Int32Array, numbers: Float64Array) -> Entries:
            ids = list(map(item_texts.__getitem__, items.tolist()))
            return Entries(bounds.tolist(), ids, numbers.tolist())

        return self.format(
            list(map(self.quote, lists.user_ids)),
            entries(lists.bounds, lists.items, lists.scores),
            lists.filled.tolist(),
            None if lists.reasons is None else entries(*lists.reasons),
        ).encode()


def find_list_format(path: PathLike, explain: bool = False) -> ListFormat:
    """Return how lists are written, by the name of the output: JSON Lines, unless it is of a table.

    Args:
        explain: whether items have contributions.

    Raises:
        ConfigError: rows are to have contributions.
        DataError: the name is of another format.

    >>> find_list_format("lists.csv").header
    'user_id,item_id,rank,score,source\\n'
    """
    ending = "" if is_stream(path) else any_ending_of(path)
    if ending in ("", ".jsonl", ".ndjson"):
        return ListFormat("", format_string, format_predictions)
    if ending not in (*ROW_FORMATS, ".parquet"):
        raise DataError(
            f"{os.fspath(path)}: expected a name that ends in .csv, .tsv or .jsonl (or one of them and "
            f".gz), or .parquet, got {ending}",
            "write one of them; DuckDB and pandas read them",
        )
    # Of a table that becomes Parquet, the text before.
    rows = find_row_format("lists.csv" if ending == ".parquet" else path)
    if explain:
        raise ConfigError(
            f"explain: expected JSON Lines as output, got {ending}",
            "contributions are lists, which no column holds; --out lists.jsonl has them",
        )

    def format_rows(
        users: Sequence[str], lists: Entries, filled: Sequence[bool], because: Entries | None
    ) -> str:
        return format_list_rows(rows, users, lists.bounds, lists.items, lists.numbers, filled)

    delimiter = "\t" if ending == ".tsv" else ","
    return ListFormat(rows.header(LIST_COLUMNS), rows.quote, format_rows, delimiter)


def read_predictions(path: PathLike, progress: Progress = no_progress) -> Predictions:
    """Return the lists of a file; scores are not read.

    Args:
        path: JSON Lines, perhaps ``.gz``, or ``-``, with the items of a list in their order; or a
            table by its name, see ``read_list_rows``.
        progress: called with the bytes read.

    Raises:
        DataError: a user or, within a list, an item twice, or a line of another form.
    """
    if are_rows(path):
        return read_list_rows(path, progress)
    name = display_name(path)
    user_ids: dict[str, int] = {}
    items = IdEncoder()
    codes = array("i")
    lengths: list[int] = []
    for line, text in _lines(path, progress):
        user_id, row = _read_line(text, f"{name}:{line}", items, user_ids)
        user_ids[user_id] = line
        codes.fromlist(row)
        lengths.append(len(row))
    if not user_ids:
        raise no_objects(name)
    return Predictions(
        list(user_ids),
        list(items),
        offsets(lengths),
        np.array(codes, np.int32),
        name,
        list(user_ids.values()),
    )


def _lines(path: PathLike, progress: Progress) -> Iterator[tuple[int, str]]:
    for chunk in text_chunks(path, progress):
        for line, text in enumerate(chunk.text.split("\n"), chunk.first_line):
            if text.strip():
                yield line, text


def _read_line(
    text: str, place: str, items: IdEncoder, users: Mapping[str, int]
) -> tuple[str, list[int]]:
    """Return user and items of a list: by splitting the line if it is fine, else by the parser."""
    user_id, item_ids = _split_line(text)
    if item_ids and user_id not in users:
        try:
            row = list(map(items.__getitem__, item_ids))
            if len(set(row)) == len(row):
                return user_id, row
        except BadValue:
            pass
    value = parse_json_object(text, place)
    with at(place):
        return _parse_object(value, items, users)


def _split_line(text: str) -> tuple[str, list[str]]:
    """Return user and items of a line written by ``format_predictions``, and no items of others.

    Splitting at the known text leaves the ids. If none holds a quote, an escape or a control
    character, the line is the strict JSON that it looks like.
    """
    head, *item_ids = _AFTER_ID.split(text)
    begun = _BEFORE_IDS.fullmatch(head)
    if begun is None or not text.endswith("]}") or not item_ids or item_ids.pop():
        return "", []
    joined = "".join(item_ids)
    if '"' in joined or "\\" in joined or not joined.isprintable():
        return "", []
    return begun[1], [begun[2], *item_ids]


def _parse_object(
    value: dict[str, Any], items: IdEncoder, users: Mapping[str, int]
) -> tuple[str, list[int]]:
    user_id = json_member(value, "user_id", str)
    if user_id in users:
        raise DataError(
            f"user_id: expected each user once, got {shorten(user_id)} again "
            f"(first in line {users[user_id]})"
        )
    return user_id, _item_codes(json_member(value, "items", list), items)


def _item_codes(entries: list[Any], items: IdEncoder) -> list[int]:
    try:
        row = [items.encode_json(entry["item_id"]) for entry in entries]
    except (BadValue, KeyError, TypeError, IndexError):
        _refuse_bad_entry(entries)
    if len(set(row)) < len(row):
        firsts: dict[int, int] = {}
        again = next(n for n, code in enumerate(row) if firsts.setdefault(code, n) < n)
        item_id = shorten(entries[again]["item_id"])
        raise DataError(f"items: expected each item once, got {item_id} again")
    return row


def _refuse_bad_entry(entries: list[Any]) -> NoReturn:
    for position, entry in enumerate(entries):
        with at(f"items[{position}]"):
            if not isinstance(entry, dict):
                message = f"expected an object, got {shorten_json(entry)}"
                raise DataError(message, hint_at_bare_id(entry, "items"))
            item_id = json_member(entry, "item_id", str)
            with at("item_id"):
                IdEncoder().encode_json(item_id)
    raise AssertionError("a list failed as a whole but in no entry")
