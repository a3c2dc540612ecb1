"""Show one user's list with titles instead of ids, for people."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cli.console import add_format_option, make_parser, run
from mlcore.files.options import Format, InputOptions


class Args(argparse.Namespace):
    """Parsed options."""

    predictions: str
    items: str
    histories: str | None
    user: str | None
    top_n: int
    format: Format | None


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser(
        "show",
        __doc__,
        "--predictions predictions.jsonl --items items.csv " "--histories train.csv",
    )
    parser.add_argument(
        "--predictions", required=True, metavar="FILE", help="as predict writes it, or -"
    )
    parser.add_argument(
        "--items", required=True, metavar="FILE", help="a table with columns item_id and title"
    )
    parser.add_argument("--histories", metavar="FILE", help="what users took before")
    parser.add_argument("--user", metavar="ID", help="default: the first of the predictions")
    parser.add_argument("--top-n", type=int, default=5, metavar="N", help="default: 5")
    add_format_option(parser)
    return parser


def _show(args: Args) -> str:
    from mlcore.recommend.show import show_from_path

    return show_from_path(
        args.predictions,
        args.items,
        histories_path=args.histories,
        user_id=args.user,
        top_n=args.top_n,
        input_options=InputOptions(format=args.format),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _show(args), args)


if __name__ == "__main__":
    raise SystemExit(main())
