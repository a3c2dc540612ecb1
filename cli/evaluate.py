"""Evaluate predictions: ranked lists and what users really took in, metrics as JSON out.

Precision, recall, hit rate, NDCG, MAP and MRR at each cutoff, averaged over the users of the ground
truth; with the model also coverage, Gini index and novelty. If asked for: intervals of the means,
slices of users and items, each with its size, and the diversity within the lists.

With --engine the same numbers come from sql/evaluate.sql, where the tables are.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence

from cli.console import InputArgs, TerminalProgress, add_input_options, make_parser, run
from cli.engines import EngineArgs, add_engine_options
from mlcore.errors import ConfigError
from mlcore.evaluate.config import SLICES, EvaluateConfig, ExtraUsers, SliceBy


class Args(InputArgs, EngineArgs):
    """Parsed options."""

    predictions: str
    ground_truth: str
    cutoffs: list[int]
    out: str
    per_user_out: str | None
    model_dir: str | None
    interactions: str | None
    dry_run: bool
    extra_users: ExtraUsers
    confidence: float | None
    bootstrap_rounds: int
    seed: int
    slices: list[SliceBy]
    history_edges: list[int] | None
    popularity_shares: list[float] | None
    diversity: bool

    def config(self) -> EvaluateConfig:
        """Return what more to compute."""
        return EvaluateConfig(
            self.confidence,
            self.bootstrap_rounds,
            self.seed,
            self.slices,
            self.history_edges,
            self.popularity_shares,
            self.diversity,
        )


def parse_cutoffs(text: str) -> list[int]:
    """Return the cutoffs of a comma-separated list."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"expected integers such as 10,50, got {text!r}") from None


def parse_slices(text: str) -> list[str]:
    """Return the names of a comma-separated list."""
    names = text.split(",")
    if not set(names) <= set(SLICES):
        raise ArgumentTypeError(f"expected some of {','.join(SLICES)}, got {text!r}")
    return names


def parse_shares(text: str) -> list[float]:
    """Return the numbers of a comma-separated list."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ArgumentTypeError(f"expected numbers such as 0.2,0.8, got {text!r}") from None


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = make_parser(
        "evaluate",
        __doc__,
        "--predictions predictions.jsonl --ground-truth test.csv "
        "--cutoffs 1,2 --out new-metrics.json",
    )
    parser.add_argument(
        "--predictions", required=True, metavar="FILE", help="as predict writes it, or -"
    )
    parser.add_argument("--ground-truth", required=True, metavar="FILE", help="interactions")
    parser.add_argument(
        "--cutoffs",
        type=parse_cutoffs,
        required=True,
        metavar="N,...",
        help="list lengths, at most the longest list",
    )
    parser.add_argument(
        "--model-dir",
        metavar="DIR",
        help="the model, for coverage, Gini index, novelty, slices and diversity",
    )
    parser.add_argument(
        "--extra-users",
        choices=["error", "ignore"],
        default="error",
        help="lists of users without ground truth (default: error)",
    )
    _add_detail_options(parser)
    output = parser.add_argument_group("output")
    output.add_argument("--out", required=True, metavar="FILE", help="the metrics as JSON, or -")
    output.add_argument("--per-user-out", metavar="FILE", help="those of each user")
    add_input_options(parser)
    add_engine_options(parser, default=None)
    parser.add_argument(
        "--interactions",
        metavar="PLACE",
        help="with --engine, in place of --model-dir: the training, a file or a table",
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="with --engine: say what it would take"
    )
    parser.add_argument(
        "--threads", type=int, metavar="N", help="with --engine duckdb: changes speed only"
    )
    return parser


def _add_detail_options(parser: ArgumentParser) -> None:
    defaults = EvaluateConfig()
    group = parser.add_argument_group("to decide from")
    group.add_argument(
        "--confidence",
        type=float,
        metavar="X",
        help="such as 0.95: bootstrap intervals over users, of each mean (default: none)",
    )
    group.add_argument(
        "--bootstrap-rounds",
        type=int,
        default=defaults.bootstrap_rounds,
        metavar="N",
        help=f"resamples of the intervals (default: {defaults.bootstrap_rounds})",
    )
    group.add_argument("--seed", type=int, default=defaults.seed, help=f"default: {defaults.seed}")
    group.add_argument(
        "--slices",
        type=parse_slices,
        default=[],
        metavar="NAME,...",
        help="history-length: users by how many items they have in the training; "
        "popularity: relevant items by how many users they have there",
    )
    group.add_argument(
        "--history-edges",
        type=parse_cutoffs,
        metavar="N,...",
        help="where slices by history begin, besides 0 (default: 1,2,4,8 ...)",
    )
    group.add_argument(
        "--popularity-shares",
        type=parse_shares,
        metavar="X,X",
        help="of all interactions, where head and middle end (default: 0.2,0.8)",
    )
    group.add_argument(
        "--diversity",
        action="store_true",
        help="1 - the mean similarity within a list, by the model; "
        "compare only what one model has judged",
    )


def _work(args: Args, progress: TerminalProgress) -> str:
    args.check_engine_options()
    if args.engine is not None:
        return _work_by_engine(args, progress)
    for name in ("interactions", "dry_run", "threads"):
        if getattr(args, name) not in (None, False):
            raise ConfigError(f"--{name.replace('_', '-')}: expected an --engine with it, got none")
    from mlcore.evaluate import evaluate_from_path

    return evaluate_from_path(
        args.predictions,
        args.ground_truth,
        args.out,
        args.cutoffs,
        per_user_path=args.per_user_out,
        model_dir=args.model_dir,
        extra_users=args.extra_users,
        config=args.config(),
        input_options=args.input_options(),
        progress=progress,
    )


def _work_by_engine(args: Args, progress: TerminalProgress) -> str:
    args.config()  # says what is wrong with an option
    unknown = ("model_dir", "per_user_out", "confidence", "slices", "diversity")
    given = [name for name in unknown if getattr(args, name)]
    if given:
        raise ConfigError(
            f"--{given[0].replace('_', '-')}: expected no --engine with it, got {args.engine}",
            (
                "--interactions gives the metrics over the catalogue"
                if given[0] == "model_dir"
                else None
            ),
        )
    from mlcore.warehouse.evaluate import (
        EvaluationTables,
        estimate_evaluation,
        evaluate_by_engine_from_path,
    )

    tables = EvaluationTables(args.predictions, args.ground_truth, args.interactions)
    with args.open_engine() as engine:
        if args.dry_run:
            return estimate_evaluation(engine, tables, args.cutoffs, args.input_options())
        return evaluate_by_engine_from_path(
            engine,
            tables,
            args.out,
            args.cutoffs,
            extra_users=args.extra_users,
            input_options=args.input_options(),
            progress=progress,
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _work(args, progress), args, args.out, args.per_user_out)


if __name__ == "__main__":
    raise SystemExit(main())
