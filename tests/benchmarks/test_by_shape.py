"""benchmarks.by_shape: a column for each shape, a row for each contestant of any."""

from __future__ import annotations

import pytest

from benchmarks.by_shape import make_shapes_table
from mlcore.errors import DataError
from tests.benchmarks.figures import TRAIN, results_of, train_of


def test_a_table_has_a_column_for_each_shape() -> None:
    other = train_of(cosine=results_of(mlcore=[0.5], sparse_dot_topn=[2.0]))
    figures = {"20m/train": TRAIN, "dense/train": other, "load/load": {}}
    assert make_shapes_table(figures, "train", "cosine").splitlines() == [
        "|  | dense | 20m |",
        "|---|---:|---:|",
        "| mlcore | 0.500 (5) | 2.00 (10) |",
        "| sparse dot topn | 2.00 (20) |  |",
        "| implicit |  | 8.00 (25) |",
        "| similaripy |  | 5.00 (40) |",
        "| mlcore on numpy + scipy |  | 4.00 (40) |",
    ]
    assert "| items | 1,234 | 1,234 |" in make_shapes_table(figures, "train", "data")
    lists = {"1m/recommend": {"data": {"users": 3000}, "results": results_of(mlcore=[2.0])}}
    assert "| mlcore | 1,500 (20) |" in make_shapes_table(lists, "recommend", "")


def test_a_shape_without_the_variant_has_no_column() -> None:
    figures = {"1m/train": TRAIN, "20m/train": train_of()}
    assert make_shapes_table(figures, "train", "cosine").startswith("|  | 1m |\n")
    with pytest.raises(DataError, match=r"^\*/train: expected figures of 'sine', got none$"):
        make_shapes_table(figures, "train", "sine")
