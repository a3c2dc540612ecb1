"""The client of BigQuery: options, errors in one line, waiting for jobs.

The client library finds the credentials (Application Default Credentials): mlcore takes none, keeps
none and writes none.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from mlcore.errors import DataError, MlcoreError, shorten
from mlcore.progress import Progress
from mlcore.warehouse.engines.options import BigQueryOptions
from mlcore.warehouse.query import Value

__all__ = ["connect", "faults", "import_bigquery", "statistics_of", "wait"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_LOGIN = "gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS"
_LIGHTER = "cap histories first (sql/cap_history.sql), or run it with reserved slots"
# Reasons of the API. On demand, a query that reads little may not compute much: about 256 CPU seconds
# for each MB billed.
_TOO_HEAVY = ("billingTierLimitExceeded", "resourcesExceeded")


def import_bigquery() -> Any:
    """Return the package ``google.cloud.bigquery``.

    Raises:
        MlcoreError: it is not installed.

    >>> import_bigquery().__name__
    'google.cloud.bigquery'
    """
    try:
        from google.cloud import bigquery
    except ImportError:
        raise MlcoreError(
            "bigquery: expected the extra [bigquery] to be installed, got no such package",
            'pip install ".[bigquery]" in the folder of mlcore, or pip install google-cloud-bigquery',
        ) from None
    return bigquery


def connect(options: BigQueryOptions) -> Any:
    """Return a client with the credentials that the library finds.

    Raises:
        DataError: there are no credentials, or neither they nor the options name a project.
    """
    try:
        with faults("bigquery"):
            return import_bigquery().Client(options.project, location=options.location)
    except OSError as error:
        if type(error) is not OSError:  # such as one of the network
            raise
        # The library knows no project.
        raise DataError(
            "bigquery: project: expected one, as the credentials name none, got none",
            "--project names one",
        ) from None


@contextmanager
def faults(place: str) -> Iterator[None]:
    """Make an error of BigQuery one line.

    Args:
        place: the table, file or query, for the message.

    Raises:
        DataError: BigQuery refuses, or the credentials do not work.
    """
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except GoogleAuthError as error:
        # Not its text, which may hold a path, or the answer of a token server.
        raise DataError(
            f"{place}: credentials: expected Application Default Credentials that work, "
            f"got {type(error).__name__}",
            _LOGIN,
        ) from None
    except GoogleAPIError as error:
        message, reason = _first_fault(error)
        raise DataError(
            f"{place}: expected what BigQuery takes, got {shorten(message, 300)}",
            _LIGHTER if reason in _TOO_HEAVY else None,
        ) from None


def _first_fault(error: Any) -> tuple[str, str]:
    """Return message and reason of the API, without URL, job and text of the query."""
    for found in getattr(error, "errors", None) or ():
        if isinstance(found, dict) and found.get("message"):
            return " ".join(str(found["message"]).split()), str(found.get("reason", ""))
    # After its retries the library says only that they failed; the cause is inside.
    return type(getattr(error, "cause", None) or error).__name__, ""


def wait(job: Any, step: str, progress: Progress) -> Any:
    """Wait for a job and return its result; cancel the job if the wait ends otherwise.

    Args:
        step: what the job does, for ``progress``.
    """
    pause = _FIRST_PAUSE
    try:
        while not job.done():
            entries = getattr(job, "timeline", None)  # of queries only
            done = int(entries[-1].completed_units or 0) if entries else 0
            left = int(entries[-1].pending_units or 0) if entries else 0
            progress(f"{step}: {str(job.state).lower()}", done, done + left)
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        return job.result()
    except BaseException:
        if job.state != "DONE":
            # The error that ended the wait matters more than one of cancelling.
            with suppress(Exception):
                job.cancel()
        raise


def statistics_of(job: Any) -> dict[str, Value]:
    """Return what BigQuery says of a query that has run."""
    found = {
        "job_id": job.job_id,
        "bytes_processed": job.total_bytes_processed,
        "bytes_billed": job.total_bytes_billed,
        "slot_millis": job.slot_millis,
        "cache_hit": job.cache_hit,
    }
    return {name: value for name, value in found.items() if value is not None}
