"""mlcore.warehouse.engines.spark_workers: what workers do, called without Spark."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from mlcore.errors import DataError, MlcoreError
from mlcore.interactions import Events
from mlcore.warehouse.engines import spark_workers
from mlcore.warehouse.engines.spark_workers import (
    combine_users,
    name_version,
    version_here,
    worker_error,
    wrong_version,
)


def batches(users: Any, items: Any, weights: Any, size: int) -> Iterator[Any]:
    import pyarrow

    table = pyarrow.table(
        {
            "u": pyarrow.array(users, pyarrow.int32()),
            "i": pyarrow.array(items, pyarrow.int32()),
            "weight": pyarrow.array(weights, pyarrow.float64()),
        }
    )
    return iter(table.to_batches(size))


@pytest.mark.parametrize("pack", [1, 5, 10**6])
def test_users_are_whole_in_what_is_packed(pack: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark_workers, "PACK_ROWS", pack)
    rng = np.random.default_rng(pack)
    users = np.sort(rng.integers(3, 12, 60)).astype(np.int32)
    items, weights = rng.integers(0, 4, 60).astype(np.int32), rng.random(60)
    found: list[tuple[int, int, float]] = []
    for record in combine_users("sum", 4, batches(users, items, weights, 7)):
        first = record.column("first")[0].as_py()
        packed = {name: record.column(name)[0].as_py() for name in ("lengths", "items", "weights")}
        lengths = np.frombuffer(packed["lengths"], np.int64)
        of_items, sums = np.frombuffer(packed["items"], np.int32), np.frombuffer(packed["weights"])
        of_users = np.repeat(np.arange(first, first + len(lengths)), lengths)
        found += zip(of_users.tolist(), of_items.tolist(), sums.tolist())
    ids = [f"{n:02}" for n in range(12)], ["a", "b", "c", "d"]
    whole = Events(*ids, users, items, weights).aggregate("sum")
    expected = zip(
        whole.user_items.row_of_entry() + 3, whole.user_items.indices, whole.user_items.data
    )
    assert found == [(int(u), int(i), float(w)) for u, i, w in expected]


def test_a_worker_names_its_version() -> None:
    import pyarrow

    batch = pyarrow.record_batch({"id": pyarrow.array([1, 2])})
    (record,) = name_version([batch])
    assert record.column("version").to_pylist() == [version_here()] * 2
    assert wrong_version([version_here()] * 3) is None
    error = wrong_version([version_here(), "mlcore 0.0.1 without compiled kernels"])
    assert error is not None and str(error).endswith("got mlcore 0.0.1 without compiled kernels")


@pytest.mark.parametrize(
    ("text", "expected", "message"),
    [
        (
            "[X] \n  File 'a'\nmlcore.errors.DataError: weight: expected finite sums\n\tat org.x",
            DataError,
            "weight: expected finite sums",
        ),
        (
            "...\nModuleNotFoundError: No module named 'mlcore'\n",
            MlcoreError,
            "workers: expected Python with mlcore .*, got No module named 'mlcore'",
        ),
    ],
)
def test_an_error_of_a_worker_is_one_line(text: str, expected: Any, message: str) -> None:
    error = worker_error(Exception(text))
    assert error is not None and type(error) is expected
    with pytest.raises(expected, match=message):
        raise error


def test_other_errors_of_workers_keep_their_traceback() -> None:
    assert worker_error(Exception("ValueError: something of ours")) is None
