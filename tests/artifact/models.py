"""Models of a few rows, and the same with other arrays, for the tests of this folder."""

from __future__ import annotations

import hashlib
import io
import json
import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore import Interactions, Model, TrainConfig, train_from_data
from mlcore.artifact.attributes import Attributes
from mlcore.artifact.npz import write_npz
from mlcore.history_decay import QuadraticHistoryDecay
from mlcore.files.catalogue import NO_TIME, NO_VALUE, Catalogue
from mlcore.similarity import Cosine
from mlcore.weighting import BM25

Row = tuple[str, str, float]


Arrays = dict[str, npt.NDArray[Any]]


NUM_ITEMS = 25


def some_rows(seed: int = 1) -> list[Row]:
    """About 300 rows of 40 users; some pairs stand several times, with weights that round."""
    rng = random.Random(seed)
    rows = []
    for user in range(40):
        for item in rng.sample(range(NUM_ITEMS), rng.randint(1, 11)):
            for _ in range(rng.choice([1, 1, 1, 2, 3])):
                rows.append((f"user {user:02}", f"item,{item:02}", rng.choice([0.1, 0.7, 1, 2.5])))
    assert len({item for _, item, _ in rows}) == NUM_ITEMS
    return rows


def time_of(row: Row) -> int:
    """Follows from the row, so that the order of rows changes nothing; some are equal."""
    return zlib.crc32(repr(row).encode()) % 50


def interactions_of(rows: list[Row]) -> Interactions:
    users, items, weights = zip(*rows)
    return Interactions.from_columns(users, items, weights, map(time_of, rows))


# With all files that a model may have.
CONFIG = TrainConfig(
    Cosine(),
    BM25(smooth=True),
    num_neighbors=5,
    neighborhood="target",
    history_decay=QuadraticHistoryDecay(),
)


def train(rows: list[Row], config: TrainConfig = CONFIG, **options: Any) -> Model:
    model = train_from_data(interactions_of(rows), config, **options)
    return replace(model, attributes=Attributes.encode(CATALOGUE, model.items))


CATALOGUE = Catalogue(
    [f"item,{item:02}" for item in range(3, NUM_ITEMS)],
    {"kind": [1, NO_VALUE] * 11, "brand, of": [item % 3 for item in range(22)]},
    ["n\u00efve", 'q"uoted', "none, of these", "of no item"],
    [NO_TIME, 1_700_000_000_000_000] * 11,
)


def tree(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def digests(directory: Path) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in tree(directory).items()}


def arrays_of(model: Model) -> Arrays:
    found: Arrays = {"popularity": model.popularity, "fallback": model.fallback}
    if model.order is not None:
        found["order"] = model.order
    if model.attributes is not None:
        found["codes"] = model.attributes.codes
        found |= zip(("from", "until"), model.attributes.availability or ())
    for name, matrix in (("similarity", model.similarity), ("histories", model.histories)):
        if matrix is not None:
            for part in ("indptr", "indices", "data"):
                found[f"{name}.{part}"] = getattr(matrix, part)
    return found


def assert_same_model(found: Model, expected: Model) -> None:
    arrays = arrays_of(expected)
    assert arrays_of(found).keys() == arrays.keys()
    for name, array in arrays_of(found).items():
        assert array.dtype == arrays[name].dtype, name
        assert array.tobytes() == arrays[name].tobytes(), name
    assert found.config == expected.config
    assert list(found.items.ids) == list(expected.items.ids)
    assert (found.users is None) == (expected.users is None)
    if found.users is not None and expected.users is not None:
        assert list(found.users.ids) == list(expected.users.ids)
    assert (found.attributes is None) == (expected.attributes is None)
    if found.attributes is not None and expected.attributes is not None:
        assert found.attributes.columns.ids == expected.attributes.columns.ids
        assert found.attributes.values.ids == expected.attributes.values.ids
    for name in ("num_users", "num_interactions", "interactions_sha256"):
        assert getattr(found, name) == getattr(expected, name)


def rewritten(directory: Path, name: str, change: Callable[[Arrays], None], **counts: int) -> Path:
    """Write a file of the model anew with other arrays, and a manifest that agrees with it."""
    with np.load(directory / name) as loaded:
        arrays = {key: loaded[key].copy() for key in loaded.files}
    change(arrays)
    sink = io.BytesIO()
    specs = write_npz(sink, arrays)
    data = sink.getvalue()
    (directory / name).write_bytes(data)
    manifest = json.loads((directory / "manifest.json").read_text())
    manifest["counts"].update(counts)
    manifest["files"][name] = {
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "arrays": {key: {"dtype": dtype, "shape": [size]} for key, (dtype, size) in specs.items()},
    }
    (directory / "manifest.json").write_text(json.dumps(manifest))
    return directory


def put(array: str, position: int, value: float) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        assert arrays[array][position] != value
        arrays[array][position] = value

    return change
