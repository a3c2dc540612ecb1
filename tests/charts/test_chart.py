"""mlcore.charts.chart: what a chart is on a page, in a notebook, and without matplotlib."""

from __future__ import annotations

import re
import sys
from functools import partial

import pytest

from mlcore import MlcoreError
from mlcore.charts.chart import COLORS, MAX_ROWS, Chart, Charts, data_table, shown, with_charts
from mlcore.charts.marks import draw_dots
from tests.report.reading import read_page

BAD = "<script>alert('&')</script> $x_1$ \u202e\x1b[2J \u65e5\u672c"
ROWS = [{"name": BAD, "value": 1 / 3, "low": None}]
DRAW = partial(draw_dots, names=[BAD], values=[1 / 3], intervals=[(0.25, 0.5)], x_label=BAD)
CHART = Chart(BAD, BAD, ROWS, DRAW)
SHOWN = r"<script>alert('&')</script> $x_1$ \u202e\x1b[2J " + "\u65e5\u672c"


@pytest.mark.matplotlib
def test_a_chart_has_title_picture_sentence_and_numbers_whatever_the_names() -> None:
    page = read_page(CHART.html("c1"))
    assert page.block(SHOWN).all("figcaption")[0].text == SHOWN
    assert [cell.text for cell in page.all("td")] == [SHOWN, "0.3333", ""]
    assert page.numbers() == [1 / 3]
    texts = [one.text.strip() for one in page.all("text")]
    assert {f"{SHOWN[:39]}\u2026", SHOWN} <= set(texts)  # as text, not as an outline
    raw = Chart("", "", [], lambda axes: axes.set_title(f"{BAD}-->")).html("c1")
    assert [one.text.strip() for one in read_page(raw).all("text")][-1] == f"{SHOWN}-->"


@pytest.mark.matplotlib
def test_a_picture_has_the_colors_of_the_page_and_the_same_bytes_each_time() -> None:
    svg = CHART.svg("c1")
    assert svg == CHART.svg("c1")
    tiny = Chart("", "", [], lambda axes: axes.set_title("0.00001 #0068a8")).svg()
    assert ">0.00001 #0068a8</text>" in tiny  # what is text stays
    bare = re.sub(r"var\(--[\w-]+, #[0-9a-f]{6}\)", "", svg)
    assert not re.search("#[0-9a-f]{6}", bare)
    assert f"var(--series-1, {COLORS['series-1']})" in svg
    ids = set(re.findall(r'id="([^"]+)"', svg))
    assert ids and all(one.startswith("c1-") for one in ids)
    assert not re.search("<metadata|<style|xlink|font-family|DejaVu|date", svg)


@pytest.mark.matplotlib
def test_a_figure_is_one_of_matplotlib() -> None:
    (axes,) = CHART.figure().axes
    assert axes.lines[-1].get_xdata() == [1 / 3]


@pytest.mark.matplotlib
def test_a_notebook_shows_all_charts() -> None:
    page = read_page(Charts([CHART, CHART])._repr_html_())
    assert len(page.all("svg")) == 2
    assert read_page(CHART._repr_html_()).all("figure")
    assert with_charts("<p></p>", lambda: Charts([CHART])).startswith("<p></p><div ")


def test_without_matplotlib_there_are_tables_and_an_error_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MlcoreError, match="^matplotlib: expected to be installed, got: ") as caught:
        CHART.figure()
    assert caught.value.hint == "charts need the extra `report`: pip install 'mlcore[report]'"
    with pytest.raises(MlcoreError):
        Charts().checked()
    assert with_charts("<p></p>", lambda: Charts([CHART]).checked()) == "<p></p>"


def test_numbers_are_rounded_for_the_eye_and_kept_exact() -> None:
    assert [shown(n) for n in (True, -0.25, 123.456, 12345.6, 1e300)] == [
        *("True", "-0.2500", "123.5", "1.235e+04", "1e+300")
    ]
    assert data_table([]) == "<table><thead><tr></tr></thead><tbody></tbody></table>"
    assert read_page(data_table([{"n": -1e-17}])).numbers() == [-1e-17]


def test_a_long_table_says_how_much_it_leaves_out() -> None:
    page = read_page(data_table([{"n": n} for n in range(MAX_ROWS + 1)]))
    assert page.numbers() == list(range(MAX_ROWS)) and page.text.endswith("500 of 501 rows")


def test_no_two_roles_share_a_color() -> None:
    assert len(set(COLORS.values())) == len(COLORS)
