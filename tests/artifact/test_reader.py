"""mlcore.artifact.reader: files are mapped, stay those of one model, and agree with the manifest."""

from __future__ import annotations

import errno
import hashlib
import json
import mmap
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from mlcore import Model, Recommender, TrainConfig, verify_model
from mlcore.artifact import describe_model, reader
from mlcore.artifact.manifest import Manifest
from mlcore.errors import (
    ArtifactError,
    ConfigError,
    CsrError,
    HeaderError,
    IdMapError,
    MissingFileError,
    SizeError,
)
from tests.artifact.models import (
    NUM_ITEMS,
    Arrays,
    arrays_of,
    assert_same_model,
    put,
    rewritten,
    some_rows,
    train,
)


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
    "config parsed": (reader, "parse_object"),
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


@pytest.mark.parametrize("name", ["manifest.json", "similarity.npz"])
def test_a_file_that_is_open_and_cannot_be_read_is_named(
    name: str, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = os.stat(directory / name).st_ino
    look = os.fstat

    def refuse(descriptor: int) -> os.stat_result:
        found = look(descriptor)
        if found.st_ino == damaged:
            raise OSError(errno.EIO, "Input/output error")
        return found

    monkeypatch.setattr(os, "fstat", refuse)
    with pytest.raises(MissingFileError) as caught:
        Model.load(directory)
    assert str(caught.value) == f"{directory / name}: expected a file, got 'Input/output error'"
