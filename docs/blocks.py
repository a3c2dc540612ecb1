"""Run the blocks of code of a page, as a reader would who types them one after another.

Every block of ``sh`` and ``python`` runs, except those marked ``not-run`` (no such service here) and those marked
with a tool, such as ``go``, where that is not asked for. A block of ``text output`` after one is what it prints; a
line ``...`` there stands for any lines. Usage, in a folder for what they write:

    python -m docs.blocks [--write] PAGE...
"""

from __future__ import annotations

import argparse
import io
import os
import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

from docs.pages import ROOT

__all__ = ["Block", "Ran", "as_expected", "blocks", "main", "run_page", "write_outputs"]

FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """One block of code: where its text stands, its language, and the marks after that."""

    start: int
    end: int
    language: str
    marks: frozenset[str]
    text: str


class Ran(NamedTuple):
    """What a block printed, and the block that shows it, if there is one."""

    block: Block
    printed: str
    shown: Block | None


def blocks(text: str) -> list[Block]:
    """Return the blocks of a page, in order; all are paired, or an end would be a beginning."""
    found = []
    for match in FENCE.finditer(text):
        language, *marks = match[1].split() or [""]
        found.append(Block(match.start(2), match.end(2), language, frozenset(marks), match[2]))
    return found


def run_page(text: str, folder: Path, tools: Collection[str] = ()) -> Iterator[Ran]:
    """Run the blocks of a page in a folder, one after another.

    Args:
        tools: marks of blocks to run besides those without a mark.

    Raises:
        AssertionError: a command has failed; the message is what it printed.
    """
    names: dict[str, Any] = {}
    found = blocks(text)
    for block, after in zip(found, [*found[1:], None]):
        if block.language in ("sh", "python") and block.marks <= set(tools):
            run = _run_python if block.language == "python" else _run_shell
            printed = run(block.text, folder, names)
            yield Ran(block, printed, after if after and "output" in after.marks else None)


def _run_shell(text: str, folder: Path, names: dict[str, Any]) -> str:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eu", "-c", text],  # as typed, without pipefail: head may end a command
        cwd=folder,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "CHECKOUT": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f"{text}{done.stdout}"
    return done.stdout


def _run_python(text: str, folder: Path, names: dict[str, Any]) -> str:
    before, printed = Path.cwd(), io.StringIO()
    os.chdir(folder)
    try:
        with redirect_stdout(printed):
            exec(compile(text, "block", "exec"), names)
    finally:
        os.chdir(before)
    return printed.getvalue()


def as_expected(printed: str, shown: str) -> bool:
    """Return whether a block shows what was printed.

    >>> as_expected("1\\n2\\n3\\n", "1\\n...\\n"), as_expected("1\\n2\\n", "2\\n")
    (True, False)
    """
    pattern = re.escape(shown.rstrip("\n")).replace(r"\.\.\." + "\\\n", r"(?:.*\n)*?")
    pattern = re.sub(r"\\\.\\\.\\\.$", r"(?s:.*)", pattern)
    return re.fullmatch(pattern, printed.rstrip("\n")) is not None


def write_outputs(text: str, ran: Sequence[Ran]) -> str:
    """Return the page with what its blocks printed, where that is shown otherwise."""
    for _, printed, shown in reversed(ran):
        if shown and not as_expected(printed, shown.text):
            text = f"{text[: shown.start]}{printed.rstrip()}\n{text[shown.end :]}"
    return text


def main(argv: Sequence[str] | None = None) -> int:
    """Run pages in the current folder; say, or write, where they show something else."""
    parser = argparse.ArgumentParser(prog="python -m docs.blocks", description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the outputs into the pages")
    parser.add_argument("--tools", nargs="*", default=[], help="marks of blocks to run besides")
    parser.add_argument("pages", nargs="+", type=Path, metavar="PAGE")
    args = parser.parse_args(argv)
    differ = 0
    for page in args.pages:
        text = page.read_text("utf-8")
        new = write_outputs(text, list(run_page(text, Path.cwd(), args.tools)))
        if new != text and args.write:
            page.write_text(new, encoding="utf-8", newline="\n")
        elif new != text:
            differ += 1
            print(f"{page}: shows other outputs; give --write", file=sys.stderr)
    return 1 if differ else 0


if __name__ == "__main__":
    raise SystemExit(main())
