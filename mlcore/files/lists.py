"""Small inputs: a list of users or items, the titles of items, a configuration."""

from __future__ import annotations

from collections.abc import Callable

from mlcore.config import TrainConfig
from mlcore.errors import ConfigError, NoRowsError
from mlcore.files.inputs import display_name, read_text
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.tables import ColumnReader, read_columns
from mlcore.files.values import IdEncoder, string_from_json
from mlcore.jsontext import JsonTextError, parse_json

__all__ = ["read_config", "read_ids", "read_titles"]


def read_ids(
    path: PathLike,
    column: str,
    input_options: InputOptions = InputOptions(),
    check: Callable[[str], object] | None = None,
    may_be_empty: bool = False,
) -> list[str]:
    """Return the distinct ids of one column, in order of first appearance.

    Args:
        path: ``.csv`` or ``.jsonl``, perhaps ``.gz``, or ``-``.
        column: ``user_id`` or ``item_id``.
        check: raises BadValue for an id that is not allowed here.
        may_be_empty: take a table without rows for no ids.

    Raises:
        DataError: the first fault of the file, with its line and column.
    """
    ids = IdEncoder(check)
    columns = [ColumnReader(column, ids.__getitem__, ids.encode_json)]
    try:
        for _ in read_columns(path, columns, input_options):
            pass
    except NoRowsError:
        if not may_be_empty:
            raise
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
        ColumnReader("title", str, string_from_json),
    ]
    title_of_code: dict[int, str] = {}
    for codes, titles in read_columns(path, columns, input_options):
        title_of_code.update(zip(codes or [], titles or []))
    return {item_id: title_of_code[code] for item_id, code in ids.items()}


def read_config(path: PathLike | None) -> TrainConfig:
    """Return the configuration of a JSON file, or the default one for None.

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
