"""mlcore.artifact.writer: the same model gives the same bytes, whoever trained it and however."""

from __future__ import annotations

import csv
import hashlib
import itertools
import json
import os
import random
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from mlcore import Model, TrainConfig, verify_model
from mlcore.artifact.writer import ModelWriter
from mlcore.errors import DataWarning
from mlcore.files.catalogue import NO_TIME
from mlcore.similarity import SIMILARITIES, gram
from mlcore.train.train import train_from_path
from mlcore.weighting import WEIGHTINGS
from tests.artifact.models import (
    CATALOGUE,
    CONFIG,
    Row,
    assert_same_model,
    digests,
    some_rows,
    time_of,
    train,
    tree,
)


def test_each_file_has_the_size_and_digest_of_its_bytes(tmp_path: Path) -> None:
    writer = ModelWriter(tmp_path)
    writer.write_bytes("items.csv", b"index,id\n0,a\n")
    writer.write_arrays("popularity.npz", {"counts": np.array([1], np.int64)})
    assert list(writer.entries) == ["items.csv", "popularity.npz"]
    for name, entry in writer.entries.items():
        data = (tmp_path / name).read_bytes()
        assert (entry.bytes, entry.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert writer.entries["popularity.npz"].arrays == {"counts": ("<i8", 1)}


def test_a_file_that_exists_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_bytes(b"old")
    with pytest.raises(FileExistsError):
        ModelWriter(tmp_path).write_bytes("items.csv", b"new")
    assert (tmp_path / "items.csv").read_bytes() == b"old"


def saved(model: Model, directory: Path) -> dict[str, str]:
    model.save(directory)
    return digests(directory)


def test_the_order_of_the_rows_changes_no_byte(directory: Path, tmp_path: Path) -> None:
    rows = some_rows()
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        assert saved(train(rows), tmp_path / f"{seed}") == digests(directory)


@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("block", [1, 7, 60, 10**6])
def test_threads_and_blocks_change_no_byte(
    threads: int, block: int, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gram, "MAX_BLOCK_ENTRIES", block)
    assert saved(train(some_rows(), threads=threads), tmp_path / "other") == digests(directory)


def config_of(similarity: str, weighting: str, neighborhood: str) -> TrainConfig:
    return TrainConfig.from_json(
        {
            "similarity": {"name": similarity},
            "weighting": {"name": weighting},
            "neighborhood": neighborhood,
            "num_neighbors": 4,
            "shrinkage": 0.5 if SIMILARITIES[similarity].uses_shrinkage else 0,
        }
    )


# Every similarity both ways, each with the next weighting; a weighting is applied before it.
CONFIGS = [
    (similarity, weighting, neighborhood)
    for (similarity, neighborhood), weighting in zip(
        itertools.product(SIMILARITIES, ["target", "source"]), itertools.cycle(WEIGHTINGS)
    )
    if (similarity, weighting) != ("adjusted_cosine", "binary")  # leaves nothing of equal weights
]


@pytest.mark.parametrize(("similarity", "weighting", "neighborhood"), CONFIGS)
def test_every_similarity_and_weighting_gives_one_valid_model(
    similarity: str,
    weighting: str,
    neighborhood: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = config_of(similarity, weighting, neighborhood)
    rows = some_rows()
    model = train(rows, config, threads=1)
    expected = saved(model, tmp_path / "model")
    verify_model(tmp_path / "model")
    assert_same_model(Model.load(tmp_path / "model"), model)
    random.Random(9).shuffle(rows)
    monkeypatch.setattr(gram, "MAX_BLOCK_ENTRIES", 40)
    assert saved(train(rows, config, threads=5), tmp_path / "other") == expected


def test_each_config_gives_another_model(tmp_path: Path) -> None:
    # Or the cases above would compare nothing.
    seen = set()
    for names in CONFIGS:
        found = saved(train(some_rows(), config_of(*names)), tmp_path / "-".join(names))
        seen.add((found["config.json"], found["manifest.json"]))
    assert len(seen) == len(CONFIGS)


def catalogue_rows() -> list[dict[str, str | None]]:
    """The rows of ``CATALOGUE``, with items that the model does not have."""
    values = [*CATALOGUE.values, None]
    times = {NO_TIME: None, 1_700_000_000_000_000: "1700000000"}
    columns: dict[str, list[str | None]] = {
        name: [values[code] for code in codes] for name, codes in CATALOGUE.columns.items()
    }
    assert CATALOGUE.begins is not None
    columns |= {
        "item_id": list(CATALOGUE.item_ids),
        "available_from": [times[time] for time in CATALOGUE.begins],
    }
    rows = [dict(zip(columns, row)) for row in zip(*columns.values())]
    return [{"item_id": "of nobody", "kind": "of nobody"}, *rows]


def write_catalogue(path: Path) -> None:
    """Write the rows in another order for each name of a file."""
    rows = catalogue_rows()
    random.Random(path.name).shuffle(rows)
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(catalogue_rows()[1]))
        writer.writeheader()
        writer.writerows(rows)


def as_csv(rows: list[Row]) -> str:
    lines = [f'{row[2]},"{row[1]}",x,{time_of(row)},{row[0]}\n' for row in rows]
    return "weight,item_id,note,timestamp,user_id\n" + "".join(lines)


def as_json_lines(rows: list[Row]) -> str:
    names = ("user_id", "item_id", "weight", "timestamp")
    return "".join(json.dumps(dict(zip(names, (*row, time_of(row))))) + "\n" for row in rows)


def test_the_format_of_the_input_changes_no_byte(directory: Path, tmp_path: Path) -> None:
    rows = some_rows()
    (tmp_path / "config.json").write_text(json.dumps(CONFIG.to_json()))
    for name, write in (("events.csv", as_csv), ("events.jsonl", as_json_lines)):
        random.Random(name).shuffle(rows)
        (tmp_path / name).write_text(write(rows))
        out_dir, items = tmp_path / f"from {name}", tmp_path / f"items.{name}"
        write_catalogue(items)
        with pytest.warns(DataWarning, match="item_id: 1 of 23 items are not in the model"):
            train_from_path(
                tmp_path / name, tmp_path / "config.json", out_dir, attributes_path=items
            )
        (out_dir / "provenance.json").unlink()
        assert digests(out_dir) == digests(directory)


def test_saving_a_loaded_model_changes_no_byte(directory: Path, tmp_path: Path) -> None:
    assert saved(Model.load(directory), tmp_path / "other") == digests(directory)


OTHER_PROCESS = """
import sys
from pathlib import Path
from tests.artifact.models import some_rows, train

rows = some_rows()
train(rows[::-1], threads=2).save(Path(sys.argv[1]))
"""


def test_no_clock_place_or_hash_seed_is_in_the_bytes(directory: Path, tmp_path: Path) -> None:
    before = time.time()
    root = Path(__file__).parents[2]
    for seed, zone in (("1", "Asia/Kolkata"), ("2", "America/New_York")):
        folder = tmp_path / f"some place {seed}"
        folder.mkdir()
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "TZ": zone,
            "LC_ALL": "C",
            "PYTHONPATH": os.fspath(root),
        }
        command = [sys.executable, "-c", OTHER_PROCESS, os.fspath(folder / "model")]
        subprocess.run(command, cwd=folder, env=environment, check=True)
        assert digests(folder / "model") == digests(directory)
    while time.time() // 2 == before // 2:  # a zip archive counts time in steps of two seconds
        time.sleep(0.05)
    assert saved(train(some_rows()), tmp_path / "later") == digests(directory)
    everything = b"".join(tree(directory).values())
    for secret in (os.fspath(tmp_path), os.fspath(root), f"{socket.gethostname()}\n"):
        assert secret.encode() not in everything
