"""Turn events into interactions: one weight for each user and item, rare users and items dropped.

Steps, in this order: aggregate equal user-item rows, drop light ones, keep each user's newest, then
drop users and items with too few interactions until nothing changes.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from cli.console import TerminalProgress, make_parser, run
from cli.options import (
    InputArgs,
    add_fields,
    add_input_options,
    add_lineage_option,
    add_interactions_option,
    build_config,
)
from mlcore.preprocess.config import PreprocessConfig


class Args(InputArgs):
    """Parsed options."""

    interactions: str
    out: str
    in_place: bool
    lineage: str | None


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = make_parser(
        "preprocess",
        __doc__,
        "--interactions events.csv --out clean.csv "
        "--min-user-interactions 2 --min-item-interactions 2",
    )
    add_interactions_option(parser)
    parser.add_argument("--out", required=True, metavar="FILE", help="the interactions")
    parser.add_argument(
        "--in-place", action="store_true", help="allow --out to replace the file of --interactions"
    )
    add_fields(
        parser.add_argument_group("what to keep"),
        PreprocessConfig,
        aggregate="weight of several rows of one user and item",
        min_weight="lightest interaction, after aggregation",
        min_user_interactions="fewest items of a user",
        min_item_interactions="fewest users of an item",
        max_user_interactions="only the newest N of each user",
        keep_events="write all rows of what is kept, for similarities that use their order",
    )
    add_lineage_option(parser)
    add_input_options(parser)
    return parser


def _preprocess(args: Args, progress: TerminalProgress) -> str:
    from mlcore.preprocess import preprocess_from_path

    return preprocess_from_path(
        args.interactions,
        args.out,
        build_config(PreprocessConfig, args),
        in_place=args.in_place,
        input_options=args.input_options(),
        lineage_path=args.lineage,
        progress=progress,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _preprocess(args, progress), args, args.out)


if __name__ == "__main__":
    raise SystemExit(main())
