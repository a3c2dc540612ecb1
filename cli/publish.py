"""Publish a model: verify it, copy it beside a link, and switch the link in one step.

A server that watches the link picks up the new model; a process that has the old one open keeps it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cli.console import TerminalProgress, make_parser, run
from cli.options import add_model_option, with_default
from mlcore.artifact import KEPT_COPIES


class Args(argparse.Namespace):
    """Parsed options."""

    model_dir: str
    to: str
    keep: int


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser("publish", __doc__, "--model-dir model --to current")
    add_model_option(parser)
    parser.add_argument("--to", required=True, metavar="LINK", help="the symbolic link to switch")
    parser.add_argument(
        "--keep",
        type=int,
        default=KEPT_COPIES,
        metavar="N",
        help=with_default("copies to keep", KEPT_COPIES),
    )
    return parser


def _publish(args: Args, progress: TerminalProgress) -> str:
    from mlcore.artifact.publish import publish_from_path
    from mlcore.progress import waiting

    with waiting(progress, "copy and verify"):
        return publish_from_path(args.model_dir, args.to, keep=args.keep)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _publish(args, progress), args)


if __name__ == "__main__":
    raise SystemExit(main())
