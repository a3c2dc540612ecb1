"""mlcore: item-similarity recommenders with one trained artifact that every language reads."""

from mlcore.artifact import Model, verify_model
from mlcore.config import TrainConfig
from mlcore.errors import ArtifactError, ConfigError, DataError, MlcoreError
from mlcore.interactions import Interactions
from mlcore.recommend import Recommendation, Recommender, Share
from mlcore.train import train_from_data
from mlcore.version import VERSION

__version__ = VERSION

__all__ = [
    "ArtifactError",
    "ConfigError",
    "DataError",
    "Interactions",
    "MlcoreError",
    "Model",
    "Recommendation",
    "Recommender",
    "Share",
    "TrainConfig",
    "__version__",
    "train_from_data",
    "verify_model",
]
