"""Sessions of Spark: the settings of one of our own. How they begin and end: test_spark.py."""

from __future__ import annotations

import pytest

from mlcore.warehouse.engines import SparkOptions
from mlcore.warehouse.engines.spark_session import OwnSession


def settings_of(options: SparkOptions) -> dict[str, str]:
    session = OwnSession.__new__(OwnSession)  # Java does not start
    session._options = options
    return session._settings()


def test_a_session_on_this_machine_opens_no_port_and_takes_half_of_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name = "mlcore.warehouse.engines.spark_session.available_bytes"
    for available, memory in ((8 * 2**30, "4096m"), (2**30, "1024m"), (None, "1024m")):
        monkeypatch.setattr(name, lambda: available)
        settings = settings_of(SparkOptions())
        assert settings["spark.driver.memory"] == memory
        assert settings["spark.driver.bindAddress"] == "127.0.0.1"


def test_a_cluster_has_the_settings_that_were_given() -> None:
    options = SparkOptions("yarn", {"spark.driver.memory": "1g", "spark.ui.enabled": "true"})
    settings = settings_of(options)
    assert settings["spark.driver.memory"] == "1g" and settings["spark.ui.enabled"] == "true"
    assert "spark.driver.host" not in settings


def test_no_setting_changes_what_queries_mean() -> None:
    settings = settings_of(SparkOptions(conf={"spark.sql.ansi.enabled": "false"}))
    assert settings["spark.sql.ansi.enabled"] == "true"
