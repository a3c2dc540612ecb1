"""The client of BigQuery: options, errors in one line, waiting for jobs.

Credentials are those the client library finds (Application Default Credentials): mlcore takes none,
keeps none and writes none.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from mlcore.warehouse.engines.options import BigQueryOptions
from mlcore.errors import DataError, MlcoreError, shorten
from mlcore.progress import Progress
from mlcore.warehouse.query import Value

__all__ = ["connect", "faults", "import_bigquery", "statistics_of", "wait"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_LOGIN = "gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS"
_LIGHTER = "cap histories first (sql/cap_history.sql), or run it with reserved slots"
# Contributions of the API. On demand, a query that reads little may not compute much: about 256 CPU seconds
# for each MB that it is billed.
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

    Args:
        options: with project and location.

    Raises:
        DataError: there are no credentials, or they name no project and no other is given.
    """
    try:
        with faults("bigquery"):
            return import_bigquery().Client(options.project, location=options.location)
    except OSError as error:
        if type(error) is not OSError:  # such as one of the network
            raise
        # What the library raises when it knows no project.
        raise DataError(
            "bigquery: project: expected one, as the credentials name none, got none",
            "--project names one",
        ) from None


@contextmanager
def faults(place: str) -> Iterator[None]:
    """Make what BigQuery refuses one line.

    Args:
        place: the table, file or query, for the message.

    Raises:
        DataError: BigQuery, or whoever checks the credentials, has refused.
    """
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError

    try:
        yield
    except GoogleAuthError as error:
        # Not its text: that may hold a path, or what a server of tokens has answered.
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
    """Return message and reason that the API gave, without address, job and text of the query."""
    for found in getattr(error, "errors", None) or ():
        if isinstance(found, dict) and found.get("message"):
            return " ".join(str(found["message"]).split()), str(found.get("reason", ""))
    # When it has tried again for long enough, the library says only that; the cause is inside.
    return type(getattr(error, "cause", None) or error).__name__, ""


def wait(job: Any, step: str, progress: Progress) -> Any:
    """Return the result of a job; however the wait ends, the job does not go on behind its back.

    Args:
        job: of any kind.
        step: what it does, for people.
        progress: told its state, and of a query how many of its units of work are done.
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
            # The error that ends the wait matters more than one of the cancelling.
            with suppress(Exception):
                job.cancel()
        raise


def statistics_of(job: Any) -> dict[str, Value]:
    """Return what BigQuery says of a query that has run.

    Args:
        job: of the query.
    """
    found = {
        "job_id": job.job_id,
        "bytes_processed": job.total_bytes_processed,
        "bytes_billed": job.total_bytes_billed,
        "slot_millis": job.slot_millis,
        "cache_hit": job.cache_hit,
    }
    return {name: value for name, value in found.items() if value is not None}
