"""Describe a model, and how it was made, as JSON; --verify checks every byte, index and value."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cli.console import TerminalProgress, make_parser, run
from cli.options import add_model_option


class Args(argparse.Namespace):
    """Parsed options."""

    model_dir: str
    verify: bool


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser("inspect", __doc__, "--model-dir model --verify")
    add_model_option(parser)
    parser.add_argument("--verify", action="store_true", help="check everything, not only sizes")
    return parser


def _describe(args: Args, progress: TerminalProgress) -> str:
    from mlcore.artifact import describe_model
    from mlcore.jsontext import format_document
    from mlcore.printable import printable_json
    from mlcore.progress import waiting

    with waiting(progress, "verify" if args.verify else "open"):
        document = format_document(describe_model(args.model_dir, args.verify))
    return printable_json(document.rstrip("\n"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _describe(args, progress), args)


if __name__ == "__main__":
    raise SystemExit(main())
