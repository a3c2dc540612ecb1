"""What preprocessing keeps. Loads no numpy, for the help of commands."""

from __future__ import annotations

from dataclasses import dataclass

from mlcore.aggregate import AGGREGATES, Aggregate
from mlcore.parameters import (
    boolean,
    check_parameters,
    choice,
    integer,
    number,
    optional,
    parameter,
)

__all__ = ["PreprocessConfig"]


@dataclass(frozen=True)
class PreprocessConfig:
    """What to keep. Every field changes the data.

    Attributes:
        aggregate: the weight of several rows of one user and item: their ``sum``, ``max``, the
            ``last`` by timestamp, or their ``count``.
        min_weight: drop interactions with a smaller weight, after aggregation.
        min_user_interactions: drop users with fewer items.
        min_item_interactions: drop items with fewer users.
        max_user_interactions: keep this many of each user's newest interactions.
        keep_events: keep all rows of the interactions that are left, with their order, not one of
            each user and item; ``aggregate`` then decides only what ``min_weight`` sees.
    """

    aggregate: Aggregate = parameter("sum", choice(*AGGREGATES))
    min_weight: float | None = parameter(None, optional(number(minimum=0)))
    min_user_interactions: int = parameter(1, integer(minimum=1))
    min_item_interactions: int = parameter(1, integer(minimum=1))
    max_user_interactions: int | None = parameter(None, optional(integer(minimum=1)))
    keep_events: bool = parameter(False, boolean())

    def __post_init__(self) -> None:
        check_parameters(self)
