"""mlcore.aggregate: every name is one that events take."""

import pytest

from mlcore.aggregate import AGGREGATES, Aggregate
from mlcore.interactions import Events, Interactions


@pytest.mark.parametrize("how", AGGREGATES)
def test_events_take_every_name(how: Aggregate) -> None:
    one = Interactions.from_columns(["u"], ["a"], [2.0], [7])
    matrix = one.user_items
    events = Events(
        one.user_ids, one.item_ids, matrix.indices, matrix.indices, matrix.data, one.timestamps
    )
    assert events.aggregate(how).user_items.data.tolist() == [1.0 if how == "count" else 2.0]
