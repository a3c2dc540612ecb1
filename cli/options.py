"""Options of more than one command, each declared once; types and defaults are those of mlcore's configs."""

from __future__ import annotations

import argparse
from dataclasses import fields
from functools import partial
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

from mlcore.errors import ConfigError
from mlcore.evaluate.config import DEFAULT_CUTOFFS, DEFAULT_EXTRA_USERS, ExtraUsers
from mlcore.files.options import DELIMITERS, FORMATS, TIME_UNITS, ColumnNames, Format, InputOptions
from mlcore.lineage import LINEAGE_NAME
from mlcore.times import TimeUnit

__all__ = [
    "FILTER_TEXTS",
    "InputArgs",
    "add_catalogue_option",
    "add_cutoffs_option",
    "add_dry_run_option",
    "add_extra_users_option",
    "add_fields",
    "add_format_option",
    "add_input_options",
    "add_interactions_option",
    "add_lineage_option",
    "add_model_option",
    "add_predictions_option",
    "add_threads_option",
    "build_config",
    "flag",
    "pairs",
    "parse_delimiter",
    "parse_names",
    "parse_numbers",
    "parse_pair",
    "with_default",
]

COLUMNS = tuple(field.name for field in fields(ColumnNames))
_INPUT_DEFAULTS = {
    "format": None,
    **{f"{field}_column": getattr(ColumnNames, field) for field in COLUMNS},
    "delimiter": None,
    "columns": None,
    "encoding": InputOptions.encoding,
    "timezone": None,
    "timestamp_unit": InputOptions.timestamp_unit,
}
# Of the options that filter lists.
FILTER_TEXTS = {
    "filter": "which items may be listed: JSON, or a file of it, with some of any_of, none_of, "
    "available_at, at_most",
    "attributes_path": "a table of items in place of the one that the model has kept",
}
T = TypeVar("T")


class InputArgs(argparse.Namespace):
    """Options of every command that reads tables."""

    format: Format | None
    delimiter: str | None
    no_header: bool
    columns: tuple[str, ...] | None
    encoding: str
    timezone: str | None
    timestamp_unit: TimeUnit

    def input_options(self) -> InputOptions:
        """Return how the tables are read."""
        if self.no_header != (self.columns is not None):
            given, missing = (
                ("--no-header", "--columns")
                if self.no_header
                else (
                    "--columns",
                    "--no-header",
                )
            )
            raise ConfigError(
                f"{given}: expected {missing} with it, got none",
                "--no-header --columns user_id,item_id,weight,timestamp reads a file without header",
            )
        return InputOptions(
            self._column_names(),
            self.format,
            self.delimiter,
            self.columns,
            self.encoding,
            self.timezone,
            self.timestamp_unit,
        )

    def _column_names(self) -> ColumnNames:
        names = {field: getattr(self, f"{field}_column", None) for field in COLUMNS}
        return ColumnNames(**{field: name for field, name in names.items() if name is not None})

    def input_words(self) -> list[str]:
        """Return the options given that say how tables are read, for another command."""
        words = ["--no-header"] if self.no_header else []
        for name, default in _INPUT_DEFAULTS.items():
            value = getattr(self, name)
            if value != default:
                words += [flag(name), ",".join(value) if name == "columns" else value]
        return words


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


def add_input_options(parser: argparse.ArgumentParser, with_columns: bool = True) -> None:
    """Add a group of options that say how to read tables: each table of the command.

    Args:
        with_columns: whether they say which columns to read.
    """
    group = parser.add_argument_group("input tables")
    add_format_option(group)
    for field in COLUMNS if with_columns else ():
        default = getattr(ColumnNames, field)
        text = with_default("", default)
        group.add_argument(f"--{field}-column", default=default, metavar="NAME", help=text)
    _add_csv_options(group)
    group.add_argument(
        "--timezone",
        metavar="NAME",
        help="of times without one: UTC, +09:00, Europe/Berlin (default: they are refused)",
    )
    group.add_argument(
        "--timestamp-unit",
        choices=TIME_UNITS,
        default=InputOptions.timestamp_unit,
        help=with_default("of times that are numbers", InputOptions.timestamp_unit),
    )


def _add_csv_options(group: Any) -> None:
    group.add_argument(
        "--delimiter",
        type=parse_delimiter,
        metavar="TEXT",
        help="of CSV: , ; | :: or tab (default: by the first line)",
    )
    group.add_argument("--no-header", action="store_true", help="CSV without names of columns")
    group.add_argument(
        "--columns",
        type=parse_names,
        metavar="NAME,...",
        help="with --no-header: the names, such as user_id,item_id,weight,timestamp",
    )
    group.add_argument(
        "--encoding",
        default=InputOptions.encoding,
        metavar="NAME",
        help=with_default("such as latin-1 or utf-16", InputOptions.encoding),
    )


def add_format_option(parser: Any) -> None:
    """Add ``--format`` to a parser or a group."""
    parser.add_argument(
        "--format",
        choices=FORMATS,
        help="of tables whose name does not show it, such as - for standard input",
    )


def parse_delimiter(text: str) -> str:
    """Return a delimiter of CSV; ``tab`` and ``\\t`` are a tab.

    >>> parse_delimiter("tab")
    '\\t'
    """
    delimiter = "\t" if text in ("tab", "\\t") else text
    if delimiter not in DELIMITERS:
        raise argparse.ArgumentTypeError(f"expected one of , ; | :: or tab, got {text!r}")
    return delimiter


def pairs(form: str = "NAME=VALUE") -> dict[str, Any]:
    """Return what argparse must know of an option that takes pairs and may be repeated."""
    parse = partial(parse_pair, form=form)
    return {"type": parse, "action": "append", "default": [], "metavar": form}


def parse_pair(text: str, form: str = "NAME=VALUE") -> tuple[str, str]:
    """Return the two sides of ``name=value``, in a message called by another form."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"expected {form}, got {text!r}")
    return name, value


def parse_names(text: str) -> tuple[str, ...]:
    """Return the names of a comma-separated list; an empty one passes over a field.

    >>> parse_names("user_id,,item_id")
    ('user_id', '', 'item_id')
    """
    names = tuple(text.split(","))
    twice = [name for name in names if name and names.count(name) > 1]
    if twice:
        raise argparse.ArgumentTypeError(f"expected each name once, got {twice[0]!r} again")
    return names


def add_interactions_option(
    parser: Any, text: str = ".csv or .jsonl, perhaps .gz; .parquet; a folder of parts; -"
) -> None:
    """Add ``--interactions``, required, to a parser or a group."""
    parser.add_argument("--interactions", required=True, metavar="FILE", help=text)


def add_catalogue_option(parser: Any) -> None:
    """Add ``--items``, the catalogue, to a parser or a group."""
    parser.add_argument(
        "--items",
        metavar="FILE",
        help="the catalogue: a table with the column of items (default: the items of the interactions)",
    )


def add_cutoffs_option(parser: Any, text: str = "list lengths") -> None:
    """Add ``--cutoffs`` to a parser or a group."""
    parser.add_argument(
        "--cutoffs",
        type=parse_numbers(int, "10,50"),
        default=list(DEFAULT_CUTOFFS),
        metavar="N,...",
        help=with_default(text, ",".join(map(str, DEFAULT_CUTOFFS))),
    )


def add_model_option(parser: Any) -> None:
    """Add ``--model-dir``, required, to a parser or a group."""
    parser.add_argument("--model-dir", required=True, metavar="DIR", help="the model")


def add_predictions_option(parser: Any) -> None:
    """Add ``--predictions``, required, to a parser or a group."""
    parser.add_argument(
        "--predictions",
        required=True,
        metavar="FILE",
        help="as predict writes them: .jsonl, .csv, .tsv, .parquet, or - for JSON Lines",
    )


def add_extra_users_option(parser: Any) -> None:
    """Add ``--extra-users`` to a parser or a group."""
    parser.add_argument(
        "--extra-users",
        choices=get_args(ExtraUsers),
        default=DEFAULT_EXTRA_USERS,
        help=with_default("lists of users without ground truth", DEFAULT_EXTRA_USERS),
    )


def add_lineage_option(
    parser: Any, default: str = f"{LINEAGE_NAME} beside the output, if there is one"
) -> None:
    """Add ``--lineage`` to a parser or a group.

    Args:
        default: what it is without the option, in words.
    """
    text = with_default(
        "log of runs: one line for each file made, for the command lineage", default
    )
    parser.add_argument("--lineage", metavar="FILE", help=text)


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
