"""The recommender: ids in, ranked ids out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import repeat
from typing import Any, get_args

import numpy as np

from mlcore.artifact import Model, read_attributes
from mlcore.columns import time_of
from mlcore.errors import UnknownItemError, shorten
from mlcore.files.options import InputOptions, PathLike
from mlcore.ids import check_all_asked, check_asked
from mlcore.parameters import choice, convert_value
from mlcore.ranked_lists import source_of
from mlcore.recommend.events import events_of
from mlcore.recommend.explain import Contributions, explain_lists
from mlcore.recommend.filter import FilterLike, ItemFilter
from mlcore.recommend.lists import Contribution, RankedList, RankedLists, Recommendation
from mlcore.recommend.options import Fill, Weights
from mlcore.recommend.ranker import RankedUsers, Ranker
from mlcore.recommend.request import EncodedHistory, ListOptions, UserRequest, make_filters
from mlcore.recommend.user_items import UserItems

__all__ = ["Contribution", "Recommendation", "Recommender"]


class Recommender(Ranker):
    """Answers requests from one model; safe to share between threads.

    If the model is saved or loaded, pickles and copies by its path.

    >>> from mlcore import Interactions, train_from_data
    >>> baskets = {"ann": "tea milk", "bob": "tea milk sugar", "eve": "milk sugar"}
    >>> rows = [(user, item) for user, items in baskets.items() for item in items.split()]
    >>> recommender = Recommender(train_from_data(Interactions.from_columns(*zip(*rows))))
    >>> [found.item_id for found in recommender.predict("ann", n=1)]
    ['sugar']
    """

    def __reduce__(self) -> tuple[type[Recommender], tuple[Model]]:
        return type(self), (self.model,)  # by path, see there

    def __repr__(self) -> str:
        return f"Recommender({self.model!r})"

    def _repr_html_(self) -> str:
        return self.model._repr_html_()

    @classmethod
    def load(
        cls,
        directory: str | os.PathLike[str],
        *,
        mapped: bool = True,
        attributes: PathLike | None = None,
        input_options: InputOptions = InputOptions(),
    ) -> Recommender:
        """Open a model directory.

        Args:
            mapped: as for ``Model.load``; False for storage that others write to.
            attributes: a catalogue in place of the model's own, as ``read_catalogue`` takes it; such a
                recommender does not pickle.
            input_options: how the catalogue is read.

        Raises:
            ArtifactError: a subclass for each kind of fault.
            DataError: the catalogue is faulty, or has none of the model's items.
        """
        model = Model.load(directory, mapped=mapped)
        if attributes is not None:
            model = replace(
                model, attributes=read_attributes(attributes, model.items, input_options)
            )
        return cls(model)

    def predict(
        self,
        user_id: str,
        n: int = 10,
        *,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
        include_seen: bool = False,
        fill: Fill | None = None,
        explain: bool = False,
        filter: FilterLike = None,
    ) -> RankedList:
        """Return the best items for a user of the training.

        Args:
            n: list length, >= 1.
            include: list these items only; None allows all.
            exclude: never list these items.
            include_seen: also list items of the history.
            fill: ``popularity`` completes a short list with the most popular unseen items.
            explain: return the contributions to each score.
            filter: on the catalogue of the model, as a JSON object has it: ``any_of`` and
                ``none_of``, values by column; ``available_at``, a time as ``now`` of
                ``predict_history``; and ``at_most``, by column how many items of one value a list
                may hold. An item must meet all conditions. Unknown values are skipped.

        Returns:
            min(n, eligible) items by score descending, then item id ascending, without padding.

        Raises:
            UnknownUserError: the user is not in the model.
            DataError: an argument is no id, or the filter names a column that the model does not have.
            ConfigError: the filter is malformed.
            NoUsersError: the model was trained without users.
        """
        options = ListOptions(
            n, include, exclude, include_seen, fill, explain, ItemFilter.parse(filter)
        )
        self._check(options)
        return self._list_for(self.history_of(user_id), options, user_id)

    def predict_history(
        self,
        history: Mapping[str, float] | Iterable[Any],
        n: int = 10,
        *,
        weights: Weights = "events",
        now: Any = None,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
        include_seen: bool = False,
        fill: Fill | None = None,
        explain: bool = False,
        filter: FilterLike = None,
    ) -> RankedList:
        """Return the best items for any history: a new user, a session, a basket.

        Takes the options of ``predict`` and returns what it returns. What the training did to the
        events of a user is done to these: for a user's own events it equals ``predict``, bit for bit.

        Args:
            history: the events: items alone, (item, weight), (item, weight, time), dictionaries with
                ``item_id`` and, if there, ``weight`` and ``timestamp``, or weights by item id. Times
                are integer seconds since 1970 UTC, datetimes with a zone, or texts of RFC 3339; an
                event without one is new. Unknown items are skipped. Where the model has a history decay,
                items count in order of time, those without one last, in the order given.
            weights: ``final`` takes the weights as they are, rounded to float32, each item once; so
                does a model that mlcore 0.2 or before has written.
            now: the time from which events age; None for the reference time of the model. Without a
                half-life nothing ages.

        Raises:
            DataError: an entry, a weight or a time breaks its rule, a time is after ``now``; or, with
                final weights, an item comes twice.
        """
        options = ListOptions(
            n, include, exclude, include_seen, fill, explain, ItemFilter.parse(filter)
        )
        self._check(options)
        return self._list_for(self._encode(history, weights, now), options)

    def predict_many(
        self,
        user_ids: Iterable[str],
        n: int = 10,
        *,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
        include_seen: bool = False,
        fill: Fill | None = None,
        explain: bool = False,
        filter: FilterLike = None,
        include_by_user: Mapping[str, Iterable[str]] | None = None,
        exclude_by_user: Mapping[str, Iterable[str]] | None = None,
        threads: int | None = None,
    ) -> RankedLists:
        """Return the lists of many users of the training, in their order, on all cores.

        Takes the options of ``predict``; each list is what ``predict`` returns.

        Args:
            include_by_user: item ids by user: of each list these only, so a user who is not in it gets
                an empty one. ``include`` and all other options hold besides.
            exclude_by_user: item ids by user that are never listed for the user.
            threads: None for one per core. Changes speed only.

        Raises:
            UnknownUserError: a user is not in the model.
            NoUsersError: the model was trained without users.
        """
        options = ListOptions(
            n,
            include,
            exclude,
            include_seen,
            fill,
            explain,
            ItemFilter.parse(filter),
            self._by_user("include_by_user", include_by_user),
            self._by_user("exclude_by_user", exclude_by_user),
        )
        requests = (
            UserRequest(user_id, self.history_of(user_id), fill is not None)
            for user_id in check_all_asked("user_ids", user_ids)
        )
        lists = RankedLists()
        for ranked in self.rank_requests(requests, options, threads):
            lists += [
                self._to_list(ranked, row, user_id) for row, user_id in enumerate(ranked.user_ids)
            ]
        return lists

    def similar_items(
        self,
        item_id: str,
        n: int = 10,
        *,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
        include_seen: bool = False,
        fill: Fill | None = None,
        explain: bool = False,
        filter: FilterLike = None,
    ) -> RankedList:
        """Return the targets of greatest weight from source ``item_id``.

        Takes the options of ``predict``. Equals the list for a history of this one item with the final
        weight 1.

        Raises:
            UnknownItemError: the item is not in the model.
            DataError: the filter names a column that the model does not have.
        """
        options = ListOptions(
            n, include, exclude, include_seen, fill, explain, ItemFilter.parse(filter)
        )
        self._check(options)
        self._position(item_id)
        return self._list_for(self._encode([item_id], "final", None), options)

    def explain(self, user_id: str, item_id: str) -> list[Contribution]:
        """Return the contributions of a user's history to the score of an item, listed or not.

        ``predict(user_id, explain=True)`` does the same for a whole list.

        Returns:
            Contributions of either sign by ascending id; added one by one in this order they are
            the score, bit for bit.

        Raises:
            UnknownUserError: the user is not in the model.
            UnknownItemError: the item is not in the model.
            NoUsersError: the model was trained without users.
            CsrError: as ``check_rows``.
        """
        self.model.check_files()
        target = self._position(item_id)
        return self._explain(self.history_of(user_id), target)

    def explain_history(
        self,
        history: Mapping[str, float] | Iterable[Any],
        item_id: str,
        *,
        weights: Weights = "events",
        now: Any = None,
    ) -> list[Contribution]:
        """Return the contributions of any history to the score of an item, as ``explain``.

        Args:
            history: as in ``predict_history``, like ``weights`` and ``now``.

        Raises:
            UnknownItemError: the item is not in the model.
            DataError: as ``predict_history``.
            CsrError: as ``check_rows``.
        """
        self.model.check_files()
        target = self._position(item_id)
        return self._explain(self._encode(history, weights, now), target)

    def _by_user(self, name: str, by_user: object) -> UserItems | None:
        return None if by_user is None else UserItems.from_mapping(name, by_user, self.model.items)

    def _explain(self, history: EncodedHistory, target: int) -> list[Contribution]:
        stacked = self._stack([history])
        self._scorer.check(stacked.indices)
        one = np.array([0, 1]), np.array([target], np.int32)
        return list(self._because(explain_lists(self.model.similarity, stacked, *one), 0))

    def _because(self, found: Contributions, listed: int) -> tuple[Contribution, ...]:
        ids = self.model.items.load()
        span = slice(found.indptr[listed], found.indptr[listed + 1])
        pairs = zip(found.items[span].tolist(), found.shares[span].tolist())
        return tuple(Contribution(ids[item], share) for item, share in pairs)

    def _position(self, item_id: str) -> int:
        position = self.model.items.position(check_asked("item", item_id))
        if position is None:
            raise UnknownItemError(f"item: expected an item of the model, got {shorten(item_id)}")
        return position

    def _encode(
        self, history: Mapping[str, float] | Iterable[Any], weights: Weights, now: Any
    ) -> EncodedHistory:
        weights = convert_value(choice(*get_args(Weights)), weights, "weights")
        moment = None if now is None else time_of("now", now)
        return self.encode_history(events_of(history), weights, moment)[0]

    def _check(self, options: ListOptions) -> None:
        """Refuse options that do not fit the model, before anybody is looked up in it."""
        self.model.check_files()
        options.filter.check(self.model.attributes)

    def _list_for(
        self, history: EncodedHistory, options: ListOptions, user_id: str | None = None
    ) -> RankedList:
        block = [UserRequest("", history, options.fill is not None)]
        ranked = self._rank_asked(
            block, options, make_filters(options, self.model.items, self.model.attributes)
        )
        return self._to_list(ranked, 0, user_id)

    def _to_list(self, ranked: RankedUsers, row: int, user_id: str | None) -> RankedList:
        ids, ranking, found = self.model.items.load(), ranked.ranking, ranked.contributions
        begin, end = ranking.indptr[row], ranking.indptr[row + 1]
        columns = (ranking.items[begin:end], ranking.scores[begin:end], ranking.filled[begin:end])
        because: Iterable[tuple[Contribution, ...]] = repeat(())
        if found is not None:
            because = [self._because(found, listed) for listed in range(begin, end)]
        entries = (
            Recommendation(ids[item], score, source_of(filled), of_item)
            for item, score, filled, of_item in zip(*(it.tolist() for it in columns), because)
        )
        return RankedList(entries, user_id)
