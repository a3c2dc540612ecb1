"""mlcore.progress: the callbacks that do nothing print nothing."""

from __future__ import annotations

import pytest

from mlcore.progress import Message, OnMessage, Progress, no_message, no_progress


def test_the_defaults_are_callbacks_that_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    progress: Progress = no_progress
    on_message: OnMessage = no_message
    progress("read a.csv", 1, 0)
    on_message("memory: 7 B")
    assert capfd.readouterr() == ("", "")


def test_a_message_is_its_line_and_has_details() -> None:
    message = Message("memory: 7 B", "memory plan: much more")
    assert message == "memory: 7 B" and f"{message}" == "memory: 7 B"
    assert message.details == "memory plan: much more"
