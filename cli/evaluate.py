"""Evaluate predictions: ranked lists and what users really took in, metrics as JSON out.

Precision, recall, hit rate, NDCG, MAP and MRR at each cutoff, averaged over the users of the ground
truth; with the model also coverage, Gini index and novelty.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence

from cli.console import InputArgs, add_input_options, make_parser, run
from mlcore.evaluate import ExtraUsers, evaluate_from_path


class Args(InputArgs):
    """Parsed options."""

    predictions: str
    ground_truth: str
    cutoffs: list[int]
    out: str
    per_user_out: str | None
    model_dir: str | None
    extra_users: ExtraUsers


def parse_cutoffs(text: str) -> list[int]:
    """Return the cutoffs of a comma-separated list."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"expected integers such as 10,50, got {text!r}") from None


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = make_parser(
        "evaluate",
        __doc__,
        "python -m cli.evaluate --predictions predictions.jsonl --ground-truth test.csv "
        "--cutoffs 1,2 --out new-metrics.json",
    )
    parser.add_argument("--predictions", required=True, metavar="FILE", help="of cli.predict, or -")
    parser.add_argument("--ground-truth", required=True, metavar="FILE", help="interactions")
    parser.add_argument(
        "--cutoffs",
        type=parse_cutoffs,
        required=True,
        metavar="N,...",
        help="list lengths, at most the longest list",
    )
    parser.add_argument(
        "--model-dir", metavar="DIR", help="the model, for coverage, Gini index and novelty"
    )
    parser.add_argument(
        "--extra-users",
        choices=["error", "ignore"],
        default="error",
        help="lists of users without ground truth (default: error)",
    )
    output = parser.add_argument_group("output")
    output.add_argument("--out", required=True, metavar="FILE", help="the metrics as JSON, or -")
    output.add_argument("--per-user-out", metavar="FILE", help="those of each user")
    add_input_options(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(
        lambda progress: evaluate_from_path(
            args.predictions,
            args.ground_truth,
            args.out,
            args.cutoffs,
            per_user_path=args.per_user_out,
            model_dir=args.model_dir,
            extra_users=args.extra_users,
            names=args.column_names(),
            format=args.format,
            progress=progress,
        ),
        args,
        args.out,
        args.per_user_out,
    )


if __name__ == "__main__":
    raise SystemExit(main())
