"""The page of a report: HTML with its style in it, no script, nothing loaded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mlcore.charts.chart import COLORS, Row, data_table, shown
from mlcore.printable import html_text

__all__ = ["Block", "Fact", "Part", "Table", "render_page"]


class Block(Protocol):
    """Something of a page: a chart, a table, lists of users."""

    def html(self, name: str) -> str:
        """Return it as HTML, with all text escaped.

        Args:
            name: differs from those of the other blocks of the page.
        """


@dataclass(frozen=True)
class Fact:
    """A number to see first.

    Attributes:
        name: what it is.
        value: shown large.
        note: below it, such as its interval.
    """

    name: str
    value: object
    note: str = ""


@dataclass(frozen=True)
class Table:
    """A table with a title and a sentence to read it by.

    Attributes:
        wide: whether it takes the whole width of the page.
    """

    title: str
    sentence: str
    rows: Sequence[Row]
    wide: bool = True

    def html(self, name: str) -> str:
        """Return it as HTML."""
        body = data_table(self.rows) if self.rows else "<p>none</p>"
        return (
            f'<section class="{"block" if self.wide else "half"}"><h3>{html_text(self.title)}</h3>'
            f'<p class="note">{html_text(self.sentence)}</p><div class="scroll">{body}</div></section>'
        )


@dataclass(frozen=True)
class Part:
    """What one result says.

    Attributes:
        kind: of the result, such as ``evaluation``.
        source: the file or directory.
        verdict: what to do, first of all.
        facts: the numbers to see first.
        blocks: the rest, in order.
        left_out: a sentence for each thing that needs what was not given.
    """

    kind: str
    source: str
    verdict: Sequence[str]
    facts: Sequence[Fact] = ()
    blocks: Sequence[Block] = ()
    left_out: Sequence[str] = field(default=())

    def html(self, number: int) -> str:
        """Return it as HTML."""
        first, *others = self.verdict
        return (
            f'<section class="part"><p class="kind">{html_text(self.kind)} · '
            f"<span>{html_text(self.source)}</span></p>"
            f'<p class="verdict">{html_text(first)}</p>'
            + "".join(f"<p>{html_text(text)}</p>" for text in others)
            + f'<dl class="facts">{"".join(map(_fact, self.facts))}</dl>'
            + '<div class="blocks">'
            + "".join(block.html(f"c{number}-{n}") for n, block in enumerate(self.blocks))
            + "</div>"
            + "".join(f'<p class="left-out">{html_text(text)}</p>' for text in self.left_out)
            + "</section>"
        )


def _fact(fact: Fact) -> str:
    return (
        f"<div><dt>{html_text(fact.name)}</dt><dd>{html_text(shown(fact.value))}"
        f"<small>{html_text(fact.note)}</small></dd></div>"
    )


def render_page(title: str, parts: Sequence[Part], made_by: str) -> str:
    """Return the whole page: the same parts, the same bytes.

    Args:
        made_by: a line for the end.
    """
    body = "".join(part.html(number) for number, part in enumerate(parts))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">"
        f"<title>{html_text(title)}</title><style>{_STYLE}</style></head>\n"
        f"<body><header><h1>{html_text(title)}</h1></header><main>{body}</main>"
        f"<footer>{html_text(made_by)}</footer></body></html>\n"
    )


_DARK = {
    "ink": "#e7e9ec",
    "muted": "#9aa1aa",
    "grid": "#33383f",
    "series-1": "#5aaee8",
    "series-2": "#f08a4b",
    "series-3": "#3fc49a",
    "series-4": "#d98fc4",
    "series-5": "#d9b13b",
    "series-6": "#9fd0f0",
    "better": "#3fc49a",
    "worse": "#f0785a",
    "equal": "#5d646d",
}
assert _DARK.keys() == COLORS.keys()


def _variables(colors: dict[str, str]) -> str:
    return "".join(f"--{role}:{color};" for role, color in colors.items())


_STYLE = (
    f":root{{{_variables(COLORS)}--page:#fdfdfc;--panel:#f5f5f2;color-scheme:light dark}}"
    "@media (prefers-color-scheme:dark){"
    f":root{{{_variables(_DARK)}--page:#16181c;--panel:#1e2127}}}}"
    """
*{box-sizing:border-box}
body{margin:0 auto;padding:3rem 1.5rem 4rem;max-width:66rem;background:var(--page);color:var(--ink);
font:1rem/1.55 system-ui,-apple-system,"Segoe UI","Noto Sans",Roboto,sans-serif;overflow-wrap:anywhere}
h1{font-size:1rem;font-weight:600;letter-spacing:.01em;margin:0;color:var(--muted)}
h3{font-size:1.05rem;line-height:1.3;font-weight:650;margin:0 0 .4rem}
header{border-bottom:1px solid var(--grid);padding-bottom:.8rem}
.part{margin-top:2.2rem}
.part+.part{border-top:1px solid var(--grid);padding-top:2.2rem;margin-top:3.5rem}
.kind{font-size:.85rem;color:var(--muted);margin:0 0 .5rem}
.kind span{font-family:ui-monospace,"SFMono-Regular",Menlo,Consolas,monospace}
.verdict{font-size:1.65rem;line-height:1.28;font-weight:650;letter-spacing:-.012em;margin:0 0 1rem;max-width:38em;
text-wrap:pretty}
.part>p:not([class]){text-wrap:pretty}
.part>p{max-width:44em;margin:.4rem 0}
.part>.verdict{max-width:34em}
.facts{display:flex;flex-wrap:wrap;gap:1px;margin:1.6rem 0 2.2rem;
background:var(--grid);border:1px solid var(--grid);border-radius:6px;overflow:hidden}
.facts div{flex:1 1 8.5rem;background:var(--page);padding:.8rem 1rem .9rem}
.facts dt{font-size:.8rem;color:var(--muted)}
.facts dd{margin:0;font-size:1.5rem;line-height:1.25;font-weight:600;font-variant-numeric:tabular-nums}
.facts small{display:block;font-size:.78rem;line-height:1.4;font-weight:400;color:var(--muted)}
.facts:empty{display:none}
.blocks{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:2.6rem 2.4rem;align-items:start}
.block,.wide{grid-column:1/-1}
figure{margin:0;break-inside:avoid}
figure svg{display:block;width:100%;height:auto;font-family:inherit}
figcaption,.note{font-size:.87rem;line-height:1.5;color:var(--muted);margin:.5rem 0 .4rem;max-width:46em}
details{font-size:.82rem}
summary{cursor:pointer;color:var(--muted);width:fit-content}
summary:hover{color:var(--ink)}
table{border-collapse:collapse;font-size:.84rem;line-height:1.4;margin:.5rem 0;width:100%}
th{text-align:left;white-space:nowrap;font-weight:600;color:var(--muted);border-bottom:1px solid var(--muted)}
th,td{padding:.28rem .9rem .28rem 0;vertical-align:top}
td{border-bottom:1px solid var(--grid)}
td:first-child{min-width:8.5rem}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.block table{width:auto;min-width:62%}
.scroll,details{overflow-x:auto}
.left-out{font-size:.87rem;color:var(--muted);border-left:2px solid var(--grid);padding-left:.8rem}
.users{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:1.2rem}
.user{background:var(--panel);border-radius:6px;padding:.9rem 1.1rem;break-inside:avoid;font-size:.86rem;line-height:1.42}
.user h4{margin:0;font-size:.95rem}
.user p{margin:.25rem 0 .5rem;color:var(--muted)}
.user ol,.user ul{margin:.2rem 0 .2rem;padding-left:1.6rem}
.user li{padding:.06rem 0}
.user li::marker{color:var(--muted);font-variant-numeric:tabular-nums}
.user .hit{font-weight:650;color:var(--better)}
.user .hit::marker{color:var(--better);font-weight:650}
.user small{color:var(--muted);font-weight:400}
.graph{overflow-x:auto}
.graph svg{width:auto;max-width:100%;font-size:11.5px;fill:var(--muted)}
.run{fill:var(--panel);stroke:var(--muted)}.source{fill:none;stroke:var(--grid)}
.arrow{fill:none;stroke:var(--muted);stroke-width:1.2}.tip{fill:var(--muted)}.strong{fill:var(--ink);font-weight:650}
footer{margin-top:3.5rem;padding-top:.8rem;border-top:1px solid var(--grid);font-size:.82rem;color:var(--muted)}
@media (max-width:46rem){.blocks,.users{grid-template-columns:1fr}body{padding:1.5rem 1rem}.verdict{font-size:1.3rem}}
@media print{:root{"""
    + _variables(COLORS)
    + """--page:#fff;--panel:#fff}body{max-width:none;padding:0;font-size:10pt}
h3{break-after:avoid}.user{border:1px solid var(--grid);font-size:8pt;line-height:1.3;padding:.6rem .8rem}
.blocks{gap:1.4rem 2rem}.part+.part{break-before:page}summary{display:none}}
"""
)
