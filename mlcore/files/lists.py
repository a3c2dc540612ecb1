"""Small inputs: a list of users or items, the titles of items, a configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from mlcore.config import TrainConfig
from mlcore.errors import ConfigError, NoRowsError
from mlcore.files.columns import read_columns
from mlcore.files.inputs import display_name, read_text
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.tables import ColumnReader
from mlcore.files.values import IdEncoder, id_column, string_from_json
from mlcore.jsontext import JsonTextError, parse_json

__all__ = ["read_config", "read_ids", "read_titles"]

_TITLES = "sed '1s/NAME/title/' FILE > NEW renames another"


def read_ids(
    path: PathLike,
    column: Literal["user_id", "item_id"],
    input_options: InputOptions = InputOptions(),
    check: Callable[[str], object] | None = None,
    may_be_empty: bool = False,
) -> list[str]:
    """Return the distinct ids of one column, in order of first appearance.

    Args:
        path: as for ``read_columns``.
        column: which of the names of columns the file has.
        check: raises BadValue for an id that is not allowed here.
        may_be_empty: take a table without rows for no ids.

    Raises:
        DataError: the first fault of the file, with its line and column.
    """
    ids = IdEncoder(check)
    names = input_options.columns
    axis, name = ("user", names.user) if column == "user_id" else ("item", names.item)
    columns = [id_column(name, axis, ids)]
    try:
        for _ in read_columns(path, columns, input_options):
            pass
    except NoRowsError:
        if not may_be_empty:
            raise
    return list(ids)


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


def read_config(config: TrainConfig | PathLike | None) -> TrainConfig:
    """Return the configuration of a JSON file, the default one for None, or the one given.

    Raises:
        ConfigError: a key is unknown, a type is wrong, or a value is out of range.
        DataError: the file cannot be read.
    """
    if config is None:
        return TrainConfig()
    if isinstance(config, TrainConfig):
        return config
    place = display_name(config)
    try:
        return TrainConfig.from_json(parse_json(read_text(config)), place)
    except JsonTextError as error:
        raise ConfigError(f"{place}: expected a JSON object, got {error}") from None
