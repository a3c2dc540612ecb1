"""Preprocessing: from raw events to the interactions worth training on."""

from typing import TYPE_CHECKING

from mlcore.lazy import lazy_names

if TYPE_CHECKING:
    from mlcore.preprocess.config import PreprocessConfig as PreprocessConfig
    from mlcore.preprocess.preprocess import preprocess_from_data as preprocess_from_data
    from mlcore.preprocess.preprocess import preprocess_from_path as preprocess_from_path
else:
    __getattr__ = lazy_names(__name__, "config", "preprocess")
