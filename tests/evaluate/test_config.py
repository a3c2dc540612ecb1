"""mlcore.evaluate.config: the names it lists without numpy are those there is code for."""

from mlcore.evaluate.config import METRIC_NAMES
from mlcore.evaluate.metrics import USER_METRICS


def test_every_metric_of_users_has_its_name() -> None:
    assert METRIC_NAMES == tuple(USER_METRICS)
