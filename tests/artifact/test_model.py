"""mlcore.artifact.model: what is saved comes back, in the same bytes whoever trained it, or not at
all."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import mmap
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mlcore import Interactions, Model, Recommender, TrainConfig, train_from_data, verify_model
from mlcore.artifact import MODEL_FILES, describe_model
from mlcore.artifact import reader
from mlcore.artifact.manifest import Manifest
from mlcore.artifact.npz import write_npz
from mlcore.errors import (
    ArtifactError,
    ChecksumError,
    ConfigError,
    CsrError,
    HeaderError,
    IdMapError,
    MissingFileError,
    SizeError,
)
from mlcore.similarity import SIMILARITIES, Cosine, gram
from mlcore.train.train import train_from_path
from mlcore.weighting import WEIGHTINGS

Row = tuple[str, str, float]
Arrays = dict[str, npt.NDArray[Any]]

NUM_ITEMS = 25
WITHOUT_USERS = {"users.csv", "histories.npz"}


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


def interactions_of(rows: list[Row]) -> Interactions:
    return Interactions.from_columns(*zip(*rows))


def train(
    rows: list[Row], config: TrainConfig = TrainConfig(Cosine(), num_neighbors=5), **options: Any
) -> Model:
    return train_from_data(interactions_of(rows), config, **options)


def tree(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def digests(directory: Path) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in tree(directory).items()}


def arrays_of(model: Model) -> Arrays:
    found = {"popularity": model.popularity}
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
    for name in ("num_users", "num_interactions", "interactions_sha256"):
        assert getattr(found, name) == getattr(expected, name)


@pytest.fixture(scope="module")
def model() -> Model:
    return train(some_rows())


@pytest.fixture
def directory(model: Model, tmp_path: Path) -> Path:
    model.save(tmp_path / "model")
    return tmp_path / "model"


# --- what comes back


def test_a_saved_model_loads_as_it_was(model: Model, directory: Path) -> None:
    assert set(os.listdir(directory)) == set(MODEL_FILES)
    assert_same_model(Model.load(directory), model)
    verify_model(directory)


def test_a_model_without_users_has_neither_their_ids_nor_their_histories(tmp_path: Path) -> None:
    model = train(some_rows(), with_users=False)
    model.save(tmp_path / "model")
    assert set(os.listdir(tmp_path / "model")) == set(MODEL_FILES) - WITHOUT_USERS
    loaded = Model.load(tmp_path / "model")
    assert loaded.users is None and loaded.histories is None
    assert loaded.num_users == 40
    assert_same_model(loaded, model)
    verify_model(tmp_path / "model")
    assert b"user 00" not in b"".join(tree(tmp_path / "model").values())


def test_without_users_all_other_files_are_the_same_but_the_manifest(
    directory: Path, tmp_path: Path
) -> None:
    train(some_rows(), with_users=False).save(tmp_path / "other")
    with_users, without = digests(directory), digests(tmp_path / "other")
    shared = set(without) - {"manifest.json"}
    assert {name: without[name] for name in shared} == {name: with_users[name] for name in shared}


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param([("u", "i", 1.0)], id="one interaction"),
        pytest.param([("u", "a", 1.0), ("v", "b", 1.0)], id="no pairs"),
        pytest.param([("u", 'a"', 1.0), ("u", "b,c", 3.0), ("\u00e9", "e\u0301", 1.0)], id="ids"),
    ],
)
def test_small_models_come_back_too(rows: list[Row], tmp_path: Path) -> None:
    model = train(rows)
    model.save(tmp_path / "model")
    assert_same_model(Model.load(tmp_path / "model"), model)
    verify_model(tmp_path / "model")


def test_items_that_nobody_took_are_kept(tmp_path: Path) -> None:
    interactions = interactions_of(some_rows()).with_catalogue(["~ last", "! first", "item,10x"])
    train_from_data(interactions).save(tmp_path / "model")
    verify_model(tmp_path / "model")
    loaded = Model.load(tmp_path / "model")
    assert len(loaded.items) == NUM_ITEMS + 3
    assert loaded.popularity[[0, -1]].tolist() == [0, 0]


def base_of(array: npt.NDArray[Any]) -> object:
    found: Any = array
    while isinstance(found, np.ndarray):
        found = found.base
    return found.obj if isinstance(found, memoryview) else found


def test_arrays_are_mapped_aligned_and_read_only(directory: Path) -> None:
    for name, array in arrays_of(Model.load(directory)).items():
        assert isinstance(base_of(array), mmap.mmap), name
        assert array.ctypes.data % 64 == 0, name
        assert not array.flags.writeable, name
        with pytest.raises(ValueError, match="read-only"):
            array[:1] = 1


def test_where_a_file_cannot_be_mapped_it_is_read(
    model: Model, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise OSError(19, "No such device")

    monkeypatch.setattr(mmap, "mmap", refuse)
    loaded = Model.load(directory)
    monkeypatch.undo()
    assert isinstance(base_of(loaded.similarity.data), bytes)
    assert not any(array.flags.writeable for array in arrays_of(loaded).values())
    assert_same_model(loaded, model)
    expected = Recommender.load(directory).predict("user 07")
    assert Recommender(loaded).predict("user 07") == expected


def test_verifying_works_where_a_file_cannot_be_mapped(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise ValueError("cannot mmap")

    monkeypatch.setattr(mmap, "mmap", refuse)
    verify_model(directory)
    with pytest.raises(CsrError):
        verify_model(rewritten(directory, "similarity.npz", put("data", 0, np.nan)))


def test_ids_are_parsed_when_first_asked_for(directory: Path) -> None:
    for name in ("items.csv", "users.csv"):
        text = (directory / name).read_bytes()
        (directory / name).write_bytes(text.replace(b"index,id", b"index;id"))
    model = Model.load(directory)
    assert (len(model.items), len(model.users or ())) == (NUM_ITEMS, 40)
    for _ in range(2):
        with pytest.raises(IdMapError, match="items.csv:1: expected the header"):
            model.items.position("item,00")
    recommender = Recommender(model)
    with pytest.raises(IdMapError, match="users.csv:1: "):
        recommender.predict("user 00")
    with pytest.raises(IdMapError, match="items.csv:1: "):
        recommender.predict_history(["item,00"])


# --- a model that is replaced while it is in use


def test_an_open_model_stays_what_it_was_when_its_directory_is_replaced(
    model: Model, directory: Path
) -> None:
    loaded = Model.load(directory)
    other = train([(user[::-1], item[::-1], weight) for user, item, weight in some_rows(2)])
    other.save(directory, overwrite=True)
    assert len(other.items) == len(model.items) and len(other.users or ()) == 40
    assert_same_model(loaded, model)
    assert_same_model(Model.load(directory), other)


MOMENTS: dict[str, tuple[Any, str]] = {
    "directory opened": (os, "open"),
    "first file found": (os, "lstat"),
    "manifest read": (Manifest, "from_text"),
    "first file mapped": (mmap, "mmap"),
    "config parsed": (reader, "parse_json"),
    "first array mapped": (reader, "map_npz"),
}


@pytest.mark.parametrize("opener", [Model.load, describe_model, verify_model])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_directory_replaced_while_it_is_opened_gives_the_old_model_or_the_new_one(
    directory: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    opener: Callable[[Path], object],
    moment: str,
) -> None:
    other = train(some_rows(2), TrainConfig(num_neighbors=7), with_users=False)
    other.save(tmp_path / "other")
    expected = [opener(directory), opener(tmp_path / "other")]
    fresh = iter([True])

    def replace_first(function: Callable[..., Any]) -> Callable[..., Any]:
        def replacing(*arguments: Any, **options: Any) -> Any:
            result = function(*arguments, **options)
            if next(fresh, False):
                other.save(directory, overwrite=True)
            return result

        return replacing

    owner, name = MOMENTS[moment]
    monkeypatch.setattr(owner, name, replace_first(getattr(owner, name)))
    found = opener(directory)
    assert next(fresh, None) is None
    if isinstance(found, Model):
        described = [(one.interactions_sha256, one.config) for one in expected]  # type: ignore[attr-defined]
        which = described.index((found.interactions_sha256, found.config))
        assert_same_model(found, expected[which])  # type: ignore[arg-type]
    else:
        assert found in expected
    monkeypatch.undo()
    assert_same_model(Model.load(directory), other)


def test_a_directory_removed_while_it_is_opened_is_missing(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from_text = Manifest.from_text

    def and_remove(*arguments: Any) -> Manifest:
        manifest = from_text(*arguments)
        shutil.rmtree(directory)
        return manifest

    monkeypatch.setattr(Manifest, "from_text", and_remove)
    with pytest.raises(MissingFileError, match="config.json: expected a file, got 'No such file"):
        Model.load(directory)
    with pytest.raises(MissingFileError, match="expected a model directory, got no such directory"):
        Model.load(directory)


# --- the same bytes


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


CONFIGS = [
    names
    for names in itertools.product(SIMILARITIES, WEIGHTINGS, ["target", "source"])
    if names[:2] != ("adjusted_cosine", "binary")  # of equal weights nothing is left
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


def as_csv(rows: list[Row]) -> str:
    lines = [f'{weight},"{item}",x,{user}\n' for user, item, weight in rows]
    return "weight,item_id,note,user_id\n" + "".join(lines)


def as_json_lines(rows: list[Row]) -> str:
    names = ("user_id", "item_id", "weight")
    return "".join(json.dumps(dict(zip(names, row))) + "\n" for row in rows)


def test_the_format_of_the_input_changes_no_byte(directory: Path, tmp_path: Path) -> None:
    rows = some_rows()
    (tmp_path / "config.json").write_text('{"similarity": {"name": "cosine"}, "num_neighbors": 5}')
    for name, write in (("events.csv", as_csv), ("events.jsonl", as_json_lines)):
        random.Random(name).shuffle(rows)
        (tmp_path / name).write_text(write(rows))
        out_dir = tmp_path / f"from {name}"
        train_from_path(tmp_path / name, tmp_path / "config.json", out_dir)
        assert digests(out_dir) == digests(directory)


def test_saving_a_loaded_model_changes_no_byte(directory: Path, tmp_path: Path) -> None:
    assert saved(Model.load(directory), tmp_path / "other") == digests(directory)


OTHER_PROCESS = """
import sys
from pathlib import Path
from tests.artifact.test_model import some_rows, train

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


# --- faults in the arrays


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


def test_a_model_rewritten_with_its_own_arrays_is_fine(model: Model, directory: Path) -> None:
    for name in ("similarity.npz", "histories.npz", "popularity.npz"):
        rewritten(directory, name, lambda arrays: None)
    verify_model(directory)
    assert_same_model(Model.load(directory), model)


@pytest.mark.parametrize("name", ["similarity.npz", "histories.npz"])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put("indptr", 0, 1), id="indptr-first-nonzero"),
        pytest.param(put("indptr", 0, -1), id="indptr-first-negative"),
        pytest.param(put("indptr", 4, 0), id="indptr-decreasing"),
        pytest.param(put("indptr", 4, -1), id="indptr-negative"),
        pytest.param(put("indptr", 4, 10_000), id="indptr-too-high"),
        pytest.param(put("indptr", 4, 2**53 + 1), id="indptr>2^53"),
        pytest.param(put("indptr", 4, -(2**63)), id="indptr-least"),
        pytest.param(put("indptr", -1, 2**63 - 1), id="indptr-last-greatest"),
        pytest.param(put("indptr", -1, 7), id="indptr-last-too-low"),
    ],
)
def test_row_offsets_that_point_nowhere_are_refused_on_opening(
    directory: Path, name: str, change: Callable[[Arrays], None]
) -> None:
    rewritten(directory, name, change)
    for opener in (Model.load, Recommender.load, verify_model, describe_model):
        with pytest.raises(CsrError, match=f"{name}: indptr.npy: expected offsets "):
            opener(directory)


def test_the_last_row_offset_must_be_the_number_of_entries(directory: Path) -> None:
    def one_less(arrays: Arrays) -> None:
        arrays["indptr"][-1] -= 1
        arrays["indptr"] = np.minimum(arrays["indptr"], arrays["indptr"][-1])

    rewritten(directory, "similarity.npz", one_less)
    with pytest.raises(CsrError, match="indptr.npy: expected offsets from 0 to "):
        Model.load(directory)


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


def without_last(*names: str) -> Callable[[Arrays], None]:
    def change(arrays: Arrays) -> None:
        for name in names:
            arrays[name] = arrays[name][:-1]

    return change


@pytest.mark.parametrize("name", ["similarity.npz", "histories.npz"])
@pytest.mark.parametrize("parts", [["indptr"], ["indices"], ["data"], ["indices", "data"]])
def test_arrays_of_other_lengths_than_the_counts_are_refused_on_opening(
    directory: Path, name: str, parts: list[str]
) -> None:
    manifest = json.loads((directory / "manifest.json").read_text())
    rewritten(directory, name, without_last(*parts))
    with pytest.raises(ArtifactError, match=f"{name}: arrays: expected "):
        Model.load(directory)
    # The same arrays, with a manifest that has the lengths by the counts, but the new size.
    changed = json.loads((directory / "manifest.json").read_text())
    changed["files"][name]["arrays"] = manifest["files"][name]["arrays"]
    (directory / "manifest.json").write_text(json.dumps(changed))
    for opener in (Model.load, verify_model):
        with pytest.raises(HeaderError, match=f"{name}: {parts[0]}.npy: expected "):
            opener(directory)


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


def test_a_config_that_is_not_json_is_a_fault_of_the_model(directory: Path) -> None:
    path = directory / "config.json"
    good = path.read_bytes()
    for old, new in (
        (b"{", b"["),
        (b'"num_neighbors"', b'"shrinkage"'),
        (b'"cosine"', b"NaN"),
        (b"}", b"\xff"),
    ):
        data = good.replace(old, new, 1)
        assert data != good
        path.write_bytes(data)
        with pytest.raises(SizeError) if len(data) != len(good) else pytest.raises(ArtifactError):
            Model.load(directory)
        manifest = json.loads((directory / "manifest.json").read_text())
        manifest["files"]["config.json"] = {
            "bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
        }
        manifest["training"]["config_sha256"] = hashlib.sha256(data).hexdigest()
        (directory / "manifest.json").write_text(json.dumps(manifest))
        with pytest.raises(ArtifactError) as caught:
            Model.load(directory)
        assert not isinstance(caught.value, ConfigError)
        assert str(caught.value).startswith(f"{path}: ")
        assert caught.value.verdict == "manifest"


def test_a_model_trained_in_a_later_way_recommends_all_the_same(directory: Path) -> None:
    before = Recommender.load(directory).predict_many(Recommender.load(directory).user_ids())
    data = (directory / "config.json").read_bytes().replace(b'"cosine"', b'"coffee"')
    (directory / "config.json").write_bytes(data)
    manifest = json.loads((directory / "manifest.json").read_text())
    digest = hashlib.sha256(data).hexdigest()
    manifest["files"]["config.json"] = {"bytes": len(data), "sha256": digest}
    manifest["training"]["config_sha256"] = digest
    (directory / "manifest.json").write_text(json.dumps(manifest))
    verify_model(directory)
    recommender = Recommender.load(directory)
    assert recommender.predict_many(recommender.user_ids()) == before
    with pytest.raises(
        ConfigError, match="^config.json: similarity: name: expected one of .*coffee"
    ):
        _ = recommender.model.config


# --- faults that only answering a request can meet


BAD_POSITIONS = [NUM_ITEMS, -1, 2**31 - 1, -(2**31)]


def right_or_csr_error(ask: Callable[[], object], expected: object) -> bool:
    """Whether the answer was an error; a wrong answer or another error fails the test."""
    try:
        found = ask()
    except CsrError as error:
        assert error.verdict == "csr"
        return True
    assert found == expected
    return False


@pytest.mark.parametrize("position", BAD_POSITIONS)
def test_a_bad_item_position_gives_an_error_and_never_a_wrong_list(
    directory: Path, position: int
) -> None:
    good = Recommender.load(directory)
    users, items = list(good.user_ids()), list(good.model.items.ids)
    lists = {user: good.predict(user) for user in users}
    similar = {item: good.similar_items(item) for item in items}
    rewritten(directory, "similarity.npz", put("indices", 30, position))
    bad = Recommender.load(directory)
    errors = [right_or_csr_error(partial(bad.predict, user), lists[user]) for user in users]
    assert 0 < sum(errors) < len(errors)  # users whose history does not meet it are served
    errors = [right_or_csr_error(partial(bad.similar_items, item), similar[item]) for item in items]
    assert sum(errors) == 1
    for threads in (1, 3):
        with pytest.raises(CsrError, match="similarity.npz: indices.npy: expected positions from"):
            bad.predict_many(users, threads=threads)
    with pytest.raises(CsrError):
        bad.predict_many(users[:1])
    with pytest.raises(CsrError):
        [bad.explain(user, item) for user in users for item in items]


@pytest.mark.parametrize("position", BAD_POSITIONS)
@pytest.mark.parametrize("options", [{}, {"include_seen": True}, {"fill": "popularity"}], ids=str)
def test_a_bad_position_in_a_history_gives_an_error_and_never_a_wrong_list(
    directory: Path, position: int, options: dict[str, Any]
) -> None:
    good = Recommender.load(directory)
    users = list(good.user_ids())
    lists = [good.predict(user, **options) for user in users]
    entry = 30
    owner = int(np.searchsorted(good.model.histories.indptr, entry, side="right")) - 1  # type: ignore[union-attr]
    rewritten(directory, "histories.npz", put("indices", entry, position))
    bad = Recommender.load(directory)
    for index, user in enumerate(users):
        failed = right_or_csr_error(partial(bad.predict, user, **options), lists[index])
        assert failed == (index == owner)
    others = users[:owner] + users[owner + 1 :]
    assert bad.predict_many(others, **options) == lists[:owner] + lists[owner + 1 :]
    with pytest.raises(CsrError, match="histories.npz: indices.npy: expected positions from 0 to"):
        bad.predict_many(users, **options)
    for item in bad.model.items.ids:
        with pytest.raises(CsrError, match="histories.npz"):
            bad.explain(users[owner], item)


# A signalling NaN as well: arithmetic on it can raise warnings, which are errors here.
@pytest.mark.parametrize("bits", [0x7FC00000, 0x7FA00000, 0x7F800000, 0xFF800000], ids=hex)
@pytest.mark.parametrize("name", ["similarity.npz", "histories.npz"])
def test_a_number_that_is_not_finite_gives_an_error_and_never_a_wrong_list(
    directory: Path, name: str, bits: int
) -> None:
    good = Recommender.load(directory)
    users = list(good.user_ids())
    lists = {user: good.predict(user) for user in users}

    def spoil(arrays: Arrays) -> None:
        arrays["data"].view(np.uint32)[30] = bits

    rewritten(directory, name, spoil)
    bad = Recommender.load(directory)
    errors = [right_or_csr_error(partial(bad.predict, user), lists[user]) for user in users]
    assert 0 < sum(errors) < len(errors)
    with pytest.raises(CsrError):
        bad.predict_many(users)
    with pytest.raises(CsrError):
        verify_model(directory)
