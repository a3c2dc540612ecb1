"""Errors of Spark: one line of each, and no stack traces on standard error."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

__all__ = ["quiet_errors", "reason_of"]

_QUERY_LOGGERS = ("DataFrameQueryContextLogger", "SQLQueryContextLogger")
_FOR_USERS = ("[", "Job ")  # a condition by name, or why a job was aborted
_DEFECT = "[INTERNAL_ERROR"  # of Spark itself


def reason_of(error: Exception) -> str | None:
    """Return the line of an error that is for the user, or None.

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
            if cause.getClass().getName() == "java.lang.StackOverflowError":
                return "a text that is nested too deep"
            messages.append(str(cause.getMessage()))
            cause = cause.getCause()
        messages = [message for message in messages if message.startswith(_FOR_USERS)]
    if not messages or messages[0].startswith(_DEFECT):
        return None
    return messages[0].strip().partition("\n")[0]


@contextlib.contextmanager
def quiet_errors() -> Iterator[None]:
    """Keep the stack traces of errors that become one line from standard error.

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
    # py4j logs a stack trace to the root logger when Java ends or a signal comes.
    return record.module != "java_gateway"
