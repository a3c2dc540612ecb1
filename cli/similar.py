"""List the items most similar to one item, as JSON Lines.

The score of each is the weight of that item for it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cli.console import Outcome, make_parser, run
from cli.options import FILTER_TEXTS, InputArgs, add_fields, add_input_options, add_model_option
from mlcore.recommend.options import PredictOptions


class Args(InputArgs):
    """Parsed options."""

    model_dir: str
    item: str
    top_n: int
    filter: str | None
    attributes: str | None


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser("similar", __doc__, "--model-dir model --item 0001 --top-n 3")
    add_model_option(parser)
    parser.add_argument("--item", required=True, metavar="ID")
    add_fields(parser, PredictOptions, top_n="longest list", **FILTER_TEXTS)
    add_input_options(parser)
    return parser


def _similar(args: Args) -> Outcome:
    from mlcore.recommend.similar import similar_from_path

    text = similar_from_path(
        args.model_dir,
        args.item,
        args.top_n,
        filter=args.filter,
        attributes_path=args.attributes,
        input_options=args.input_options(),
    )
    return Outcome(text, is_data=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _similar(args), args)


if __name__ == "__main__":
    raise SystemExit(main())
