"""mlcore.preprocess.config: what it refuses."""

import pytest

from mlcore import ConfigError
from mlcore.preprocess.config import PreprocessConfig


def test_an_aggregate_of_another_name_is_refused() -> None:
    with pytest.raises(
        ConfigError, match="^aggregate: expected 'sum' or 'max' or 'last' or 'count'"
    ):
        PreprocessConfig(aggregate="mean")  # type: ignore[arg-type]
