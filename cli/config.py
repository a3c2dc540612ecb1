"""Print the default configuration of a training as JSON, ready to save and edit; or its JSON Schema.

With --config, --similarity and --set it prints what train would take of them, complete with defaults.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from cli.console import make_parser, run
from cli.options import flag
from cli.training import ConfigArgs, add_config_options, add_config_tables
from mlcore.errors import ConfigError


class Args(ConfigArgs):
    """Parsed options."""

    schema: bool


def build_parser() -> ArgumentParser:
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
