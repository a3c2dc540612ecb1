"""Ranks the lists of users in blocks, by positions: what ``Recommender`` turns into ids."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import numpy as np

from mlcore.artifact import Model
from mlcore.errors import DataError, NoUsersError, UnknownUserError, at, shorten
from mlcore.ids import IdMap, check_asked
from mlcore.numeric.ranges import row_blocks
from mlcore.numeric.threads import map_in_order, resolve_threads
from mlcore.recommend.events import Event, encode_events
from mlcore.recommend.explain import Contributions, explain_lists
from mlcore.recommend.options import Weights
from mlcore.recommend.ranking import Filters, Ranking
from mlcore.recommend.request import (
    EncodedHistory,
    ListOptions,
    UserRequest,
    encode_history,
    make_filters,
)
from mlcore.recommend.scoring import HISTORIES, Scorer, slice_histories, stack_histories
from mlcore.recommend.user_items import limit_rows
from mlcore.types import BoolArray, CsrMatrix, Float32Array, Int64Array

if TYPE_CHECKING:
    from mlcore.files.histories import UserHistory

__all__ = ["MAX_BLOCK_REASONS", "RankedUsers", "Ranker"]

R = TypeVar("R")

# A block of users to explain ends once they may have this many contributions, each of which takes
# some 100 bytes as text. Changes speed and memory only.
MAX_BLOCK_REASONS = 2**15


class RankedUsers(NamedTuple):
    """The lists of some users, in the order of the requests; contributions with ``explain``."""

    user_ids: Sequence[str]
    ranking: Ranking
    contributions: Contributions | None = None


def _unchanged(ranked: RankedUsers) -> RankedUsers:
    return ranked


class Ranker:
    """Ranks for users of one model; safe to share between threads."""

    def __init__(self, model: Model) -> None:
        self.model = Model.expect("model", model)
        self._scorer = Scorer(model.similarity, model.popularity, model.fallback, model.place)

    def history_of(self, user_id: str) -> EncodedHistory:
        """Return item positions and weights of a user of the training, not checked.

        Raises:
            UnknownUserError: the user is not in the model.
            NoUsersError: the model was trained without users.
        """
        row = self.users().position(check_asked("user", user_id))
        if row is None:
            raise UnknownUserError(f"user: expected a user of the model, got {shorten(user_id)}")
        return self.history_at(row)

    def history_at(self, row: int) -> EncodedHistory:
        """Return what ``history_of`` does, for a user by position."""
        _, histories = self._users_and_histories()
        items, weights = histories.row(row)
        begin, end = histories.indptr[row], histories.indptr[row + 1]
        return items, self._decayed(np.array([0, end - begin]), weights, begin)

    def user_ids(self) -> Sequence[str]:
        """Return the users of the training by ascending id.

        Raises:
            NoUsersError: the model was trained without users.
        """
        return self.users().ids

    def users(self) -> IdMap:
        """Return the map of the users of the training, of which all ids need not be read.

        Raises:
            NoUsersError: the model was trained without users.
        """
        return self._users_and_histories()[0]

    def _users_and_histories(self) -> tuple[IdMap, CsrMatrix]:
        if self.model.users is None or self.model.histories is None:
            raise NoUsersError(
                "users: expected a model with users, got one trained without",
                "give histories instead, --histories, or train without --without-users",
            )
        return self.model.users, self.model.histories

    def _decayed(self, indptr: Int64Array, weights: Float32Array, begin: Any) -> Float32Array:
        """Return the weights of stored histories with the decay of the model's rule, (E,) float32.

        Args:
            indptr: (R + 1,) offsets from 0.
            weights: (E,).
            begin: the stored entry of the first.
        """
        rule, order = self.model.history_rule, self.model.order
        if rule is None or order is None:
            return weights
        some = order[begin : begin + len(weights)]
        return rule.history_decay.apply(indptr, weights, some, self.model.place("order.npz"))

    def encode_history(
        self,
        events: Iterable[Event | tuple[str, float]],
        weights: Weights = "events",
        now: int | None = None,
    ) -> tuple[EncodedHistory, int]:
        """Return positions and weights of a history, and the number of items unknown to the model.

        Args:
            events: by the rule of the model; ready weights if it has none, or they are ``final``.
            now: in microseconds; None for the reference time of the model.

        Raises:
            DataError: a value breaks its rule, or, with ready weights, an item twice.
        """
        rule = self.model.history_rule
        if rule is None or weights == "final":
            return encode_history(((event[0], event[1]) for event in events), self.model.items)
        encoded, unknown = encode_events([events], [""], self.model.items, rule, now)
        return encoded[0], unknown[0]

    def encode_histories(
        self, histories: Sequence[UserHistory], weights: Weights = "events", now: int | None = None
    ) -> list[tuple[EncodedHistory, int]]:
        """Return for each history what ``encode_history`` does, several times faster.

        Raises:
            DataError: as ``encode_history``, with the place of the history.
        """
        rule = self.model.history_rule
        if rule is None or weights == "final":
            return [self._encode_at(history, weights, now) for history in histories]
        events = [() if history.is_final else history.events for history in histories]
        try:
            found = zip(*encode_events(events, [""] * len(events), self.model.items, rule, now))
            return [
                self._encode_at(history, weights, now) if history.is_final else encoded
                for history, encoded in zip(histories, found)
            ]
        except DataError:
            # One by one, to say which.
            return [self._encode_at(history, weights, now) for history in histories]

    def _encode_at(
        self, history: UserHistory, weights: Weights, now: int | None
    ) -> tuple[EncodedHistory, int]:
        with at(history.place):
            return self.encode_history(
                history.events, "final" if history.is_final else weights, now
            )

    def rank_requests(
        self, requests: Iterable[UserRequest], options: ListOptions, threads: int | None = None
    ) -> Iterator[RankedUsers]:
        """Yield the lists of many users in blocks, see ``map_requests``."""
        return self.map_requests(_unchanged, requests, options, threads)

    def map_requests(
        self,
        function: Callable[[RankedUsers], R],
        requests: Iterable[UserRequest],
        options: ListOptions,
        threads: int | None = None,
    ) -> Iterator[R]:
        """Yield what a function makes of the lists of many users, block by block, on all cores.

        Args:
            function: without side effects; called on the thread that ranked the block.
            requests: read lazily, so memory does not grow with their number.
            options: except ``fill``, which is in each request.
            threads: None for one per core. Changes speed only.

        Raises:
            CsrError: as ``check_rows``.
            SizeError: a mapped file was cut since.
        """
        self.model.check_files()
        self._scorer.prepare()
        filters = make_filters(options, self.model.items, self.model.attributes)

        def work(block: list[UserRequest]) -> R:
            self.model.check_files()
            return function(self._rank_asked(block, options, filters))

        yield from map_in_order(work, self._in_blocks(requests, options), resolve_threads(threads))

    def rank_all_users(
        self, options: ListOptions, threads: int | None = None
    ) -> Iterator[RankedUsers]:
        """Yield the lists of all users of the training in blocks, see ``map_all_users``."""
        return self.map_all_users(_unchanged, options, threads)

    def map_all_users(
        self,
        function: Callable[[RankedUsers], R],
        options: ListOptions,
        threads: int | None = None,
        users: tuple[int, int] | None = None,
    ) -> Iterator[R]:
        """Yield what a function makes of the lists of all users of the training, by ascending id.

        Equals ``map_requests`` for all of them, without an object for each.

        Args:
            function: as there.
            threads: None for one per core. Changes speed only.
            users: only those of a range of positions.

        Raises:
            NoUsersError: the model was trained without users.
            CsrError: as ``check_rows``.
            SizeError: a mapped file was cut since.
        """
        self.model.check_files()
        _, histories = self._users_and_histories()
        self._scorer.prepare()
        filters = make_filters(options, self.model.items, self.model.attributes)

        def work(span: tuple[int, int]) -> R:
            return function(self._rank_span(span, options, filters))

        size = self._scorer.block_rows(options.n, options.explain)
        longest = min(options.n, len(self.model.items))
        most = MAX_BLOCK_REASONS // max(1, longest)
        most = most if options.explain else histories.num_entries
        first, last = users or (0, histories.num_rows)
        blocks = row_blocks(histories.indptr[first : last + 1], size, most)
        spans = ((first + begin, first + end) for begin, end in blocks)
        yield from map_in_order(work, spans, resolve_threads(threads))

    def _rank_span(
        self, span: tuple[int, int], options: ListOptions, filters: Filters
    ) -> RankedUsers:
        self.model.check_files()
        users, histories = self._users_and_histories()
        fill = np.full(span[1] - span[0], options.fill is not None)
        ids = users.load()[slice(*span)]
        rows = slice_histories(histories, *span, self.model.place(HISTORIES))
        decayed = self._decayed(rows.indptr, rows.data, histories.indptr[span[0]])
        return self._rank_block(ids, replace(rows, data=decayed), fill, options, filters)

    def _rank_asked(
        self, block: list[UserRequest], options: ListOptions, filters: Filters
    ) -> RankedUsers:
        histories = self._stack([request.history for request in block])
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
        by_user = options.include_by_user, options.exclude_by_user
        filters = replace(filters, rows=limit_rows(*by_user, user_ids, len(self.model.items)))
        ranking = self._scorer.rank(histories, options.n, filters, fill)
        if not options.explain:
            return RankedUsers(user_ids, ranking)
        lists = ranking.indptr, ranking.items
        found = explain_lists(
            self.model.similarity, histories, *lists
        )  # of rows that ranking checked
        return RankedUsers(user_ids, ranking, found)

    def _stack(self, histories: Sequence[EncodedHistory]) -> CsrMatrix:
        return stack_histories(histories, len(self.model.items), self.model.place(HISTORIES))

    def _in_blocks(
        self, requests: Iterable[UserRequest], options: ListOptions
    ) -> Iterator[list[UserRequest]]:
        longest = min(options.n, len(self.model.items))
        size = self._scorer.block_rows(options.n, options.explain)
        block: list[UserRequest] = []
        contributions = 0  # at most, in this block
        for request in requests:
            block.append(request)
            contributions += longest * len(request.history[0]) if options.explain else 0
            if len(block) == size or contributions >= MAX_BLOCK_REASONS:
                yield block
                block, contributions = [], 0
        if block:
            yield block
