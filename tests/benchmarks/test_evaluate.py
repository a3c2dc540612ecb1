"""benchmarks.evaluate: metrics that differ are refused."""

from __future__ import annotations

import pytest

from benchmarks.evaluate import _check_metrics
from mlcore.errors import DataError


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        ({"a@1": 0.5, "b@1": 0.25 + 1e-8}, "ranx: b@1: expected 0.25, which mlcore finds, got 0.2500"),
        ({"a@1": 0.5, "b@1": float("nan")}, "ranx: b@1: expected 0.25, which mlcore finds, got nan"),
        ({"a@1": 0.5}, "ranx: expected the metrics ['a@1', 'b@1'], got ['a@1']"),
    ],
)  # fmt: skip
def test_other_values_are_refused(theirs: dict[str, float], message: str) -> None:
    ours = {"a@1": 0.5, "b@1": 0.25}
    _check_metrics("ranx", ours, {"a@1": 0.5, "b@1": 0.25 + 1e-12})
    with pytest.raises(DataError) as caught:
        _check_metrics("ranx", ours, theirs)
    assert str(caught.value).startswith(message)
