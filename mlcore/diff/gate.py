"""Conditions on which a difference of models fails, such as ``overlap@10<0.8``. Loads no numpy."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mlcore.errors import ConfigError, shorten
from mlcore.jsontext import format_number
from mlcore.parameters import nearest

__all__ = ["METRICS", "Condition", "metric_names", "parse_conditions"]

# Besides overlap@K; ModelDiff.metrics says what each is.
METRICS = (
    "rbo",
    "same_list_share",
    "popularity_shift",
    "items_gone",
    "items_new",
    "items_gone_share",
    "items_new_share",
)
# When a condition holds, and what was expected instead.
_SIGNS: Mapping[str, tuple[Callable[[float, float], bool], str]] = {
    "<": (operator.lt, "at least"),
    "<=": (operator.le, "above"),
    ">": (operator.gt, "at most"),
    ">=": (operator.ge, "below"),
}
_CONDITION = re.compile(r"\s*([^\s<>=]+)\s*(<=|>=|<|>)\s*([^\s<>=]+)\s*")


def metric_names(cutoffs: Sequence[int]) -> list[str]:
    """Return the names of all metrics, in the order of a result.

    >>> metric_names([5])[:2]
    ['overlap@5', 'rbo']
    """
    return [*(f"overlap@{k}" for k in cutoffs), *METRICS]


@dataclass(frozen=True)
class Condition:
    """A metric, and the values of it that fail.

    Attributes:
        sign: one of < <= > >=.
    """

    metric: str
    sign: str
    bound: float

    def __str__(self) -> str:
        return f"{self.metric}{self.sign}{format_number(self.bound)}"

    def fault(self, metrics: Mapping[str, float]) -> str | None:
        """Return why these metrics fail, or None.

        >>> Condition("rbo", "<", 0.8).fault({"rbo": 0.75})
        'rbo: expected at least 0.8, got 0.75'
        """
        holds, otherwise = _SIGNS[self.sign]
        value = metrics[self.metric]
        if not holds(value, self.bound):
            return None
        return (
            f"{self.metric}: expected {otherwise} {format_number(self.bound)}, "
            f"got {format_number(value)}"
        )


def parse_conditions(texts: Sequence[str], cutoffs: Sequence[int]) -> tuple[Condition, ...]:
    """Return the conditions, each once.

    Raises:
        ConfigError: the syntax is another, a bound is not finite, or there is no such metric.

    >>> [str(condition) for condition in parse_conditions(["overlap@10 < 0.80"], [10])]
    ['overlap@10<0.8']
    """
    if isinstance(texts, str):  # a sequence too, of letters
        raise ConfigError(f"fail_if: expected a list of conditions, got {shorten(texts)}")
    return tuple(dict.fromkeys(_parse(text, metric_names(cutoffs)) for text in texts))


def _parse(text: str, names: Sequence[str]) -> Condition:
    found = _CONDITION.fullmatch(text)
    bound = _number(found[3]) if found else None
    if found is None or bound is None:
        raise ConfigError(
            f"fail_if: expected a metric, one of {' '.join(_SIGNS)}, and a number, "
            f"got {shorten(text)}",
            f"--fail-if '{names[0]}<0.8'; without quotes the shell takes < and > for itself",
        )
    if found[1] not in names:
        raise ConfigError(
            f"fail_if: expected one of {', '.join(names)}, got {shorten(found[1])}",
            (
                "--cutoffs says which overlaps there are"
                if found[1].startswith("overlap@")
                else nearest(found[1], names)
            ),
        )
    return Condition(found[1], found[2], bound)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
