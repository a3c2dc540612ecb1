"""mlcore.artifact.model: a saved model comes back, and a damaged one gives no wrong list."""

from __future__ import annotations

import concurrent.futures
import copy
import dataclasses
import hashlib
import json
import multiprocessing
import os
import pickle
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore import Model, Recommender, train_from_data, verify_model
from mlcore.artifact.manifest import MODEL_FILES
from mlcore.errors import (
    ConfigError,
    CsrError,
    DataError,
    ManifestError,
    MissingFileError,
    MlcoreError,
)
from tests.artifact.models import (
    NUM_ITEMS,
    Arrays,
    Row,
    assert_same_model,
    digests,
    interactions_of,
    put,
    rewritten,
    some_rows,
    train,
    tree,
)

WITHOUT_USERS = {"users.csv", "histories.npz", "order.npz"}


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
        with pytest.raises(CsrError, match="similarity.npz: expected item positions that"):
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
    with pytest.raises(CsrError, match="histories.npz: expected item positions that exist"):
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


# --- pickle and copy


def copies(value: Any) -> list[Any]:
    protocols = range(2, pickle.HIGHEST_PROTOCOL + 1)
    pickled = [pickle.loads(pickle.dumps(value, protocol)) for protocol in protocols]
    return [*pickled, copy.copy(value), copy.deepcopy(value)]


def test_a_saved_or_loaded_model_pickles_and_copies_by_its_path(tmp_path: Path) -> None:
    model = train(some_rows())
    for saved in (model, dataclasses.replace(model)):  # which forgets where the first one is
        with pytest.raises(MlcoreError, match=r"^model: expected .* call save\(\) first$"):
            pickle.dumps(saved)
        with pytest.raises(MlcoreError, match=r"^model: expected .* call save\(\) first$"):
            copy.deepcopy(Recommender(saved))
        saved.save(tmp_path / "model", overwrite=True)
    loaded = Model.load(tmp_path / "model")
    expected = Recommender(model).predict("user 00")
    for one in (model, loaded):
        assert len(pickle.dumps(one)) < 1000
        for other in copies(one):
            assert_same_model(other, model)
        for recommender in copies(Recommender(one)):
            assert recommender.predict("user 00") == expected


def test_a_path_is_kept_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = train(some_rows()), train(some_rows(seed=2))
    first.save(tmp_path / "first")
    second.save(tmp_path / "second")
    (tmp_path / "current").symlink_to("first")
    monkeypatch.chdir(tmp_path)
    pickled = pickle.dumps(Model.load("current"))
    (tmp_path / "current").unlink()
    (tmp_path / "current").symlink_to("second")
    monkeypatch.chdir("/")
    assert_same_model(pickle.loads(pickled), first)


def test_another_model_in_its_place_is_refused(tmp_path: Path) -> None:
    model = train(some_rows())
    model.save(tmp_path / "model")
    pickled = pickle.dumps(Recommender(model))
    train(some_rows(seed=2)).save(tmp_path / "model", overwrite=True)
    with pytest.raises(ManifestError, match="expected the model that was pickled, got another"):
        pickle.loads(pickled)
    shutil.rmtree(tmp_path / "model")
    with pytest.raises(MissingFileError, match="expected a model directory, got no such"):
        pickle.loads(pickled)


def predict_elsewhere(recommender: Recommender) -> list[str]:
    return [found.item_id for found in recommender.predict("user 00")]


def test_a_recommender_goes_to_a_worker_process_and_an_error_comes_back(tmp_path: Path) -> None:
    model = train(some_rows())
    model.save(tmp_path / "model")
    recommender = Recommender(model)
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
        found = pool.submit(predict_elsewhere, recommender).result()
        failed = pool.submit(Recommender.predict, recommender, 7).exception()  # type: ignore[arg-type]
    assert found == predict_elsewhere(recommender)
    assert isinstance(failed, DataError) and str(failed) == "user: expected a string, got 7"
    assert failed.hint == "ids are strings: convert numbers with str()"


def test_a_model_shows_its_size_in_a_line() -> None:
    model = train(some_rows())
    shown = f"Model('cosine', 40 users, {NUM_ITEMS} items, "
    assert repr(model).startswith(shown) and len(repr(model)) < 100
    assert repr(Recommender(model)) == f"Recommender({model!r})"
    assert repr(dataclasses.replace(model, config_json={})).startswith("Model(None, 40 users, ")
