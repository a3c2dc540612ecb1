"""Neighbors that an engine counts by ``sql/train.sql``, with the bits of a training without one.

The engine finds the best pairs and how many users share each; from these counts mlcore computes the
similarity that the model keeps. The engine's own similarity, a float32, must agree with it.

A formula of + - * / and square roots has the same bits everywhere. Logarithms and powers do not: for
these the engine returns some more pairs of each item, and mlcore keeps the best.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from mlcore.config import TrainConfig
from mlcore.errors import ConfigError, DataError, shorten
from mlcore.ids import IdMap
from mlcore.numeric.topk import keep_best
from mlcore.progress import Progress
from mlcore.similarity import (
    AsymmetricCosine,
    ConditionalProbability,
    GramBlocks,
    LogLikelihoodRatio,
    Pearson,
    Similarity,
    Tversky,
)
from mlcore.similarity.formula import Pairs
from mlcore.similarity.pairs import PairSimilarity
from mlcore.similarity.selection import BestOfRows, by_source, round_values
from mlcore.types import CsrMatrix, Float64Array, Int32Array
from mlcore.warehouse.engines import Engine
from mlcore.warehouse.joined import JoinedRows
from mlcore.warehouse.query import Query, Value, bundled_query
from mlcore.warehouse.rows import Rows
from mlcore.warehouse.tables import provide_table

__all__ = ["SqlNeighbors", "check_counts_suffice", "train_parameters"]

# So many pairs of an item may differ from the last one kept by rounding alone.
SPARE_NEIGHBORS = 32
# Logarithms and powers of the engine differ by rounding, before it rounds to float32; a wrong
# formula or count differs by more.
_TOLERANCE = 1e-9

_ALL_PAIRS = 2**31 - 1  # no item has more neighbors


def train_parameters(config: TrainConfig) -> dict[str, Value]:
    """Return the parameters of ``sql/train.sql`` for a configuration.

    Raises:
        ConfigError: ``sql/train.sql`` does not know the similarity.

    >>> train_parameters(TrainConfig(AsymmetricCosine(), num_neighbors=7))["num_neighbors"]
    7
    """
    similarity, known = config.similarity, bundled_query("train").parameters["similarity"].choices
    is_unknown = isinstance(similarity, Pearson) and similarity.missing != "zero"
    if similarity.name not in known or is_unknown:
        got = f'{similarity.name} with "missing": "unknown"' if is_unknown else similarity.name
        raise ConfigError(
            f"similarity: expected one of {', '.join(known)}, as an engine counts users, got {got}",
            "--similarity jaccard is one; or train without --engine",
        )
    alpha, beta = 0.0, 0.0
    if isinstance(similarity, (AsymmetricCosine, Tversky)):
        alpha = similarity.alpha
    if isinstance(similarity, Tversky):
        beta = similarity.beta
    if isinstance(similarity, ConditionalProbability):
        alpha = similarity.popularity_exponent
    return {
        "similarity": similarity.name,
        "alpha": alpha,
        "beta": beta,
        "signed": isinstance(similarity, LogLikelihoodRatio) and similarity.signed,
        "shrinkage": config.shrinkage,
        "min_cooccurrence": config.min_cooccurrence,
        "num_neighbors": config.num_neighbors or _ALL_PAIRS,
        "neighborhood": config.neighborhood,
    }


def check_counts_suffice(similarity: Similarity, counts: GramBlocks) -> None:
    """Refuse weights that the similarity takes into account: an engine counts users.

    Raises:
        ConfigError: the weights are not all 1, and the similarity does not count on the binary X.

    >>> one = CsrMatrix(np.array([0, 1]), np.zeros(1, np.int32), np.ones(1, np.float32), 1)
    >>> check_counts_suffice(AsymmetricCosine(), GramBlocks(one))
    """
    if not similarity.binary and not counts.is_binary:
        raise ConfigError(
            f"weighting: expected weights of 1 for {similarity.name}, as an engine counts users, "
            "got others",
            "take --set weighting.name=binary, or a similarity that counts users whatever the "
            "weights, such as jaccard",
        )


class SqlNeighbors:
    """Finds the neighbors of a training by an engine.

    Args:
        stored: the engine's table of the interactions, or a URI; None to give the engine the pairs
            of users and items, with integer ids.
        is_coded: whether the engine has the rows of ``stored`` as ``read_coded`` leaves them.
    """

    def __init__(self, engine: Engine, stored: str | None = None, is_coded: bool = False) -> None:
        self._engine = engine
        self._stored = stored
        self._has_integer_ids = stored is None or is_coded

    def __call__(
        self, config: TrainConfig, counts: GramBlocks, items: IdMap, progress: Progress
    ) -> CsrMatrix:
        """Return the kept w(i, j) with source items as rows, (I, I) float32.

        Raises:
            ConfigError: counts of users do not suffice.
            DataError: the engine refuses, or its similarities are wrong.
        """
        values = train_parameters(config)
        check_counts_suffice(config.similarity, counts)
        assert isinstance(config.similarity, PairSimilarity), "those that train.sql knows are"
        if not _is_exact(config.similarity) and config.num_neighbors is not None:
            values["num_neighbors"] = config.num_neighbors + SPARE_NEIGHBORS
        query = bundled_query("train")
        joined = JoinedRows.of(counts.user_items)
        joined.check(self._engine, query)
        if self._has_integer_ids:
            query = query.with_integer_ids()
        columns = query.reads["interactions"]
        if self._stored is None:
            self._engine.load("interactions", columns, [_pairs_of(counts)])
        elif not self._has_integer_ids:
            provide_table(self._engine, "interactions", columns, self._stored)
        result = self._engine.run(
            query, values, ordered=False, progress=progress, joined_rows=joined.total
        )
        found = _gather(result.parts, items, self._has_integer_ids)
        return _keep_best(found, config, config.similarity, counts, query)


class _Found(NamedTuple):
    """The P pairs of a result.

    Attributes:
        sources: (P,) int32.
        targets: (P,) int32.
        similarities: (P,) float64, of the engine.
        common: (P,) float64 number of users of both.
    """

    sources: Int32Array
    targets: Int32Array
    similarities: Float64Array
    common: Float64Array


def _is_exact(similarity: Similarity) -> bool:
    return similarity.name in ("dot", "cosine", "jaccard", "dice", "tversky", "lift")


def _pairs_of(counts: GramBlocks) -> Rows:
    matrix = counts.user_items
    return {"user_id": matrix.row_of_entry(), "item_id": matrix.indices.astype(np.int64)}


def _gather(parts: Iterable[Rows], items: IdMap, has_integer_ids: bool) -> _Found:
    def positions(values: npt.NDArray[Any]) -> Int32Array:
        if has_integer_ids:
            return values.astype(np.int32)
        found = [items.position(id_) for id_ in values.tolist()]
        if None in found:
            raise DataError(
                f"item_id: expected items of the interactions that were read, "
                f"got {shorten(values[found.index(None)])}",
                "the table has changed between two queries",
            )
        return np.array(found, np.int32)

    columns = [
        (
            positions(part["item_id"]),
            positions(part["neighbor_id"]),
            part["similarity"].astype(np.float64),  # NULL is NaN
            part["common_users"].astype(np.float64),
        )
        for part in parts
    ]
    nothing = (np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0), np.empty(0))
    return _Found(*(np.concatenate(arrays) for arrays in zip(nothing, *columns)))


def _keep_best(
    found: _Found, config: TrainConfig, similarity: PairSimilarity, counts: GramBlocks, query: Query
) -> CsrMatrix:
    """Compute the similarities; return the best of each row."""
    counted = similarity.counted(counts)
    sources = tuple(term[found.sources] for term in similarity.source_terms(counted))
    targets = tuple(term[found.targets] for term in similarity.target_terms(counted))
    values = similarity.values(
        Pairs(found.common, sources, targets, counted.num_users, config.shrinkage)
    )  # (P,) float64
    _compare(found, values, 0.0 if _is_exact(similarity) else _TOLERANCE, query)
    rows_are_targets = config.neighborhood == "target"
    rows, columns = found.sources, found.targets
    if rows_are_targets:
        rows, columns = columns, rows
    shape = (counts.num_items, counts.num_items)
    matrix = sp.coo_matrix((values, (rows, columns)), shape=shape).tocsr()
    is_something = round_values(matrix.data) != 0
    indptr = np.concatenate([[0], np.cumsum(is_something)])[matrix.indptr]
    best = keep_best(
        indptr,
        matrix.indices[is_something],
        matrix.data[is_something],
        config.num_neighbors or counts.num_items,
    )
    return by_source(BestOfRows(*best), counts.num_items, rows_are_targets)


def _compare(found: _Found, values: Float64Array, tolerance: float, query: Query) -> None:
    """Refuse similarities that are no float32 of a number within the tolerance of mlcore's."""
    slack = tolerance * np.maximum(np.abs(values), np.abs(values).max(initial=0) * 1e-3)
    least, greatest = round_values(values - slack), round_values(values + slack)
    wrong = np.flatnonzero(~((least <= found.similarities) & (found.similarities <= greatest)))
    if len(wrong):
        pair = int(wrong[0])
        raise DataError(
            f"{query.place}: similarity: expected {values[pair]:.17g} as float32 for a pair that "
            f"{found.common[pair]:.0f} users share, got {found.similarities[pair]:.17g} "
            "from the engine"
        )
