"""Compare two recommenders: lists of the same users, who is better and whether that is chance.

For each metric: both means over the users of the ground truth, the difference with its bootstrap
interval, the p-value of a paired test, and for how many users the candidate is better, equal or
worse; then what to do. Exit code 1 if --fail-if-worse names a metric whose mean is lower with
p <= 1 - confidence; the comparison is printed and written all the same.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from cli.console import InputArgs, Outcome, TerminalProgress, add_input_options, make_parser, run
from cli.evaluate import parse_cutoffs
from mlcore.evaluate.config import (
    DEFAULT_CUTOFFS,
    PAIRED_TESTS,
    CompareConfig,
    ExtraUsers,
    PairedTest,
)


class Args(InputArgs):
    """Parsed options."""

    baseline: str
    candidate: str
    ground_truth: str
    cutoffs: list[int]
    extra_users: ExtraUsers
    test: PairedTest
    rounds: int
    seed: int
    confidence: float
    fail_if_worse: list[str]
    max_loss: float | None
    out: str | None

    def config(self) -> CompareConfig:
        """Return how to compare."""
        return CompareConfig(
            self.test, self.rounds, self.seed, self.confidence, self.fail_if_worse, self.max_loss
        )


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
    parser.add_argument(
        "--cutoffs",
        type=parse_cutoffs,
        default=list(DEFAULT_CUTOFFS),
        metavar="N,...",
        help="list lengths, at most the longest list of both files "
        f"(default: {','.join(map(str, DEFAULT_CUTOFFS))})",
    )
    parser.add_argument(
        "--extra-users",
        choices=["error", "ignore"],
        default="error",
        help="lists of users without ground truth (default: error)",
    )
    _add_statistics_options(parser)
    gate = parser.add_argument_group("gate")
    gate.add_argument(
        "--fail-if-worse",
        action="append",
        default=[],
        metavar="METRIC",
        help="such as ndcg@10; may be repeated; these metrics decide "
        "(without any, ndcg at the first cutoff does, and nothing fails)",
    )
    gate.add_argument(
        "--max-loss",
        type=float,
        metavar="X",
        help="fail also if the interval of such a metric does not rule out a loss above X",
    )
    output = parser.add_argument_group("output")
    output.add_argument("--out", metavar="FILE", help="the comparison as JSON, or -")
    add_input_options(parser)
    return parser


def _add_statistics_options(parser: ArgumentParser) -> None:
    defaults = CompareConfig()
    group = parser.add_argument_group("statistics")
    group.add_argument(
        "--test",
        choices=PAIRED_TESTS,
        default=defaults.test,
        help=f"paired, two-sided (default: {defaults.test})",
    )
    group.add_argument(
        "--rounds",
        type=int,
        default=defaults.rounds,
        metavar="N",
        help=f"resamples of test and interval (default: {defaults.rounds})",
    )
    group.add_argument("--seed", type=int, default=defaults.seed, help=f"default: {defaults.seed}")
    group.add_argument(
        "--confidence",
        type=float,
        default=defaults.confidence,
        metavar="X",
        help=f"of the intervals (default: {defaults.confidence})",
    )


def _compare(args: Args, progress: TerminalProgress) -> Outcome:
    from mlcore.evaluate.compare import compare_from_path

    comparison = compare_from_path(
        args.baseline,
        args.candidate,
        args.ground_truth,
        args.cutoffs,
        args.config(),
        out_path=args.out,
        extra_users=args.extra_users,
        input_options=args.input_options(),
        progress=progress,
    )
    return Outcome(comparison.report(), comparison.failure())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _compare(args, progress), args, args.out)


if __name__ == "__main__":
    raise SystemExit(main())
