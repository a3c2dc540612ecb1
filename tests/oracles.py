"""Slow dense formulas, written from the published definitions and not from the code.

X is a dense (U, I) matrix, 0 where a user does not have an item. Sums run over ascending users (or
history items), one addition at a time, as the definitions demand.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.config import TrainConfig
from mlcore.interactions import Interactions
from mlcore.ranked_lists import Predictions
from mlcore.similarity import Similarity
from mlcore.types import CsrMatrix
from mlcore.weighting import NoWeighting

Dense = npt.NDArray[np.float64]


# --- data ---------------------------------------------------------------------------------------


def ids(letter: str, count: int) -> list[str]:
    """Return ``count`` ids in ascending order."""
    return [f"{letter}{index:03}" for index in range(count)]


def interactions_of(x: Dense, seconds: npt.NDArray[np.int64] | None = None) -> Interactions:
    """Return X as interactions; a column of zeros becomes an item that nobody took.

    ``seconds`` (U, I) are the timestamps.
    """
    users, items = np.nonzero(x)
    assert len(set(users.tolist())) == len(x), "interactions have no users without items"
    interactions = Interactions.from_columns(
        [ids("u", x.shape[0])[user] for user in users],
        [ids("i", x.shape[1])[item] for item in items],
        x[users, items],
        None if seconds is None else seconds[users, items],
    )
    return interactions.with_catalogue(ids("i", x.shape[1]))


def plain(similarity: Similarity, **settings: Any) -> TrainConfig:
    """Return a configuration whose weights are those of the rows and whose K are the best sources, unless given."""
    return TrainConfig(
        similarity, **{"weighting": NoWeighting(), "neighborhood": "target", **settings}
    )


def predictions_of(lists: Mapping[str, Sequence[str]]) -> Predictions:
    """Return the ranked lists of some users, best item first."""
    items = list(dict.fromkeys(item for row in lists.values() for item in row))
    codes = [items.index(item) for row in lists.values() for item in row]
    indptr = np.cumsum([0, *map(len, lists.values())]).astype(np.int64)
    return Predictions(list(lists), items, indptr, np.array(codes, np.int32))


def truth_of(
    taken: Mapping[str, Sequence[str]], weights: Sequence[float] | None = None
) -> Interactions:
    """Return the interactions of users with the items they took."""
    users = [user for user, items in taken.items() for _ in items]
    return Interactions.from_columns(users, [i for row in taken.values() for i in row], weights)


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


def decayed(
    x: Dense, seconds: npt.NDArray[np.int64], half_life_days: float, reference: int
) -> Dense:
    """Return x_ui / 2^(age in days / half_life_days)."""
    age_days = (reference - seconds) / (24 * 60 * 60)
    result: Dense = x / 2 ** (age_days / half_life_days)
    return result


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
    "log": np.log1p,
    "tf_idf": tf_idf,
    "bm25": bm25,
}


# --- heavy users --------------------------------------------------------------------------------


def best_of_users(x: npt.NDArray[Any], most: int, rank: Callable[[int, int], Any]) -> Any:
    """Return X with the ``most`` entries of lowest ``rank(u, i)`` of each user, and 0 elsewhere."""
    result = np.zeros_like(x)
    for u, row in enumerate(x):
        kept = sorted(np.flatnonzero(row).tolist(), key=lambda i: rank(u, i))[:most]
        result[u, kept] = row[kept]
    return result


def md5_rank(seed: int | str) -> Callable[[int, int], str]:
    """Return what ranks by the MD5 of ``user,item,seed``, the ids being those of ``ids``."""
    return lambda u, i: hashlib.md5(f"u{u:03},i{i:03},{seed}".encode()).hexdigest()


# --- similarities -------------------------------------------------------------------------------


def products(x: npt.NDArray[Any]) -> Dense:
    """Return c_ij, the dot product of columns i and j, (I, I)."""
    c = np.zeros((x.shape[1], x.shape[1]))
    for row in x.astype(np.float64):
        c += np.outer(row, row)
    return c


BINARY = {
    "dice",
    "jaccard",
    "tversky",
    "conditional_probability",
    "lift",
    "pmi",
    "npmi",
    "log_likelihood_ratio",
}


def similarity(name: str, x: npt.NDArray[Any], shrinkage: float, **parameters: Any) -> Dense:
    """Return w(i, j), (I, I), by the published definitions; 0 where no user has both items."""
    common_users = products(x > 0)
    x = x.astype(np.float64)
    if name in ("adjusted_cosine", "pearson"):
        w = correlation(name, x, shrinkage, **parameters)
    else:
        c = products(x > 0 if name in BINARY else x)
        n_i, n_j = np.diag(c)[:, None], np.diag(c)[None, :]
        with np.errstate(divide="ignore", invalid="ignore"):
            w = FORMULAS[name](c, n_i, n_j, shrinkage, len(x), **parameters)
    result: Dense = np.where(common_users > 0, np.nan_to_num(w), 0.0)
    return result


def damped(c: Dense, shrinkage: float) -> Dense:
    """Return c / (c + shrinkage)."""
    result: Dense = c / (c + shrinkage)
    return result


def npmi(c: Dense, n_i: Dense, n_j: Dense, h: float, users: int) -> Dense:
    """Return ln(p_ij / (p_i p_j)) / -ln p_ij, with the limit 1 where everybody has both."""
    joint = c / users
    value = np.log(joint / (n_i / users) / (n_j / users)) / -np.log(joint)
    result: Dense = np.where(c == users, 1.0, value) * damped(c, h)
    return result


def entropy(*cells: Dense) -> Dense:
    """Return the unnormalised entropy of Mahout's LogLikelihood: S ln S - sum of k ln k."""

    def x_log_x(k: Dense) -> Dense:
        result: Dense = np.where(k > 0, k * np.log(np.where(k > 0, k, 1)), 0.0)
        return result

    result: Dense = x_log_x(sum(cells[1:], cells[0])) - sum(map(x_log_x, cells))
    return result


def log_likelihood_ratio(
    c: Dense, n_i: Dense, n_j: Dense, h: float, users: int, signed: bool = False
) -> Dense:
    """Return 2 (row entropy + column entropy - matrix entropy), as Mahout has it."""
    one, other, neither = n_i - c, n_j - c, users - n_i - n_j + c
    rows, columns = entropy(c + one, other + neither), entropy(c + other, one + neither)
    ratio = 2 * np.maximum(rows + columns - entropy(c, one, other, neither), 0)
    if signed:
        ratio = np.where(c * users < n_i * n_j, -ratio, ratio)
    result: Dense = ratio * damped(c, h)
    return result


FORMULAS: dict[str, Callable[..., Dense]] = {
    "dot": lambda c, n_i, n_j, h, users: c / (1 + h),
    "cosine": lambda c, n_i, n_j, h, users: c / (np.sqrt(n_i) * np.sqrt(n_j) + h),
    "asymmetric_cosine": lambda c, n_i, n_j, h, users, alpha=0.4: c
    / (n_j**alpha * n_i ** (1 - alpha) + h),
    "dice": lambda c, n_i, n_j, h, users: c / (n_i + n_j + h),
    "jaccard": lambda c, n_i, n_j, h, users: c / (n_i + n_j - c + h),
    "tversky": lambda c, n_i, n_j, h, users, alpha=1.0, beta=1.0: c
    / (c + (alpha * (n_j - c) + beta * (n_i - c)) + h),
    "conditional_probability": lambda c, n_i, n_j, h, users, popularity_exponent=0.0: c
    / (n_i * n_j**popularity_exponent + h),
    "lift": lambda c, n_i, n_j, h, users: users * c / (n_i * n_j + h),
    "pmi": lambda c, n_i, n_j, h, users: np.log(users * c / (n_i * n_j)) * damped(c, h),
    "npmi": npmi,
    "log_likelihood_ratio": log_likelihood_ratio,
}


def correlation(name: str, x: Dense, shrinkage: float, missing: str = "zero") -> Dense:
    """Return Pearson's correlation or the adjusted cosine of columns, 0 where one has no spread."""
    stored = x > 0
    if name == "adjusted_cosine":
        means = x.sum(axis=1, keepdims=True) / np.maximum(stored.sum(axis=1, keepdims=True), 1)
        centered = np.where(stored, x - means, 0.0)
    elif missing == "unknown":
        means = x.sum(axis=0) / np.maximum(stored.sum(axis=0), 1)
        centered = np.where(stored, x - means, 0.0)
    else:
        # Multiplied by the number of users, so that counts stay integers and ties stay ties.
        users, sums = len(x), x.sum(axis=0)
        above = users * products(x) - np.outer(sums, sums)
        below = np.outer(*[np.sqrt(np.maximum(np.diag(above), 0))] * 2)
        zeros = np.zeros_like(above)
        result: Dense = np.divide(above, below + users * shrinkage, out=zeros, where=below > 1e-9)
        return result
    spread = np.sqrt((centered**2).sum(axis=0))
    below = np.outer(spread, spread) + shrinkage
    spread_both = np.outer(spread > 1e-12, spread > 1e-12)
    result = np.divide(centered.T @ centered, below, out=np.zeros_like(below), where=spread_both)
    return result


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
