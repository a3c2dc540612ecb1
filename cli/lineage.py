"""Tell which query, parameters, engine and inputs made a file, or that its lineage is not known.

The content of the file is looked up in the lineage, so it may have another name by now, or be
packed with gzip. Exit code 1: no query of the lineage made it, or it has changed since.
--check looks for the text of every query of the lineage, in its file or in the history of git.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cli.console import Outcome, make_parser, run


class Args(argparse.Namespace):
    """Parsed options."""

    file: str | None
    check: bool
    lineage: str
    json: bool


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser("lineage", __doc__, "--file clean.csv --lineage lineage.jsonl")
    question = parser.add_mutually_exclusive_group(required=True)
    question.add_argument("--file", metavar="FILE", help="of which to tell; a folder of files; -")
    question.add_argument("--check", action="store_true", help="the lineage as a whole")
    parser.add_argument(
        "--lineage",
        default="sql/lineage.jsonl",
        metavar="FILE",
        help="as run_sql writes it (default: sql/lineage.jsonl)",
    )
    parser.add_argument("--json", action="store_true", help="for programs; with --file")
    return parser


def _work(args: Args) -> Outcome:
    from mlcore.warehouse.lineage import check_from_path, find_from_path

    if args.file is None:
        return Outcome(*check_from_path(args.lineage))
    return Outcome(*find_from_path(args.file, args.lineage, as_json=args.json))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _work(args), args)


if __name__ == "__main__":
    raise SystemExit(main())
