"""Print the default configuration of a training as JSON, or the JSON Schema of such files.

What it prints can be saved, edited and given to train --config. With --config, --similarity and
--set it is what train would make of them, complete with defaults.
"""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlcore
from cli.console import Parser, make_parser, run
from cli.options import flag, pairs, with_default
from mlcore.errors import ConfigError, shorten

if TYPE_CHECKING:
    from mlcore.config import TrainConfig

SCHEMA = Path(mlcore.__file__).with_name("config.schema.json")
AUTO = "auto"  # in place of a file: what suits the interactions
WIDTH = 96  # besides the margin of a help text


class ConfigArgs(argparse.Namespace):
    """Options of every command that takes a configuration."""

    config: str | None
    similarity: str | None
    set: list[tuple[str, str]]

    def given(self) -> list[str]:
        """Return which of the options were given."""
        return [name for name in ("config", "similarity", "set") if getattr(self, name)]

    def train_config(self) -> TrainConfig | str | None:
        """Return the file's path, or the configuration if options change what it says.

        ``--similarity`` goes before ``--set``, and of a key given twice the last value counts.
        """
        if self.config == AUTO:
            raise ConfigError(
                f"--config: expected a file, got {AUTO}",
                f"train --config {AUTO} chooses a configuration, which is config.json of the model",
            )
        return self._changed() if self.settings() else self.config

    def settings(self) -> dict[str, object]:
        """Return what ``--set`` and ``--similarity`` change, by key."""
        settings = {key: _value(text) for key, text in self.set}
        if self.similarity is not None:
            settings.setdefault("similarity.name", self.similarity)
        return settings

    def auto_settings(self) -> dict[str, object]:
        """Return these of ``--config auto``, which the default must fit."""
        if self.settings():
            self._changed()
        return self.settings()

    def _changed(self) -> TrainConfig:
        from mlcore.config import SettingError
        from mlcore.files.inputs import display_name
        from mlcore.files.lists import read_config
        from mlcore.similarity import SIMILARITIES

        typed = {key: f"--set {_line(f'{key}={text}')}" for key, text in self.set}
        if self.similarity is not None:
            typed.setdefault("similarity.name", f"--similarity {_line(self.similarity)}")
        file = None if self.config == AUTO else self.config
        files = [] if file is None else [display_name(file)]
        try:
            place = " ".join([*files, *typed.values()])
            settings = self.settings()
            # What the file says of another similarity need not fit the one it leaves out.
            name = settings.get("similarity.name")
            known = name if isinstance(name, str) and name in SIMILARITIES else None
            return read_config(file, known).with_settings(settings, place)
        except SettingError as error:
            raise ConfigError(f"{typed[error.key]}: {error.fault}", error.hint) from None


def _line(text: str) -> str:
    return text if text.isprintable() and len(text) <= 60 else shorten(text)


def _value(text: str) -> object:
    """Return the JSON number, string, true, false or null of a text, or else the text.

    >>> [_value(text) for text in ("50", "bm25", '"50"', "null", "[1]")]
    [50, 'bm25', '50', None, '[1]']
    """
    from mlcore.jsontext import JsonTextError, parse_json

    try:
        value: object = parse_json(text)
    except JsonTextError:
        return text
    return text if isinstance(value, (dict, list)) else value


def add_config_options(parser: Any, otherwise: str = "") -> None:
    """Add ``--config``, ``--similarity`` and ``--set`` to a parser or a group.

    Args:
        otherwise: what ``--config`` takes in place of a file.
    """
    text = f"JSON{otherwise}; default: the default configuration"
    parser.add_argument("--config", metavar="FILE", help=text)
    parser.add_argument(
        "--similarity", metavar="NAME", help="in place of the one in --config; see the table below"
    )
    parser.add_argument(
        "--set",
        **pairs("KEY=VALUE"),
        help="a setting in place of the one in --config, such as num_neighbors=50 or "
        "weighting.name=bm25; may be repeated",
    )


def add_config_tables(parser: Parser) -> None:
    """Add what a configuration may have to a help text: groups without options, to come last."""
    properties = json.loads(SCHEMA.read_text("utf-8"))["properties"]
    plain = {key: schema for key, schema in properties.items() if "oneOf" not in schema}
    parser.add_settings(plain)
    for part in properties.keys() - plain.keys():
        variants = properties[part]["oneOf"]
        parser.add_settings(f"{part}.{key}" for one in variants for key in one["properties"])
    rows = [line for key, schema in plain.items() for line in _row(key, _takes(schema))]
    parser.add_argument_group(
        "configuration, by --set KEY=VALUE or in the file of --config", "\n".join(rows)
    )
    for part in [key for key in properties if key not in plain]:
        default = properties[part]["default"]["name"]
        parser.add_argument_group(
            f"{part}.name (default: {default}), and {part}.PARAMETER",
            "\n".join(_variants(properties[part]["oneOf"])),
        )


def _variants(variants: list[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of each name with its own parameters, then those that all have."""
    own = [{k: v for k, v in one["properties"].items() if k != "name"} for one in variants]
    common = [key for key in own[0] if all(key in parameters for parameters in own)]
    for variant, parameters in zip(variants, own):
        yield from _row(variant["properties"]["name"]["const"], variant["description"])
        for key, schema in parameters.items():
            if key not in common:
                yield from _row(f"  {key}", _takes(schema))
    for key in common:
        yield from _row(f"{key}", f"of each: {_takes(own[0][key])}")


def _takes(schema: Mapping[str, Any]) -> str:
    default = schema["default"]
    shown = default if isinstance(default, str) else json.dumps(default)
    return with_default(schema["description"], shown)


def _row(name: str, text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=f"{name:<24} ", subsequent_indent=" " * 25)


class Args(ConfigArgs):
    """Parsed options."""

    schema: bool


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser("config", __doc__, "--similarity cosine --set num_neighbors=50")
    add_config_options(parser)
    parser.add_argument(
        "--schema", action="store_true", help="print the JSON Schema (draft 2020-12) of such a file"
    )
    add_config_tables(parser)
    return parser


def _work(args: Args) -> str:
    from mlcore.config_schema import config_schema
    from mlcore.files.lists import read_config
    from mlcore.jsontext import format_document

    if not args.schema:
        return format_document(read_config(args.train_config()).to_json()).rstrip("\n")
    if given := args.given():
        raise ConfigError(
            f"--schema: expected no option with it, got {flag(given[0])}",
            "without --schema the command prints the configuration",
        )
    return format_document(config_schema()).rstrip("\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _work(args), args)


if __name__ == "__main__":
    raise SystemExit(main())
