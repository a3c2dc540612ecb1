"""A plot of the training kernels as SVG: how many times as long the fastest peer takes, by shape."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from benchmarks.by_shape import shapes_with
from benchmarks.goals import fastest_of, peers_of
from benchmarks.markdown import OURS, VARIANT_NAMES, Document

__all__ = ["VARIANTS", "make_plot"]

VARIANTS = ("cosine", "tf_idf", "bm25")
WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 64, 36  # margins around the bars
GAP = 0.25  # between groups of bars, of the width of a group
TITLE = "Training kernels: mlcore beside the fastest of implicit, similaripy and sparse_dot_topn"
UNIT = "times as fast as the fastest peer"
# Colours that can be told apart without seeing red or green, on white and on black.
STYLE = """
text { font: 12px sans-serif; fill: #24292f; }
.grid { stroke: #8c959f; stroke-opacity: 0.35; }
.one { stroke: #24292f; stroke-dasharray: 5 3; }
.cosine { fill: #0072b2; }
.tf_idf { fill: #e69f00; }
.bm25 { fill: #009e73; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .one { stroke: #e6edf3; }
}"""


class Bar(NamedTuple):
    """How many times as long the peer takes."""

    shape: str
    variant: str
    ratio: float
    peer: str


def make_plot(documents: Mapping[str, Document]) -> str | None:
    """Return the text of an SVG image, or None without figures of training.

    Args:
        documents: by the path of their files, without the ending: ``20m/train``.
    """
    shapes = shapes_with(documents, "train")
    bars = [bar for shape in shapes for bar in _bars(shape, documents[f"{shape}/train"])]
    if not bars:
        return None
    top = math.ceil(max(bar.ratio for bar in bars))
    scale = (HEIGHT - TOP - BOTTOM) / top  # pixels for a ratio of 1
    group = (WIDTH - LEFT - RIGHT) / len(shapes)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'role="img" aria-labelledby="title description">',
            f'<title id="title">{escape(TITLE)}</title>',
            f'<desc id="description">{escape(_describe(bars))}</desc>',
            f"<style>{STYLE}</style>",
            _text(WIDTH / 2, 18, TITLE, "middle"),
            *_legend(),
            *_axis(top, scale),
            *(_bar(bar, LEFT + group * shapes.index(bar.shape), group, scale) for bar in bars),
            *(
                _text(LEFT + group * (place + 0.5), HEIGHT - 12, shape, "middle")
                for place, shape in enumerate(shapes)
            ),
            _line("one", HEIGHT - BOTTOM - scale),
            "</svg>\n",
        ]
    )


def _bars(shape: str, document: Document) -> list[Bar]:
    bars = []
    for variant in VARIANTS:
        results = document["results"].get(variant, {})
        if peers_of(results):
            peer = fastest_of(results, peers_of(results))
            theirs, ours = (statistics.median(results[name]["seconds"]) for name in (peer, OURS))
            bars.append(Bar(shape, variant, theirs / ours, peer))
    return bars


def _describe(bars: list[Bar]) -> str:
    return f"{UNIT}: " + "; ".join(f"{_name(bar)} {bar.ratio:.2f}" for bar in bars)


def _name(bar: Bar) -> str:
    return f"{bar.shape}, {VARIANT_NAMES[bar.variant]}"


def _text(x: float, y: float, text: str, anchor: str = "start", more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'


def _line(kind: str, y: float) -> str:
    return f'<line class="{kind}" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.2f}" y2="{y:.2f}"/>'


def _legend() -> list[str]:
    parts = []
    for place, variant in enumerate(VARIANTS):
        x = LEFT + 100 * place
        parts += [
            f'<rect class="{variant}" x="{x}" y="32" width="12" height="12"/>',
            _text(x + 17, 42, VARIANT_NAMES[variant]),
        ]
    return [*parts, _text(WIDTH - RIGHT, 42, "dashed: as fast as the fastest peer", "end")]


def _axis(top: int, scale: float) -> list[str]:
    """Return at most about ten lines across, with their numbers, and what the numbers are."""
    base, middle = HEIGHT - BOTTOM, TOP + (HEIGHT - TOP - BOTTOM) / 2
    parts = [_text(14, middle, UNIT, "middle", f' transform="rotate(-90 14 {middle:.1f})"')]
    for ratio in range(0, top + 1, math.ceil(top / 10)):
        y = base - scale * ratio
        parts += [_line("grid", y), _text(LEFT - 6, y + 4, str(ratio), "end")]
    return parts


def _bar(bar: Bar, left: float, group: float, scale: float) -> str:
    width = group * (1 - GAP) / len(VARIANTS)
    x = left + group * GAP / 2 + width * VARIANTS.index(bar.variant)
    height = scale * bar.ratio
    y = HEIGHT - BOTTOM - height
    label = quoteattr(f"{_name(bar)}: {bar.ratio:.2f} x {bar.peer}")
    return (
        f'<g role="img" aria-label={label}><rect class="bar {bar.variant}" x="{x:.2f}" y="{y:.2f}" '
        f'width="{width - 2:.2f}" height="{height:.2f}"/>'
        f'{_text(x + width / 2 - 1, y - 4, f"{bar.ratio:.1f}", "middle")}</g>'
    )
