"""Options of more than one command, each declared once; types and defaults are those of mlcore's configs."""

from __future__ import annotations

import argparse
from dataclasses import fields
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from mlcore.evaluate.config import DEFAULT_EXTRA_USERS, ExtraUsers
from mlcore.files.options import FORMATS, ColumnNames, Format, InputOptions

__all__ = [
    "InputArgs",
    "add_catalogue_option",
    "add_dry_run_option",
    "add_extra_users_option",
    "add_fields",
    "add_format_option",
    "add_input_options",
    "add_interactions_option",
    "add_model_option",
    "add_predictions_option",
    "add_threads_option",
    "build_config",
    "flag",
    "parse_numbers",
    "with_default",
]

COLUMNS = tuple(field.name for field in fields(ColumnNames))
T = TypeVar("T")


class InputArgs(argparse.Namespace):
    """Options of every command that reads interactions."""

    format: Format | None

    def input_options(self) -> InputOptions:
        """Return how the tables are read."""
        names = {field: getattr(self, f"{field}_column") for field in COLUMNS}
        return InputOptions(ColumnNames(**names), self.format)


def flag(name: str) -> str:
    """Return the option of a field: ``--include-items`` of ``include_items_path``."""
    return "--" + name.removesuffix("_path").replace("_", "-")


def with_default(text: str, default: object) -> str:
    """Return a help text that ends with the default, unless that is to do nothing."""
    if default is None or isinstance(default, bool):
        return text
    return f"{text} (default: {default})" if text else f"default: {default}"


def add_fields(parser: Any, config: type, **texts: str) -> None:
    """Add an option for each field named, to a parser or a group, with the field's type and default.

    ``texts`` is the help of each field, without the default.
    """
    hints = get_type_hints(config)
    for name, text in texts.items():
        default = getattr(config, name)
        parser.add_argument(
            flag(name), default=default, help=with_default(text, default), **_kind(hints[name])
        )


def _kind(hint: Any) -> dict[str, Any]:
    """Return what argparse must know of a type, or of that type or None."""
    if get_origin(hint) is Literal:
        return {"choices": get_args(hint)}
    if hint is bool:
        return {"action": "store_true"}
    if hint in (int, float):
        return {"type": hint, "metavar": "N" if hint is int else "X"}
    others = [part for part in get_args(hint) if part is not type(None)]
    if len(others) == 1:
        return _kind(others[0])
    return {"metavar": "FILE"} if others else {}


def build_config(config: type[T], args: argparse.Namespace, **changed: object) -> T:
    """Return the config that the options of its fields describe, except the values in ``changed``."""
    names = [field.name for field in fields(config)]  # type: ignore[arg-type]
    values = {name: getattr(args, name.removesuffix("_path")) for name in names}
    return config(**values | changed)


def parse_numbers(kind: type[T], example: str) -> Any:
    """Return a parser of comma-separated numbers.

    Args:
        kind: int or float.
        example: what an error shows.
    """

    def parse(text: str) -> list[T]:
        try:
            return [kind(part) for part in text.split(",")]  # type: ignore[call-arg]
        except ValueError:
            noun = "integers" if kind is int else "numbers"
            message = f"expected {noun} such as {example}, got {text!r}"
            raise argparse.ArgumentTypeError(message) from None

    return parse


def add_input_options(parser: argparse.ArgumentParser) -> None:
    """Add a group of options that say how to read a file of interactions."""
    group = parser.add_argument_group("input")
    add_format_option(group)
    for field in COLUMNS:
        default = getattr(ColumnNames, field)
        text = with_default("", default)
        group.add_argument(f"--{field}-column", default=default, metavar="NAME", help=text)


def add_format_option(parser: Any) -> None:
    """Add ``--format`` to a parser or a group."""
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="of tables whose name does not show it, such as - for standard input",
    )


def add_interactions_option(
    parser: Any, text: str = ".csv or .jsonl, perhaps .gz; .parquet; -"
) -> None:
    """Add ``--interactions``, required, to a parser or a group."""
    parser.add_argument("--interactions", required=True, metavar="FILE", help=text)


def add_catalogue_option(parser: Any) -> None:
    """Add ``--items``, the catalogue, to a parser or a group."""
    parser.add_argument(
        "--items",
        metavar="FILE",
        help="the catalogue: a table with a column item_id (default: the items of the interactions)",
    )


def add_model_option(parser: Any) -> None:
    """Add ``--model-dir``, required, to a parser or a group."""
    parser.add_argument("--model-dir", required=True, metavar="DIR", help="the model")


def add_predictions_option(parser: Any) -> None:
    """Add ``--predictions``, required, to a parser or a group."""
    parser.add_argument(
        "--predictions", required=True, metavar="FILE", help="as predict writes them, or -"
    )


def add_extra_users_option(parser: Any) -> None:
    """Add ``--extra-users`` to a parser or a group."""
    parser.add_argument(
        "--extra-users",
        choices=get_args(ExtraUsers),
        default=DEFAULT_EXTRA_USERS,
        help=with_default("lists of users without ground truth", DEFAULT_EXTRA_USERS),
    )


def add_threads_option(parser: Any, when: str = "") -> None:
    """Add ``--threads`` to a parser or a group.

    Args:
        when: what else it takes, for the help.
    """
    parser.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help=f"{when}changes speed only (default: one for each core)",
    )


def add_dry_run_option(parser: Any, when: str = "") -> None:
    """Add ``--dry-run`` to a parser or a group.

    Args:
        when: what else it takes, for the help.
    """
    parser.add_argument(
        "--dry-run",
        action="store_true",
        help=f"{when}estimate what it would take, and write nothing; "
        "exit code 1 if that is too much memory",
    )
