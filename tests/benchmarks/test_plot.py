"""benchmarks.plot: the image is XML, and its bars are as high as the ratios are great."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from benchmarks.plot import make_plot
from tests.benchmarks.figures import TRAIN, results_of, train_of

SVG = "{http://www.w3.org/2000/svg}"
FIGURES = {
    "20m/train": TRAIN,  # cosine, 5 over 2
    "shop/train": train_of(
        cosine=results_of(mlcore=[4.0], similaripy=[2.0]),
        tf_idf=results_of(mlcore=[1.0], similaripy=[3.0], implicit=[9.0]),
        bm25=results_of(mlcore=[1.0], implicit=[6.4]),
        jaccard=results_of(mlcore=[1.0], similaripy=[99.0]),
    ),
}
RATIOS = {
    "shop, cosine: 0.50 x similaripy": 0.5,
    "shop, TF-IDF: 3.00 x similaripy": 3,
    "shop, BM25: 6.40 x implicit": 6.4,
    "20m, cosine: 2.50 x similaripy": 2.5,
}


@pytest.fixture(scope="module")
def image() -> ElementTree.Element:
    plot = make_plot(FIGURES)
    assert plot is not None
    return ElementTree.fromstring(plot)


def number(element: ElementTree.Element, name: str) -> float:
    return float(element.attrib[name])


def test_bars_are_as_high_as_the_ratios_are_great(image: ElementTree.Element) -> None:
    groups = {group.attrib["aria-label"]: group for group in image.iter(f"{SVG}g")}
    assert list(groups) == list(RATIOS)
    bars = [next(group.iter(f"{SVG}rect")) for group in groups.values()]
    (one,) = [line for line in image.iter(f"{SVG}line") if line.attrib["class"] == "one"]
    grid = [number(line, "y1") for line in image.iter(f"{SVG}line") if line is not one]
    base = max(grid)
    scale = base - number(one, "y1")  # of a ratio of 1
    assert min(grid) == pytest.approx(base - 7 * scale, abs=0.05)
    for bar, ratio in zip(bars, RATIOS.values(), strict=True):
        assert number(bar, "height") == pytest.approx(scale * ratio, abs=0.05)
        assert number(bar, "y") + number(bar, "height") == pytest.approx(base, abs=0.05)
    ends = [(number(bar, "x"), number(bar, "x") + number(bar, "width")) for bar in bars]
    assert all(end < begin for (_, end), (begin, _) in zip(ends, ends[1:]))
    shown = [next(group.iter(f"{SVG}text")).text for group in groups.values()]
    assert shown == ["0.5", "3.0", "6.4", "2.5"]


def test_everything_is_inside_and_has_a_name(image: ElementTree.Element) -> None:
    _, _, width, height = map(float, image.attrib["viewBox"].split())
    for element in image.iter():
        for name, limit in (("x", width), ("x1", width), ("x2", width), ("y", height)):
            assert 0 <= float(element.attrib.get(name, 0)) <= limit
    assert image.attrib["role"] == "img"
    names = {element.attrib.get("id"): element for element in image.iter()}
    for name in image.attrib["aria-labelledby"].split():
        assert names[name].text
    texts = [element.text for element in image.iter(f"{SVG}text")]
    for text in ("shop", "20m", "cosine", "TF-IDF", "BM25", "times as fast as the fastest peer"):
        assert texts.count(text) == 1
    assert "prefers-color-scheme: dark" in (image.findtext(f"{SVG}style") or "")


def test_without_figures_of_training_there_is_no_image() -> None:
    assert make_plot({"1m/recommend": {}}) is None
    assert make_plot({"1m/train": train_of()}) is None
