"""Recommend: a model and users or histories in, ranked items out.

As JSON Lines, a list a line; or, by the name of --out, as a table with a row for each item: user_id,
item_id, rank, score, source. A user with an empty list has no row there.

With --engine spark workers rank: users and histories may be tables of Spark, --out is a new one, or a folder
of Parquet, NAME.parquet or NAME/, which is replaced; the lists are the same.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cli.console import TerminalProgress, make_parser, run
from cli.engines import EngineArgs, add_engine_options
from cli.options import (
    FILTER_TEXTS,
    InputArgs,
    add_dry_run_option,
    add_fields,
    add_input_options,
    add_lineage_option,
    add_model_option,
    add_threads_option,
    build_config,
)
from mlcore.errors import ConfigError
from mlcore.recommend.options import PredictOptions, Requests


class Args(InputArgs, EngineArgs):
    """Parsed options."""

    also = {"temp_directory": ("spark",)}

    model_dir: str
    out: str
    lineage: str | None
    threads: int | None
    dry_run: bool


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser(
        "predict",
        __doc__,
        "--model-dir model --all-users --top-n 2 --out recommended.jsonl",
    )
    add_model_option(parser)
    users = parser.add_argument_group("users to recommend to")
    add_fields(
        users.add_mutually_exclusive_group(required=True),
        Requests,
        all_users="every user of the training",
        users_path="a table with the column of users",
        histories_path='.jsonl: {"user_id": "s1", "history": [{"item_id": "a", "weight": 1}]}; '
        "or a table: user_id,item_id[,weight][,timestamp]",
    )
    add_fields(
        parser.add_argument_group("lists"),
        PredictOptions,
        top_n="longest list",
        include_items_path="a table with the column of items: only these",
        exclude_items_path="a table with the column of items: none of these",
        include_pairs_path="a table with the columns of users and items: of each user only these",
        exclude_pairs_path="a table with the columns of users and items: of each user none of these",
        include_seen="allow items of the history",
        fill="complete short lists with popular unseen items",
        unknown_user="a user unknown to the model is an error, is left out, or gets popular items",
        explain="add what each item of the history contributes to each score",
        weights="of histories: events, weighed as in the training, or final ones, taken as they are",
        now="when events of histories count in full; default: the reference time of the model",
        **FILTER_TEXTS,
    )
    parser.add_argument(
        "--out",
        required=True,
        metavar="FILE",
        help="JSON Lines: .jsonl, or -; a table: .csv or .tsv (perhaps .gz), or .parquet",
    )
    add_threads_option(parser)
    add_dry_run_option(parser)
    add_lineage_option(parser)
    add_input_options(parser)
    add_engine_options(parser, default=None, engines=["spark"]).add_argument(
        "--temp-directory",
        metavar="DIR",
        help="spark: a folder that all workers see, with the model (default: Spark sends it)",
    )
    return parser


def _work(args: Args, progress: TerminalProgress) -> str:
    from mlcore.recommend.predict import predict_from_path

    requests, options = build_config(Requests, args), build_config(PredictOptions, args)
    args.check_engine_options()
    if args.engine is not None:
        return _work_by_engine(args, requests, options, progress)
    return predict_from_path(
        args.model_dir,
        requests,
        args.out,
        options,
        threads=args.threads,
        input_options=args.input_options(),
        lineage_path=args.lineage,
        dry_run=args.dry_run,
        progress=progress,
        on_message=progress.show,
    )


def _work_by_engine(
    args: Args, requests: Requests, options: PredictOptions, progress: TerminalProgress
) -> str:
    from mlcore.warehouse.predict import predict_by_spark_from_path

    if args.dry_run:
        raise ConfigError("--dry-run: expected no --engine with it, got spark")
    with args.open_engine(progress) as engine:
        return predict_by_spark_from_path(
            engine,  # type: ignore[arg-type]
            args.model_dir,
            requests,
            args.out,
            options,
            input_options=args.input_options(),
            temp_directory=args.temp_directory,
            lineage_path=args.lineage,
            progress=progress,
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    # The plan is what a dry run gives, wherever lists would go.
    outputs = [] if args.dry_run else [args.out]
    return run(lambda progress: _work(args, progress), args, *outputs)


if __name__ == "__main__":
    raise SystemExit(main())
