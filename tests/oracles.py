"""Slow dense formulas, written from the published definitions and not from the code.

X is a dense (U, I) matrix, 0 where a user does not have an item. Sums run over ascending users (or
history items), one addition at a time, as the definitions demand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.interactions import Interactions
from mlcore.types import CsrMatrix

Dense = npt.NDArray[np.float64]


# --- data ---------------------------------------------------------------------------------------


def ids(letter: str, count: int) -> list[str]:
    """Return ``count`` ids in ascending order."""
    return [f"{letter}{index:03}" for index in range(count)]


def interactions_of(x: Dense) -> Interactions:
    """Return X as interactions; a column of zeros becomes an item that nobody took."""
    users, items = np.nonzero(x)
    assert len(set(users.tolist())) == len(x), "interactions have no users without items"
    interactions = Interactions.from_columns(
        [ids("u", x.shape[0])[user] for user in users],
        [ids("i", x.shape[1])[item] for item in items],
        x[users, items],
    )
    return interactions.with_catalogue(ids("i", x.shape[1]))


def dense(matrix: CsrMatrix) -> npt.NDArray[Any]:
    """Return a sparse matrix with its zeros, entry by entry."""
    result = np.zeros((matrix.num_rows, matrix.num_columns), matrix.data.dtype)
    for row in range(matrix.num_rows):
        for entry in range(matrix.indptr[row], matrix.indptr[row + 1]):
            result[row, matrix.indices[entry]] = matrix.data[entry]
    return result


def sparse(x: npt.NDArray[Any]) -> CsrMatrix:
    """Return the entries of a dense matrix other than 0."""
    rows, columns = np.nonzero(x)
    indptr = np.searchsorted(rows, np.arange(len(x) + 1)).astype(np.int64)
    return CsrMatrix(indptr, columns.astype(np.int32), x[rows, columns], x.shape[1])


# --- weightings ---------------------------------------------------------------------------------


def user_factors(x: Dense, smooth: bool = False) -> Dense:
    """Return ln(I / (1 + n_u)), or ln(1 + I / n_u), as a column (U, 1).

    By log1p of the distance from 1, whose error stays relative where the quotient is close to 1.
    """
    num_items, counts = x.shape[1], (x > 0).sum(axis=1).tolist()
    away = [num_items / n if smooth else (num_items - 1 - n) / (1 + n) for n in counts]
    return np.array([[math.log1p(value)] for value in away])


def tf_idf(x: Dense, smooth: bool = False) -> Dense:
    """Return x_ui ln(num_items / (1 + number of items of user u))."""
    result: Dense = x * user_factors(x, smooth)
    return result


def bm25(x: Dense, k1: float = 1.2, b: float = 0.75, smooth: bool = False) -> Dense:
    """Return x_ui (k1 + 1) / (x_ui + k1 (1 - b + b L_i / L)) times the factor of the user."""
    lengths = x.sum(axis=0)  # (I,)
    norms = k1 * (1 - b + b * lengths / lengths.mean())
    result: Dense = np.where(x > 0, x * (k1 + 1) / np.where(x > 0, x + norms, 1), 0)
    return result * user_factors(x, smooth)


def implicit_bm25(item_users: Dense, k1: float, b: float) -> Dense:
    """Return what ``implicit.nearest_neighbours.bm25_weight(item_users, K1, B)`` documents."""
    num_items = float(item_users.shape[0])
    idf = np.log(num_items) - np.log1p((item_users > 0).sum(axis=0))  # (U,)
    row_sums = item_users.sum(axis=1)  # (I,)
    length_norm = (1.0 - b) + b * row_sums / row_sums.mean()
    stored = item_users > 0  # implicit computes the stored entries only
    saturated: Dense = np.divide(
        item_users * (k1 + 1.0),
        k1 * length_norm[:, None] + item_users,
        out=np.zeros_like(item_users),
        where=stored,
    )
    result: Dense = saturated * idf
    return result


WEIGHTINGS: dict[str, Callable[[Dense], Dense]] = {
    "none": lambda x: x,
    "binary": lambda x: (x > 0).astype(np.float64),
    "tf_idf": tf_idf,
    "bm25": bm25,
}


# --- similarities -------------------------------------------------------------------------------


def products(x: npt.NDArray[Any]) -> Dense:
    """Return c_ij, the dot product of columns i and j, (I, I)."""
    c = np.zeros((x.shape[1], x.shape[1]))
    for row in x.astype(np.float64):
        c += np.outer(row, row)
    return c


def similarity(name: str, x: npt.NDArray[Any], shrinkage: float) -> Dense:
    """Return w(i, j), (I, I), by the ``definitions`` of the published tables."""
    c = products(x > 0 if name in ("dice", "jaccard") else x)
    n_i, n_j = np.diag(c)[:, None], np.diag(c)[None, :]
    denominator = {
        "dot": np.ones_like(c) + shrinkage,
        "cosine": np.sqrt(n_i) * np.sqrt(n_j) + shrinkage,
        "dice": n_i + n_j + shrinkage,
        "jaccard": n_i + n_j - c + shrinkage,
    }[name]
    return np.divide(c, denominator, out=np.zeros_like(c), where=c > 0)


def exact_similarity(name: str, x: npt.NDArray[Any], shrinkage: int) -> npt.NDArray[Any]:
    """Return w(i, j) of a binary X as fractions, (I, I) object; for the cosine its square."""
    c = (x > 0).astype(int).T @ (x > 0).astype(int)
    result = np.full(c.shape, Fraction(0), object)
    for i, j in zip(*np.nonzero(c)):
        common, n_i, n_j = int(c[i, j]), int(c[i, i]), int(c[j, j])
        assert name != "cosine" or not shrinkage, "then the square is not rational"
        result[i, j] = {
            "dot": Fraction(common, 1 + shrinkage),
            "cosine": Fraction(common * common, n_i * n_j),
            "dice": Fraction(common, n_i + n_j + shrinkage),
            "jaccard": Fraction(common, n_i + n_j - common + shrinkage),
        }[name]
    return result


def neighbors(
    w: Dense,
    common_users: npt.NDArray[Any],
    num_neighbors: int | None,
    neighborhood: str,
    min_cooccurrence: int = 1,
    rank_by: npt.NDArray[Any] | None = None,
) -> npt.NDArray[np.float32]:
    """Return the kept w(i, j), (I, I) float32: of each item the best others, ties to the smaller.

    ``rank_by`` holds other values to rank by than those that are kept, for instance exact ones.
    """
    rank_by = w if rank_by is None else rank_by
    kept = np.zeros(w.shape, np.float32)
    for item in range(len(w)):
        pairs = [(o, item) if neighborhood == "target" else (item, o) for o in range(len(w))]
        pairs = [
            pair
            for pair in pairs
            if pair != (item, item)
            and common_users[pair] >= min_cooccurrence
            and np.float32(w[pair]) != 0
        ]
        for pair in sorted(pairs, key=lambda pair: (-rank_by[pair], pair))[:num_neighbors]:
            kept[pair] = w[pair]
    return kept


# --- scores -------------------------------------------------------------------------------------


def scores(similarity: CsrMatrix, history: Mapping[int, float]) -> dict[int, float]:
    """Return the score of each candidate: sums from +0 over the history, ascending by item."""
    totals: dict[int, float] = {}
    for source in sorted(history):
        for entry in range(similarity.indptr[source], similarity.indptr[source + 1]):
            target = int(similarity.indices[entry])
            share = float(np.float32(history[source])) * float(similarity.data[entry])
            totals[target] = totals.get(target, 0.0) + share
    return totals


def ranking(
    totals: Mapping[int, float], n: int, never: Iterable[int] = ()
) -> list[tuple[int, float]]:
    """Return the best ``n`` items and scores: score descending, then item ascending."""
    eligible = totals.keys() - set(never)
    return [(item, totals[item]) for item in sorted(eligible, key=lambda i: (-totals[i], i))[:n]]


# --- metrics ------------------------------------------------------------------------------------


def coverage(lists: Sequence[Sequence[str]], catalogue: Sequence[str]) -> float:
    """Return the share of the catalogue that stands in a list."""
    return len({item for items in lists for item in items}) / len(catalogue)


def gini(lists: Sequence[Sequence[str]], catalogue: Sequence[str]) -> float:
    """Return the mean absolute difference of all pairs of items / twice the mean."""
    shown = [sum(items.count(item) for items in map(list, lists)) for item in catalogue]
    differences = sum(abs(x - y) for x in shown for y in shown)
    return differences / (2 * len(shown) * sum(shown)) if sum(shown) else 0.0


def novelty(
    lists: Sequence[Sequence[str]], users_of_item: Mapping[str, int], num_users: int
) -> float:
    """Return the mean of -log2(users of the item / all users), an item of nobody like one of one."""
    bits = [
        -math.log2(max(users_of_item.get(item, 0), 1) / num_users)
        for items in lists
        for item in items
    ]
    return math.fsum(bits) / len(bits) if bits else 0.0


# --- k-core -------------------------------------------------------------------------------------


def k_core(pairs: Iterable[tuple[str, str]], min_user: int, min_item: int) -> set[tuple[str, str]]:
    """Return the largest set of pairs whose users and items all have enough partners."""
    left = set(pairs)
    while True:
        users = [user for user, _ in left]
        items = [item for _, item in left]
        poor = {
            (user, item)
            for user, item in left
            if users.count(user) < min_user or items.count(item) < min_item
        }
        if not poor:
            return left
        left -= poor
