"""mlcore.progress: the callbacks that do nothing print nothing."""

from __future__ import annotations

import threading

import pytest

from mlcore.progress import Message, OnMessage, Progress, no_message, no_progress, waiting


def test_the_defaults_are_callbacks_that_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    progress: Progress = no_progress
    on_message: OnMessage = no_message
    progress("read a.csv", 1, 0)
    on_message("memory: 7 B")
    assert capfd.readouterr() == ("", "")


def test_a_message_is_its_line_and_has_details() -> None:
    message = Message("memory: 7 B", "memory plan: much more", MemoryError())
    assert message == "memory: 7 B" and f"{message}" == "memory: 7 B"
    assert message.details == "memory plan: much more"


def test_a_step_that_cannot_report_is_reported_while_it_runs() -> None:
    reports: list[tuple[str, int, int]] = []
    third = threading.Event()

    def progress(step: str, done: int, total: int) -> None:
        reports.append((step, done, total))
        if len(reports) == 3:
            third.set()

    before = threading.active_count()
    with waiting(progress, "start Spark"):
        assert third.wait(30)
    assert set(reports) == {("start Spark", 0, 0)}
    assert threading.active_count() == before


def test_waiting_ends_with_an_error() -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), waiting(no_progress, "start Spark"):
        raise ZeroDivisionError
    assert threading.active_count() == before
