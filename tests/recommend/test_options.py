"""mlcore.recommend.options: what a prediction may be asked for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from mlcore import ConfigError
from mlcore.recommend.options import PredictOptions, Requests


@pytest.mark.parametrize("top_n", [0, -3])
def test_lists_of_no_items_are_refused(top_n: int) -> None:
    with pytest.raises(ConfigError) as caught:
        PredictOptions(top_n=top_n)
    assert str(caught.value) == f"top_n: expected an integer >= 1, got {top_n}"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unknown_user": "ignore"}, "unknown_user: expected 'error' or 'skip' or 'fill', got 'ignore'"),
        ({"weights": "raw"}, "weights: expected 'events' or 'final', got 'raw'"),
        ({"fill": "random"}, "fill: expected 'popularity' or null, got 'random'"),
        ({"now": 0}, "now: expected a text as in the command, got 0"),
        ({"now": datetime(2026, 1, 1)}, "now: expected a text as in the command, got datetime.datetime(2026"),
    ],
)  # fmt: skip
def test_another_value_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        PredictOptions(**options)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("requests", "got"),
    [({}, "none"), ({"all_users": True, "users_path": "u.csv"}, "2")],
)
def test_requests_are_for_one_kind_of_users(requests: dict[str, Any], got: str) -> None:
    with pytest.raises(ConfigError, match=f"^requests: expected one of all_users, .*, got {got}$"):
        Requests(**requests).check()
