"""Columns of Spark: types, SQL for stored columns, rows as tables of Arrow."""

from __future__ import annotations

import numpy as np
import pytest

from mlcore.errors import DataError
from mlcore.warehouse.engines.spark_columns import select_column, to_arrow, to_parts, type_of
from mlcore.warehouse.query import Column, SqlType


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("string", "STRING"),
        ("tinyint", "INT64"),
        ("bigint", "INT64"),
        ("float", "FLOAT64"),
        ("boolean", "BOOL"),
        ("decimal(9,2)", None),
        ("timestamp", None),
    ],
)
def test_a_type_of_spark_has_the_type_of_a_header_that_holds_it(
    found: str, expected: SqlType | None
) -> None:
    assert type_of(found) == expected


def test_a_stored_column_is_cast_and_a_missing_one_is_its_default() -> None:
    number = Column("x", "FLOAT64", nullable=True)
    assert select_column(number, {"x": "int"}, "t") == "CAST(`x` AS double) AS `x`"
    nullable, seven = Column("x", "BOOL", nullable=True), Column("x", "INT64", default=7.0)
    assert select_column(nullable, {}, "t") == "CAST(NULL AS boolean) AS `x`"
    assert select_column(seven, {}, "t") == "CAST(CAST('7.0' AS double) AS bigint) AS `x`"
    with pytest.raises(DataError, match="^t: x: expected INT64, got double$"):
        select_column(seven, {"x": "double"}, "t")


def test_rows_come_back_from_arrow_with_their_types() -> None:
    columns = [Column("n", "INT64", nullable=True), Column("b", "BOOL")]
    parts = [
        {"n": np.array([1, None], object), "b": np.array([True, False])},
        {"n": np.array([3]), "b": np.array([True])},
    ]
    (found,) = to_parts(columns, to_arrow("t", columns, parts).to_batches())
    assert found["n"].tolist() == [1, None, 3] and found["n"].dtype == object
    assert found["b"].tolist() == [True, False, True] and found["b"].dtype == bool
