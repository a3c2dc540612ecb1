"""The client of BigQuery: options, credentials, jobs, errors in one line."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

import google.api_core.exceptions
import google.auth
import google.auth.exceptions
import pytest
import requests

from mlcore.warehouse.engines import BigQuery, BigQueryOptions
from tests.warehouse.engines.bigquery_cases import (
    COPY_USERS,
    ITEM,
    USER,
    part,
    refusal,
    users_table,
)
from tests.warehouse.fake_bigquery import SECRET, Credentials, FakeBigQuery, Fault


def test_progress_is_told_while_a_job_runs(
    fake: FakeBigQuery, engine: BigQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    told: list[str] = []
    users_table(fake, engine)
    fake.looks_until_done = 8
    engine.run(COPY_USERS, {}, progress=lambda step, done, total: told.append(step))
    assert set(told) == {"run copy in BigQuery (0.0 MiB): running"} and len(told) == len(pauses)
    assert len(pauses) > 5 and pauses[0] == 0.1 and max(pauses) == 2.0


def test_a_signal_cancels_the_job_and_deletes_what_was_loaded(
    fake: FakeBigQuery, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        with BigQuery(BigQueryOptions(dataset="scratch"), fake.client()) as engine:
            engine.load("events", [USER, ITEM], [part(user_id=["u"], item_id=["i"])])
            fake.looks_until_done = 10
            engine.run(COPY_USERS, {})
    (job_id,) = [job_id for job_id in fake.jobs if job_id.startswith("mlcore_")]
    assert len(fake.sent("POST", f"/jobs/{job_id}/cancel")) == 1
    assert not fake.tables


def test_a_job_that_fails_is_one_line_and_not_cancelled(
    fake: FakeBigQuery, engine: BigQuery
) -> None:
    users_table(fake, engine)
    fake.job_fault = Fault(400, "billingTierLimitExceeded", "Query exceeded\n resource limits.")
    error = refusal(lambda: engine.run(COPY_USERS, {}))
    assert str(error) == (
        "copy.sql: expected what BigQuery takes, got 'Query exceeded resource limits.'"
    )
    assert error.hint is not None and "sql/cap_history.sql" in error.hint
    assert fake.sent("POST", "/cancel") == []


def test_a_missing_extra_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "google.cloud", None)
    error = refusal(BigQuery)
    assert str(error) == (
        "bigquery: expected the extra [bigquery] to be installed, got no such package"
    )
    assert error.hint is not None and ".[bigquery]" in error.hint


@pytest.mark.parametrize("kind", ["DefaultCredentialsError", "OSError"])
def test_missing_credentials_are_one_line_that_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def find(*args: Any, **more: Any) -> Any:
        raise getattr(google.auth.exceptions, kind)(f"File {SECRET}.json was not found.")

    monkeypatch.setattr(google.auth, "default", find)
    error = refusal(BigQuery)
    assert str(error) == (
        "bigquery: credentials: expected Application Default Credentials that work, " f"got {kind}"
    )
    assert error.hint is not None and "gcloud auth application-default login" in error.hint


def test_credentials_without_a_project_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google.auth, "default", lambda *args, **more: (Credentials(), None))
    for name in ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    assert str(refusal(BigQuery)).startswith("bigquery: project: expected one")


class StaleCredentials(Credentials):
    """Such as those whose server of tokens answers with what it was sent."""

    def before_request(self, *args: Any) -> None:
        raise google.auth.exceptions.RefreshError("invalid_grant", {"refresh_token": SECRET})


def test_no_credentials_reach_messages_or_statistics(fake: FakeBigQuery) -> None:
    shown: list[str] = []

    def note(work: Callable[[], object]) -> None:
        error = refusal(work)
        shown.extend([str(error), str(error.hint), *traceback.format_exception(error)])

    stale = BigQuery(BigQueryOptions(dataset="scratch"), fake.client(StaleCredentials()))
    note(lambda: stale.attach("events", [USER], "shop.events"))
    note(lambda: stale.load("events", [USER], []))
    with BigQuery(BigQueryOptions(dataset="scratch"), fake.client()) as engine:
        users_table(fake, engine)
        result = engine.run(COPY_USERS, {})
        shown.append(json.dumps(dict(result.statistics)))
        for code, reason in ((400, "invalid"), (401, "authError"), (403, "accessDenied")):
            fault = Fault(code, reason, "no")

            def refuse(request: object) -> None:
                raise fault

            fake.before = refuse
            note(lambda: engine.attach("events", [USER], "shop.events"))
            note(lambda: engine.run(COPY_USERS, {}))
            note(lambda: engine.estimate(COPY_USERS, {}))
            note(lambda: engine.load("events", [USER], [part(user_id=["u"])]))
        fake.before = lambda request: None
    assert len(shown) > 40
    assert not any(SECRET in text or "Bearer" in text or "https:" in text for text in shown)


def test_what_the_library_has_tried_in_vain_is_named(fake: FakeBigQuery, engine: BigQuery) -> None:
    def cut(request: object) -> None:
        cause = requests.exceptions.ConnectionError(SECRET)
        raise google.api_core.exceptions.RetryError("Timeout of 600.0s exceeded", cause)

    fake.before = cut
    assert str(refusal(lambda: engine.attach("events", [USER], "shop.events"))) == (
        "shop.events: expected what BigQuery takes, got 'ConnectionError'"
    )
    fake.before = lambda request: None


def test_a_defect_of_ours_keeps_its_traceback(fake: FakeBigQuery, engine: BigQuery) -> None:
    def fail(request: object) -> None:
        raise ZeroDivisionError

    fake.before = fail
    with pytest.raises(ZeroDivisionError):
        engine.attach("events", [USER], "shop.events")
    fake.before = lambda request: None
