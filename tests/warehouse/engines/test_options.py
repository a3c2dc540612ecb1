"""Options of the engines: what an engine would refuse is refused at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mlcore.errors import ConfigError
from mlcore.warehouse.engines import BigQueryOptions, DuckDbOptions, SparkOptions, open_engine


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"dataset": "a b"}, "dataset: expected DATASET or PROJECT.DATASET, got 'a b'"),
        ({"dataset": "p.d.t"}, "dataset: expected DATASET or PROJECT.DATASET, got 'p.d.t'"),
        ({"maximum_bytes_billed": 0}, "maximum_bytes_billed: expected an integer >= 1, got 0"),
        ({"labels": {"Team": "x"}}, "got 'Team'"),
        ({"labels": {"query": "x"}}, "other than tool and query, got 'query'"),
        ({"labels": {"team": "A"}}, "labels: team: expected at most 63 of a-z, 0-9, _ and -"),
        ({"labels": {"team": "a" * 64}}, "labels: team: expected at most 63"),
        ({"labels": {f"k{n}": "" for n in range(63)}}, "labels: expected at most 62, got 63"),
    ],
)
def test_options_that_bigquery_would_refuse_are_refused_at_once(
    given: Mapping[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        BigQueryOptions(**given)
    assert message in str(caught.value)


def test_options_that_are_fine_change_nothing() -> None:
    options = BigQueryOptions("p", "p.d", "EU", 2**40, {"team": "shop"}, dollars_per_tib=0)
    assert options.maximum_bytes_billed == 2**40 and options.dollars_per_tib == 0
    assert SparkOptions().master == "local[*]" and SparkOptions().log is None


def test_the_options_say_which_engine() -> None:
    with open_engine(DuckDbOptions(threads=1)) as engine:
        assert engine.name == "duckdb"
