"""mlcore.recommend.options: what a prediction may be asked for."""

from __future__ import annotations

import pytest

from mlcore import ConfigError
from mlcore.recommend.options import PredictOptions


@pytest.mark.parametrize("top_n", [0, -3])
def test_lists_of_no_items_are_refused(top_n: int) -> None:
    with pytest.raises(ConfigError) as caught:
        PredictOptions(top_n=top_n)
    assert str(caught.value) == f"top_n: expected an integer >= 1, got {top_n}"
