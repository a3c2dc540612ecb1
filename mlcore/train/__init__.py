"""Training: from interactions and a configuration to a model."""

from typing import TYPE_CHECKING

from mlcore.lazy import lazy_names

if TYPE_CHECKING:
    from mlcore.train.train import Trainer as Trainer
    from mlcore.train.train import attributes_of as attributes_of
    from mlcore.train.train import train_from_data as train_from_data
    from mlcore.train.train import train_from_path as train_from_path
else:
    __getattr__ = lazy_names(__name__, "train")
