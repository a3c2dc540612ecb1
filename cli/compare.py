"""Compare two recommenders on the same users: which one is better, and whether that is chance.

For each metric: both means over the users of the ground truth, the difference with its bootstrap
interval, the p-value of a paired test, and for how many users the candidate is better, equal or
worse; then what to do. Exit code 1 if --fail-if-worse names a metric whose mean is lower with
p <= 1 - confidence; the comparison is printed and written all the same.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from cli.console import Outcome, TerminalProgress, make_parser, run
from cli.options import (
    InputArgs,
    add_cutoffs_option,
    add_extra_users_option,
    add_fields,
    add_input_options,
    add_lineage_option,
    build_config,
)
from mlcore.evaluate.config import CompareConfig, ExtraUsers


class Args(InputArgs):
    """Parsed options."""

    baseline: str
    candidate: str
    ground_truth: str
    cutoffs: list[int]
    extra_users: ExtraUsers
    out: str | None
    lineage: str | None


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = make_parser(
        "compare",
        __doc__,
        "--baseline predictions.jsonl --candidate candidate.jsonl "
        "--ground-truth test.csv --fail-if-worse ndcg@10 --out comparison.json",
    )
    parser.add_argument(
        "--baseline", required=True, metavar="FILE", help="predictions in use, or -"
    )
    parser.add_argument(
        "--candidate", required=True, metavar="FILE", help="predictions that might replace them"
    )
    parser.add_argument("--ground-truth", required=True, metavar="FILE", help="interactions")
    add_cutoffs_option(parser)
    add_extra_users_option(parser)
    add_fields(
        parser.add_argument_group("statistics"),
        CompareConfig,
        test="paired, two-sided",
        rounds="resamples of test and interval",
        seed="",
        confidence="of the intervals",
    )
    gate = parser.add_argument_group("gate")
    gate.add_argument(
        "--fail-if-worse",
        action="append",
        default=[],
        metavar="METRIC",
        help="such as ndcg@10; may be repeated; these metrics decide "
        "(without any, ndcg at the first cutoff does, and nothing fails)",
    )
    max_loss = "fail also if the interval of such a metric does not rule out a loss above X"
    add_fields(gate, CompareConfig, max_loss=max_loss)
    output = parser.add_argument_group("output")
    output.add_argument("--out", metavar="FILE", help="the comparison as JSON, or -")
    add_lineage_option(output)
    add_input_options(parser)
    return parser


def _compare(args: Args, progress: TerminalProgress) -> Outcome:
    from mlcore.evaluate.compare import compare_from_path

    comparison = compare_from_path(
        args.baseline,
        args.candidate,
        args.ground_truth,
        args.cutoffs,
        build_config(CompareConfig, args),
        out_path=args.out,
        extra_users=args.extra_users,
        input_options=args.input_options(),
        lineage_path=args.lineage,
        progress=progress,
    )
    return Outcome(comparison.report(), comparison.failure())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _compare(args, progress), args, args.out)


if __name__ == "__main__":
    raise SystemExit(main())
