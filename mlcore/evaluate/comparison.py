"""The result of comparing two recommenders: a table and conclusions, JSON, a gate."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from mlcore.charts.chart import Charts, with_charts
from mlcore.charts.comparison import comparison_charts
from mlcore.errors import GateError
from mlcore.evaluate.changes import ChangedLists, ChangedUser, Spread
from mlcore.evaluate.config import CompareConfig
from mlcore.evaluate.resampling import FEW_USERS
from mlcore.notebook import html_table

__all__ = ["Comparison", "MetricComparison", "Verdict"]

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
        spread: of the differences of users.
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
    spread: Spread

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
            size = _show(-self.difference)
            return f"{self.name}: the candidate is worse by {size} {evidence}: keep the baseline."
        if self.verdict == "better":
            text, advice = (
                f"the candidate is better by {_show(self.difference)} {evidence}",
                "take it",
            )
        else:
            text, advice = f"no significant difference {evidence}", self._need()
        if self.may_lose_too_much:
            advice += f"; a loss above {self.config.max_loss:g} is possible: keep the baseline"
        elif self.config.max_loss is not None and self.verdict == "unclear":
            advice += f"; a loss above {self.config.max_loss:g} is ruled out: it can be taken"
        return f"{self.name}: {text}: {advice}."

    def fault(self) -> str | None:
        """Return why a gate on this metric fails, or None."""
        if self.verdict == "worse":
            expected = f"a candidate that is not worse, got a loss of {_show(-self.difference)}"
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
            "spread": asdict(self.spread),
        }

    def _evidence(self) -> str:
        parts = [f"{100 * self.difference / self.baseline:+.1f} %"] if self.baseline else []
        low, high = map(_show, self.interval)
        parts.append(
            f"{100 * self.config.confidence:g} % interval {low} to {high}, "
            f"p = {_show(self.p_value)}, {self.num_users} users"
        )
        if self.verdict == "unclear":
            parts.insert(0, _show(self.difference, "+"))
        return "; ".join(parts)

    def _need(self) -> str:
        if self.difference == 0:
            return "gains and losses balance"
        # At least twice: by the same formula, fewer users would have detected the difference.
        times = max(2, math.ceil(self.users_needed / self.num_users))
        shown = f"about {times}" if times <= 1000 else "more than 1000"
        return f"{shown} times as many users would detect a difference of this size"


@dataclass(frozen=True, repr=False)
class Comparison:
    """All metrics of two recommenders for the same users.

    Attributes:
        metrics: by name, ``recall@10``.
        deciding: names of the metrics that decide.
        users_with_other_lists: number of users whose lists differ up to the longest cutoff.
        users_without_predictions: number of users without a list, in baseline and candidate.
        ignored_users: number of lists of users without ground truth, likewise.
        users_changed_most: by the first deciding metric.
        items_changed_most: by how many lists have them, up to the cutoff of that metric.
    """

    config: CompareConfig
    metrics: Mapping[str, MetricComparison]
    deciding: Sequence[str]
    users_with_other_lists: int
    users_without_predictions: tuple[int, int]
    ignored_users: tuple[int, int]
    users_changed_most: Sequence[ChangedUser] = ()
    items_changed_most: Sequence[ChangedLists] = ()

    @property
    def num_users(self) -> int:
        """U, the users of the ground truth."""
        return self.metrics[self.deciding[0]].num_users

    def to_rows(self) -> list[dict[str, Any]]:
        """Return a row for each metric, as ``pandas.DataFrame`` and ``polars.DataFrame`` take them.

        Columns: ``metric``, then the keys of ``metrics`` in ``comparison.json``, with the interval
        as ``low`` and ``high``, without the spread.
        """
        rows = []
        for name, metric in self.metrics.items():
            row = {"metric": name, **metric.to_json()}
            row["low"], row["high"] = row.pop("confidence_interval")
            del row["spread"]
            rows.append(row)
        return rows

    def __repr__(self) -> str:
        verdicts = ", ".join(f"{name} {self.metrics[name].verdict}" for name in self.deciding)
        return f"Comparison({self.num_users} users, {verdicts})"

    def _repr_html_(self) -> str:
        rows = self.to_rows()
        return with_charts(html_table(repr(self), rows, len(rows)), self.plot)

    def plot(self) -> Charts:
        """Return the charts of ``cli.report``, which a notebook shows.

        Raises:
            MlcoreError: matplotlib is not installed.
        """
        return comparison_charts(self.to_json()).checked()

    def conclusions(self) -> list[str]:
        """Return a sentence to act on for each deciding metric, and one more if they disagree."""
        if not self.users_with_other_lists:
            return [f"the lists are equal for each of {self.num_users} users: nothing to choose."]
        sentences = [self.metrics[name].conclusion() for name in self.deciding]
        if {"better", "worse"} <= {self.metrics[name].verdict for name in self.deciding}:
            sentences.append(
                "the deciding metrics disagree: keep the baseline unless the gain matters more."
            )
        return sentences

    def report(self) -> str:
        """Return heading, table of all metrics, conclusions, and a warning for few users."""
        decide = "decides" if len(self.deciding) == 1 else "decide"
        lines = [self._heading(), "", *self._table(), "", *self.conclusions()]
        lines.append(
            f"{' and '.join(self.deciding)} {decide}; each p is that of its metric alone, "
            f"not adjusted for the {len(self.metrics)} of them."
        )
        if self.num_users < FEW_USERS:
            lines.append(f"The intervals of fewer than {FEW_USERS} users are too narrow.")
        return "\n".join(lines)

    def failure(self) -> GateError | None:
        """Return why the gate fails, or None.

        It fails if a metric of ``fail_if_worse`` has a lower mean and p <= 1 - confidence; with
        ``max_loss`` also if the low bound of its interval is below -max_loss.
        """
        faults = self._faults()
        return GateError("; ".join(faults)) if faults else None

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``comparison.json``."""
        config = self.config
        sides = {
            side: {"users_without_predictions": without, "ignored_users": ignored}
            for side, without, ignored in self._sides()
        }
        gate = {
            "fail_if_worse": list(config.fail_if_worse),
            "max_loss": config.max_loss,
            "passed": not self._faults(),
            "faults": self._faults(),
        }
        return {
            "users": self.num_users,
            "users_with_other_lists": self.users_with_other_lists,
            **sides,
            "test": config.test,
            "rounds": config.rounds,
            "seed": config.seed,
            "confidence": config.confidence,
            "metrics": {name: metric.to_json() for name, metric in self.metrics.items()},
            "deciding": list(self.deciding),
            "conclusions": self.conclusions(),
            "gate": gate if config.fail_if_worse else None,
            "users_changed_most": [asdict(user) for user in self.users_changed_most],
            "items_changed_most": [asdict(item) for item in self.items_changed_most],
        }

    def _faults(self) -> list[str]:
        faults = (self.metrics[name].fault() for name in self.config.fail_if_worse)
        return [fault for fault in faults if fault is not None]

    def _sides(self) -> list[tuple[str, int, int]]:
        sides = ("baseline", "candidate")
        return list(zip(sides, self.users_without_predictions, self.ignored_users))

    def _heading(self) -> str:
        parts = [f"{self.num_users} users, the lists of {self.users_with_other_lists} differ"]
        for side, without, ignored in self._sides():
            parts += [f"{without} without a list in the {side}"] if without else []
            parts += [f"{ignored} other lists of the {side} ignored"] if ignored else []
        config = self.config
        return f"{', '.join(parts)}; {config.test} test, {config.rounds} rounds, seed {config.seed}"

    def _table(self) -> list[str]:
        interval = f"{100 * self.config.confidence:g} % interval"
        names = ["metric", "baseline", "candidate", "difference", interval, "p"]
        rows = [[*names, "better", "equal", "worse"]]
        for name, metric in self.metrics.items():
            low, high = (_show(bound, "+") for bound in metric.interval)
            rows.append(
                [
                    name,
                    _show(metric.baseline),
                    _show(metric.candidate),
                    _show(metric.difference, "+"),
                    f"{low} to {high}",
                    _show(metric.p_value),
                    str(metric.users_better),
                    str(metric.users_equal),
                    str(metric.users_worse),
                ]
            )
        widths = [max(map(len, column)) for column in zip(*rows)]
        return [
            "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])])
            for row in rows
        ]


def _show(value: float, sign: str = "") -> str:
    """Return a finite number with four decimals, or two digits if these would round it to 0.

    Args:
        sign: ``+`` to mark numbers above 0 too.

    >>> _show(0.01234), _show(0.000012), _show(-0.0), _show(0.5, "+")
    ('0.0123', '1.2e-05', '0.0000', '+0.5000')
    """
    if value and abs(value) < 0.00005:
        return f"{value:{sign}.1e}"
    return f"{value:{sign if value else ''}.4f}".replace("-0.0000", "0.0000")
