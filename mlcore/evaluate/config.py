"""Settings of evaluations and comparisons. Loads no numpy, for the help of commands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, TypeVar, get_args

from mlcore.errors import ConfigError, shorten
from mlcore.parameters import (
    boolean,
    check_parameters,
    choice,
    integer,
    nearest,
    number,
    optional,
    parameter,
)

__all__ = [
    "DEFAULT_CUTOFFS",
    "DEFAULT_EXTRA_USERS",
    "METRIC_NAMES",
    "PAIRED_TESTS",
    "POPULARITY_SHARES",
    "SLICES",
    "CompareConfig",
    "EvaluateConfig",
    "ExtraUsers",
    "MetricSeparator",
    "PairedTest",
    "SliceBy",
]

T = TypeVar("T")

ExtraUsers: TypeAlias = Literal["error", "ignore"]
SliceBy: TypeAlias = Literal["history-length", "popularity"]
MetricSeparator: TypeAlias = Literal["@", "_at_"]
SLICES: tuple[SliceBy, ...] = get_args(SliceBy)
PairedTest: TypeAlias = Literal["randomization", "bootstrap"]
PAIRED_TESTS: tuple[PairedTest, ...] = get_args(PairedTest)

METRIC_NAMES = ("precision", "recall", "hit_rate", "ndcg", "map", "mrr")  # of users, at a cutoff
DEFAULT_CUTOFFS = (10,)
DEFAULT_EXTRA_USERS: ExtraUsers = "error"
POPULARITY_SHARES = (0.2, 0.8)  # of all interactions, where head and middle end


@dataclass(frozen=True)
class EvaluateConfig:
    """What to compute besides the means of the metrics. Every field changes the result.

    Attributes:
        confidence: of bootstrap intervals of the means; None computes none.
        bootstrap_rounds: number of their resamples.
        seed: of their random numbers.
        slices: ``history-length`` (users by their number of items in the training) and
            ``popularity`` (relevant items by their number of users there).
        history_edges: where slices by history begin, besides 0; None for 1, 2, 4, 8 ...
        popularity_shares: of all interactions, where head and middle end; None for
            ``POPULARITY_SHARES``.
        diversity: also measure the lists by the similarity of the model.
        metric_separator: between name and cutoff, ``recall@10``; ``_at_`` for trackers that take no
            other signs, such as MLflow.
    """

    confidence: float | None = parameter(None, optional(number(above=0)))
    bootstrap_rounds: int = parameter(1000, integer(minimum=1))
    seed: int = parameter(0, integer(minimum=0))
    slices: Sequence[SliceBy] = ()
    history_edges: Sequence[int] | None = None
    popularity_shares: Sequence[float] | None = None
    diversity: bool = parameter(False, boolean())
    metric_separator: MetricSeparator = parameter("@", choice("@", "_at_"))

    def named(self, metrics: Mapping[str, T]) -> dict[str, T]:
        """Return metrics by their names with the separator asked for.

        >>> EvaluateConfig(metric_separator="_at_").named({"recall@10": 0.5})
        {'recall_at_10': 0.5}
        """
        return {name.replace("@", self.metric_separator): metrics[name] for name in metrics}

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.confidence is not None and self.confidence >= 1:
            raise ConfigError(
                f"confidence: expected a number above 0 and below 1, got {self.confidence}"
            )
        for name in self.slices:
            if name not in SLICES:
                raise ConfigError(
                    f"slices: expected some of {', '.join(SLICES)}, got {shorten(name)}",
                    nearest(name, SLICES),
                )
        edges, shares = self.history_edges, self.popularity_shares
        if edges is not None:
            fine = len(edges) > 0 and min(edges) >= 1
            self._check_bounds("history_edges", edges, fine, "integers >= 1", "history-length")
        if shares is not None:
            fine = len(shares) == 2 and all(0 < share < 1 for share in shares)
            rule = "two numbers above 0 and below 1"
            self._check_bounds("popularity_shares", shares, fine, rule, "popularity")

    def _check_bounds(
        self, name: str, bounds: Sequence[float], fine: bool, rule: str, user: SliceBy
    ) -> None:
        if not fine or any(a >= b for a, b in zip(bounds, bounds[1:])):
            shown = ",".join(f"{bound:g}" for bound in bounds) or "none"
            raise ConfigError(f"{name}: expected {rule}, ascending, got {shown}")
        if user not in self.slices:
            raise ConfigError(
                f"{name}: expected slices by {user} to use them for, got none",
                f"--slices {user} asks for them",
            )

    def check_model(self, has_model: bool) -> None:
        """Refuse what needs a model, without one.

        Raises:
            ConfigError: slices or diversity are asked for.

        >>> EvaluateConfig().check_model(False)
        """
        asked = "slices" if self.slices else "diversity" if self.diversity else None
        if asked is not None and not has_model:
            raise ConfigError(
                f"{asked}: expected a model to go by, got none", "--model-dir names it"
            )


@dataclass(frozen=True)
class CompareConfig:
    """How to compare, and when the gate fails. Every field changes the result.

    Attributes:
        test: ``randomization`` (signs of the differences) or ``bootstrap``, two-sided, paired.
        rounds: resamples of the test and of the intervals.
        confidence: of the intervals; the test's level is 1 - confidence.
        fail_if_worse: metrics of the gate, which also decide; without any, NDCG at the first
            cutoff decides.
        max_loss: the gate also fails if an interval does not rule out a greater loss than this.
    """

    test: PairedTest = parameter("randomization", choice(*PAIRED_TESTS))
    rounds: int = parameter(10_000, integer(minimum=1))
    seed: int = parameter(0, integer(minimum=0))
    confidence: float = parameter(0.95, number(above=0))
    fail_if_worse: Sequence[str] = ()
    max_loss: float | None = parameter(None, optional(number(minimum=0)))

    def __post_init__(self) -> None:
        check_parameters(self)
        if self.confidence >= 1:
            raise ConfigError(
                f"confidence: expected a number above 0 and below 1, got {self.confidence}"
            )
        if (1 + self.rounds) * self.level < 1:  # a gate that can never fail
            raise ConfigError(
                f"rounds: expected at least {math.ceil(1 / self.level) - 1}, fewer have no p as "
                f"small as {self.level:g}, got {self.rounds}"
            )
        if self.max_loss is not None and not self.fail_if_worse:
            raise ConfigError(
                f"max_loss: expected a metric it holds for, got {self.max_loss:g} and no metric",
                "--fail-if-worse names the metric",
            )
        object.__setattr__(self, "fail_if_worse", tuple(dict.fromkeys(self.fail_if_worse)))

    @property
    def level(self) -> float:
        """1 - confidence, without the rounding that makes 1 - 0.9 less than 0.1."""
        return round(1 - self.confidence, 12)
