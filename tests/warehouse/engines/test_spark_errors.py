"""Errors of Spark: the line for the user, and no stack traces."""

from __future__ import annotations

import logging

import pytest

from mlcore.warehouse.engines.spark_errors import quiet_errors, reason_of


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "[NO_TABLE] There is no table t.\n'Project [*]\n+- ...",
            "[NO_TABLE] There is no table t.",
        ),
        ("[INTERNAL_ERROR] Defect of Spark.", None),
    ],
)
def test_the_first_line_of_a_condition_is_for_the_user(text: str, reason: str | None) -> None:
    from pyspark.errors import AnalysisException

    assert reason_of(AnalysisException(text)) == reason


def test_an_error_of_another_kind_has_no_line_for_the_user() -> None:
    assert reason_of(OSError("broken pipe")) is None


def test_errors_are_quiet_only_within_the_block(caplog: pytest.LogCaptureFixture) -> None:
    root = logging.getLogger()
    record = root.makeRecord("root", logging.ERROR, "java_gateway.py", 1, "gone", (), None)
    other = root.makeRecord("root", logging.ERROR, "elsewhere.py", 1, "mine", (), None)
    with quiet_errors():
        root.handle(record)
        root.handle(other)
    root.handle(record)
    assert [one.getMessage() for one in caplog.records] == ["mine", "gone"]
