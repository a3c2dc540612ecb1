"""Check the built site: each link inside leads somewhere, and nothing is loaded from elsewhere.

Usage: python -m docs.check build/docs
"""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

__all__ = ["Page", "check", "main"]

LOADED = {("img", "src"), ("script", "src"), ("link", "href"), ("source", "src"), ("iframe", "src")}
# What a browser does not load, though it has the form of what it does.
NAMED_ONLY = {"canonical", "next", "prev", "index", "search", "author", "license"}


class Page(HTMLParser):
    """The links and anchors of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors = {""}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what the tag links to, loads, and is named."""
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        for name in ("href", "src"):
            if name in values:
                self.links.append(values[name])
                if (tag, name) in LOADED and values.get("rel") not in NAMED_ONLY:
                    self.loaded.append(values[name])


def check(site: Path) -> tuple[int, list[str]]:
    """Return how many links inside there are, and one line for each fault."""
    pages = {path: Page(path.read_text("utf-8")) for path in sorted(site.rglob("*.html"))}
    count, faults = 0, [] if pages else [f"{site.name}: no page"]
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        faults += [f"{name}: loads {link}" for link in page.loaded if urlsplit(link).netloc]
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            count += 1
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            there = pages.get(target)
            if not target.is_file() or (there and unquote(parts.fragment) not in there.anchors):
                faults.append(f"{name}: leads nowhere: {link}")
    for path in site.rglob("*.css"):
        if "url(http" in path.read_text("utf-8").replace("'", "").replace('"', ""):
            faults.append(f"{path.relative_to(site).as_posix()}: loads from elsewhere")
    return count, faults


def main() -> int:
    """Print the faults, or how many pages and links are right."""
    site = Path(sys.argv[1]).resolve()
    count, faults = check(site)
    print("\n".join(faults) or f"{len(list(site.rglob('*.html')))} pages, {count} links: right")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
