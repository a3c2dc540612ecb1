"""Show a model in the browser: neighbors, lists with the share of each item, popularity, files.

The page reads the model from this program, in parts, as it shows them; it needs no other network. Only
programs on this machine reach it. Ctrl-C ends it.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from cli.console import TerminalProgress, make_parser, run
from cli.options import InputArgs, add_input_options, add_model_option, with_default

if TYPE_CHECKING:
    from mlcore.artifact.web import PageServer

PAGE = Path(__file__).parents[1] / "interop/explorer/index.html"


class Args(InputArgs):
    """Parsed options."""

    model_dir: str
    items: str | None
    port: int
    no_browser: bool


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser("explore", __doc__, "--model-dir model --port 0 --no-browser")
    add_model_option(parser)
    parser.add_argument(
        "--items",
        metavar="FILE",
        help="a table with the columns of items and title, where the model keeps no titles",
    )
    parser.add_argument(
        "--port", type=int, default=0, metavar="N", help=with_default("0 for a free one", 0)
    )
    parser.add_argument("--no-browser", action="store_true", help="print the address only")
    add_input_options(parser)
    return parser


def make_server(args: Args, progress: TerminalProgress) -> tuple[PageServer, str]:
    """Return a server of the page and the model, and the address of the page."""
    from urllib.parse import quote

    from mlcore.artifact.reader import ModelFiles
    from mlcore.artifact.web import Page, PageServer, model_pages
    from mlcore.errors import from_os_error
    from mlcore.parameters import convert_value, integer

    convert_value(integer(minimum=0, below=2**16), args.port, "port")
    files = ModelFiles.open(args.model_dir)
    # The name is what the page shows; without one, the root of a disk is a model.
    folder = quote(os.path.basename(os.path.abspath(args.model_dir)) or "model", safe="")
    pages = {"/": Page(PAGE.name, PAGE.read_bytes()), **model_pages(files, f"/{folder}/")}
    query = f"?url={quote(folder)}/"
    if args.items is not None:
        pages["/titles.csv"] = Page("titles.csv", _titles(args.items, args))
        query += "&titles=titles.csv"
    log = progress.show if args.progress else lambda line: None
    try:
        server = PageServer(pages, args.port, files.check_sizes, log)
    except OSError as error:
        raise from_os_error(error, f"port {args.port}", "one that is free") from error
    return server, f"http://127.0.0.1:{server.server_port}/{query}"


def _titles(path: str, args: Args) -> bytes:
    import csv
    import io

    from mlcore.files.lists import read_titles

    text = io.StringIO(newline="")
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(["item_id", "title"])
    rows.writerows(read_titles(path, args.input_options()).items())
    return text.getvalue().encode()


def _explore(args: Args, progress: TerminalProgress) -> str:
    server, address = make_server(args, progress)
    with server:
        print(address, flush=True)
        if not args.no_browser:
            import webbrowser

            webbrowser.open(address)
        with suppress(KeyboardInterrupt):  # the usual end
            server.serve_forever()
    return ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _explore(args, progress), args)


if __name__ == "__main__":
    raise SystemExit(main())
