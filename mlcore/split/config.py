"""How to split interactions. Loads no numpy, for the help of commands."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

from mlcore.errors import ConfigError
from mlcore.parameters import boolean, check_parameters, choice, integer, number, parameter

__all__ = ["STRATEGIES", "SplitConfig", "Strategy", "check_taken"]

Strategy: TypeAlias = Literal["random", "last-n", "temporal", "user"]
STRATEGIES: tuple[Strategy, ...] = get_args(Strategy)

# Which strategies a setting changes.
_STRATEGIES_OF: dict[str, tuple[Strategy, ...]] = {
    "test_fraction": ("random", "user", "temporal"),
    "n": ("last-n",),
    "cutoff": ("temporal",),
    "seed": ("random", "user"),
}


@dataclass(frozen=True)
class SplitConfig:
    """How to split. Every field changes the data.

    Attributes:
        strategy: ``random`` (interactions), ``last-n`` (of each user), ``temporal`` (all from a
            moment on) or ``user`` (all interactions of some users).
        test_fraction: for ``random`` and ``user`` the probability of going to the test; for
            ``temporal`` without a cutoff the fraction of newest interactions, at least one.
        n: for ``last-n``; users with n or fewer interactions stay in the training.
        cutoff: for ``temporal``, microseconds since 1970 UTC; interactions at or after it are test.
        seed: for ``random`` and ``user``.
        keep_events: keep all rows of each interaction, with their order, on the side where it goes.
    """

    strategy: Strategy = parameter("random", choice(*STRATEGIES))
    test_fraction: float = parameter(0.2, number(above=0, below=1))
    n: int = parameter(1, integer(minimum=1))
    cutoff: int | None = None
    seed: int = parameter(0, integer(minimum=0))
    keep_events: bool = parameter(False, boolean())

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.cutoff is not None and type(self.cutoff) is not int:
            raise ConfigError(f"cutoff: expected integer microseconds, got {self.cutoff!r}")
        if self.cutoff is not None:
            check_taken(self.strategy, ["cutoff"])


def check_taken(strategy: Strategy, given: Collection[str]) -> None:
    """Refuse settings that change nothing.

    Args:
        given: names of fields.

    Raises:
        ConfigError: the strategy does not take one, or another one given overrules it.

    >>> check_taken("last-n", ["n"])
    """
    for name in given:
        strategies = _STRATEGIES_OF[name]
        if strategy not in strategies:
            expected = " or ".join(map(repr, strategies))
            raise ConfigError(f"{name}: expected strategy {expected}, got {strategy!r}")
    if {"cutoff", "test_fraction"} <= set(given):
        raise ConfigError("test_fraction: expected no cutoff with it, got both")
