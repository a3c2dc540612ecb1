"""What Spark says when something is wrong: one line of it, and no stack traces on standard error."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

__all__ = ["quiet_errors", "reason_of"]

_QUERY_LOGGERS = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
_MEANT = ("[", "Job ")  # a condition by name, or why a job was given up
_NOT_MEANT = "[INTERNAL_ERROR"  # a defect of Spark


def reason_of(error: Exception) -> str | None:
    """Return the line that is meant for the user, or None if there is none.

    Args:
        error: as it came from Spark.

    >>> from pyspark.errors import AnalysisException
    >>> reason_of(AnalysisException("[NO_TABLE] There is no table t.\\n'Project [*]"))
    '[NO_TABLE] There is no table t.'
    """
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    messages: list[str] = []
    if isinstance(error, PySparkException):
        messages = [str(error)]
    elif isinstance(error, Py4JJavaError):
        cause = error.java_exception
        while cause is not None:
            messages.append(str(cause.getMessage()))
            cause = cause.getCause()
        messages = [message for message in messages if message.startswith(_MEANT)]
    if not messages or messages[0].startswith(_NOT_MEANT):
        return None
    return messages[0].strip().partition("\n")[0]


@contextlib.contextmanager
def quiet_errors() -> Iterator[None]:
    """Keep stack traces from standard error, of errors that become one line.

    >>> with quiet_errors():
    ...     logging.getLogger().error("Exception while sending command.")
    """
    from pyspark.logger import PySparkLogger

    loggers = [PySparkLogger.getLogger(name) for name in _QUERY_LOGGERS]
    before = [logger.disabled for logger in loggers]
    root = logging.getLogger()
    root.addFilter(_is_of_others)
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        root.removeFilter(_is_of_others)
        for logger, disabled in zip(loggers, before):
            logger.disabled = disabled


def _is_of_others(record: logging.LogRecord) -> bool:
    # py4j tells the root logger, with a stack trace, that Java is gone or a signal has come.
    return record.module != "java_gateway"
