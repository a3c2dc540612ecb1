"""Settings of searches. Loads no numpy, for the help of commands."""

from __future__ import annotations

from dataclasses import dataclass

from mlcore.evaluate.config import METRIC_NAMES
from mlcore.parameters import Rule, check_parameters, integer, parameter

__all__ = ["AutoConfig", "TuneConfig"]


def _metric_rule() -> Rule:
    def convert(value: object) -> str:
        name, at, cutoff = str(value).partition("@")
        if name not in METRIC_NAMES or not at or not cutoff.isascii() or not cutoff.isdigit():
            raise ValueError
        integer(minimum=1).convert(int(cutoff))
        return f"{name}@{int(cutoff)}"

    return Rule(f"one of {', '.join(METRIC_NAMES)} with a cutoff, such as ndcg@10", convert)


@dataclass(frozen=True)
class TuneConfig:
    """How to search.

    Attributes:
        metric: the objective, a metric of users with its cutoff. Changes the search.
        trials: total number, with the default configuration. Changes where the search ends.
        seed: changes the search.
        keep_mib: MiB of co-occurrence counts to keep for later trials. Changes speed and memory only.

    >>> TuneConfig(metric="recall@20").cutoff
    20
    """

    metric: str = parameter("ndcg@10", _metric_rule())
    trials: int = parameter(50, integer(minimum=1))
    seed: int = parameter(0, integer(minimum=0))
    keep_mib: int = parameter(1024, integer(minimum=0))

    def __post_init__(self) -> None:
        check_parameters(self)

    @property
    def cutoff(self) -> int:
        """The list length of the metric."""
        return int(self.metric.partition("@")[2])


@dataclass(frozen=True)
class AutoConfig:
    """How ``auto`` chooses a configuration. Every field changes the choice.

    Attributes:
        metric: to maximize, a metric of users with its cutoff.
        budget: how many configurations to try, the default included; beyond those of the ladder, all.
        seed: of the hold-out.
    """

    metric: str = parameter("ndcg@10", _metric_rule())
    budget: int = parameter(40, integer(minimum=1))
    seed: int = parameter(0, integer(minimum=0))

    def __post_init__(self) -> None:
        check_parameters(self)
