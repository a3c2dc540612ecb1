"""The configurations that ``auto`` tries: few, far apart, the likeliest first.

Chosen from those of ``benchmarks.defaults``: what was within a few percent of the best on one of its sets, and
what such a set had nothing else near.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any


from mlcore.config import TrainConfig
from mlcore.errors import ConfigError
from mlcore.interactions import Interactions

__all__ = ["MANY", "ladder"]

# Interactions from which on auto may take no more than a few trainings; items up to which EASE is tried.
MANY, MAX_EASE_ITEMS = 900_000, 16_000


def ladder(interactions: Interactions, settings: Mapping[str, object]) -> list[TrainConfig]:
    """Return the configurations to try, the default first, each once.

    Args:
        interactions: weights that are all alike, or no times, leave configurations out.
        settings: that all have in place of their own, as in ``TrainConfig.with_settings``; a configuration that
            they do not fit is left out.

    Raises:
        ConfigError: the default does not fit the settings.

    >>> tried = ladder(Interactions.from_columns(["u"], ["a"]), {"num_neighbors": 50})
    >>> {config.num_neighbors for config in tried}
    {50}
    """
    found = {TrainConfig().with_settings(settings): None}  # in order
    weights = interactions.user_items.data
    is_flat = bool((weights == weights[0]).all())
    entries = itertools.chain(
        _entries(is_flat, interactions.timestamps is not None), _ease(interactions)
    )
    for values in entries:
        try:
            found.setdefault(TrainConfig.from_json(values).with_settings(settings))
        except ConfigError:
            pass
    return list(found)


def _entries(is_flat: bool, has_times: bool) -> Iterator[dict[str, Any]]:
    """Yield configurations as JSON; where weights are all alike, their logarithm changes nothing."""
    yield from map(_walk, (0.0, 0.2, 0.4, 0.6))
    yield _cosine(0.0)
    yield _cosine(0.2)
    if has_times:
        for few, more in itertools.product((_walk(0.0), _walk(0.1), _cosine(0.0)), _LATE):
            yield few | more
    if not is_flat:
        yield _walk(0.0) | {"weighting": {"name": "binary"}}
    for alpha in (0.3, 0.0):
        yield _cosine(alpha) | _BM25
        yield _cosine(alpha) | _BM25 | _DOWN
    yield {"similarity": {"name": "dot"}} | _BM25
    yield _cosine(0.0) | {"neighborhood": "target"}


def _ease(interactions: Interactions) -> Iterator[dict[str, Any]]:
    """Yield EASE where it takes minutes at most, with an l2 that grows with the users of an item."""
    num_items = len(interactions.item_ids)
    if len(interactions) < MANY and num_items <= MAX_EASE_ITEMS:
        yield {
            "similarity": {
                "name": "ease",
                "l2": round(2.5 * len(interactions) / num_items, 3),
                "popularity_exponent": 0.2,
                "dropout": 0.5,
                "user_norm_exponent": 0.5,
            },
            "weighting": {"name": "binary"},
            "num_neighbors": 400,
        }


_BM25: dict[str, Any] = {"weighting": {"name": "bm25", "smooth": True}}
_DOWN: dict[str, Any] = {"heavy_users": {"name": "down_weight"}}
_LATE: tuple[dict[str, Any], ...] = (
    {"history_decay": {"name": "quadratic"}},
    {"history_decay": {"name": "exponential"}},
)


def _walk(beta: float) -> dict[str, Any]:
    return {"similarity": {"name": "rp3beta", "beta": beta}}


def _cosine(alpha: float) -> dict[str, Any]:
    return {"similarity": {"name": "asymmetric_cosine", "alpha": alpha}}
