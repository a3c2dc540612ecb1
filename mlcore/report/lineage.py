"""The lineage of a file as a graph: its sources on the left, then each run, then what it made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlcore.charts.marks import label
from mlcore.printable import html_text

__all__ = ["LineageGraph"]

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y = 172, 58, 44, 16
MAX_STEPS = 60  # nearest to the file; more would be no picture


@dataclass(frozen=True)
class _Node:
    title: str
    lines: Sequence[str]
    column: int
    row: int

    @property
    def x(self) -> int:
        return self.column * (_WIDTH + _GAP_X)

    @property
    def y(self) -> int:
        return self.row * (_HEIGHT + _GAP_Y)


@dataclass(frozen=True)
class LineageGraph:
    """What led to a file.

    Attributes:
        steps: as ``cli.lineage --json`` gives them: the run that made the file, then those before it.
    """

    steps: Sequence[Mapping[str, Any]]

    def html(self, name: str) -> str:
        """Return it as HTML."""
        nodes, arrows = _laid_out(self.steps[:MAX_STEPS])
        width = max(node.x for node in nodes) + _WIDTH
        height = max(node.y for node in nodes) + _HEIGHT
        marks = "".join(map(_arrow, arrows)) + "".join(map(_box, nodes))
        sentence = "Each box is a run and the file that it made, with the time of its end; pale boxes are sources."
        return (
            '<figure class="wide"><h3>Lineage</h3><div class="graph">'
            f'<svg class="lineage" role="img" aria-label="Lineage" width="{width + 2}" height="{height + 2}" '
            f'viewBox="-1 -1 {width + 2} {height + 2}">{marks}</svg></div>'
            f"<figcaption>{html_text(sentence)}</figcaption></figure>"
        )


def _laid_out(
    steps: Sequence[Mapping[str, Any]],
) -> tuple[list[_Node], list[tuple[_Node, _Node]]]:
    """Return a box for each run and each source, in columns by how far they are from the file, and arrows."""
    distance = {step["line"]: 0 for step in steps}
    for step in steps:  # the run that made an input comes later in the list
        for line in step["made_by"]:
            if line in distance:
                distance[line] = max(distance[line], distance[step["line"]] + 1)
    boxes: list[tuple[Any, int, str, list[str]]] = []  # key, distance, title, lines
    edges: list[tuple[Any, Any]] = []
    for step in steps:
        record, key = step["record"], step["line"]
        boxes.append(
            (key, distance[key], _title(record), [_name(record["output"]), record["created_at"]])
        )
        for data, line in zip(record["inputs"], step["made_by"]):
            source = line if line in distance else ("source", _name(data), data.get("sha256"))
            edges.append((source, key))
            if source is not line and source not in {box[0] for box in boxes}:
                boxes.append(
                    (source, distance[key] + 1, "", [_name(data), data.get("format") or ""])
                )
    last = max(box[1] for box in boxes)
    rows: dict[int, int] = {}
    nodes: dict[Any, _Node] = {}
    for key, far, title, lines in boxes:
        nodes[key] = _Node(title, lines, last - far, rows.get(far, 0))
        rows[far] = rows.get(far, 0) + 1
    return [*nodes.values()], [(nodes[a], nodes[b]) for a, b in edges]


def _title(record: Mapping[str, Any]) -> str:
    title = record.get("command") or f"run_sql {record.get('query', '')}"
    engine = record.get("engine")
    return f"{title} by {engine}" if engine else str(title)


def _name(data: Mapping[str, Any]) -> str:
    return str(data.get("file") or data.get("stored") or data.get("role") or "standard input")


def _box(node: _Node) -> str:
    kind = "run" if node.title else "source"
    texts = [*([node.title] if node.title else []), *node.lines]
    shown = "".join(
        f'<text x="{node.x + 10}" y="{node.y + 18 + 15 * n}"{_style(n, node)}>{html_text(label(text, 25))}</text>'
        for n, text in enumerate(texts)
    )
    return f'<rect class="{kind}" x="{node.x}" y="{node.y}" width="{_WIDTH}" height="{_HEIGHT}" rx="5"/>{shown}'


def _style(line: int, node: _Node) -> str:
    return ' class="strong"' if line == 0 and node.title else ""


def _arrow(ends: tuple[_Node, _Node]) -> str:
    start, end = ends
    x0, y0 = start.x + _WIDTH, start.y + _HEIGHT // 2
    x1, y1 = end.x, end.y + _HEIGHT // 2
    bend = _GAP_X // 2
    return (
        f'<path class="arrow" d="M{x0} {y0}C{x0 + bend} {y0} {x1 - bend} {y1} {x1 - 5} {y1}"/>'
        f'<path class="tip" d="M{x1} {y1}l-7 -4v8z"/>'
    )
