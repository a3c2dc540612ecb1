"""All measurements against other libraries: training and recommendation on the same events,
evaluation on lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks import end_to_end, evaluate, evaluators, kernels, recommend, train
from benchmarks.options import BenchArgs, make_parser, run_benchmarks


class Args(BenchArgs):
    """Parsed options."""

    out_dir: Path


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = make_parser("benchmarks", __doc__)
    parser.add_argument(
        "--out-dir",
        type=Path,
        default=Path("build/bench"),
        metavar="DIR",
        help="of the figures as JSON, train.json, end_to_end.json, recommend.json, evaluate.json; "
        "default: build/bench",
    )
    args = parser.parse_args(argv, Args())
    return run_benchmarks(
        args,
        (*kernels.PEERS, *end_to_end.PACKAGES, *recommend.PACKAGES, *evaluators.PEERS),
        partial(train.compare_kernels, out=args.out_dir / "train.json"),
        partial(end_to_end.compare_commands, out=args.out_dir / "end_to_end.json"),
        partial(recommend.compare_recommenders, out=args.out_dir / "recommend.json"),
        lambda _, repetitions: evaluate.compare_evaluations(
            evaluate.Size(), repetitions, out=args.out_dir / "evaluate.json"
        ),
    )


if __name__ == "__main__":
    raise SystemExit(main())
