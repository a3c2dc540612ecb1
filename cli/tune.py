"""Search for the configuration that is best on held-out interactions; resumes where it stopped.

The space is JSON that mirrors the configuration. Any value of it may be a plain value, which is
fixed, or {"choice": [...]}, {"int": [low, high]} or {"float": [low, high]}, the last two also with
"log": true. The elements of a choice may hold such values, and the whole space may be a choice,
for settings that depend on each other:

    {"choice": [
      {"similarity": {"choice": [{"name": "cosine"},
                                 {"name": "tversky", "alpha": {"float": [0, 2]}}]},
       "shrinkage": {"choice": [0, {"float": [1, 1000], "log": true}]},
       "num_neighbors": {"int": [10, 1000], "log": true}},
      {"similarity": {"name": "rp3beta", "beta": {"float": [0, 2]}}}
    ]}

Trial 0 is the default configuration; without --space the next five are those that train --config auto
ranks first. The directory gets tuning.json, which names data, space, metric
and seed; trials.jsonl, one line for each trial; and config.json, the best configuration so far, for
train. After a kill the same command resumes, and tries what it would have tried without it.
"""

from __future__ import annotations

import shlex
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import TerminalProgress, command_line, make_parser, run
from cli.options import (
    InputArgs,
    add_catalogue_option,
    add_dry_run_option,
    add_fields,
    add_input_options,
    add_lineage_option,
    add_interactions_option,
    add_threads_option,
    build_config,
)
from mlcore.errors import DataError
from mlcore.printable import printable
from mlcore.tune.config import TuneConfig

if TYPE_CHECKING:
    from mlcore.tune import Trial


class Args(InputArgs):
    """Parsed options."""

    interactions: str
    validation: str
    items: str | None
    space: str | None
    metric: str
    out_dir: str
    lineage: str | None
    threads: int | None
    dry_run: bool


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = make_parser(
        "tune",
        __doc__,
        "--interactions train.csv --validation test.csv --metric ndcg@10 "
        "--trials 3 --out-dir tuning",
    )
    add_interactions_option(parser, "to train on: .csv or .jsonl, or -")
    parser.add_argument(
        "--validation", required=True, metavar="FILE", help="interactions of the same users, or -"
    )
    add_catalogue_option(parser)
    search = parser.add_argument_group("search")
    search.add_argument(
        "--space",
        metavar="FILE",
        help="JSON (default: a built-in one without ease, slim and sequential_rules; tuning.json shows it)",
    )
    add_fields(
        search,
        TuneConfig,
        metric="to maximize",
        trials="in all, those of earlier runs included",
        seed="",
        keep_mib="MiB of counts kept for later trials; changes speed and memory only",
    )
    add_threads_option(search)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--out-dir", required=True, metavar="DIR", help="of the search: new, or one to resume"
    )
    add_lineage_option(output)
    add_dry_run_option(parser)
    add_input_options(parser)
    return parser


def _tune(args: Args, progress: TerminalProgress) -> str:
    from mlcore.tune import tune_from_path

    def show_trial(trial: Trial, best: Trial | None) -> None:
        progress.detail(_trial_line(trial, best, args.metric))

    try:
        summary = tune_from_path(
            args.interactions,
            args.validation,
            args.space,
            args.out_dir,
            build_config(TuneConfig, args),
            items_path=args.items,
            threads=args.threads,
            input_options=args.input_options(),
            lineage_path=args.lineage,
            dry_run=args.dry_run,
            progress=progress,
            on_trial=show_trial,
            on_message=progress.show,
        )
    except KeyboardInterrupt:
        trials = Path(args.out_dir) / "trials.jsonl"
        if not trials.exists():
            raise
        raise DataError(
            f"interrupted, the finished trials are in {trials}", "the same command resumes there"
        ) from None
    return summary if args.dry_run else "\n".join([summary, *_next_commands(args)])


def _trial_line(trial: Trial, best: Trial | None, metric: str) -> str:
    outcome = trial.error if trial.value is None else f"{metric} {trial.value:.4f}"
    known = "" if trial.same_as is None else f", the configuration of trial {trial.same_as}"
    shown = "" if best is None else f" (best: {best.value:.4f}, trial {best.trial})"
    return f"trial {trial.trial}: {outcome}{known}{shown}"


def _next_commands(args: Args) -> list[str]:
    """Return commands that compare the best configuration with the default, on an unseen test."""
    columns, cutoff = args.input_words(), args.metric.partition("@")[2]
    catalogue = [] if args.items is None else ["--items", args.items]
    train = ["train", "--interactions", args.interactions, *columns, *catalogue]
    config = ["--config", str(Path(args.out_dir) / "config.json")]
    predict = ["--users", "test.csv", *columns, "--top-n", cutoff]
    compare = ["compare", "--baseline", "default.jsonl", "--candidate", "tuned.jsonl"]
    truth = ["--ground-truth", "test.csv", *columns, "--cutoffs", cutoff]
    split = ["split", "--interactions", args.interactions, *columns, "--strategy", "last-n"]
    split.append("--keep-events")  # an aggregate, or a similarity by order, may need all rows
    rest = f"rest-of-{Path(args.interactions).stem.removesuffix('.csv')}.csv"  # never the input
    parts = ["--n", "1", "--train-out", rest, "--test-out", "test.csv"]
    return [
        "next, on a test set that is in neither file of the search:",
        _line([*train, "--out-dir", "default-model"]),
        _line([*train, *config, "--out-dir", "tuned-model"]),
        _line(["predict", "--model-dir", "default-model", *predict, "--out", "default.jsonl"]),
        _line(["predict", "--model-dir", "tuned-model", *predict, "--out", "tuned.jsonl"]),
        _line([*compare, *truth, "--fail-if-worse", args.metric]),
        "without such a test set split one off, and search again with the rest:",
        _line([*split, *parts]),
    ]


def _line(words: Sequence[str]) -> str:
    return printable(f"  {command_line(words[0])} {shlex.join(words[1:])}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _tune(args, progress), args, goes_on=True)


if __name__ == "__main__":
    raise SystemExit(main())
