"""A memory plan: what work takes, step by step, before it begins; shown, or refused with the cure.

A plan names the parts that are there at the same time in each step. The step that takes most is the
peak, and the peak is what has to fit. Some parts are there already when the plan is made, such as
the interactions that were read; what is available counts besides these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from mlcore.errors import DataError
from mlcore.memory.available import format_bytes

__all__ = ["SHOWN_FROM", "Cure", "Part", "Plan", "Steps", "add_parts", "scratch_part"]

# Work that takes less neither shows its plan nor looks at what is available.
SHOWN_FROM = 64 * 2**20


class Part(NamedTuple):
    """Some of the memory.

    Attributes:
        name: what it holds.
        num_bytes: at most.
        note: what it is made up of, for people, or nothing.
    """

    name: str
    num_bytes: int
    note: str = ""


Steps: TypeAlias = Mapping[str, Sequence[Part]]  # what is there at the same time, by name of step
Cure: TypeAlias = Callable[[int], str | None]  # given the bytes to fit, how to fit them


def add_parts(before: Sequence[Part], steps: Steps) -> dict[str, list[Part]]:
    """Return steps with some more parts in each of them.

    Args:
        before: the parts, to stand before those of each step.
        steps: the steps.

    >>> add_parts([Part("ids", 1)], {"write": [Part("text", 2)]})["write"][0].name
    'ids'
    """
    return {step: [*before, *parts] for step, parts in steps.items()}


def scratch_part(threads: int, num_bytes: float) -> Part:
    """Return the scratch of all threads.

    Args:
        threads: how many.
        num_bytes: of each.

    >>> scratch_part(2, 3 * 2**20)
    Part(name='scratch', num_bytes=6291456, note='2 threads x 3.0 MiB')
    """
    unit = "thread" if threads == 1 else "threads"
    note = f"{threads} {unit} x {format_bytes(int(num_bytes))}"
    return Part("scratch", threads * int(num_bytes), note)


@dataclass(frozen=True)
class Plan:
    """What some work takes.

    Attributes:
        work: its name, for messages.
        size: of the data, for people.
        steps: what is there at the same time.
        held: bytes of it that are there already.
        note: a line more for people, or nothing.

    >>> plan = Plan("train", "9 items", {"count": [Part("x", 2**20)], "write": [Part("x", 5)]})
    >>> plan.peak, plan.num_bytes
    ('count', 1048576)
    """

    work: str
    size: str
    steps: Steps
    held: int = 0
    note: str = ""

    @property
    def peak(self) -> str:
        """The step that takes most, the first of equals."""
        return max(self.steps, key=self._bytes_of)

    @property
    def num_bytes(self) -> int:
        """What there is at the peak."""
        return self._bytes_of(self.peak)

    def _bytes_of(self, step: str) -> int:
        return sum(part.num_bytes for part in self.steps[step])

    def fits(self, available: int | None) -> bool:
        """Return whether the work can be done.

        Args:
            available: bytes, besides what is held; None if nobody says: then it is tried.
        """
        return available is None or self.num_bytes - self.held <= available

    def text(self, available: int | None) -> str:
        """Return the plan for people: a line for each part at the peak, and their sum.

        Args:
            available: as for ``fits``.

        >>> print(Plan("train", "9 items", {"count": [Part("pairs", 2**20)]}).text(2**30))
        memory plan: train, 9 items
          pairs    1.0 MiB
          at most  1.0 MiB to count, 1.0 GiB available
        """
        parts = [part for part in self.steps[self.peak] if part.num_bytes]
        notes = [f"({part.note})" if part.note else "" for part in parts]
        there_is = "" if available is None else f", {format_bytes(available + self.held)} available"
        rows = [
            *((part.name, part.num_bytes, note) for part, note in zip(parts, notes)),
            ("at most", self.num_bytes, f"to {self.peak}{there_is}"),
        ]
        widest = max(len(name) for name, _, _ in rows)
        sizes = [format_bytes(num_bytes) for _, num_bytes, _ in rows]
        right = max(map(len, sizes))
        lines = [
            f"  {name:{widest}}  {size:>{right}} {note}".rstrip()
            for (name, _, note), size in zip(rows, sizes)
        ]
        notes = [f"  {self.note}"] if self.note else []
        return "\n".join([f"memory plan: {self.work}, {self.size}", *lines, *notes])

    def refusal(self, available: int | None, cure: Cure) -> DataError | None:
        """Return the error that names the largest part and the cure, or None if the work fits.

        Args:
            available: as for ``fits``.
            cure: asked for one where the work does not fit.
        """
        if available is None or self.fits(available):
            return None
        largest = max(self.steps[self.peak], key=lambda part: part.num_bytes)
        return DataError(
            f"{self.work}: memory: expected a need of at most "
            f"{format_bytes(available + self.held)}, as available, "
            f"got {format_bytes(self.num_bytes)}, of which {format_bytes(largest.num_bytes)} for "
            f"{largest.name}",
            cure(available + self.held),
        )
