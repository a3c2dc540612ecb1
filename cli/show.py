"""Show the recommendations of one user, with titles in place of ids."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cli.console import make_parser, run
from cli.options import InputArgs, add_input_options, add_predictions_option, with_default
from mlcore.recommend.options import SHOWN_ITEMS


class Args(InputArgs):
    """Parsed options."""

    predictions: str
    items: str | None
    model_dir: str | None
    histories: str | None
    user: str | None
    top_n: int


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser(
        "show",
        __doc__,
        "--predictions predictions.jsonl --items items.csv --histories train.csv",
    )
    add_predictions_option(parser)
    titles = parser.add_mutually_exclusive_group(required=True)
    titles.add_argument(
        "--items", metavar="FILE", help="a table with the columns of items and title"
    )
    titles.add_argument(
        "--model-dir", metavar="DIR", help="a model that keeps titles, by train --attributes"
    )
    parser.add_argument("--histories", metavar="FILE", help="interactions before the list")
    parser.add_argument("--user", metavar="ID", help="default: the first user of the predictions")
    parser.add_argument(
        "--top-n",
        type=int,
        default=SHOWN_ITEMS,
        metavar="N",
        help=with_default("longest list", SHOWN_ITEMS),
    )
    add_input_options(parser)
    return parser


def _show(args: Args) -> str:
    from mlcore.recommend.show import show_from_path

    return show_from_path(
        args.predictions,
        args.items,
        model_dir=args.model_dir,
        histories_path=args.histories,
        user_id=args.user,
        top_n=args.top_n,
        input_options=args.input_options(),
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _show(args), args)


if __name__ == "__main__":
    raise SystemExit(main())
