"""The recommender: ids in, ranked ids out."""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Literal, NamedTuple, TypeAlias

import numpy as np

from mlcore.artifact import Model
from mlcore.errors import (
    ConfigError,
    DataError,
    NoUsersError,
    UnknownItemError,
    UnknownUserError,
    shorten,
)
from mlcore.ids import IdMap
from mlcore.parameters import convert_value, integer
from mlcore.scoring import Filters, Ranking, Scorer, check_positions, check_values, stack_histories
from mlcore.threads import map_in_order, resolve_threads
from mlcore.types import BoolArray, CsrMatrix, Float32Array, Int32Array

__all__ = [
    "EncodedHistory",
    "Fill",
    "ListOptions",
    "RankedUsers",
    "Recommendation",
    "Recommender",
    "Share",
    "UserRequest",
]

Fill: TypeAlias = Literal["popularity"]
EncodedHistory: TypeAlias = tuple[Int32Array, Float32Array]  # item positions ascending, weights


class Recommendation(NamedTuple):
    """One item of a list. ``source`` is ``similarity``, or ``popularity`` for one filled in."""

    item_id: str
    score: float
    source: str = "similarity"


class Share(NamedTuple):
    """What one item of the history adds to a score."""

    item_id: str
    share: float


class UserRequest(NamedTuple):
    """One list to make: whose, from which history, and whether to fill it up by popularity."""

    user_id: str
    history: EncodedHistory
    fill: bool


class RankedUsers(NamedTuple):
    """The lists of some users, in the order they were asked for."""

    user_ids: Sequence[str]
    ranking: Ranking


@dataclass(frozen=True)
class ListOptions:
    """What a list may hold.

    Attributes:
        n: the longest list, >= 1 and below 2^31.
        include: only these items, or None for all; unknown ids are passed over.
        exclude: none of these items; unknown ids are passed over.
        include_seen: whether items of the history may be listed.
        fill: ``popularity`` completes short lists with the most popular unseen items.
    """

    n: int = 10
    include: Iterable[str] | None = None
    exclude: Iterable[str] = ()
    include_seen: bool = False
    fill: Fill | None = None

    def __post_init__(self) -> None:
        convert_value(integer(minimum=1), self.n, "n")
        _refuse_text("include", self.include)
        _refuse_text("exclude", self.exclude)
        if self.fill not in (None, "popularity"):
            raise ConfigError(f"fill: expected 'popularity' or None, got {self.fill!r}")


class Recommender:
    """Answers requests from one model; safe to share between threads.

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

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> Recommender:
        """Open a model directory, memory-mapped.

        Args:
            directory: a model directory.

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
    ) -> list[Recommendation]:
        """Return the best ``n`` items for a user of the training.

        Args:
            user_id: the user.
            n: the longest list, >= 1.
            include: only these items, or None for all.
            exclude: none of these items.
            include_seen: whether items of the history may be listed.
            fill: ``popularity`` completes a short list with the most popular unseen items.

        Returns:
            min(n, eligible) items by score descending, then item id ascending; never padding.

        Raises:
            UnknownUserError: the user is not in the model.
            NoUsersError: the model was trained without users.
        """
        options = ListOptions(n, include, exclude, include_seen, fill)
        return self._list_for(self.history_of(user_id), options)

    def predict_history(
        self,
        history: Mapping[str, float] | Iterable[str],
        n: int = 10,
        *,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
        include_seen: bool = False,
        fill: Fill | None = None,
    ) -> list[Recommendation]:
        """Return the best ``n`` items for any history: a new user, a session, a basket.

        Args:
            history: items and weights, or items alone (1 each). Weights are finite, above 0, and
                rounded to float32. Items the model does not know are passed over.
            n: the longest list, >= 1.
            include: only these items, or None for all.
            exclude: none of these items.
            include_seen: whether items of the history may be listed.
            fill: ``popularity`` completes a short list with the most popular unseen items.

        Returns:
            As ``predict``.

        Raises:
            DataError: an item twice, or a weight that breaks its rule.
        """
        _refuse_text("history", history)
        if isinstance(history, Mapping):
            pairs = list(history.items())
        else:
            pairs = [(item_id, 1.0) for item_id in history]
        options = ListOptions(n, include, exclude, include_seen, fill)
        return self._list_for(self.encode_history(pairs)[0], options)

    def predict_many(
        self,
        user_ids: Iterable[str],
        n: int = 10,
        *,
        include: Iterable[str] | None = None,
        exclude: Iterable[str] = (),
        include_seen: bool = False,
        fill: Fill | None = None,
        threads: int | None = None,
    ) -> list[list[Recommendation]]:
        """Return the lists of many users of the training, in the order asked for, on all cores.

        Args:
            user_ids: the users.
            n: the longest list, >= 1.
            include: only these items, or None for all.
            exclude: none of these items.
            include_seen: whether items of the history may be listed.
            fill: ``popularity`` completes short lists with the most popular unseen items.
            threads: how many; None for one a core. Changes speed only.

        Returns:
            As ``predict``, one list for each user.

        Raises:
            UnknownUserError: a user is not in the model.
            NoUsersError: the model was trained without users.
        """
        options = ListOptions(n, include, exclude, include_seen, fill)
        requests = (
            UserRequest(user_id, self.history_of(user_id), fill is not None) for user_id in user_ids
        )
        lists: list[list[Recommendation]] = []
        for ranked in self.rank_requests(requests, options, threads):
            for row in range(len(ranked.user_ids)):
                lists.append(self._to_list(ranked.ranking, row))
        return lists

    def similar_items(self, item_id: str, n: int = 10) -> list[Recommendation]:
        """Return the items that having ``item_id`` speaks for the most.

        Equals the list for a history of this one item with weight 1.

        Args:
            item_id: the item.
            n: the longest list, >= 1.

        Raises:
            UnknownItemError: the item is not in the model.
        """
        if self.model.items.position(item_id) is None:
            raise UnknownItemError(f"item: expected an item of the model, got {shorten(item_id)}")
        return self.predict_history([item_id], n)

    def explain(self, user_id: str, item_id: str) -> list[Share]:
        """Return what each item of a user's history adds to the score of an item.

        Args:
            user_id: a user of the training.
            item_id: the item, recommended or not.

        Returns:
            Shares of the history items that speak for the item, in ascending order of their ids:
            in this order their sum is the score, bit for bit.

        Raises:
            UnknownUserError: the user is not in the model.
            UnknownItemError: the item is not in the model.
            NoUsersError: the model was trained without users.
            CsrError: a stored index points to no item, or a stored value is not finite.
        """
        target = self.model.items.position(item_id)
        if target is None:
            raise UnknownItemError(f"item: expected an item of the model, got {shorten(item_id)}")
        history, weights = self.history_of(user_id)
        check_positions(history, len(self.model.items), "histories.npz")
        check_values(weights, "histories.npz")
        shares: list[Share] = []
        for source, weight in zip(history, weights):
            columns, values = self.model.similarity.row(int(source))
            check_positions(columns, len(self.model.items), "similarity.npz")
            check_values(values, "similarity.npz")
            place = int(np.searchsorted(columns, target))
            if place < len(columns) and columns[place] == target:
                share = float(weight) * float(values[place])
                shares.append(Share(self.model.items.ids[int(source)], share))
        return shares

    def history_of(self, user_id: str) -> EncodedHistory:
        """Return item positions and weights of a user of the training.

        Args:
            user_id: the user.

        Raises:
            UnknownUserError: the user is not in the model.
            NoUsersError: the model was trained without users.
        """
        users, histories = self._users_and_histories()
        row = users.position(user_id)
        if row is None:
            raise UnknownUserError(f"user: expected a user of the model, got {shorten(user_id)}")
        return histories.row(row)

    def user_ids(self) -> Sequence[str]:
        """Return the users of the training, in order of ids.

        Raises:
            NoUsersError: the model was trained without users.
        """
        return self._users_and_histories()[0].ids

    def _users_and_histories(self) -> tuple[IdMap, CsrMatrix]:
        if self.model.users is None or self.model.histories is None:
            raise NoUsersError(
                "users: expected a model with users, got one trained without",
                "give histories instead, or train without --without-users",
            )
        return self.model.users, self.model.histories

    def encode_history(self, pairs: Iterable[tuple[str, float]]) -> tuple[EncodedHistory, int]:
        """Return a history as positions and weights, and how many items are unknown.

        Args:
            pairs: item ids, each at most once, and weights.

        Raises:
            DataError: an item twice, or a weight that is not finite and above 0 in float32.

        >>> from mlcore import Interactions, train_from_data
        >>> model = train_from_data(Interactions.from_columns(["u", "u"], ["a", "b"]))
        >>> Recommender(model).encode_history([("b", 2.0), ("z", 1.0)])
        ((array([1], dtype=int32), array([2.], dtype=float32)), 1)
        """
        weights: dict[str, float] = {}
        for item_id, weight in pairs:
            if not isinstance(item_id, str):
                raise DataError(f"history: item_id: expected a string, got {shorten(item_id)}")
            if item_id in weights:
                raise DataError(f"history: expected each item once, got {shorten(item_id)} twice")
            if not _fits_float32(weight):
                raise DataError(
                    f"history: item {shorten(item_id)}: weight: expected a finite number above 0 "
                    f"that float32 holds, got {shorten(weight)}"
                )
            weights[item_id] = float(weight)
        known = sorted(
            (position, weight)
            for item_id, weight in weights.items()
            if (position := self.model.items.position(item_id)) is not None
        )
        items = np.array([position for position, _ in known], np.int32)
        rounded = np.array([weight for _, weight in known], np.float32)
        return (items, rounded), len(weights) - len(known)

    def rank_requests(
        self, requests: Iterable[UserRequest], options: ListOptions, threads: int | None = None
    ) -> Iterator[RankedUsers]:
        """Yield the lists of many users in blocks, in order, computed on all cores.

        Args:
            requests: taken lazily, so that memory does not grow with their number.
            options: what the lists may hold; whether to fill stands in each request.
            threads: how many; None for one a core. Changes speed only.

        Raises:
            CsrError: a stored index points to no item.
        """
        self._scorer.prepare()
        filters = self._filters(options)
        rank = partial(self._rank_block, n=options.n, filters=filters)
        blocks = _in_blocks(requests, self._scorer.block_rows())
        yield from map_in_order(rank, blocks, resolve_threads(threads))

    def _rank_block(self, block: list[UserRequest], n: int, filters: Filters) -> RankedUsers:
        histories = stack_histories([request.history for request in block], len(self.model.items))
        fill = np.array([request.fill for request in block], bool)
        user_ids = [request.user_id for request in block]
        return RankedUsers(user_ids, self._scorer.rank(histories, n, filters, fill))

    def _list_for(self, history: EncodedHistory, options: ListOptions) -> list[Recommendation]:
        fill = np.array([options.fill is not None])
        histories = stack_histories([history], len(self.model.items))
        ranking = self._scorer.rank(histories, options.n, self._filters(options), fill)
        return self._to_list(ranking, 0)

    def _to_list(self, ranking: Ranking, row: int) -> list[Recommendation]:
        ids = self.model.items.ids
        span = slice(ranking.indptr[row], ranking.indptr[row + 1])
        columns = (ranking.items[span], ranking.scores[span], ranking.filled[span])
        return [
            Recommendation(ids[item], score, "popularity" if filled else "similarity")
            for item, score, filled in zip(*(column.tolist() for column in columns))
        ]

    def _filters(self, options: ListOptions) -> Filters:
        allowed: BoolArray | None = None
        if options.include is not None:
            allowed = np.zeros(len(self.model.items), bool)
            allowed[self._positions(options.include)] = True
        excluded = self._positions(options.exclude)
        if len(excluded):
            allowed = np.ones(len(self.model.items), bool) if allowed is None else allowed
            allowed[excluded] = False
        return Filters(allowed, options.include_seen)

    def _positions(self, item_ids: Iterable[str]) -> list[int]:
        found = (self.model.items.position(item_id) for item_id in item_ids)
        return [position for position in found if position is not None]


def _fits_float32(weight: object) -> bool:
    """Return whether a weight is a number that float32 rounds neither to 0 nor to infinity."""
    if isinstance(weight, bool) or not isinstance(weight, numbers.Real):
        return False
    try:
        # Half of the least float32, and half a step beyond the greatest, round away from it.
        return 2.0**-150 < float(weight) < 2.0**128 - 2.0**103
    except OverflowError:
        return False


def _refuse_text(name: str, ids: object) -> None:
    # A string is a sequence of strings as well, of its letters.
    if isinstance(ids, str):
        raise DataError(f"{name}: expected ids, such as a list of strings, got {shorten(ids)}")


def _in_blocks(requests: Iterable[UserRequest], size: int) -> Iterator[list[UserRequest]]:
    iterator = iter(requests)
    while block := list(islice(iterator, size)):
        yield block
