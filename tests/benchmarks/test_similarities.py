"""benchmarks.similarities: the table and the plot of the page are those of the record."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from benchmarks import similarities
from benchmarks.defaults import synthetic
from mlcore import TrainConfig
from mlcore.similarity.registry import SIMILARITIES

RECORD: dict[str, Any] = json.loads(similarities.RECORD.read_text("utf-8"))


def of(**values: float | str) -> dict[str, Any]:
    """One set of a record: a metric, or why there is none."""
    names = similarities.configurations()
    results: dict[str, Any] = {name: {"ndcg@10": 0.1} for name in names}
    results |= {
        name: {"ndcg@10": value} if isinstance(value, float) else value
        for name, value in values.items()
    }
    return {"real": True, "sizes": [1, 1, 1], "results": results}


def test_every_similarity_and_the_default_are_measured() -> None:
    names = similarities.configurations()
    assert set(SIMILARITIES) < set(names)
    assert TrainConfig.from_json(names["rp3beta"]) == TrainConfig()
    for of_set in RECORD["sets"].values():
        assert set(of_set["results"]) == set(names)


def test_shares_are_of_the_best_of_each_set_and_gaps_have_no_mean() -> None:
    document = {"sets": {"a": of(cosine=0.4, ease="too large"), "b": of(cosine=0.05, ease=0.2)}}
    lines = similarities.make_table(document).splitlines()
    assert lines[0] == "|  | a | b | mean | worst |"
    assert "| cosine | 1.00 | 0.25 | 0.62 | 0.25 |" in lines
    assert "| dot | 0.25 | 0.50 | 0.38 | 0.25 |" in lines
    assert lines[-2] == "| ease |  | 1.00 |  |  |"
    assert lines[-1] == "| best NDCG@10 | 0.4000 | 0.2000 |  |  |"


def test_the_page_shows_the_record() -> None:
    page = similarities.PAGE.read_text("utf-8")
    assert similarities.make_page(page, RECORD) == page
    plot = similarities.make_plot(RECORD)
    assert similarities.PLOT.read_text("utf-8") == plot
    dots = [node for node in ET.fromstring(plot).iter() if node.tag.endswith("circle")]
    measured = [
        found
        for of_set in RECORD["sets"].values()
        for found in of_set["results"].values()
        if isinstance(found, dict)
    ]
    legend = sum(of_set["real"] for of_set in RECORD["sets"].values()) + 1
    assert len(dots) == len(measured) + legend


@pytest.mark.parametrize("name", ["rp3beta", "popular items", "cosine, tf_idf"])
def test_the_record_is_what_is_measured(name: str) -> None:
    found = similarities.measure_one(name, synthetic("tiny"))
    recorded = RECORD["sets"]["tiny"]["results"][name]
    assert isinstance(found, dict)
    assert {key: found[key] for key in ("ndcg@10", "recall@20")} == pytest.approx(
        {key: recorded[key] for key in ("ndcg@10", "recall@20")}, rel=1e-12
    )
