"""Train a model: interactions and a configuration in, one model directory out."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from cli.console import InputArgs, add_input_options, make_parser, run
from mlcore.train import train_from_path


class Args(InputArgs):
    """Parsed options."""

    interactions: str
    config: str | None
    items: str | None
    out_dir: str
    overwrite: bool
    without_users: bool
    threads: int | None


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = make_parser(
        "train", __doc__, "python -m cli.train --interactions train.csv --out-dir new-model"
    )
    parser.add_argument(
        "--interactions", required=True, metavar="FILE", help=".csv or .jsonl, perhaps .gz, or -"
    )
    parser.add_argument("--config", metavar="FILE", help="JSON; default: the default configuration")
    parser.add_argument(
        "--items",
        metavar="FILE",
        help="the catalogue: a table with a column item_id (default: the items of the interactions)",
    )
    output = parser.add_argument_group("output")
    output.add_argument("--out-dir", required=True, metavar="DIR", help="the model directory")
    output.add_argument(
        "--overwrite", action="store_true", help="replace a model that stands there, in one step"
    )
    output.add_argument(
        "--without-users", action="store_true", help="leave out user ids and histories"
    )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="changes speed only (default: one for each core)"
    )
    add_input_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(
        lambda progress: train_from_path(
            args.interactions,
            args.config,
            args.out_dir,
            items_path=args.items,
            overwrite=args.overwrite,
            with_users=not args.without_users,
            threads=args.threads,
            names=args.column_names(),
            format=args.format,
            progress=progress,
            tell=progress.show,
        ),
        args,
    )


if __name__ == "__main__":
    raise SystemExit(main())
