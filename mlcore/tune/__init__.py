"""Search: the best configuration for a data set, by training and evaluating many."""

from typing import TYPE_CHECKING

from mlcore.lazy import lazy_names

if TYPE_CHECKING:
    from mlcore.tune.config import TuneConfig as TuneConfig
    from mlcore.tune.trials import Trial as Trial
    from mlcore.tune.tune import tune_from_data as tune_from_data
    from mlcore.tune.tune import tune_from_path as tune_from_path
else:
    __getattr__ = lazy_names(__name__, "config", "trials", "tune")
