"""One metric of two recommenders: how sure the difference is, and what follows from it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from mlcore.evaluate.config import CompareConfig

__all__ = ["MetricComparison", "Verdict", "show"]

Verdict: TypeAlias = Literal["better", "worse", "equal", "unclear"]


@dataclass(frozen=True)
class MetricComparison:
    """One metric of both recommenders, as means over users.

    Attributes:
        name: such as ``recall@10``.
        difference: candidate minus baseline.
        interval: low and high of the difference.
        p_value: of the paired test, for this metric alone.
        p_value_holm: adjusted for all metrics of the comparison.
        users_better: number of users for whom the candidate is better.
        users_needed: number of users to detect a difference of this size; infinite if it is 0.
    """

    name: str
    config: CompareConfig
    baseline: float
    candidate: float
    difference: float
    interval: tuple[float, float]
    p_value: float
    p_value_holm: float
    users_better: int
    users_equal: int
    users_worse: int
    users_needed: float

    @property
    def num_users(self) -> int:
        """U."""
        return self.users_better + self.users_equal + self.users_worse

    @property
    def verdict(self) -> Verdict:
        """``equal`` for each user, or significantly ``better`` or ``worse``, or ``unclear``."""
        if self.users_equal == self.num_users:
            return "equal"
        if self.p_value > self.config.level:
            return "unclear"
        return "better" if self.difference > 0 else "worse"

    @property
    def may_lose_too_much(self) -> bool:
        """Whether ``max_loss`` is set and the interval does not rule out a greater loss."""
        return self.config.max_loss is not None and self.interval[0] < -self.config.max_loss

    def conclusion(self) -> str:
        """Return a sentence to act on."""
        if self.verdict == "equal":
            return f"{self.name}: equal for each of {self.num_users} users: nothing to choose."
        evidence = f"({self._evidence()})"
        if self.verdict == "worse":
            size = show(-self.difference)
            return f"{self.name}: the candidate is worse by {size} {evidence}: keep the baseline."
        if self.verdict == "better":
            text, advice = (
                f"the candidate is better by {show(self.difference)} {evidence}",
                "take it",
            )
        else:
            text, advice = f"no difference can be told from chance {evidence}", self._need()
        if self.may_lose_too_much:
            advice += f"; a loss above {self.config.max_loss:g} is possible: keep the baseline"
        elif self.config.max_loss is not None and self.verdict == "unclear":
            advice += f"; a loss above {self.config.max_loss:g} is ruled out: it can be taken"
        return f"{self.name}: {text}: {advice}."

    def fault(self) -> str | None:
        """Return why a gate on this metric fails, or None."""
        if self.verdict == "worse":
            expected = f"a candidate that is not worse, got a loss of {show(-self.difference)}"
        elif self.may_lose_too_much:
            expected = (
                f"a loss above {self.config.max_loss:g} to be ruled out, got no such evidence"
            )
        else:
            return None
        return f"{self.name}: expected {expected} ({self._evidence()})"

    def to_json(self) -> dict[str, Any]:
        """Return one entry of ``metrics`` in ``comparison.json``."""
        return {
            "baseline": self.baseline,
            "candidate": self.candidate,
            "difference": self.difference,
            "relative_difference": self.difference / self.baseline if self.baseline else None,
            "confidence_interval": list(self.interval),
            "p_value": self.p_value,
            "p_value_holm": self.p_value_holm,
            "users_better": self.users_better,
            "users_equal": self.users_equal,
            "users_worse": self.users_worse,
            "users_needed": int(self.users_needed) if math.isfinite(self.users_needed) else None,
            "verdict": self.verdict,
        }

    def _evidence(self) -> str:
        parts = [f"{100 * self.difference / self.baseline:+.1f} %"] if self.baseline else []
        low, high = map(show, self.interval)
        parts.append(
            f"{100 * self.config.confidence:g} % interval {low} to {high}, "
            f"p = {show(self.p_value)}, {self.num_users} users"
        )
        if self.verdict == "unclear":
            parts.insert(0, show(self.difference, "+"))
        return "; ".join(parts)

    def _need(self) -> str:
        if self.difference == 0:
            return "gains and losses balance"
        # At least twice: by the same formula, fewer users would have detected the difference.
        times = max(2, math.ceil(self.users_needed / self.num_users))
        shown = f"about {times}" if times <= 1000 else "more than 1000"
        return f"{shown} times as many users would be needed to tell a difference of this size"


def show(value: float, sign: str = "") -> str:
    """Return a finite number with four decimals, or two digits if these would round it to 0.

    Args:
        sign: ``+`` to mark numbers above 0 too.

    >>> show(0.01234), show(0.000012), show(-0.0), show(0.5, "+")
    ('0.0123', '1.2e-05', '0.0000', '+0.5000')
    """
    if value and abs(value) < 0.00005:
        return f"{value:{sign}.1e}"
    return f"{value:{sign if value else ''}.4f}".replace("-0.0000", "0.0000")
