"""Recommendation: from a model and a history to the best items, one user or many."""

from typing import TYPE_CHECKING

from mlcore.lazy import lazy_names

if TYPE_CHECKING:
    from mlcore.recommend.lists import RankedList as RankedList
    from mlcore.recommend.lists import RankedLists as RankedLists
    from mlcore.recommend.options import Fill as Fill
    from mlcore.recommend.options import PredictOptions as PredictOptions
    from mlcore.recommend.options import Requests as Requests
    from mlcore.recommend.predict import predict_from_path as predict_from_path
    from mlcore.recommend.recommender import Contribution as Contribution
    from mlcore.recommend.recommender import Recommendation as Recommendation
    from mlcore.recommend.recommender import Recommender as Recommender
    from mlcore.recommend.request import ListOptions as ListOptions
    from mlcore.recommend.request import UserRequest as UserRequest
    from mlcore.recommend.show import show_from_path as show_from_path
else:
    __getattr__ = lazy_names(
        __name__, "options", "lists", "request", "recommender", "predict", "show"
    )
