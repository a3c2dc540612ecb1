"""The recommender: ids in, ranked ids out."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import repeat
from typing import NamedTuple

import numpy as np

from mlcore.artifact import Model
from mlcore.errors import NoUsersError, UnknownItemError, UnknownUserError, shorten
from mlcore.ids import IdMap, check_all_asked, check_asked, refuse_text
from mlcore.numeric.ranges import row_blocks
from mlcore.numeric.threads import map_in_order, resolve_threads
from mlcore.ranked_lists import source_of
from mlcore.recommend.explain import Contributions, explain_lists
from mlcore.recommend.lists import Contribution, RankedList, RankedLists, Recommendation
from mlcore.recommend.options import Fill
from mlcore.recommend.ranking import Filters, Ranking
from mlcore.recommend.request import (
    EncodedHistory,
    ListOptions,
    UserRequest,
    encode_history,
    make_filters,
)
from mlcore.recommend.scoring import Scorer, slice_histories, stack_histories
from mlcore.types import BoolArray, CsrMatrix

__all__ = [
    "EncodedHistory",
    "Fill",
    "ListOptions",
    "RankedList",
    "RankedLists",
    "RankedUsers",
    "Recommendation",
    "Recommender",
    "Contribution",
    "UserRequest",
]

# A block of users to explain ends once they may have this many contributions, each of which takes
# some 100 bytes as text. Changes speed and memory only.
MAX_BLOCK_REASONS = 2**17


class RankedUsers(NamedTuple):
    """The lists of some users, in the order of the requests; contributions with ``explain``."""

    user_ids: Sequence[str]
    ranking: Ranking
    contributions: Contributions | None = None


class Recommender:
    """Answers requests from one model; safe to share between threads.

    If the model is saved or loaded, pickles and copies by its path.

    >>> from mlcore import Interactions, train_from_data
    >>> baskets = {"ann": "tea milk", "bob": "tea milk sugar", "eve": "milk sugar"}
    >>> rows = [(user, item) for user, items in baskets.items() for item in items.split()]
    >>> recommender = Recommender(train_from_data(Interactions.from_columns(*zip(*rows))))
    >>> [found.item_id for found in recommender.predict("ann", n=1)]
    ['sugar']
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self._scorer = Scorer(model.similarity, model.popularity)

    def __reduce__(self) -> tuple[type[Recommender], tuple[Model]]:
        return type(self), (self.model,)  # by path, see there

    def __repr__(self) -> str:
        return f"Recommender({self.model!r})"

    def _repr_html_(self) -> str:
        return self.model._repr_html_()

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> Recommender:
        """Memory-map a model directory.

        Raises:
            ArtifactError: a subclass for each kind of fault.
        """
        return cls(Model.load(directory))

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
    ) -> RankedList:
        """Return the best items for a user of the training.

        Args:
            n: list length, >= 1.
            include: list these items only; None allows all.
            exclude: never list these items.
            include_seen: also list items of the history.
            fill: ``popularity`` completes a short list with the most popular unseen items.
            explain: return the contributions to each score.

        Returns:
            min(n, eligible) items by score descending, then item id ascending, without padding.

        Raises:
            UnknownUserError: the user is not in the model.
            DataError: an argument is no id.
            NoUsersError: the model was trained without users.
        """
        options = ListOptions(n, include, exclude, include_seen, fill, explain)
        return self._list_for(self.history_of(user_id), options, user_id)

    def predict_history(
        self,
        history: Mapping[str, float] | Iterable[str],
        n: int = 10,
        *,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
        include_seen: bool = False,
        fill: Fill | None = None,
        explain: bool = False,
    ) -> RankedList:
        """Return the best items for any history: a new user, a session, a basket.

        Takes the options of ``predict`` and returns what it returns.

        Args:
            history: items and weights, or items alone (1 each). Weights are finite, above 0, and
                rounded to float32. Unknown items are skipped.

        Raises:
            DataError: an item twice, or a weight that breaks its rule.
        """
        options = ListOptions(n, include, exclude, include_seen, fill, explain)
        return self._list_for(self._encode(history), options)

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
        threads: int | None = None,
    ) -> RankedLists:
        """Return the lists of many users of the training, in their order, on all cores.

        Takes the options of ``predict``; each list is what ``predict`` returns.

        Args:
            threads: None for one per core. Changes speed only.

        Raises:
            UnknownUserError: a user is not in the model.
            NoUsersError: the model was trained without users.
        """
        options = ListOptions(n, include, exclude, include_seen, fill, explain)
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

    def similar_items(self, item_id: str, n: int = 10) -> RankedList:
        """Return the targets of greatest weight from source ``item_id``.

        Equals the list for a history of this one item with weight 1.

        Args:
            n: list length, >= 1.

        Raises:
            UnknownItemError: the item is not in the model.
        """
        self._position(item_id)
        return self.predict_history([item_id], n)

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
            CsrError: a stored index points to no item, or a stored value is not finite.
        """
        target = self._position(item_id)
        return self._explain(self.history_of(user_id), target)

    def explain_history(
        self, history: Mapping[str, float] | Iterable[str], item_id: str
    ) -> list[Contribution]:
        """Return the contributions of any history to the score of an item, as ``explain``.

        Args:
            history: as in ``predict_history``.

        Raises:
            UnknownItemError: the item is not in the model.
            DataError: an item of the history twice, or a weight that breaks its rule.
            CsrError: a stored index points to no item, or a stored value is not finite.
        """
        target = self._position(item_id)
        return self._explain(self._encode(history), target)

    def _explain(self, history: EncodedHistory, target: int) -> list[Contribution]:
        stacked = stack_histories([history], len(self.model.items))
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

    def history_of(self, user_id: str) -> EncodedHistory:
        """Return item positions and weights of a user of the training.

        Raises:
            UnknownUserError: the user is not in the model.
            NoUsersError: the model was trained without users.
        """
        users, histories = self._users_and_histories()
        row = users.position(check_asked("user", user_id))
        if row is None:
            raise UnknownUserError(f"user: expected a user of the model, got {shorten(user_id)}")
        return histories.row(row)

    def user_ids(self) -> Sequence[str]:
        """Return the users of the training by ascending id.

        Raises:
            NoUsersError: the model was trained without users.
        """
        return self._users_and_histories()[0].ids

    def _users_and_histories(self) -> tuple[IdMap, CsrMatrix]:
        if self.model.users is None or self.model.histories is None:
            raise NoUsersError(
                "users: expected a model with users, got one trained without",
                "give histories instead, --histories, or train without --without-users",
            )
        return self.model.users, self.model.histories

    def encode_history(self, pairs: Iterable[tuple[str, float]]) -> tuple[EncodedHistory, int]:
        """Return positions and weights of a history, and the number of items unknown to the model.

        Raises:
            DataError: an item twice, or a weight that is not finite and above 0 in float32.
        """
        return encode_history(pairs, self.model.items)

    def _encode(self, history: Mapping[str, float] | Iterable[str]) -> EncodedHistory:
        refuse_text("history", history)
        if isinstance(history, Mapping):
            return self.encode_history(history.items())[0]
        return self.encode_history((item_id, 1.0) for item_id in history)[0]

    def rank_requests(
        self, requests: Iterable[UserRequest], options: ListOptions, threads: int | None = None
    ) -> Iterator[RankedUsers]:
        """Yield the lists of many users in blocks, in order, computed on all cores.

        Args:
            requests: read lazily, so memory does not grow with their number.
            options: except ``fill``, which is in each request.
            threads: None for one per core. Changes speed only.

        Raises:
            CsrError: a stored index points to no item.
        """
        self._scorer.prepare()
        filters = make_filters(options, self.model.items)
        rank = partial(self._rank_asked, options=options, filters=filters)
        yield from map_in_order(rank, self._in_blocks(requests, options), resolve_threads(threads))

    def rank_all_users(
        self, options: ListOptions, threads: int | None = None
    ) -> Iterator[RankedUsers]:
        """Yield the lists of all users of the training in blocks, by ascending id, on all cores.

        Equals ``rank_requests`` for all of them, without an object for each.

        Args:
            threads: None for one per core. Changes speed only.

        Raises:
            NoUsersError: the model was trained without users.
            CsrError: a stored index points to no item, or a stored value is not finite.
        """
        _, histories = self._users_and_histories()
        self._scorer.prepare(histories.num_entries)
        filters = make_filters(options, self.model.items)
        rank = partial(self._rank_span, options=options, filters=filters)
        size = self._scorer.block_rows(options.n, options.explain)
        longest = min(options.n, len(self.model.items))
        most = MAX_BLOCK_REASONS // max(1, longest)
        most = most if options.explain else histories.num_entries
        spans = row_blocks(histories.indptr, size, most)
        yield from map_in_order(rank, spans, resolve_threads(threads))

    def _rank_span(
        self, span: tuple[int, int], options: ListOptions, filters: Filters
    ) -> RankedUsers:
        users, histories = self._users_and_histories()
        fill = np.full(span[1] - span[0], options.fill is not None)
        ids = users.ids[slice(*span)]
        return self._rank_block(ids, slice_histories(histories, *span), fill, options, filters)

    def _rank_asked(
        self, block: list[UserRequest], options: ListOptions, filters: Filters
    ) -> RankedUsers:
        histories = stack_histories([request.history for request in block], len(self.model.items))
        fill = np.array([request.fill for request in block], bool)
        user_ids = [request.user_id for request in block]
        return self._rank_block(user_ids, histories, fill, options, filters)

    def _rank_block(
        self,
        user_ids: Sequence[str],
        histories: CsrMatrix,
        fill: BoolArray,
        options: ListOptions,
        filters: Filters,
    ) -> RankedUsers:
        ranking = self._scorer.rank(histories, options.n, filters, fill)
        if not options.explain:
            return RankedUsers(user_ids, ranking)
        lists = ranking.indptr, ranking.items
        return RankedUsers(
            user_ids, ranking, explain_lists(self.model.similarity, histories, *lists)
        )

    def _list_for(
        self, history: EncodedHistory, options: ListOptions, user_id: str | None = None
    ) -> RankedList:
        block = [UserRequest("", history, options.fill is not None)]
        ranked = self._rank_asked(block, options, make_filters(options, self.model.items))
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

    def _in_blocks(
        self, requests: Iterable[UserRequest], options: ListOptions
    ) -> Iterator[list[UserRequest]]:
        longest = min(options.n, len(self.model.items))
        size = self._scorer.block_rows(options.n, options.explain)
        block: list[UserRequest] = []
        num_entries = contributions = 0  # so far; at most in this block
        for request in requests:
            block.append(request)
            num_entries += len(request.history[0])
            contributions += longest * len(request.history[0]) if options.explain else 0
            if len(block) == size or contributions >= MAX_BLOCK_REASONS:
                yield block
                block, contributions = [], 0
                # After this many, expect as many again.
                self._scorer.prepare(num_entries)
                size = self._scorer.block_rows(options.n, options.explain)
        if block:
            yield block
