"""Binary data of three shapes, as logs of a service: few users are very active, few items popular.

A user draws items, item of rank r in proportion to 1 / (r + 40), and a repeat adds nothing. The number of
draws is log-normal with sigma 1.2, at most 30 % of the catalogue, and scaled so that about as many
distinct pairs come out as asked. Unlike ``cli.generate``, users have no favourite genres.

``python -m benchmarks.shapes USERS ITEMS INTERACTIONS SEED FILE`` writes them as CSV, in random order.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri

from benchmarks.report import run
from mlcore.errors import ConfigError
from mlcore.types import Float64Array, Int64Array

__all__ = ["draw_pairs", "main"]

SIGMA = 1.2
MAX_SHARE = 0.3  # of the catalogue, drawn by one user
POPULARITY_OFFSET = 40
CHUNK = 2**18  # rows of text at once


def draw_pairs(
    num_users: int, num_items: int, num_interactions: int, seed: int
) -> tuple[Int64Array, Int64Array]:
    """Return distinct pairs of user and item, (E,) each, by user, then item.

    The number of draws of each user is the same for every seed, but for the order of users.

    Args:
        num_interactions: E, met to about a thousandth.

    Raises:
        ConfigError: so many users cannot have so many interactions.
    """
    rng = np.random.default_rng(seed)
    shares = 1 / (np.arange(num_items) + POPULARITY_OFFSET)  # (I,) by rank
    shares /= shares.sum()
    draws = rng.permutation(_num_draws(num_users, num_interactions, shares))  # (U,)
    item_of_rank = rng.permutation(num_items)  # (I,)
    ranks = np.searchsorted(np.cumsum(shares[:-1]), rng.random(draws.sum()))  # (draws,)
    drawn = np.repeat(np.arange(num_users) * num_items, draws) + item_of_rank[ranks]
    drawn.sort()  # np.unique would hash, which is ten times slower here
    users, items = np.divmod(drawn[np.diff(drawn, prepend=-1) > 0], num_items)
    return users, items


def _num_draws(num_users: int, num_interactions: int, shares: Float64Array) -> Int64Array:
    """Return the number of draws of each user, at least 1, ascending, (U,)."""
    limit = max(1, int(MAX_SHARE * len(shares)))
    activity = np.exp(SIGMA * ndtri((np.arange(num_users) + 0.5) / num_users))  # (U,) quantiles
    distinct = _expected_distinct(shares, limit)

    def excess(log_level: float) -> float:
        draws = np.clip(np.exp(log_level) * activity, 1, limit)
        return float(distinct(draws).sum()) - num_interactions

    ends = np.log(1 / activity[-1]), np.log(limit / activity[0])  # all draw 1; all the limit
    if not excess(ends[0]) <= 0 <= excess(ends[1]):
        most = num_users * distinct(np.array([limit]))[0]
        raise ConfigError(
            f"interactions: expected a number from {num_users} to {most:.0f}, "
            f"got {num_interactions}"
        )
    level = np.exp(brentq(excess, *ends))
    draws: Int64Array = np.rint(np.clip(level * activity, 1, limit)).astype(np.int64)
    return draws


def _expected_distinct(shares: Float64Array, limit: int) -> Callable[[Float64Array], Float64Array]:
    """Return a function from n draws to how many distinct items are expected among them.

    It is the sum of 1 - (1 - share)^n, interpolated between 200 values of n up to ``limit``.
    """
    known = np.unique(np.rint(np.geomspace(1, limit, 200)))
    log_missed = np.log1p(-shares)  # (I,)
    expected = [-np.expm1(n * log_missed).sum() for n in known]
    return lambda draws: np.interp(draws, known, expected)


def write_csv(path: str, users: Int64Array, items: Int64Array, order: Int64Array) -> None:
    """Write rows ``u0001,i0001,1`` with a header, ids of one width, in the given order."""
    row = f"u{{:0{len(str(users.max()))}}},i{{:0{len(str(items.max()))}}},1\n".format
    with open(path, "w", encoding="ascii") as file:
        file.write("user_id,item_id,weight\n")
        for begin in range(0, len(order), CHUNK):
            part = order[begin : begin + CHUNK]
            file.writelines(map(row, users[part].tolist(), items[part].tolist()))


def main(argv: Sequence[str]) -> int:
    """Run the program."""
    *numbers, path = argv
    num_users, num_items, num_interactions, seed = map(int, numbers)

    def work() -> int:
        users, items = draw_pairs(num_users, num_items, num_interactions, seed)
        order = np.random.default_rng([seed, 1]).permutation(len(users))
        write_csv(path, users, items, order)
        return 0

    return run(work)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
