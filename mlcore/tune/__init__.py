"""Search: the best configuration for a data set, by training and evaluating many."""

from typing import TYPE_CHECKING

from mlcore.lazy import lazy_names

if TYPE_CHECKING:
    from mlcore.tune.auto import Selection as Selection
    from mlcore.tune.auto import Tried as Tried
    from mlcore.tune.auto import select_from_data as select_from_data
    from mlcore.tune.auto import train_auto_from_data as train_auto_from_data
    from mlcore.tune.auto import train_auto_from_path as train_auto_from_path
    from mlcore.tune.config import AutoConfig as AutoConfig
    from mlcore.tune.config import TuneConfig as TuneConfig
    from mlcore.tune.trials import Trial as Trial
    from mlcore.tune.tune import tune_from_data as tune_from_data
    from mlcore.tune.tune import tune_from_path as tune_from_path
else:
    __getattr__ = lazy_names(__name__, "config", "trials", "auto", "tune")
