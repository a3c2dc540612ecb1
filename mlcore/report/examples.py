"""Lists of some users: what they had taken, what they were shown, what of it they took, and why it was shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mlcore.artifact import Model
from mlcore.charts.chart import shown
from mlcore.charts.marks import label
from mlcore.evaluate.evaluate import check_overlap, measure_lists
from mlcore.interactions import Interactions
from mlcore.printable import html_text
from mlcore.ranked_lists import Predictions
from mlcore.recommend.recommender import Recommender
from mlcore.types import Float64Array

__all__ = ["Examples", "ExampleUser", "Shown", "choose_examples"]

NUM_EXAMPLES = 10
SHOWN_ITEMS = 10
SHOWN_HISTORY = 8
SHOWN_REASONS = 2
MAX_NAME = 80  # characters of a title or an id


@dataclass(frozen=True)
class Shown:
    """An item of a list, by title or id.

    Attributes:
        is_hit: whether the user took it.
        because: the items of the history that add most to its score.
    """

    name: str
    is_hit: bool
    because: Sequence[str] = ()


@dataclass(frozen=True)
class ExampleUser:
    """One user.

    Attributes:
        value: of the metric by which the examples are chosen.
        history: the heaviest items first; None where it is not known.
        missed: what the user took beyond the items shown.
    """

    user_id: str
    value: float
    history: Sequence[str] | None
    items: Sequence[Shown]
    missed: Sequence[str]

    def html(self) -> str:
        """Return it as HTML."""
        items = "".join(map(_item, self.items))
        missed = f"<p>also took: {_names(self.missed)}</p>" if self.missed else ""
        known = "" if self.history is None else f"<p>had taken: {_names(self.history)}</p>"
        head = f"{html_text(label(self.user_id, MAX_NAME))} <small>{shown(self.value)}</small>"
        return f'<div class="user"><h4>{head}</h4>{known}<ol>{items}</ol>{missed}</div>'


@dataclass(frozen=True)
class Examples:
    """Some users, from those whose lists are best to those whose lists are worst."""

    metric: str
    users: Sequence[ExampleUser]

    def html(self, name: str) -> str:
        """Return them as HTML."""
        sentence = (
            f"Evenly spaced by {self.metric}, which stands beside each, from the best list to the worst. Bold "
            "is what the user took; small is what the list shows it for."
        )
        return (
            f'<section class="block"><h3>Lists of {len(self.users)} users</h3>'
            f'<p class="note">{html_text(sentence)}</p>'
            f'<div class="users">{"".join(user.html() for user in self.users)}</div></section>'
        )


def _item(item: Shown) -> str:
    why = f" <small>for {_names(item.because)}</small>" if item.because else ""
    kind = ' class="hit"' if item.is_hit else ""
    return f"<li{kind}>{html_text(item.name)}{why}</li>"


def _names(names: Sequence[str]) -> str:
    more = f", and {len(names) - SHOWN_HISTORY} more" if len(names) > SHOWN_HISTORY else ""
    return html_text(", ".join(names[:SHOWN_HISTORY]) + more)


def choose_examples(
    predictions: Predictions,
    ground_truth: Interactions,
    model: Model | None = None,
    titles: Mapping[str, str] = {},
) -> Examples:
    """Return ten users of both, evenly spaced by NDCG at 10, the best first; of equal ones the smaller id.

    Args:
        model: for histories and reasons.
        titles: of items, by id; may lack some.

    Raises:
        DataError: lists and ground truth share no user or no item.
        ArtifactError: the model is faulty.
    """
    check_overlap(predictions, ground_truth)
    metric = f"ndcg@{SHOWN_ITEMS}"
    found = measure_lists(predictions, ground_truth, [SHOWN_ITEMS], extra_users="ignore")
    lists = {user_id: row for row, user_id in enumerate(predictions.user_ids)}
    values = found.per_user[metric]
    names = _Names(titles)
    recommender = None if model is None or model.users is None else Recommender(model)
    users = []
    for position in _spread(values, [user_id in lists for user_id in ground_truth.user_ids]):
        user_id = ground_truth.user_ids[position]
        taken = [ground_truth.item_ids[item] for item in ground_truth.user_items.row(position)[0]]
        row = lists[user_id]
        listed = predictions.items[predictions.indptr[row] : predictions.indptr[row + 1]]
        item_ids = [predictions.item_ids[item] for item in listed[:SHOWN_ITEMS].tolist()]
        history, reasons = _known(recommender, user_id, item_ids)
        items = [
            Shown(names.of(item), item in taken, [names.of(one) for one in reasons.get(item, ())])
            for item in item_ids
        ]
        missed = [names.of(item) for item in taken if item not in item_ids]
        before = None if history is None else [names.of(item) for item in history]
        users.append(ExampleUser(user_id, float(values[position]), before, items, missed))
    return Examples(metric, users)


def _spread(values: Float64Array, has_list: Sequence[bool]) -> list[int]:
    order = [user for user in np.argsort(-values, kind="stable").tolist() if has_list[user]]
    count = min(NUM_EXAMPLES, len(order))
    return [order[round(n * (len(order) - 1) / max(1, count - 1))] for n in range(count)]


def _known(
    recommender: Recommender | None, user_id: str, item_ids: Sequence[str]
) -> tuple[Sequence[str] | None, dict[str, list[str]]]:
    """Return the history of a user, None where there is none, and the best reasons of each item."""
    if recommender is None or recommender.users().position(user_id) is None:
        return None, {}
    items, weights = recommender.history_of(user_id)
    ids = recommender.model.items.ids
    history = [ids[items[place]] for place in np.argsort(-weights, kind="stable").tolist()]
    reasons = {}
    for item_id in item_ids:
        if recommender.model.items.position(item_id) is not None:
            found = recommender.explain(user_id, item_id)
            best = sorted((one for one in found if one.share > 0), key=lambda one: -one.share)
            reasons[item_id] = [one.item_id for one in best[:SHOWN_REASONS]]
    return history, reasons


class _Names:
    """Titles of items, or else their ids, not too long."""

    def __init__(self, titles: Mapping[str, str]) -> None:
        self._titles = titles

    def of(self, item_id: str) -> str:
        return label(self._titles.get(item_id, item_id), MAX_NAME)
