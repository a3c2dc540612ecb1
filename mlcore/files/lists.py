"""Small inputs: a list of users or items, the titles of items, a configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from mlcore.errors import ConfigError, NoRowsError
from mlcore.files.columns import read_columns
from mlcore.files.inputs import display_name, read_text
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.tables import ColumnReader, OnNames, pass_over
from mlcore.files.values import IdEncoder, id_column, string_from_json
from mlcore.jsontext import JsonTextError, parse_json
from mlcore.types import Int32Array

if TYPE_CHECKING:
    from mlcore.config import TrainConfig  # which loads all similarities

__all__ = ["IdPairs", "read_config", "read_ids", "read_pairs", "read_titles"]

_TITLES = "sed '1s/NAME/title/' FILE > NEW renames another"


def read_ids(
    path: PathLike,
    column: Literal["user_id", "item_id"],
    input_options: InputOptions = InputOptions(),
    check: Callable[[str], object] | None = None,
    may_be_empty: bool = False,
    on_names: OnNames = pass_over,
) -> list[str]:
    """Return the distinct ids of one column, in order of first appearance.

    Args:
        path: as for ``read_columns``.
        column: which of the names of columns the file has.
        check: raises BadValue for an id that is not allowed here.
        may_be_empty: take a table without rows for no ids.
        on_names: as in ``ColumnReader``.

    Raises:
        DataError: the first fault of the file, with its line and column.
    """
    ids = IdEncoder(check)
    names = input_options.columns
    axis, name = ("user", names.user) if column == "user_id" else ("item", names.item)
    columns = [replace(id_column(name, axis, ids), on_names=on_names)]
    for _ in _chunks(path, columns, input_options, may_be_empty):
        pass
    return list(ids)


class IdPairs(NamedTuple):
    """Rows of users and items.

    Attributes:
        user_ids: in order of first appearance.
        item_ids: likewise.
        users: (P,) int32 positions into ``user_ids``.
        items: (P,) int32 positions into ``item_ids``.
    """

    user_ids: list[str]
    item_ids: list[str]
    users: Int32Array
    items: Int32Array


def read_pairs(
    path: PathLike, input_options: InputOptions = InputOptions(), may_be_empty: bool = False
) -> IdPairs:
    """Return the rows of the columns of users and items.

    Args:
        path: as for ``read_columns``.
        may_be_empty: take a table without rows for no pairs.

    Raises:
        DataError: the first fault of the file, with its line and column.
    """
    users, items = IdEncoder(), IdEncoder()
    names = input_options.columns
    columns = [id_column(names.user, "user", users), id_column(names.item, "item", items)]
    parts = [np.empty((2, 0), np.int32)]
    for chunk in _chunks(path, columns, input_options, may_be_empty):
        parts.append(np.array(chunk, np.int32))
    return IdPairs(list(users), list(items), *np.concatenate(parts, axis=1))


def _chunks(
    path: PathLike,
    columns: Sequence[ColumnReader],
    input_options: InputOptions,
    may_be_empty: bool,
) -> Iterator[list[list[Any] | None]]:
    try:
        yield from read_columns(path, columns, input_options)
    except NoRowsError:
        if not may_be_empty:
            raise


def read_titles(path: PathLike, input_options: InputOptions = InputOptions()) -> dict[str, str]:
    """Return the title of each item, from the column of items and ``title``.

    Args:
        path: as for ``read_columns``.

    Raises:
        DataError: the first fault of the file, with its line and column.
    """
    ids = IdEncoder()
    columns = [
        id_column(input_options.columns.item, "item", ids),
        ColumnReader("title", str, string_from_json, hint=_TITLES),
    ]
    title_of_code: dict[int, str] = {}
    for codes, titles in read_columns(path, columns, input_options):
        title_of_code.update(zip(codes or [], titles or []))
    return {item_id: title_of_code[code] for item_id, code in ids.items()}


def read_config(
    config: TrainConfig | PathLike | None,
    similarity: str | None = None,
) -> TrainConfig:
    """Return the configuration of a JSON file, the default one for None, or the one given.

    Args:
        similarity: the name of one that will be set: the rest of the file need not fit another.

    Raises:
        ConfigError: a key is unknown, a type is wrong, or a value is out of range.
        DataError: the file cannot be read.
    """
    from mlcore.config import TrainConfig

    if config is None:
        return TrainConfig()
    if isinstance(config, TrainConfig):
        return config
    place = display_name(config)
    try:
        values = parse_json(read_text(config))
        if similarity is not None and isinstance(values, dict):
            with suppress(ConfigError):
                return TrainConfig.from_json(values, place)
            values = {**values, "similarity": {"name": similarity}}
        return TrainConfig.from_json(values, place)
    except JsonTextError as error:
        raise ConfigError(f"{place}: expected a JSON object, got {error}") from None
