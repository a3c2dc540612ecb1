"""Ranked lists as a table, one row an item: for data frames, databases and spreadsheets."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import numpy as np

from mlcore.errors import DataError, NoRowsError, shorten, shorten_json
from mlcore.files.columns import read_columns
from mlcore.files.formats import RowFormat, ending_of
from mlcore.files.inputs import display_name
from mlcore.files.options import PathLike
from mlcore.files.parts import has_parts, kind_of
from mlcore.files.tables import BadValue, ColumnReader
from mlcore.files.values import (
    IdEncoder,
    finite_from_json,
    parse_integer,
    parse_number,
    string_from_json,
)
from mlcore.jsontext import format_numbers
from mlcore.numeric.ranges import offsets
from mlcore.progress import Progress, no_progress
from mlcore.ranked_lists import LIST_COLUMNS, Predictions, source_of
from mlcore.types import Int32Array, Int64Array

__all__ = ["LIST_TYPES", "are_rows", "find_list_in_rows", "format_list_rows", "read_list_rows"]

LIST_TYPES = dict(
    zip(LIST_COLUMNS, ("VARCHAR", "VARCHAR", "BIGINT", "DOUBLE", "VARCHAR"), strict=True)
)
_SQL_RANK = "position"  # what sql/recommend.sql calls the rank
_MAX_RANK = 2**31 - 1
_RANKS = "ranks begin at 1 and have no decimals: CAST(rank + 1 AS BIGINT), if yours begin at 0"
_NAMES = (
    "lists have user_id, item_id and rank in the first line: "
    "sed '1s/NAME/{}/' FILE > NEW renames another"
)


def are_rows(path: PathLike) -> bool:
    """Return whether lists are in rows, by the name; else they are JSON Lines.

    >>> are_rows("lists.csv.gz"), are_rows("lists.parquet"), are_rows("lists.jsonl"), are_rows("-")
    (True, True, False, False)
    """
    if has_parts(path):
        return kind_of(path, None) != "jsonl"
    return ending_of(path) in (".csv", ".tsv", ".parquet")


def format_list_rows(
    rows: RowFormat,
    users: Sequence[str],
    bounds: Sequence[int],
    items: Sequence[str],
    scores: Sequence[float],
    filled: Sequence[bool],
) -> str:
    """Return a line for each item; an empty list has none.

    Args:
        users: R ids, quoted as fields.
        bounds: (R + 1,) offsets of the lists.
        items: P ids, likewise quoted.
        filled: (P,) whether popularity filled in the item.

    >>> from mlcore.files.formats import ROW_FORMATS
    >>> format_list_rows(ROW_FORMATS[".csv"], ["u"], [0, 1], ["a"], [0.75], [False])
    'u,a,1,0.75,similarity\\n'
    """
    around = rows.around(LIST_COLUMNS)
    sources = [rows.quote(source_of(is_filled)) for is_filled in (False, True)]
    ends = [
        f"{around[3]}{number}{around[4]}{sources[is_filled]}{around[5]}"
        for number, is_filled in zip(format_numbers(scores), filled, strict=True)
    ]
    lines: list[str] = []
    for user, begin, end in zip(users, bounds, bounds[1:]):
        start = f"{around[0]}{user}{around[1]}"
        lines += [
            f"{start}{items[place]}{around[2]}{place - begin + 1}{ends[place]}"
            for place in range(begin, end)
        ]
    return "".join(lines)


def read_list_rows(path: PathLike, progress: Progress = no_progress) -> Predictions:
    """Return the lists of a table, users in order of first appearance; scores are not read.

    The rank, not the order of the rows, says where an item is. A user without rows has no list; a
    table without rows has no list at all.

    Args:
        path: as for ``read_columns``. Columns: ``user_id``, ``item_id``, and ``rank``, or ``position``
            as ``sql/recommend.sql`` writes it: integers.
        progress: called with the bytes read.

    Raises:
        DataError: a value that breaks its rule, or the ranks of a list are not 1, 2, 3 ..., each once;
            ``Predictions.check`` refuses an item twice.
    """
    name = display_name(path)
    users, items = IdEncoder(), IdEncoder()
    user_codes, item_codes, ranks = array("i"), array("i"), array("i")
    columns = _columns(users, items)
    try:
        for row_users, row_items, *found in read_columns(path, columns, progress=progress):
            user_codes.extend(row_users or [])
            item_codes.extend(row_items or [])
            ranks.extend(_given_ranks(found, name))
    except NoRowsError:
        pass
    order, lengths = _order(
        np.array(user_codes, np.int32), np.array(ranks, np.int32), list(users), name
    )
    predictions = Predictions(
        list(users), list(items), offsets(lengths), np.array(item_codes, np.int32)[order], name
    )
    predictions.check()
    return predictions


def find_list_in_rows(
    path: PathLike, user_id: str | None
) -> tuple[list[str], list[dict[str, Any]]]:
    """Return the users of a table of lists, and the entries of one as JSON Lines have them.

    Args:
        path: as for ``read_list_rows``; ``score`` and ``source`` may be absent.
        user_id: None for the user of the first row.

    Raises:
        DataError: a value breaks its rule.
    """
    users, items = IdEncoder(), IdEncoder()
    columns = [
        *_columns(users, items),
        ColumnReader("score", parse_number, finite_from_json, required=False, kind="number"),
        ColumnReader("source", str, string_from_json, required=False),
    ]
    entries: dict[int, dict[str, Any]] = {}
    for user_codes, item_codes, *found, scores, sources in read_columns(path, columns):
        ids, ranks = list(items), _given_ranks(found, display_name(path))
        wanted = 0 if user_id is None else users.get(user_id)
        for row, (user, item) in enumerate(zip(user_codes or [], item_codes or [])):
            if user == wanted:
                score, source = scores and scores[row], sources and sources[row]
                entries[ranks[row]] = {"item_id": ids[item], "score": score, "source": source}
    return list(users), [entry for _, entry in sorted(entries.items())]


def _given_ranks(found: Sequence[list[Any] | None], name: str) -> list[int]:
    for ranks in found:
        if ranks is not None:
            return ranks
    raise DataError(
        f"{name}: rank: expected a column of this name, or {_SQL_RANK}, got neither",
        "ranks begin at 1; the order of rows is no rank",
    )


def _columns(users: IdEncoder, items: IdEncoder) -> list[ColumnReader]:
    user, item, rank, *_ = LIST_COLUMNS
    return [
        ColumnReader(user, users.__getitem__, users.encode_json, hint=_NAMES.format(user)),
        ColumnReader(item, items.__getitem__, items.encode_json, hint=_NAMES.format(item)),
        *(
            ColumnReader(name, _rank_from_text, _rank_from_json, required=False, kind="number")
            for name in (rank, _SQL_RANK)
        ),
    ]


def _rank_from_text(text: str) -> int:
    return _check_rank(parse_integer(text), shorten(text))


def _rank_from_json(value: Any) -> int:
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return _check_rank(value if is_integer else None, shorten_json(value))


def _check_rank(rank: int | None, shown: str) -> int:
    if rank is None or not 1 <= rank <= _MAX_RANK:
        raise BadValue(f"expected an integer from 1 to {_MAX_RANK}, got {shown}", _RANKS)
    return rank


def _order(
    users: Int32Array, ranks: Int32Array, user_ids: Sequence[str], name: str
) -> tuple[Int64Array, Int64Array]:
    """Return the rows by user and rank, (P,), and the length of each list, (R,)."""
    order = np.lexsort((ranks, users))
    lengths = np.bincount(users, minlength=len(user_ids))  # (R,) int64
    ends = offsets(lengths)
    wanted = np.arange(1, len(order) + 1) - ends[users[order]]
    wrong = np.flatnonzero(ranks[order] != wanted)
    if len(wrong):
        row = order[wrong[0]]
        raise DataError(
            f"{name}: rank: user {shorten(user_ids[users[row]])}: expected 1, 2, 3 ... each once, "
            f"got {ranks[row]} where {wanted[wrong[0]]} should be"
        )
    return order, lengths
