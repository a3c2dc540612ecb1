"""Splits into training and test, reproducible and independent of row order."""

from typing import TYPE_CHECKING

from mlcore.lazy import lazy_names

if TYPE_CHECKING:
    from mlcore.split.config import STRATEGIES as STRATEGIES
    from mlcore.split.config import SplitConfig as SplitConfig
    from mlcore.split.split import split_from_data as split_from_data
    from mlcore.split.split import split_from_path as split_from_path
else:
    __getattr__ = lazy_names(__name__, "config", "split")
