"""Say how two models differ: configuration, data, items, popularity, neighbors.

Prints overlap@K and rank-biased overlap (RBO, p = 0.9) of the neighbors of each item, as means over
the items that both models have, and the items that changed most. With --fail-if the exit code is 1 if
a metric is out of its bound; the difference is printed and written all the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cli.console import Outcome, TerminalProgress, make_parser, run
from cli.options import add_cutoffs_option, add_lineage_option
from mlcore.diff.gate import METRICS
from mlcore.errors import ConfigError


class Args(argparse.Namespace):
    """Parsed options."""

    model_dir: list[str]
    cutoffs: list[int]
    fail_if: list[str]
    out: str | None
    lineage: str | None


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser(
        "diff",
        __doc__,
        "--model-dir model --model-dir other-model --fail-if 'overlap@10<0.1' --out diff.json",
    )
    parser.add_argument(
        "--model-dir",
        required=True,
        action="append",
        metavar="DIR",
        help="twice: model a, then model b, which may replace it",
    )
    add_cutoffs_option(parser, "each K of overlap@K")
    parser.add_argument(
        "--fail-if",
        action="append",
        default=[],
        metavar="CONDITION",
        help="such as 'overlap@10<0.8', in quotes; may be repeated; by < <= > or >= of overlap@K, "
        + ", ".join(METRICS),
    )
    parser.add_argument("--out", metavar="FILE", help="the difference as JSON, or -")
    add_lineage_option(parser)
    return parser


def _diff(args: Args, progress: TerminalProgress) -> Outcome:
    from mlcore.diff import diff_from_path

    if len(args.model_dir) != 2:
        raise ConfigError(
            f"model_dir: expected two models, got {len(args.model_dir)}",
            "--model-dir model --model-dir new-model",
        )
    model_a, model_b = args.model_dir
    found = diff_from_path(
        model_a,
        model_b,
        args.cutoffs,
        args.fail_if,
        out_path=args.out,
        lineage_path=args.lineage,
        progress=progress,
    )
    return Outcome(found.report(), found.failure())


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _diff(args, progress), args, args.out)


if __name__ == "__main__":
    raise SystemExit(main())
