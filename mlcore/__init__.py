"""mlcore: item-similarity recommenders with one trained artifact that every language reads."""

from mlcore.lazy import lazy_names
from mlcore.version import VERSION

TYPE_CHECKING = False  # typing takes longer to load than all that is here

if TYPE_CHECKING:
    from mlcore.artifact import Model, verify_model
    from mlcore.config import TrainConfig
    from mlcore.errors import ArtifactError, ConfigError, DataError, MlcoreError
    from mlcore.interactions import Interactions
    from mlcore.recommend.recommender import Contribution, Recommendation, Recommender
    from mlcore.train.train import train_from_data
else:
    __getattr__ = lazy_names(
        __name__,
        "errors",
        "interactions",
        "config",
        "artifact",
        "recommend.recommender",
        "train.train",
    )

__version__ = VERSION

__all__ = [
    "ArtifactError",
    "ConfigError",
    "Contribution",
    "DataError",
    "Interactions",
    "MlcoreError",
    "Model",
    "Recommendation",
    "Recommender",
    "TrainConfig",
    "__version__",
    "train_from_data",
    "verify_model",
]


def __dir__() -> list[str]:
    return __all__
