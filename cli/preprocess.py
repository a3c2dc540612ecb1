"""Turn events into interactions: one weight per user and item, without what is too rare.

Steps, in this order: add up equal user-item rows, drop light ones, keep each user's newest, then
drop users and items with too few interactions until nothing changes.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from cli.console import InputArgs, TerminalProgress, add_input_options, make_parser, run
from mlcore.preprocess.config import AGGREGATES, PreprocessConfig


class Args(InputArgs):
    """Parsed options."""

    interactions: str
    out: str
    aggregate: str
    min_weight: float | None
    min_user_interactions: int
    min_item_interactions: int
    max_user_interactions: int | None

    def config(self) -> PreprocessConfig:
        """Return what to keep."""
        return PreprocessConfig(
            self.aggregate,
            self.min_weight,
            self.min_user_interactions,
            self.min_item_interactions,
            self.max_user_interactions,
        )


def build_parser() -> ArgumentParser:
    """Return the parser."""
    defaults = PreprocessConfig()
    parser = make_parser(
        "preprocess",
        __doc__,
        "--interactions events.csv --out clean.csv "
        "--min-user-interactions 2 --min-item-interactions 2",
    )
    parser.add_argument(
        "--interactions",
        required=True,
        metavar="FILE",
        help=".csv or .jsonl, perhaps .gz; .parquet; -",
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="the interactions")
    keep = parser.add_argument_group("what is kept")
    keep.add_argument(
        "--aggregate",
        choices=AGGREGATES,
        default=defaults.aggregate,
        help=f"weight of several rows of one user and item (default: {defaults.aggregate})",
    )
    keep.add_argument(
        "--min-weight", type=float, metavar="X", help="lightest interaction, after aggregation"
    )
    keep.add_argument(
        "--min-user-interactions",
        type=int,
        default=defaults.min_user_interactions,
        metavar="N",
        help=f"fewest items of a user (default: {defaults.min_user_interactions})",
    )
    keep.add_argument(
        "--min-item-interactions",
        type=int,
        default=defaults.min_item_interactions,
        metavar="N",
        help=f"fewest users of an item (default: {defaults.min_item_interactions})",
    )
    keep.add_argument(
        "--max-user-interactions", type=int, metavar="N", help="only the newest N of each user"
    )
    add_input_options(parser)
    return parser


def _preprocess(args: Args, progress: TerminalProgress) -> str:
    from mlcore.preprocess import preprocess_from_path

    return preprocess_from_path(
        args.interactions,
        args.out,
        args.config(),
        input_options=args.input_options(),
        progress=progress,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _preprocess(args, progress), args, args.out)


if __name__ == "__main__":
    raise SystemExit(main())
