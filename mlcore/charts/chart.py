"""A chart: what it says, its numbers, and its picture as SVG that follows the colors of a page."""

from __future__ import annotations

import html
import io
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mlcore.errors import MlcoreError
from mlcore.printable import JOINERS, html_text, printable

__all__ = [
    "COLORS",
    "Chart",
    "Charts",
    "Row",
    "SERIES",
    "data_table",
    "label",
    "shown",
    "with_charts",
]

Row: TypeAlias = Mapping[str, object]

# Colors of a page, by role: in an SVG each is a variable of CSS, with this one where there is none. All
# differ, since a picture is searched for them. Series: Okabe and Ito (2008), which the color-blind tell apart.
COLORS = {
    "ink": "#1b1e23",
    "muted": "#63686f",
    "grid": "#dfe1e4",
    "series-1": "#0068a8",
    "series-2": "#d55e00",
    "series-3": "#00875f",
    "series-4": "#b4589c",
    "series-5": "#a87300",
    "series-6": "#4fa3d8",
    "better": "#00866a",
    "worse": "#c4441c",
    "equal": "#a8adb3",
}
SERIES = [COLORS[name] for name in COLORS if name.startswith("series")]

# Of a table, so that a page stays one that a browser opens at once.
MAX_ROWS, MAX_TEXT = 500, 300

_STYLE = {
    "svg.fonttype": "none",  # text stays text
    "text.parse_math": False,  # a $ in a name is a $
    "font.size": 9,
    "text.color": COLORS["ink"],
    "axes.edgecolor": COLORS["muted"],
    "axes.labelcolor": COLORS["muted"],
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.linewidth": 0.8,
    "grid.color": COLORS["grid"],
    "grid.linewidth": 0.8,
    "xtick.color": COLORS["muted"],
    "ytick.color": COLORS["muted"],
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "lines.linewidth": 1.8,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "legend.frameon": False,
    "legend.handlelength": 1.2,
}


@dataclass(frozen=True)
class Chart:
    """A picture of some numbers.

    Attributes:
        title: what is shown.
        sentence: how to read it.
        rows: the numbers, all with the keys of the first.
        draw: draws them on axes of matplotlib.
        size: width and height in inches.
    """

    title: str
    sentence: str
    rows: Sequence[Row]
    draw: Callable[[Any], None]
    size: tuple[float, float] = (5.4, 2.7)

    def figure(self) -> Any:
        """Return it as a ``matplotlib.figure.Figure``, to show, to change or to save.

        Raises:
            MlcoreError: matplotlib is not installed.
        """
        matplotlib = _import_matplotlib()
        with matplotlib.rc_context(_STYLE):
            figure = matplotlib.figure.Figure(figsize=self.size, layout="constrained")
            self.draw(figure.subplots())
        return figure

    def svg(self, name: str = "chart") -> str:
        """Return it as an ``svg`` element for a page: the same numbers, the same bytes.

        Args:
            name: differs from those of other charts of the page.

        Raises:
            MlcoreError: matplotlib is not installed.
        """
        matplotlib, figure, stream = _import_matplotlib(), self.figure(), io.StringIO()
        style = {**_STYLE, "svg.hashsalt": name}
        with matplotlib.rc_context(style), warnings.catch_warnings():
            # Of scripts that matplotlib's font lacks: the browser's has them.
            warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
            figure.savefig(stream, format="svg", metadata={"Date": None})
        return _for_page(stream.getvalue(), self.title, name)

    def html(self, name: str = "chart") -> str:
        """Return title, picture, sentence, and behind them the numbers, as a ``figure`` of a page."""
        return (
            f"<figure><h3>{html_text(self.title)}</h3>{self.svg(name)}"
            f"<figcaption>{html_text(self.sentence)}</figcaption>"
            f"<details><summary>Numbers</summary>{data_table(self.rows)}</details></figure>"
        )

    def _repr_html_(self) -> str:
        return Charts([self])._repr_html_()


class Charts(tuple[Chart, ...]):
    """Some charts, which a notebook shows one below the other."""

    def checked(self) -> Charts:
        """Return them, if they can be drawn.

        Raises:
            MlcoreError: matplotlib is not installed.
        """
        _import_matplotlib()
        return self

    def _repr_html_(self) -> str:
        # A notebook has colors that nobody knows: lines and names take that of its text.
        style = "--ink:currentColor;--muted:currentColor;--grid:rgba(128,128,128,.3);max-width:42em"
        shown = "".join(chart.html(f"chart-{number}") for number, chart in enumerate(self))
        return f'<div style="{style}">{shown}</div>'


def with_charts(table: str, plot: Callable[[], Charts]) -> str:
    """Return what a notebook shows of a result: its table, and its charts where matplotlib is."""
    try:
        return table + plot()._repr_html_()
    except MlcoreError:
        return table


def _import_matplotlib() -> Any:
    try:
        import matplotlib.figure
    except ImportError as error:
        raise MlcoreError(
            f"matplotlib: expected to be installed, got: {error}",
            "charts need the extra `report`: pip install 'mlcore[report]'",
        ) from error
    return matplotlib


def _for_page(svg: str, title: str, name: str) -> str:
    """Return what matplotlib writes as an element of a page: no style of its own, colors by name."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", svg, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda one: one[0] if one[1] in used else "", svg)
    for one in sorted(used):
        svg = re.sub(rf'(id="|#){re.escape(one)}(?=[")])', rf"\g<1>{name}-{one}", svg)
    svg = re.sub("<[^>]*>", _plain_tag, svg)
    svg = re.sub(r"\n\s*", "\n", svg)
    svg = re.sub(r"(?<=>)[^<>]+(?=</text>)", lambda one: html_text(html.unescape(one[0])), svg)
    box = re.search(r'viewBox="[^"]+"', svg)
    assert box is not None
    head = f'<svg class="chart" role="img" aria-label="{html_text(title)}" {box[0]}>'
    return head + svg[svg.index(">") + 1 :].strip().replace("xlink:href", "href")


def _plain_tag(tag: re.Match[str]) -> str:
    text = re.sub(r"(\d\.\d\d)\d+", r"\1", tag[0])  # hundredths of a point
    text = re.sub(r" transform=\"rotate\(-0 [^\"]+\"", "", text)
    text = re.sub(r" font-family: [^;\"]+;?", "", text)
    text = re.sub(r"font: (\d+(?:\.\d+)?)px [^;\"]+", r"font-size: \1px", text)
    for role, color in COLORS.items():
        text = text.replace(color, f"var(--{role}, {color})")
    return text


def label(text: object, limit: int = 40) -> str:
    """Return a name as one short line of a page or a picture."""
    name = printable(str(text), JOINERS)
    return name if len(name) <= limit else f"{name[: limit - 1]}…"


def shown(value: object) -> str:
    """Return a value for people: a number with four digits, nothing for None.

    >>> shown(0.123456), shown(12), shown(1234567), shown(None), shown(1e-7), shown(0.0)
    ('0.1235', '12', '1,234,567', '', '1e-07', '0')
    """
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return label(value, MAX_TEXT)
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.4f}" if 0.00005 <= abs(value) < 100 else f"{value:,.4g}"


def data_table(rows: Sequence[Row]) -> str:
    """Return a table; each number is rounded for the eye, and exact in its ``data`` element.

    >>> data_table([{"metric": "ndcg@10", "value": 1 / 3}])[-91:]
    '<td class="number"><data value="0.3333333333333333">0.3333</data></td></tr></tbody></table>'
    """
    head = "".join(_heading(name, rows) for name in rows[0]) if rows else ""
    body = "".join(f"<tr>{''.join(map(_cell, row.values()))}</tr>" for row in rows[:MAX_ROWS])
    rest = f"<p>{MAX_ROWS} of {len(rows):,} rows</p>" if len(rows) > MAX_ROWS else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{rest}"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _heading(name: str, rows: Sequence[Row]) -> str:
    kind = ' class="number"' if any(_is_number(row[name]) for row in rows) else ""
    return f"<th{kind}>{html_text(shown(name))}</th>"


def _cell(value: object) -> str:
    if _is_number(value):
        return f'<td class="number"><data value="{value!r}">{shown(value)}</data></td>'
    return f"<td>{html_text(shown(value))}</td>"
