"""Evaluate predictions: ranked lists and held-out interactions in, metrics as JSON out.

Precision, recall, hit rate, NDCG, MAP and MRR at each cutoff, averaged over the users of the ground
truth; with the model also coverage, Gini index and novelty. On request: intervals of the means,
slices of users and items, each with its size, and the diversity within the lists.

With --engine sql/evaluate.sql computes the same numbers where the tables are.
"""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence

from cli.console import TerminalProgress, make_parser, run
from cli.engines import EngineArgs, add_engine_options
from cli.options import (
    InputArgs,
    add_dry_run_option,
    add_extra_users_option,
    add_fields,
    add_input_options,
    add_lineage_option,
    add_predictions_option,
    add_threads_option,
    build_config,
    flag,
    parse_numbers,
    with_default,
)
from mlcore.errors import ConfigError
from mlcore.evaluate.config import (
    POPULARITY_SHARES,
    SLICES,
    EvaluateConfig,
    ExtraUsers,
    MetricSeparator,
)


class Args(InputArgs, EngineArgs):
    """Parsed options."""

    predictions: str
    ground_truth: str
    cutoffs: list[int]
    out: str
    per_user_out: str | None
    lineage: str | None
    model_dir: str | None
    interactions: str | None
    dry_run: bool
    extra_users: ExtraUsers
    metric_separator: MetricSeparator


def parse_slices(text: str) -> list[str]:
    """Return the names of a comma-separated list."""
    names = text.split(",")
    if not set(names) <= set(SLICES):
        raise ArgumentTypeError(f"expected some of {','.join(SLICES)}, got {text!r}")
    return names


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = make_parser(
        "evaluate",
        __doc__,
        "--predictions predictions.jsonl --ground-truth test.csv "
        "--cutoffs 1,2 --out new-metrics.json",
    )
    add_predictions_option(parser)
    parser.add_argument("--ground-truth", required=True, metavar="FILE", help="interactions")
    parser.add_argument(
        "--cutoffs",
        type=parse_numbers(int, "10,50"),
        required=True,
        metavar="N,...",
        help="list lengths",
    )
    parser.add_argument(
        "--model-dir",
        metavar="DIR",
        help="the model, for coverage, Gini index, novelty, slices and diversity",
    )
    add_extra_users_option(parser)
    _add_detail_options(parser)
    output = parser.add_argument_group("output")
    output.add_argument("--out", required=True, metavar="FILE", help="the metrics as JSON, or -")
    output.add_argument("--per-user-out", metavar="FILE", help="the metrics of each user")
    add_lineage_option(output)
    add_input_options(parser)
    add_engine_options(parser, default=None)
    parser.add_argument(
        "--interactions",
        metavar="PLACE",
        help="with --engine, in place of --model-dir: the training, a file or a table",
    )
    add_dry_run_option(parser, "with --engine: ")
    add_threads_option(parser, "with --engine duckdb: ")
    return parser


def _add_detail_options(parser: ArgumentParser) -> None:
    group = parser.add_argument_group("details")
    add_fields(
        group,
        EvaluateConfig,
        confidence="such as 0.95: bootstrap intervals over users, of each mean (default: none)",
        bootstrap_rounds="resamples of the intervals",
        seed="",
    )
    group.add_argument(
        "--slices",
        type=parse_slices,
        default=EvaluateConfig.slices,
        metavar="NAME,...",
        help="history-length: users by how many items they have in the training; "
        "popularity: relevant items by how many users they have there",
    )
    group.add_argument(
        "--history-edges",
        type=parse_numbers(int, "10,50"),
        metavar="N,...",
        help="where slices by history begin, besides 0 (default: 1,2,4,8 ...)",
    )
    shares = ",".join(map(str, POPULARITY_SHARES))
    group.add_argument(
        "--popularity-shares",
        type=parse_numbers(float, shares),
        metavar="X,X",
        help=with_default("of all interactions, where head and middle end", shares),
    )
    add_fields(
        group,
        EvaluateConfig,
        diversity="1 - the mean similarity within a list, by the model; "
        "compare only lists judged by the same model",
        metric_separator="between the name of a metric and its cutoff; _at_ for MLflow",
    )


def _work(args: Args, progress: TerminalProgress) -> str:
    args.check_engine_options()
    if args.engine is not None:
        return _work_by_engine(args, progress)
    for name in ("interactions", "dry_run", "threads"):
        if getattr(args, name) not in (None, False):
            raise ConfigError(f"{flag(name)}: expected an --engine with it, got none")
    from mlcore.evaluate import evaluate_from_path

    return evaluate_from_path(
        args.predictions,
        args.ground_truth,
        args.out,
        args.cutoffs,
        per_user_path=args.per_user_out,
        model_dir=args.model_dir,
        extra_users=args.extra_users,
        config=build_config(EvaluateConfig, args),
        input_options=args.input_options(),
        lineage_path=args.lineage,
        progress=progress,
    )


def _work_by_engine(args: Args, progress: TerminalProgress) -> str:
    build_config(EvaluateConfig, args)  # refuses what no engine could do either
    unknown = ("model_dir", "per_user_out", "confidence", "slices", "diversity")
    given = [name for name in unknown if getattr(args, name)]
    if args.metric_separator != EvaluateConfig.metric_separator:
        given.append("metric_separator")
    if given:
        raise ConfigError(
            f"{flag(given[0])}: expected no --engine with it, got {args.engine}",
            "--interactions gives the metrics over the catalogue" if args.model_dir else None,
        )
    from mlcore.warehouse.evaluate import (
        EvaluationTables,
        estimate_evaluation,
        evaluate_by_engine_from_path,
    )

    tables = EvaluationTables(args.predictions, args.ground_truth, args.interactions)
    with args.open_engine(progress) as engine:
        if args.dry_run:
            return estimate_evaluation(engine, tables, args.cutoffs, args.input_options())
        return evaluate_by_engine_from_path(
            engine,
            tables,
            args.out,
            args.cutoffs,
            extra_users=args.extra_users,
            input_options=args.input_options(),
            lineage_path=args.lineage,
            progress=progress,
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _work(args, progress), args, args.out, args.per_user_out)


if __name__ == "__main__":
    raise SystemExit(main())
