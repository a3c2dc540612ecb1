"""mlcore.report.page: a page that is whole by itself, whatever the texts."""

from __future__ import annotations

from mlcore.charts.chart import COLORS
from mlcore.report.page import Fact, Part, Table, render_page
from tests.report.reading import read_page

BAD = '"><img src=x onerror=alert(1)>&lt;\u202e\x00\x1b]0;' + "w" * 5000
SHOWN = '"><img src=x onerror=alert(1)>&lt;\\u202e\\x00\\x1b]0;' + "w" * 5000
TABLE = Table(BAD, BAD, [{BAD: BAD, "n": 2.5}])


def test_every_text_is_shown_as_it_is() -> None:
    part = Part(BAD, BAD, [BAD, BAD], [Fact(BAD, BAD, BAD)], [TABLE], [BAD])
    page = read_page(render_page(BAD, [part, part], BAD))
    for tag in ("title", "h1", "dt", "h3", "footer", "small"):
        assert page.all(tag)[0].text == SHOWN, tag
    for tag in ("th", "td", "dd"):  # what columns have room for
        assert page.all(tag)[0].text.startswith(f"{SHOWN[:299]}\u2026"), tag
    assert [one.text for one in page.all("p", "verdict")] == [SHOWN] * 2
    assert page.all("p", "left-out")[0].text == SHOWN
    assert page.all("p", "kind")[0].text == f"{SHOWN} \u00b7 {SHOWN}"
    assert page.numbers() == [2.5, 2.5]


def test_a_table_without_rows_says_so() -> None:
    assert read_page(Table("t", "s", []).html("c")).all("p")[1].text == "none"


def test_the_style_has_every_color_in_light_dark_and_print() -> None:
    (style,) = read_page(render_page("t", [], "m")).all("style")
    for role, color in COLORS.items():
        assert style.text.count(f"--{role}:") == 3
        assert style.text.count(f"--{role}:{color};") == 2  # dark has another


def test_a_page_refuses_to_load_anything() -> None:
    policy = read_page(render_page("t", [], "m")).all("meta")[2].attributes
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"
