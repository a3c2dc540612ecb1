"""A page as a browser reads it: its elements, their text, and the numbers of its tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br"}


@dataclass
class Element:
    """One element, with its text and that of all within."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    children: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def all(self, tag: str, kind: str | None = None) -> list[Element]:
        """Return what is within, of a tag and perhaps a class, in order."""
        found = [
            one
            for one in self.children
            if one.tag == tag and kind in (None, one.attributes.get("class"))
        ]
        return [*found, *(one for child in self.children for one in child.all(tag, kind))]

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def numbers(self) -> list[float]:
        """Return the exact numbers of its tables, row by row."""
        return [float(one.attributes["value"]) for row in self.all("tr") for one in row.all("data")]

    def block(self, title: str) -> Element:
        """Return the chart or table of a title."""
        for heading in self.all("h3"):
            if heading.text == title and heading.parent is not None:
                return heading.parent
        raise KeyError(title)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Element("root", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(self.open[-1].children[-1])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(set(names)) == len(names), f"{tag}: an attribute twice"
        values = {name: value or "" for name, value in attrs}
        self.open[-1].children.append(Element(tag, values, self.open[-1]))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().tag == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        for one in self.open:
            one.texts.append(data)


ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "header", "main", "footer", "section"),
    *("h1", "h3", "h4", "p", "span", "small", "dl", "div", "dt", "dd", "figure", "figcaption"),
    *("details", "summary", "table", "thead", "tbody", "tr", "th", "td", "data", "ol", "ul", "li"),
    *("svg", "g", "path", "text", "tspan", "defs", "clippath", "rect", "use"),
}


def read_page(page: str) -> Element:
    """Return the elements of a page that nothing outside it can change.

    Every element is closed and known, no attribute is a handler, nothing refers to another document, no id
    is there twice, and no character steers the reader.
    """
    assert all(char.isprintable() or char in "\n\u200c\u200d" for char in page)
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == [reader.root]
    found = [reader.root]
    for one in found:
        found += one.children
    assert {one.tag for one in found[1:]} <= ALLOWED
    for one in found:
        for name, value in one.attributes.items():
            assert not name.startswith("on") and name != "src", (one.tag, name)
            assert name not in ("href", "xlink:href") or value.startswith("#"), value
            assert "url(" not in value or "url(#" in value, value
    assert all("url(" not in style.text and "@import" not in style.text for style in found)
    ids = [one.attributes["id"] for one in found if "id" in one.attributes]
    assert len(set(ids)) == len(ids)
    for one in found:
        if one.attributes.get("href"):
            assert one.attributes["href"][1:] in ids
    return reader.root
