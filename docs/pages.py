"""The order of the site's pages, as the list in ``index.md`` has it."""

from __future__ import annotations

import re
from pathlib import Path
from posixpath import normpath

__all__ = ["INDEX", "OUTSIDE", "ROOT", "as_toctrees", "pages", "sections"]

ROOT = Path(__file__).parents[1]
INDEX = "docs/index.md"
OUTSIDE = {"README.md"}  # in the checkout it is what the index is in the site


def sections(text: str) -> dict[str, dict[str, str]]:
    """Return the pages of each section of the index, in order: how each is called, by its path."""
    parts = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)[1:]
    links = (
        re.findall(r"^- \[(.+?)\]\(([^)#]+\.md)\)", part, re.MULTILINE) for part in parts[1::2]
    )
    return {
        title: {page: name for name, page in found}
        for title, found in zip(parts[::2], links)
        if found
    }


def pages() -> list[str]:
    """Return the path of each page in the checkout, the index first."""
    listed = sections((ROOT / INDEX).read_text("utf-8"))
    return [INDEX, *(normpath(f"docs/{page}") for part in listed.values() for page in part)]


def as_toctrees(text: str) -> str:
    """Return the index with its sections as the generator's tables of contents."""
    trees = []
    for title, listed in sections(text).items():
        entries = [f"{name} <{without_ending(page)}>" for page, name in listed.items()]
        lines = ["```{toctree}", ":hidden:", f":caption: {title}", "", *entries, "```\n"]
        trees.append("\n".join(lines))
    return "\n".join([text, *trees])


def without_ending(page: str) -> str:
    """Return the name by which the generator knows a page."""
    return page.removesuffix(".md")
