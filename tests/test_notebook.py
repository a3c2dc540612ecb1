"""mlcore.notebook: tables that a notebook shows, with nothing in them that a page would run."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from mlcore import Interactions, Recommender, train_from_data
from mlcore.evaluate import compare_from_data, evaluate_from_data
from mlcore.evaluate.config import EvaluateConfig
from mlcore.notebook import SHOWN_ROWS, html_table
from mlcore.ranked_lists import Predictions
from tests.report.reading import read_page

BAD = "<script>alert('&')</script>"


def cells(page: str) -> tuple[str, list[list[str]], str]:
    """Caption, rows with the header, and the line below, as an XML parser reads them; charts come last."""
    table, div, charts = page.partition("<div")
    assert not charts or read_page(div + charts).all("figure")
    root = ElementTree.fromstring(f"<div>{table}</div>")
    assert {part.tag for part in root.iter()} <= {
        *("div", "table", "caption", "thead", "tbody", "tr", "th", "td", "p")
    }
    rows = [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]
    return root.findtext(".//caption") or "", rows, root.findtext("p") or ""


def test_names_and_values_are_shown_as_they_are() -> None:
    page = html_table(BAD, [{BAD: BAD, "x": 1 / 3, "n": None, "i": 7}], 1)
    assert cells(page) == (BAD, [[BAD, "x", "n", "i"], [BAD, "0.333333", "", "7"]], "")


@pytest.mark.parametrize("size", [0, 1, SHOWN_ROWS, SHOWN_ROWS + 1])
def test_only_the_first_rows_are_shown_and_the_others_counted(size: int) -> None:
    _, rows, below = cells(html_table("", [{"n": n} for n in range(size)], size))
    assert len(rows) == 1 + min(size, SHOWN_ROWS)
    assert below == (f"{SHOWN_ROWS} of {size} rows" if size > SHOWN_ROWS else "")


def test_every_result_has_a_short_repr_and_a_table() -> None:
    users = [f"u{n:02}" for n in range(30)]
    interactions = Interactions.from_columns(
        [*users, "u00"], [*[BAD] * 30, "b"], timestamps=[0] * 31
    )
    recommender = Recommender(train_from_data(interactions))
    many = recommender.predict_many(users, include_seen=True)
    lists = dict(zip(users, many))
    config = EvaluateConfig(confidence=0.9)
    evaluation = evaluate_from_data(lists, {"u00": ["b"]}, [1], extra_users="ignore", config=config)
    both = Predictions.from_lists(lists)
    comparison = compare_from_data(both, both, interactions, [1])
    shown: dict[str, Any] = {
        "Interactions(31 of 30 users and 2 items, with times)": interactions,
        "Model('rp3beta', 30 users, 2 items, 2 pairs)": recommender.model,
        f"Recommender({recommender.model!r})": recommender,
        "Evaluation(1 users, 6 metrics)": evaluation,
        "Comparison(30 users, ndcg@1 equal)": comparison,
    }
    for text, value in shown.items():
        assert repr(value) == text
        caption, rows, _ = cells(value._repr_html_())
        assert caption in text and len(rows) > 1
    assert repr(both) == "Predictions(30 lists of at most 2 items)"
    assert repr(recommender.model.items) == "IdMap(2 ids)"
    caption, rows, below = cells(interactions._repr_html_())
    assert rows[:3] == [
        ["user_id", "item_id", "weight", "timestamp"],
        ["u00", BAD, "1", "1970-01-01T00:00:00.000000Z"],
        ["u00", "b", "1", "1970-01-01T00:00:00.000000Z"],
    ]
    assert (rows[-1][0], below) == ("u18", f"{SHOWN_ROWS} of 31 rows")
    caption, rows, _ = cells(many[0]._repr_html_())
    assert caption == "2 for u00" and [row[1] for row in rows[1:]] == [
        found[0] for found in many[0]
    ]
    caption, rows, below = cells(many._repr_html_())
    num_rows = sum(map(len, many))
    assert caption == "30 lists" and below == f"{SHOWN_ROWS} of {num_rows} rows"
    assert cells(recommender.similar_items("b")._repr_html_())[0] == "1 items"


def test_no_user_has_no_rows() -> None:
    interactions = Interactions(
        ["u"], ["a"], train_from_data(Interactions.from_columns(["u"], ["a"])).similarity
    )
    assert np.diff(interactions.user_items.indptr).tolist() == [0]
    assert cells(interactions._repr_html_())[1] == [[]]
