"""Small tables: a list of users or items, the titles of items, a configuration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlcore.files.options import InputOptions, PathLike
from mlcore.config import TrainConfig
from mlcore.errors import ConfigError, shorten_json
from mlcore.files.inputs import display_name, read_text
from mlcore.files.tables import BadValue, ColumnReader, read_columns
from mlcore.files.values import IdEncoder
from mlcore.jsontext import JsonTextError, parse_json

__all__ = ["read_config", "read_ids", "read_titles"]


def read_ids(
    path: PathLike,
    column: str,
    input_options: InputOptions = InputOptions(),
    check: Callable[[str], object] | None = None,
) -> list[str]:
    """Return the distinct ids of one column, in order of first appearance.

    Args:
        path: ``.csv`` or ``.jsonl``, perhaps ``.gz``, or ``-``.
        column: its name, ``user_id`` or ``item_id``.
        check: raises BadValue for an id that may not stand there.

    Raises:
        DataError: the first fault of the file, with its line and column.
    """
    ids = IdEncoder(check)
    for _ in read_columns(
        path, [ColumnReader(column, ids.__getitem__, ids.encode_json)], input_options.format
    ):
        pass
    return list(ids)


def read_titles(path: PathLike, input_options: InputOptions = InputOptions()) -> dict[str, str]:
    """Return the title of each item, from the columns ``item_id`` and ``title``.

    Args:
        path: ``.csv`` or ``.jsonl``, perhaps ``.gz``, or ``-``.

    Raises:
        DataError: the first fault of the file, with its line and column.
    """
    ids = IdEncoder()
    columns = [
        ColumnReader("item_id", ids.__getitem__, ids.encode_json),
        ColumnReader("title", str, _string),
    ]
    title_of_code: dict[int, str] = {}
    for codes, titles in read_columns(path, columns, input_options.format):
        title_of_code.update(zip(codes or [], titles or []))
    return {item_id: title_of_code[code] for item_id, code in ids.items()}


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise BadValue(f"expected a string, got {shorten_json(value)}")
    return value


def read_config(path: PathLike | None) -> TrainConfig:
    """Return the configuration of a JSON file, or the default one.

    Args:
        path: the file, ``-``, or None.

    Raises:
        ConfigError: a key is unknown, a type is wrong, or a value is out of range.
        DataError: the file cannot be read.
    """
    if path is None:
        return TrainConfig()
    try:
        return TrainConfig.from_json(parse_json(read_text(path)), display_name(path))
    except JsonTextError as error:
        raise ConfigError(f"{display_name(path)}: expected a JSON object, got {error}") from None
