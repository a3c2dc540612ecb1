"""Publish a model: verify, copy beside a link, switch the link in one step, keep the last few.

A server that watches the link picks the new model up; whoever has the old one open keeps it.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cli.console import make_parser, run


class Args(argparse.Namespace):
    """Parsed options."""

    model_dir: str
    to: str
    keep: int


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser("publish", __doc__, "--model-dir model --to current")
    parser.add_argument("--model-dir", required=True, metavar="DIR")
    parser.add_argument("--to", required=True, metavar="LINK", help="the symbolic link to switch")
    parser.add_argument(
        "--keep", type=int, default=3, metavar="N", help="copies that stay (default: 3)"
    )
    return parser


def _publish(args: Args) -> str:
    from mlcore.artifact.publish import publish_from_path

    return publish_from_path(args.model_dir, args.to, keep=args.keep)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _publish(args), args)


if __name__ == "__main__":
    raise SystemExit(main())
