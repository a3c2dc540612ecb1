"""List the items most similar to one item, as JSON Lines.

The score of each is the weight of that item for it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cli.console import make_parser, run
from cli.options import add_fields, add_model_option
from mlcore.recommend.options import PredictOptions


class Args(argparse.Namespace):
    """Parsed options."""

    model_dir: str
    item: str
    top_n: int


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser("similar", __doc__, "--model-dir model --item 0001 --top-n 3")
    add_model_option(parser)
    parser.add_argument("--item", required=True, metavar="ID")
    add_fields(parser, PredictOptions, top_n="longest list")
    return parser


def similar_items(model_dir: str, item_id: str, top_n: int) -> str:
    """Return one JSON object a line, most similar first."""
    from mlcore.jsontext import format_number, format_string
    from mlcore.parameters import convert_value, integer
    from mlcore.recommend import Recommender

    convert_value(integer(minimum=1), top_n, "top_n")
    found = Recommender.load(model_dir).similar_items(item_id, top_n)
    return "\n".join(
        f'{{"item_id": {format_string(item.item_id)}, "score": {format_number(item.score)}}}'
        for item in found
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: similar_items(args.model_dir, args.item, args.top_n), args)


if __name__ == "__main__":
    raise SystemExit(main())
