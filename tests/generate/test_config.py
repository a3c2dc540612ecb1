"""mlcore.generate.config: the range of skew is the one that data can be generated with."""

from __future__ import annotations

import pytest

from mlcore.errors import ConfigError
from mlcore.generate import generate_interactions
from mlcore.generate.config import DEFAULT_SKEW, MAX_SKEW


def test_the_default_is_in_the_range() -> None:
    data = generate_interactions(20, 10, 60, seed=0)
    assert data == generate_interactions(20, 10, 60, seed=0, skew=DEFAULT_SKEW)
    assert data != generate_interactions(20, 10, 60, seed=0, skew=MAX_SKEW)


@pytest.mark.parametrize("skew", [-1, MAX_SKEW + 1])
def test_skew_outside_the_range_is_refused(skew: int) -> None:
    with pytest.raises(ConfigError, match=f"^skew: expected a number from 0 to 3, got {skew}$"):
        generate_interactions(20, 10, 60, seed=0, skew=skew)
