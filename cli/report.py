"""Make one HTML page of what evaluate, compare, tune, diff or train wrote.

--of names what the command wrote: metrics.json, comparison.json, diff.json, the directory of a search,
a model directory; which it is shows in its content. Several become one page. The first sentence says
what to do. Each chart has its numbers behind it. The same files give the same bytes.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cli.console import TerminalProgress, make_parser, run
from cli.options import InputArgs, add_input_options


class Args(InputArgs):
    """Parsed options."""

    of: list[str]
    out: str
    predictions: str | None
    ground_truth: str | None
    model_dir: str | None
    items: str | None


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser(
        "report",
        __doc__,
        "--of metrics.json --predictions predictions.jsonl --ground-truth test.csv "
        "--model-dir model --items items.csv --out report.html",
    )
    parser.add_argument(
        "--of",
        required=True,
        action="append",
        metavar="PATH",
        help="what a command wrote; may be repeated",
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="the page, HTML, or -")
    examples = parser.add_argument_group("lists of ten users, beside an evaluation")
    examples.add_argument("--predictions", metavar="FILE", help="as predict writes them")
    examples.add_argument("--ground-truth", metavar="FILE", help="interactions")
    examples.add_argument(
        "--model-dir",
        metavar="DIR",
        help="the model, for histories and what a list shows items for",
    )
    examples.add_argument(
        "--items", metavar="FILE", help="a table with the columns of items and title"
    )
    add_input_options(parser)
    return parser


def _report(args: Args, progress: TerminalProgress) -> str:
    from mlcore.report import report_from_path

    return report_from_path(
        args.of,
        args.out,
        predictions_path=args.predictions,
        ground_truth_path=args.ground_truth,
        model_dir=args.model_dir,
        items_path=args.items,
        input_options=args.input_options(),
        progress=progress,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _report(args, progress), args, args.out)


if __name__ == "__main__":
    raise SystemExit(main())
