"""Evaluation: ranked lists against what users took, alone or one recommender against another."""

from typing import TYPE_CHECKING

from mlcore.lazy import lazy_names

if TYPE_CHECKING:
    from mlcore.evaluate.compare import compare_from_data as compare_from_data
    from mlcore.evaluate.compare import compare_from_path as compare_from_path
    from mlcore.evaluate.config import CompareConfig as CompareConfig
    from mlcore.evaluate.config import EvaluateConfig as EvaluateConfig
    from mlcore.evaluate.config import ExtraUsers as ExtraUsers
    from mlcore.evaluate.evaluate import evaluate_from_data as evaluate_from_data
    from mlcore.evaluate.evaluate import evaluate_from_path as evaluate_from_path
    from mlcore.evaluate.result import Evaluation as Evaluation
else:
    __getattr__ = lazy_names(__name__, "config", "result", "evaluate", "compare")
