"""mlcore.split.config: what a split may be asked for."""

from __future__ import annotations

from typing import Any

import pytest

from mlcore.errors import ConfigError
from mlcore.split.config import STRATEGIES, SplitConfig
from mlcore.split.split import _TEST_MARKS


def test_every_strategy_has_its_code() -> None:
    assert set(STRATEGIES) == set(_TEST_MARKS)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"strategy": "oldest"}, "strategy: expected 'random' or 'last-n' or 'temporal' or 'user'"),
        (
            {"test_fraction": 1},
            "test_fraction: expected a finite number above 0 and below 1, got 1",
        ),
        ({"n": 0}, "n: expected an integer >= 1, got 0"),
        ({"strategy": "temporal", "cutoff": 1.5}, "cutoff: expected integer microseconds, got 1.5"),
        ({"cutoff": 1}, "cutoff: expected strategy 'temporal', got 'random'"),
    ],
)
def test_a_setting_that_breaks_its_rule_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SplitConfig(**settings)
    assert str(caught.value).startswith(message)
