"""The result of comparing two recommenders: a table and conclusions, JSON, a gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlcore.errors import GateError
from mlcore.evaluate.resampling import FEW_USERS
from mlcore.evaluate.config import CompareConfig
from mlcore.evaluate.verdict import MetricComparison, show

__all__ = ["Comparison"]


@dataclass(frozen=True)
class Comparison:
    """All metrics of two recommenders for the same users.

    Attributes:
        metrics: by name, ``recall@10``.
        deciding: names of the metrics that decide.
        users_with_other_lists: number of users whose lists differ up to the longest cutoff.
        users_without_predictions: number of users without a list, in baseline and candidate.
        ignored_users: number of lists of users without ground truth, likewise.
    """

    config: CompareConfig
    metrics: Mapping[str, MetricComparison]
    deciding: Sequence[str]
    users_with_other_lists: int
    users_without_predictions: tuple[int, int]
    ignored_users: tuple[int, int]

    @property
    def num_users(self) -> int:
        """U, the users of the ground truth."""
        return self.metrics[self.deciding[0]].num_users

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
            low, high = (show(bound, "+") for bound in metric.interval)
            rows.append(
                [
                    name,
                    show(metric.baseline),
                    show(metric.candidate),
                    show(metric.difference, "+"),
                    f"{low} to {high}",
                    show(metric.p_value),
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
