"""mlcore.report.comparison: the sentence to act on, first."""

from __future__ import annotations

from mlcore.evaluate import compare_from_data
from mlcore.evaluate.config import CompareConfig
from mlcore.report.comparison import COMPARISON, report_comparison
from mlcore.report.page import Table
from mlcore.report.shapes import check_shape
from tests.charts.test_comparison import COMPARISON as DOCUMENT

LISTS = {"u": ["b"], "v": ["a"]}, {"u": ["a"], "v": ["a"]}


def test_what_compare_writes_has_the_shape_and_its_conclusion_comes_first() -> None:
    config = CompareConfig(fail_if_worse=["recall@1"], rounds=99)
    found = compare_from_data(*LISTS, {"u": ["a"], "v": ["a"]}, [1], config)
    document = found.to_json()
    check_shape(document, COMPARISON, "a")
    part = report_comparison(document, "a", {"a": "Apple"})
    assert part.verdict == [*found.conclusions(), "The gate passed."]
    facts = {fact.name: fact.value for fact in part.facts}
    assert (facts["recall@1, baseline"], facts["difference"]) == (0.5, 0.5)
    tables = [block for block in part.blocks if isinstance(block, Table)]
    assert [len(table.rows) for table in tables] == [1, 2]
    assert {row["item"] for row in tables[1].rows} == {"Apple", "b"}
    assert part.left_out == []


def test_a_comparison_of_an_older_version_says_what_it_lacks() -> None:
    check_shape(DOCUMENT, COMPARISON, "a")
    part = report_comparison(DOCUMENT, "a", {})
    assert part.verdict == DOCUMENT["conclusions"] and len(part.left_out) == 1


def test_a_failed_gate_is_said() -> None:
    gate = {"passed": False, "faults": ["ndcg@10: expected"]}
    assert report_comparison(DOCUMENT | {"gate": gate}, "a", {}).verdict[1] == "The gate failed."
