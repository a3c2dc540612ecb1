"""Train a model: interactions and a configuration in, one model directory out.

With --engine sql/train.sql counts the neighbors where the interactions are: the same model, for any
similarity that needs only the number of users two items share.

With --memory-limit interactions may exceed memory: what grows with them is in files; the model is
the same.

With --config auto it tries some twenty configurations on interactions held out, each on some of
the users and the best on all, and takes the best, or the default where that may be chance.
selection.json, beside the files of the model, has what came of each.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from cli.config import AUTO, ConfigArgs, add_config_options, add_config_tables
from cli.console import Parser, TerminalProgress, make_parser, run
from cli.engines import EngineArgs, add_engine_options
from cli.options import (
    InputArgs,
    add_catalogue_option,
    add_dry_run_option,
    add_fields,
    add_input_options,
    add_lineage_option,
    add_interactions_option,
    add_threads_option,
)
from mlcore.errors import ConfigError
from mlcore.tune.config import AutoConfig


class Args(InputArgs, EngineArgs, ConfigArgs):
    """Parsed options."""

    also = {"memory_limit": (None,), "temp_directory": (None, "spark")}

    interactions: str
    items: str | None
    attributes: str | None
    metric: str
    budget: int
    out_dir: str
    overwrite: bool
    without_users: bool
    kernel: Literal["compiled", "sql"] | None
    lineage: str | None
    threads: int | None
    dry_run: bool


def build_parser() -> Parser:
    """Return the parser."""
    parser = make_parser("train", __doc__, "--interactions train.csv --out-dir new-model")
    add_interactions_option(
        parser,
        ".csv or .jsonl, perhaps .gz; .parquet; a folder of parts; -; "
        "with --engine also one of its tables",
    )
    add_config_options(parser, f", or {AUTO}, which chooses by the interactions")
    add_fields(
        parser,
        AutoConfig,
        metric=f"of --config {AUTO}: to maximize on interactions held out",
        budget=f"of --config {AUTO}: how many configurations to try at most",
    )
    add_catalogue_option(parser)
    parser.add_argument(
        "--attributes",
        metavar="FILE",
        help="a table of items and whatever columns, which the model keeps for --filter",
    )
    output = parser.add_argument_group("output")
    output.add_argument("--out-dir", required=True, metavar="DIR", help="the model directory")
    output.add_argument(
        "--overwrite", action="store_true", help="replace an existing model, in one step"
    )
    output.add_argument(
        "--without-users", action="store_true", help="leave out user ids and histories"
    )
    add_lineage_option(output)
    add_threads_option(parser)
    add_dry_run_option(parser)
    add_input_options(parser)
    add_engine_options(parser, default=None).add_argument(
        "--kernel",
        choices=["compiled", "sql"],
        help="spark: who counts, mlcore on the workers or sql/train.sql (default: the workers, if they "
        "have mlcore)",
    )
    add_config_tables(parser)
    return parser


def _work_by_engine(args: Args, progress: TerminalProgress) -> str:
    from mlcore.warehouse.train import estimate_by_engine, train_by_engine_from_path

    with args.open_engine(progress) as engine:
        if args.dry_run:
            return estimate_by_engine(
                engine,
                args.interactions,
                args.train_config(),
                args.input_options(),
                args.kernel,
            )
        return train_by_engine_from_path(
            engine,
            args.interactions,
            args.train_config(),
            args.out_dir,
            items_path=args.items,
            attributes_path=args.attributes,
            overwrite=args.overwrite,
            with_users=not args.without_users,
            input_options=args.input_options(),
            lineage_path=args.lineage,
            kernel=args.kernel,
            temp_directory=args.temp_directory,
            progress=progress,
            on_message=progress.show,
        )


def _work(args: Args, progress: TerminalProgress) -> str:
    args.check_engine_options()
    if args.kernel is not None and args.engine != "spark":
        raise ConfigError(f"--kernel: expected --engine spark, got {args.engine or 'no --engine'}")
    if args.config == AUTO:
        return _work_by_auto(args, progress)
    for name in ("metric", "budget"):
        if getattr(args, name) != getattr(AutoConfig, name):
            raise ConfigError(
                f"--{name}: expected --config {AUTO} with it, got {args.config or 'none'}"
            )
    if args.engine is not None:
        return _work_by_engine(args, progress)
    from mlcore.train import train_from_path

    return train_from_path(
        args.interactions, args.train_config(), args.out_dir, **_options(args, progress)
    )


def _work_by_auto(args: Args, progress: TerminalProgress) -> str:
    if args.engine is not None:
        raise ConfigError(
            f"--config {AUTO}: expected no --engine with it, got {args.engine}",
            f"choose on a part of the users, --config {AUTO} without --engine, and train with the "
            "config.json of that model",
        )
    from mlcore.tune import train_auto_from_path

    return train_auto_from_path(
        args.interactions,
        args.out_dir,
        AutoConfig(args.metric, args.budget),
        settings=args.auto_settings(),
        **_options(args, progress),
    )


def _options(args: Args, progress: TerminalProgress) -> dict[str, Any]:
    return {
        "items_path": args.items,
        "attributes_path": args.attributes,
        "overwrite": args.overwrite,
        "with_users": not args.without_users,
        "threads": args.threads,
        "memory_limit": args.memory_limit,
        "temp_directory": args.temp_directory,
        "input_options": args.input_options(),
        "lineage_path": args.lineage,
        "dry_run": args.dry_run,
        "progress": progress,
        "on_message": progress.show,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _work(args, progress), args)


if __name__ == "__main__":
    raise SystemExit(main())
