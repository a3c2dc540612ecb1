"""What the commands refuse and why, as data: tests run each entry, docs/troubleshooting.md shows it.

``python -m tests.cli.troubleshooting --write`` writes the page.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["PAGE", "SECTIONS", "Entry", "render"]

PAGE = Path(__file__).parents[2] / "docs/troubleshooting.md"
MOST_LINES = 4  # of a file that the page shows


@dataclass(frozen=True)
class Entry:
    """One thing that happens, run in the folder of good files of tests/cli/conftest.py.

    Attributes:
        title: of its part of the page; no full stop.
        run: a command line without ``mlcore``, or, with ``is_python``, code.
        says: all that it prints on stderr, then on stdout, without the last line break; of code the
            last line of the traceback, then the hint.
        cause: one or two sentences.
        cure: likewise.
        cured_by: a command line or code that works, or nothing if the cure is to change a file.
        files: to write first, by name.
        status: the exit code.
    """

    title: str
    run: str
    says: str
    cause: str
    cure: str
    cured_by: str = ""
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    status: int = 1
    is_python: bool = False


REFERENCES: list[Entry] = []

TABLES = [
    Entry(
        "The name of a file does not show its format",
        "train --interactions events.txt --out-dir new",
        "error: events.txt: expected a name that ends in .csv or .jsonl (or either and .gz), got another\n"
        "hint: --format csv or --format jsonl says what it is",
        "The format is taken from the name, never guessed from the content.",
        "Rename the file or name the format.",
        "train --interactions events.txt --format csv --out-dir new",
        {"events.txt": "user_id,item_id\nann,tea\nbob,tea\n"},
    ),
]

PYTHON: list[Entry] = []

OUTPUTS: list[Entry] = []

SECTIONS: Mapping[str, list[Entry]] = {
    "Names and ids": REFERENCES,
    "Tables": TABLES,
    "Python": PYTHON,
    "Outputs": OUTPUTS,
}

HEAD = """\
# Troubleshooting

What the commands say, why, and what to do. A test runs each entry: what you read here is what they print.
Generated from `tests/cli/troubleshooting.py`, do not edit.
"""


def render() -> str:
    """Return the page."""
    parts = [HEAD]
    for section, entries in SECTIONS.items():
        if entries:
            parts.append(f"## {section}\n")
            parts += map(_render_entry, entries)
    return "\n".join(parts)


def _render_entry(entry: Entry) -> str:
    shown = [*_show_files(entry), _show_run(entry.run, entry), *entry.says.splitlines()]
    lines = [f"### {entry.title}", "", *_block(shown, entry)]
    lines += ["", f"Cause: {entry.cause}", "", f"Cure: {entry.cure}", ""]
    if entry.cured_by:
        lines += [*_block([_show_run(entry.cured_by, entry)], entry), ""]
    return "\n".join(lines)


def _show_files(entry: Entry) -> list[str]:
    """Return how short text files look."""
    lines: list[str] = []
    for name, content in entry.files.items():
        text = content.splitlines() if isinstance(content, str) else []
        if 0 < len(text) <= MOST_LINES:
            comment = "# " if entry.is_python else ""
            lines += [f"{comment}{line}" for line in (f"$ cat {name}", *text)]
    return lines


def _show_run(run: str, entry: Entry) -> str:
    return run if entry.is_python else f"$ mlcore {run}"


def _block(lines: list[str], entry: Entry) -> list[str]:
    return ["```python" if entry.is_python else "```", *lines, "```"]


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        raise SystemExit("usage: python -m tests.cli.troubleshooting --write")
    PAGE.write_text(render(), "utf-8")
