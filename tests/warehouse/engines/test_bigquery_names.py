"""Names, labels and prices of BigQuery."""

from __future__ import annotations

import pytest

from mlcore.warehouse.engines.bigquery import BigQuery
from mlcore.warehouse.engines.bigquery_names import billed_bytes, check_table, price_words
from tests.warehouse.engines.bigquery_cases import COPY_USERS, USER, refusal
from tests.warehouse.fake_bigquery import FakeBigQuery


@pytest.mark.parametrize(
    "name",
    [
        *["events", "a.b.c.d", "shop.", ".events", "shop.ev`ents", "shop.events; DROP TABLE x"],
        *[
            "shop.'events",
            "shop.events*",
            "shop.events$20260101",
            "sh op.events",
            "shop.ev\\ents",
            "",
        ],
    ],
)
def test_what_is_no_name_of_a_table_never_reaches_bigquery(
    fake: FakeBigQuery, engine: BigQuery, name: str
) -> None:
    for work in (
        lambda: engine.attach("events", [USER], name),
        lambda: engine.store(COPY_USERS, {}, name),
    ):
        assert "expected DATASET.TABLE or PROJECT.DATASET.TABLE, got" in str(refusal(work))
    assert fake.requests == []


@pytest.mark.parametrize(
    "name", ["shop.events", "my-project.shop.events", "a.com:b.shop.täg lich-1"]
)
def test_names_of_tables_may_be_what_bigquery_allows(name: str) -> None:
    check_table(name)


def test_the_price_is_that_of_the_bytes_but_of_10_mib_for_each_table() -> None:
    # 1.23 GiB at 6.25 dollars for 1024 GiB: 1.23 / 1024 * 6.25 = 0.00751 dollars, rounded up.
    assert price_words(int(1.23 * 2**30), 1, 6.25) == (
        "would process 1.2 GiB, at most $0.0076 on demand "
        "($6.25 per TiB beyond the free one of each month; at least 10 MiB for each table)"
    )
    assert billed_bytes(0, 3) == 30 * 2**20 and billed_bytes(0, 0) == 10 * 2**20
    assert billed_bytes(10 * 2**20 + 1, 1) == 11 * 2**20
    assert "at most $12.0000 on demand ($12 per TiB" in price_words(2**40, 1, 12.0)
