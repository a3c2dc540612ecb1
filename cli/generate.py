"""Generate synthetic interactions, and items with readable titles.

The same numbers and seed give the same bytes on every machine.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cli.console import make_parser, run
from cli.options import add_format_option, with_default
from mlcore.files.options import Format
from mlcore.generate.config import DEFAULT_SKEW, MAX_SKEW


class Args(argparse.Namespace):
    """Parsed options."""

    users: int
    items: int
    interactions: int
    seed: int
    skew: int
    out: str
    items_out: str | None
    format: Format | None


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser(
        "generate",
        __doc__,
        "--users 400 --items 300 --interactions 6000 --seed 1 "
        "--out synthetic.csv --items-out synthetic-items.csv",
    )
    parser.add_argument("--users", type=int, required=True, metavar="U", help="number of users")
    parser.add_argument("--items", type=int, required=True, metavar="I", help="number of items")
    parser.add_argument(
        "--interactions",
        type=int,
        required=True,
        metavar="E",
        help="number of events, all distinct",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="default: 0")
    parser.add_argument(
        "--skew",
        type=int,
        default=DEFAULT_SKEW,
        metavar="N",
        help=with_default(
            f"how unequal users and items are, from 0 to {MAX_SKEW}; 2 is similar to MovieLens",
            DEFAULT_SKEW,
        ),
    )
    output = parser.add_argument_group("output")
    output.add_argument("--out", required=True, metavar="FILE", help="the events")
    output.add_argument("--items-out", metavar="FILE", help="the items: item_id, title, genre")
    add_format_option(output)
    return parser


def _generate(args: Args) -> str:
    from mlcore.generate import generate_to_path

    return generate_to_path(
        args.users,
        args.items,
        args.interactions,
        args.seed,
        args.out,
        args.items_out,
        skew=args.skew,
        format=args.format,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _generate(args), args, args.out, args.items_out)


if __name__ == "__main__":
    raise SystemExit(main())
