"""mlcore.memory.plan: what a plan says, when it is shown, and the error where it does not fit."""

from __future__ import annotations

import pytest

from mlcore import DataError
from mlcore.memory.plan import LARGER_MACHINE, SHOWN_FROM, Allocation, Plan, peak, per_thread
from mlcore.progress import Message

MIB = 2**20
COUNT = [Allocation("interactions", 2 * MIB), per_thread(2, 10 * MIB)]
WRITE = [Allocation("interactions", 2 * MIB), Allocation("model", 19 * MIB)]
PLAN = Plan("cosine", "9 interactions", COUNT, held=2 * MIB, note="the model has at most 9.0 MiB")


def test_the_step_that_takes_most_is_the_peak() -> None:
    assert peak(WRITE, COUNT) == COUNT and peak(COUNT, COUNT[::-1]) == COUNT
    assert PLAN.num_bytes == 22 * MIB


def test_a_plan_is_a_line_for_each_allocation() -> None:
    # Available are 28 MiB more than the 2 that are held.
    assert PLAN.text(28 * MIB) == (
        "memory plan: cosine, 9 interactions\n"
        "  interactions          2.0 MiB\n"
        "  scratch of 2 threads   20 MiB\n"
        "  at most                22 MiB, 30 MiB available\n"
        "  the model has at most 9.0 MiB"
    )
    assert "available" not in PLAN.text(None)


def test_the_error_names_the_largest_allocation_and_what_makes_it_smaller() -> None:
    error = PLAN.error(20 * MIB - 1)
    assert str(error) == (
        "cosine: memory: expected a need of at most 22 MiB, as available, "
        "got 22 MiB, of which 20 MiB for scratch of 2 threads"
    )
    assert error is not None and error.hint == "use fewer threads, --threads"
    assert PLAN.error(20 * MIB) is None and PLAN.error(None) is None


def test_one_thread_cannot_be_made_fewer() -> None:
    assert per_thread(1, 5) == ("scratch of 1 thread", 5, LARGER_MACHINE)
    assert per_thread(1, 5, "keep less").suggestion == "keep less"


@pytest.mark.parametrize("available", [None, 2**40])
def test_a_plan_is_one_line_from_some_size_on(
    available: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.memory.plan.available_bytes", lambda: available)
    shown: list[str] = []
    for size in (SHOWN_FROM - 1, SHOWN_FROM):
        Plan("w", "s", [Allocation("x", size)]).show(shown.append, must_fit=True)
    assert shown == ["memory: at most 64 MiB" + (" of 1024.0 GiB" if available else "")]
    (line,) = shown
    assert isinstance(line, Message)
    assert line.details == Plan("w", "s", [Allocation("x", SHOWN_FROM)]).text(available)
    assert isinstance(line.out_of_memory, DataError)
    assert str(line.out_of_memory) == (
        "w: memory: expected 64 MiB at most, as planned, got less from the system"
    )
    assert line.out_of_memory.hint == LARGER_MACHINE


def test_a_plan_is_shown_in_full_where_it_takes_more_than_half_of_what_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan, shown = Plan("w", "s", [Allocation("x", 100 * MIB)], held=20 * MIB), list[str]()
    for available in (160 * MIB, 160 * MIB - 1):  # besides the 20 MiB
        monkeypatch.setattr("mlcore.memory.plan.available_bytes", lambda: available)
        plan.show(shown.append, must_fit=True)
    assert shown == ["memory: at most 100 MiB of 180 MiB", plan.text(160 * MIB - 1)]


def test_a_plan_that_does_not_fit_is_an_error_or_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcore.memory.plan.available_bytes", lambda: 0)
    plan, shown = Plan("w", "s", [Allocation("x", SHOWN_FROM)]), list[str]()
    with pytest.raises(DataError, match="^w: memory: expected"):
        plan.show(shown.append, must_fit=True)
    assert shown == []
    plan.show(shown.append)
    with pytest.raises(DataError, match="^w: memory: expected"):
        plan.dry_run(shown.append)
    assert shown == [plan.text(0)] * 2


def test_a_dry_run_returns_the_text_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlcore.memory.plan.available_bytes", lambda: 20 * MIB)
    shown: list[str] = []
    assert PLAN.dry_run(shown.append) == PLAN.text(20 * MIB) and shown == []
