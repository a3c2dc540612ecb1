"""A memory plan: what some work takes at most, before it begins; shown, or an error with a suggestion.

A plan is a list of the allocations that exist together when most is taken. Each knows what would make
it smaller, so the suggestion of a plan that does not fit is that of its largest allocation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mlcore.errors import DataError
from mlcore.memory.available import available_bytes, format_bytes
from mlcore.progress import Message, OnMessage

__all__ = ["LARGER_MACHINE", "Allocation", "Plan", "peak", "per_thread"]

# Work that takes less neither shows its plan nor reads how much is available.
SHOWN_FROM = 64 * 2**20
# A plan that takes no more of what is available is one line.
AMPLE_SHARE = 0.5
LARGER_MACHINE = "use a machine with more memory"
PROGRAM_BYTES = 3 * 2**26  # of the process before any data: Python, numpy, scipy and DuckDB


class Allocation(NamedTuple):
    """Some of the memory: what it holds, its bytes at most, and what would make it smaller."""

    name: str
    num_bytes: int
    suggestion: str = LARGER_MACHINE


def peak(*steps: Sequence[Allocation]) -> Sequence[Allocation]:
    """Return the allocations of the step that takes most, the first of equals.

    >>> peak([Allocation("pairs", 2)], [Allocation("ids", 1), Allocation("text", 2)])[0].name
    'ids'
    """
    return max(steps, key=_total)


def per_thread(
    threads: int, num_bytes: float, otherwise: str = LARGER_MACHINE, name: str = "scratch"
) -> Allocation:
    """Return what all threads take together, ``num_bytes`` each.

    Args:
        otherwise: what would make it smaller where there is one thread only.

    >>> per_thread(2, 2**20)
    Allocation(name='scratch of 2 threads', num_bytes=2097152, suggestion='use fewer threads, --threads')
    """
    suggestion = "use fewer threads, --threads" if threads > 1 else otherwise
    return Allocation(
        f"{name} of {_count(threads, 'thread')}", int(threads * num_bytes), suggestion
    )


@dataclass(frozen=True)
class Plan:
    """What some work takes.

    Attributes:
        work: its name, for messages.
        size: of the data, for people.
        allocations: what exists when most is taken.
        held: bytes of it that exist already; what is available counts besides these.
        note: a last line for people, or nothing.
        limit: bytes for all of the process, or None for what the system has.
    """

    work: str
    size: str
    allocations: Sequence[Allocation]
    held: int = 0
    note: str = ""
    limit: int | None = None

    @property
    def num_bytes(self) -> int:
        """The peak."""
        return _total(self.allocations)

    def show(self, on_message: OnMessage, must_fit: bool = False) -> None:
        """Call ``on_message`` before the work, unless the plan is small: with the text if memory is
        tight, with one line, whose details are the text, if it is ample or unknown.

        Raises:
            DataError: it must fit and does not.
        """
        if self.num_bytes < SHOWN_FROM:
            return
        available = self._available()
        if must_fit and (error := self.error(available)) is not None:
            raise error
        text = self.text(available)
        need = self.num_bytes - self.held
        is_ample = available is None or need <= AMPLE_SHARE * available
        line = f"memory: {self._at_most(available)}" if is_ample else text
        on_message(Message(line, text, self._overrun()))

    def dry_run(self, on_message: OnMessage) -> str:
        """Return the text of the plan, in place of the work.

        Raises:
            DataError: it does not fit; the text has gone to ``on_message``.
        """
        available = self._available()
        text = self.text(available)
        if (error := self.error(available)) is not None:
            on_message(text)
            raise error
        return text

    def _available(self) -> int | None:
        """Return how much there is besides what is held."""
        available = available_bytes()
        if self.limit is None:
            return available
        left = max(self.limit - PROGRAM_BYTES - self.held, 0)
        return left if available is None else min(left, available)

    def _overrun(self) -> DataError:
        """Return the error of work that the system has refused memory, though it was planned."""
        return DataError(
            f"{self.work}: memory: expected {format_bytes(self.num_bytes)} at most, as planned, got less "
            "from the system",
            self._largest().suggestion,
        )

    def _largest(self) -> Allocation:
        return max(self.allocations, key=lambda allocation: allocation.num_bytes)

    def _at_most(self, available: int | None) -> str:
        need = f"at most {format_bytes(self.num_bytes)}"
        return need if available is None else f"{need} of {format_bytes(available + self.held)}"

    def text(self, available: int | None) -> str:
        """Return a line for each allocation, and one for their sum.

        Args:
            available: bytes besides what is held, or None if the system does not say.

        >>> print(Plan("train", "9 items", [Allocation("pairs", 2**20)]).text(2**30))
        memory plan: train, 9 items
          pairs    1.0 MiB
          at most  1.0 MiB, 1.0 GiB available
        """
        rows = [(name, format_bytes(size)) for name, size, _ in self.allocations if size]
        rows.append(("at most", format_bytes(self.num_bytes)))
        names, sizes = (max(map(len, column)) for column in zip(*rows))
        lines = [f"  {name:{names}}  {size:>{sizes}}" for name, size in rows]
        if available is not None:
            lines[-1] += f", {format_bytes(available + self.held)} available"
        if self.note:
            lines.append(f"  {self.note}")
        return "\n".join([f"memory plan: {self.work}, {self.size}", *lines])

    def error(self, available: int | None) -> DataError | None:
        """Return an error that names the largest allocation and suggests what makes it smaller.

        Args:
            available: as for ``text``; None fits.
        """
        if available is None or self.num_bytes - self.held <= available:
            return None
        largest = self._largest()
        return DataError(
            f"{self.work}: memory: expected a need of at most "
            f"{format_bytes(available + self.held)}, as available, "
            f"got {format_bytes(self.num_bytes)}, of which {format_bytes(largest.num_bytes)} for "
            f"{largest.name}",
            largest.suggestion,
        )


def _total(allocations: Sequence[Allocation]) -> int:
    return sum(allocation.num_bytes for allocation in allocations)


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}" + ("" if number == 1 else "s")
