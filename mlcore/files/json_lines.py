"""JSON Lines: objects, and chosen columns of a table of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from mlcore.errors import DataError, NoRowsError, shorten_json
from mlcore.files.inputs import TextChunk, display_name, text_chunks
from mlcore.files.options import PathLike
from mlcore.files.tables import (
    BadValue,
    ColumnReader,
    convert,
    field_too_long,
    hint_at_number,
    no_such_column,
)
from mlcore.jsontext import JsonTextError, parse_json
from mlcore.limits import MAX_FIELD
from mlcore.progress import Progress, no_progress

__all__ = [
    "hint_at_bare_id",
    "json_member",
    "no_objects",
    "parse_json_object",
    "read_json_columns",
    "read_json_lines",
]

T = TypeVar("T")

_MISSING = object()
_JSON_KINDS: dict[type[Any], str] = {dict: "an object", list: "an array", str: "a string"}


def read_json_columns(
    name: str, columns: Sequence[ColumnReader], chunks: Iterator[TextChunk]
) -> Iterator[list[list[Any] | None]]:
    """Yield the converted columns of a JSON Lines file, as ``read_columns`` does."""
    # Whether the file has an optional column is decided by its first row, as a CSV header does.
    present: list[bool] = []
    absent = {column.name for column in columns if column.required}
    first: Sequence[str] = ()
    for lines, values in _json_batches(name, chunks):
        if not present:
            first = list(values[0])
            _expect_keys(f"{name}:{lines[0]}", columns, values[0])
            present = [
                column.required
                or column.json_missing
                or column.json_default is not None
                or column.name in values[0]
                for column in columns
            ]
        raw = [[value.get(column.name, _MISSING) for value in values] for column in columns]
        converters = [
            _present(column) if there else _absent for column, there in zip(columns, present)
        ]
        converted = convert(columns, raw, converters, lambda row: f"{name}:{lines[row]}")
        yield [values if there else None for values, there in zip(converted, present)]
        absent = {key for key in absent if not any(key in value for value in values)}
    if not present:
        raise no_objects(name)
    for key in absent:
        raise no_such_column(f"{name}: {key}", "key", first)


def _expect_keys(place: str, columns: Sequence[ColumnReader], value: Mapping[str, Any]) -> None:
    """Refuse a first object that lacks what every object must have."""
    keys = list(value)
    for column in columns:
        column.on_names(keys)
        if column.required and column.json_default is None and column.name not in keys:
            hint = _hint_at_form(value) or column.hint_at(keys)
            raise no_such_column(f"{place}: {column.name}", "key", keys, hint)


def _present(column: ColumnReader) -> Callable[[Any], Any]:
    def convert_present(value: Any) -> Any:
        if value is not _MISSING:
            return column.from_json(value)
        if column.json_default is None and not column.json_missing:
            raise BadValue("expected a value, got no such key")
        return column.json_default

    return convert_present


def _absent(value: Any) -> None:
    if value is not _MISSING:
        raise BadValue(
            f"expected no such key, as the first object has none, got {shorten_json(value)}"
        )


def _json_batches(
    name: str, chunks: Iterator[TextChunk]
) -> Iterator[tuple[list[int], list[dict[str, Any]]]]:
    for chunk in chunks:
        lines: list[int] = []
        values: list[dict[str, Any]] = []
        error: DataError | None = None
        for line, text in enumerate(chunk.text.split("\n"), chunk.first_line):
            if text.strip():
                try:
                    values.append(parse_json_object(text, f"{name}:{line}"))
                except DataError as caught:
                    error = caught
                    break
                lines.append(line)
        if values:
            yield lines, values
        if error is not None:
            raise error


def no_objects(name: str) -> NoRowsError:
    """Return the error for a JSON Lines file with nothing in it."""
    return NoRowsError(f"{name}: expected at least one JSON object, got an empty file")


def json_member(value: Mapping[str, Any], key: str, kind: type[T]) -> T:
    """Return the value of a key of a JSON object, which must be of one kind: dict, list or str.

    Raises:
        BadValue: it is missing or of another kind.

    >>> json_member({"history": []}, "history", list)
    []
    """
    found = value.get(key)
    if isinstance(found, kind):
        return found
    got = shorten_json(found) if key in value else "no such key"
    hint = hint_at_number(found) if kind is str else None
    if kind is list and key not in value:
        hint = _hint_at_form(value)
    raise BadValue(f"{key}: expected {_JSON_KINDS[kind]}, got {got}", hint)


def _hint_at_form(value: Mapping[str, Any]) -> str | None:
    """Return what else the object of a file is, which other options take."""
    if isinstance(value.get("history"), list):
        return (
            "these are histories, a line for each user, which predict and show take as --histories; "
            "a table has a line for each row"
        )
    if isinstance(value.get("items"), list):
        return "these are lists as predict writes them, which evaluate, compare and show take"
    if "item_id" in value:
        return (
            "these are interactions, a line for each, and not a line for each user; as a table in "
            ".csv --histories takes them: cli.preprocess --out NEW.csv writes one"
        )
    return None


def hint_at_bare_id(entry: object, key: str) -> str | None:
    """Return what makes objects of a list of ids alone.

    Args:
        entry: of the list, which should be an object.
        key: of the list.

    >>> hint_at_bare_id("tea", "history")
    "jq -c '.history |= map({item_id: .})' FILE > NEW makes objects of ids"
    """
    if not isinstance(entry, str):
        return None
    return f"jq -c '.{key} |= map({{item_id: .}})' FILE > NEW makes objects of ids"


def parse_json_object(text: str, place: str) -> dict[str, Any]:
    """Return the object of one line of JSON Lines.

    Args:
        place: file and line, for the message.

    Raises:
        DataError: it is not a strict JSON object.

    >>> parse_json_object('{"item_id": "007"}', "items.jsonl:1")
    {'item_id': '007'}
    """
    try:
        value = parse_json(text)
    except JsonTextError as error:
        message = f"{place}: expected a JSON object, got {error}"
        raise DataError(message, _hint_at_lines(text, str(error))) from None
    if not isinstance(value, dict):
        message = f"{place}: expected a JSON object, got {shorten_json(value)}"
        raise DataError(message, _hint_at_lines(text, ""))
    if len(text) > MAX_FIELD and any(
        isinstance(found, str) and len(found) > MAX_FIELD for found in value.values()
    ):
        raise field_too_long(place)
    return value


def _hint_at_lines(text: str, fault: str) -> str | None:
    """Return what makes JSON Lines of what other programs write."""
    begin = text.strip()
    if begin.startswith("["):
        return "a line holds one object: jq -c '.[]' FILE > NEW makes lines of an array"
    if begin == "{" or "extra data" in fault:
        return "a line holds one object: jq -c . FILE > NEW makes lines of objects"
    if begin.startswith("{'"):
        return (
            "strings stand in double quotes: python -c 'import ast, json, sys; "
            "[print(json.dumps(ast.literal_eval(line))) for line in sys.stdin]' < FILE > NEW"
        )
    if "which is not JSON" in fault:
        return r"sed -E 's/-?(NaN|Infinity)\b/null/g' FILE > NEW, unless texts have these words"
    return None


def read_json_lines(
    path: PathLike, progress: Progress = no_progress, encoding: str | None = None
) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield line number and object of each line of a JSON Lines file; skip blank lines.

    Args:
        progress: called with the bytes read.
        encoding: see ``text_chunks``.

    Raises:
        DataError: a line is not a JSON object, or the file cannot be read.
    """
    for lines, values in _json_batches(display_name(path), text_chunks(path, progress, encoding)):
        yield from zip(lines, values)
