"""Show which runs made a file: query or command, parameters and inputs, back to the sources.

The lineage knows a file, or a model directory, by its content, so it may have another name by now, or
be packed with gzip. Without a line of its own a model joins by its provenance.json. Exit code 1: no run of the lineage made it, or it has changed since. --check
looks for the text of every query of the lineage, in its file or in the history of git.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from cli.console import Outcome, make_parser, run
from cli.options import with_default
from mlcore.errors import DataError
from mlcore.lineage import LINEAGE_NAME


class Args(argparse.Namespace):
    """Parsed options."""

    file: str | None
    check: bool
    lineage: list[str]
    json: bool


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser("lineage", __doc__, "--file clean.csv")
    question = parser.add_mutually_exclusive_group(required=True)
    question.add_argument(
        "--file", metavar="FILE", help="to look up; or a model directory, a folder of files, or -"
    )
    question.add_argument("--check", action="store_true", help="check the whole lineage")
    parser.add_argument(
        "--lineage",
        action="append",
        default=[],
        metavar="FILE",
        help=with_default(
            "as the commands write it; of several, the first that knows the file answers",
            f"{LINEAGE_NAME} in the current folder, then beside the file",
        ),
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def _work(args: Args) -> Outcome:
    from mlcore.lineage import check_from_path, find_from_path
    from mlcore.lineage.command_run import logs_for

    if args.file is None:
        if len(args.lineage) > 1:
            raise DataError("--lineage: expected one log to check, got several")
        return Outcome(*check_from_path(*(args.lineage or [LINEAGE_NAME]), as_json=args.json))
    logs = args.lineage or logs_for(args.file)
    return Outcome(*find_from_path(args.file, *logs, as_json=args.json))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _work(args), args)


if __name__ == "__main__":
    raise SystemExit(main())
