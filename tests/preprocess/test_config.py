"""mlcore.preprocess.config: the names it lists without numpy are those there is code for."""

from mlcore.numeric import pairs
from mlcore.preprocess.config import AGGREGATES


def test_every_aggregate_of_events_may_be_asked_for() -> None:
    assert AGGREGATES == pairs.AGGREGATES
