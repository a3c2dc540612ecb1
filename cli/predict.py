"""Recommend: a model and users or histories in, ranked items as JSON Lines out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cli.console import (
    TerminalProgress,
    add_dry_run_option,
    add_format_option,
    make_parser,
    run,
)
from mlcore.files.options import Format, InputOptions
from mlcore.recommend.options import Fill, PredictOptions, Requests, UnknownUser


class Args(argparse.Namespace):
    """Parsed options."""

    model_dir: str
    all_users: bool
    users: str | None
    histories: str | None
    top_n: int
    out: str
    include_items: str | None
    exclude_items: str | None
    include_seen: bool
    fill: Fill | None
    unknown_user: UnknownUser
    explain: bool
    threads: int | None
    format: Format | None
    dry_run: bool

    def options(self) -> PredictOptions:
        """Return what the lists may hold."""
        return PredictOptions(
            self.top_n,
            self.include_items,
            self.exclude_items,
            self.include_seen,
            self.fill,
            self.unknown_user,
            self.explain,
        )


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    defaults = PredictOptions()
    parser = make_parser(
        "predict",
        __doc__,
        "--model-dir model --all-users --top-n 2 --out recommended.jsonl",
    )
    parser.add_argument("--model-dir", required=True, metavar="DIR")
    whom = parser.add_argument_group("whom to recommend to").add_mutually_exclusive_group(
        required=True
    )
    whom.add_argument("--all-users", action="store_true", help="every user of the training")
    whom.add_argument("--users", metavar="FILE", help="a table with a column user_id")
    whom.add_argument(
        "--histories",
        metavar="FILE",
        help='.jsonl: {"user_id": "s1", "history": [{"item_id": "a", "weight": 1}]}; '
        "or .csv: user_id,item_id[,weight]",
    )
    lists = parser.add_argument_group("lists")
    lists.add_argument(
        "--top-n",
        type=int,
        default=defaults.top_n,
        metavar="N",
        help=f"longest list (default: {defaults.top_n})",
    )
    lists.add_argument(
        "--include-items", metavar="FILE", help="a table with a column item_id: only these"
    )
    lists.add_argument(
        "--exclude-items", metavar="FILE", help="a table with a column item_id: none of these"
    )
    lists.add_argument(
        "--include-seen", action="store_true", help="items of the history may be listed"
    )
    lists.add_argument(
        "--fill", choices=["popularity"], help="complete short lists with popular unseen items"
    )
    lists.add_argument(
        "--unknown-user",
        choices=["error", "skip", "fill"],
        default=defaults.unknown_user,
        help="a user the model does not know is an error, is left out, or gets popular items "
        f"(default: {defaults.unknown_user})",
    )
    lists.add_argument(
        "--explain",
        action="store_true",
        help="say of each item what each item of the history adds to its score",
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="JSON Lines, or -")
    parser.add_argument(
        "--threads", type=int, metavar="N", help="changes speed only (default: one for each core)"
    )
    add_dry_run_option(parser)
    add_format_option(parser)
    return parser


def _work(args: Args, progress: TerminalProgress) -> str:
    from mlcore.recommend.predict import predict_from_path

    requests = Requests(args.all_users, args.users, args.histories)
    return predict_from_path(
        args.model_dir,
        requests,
        args.out,
        args.options(),
        threads=args.threads,
        input_options=InputOptions(format=args.format),
        dry_run=args.dry_run,
        progress=progress,
        on_message=progress.show,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    # The plan is what a dry run gives, wherever lists would go.
    outputs = [] if args.dry_run else [args.out]
    return run(lambda progress: _work(args, progress), args, *outputs)


if __name__ == "__main__":
    raise SystemExit(main())
