"""All measurements against other libraries: training, from file to model, recommendation, evaluation
and loading. Growth is ``python -m benchmarks.growth``; Markdown tables, ``python -m benchmarks.table``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks import end_to_end, evaluate, evaluate_worker, load, recommend, train
from benchmarks.options import BenchArgs, make_parser, run_benchmarks


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = make_parser("benchmarks", __doc__).parse_args(argv, BenchArgs())
    packages = (train, end_to_end, recommend, load)
    return run_benchmarks(
        args,
        (*(name for module in packages for name in module.PACKAGES), *evaluate_worker.PEERS),
        partial(train.compare_kernels, out=args.out("train.json")),
        partial(end_to_end.compare_commands, out=args.out("end_to_end.json")),
        partial(recommend.compare_recommenders, out=args.out("recommend.json")),
        lambda _, repetitions: evaluate.compare_evaluations(
            evaluate.Size(), repetitions, out=args.out("evaluate.json")
        ),
        lambda _, repetitions: load.compare_loading(
            args.data_dir or Path("build/bench/data"),
            load.MEGABYTES,
            repetitions,
            out=args.out("load.json"),
        ),
    )


if __name__ == "__main__":
    raise SystemExit(main())
