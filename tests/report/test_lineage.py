"""mlcore.report.lineage: runs and sources as a graph."""

from __future__ import annotations

from typing import Any

from mlcore.report.lineage import MAX_STEPS, LineageGraph
from tests.report.reading import Element, read_page

BAD = "<b>\u202e" + "x" * 99


def step(line: int, name: str, inputs: list[str], made_by: list[int | None]) -> dict[str, Any]:
    record = {
        **{"command": name, "engine": None, "created_at": "2026-01-01T00:00:00Z"},
        "inputs": [{"role": "in", "file": one, "stored": None, "format": "csv"} for one in inputs],
        "output": {"role": "out", "file": f"{name}.csv", "stored": None},
    }
    return {"line": line, "record": record, "made_by": made_by}


def graph(*steps: dict[str, Any]) -> Element:
    return read_page(LineageGraph(steps).html("c"))


def places(page: Element) -> list[tuple[str, int]]:
    """Each box: its kind, and the column it is in."""
    columns = sorted({int(one.attributes["x"]) for one in page.all("rect")})
    return [
        (one.attributes["class"], columns.index(int(one.attributes["x"])))
        for one in page.all("rect")
    ]


def test_runs_go_from_sources_on_the_left_to_the_file_on_the_right() -> None:
    page = graph(
        step(3, "train", ["split.csv", "items.csv"], [2, None]),
        step(2, "split", ["clean.csv"], [1]),
        step(1, "clean", ["events.csv"], [None]),
    )
    assert places(page) == [
        *[("run", 3), ("source", 2), ("run", 2), ("run", 1), ("source", 0)],
    ]
    assert len(page.all("path", "arrow")) == 4
    assert [one.text for one in page.all("text", "strong")] == ["train", "split", "clean"]


def test_an_input_of_two_runs_is_one_box_before_both() -> None:
    page = graph(
        step(3, "join", ["a.csv", "b.csv"], [2, 1]),
        step(2, "a", ["b.csv"], [1]),
        step(1, "b", ["raw.csv"], [None]),
    )
    assert places(page) == [("run", 3), ("run", 2), ("run", 1), ("source", 0)]


def test_names_of_others_are_text_and_short() -> None:
    page = graph(step(1, BAD, [BAD], [None]))
    for one in page.all("text"):
        assert one.text.startswith(("<b>\\u202exxx", "csv", "2026")) and len(one.text) <= 25


def test_a_file_made_each_day_from_that_of_the_day_before_is_cut() -> None:
    steps = [step(n, "day", ["day.csv"], [n - 1]) for n in range(500, 0, -1)]
    assert len(graph(*steps).all("rect", "run")) == MAX_STEPS
