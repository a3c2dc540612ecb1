"""mlcore.tune.config: what a search may be asked for."""

from __future__ import annotations

from typing import Any

import pytest

from mlcore import ConfigError
from mlcore.tune.config import TuneConfig


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        *(
            (
                {"metric": metric},
                "metric: expected one of precision, recall, hit_rate, ndcg, map, mrr with a cutoff, "
                f"such as ndcg@10, got {metric!r}",
            )
            for metric in ["ndcg", "ndcg@", "ndcg@0", "ndcg@-1", "ndcg@1.5", "ndcg@ten", "auc@10"]
        ),
        ({"trials": 0}, "trials: expected an integer >= 1, got 0"),
        ({"seed": -1}, "seed: expected an integer >= 0, got -1"),
        ({"keep_mib": -1}, "keep_mib: expected an integer >= 0, got -1"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], error: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TuneConfig(**settings)
    assert str(caught.value) == error
