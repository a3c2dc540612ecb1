"""mlcore.artifact.verify: every fault in the content of a file is found."""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore import Model, Recommender, verify_model
from mlcore.artifact import describe_model
from mlcore.errors import (
    ChecksumError,
    CsrError,
    IdMapError,
)
from tests.artifact.models import NUM_ITEMS, Arrays, assert_same_model, put, rewritten


def swap(array: str, row: int) -> Callable[[Arrays], None]:
    """Swap the first two elements of a row."""

    def change(arrays: Arrays) -> None:
        begin = arrays["indptr"][row]
        assert arrays["indptr"][row + 1] - begin >= 2
        arrays[array][[begin, begin + 1]] = arrays[array][[begin + 1, begin]]

    return change


def repeat_index(arrays: Arrays) -> None:
    begin = arrays["indptr"][3]
    assert arrays["indptr"][4] - begin >= 2
    arrays["indices"][begin + 1] = arrays["indices"][begin]


def point_to_itself(arrays: Arrays) -> None:
    # The last item of row 0 that comes before another one: 0 itself is the least, so put it first.
    assert arrays["indices"][0] > 0
    arrays["indices"][0] = 0


def shift_users(arrays: Arrays) -> None:
    assert arrays["counts"][0] != arrays["counts"][1]
    arrays["counts"][[0, 1]] = arrays["counts"][[1, 0]]


def repeat_place(arrays: Arrays) -> None:
    assert arrays["positions"][0] != arrays["positions"][1]
    arrays["positions"][1] = arrays["positions"][0]


def test_a_model_rewritten_with_its_own_arrays_is_fine(model: Model, directory: Path) -> None:
    for name in ("similarity.npz", "histories.npz", "popularity.npz", "order.npz"):
        rewritten(directory, name, lambda arrays: None)
    verify_model(directory)
    assert_same_model(Model.load(directory), model)


CONTENT_FAULTS: Mapping[str, tuple[str, Callable[[Arrays], None], str]] = {
    "index-negative": ("similarity.npz", put("indices", 5, -1), "element 5: expected 0 to 24"),
    "index>=cols": ("similarity.npz", put("indices", 5, NUM_ITEMS), "element 5: expected 0 to 24"),
    "index-greatest": ("similarity.npz", put("indices", 5, 2**31 - 1), "got 2147483647"),
    "index-least": ("similarity.npz", put("indices", 5, -(2**31)), "got -2147483648"),
    "index-unsorted": ("similarity.npz", swap("indices", 3), "an index above the one before"),
    "index-duplicate": ("similarity.npz", repeat_index, "an index above the one before"),
    "index-own": ("similarity.npz", point_to_itself, "another item than the row's own"),
    "data-nan": ("similarity.npz", put("data", 0, np.nan), "a finite number other than 0, got nan"),
    "data-inf": ("similarity.npz", put("data", 5, np.inf), "element 5: expected a finite number"),
    "data-minus-inf": ("similarity.npz", put("data", -1, -np.inf), "expected a finite number"),
    "explicit-zero": ("similarity.npz", put("data", 2, 0.0), "element 2: expected a finite number"),
    "history-index-negative": ("histories.npz", put("indices", 5, -1), "expected 0 to 24, got -1"),
    "history-index>=items": ("histories.npz", put("indices", 5, 25), "expected 0 to 24, got 25"),
    "history-index-unsorted": ("histories.npz", swap("indices", 3), "an index above the one"),
    "history-index-duplicate": ("histories.npz", repeat_index, "an index above the one before"),
    "history-nan": ("histories.npz", put("data", 2, np.nan), "element 2: expected a finite number"),
    "history-zero": ("histories.npz", put("data", 2, 0), "element 2: expected a finite number"),
    "history-negative": ("histories.npz", put("data", 2, -1), "element 2: expected a weight above"),
    "popularity-negative": ("popularity.npz", put("counts", 4, -1), "expected 0 to 40 users, got"),
    "popularity-too-high": ("popularity.npz", put("counts", 4, 41), "expected 0 to 40 users, got"),
    "popularity-greatest": ("popularity.npz", put("counts", 4, 2**63 - 1), "expected 0 to 40"),
    "popularity-other-sum": ("popularity.npz", put("counts", 4, 1), "expected a sum of "),
    "popularity-of-other-items": ("popularity.npz", shift_users, "the users of each item in"),
    "order-0": ("order.npz", put("positions", 4, 0), "element 4: expected 1 to the items of the"),
    "order-negative": ("order.npz", put("positions", 4, -(2**31)), "element 4: expected 1 to the"),
    "order-greatest": ("order.npz", put("positions", 4, 2**31 - 1), "element 4: expected 1 to the"),
    "order-twice": ("order.npz", repeat_place, "element 0: expected each position of a history"),
    "order-of-longer-history": ("order.npz", put("positions", 0, 12), "element 0: expected 1 to the"),
}  # fmt: skip


@pytest.mark.parametrize("fault", CONTENT_FAULTS)
def test_a_fault_in_the_content_of_an_array_is_found_by_verifying(
    directory: Path, fault: str
) -> None:
    name, change, message = CONTENT_FAULTS[fault]
    rewritten(directory, name, change)
    Model.load(directory)
    with pytest.raises(CsrError) as caught:
        verify_model(directory)
    assert str(caught.value).startswith(f"{directory / name}: ")
    assert message in str(caught.value)
    with pytest.raises(CsrError):
        describe_model(directory, verify=True)


def test_negative_zero_is_an_explicit_zero_and_a_negative_similarity_is_none(
    directory: Path,
) -> None:
    verify_model(rewritten(directory, "similarity.npz", put("data", 0, -0.25)))
    rewritten(directory, "similarity.npz", put("data", 0, -0.0))
    with pytest.raises(CsrError, match="element 0: expected a finite number other than 0, got -0"):
        verify_model(directory)


def test_a_wrong_crc_is_found_by_verifying_though_the_digest_is_right(directory: Path) -> None:
    path = directory / "popularity.npz"
    data = path.read_bytes()
    crc = data[14:18]
    assert data.count(crc) == 2  # in the local and in the central header
    data = data.replace(crc, bytes(4))
    path.write_bytes(data)
    manifest = json.loads((directory / "manifest.json").read_text())
    manifest["files"]["popularity.npz"]["sha256"] = hashlib.sha256(data).hexdigest()
    (directory / "manifest.json").write_text(json.dumps(manifest))
    Model.load(directory)
    with pytest.raises(ChecksumError, match="counts.npy: expected CRC-32 00000000, got "):
        verify_model(directory)


def test_counts_that_differ_from_the_id_maps_are_found(directory: Path) -> None:
    # One user more than users.csv has: with an empty history, all arrays agree.
    def one_row_more(arrays: Arrays) -> None:
        arrays["indptr"] = np.append(arrays["indptr"], arrays["indptr"][-1])

    rewritten(directory, "histories.npz", one_row_more, users=41)
    model = Model.load(directory)
    message = "users.csv: expected 41 ids as in the manifest, got 40"
    with pytest.raises(IdMapError, match=message):
        Recommender(model).predict("user 00")
    with pytest.raises(IdMapError, match=message):
        verify_model(directory)


def test_verifying_works_where_a_file_cannot_be_mapped(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise ValueError("cannot mmap")

    monkeypatch.setattr(mmap, "mmap", refuse)
    verify_model(directory)
    with pytest.raises(CsrError):
        verify_model(rewritten(directory, "similarity.npz", put("data", 0, np.nan)))
