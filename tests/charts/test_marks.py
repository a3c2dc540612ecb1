"""mlcore.charts.marks: what stands on the axes, as matplotlib has it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from mlcore.charts.chart import COLORS, SERIES, Chart
from mlcore.charts.marks import (
    Interval,
    draw_bars,
    draw_columns,
    draw_dots,
    draw_line,
    draw_lines,
    draw_parts,
    draw_points,
    draw_search,
    draw_steps,
    draw_strips,
    label,
)

pytestmark = pytest.mark.matplotlib


def axes_of(draw: Callable[[Any], None]) -> Any:
    figure = Chart("", "", [], draw).figure()
    figure.draw_without_rendering()
    return figure.axes[0]


def names_of(axis: Any) -> list[str]:
    return [text.get_text() for text in axis.get_ticklabels()]


def test_a_label_is_one_short_line() -> None:
    assert label("a\nb") == r"a\nb"
    assert label("x" * 41) == "x" * 39 + "\u2026"


def test_lines_have_their_names_at_their_ends_apart_and_bands_where_all_is_known() -> None:
    series = {"ndcg": [0.25, 0.5], "mrr": [0.25, 0.5], "map": [0.0, 1.0]}
    bands: dict[str, list[Interval]] = {"ndcg": [(0.2, 0.3), (0.4, 0.6)], "map": [None, (0, 1)]}
    axes = axes_of(partial(draw_lines, x=[5, 10], series=series, bands=bands, x_label="n"))
    assert [list(line.get_ydata()) for line in axes.lines] == list(series.values())
    assert [text.get_text() for text in axes.texts] == list(series)
    ends = sorted(text.xy[1] for text in axes.texts)
    assert min(b - a for a, b in zip(ends, ends[1:])) > 0.07
    assert len(axes.collections) == 1
    assert names_of(axes.xaxis) == ["5", "10"]


def test_dots_stand_from_the_top_with_their_intervals() -> None:
    draw = partial(
        draw_dots, names=["a", "b"], values=[0.5, 0.75], intervals=[(0.4, 0.6), None], x_label="x"
    )
    axes = axes_of(partial(draw, reference=0.6))
    assert [list(line.get_xdata()) for line in axes.lines] == [
        [0.6, 0.6],
        [0.4, 0.6],
        [0.5],
        [0.75],
    ]
    assert names_of(axes.yaxis) == ["a", "b"]
    bottom, top = axes.get_ylim()
    assert bottom > top and axes.get_xlim()[0] == 0
    below = axes_of(partial(draw_dots, names=["a"], values=[-1], intervals=[None], x_label=""))
    assert below.get_xlim()[0] < -1


def test_parts_are_laid_end_to_end() -> None:
    parts = {"better": [1, 2], "worse": [3, 4]}
    axes = axes_of(
        partial(draw_parts, names=["a", "b"], parts=parts, colors=SERIES, x_label="users")
    )
    assert [(bar.get_x(), bar.get_width()) for bar in axes.patches] == [
        (0, 1),
        (0, 2),
        (1, 3),
        (2, 4),
    ]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == list(parts)


@pytest.mark.parametrize("stacked", [False, True])
def test_columns_of_one_name_stand_side_by_side_or_in_one_place(stacked: bool) -> None:
    names = [str(n) for n in range(30)]
    series = {"a": [1] * 30, "b": [-2] * 30}
    draw = partial(draw_columns, names=names, series=series, colors=SERIES, x_label="", y_label="")
    axes = axes_of(partial(draw, stacked=stacked))
    first, second = axes.patches[0], axes.patches[30]
    assert (first.get_height(), second.get_height()) == (1, -2)
    centers = [bar.get_x() + bar.get_width() / 2 for bar in (first, second)]
    assert centers == pytest.approx([0, 0] if stacked else [-0.2, 0.2])
    assert names_of(axes.xaxis) == names[::3]  # as many as fit


def test_points_show_the_best_one() -> None:
    axes = axes_of(partial(draw_points, x=[1, 2, 3], y=[0.1, 0.3, 0.2], x_label="", y_label=""))
    best = axes.lines[-1]
    assert (list(best.get_xdata()), best.get_color()) == ([2], COLORS["series-2"])


def test_a_line_may_be_on_scales_that_multiply_unless_something_is_0() -> None:
    draw = partial(draw_line, x=[1, 2, 4], x_label="", y_label="", logarithmic=True)
    axes = axes_of(partial(draw, y=[30, 20, 7]))
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert "20" in names_of(axes.yaxis)
    assert axes_of(partial(draw, y=[30, 20, 0])).get_yscale() == "linear"


def test_steps_go_from_edge_to_edge() -> None:
    draw = partial(draw_steps, edges=[0, 1, 3], heights=[5, 2], color=SERIES[0], x_label="")
    axes = axes_of(partial(draw, y_label=""))
    assert [(bar.get_x(), bar.get_width(), bar.get_height()) for bar in axes.patches] == [
        (0, 1, 5),
        (1, 2, 2),
    ]


def test_points_over_orders_of_magnitude_stand_on_a_scale_that_multiplies() -> None:
    draw = partial(draw_points, y=[1, 2], x_label="", y_label="")
    assert axes_of(partial(draw, x=[1, 100])).get_xscale() == "log"
    assert axes_of(partial(draw, x=[1, 10])).get_xscale() == "linear"


def test_strips_and_bars_have_their_names_from_the_top() -> None:
    axes = axes_of(partial(draw_strips, names=[*"aba"], values=[1, 2, 3], x_label=""))
    assert (names_of(axes.yaxis), list(axes.lines[0].get_ydata())) == (["a", "b"], [0, 1, 0])
    axes = axes_of(partial(draw_bars, names=[*"ab"], values=[0.5, 0.25], x_label=""))
    assert [bar.get_width() for bar in axes.patches] == [0.5, 0.25]


def test_a_search_has_dots_steps_and_the_line_of_the_default() -> None:
    draw = partial(draw_search, x=[0, 2], y=[2, 1], best=[2, 2], x_label="", y_label="")
    lines = axes_of(partial(draw, reference=2)).lines
    assert [list(line.get_ydata()) for line in lines] == [[2, 2], [2, 2], [2, 1]]
    assert len(axes_of(partial(draw, reference=None)).lines) == 2
