"""Which sections of a translation are older than the English ones they were made from.

A translated section ends with a comment, ``<!-- of docs/tutorial.md#HASH -->``: the page, and the start of the SHA-256
of the English section that it says. Usage: python -m docs.translations [--write]
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from hashlib import sha256

from docs.pages import ROOT

__all__ = ["TRANSLATIONS", "main", "record", "split_sections", "stale"]

TRANSLATIONS = {
    "README.ja.md": "README.md",
    "docs/ja/tutorial.md": "docs/tutorial.md",
    "docs/ja/production.md": "docs/production.md",
}
MARK = re.compile(r"^<!-- of (\S+)#(\w*) -->\n?", re.MULTILINE)


def split_sections(text: str) -> list[str]:
    """Return the title with what is before the first heading of level 2, and each section."""
    parts: list[str] = []
    is_code = False
    for line in text.splitlines(keepends=True):
        is_code ^= line.startswith("```")
        if not parts or (line.startswith("## ") and not is_code):
            parts.append("")
        parts[-1] += line
    return parts


def digest(section: str) -> str:
    """Return what a translation records of an English section."""
    return sha256(section.strip().encode()).hexdigest()[:12]


def stale(translated: str, english: str, page: str) -> list[str]:
    """Return a line for each section that is missing, more than there is, or made from another text.

    Args:
        page: the path of the English page.
    """
    ours, theirs = split_sections(translated), split_sections(english)
    faults = []
    if len(ours) != len(theirs):
        faults.append(f"{len(ours)} sections, {page} has {len(theirs)}")
    for mine, source in zip(ours, theirs):
        if MARK.findall(mine) != [(page, digest(source))]:
            faults.append(f"{mine.splitlines()[0]}: made from another {source.splitlines()[0]!r}")
    return faults


def record(translated: str, english: str, page: str) -> str:
    """Return the translation with the digests of the English sections as they are now."""
    parts = zip(split_sections(translated), split_sections(english), strict=True)
    return "\n".join(
        f"{MARK.sub('', mine).rstrip()}\n\n<!-- of {page}#{digest(source)} -->\n"
        for mine, source in parts
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Print the stale sections, or record that they are up to date."""
    parser = argparse.ArgumentParser(prog="python -m docs.translations", description=__doc__)
    parser.add_argument("--write", action="store_true", help="record them as up to date")
    args = parser.parse_args(argv)
    faults = []
    for name, page in TRANSLATIONS.items():
        path, english = ROOT / name, (ROOT / page).read_text("utf-8")
        if args.write:
            text = record(path.read_text("utf-8"), english, page)
            path.write_text(text, encoding="utf-8", newline="\n")
        faults += [f"{name}: {fault}" for fault in stale(path.read_text("utf-8"), english, page)]
    print("\n".join(faults) or f"{len(TRANSLATIONS)} translations: up to date", file=sys.stdout)
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
