"""A model whose files are cut in place while it is open: one line, and not the end of the process."""

from __future__ import annotations

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlcore import Model, Recommender, verify_model
from mlcore.artifact.manifest import MODEL_FILES
from mlcore.diff import diff_from_data
from mlcore.errors import SizeError
from mlcore.recommend.request import ListOptions
from tests.artifact.models import CATALOGUE, some_rows, train

ROOT = Path(__file__).parents[2]
ITEM, USER = CATALOGUE.item_ids[0], "user 00"
# Each reads a mapped file.
USES: dict[str, Callable[[Recommender], Any]] = {
    "predict": lambda it: it.predict(USER),
    "predict_many": lambda it: it.predict_many([USER]),
    "predict_history": lambda it: it.predict_history([ITEM]),
    "similar_items": lambda it: it.similar_items(ITEM),
    "explain": lambda it: it.explain(USER, ITEM),
    "explain_history": lambda it: it.explain_history([ITEM], ITEM),
    "rank_all_users": lambda it: list(it.rank_all_users(ListOptions())),
    "diff": lambda it: diff_from_data(it.model, it.model),
}


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("saved") / "model"
    train(some_rows()).save(directory)
    return directory


@pytest.fixture
def directory(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


@pytest.mark.parametrize("name", [name for name in MODEL_FILES if name != "manifest.json"])
def test_a_file_that_was_cut_or_went_on_is_refused_before_it_is_read(
    name: str, directory: Path
) -> None:
    path = directory / name
    content = path.read_bytes()
    recommender = Recommender.load(directory)
    for size in (0, len(content) + 1):
        os.truncate(path, size)
        message = f"{path}: expected {len(content)} bytes as in the manifest, got {size}"
        for use in USES.values():
            with pytest.raises(SizeError) as caught:
                use(recommender)
            assert str(caught.value) == message
    path.write_bytes(content)
    for use in USES.values():
        use(recommender)


def test_a_model_in_memory_does_not_change_with_its_files(directory: Path) -> None:
    for loaded in (Recommender.load(directory, mapped=False), Model.load(directory, mapped=False)):
        recommender = loaded if isinstance(loaded, Recommender) else Recommender(loaded)
        copied = pickle.loads(pickle.dumps(recommender))
        expected = [use(Recommender.load(directory)) for use in list(USES.values())[:-2]]
        contents = {path: path.read_bytes() for path in directory.iterdir()}
        for path in contents:
            os.truncate(path, 0)
        for one in (recommender, copied):
            assert [use(one) for use in list(USES.values())[:-2]] == expected
        for path, content in contents.items():
            path.write_bytes(content)
    verify_model(directory)


def test_a_file_that_is_cut_while_it_is_read_into_memory_is_refused(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, fstat = directory / "similarity.npz", os.fstat
    size = path.stat().st_size

    def cut_after(descriptor: int) -> os.stat_result:
        found = fstat(descriptor)
        if found.st_size == size:
            os.truncate(path, 100)
        return found

    monkeypatch.setattr(os, "fstat", cut_after)
    with pytest.raises(SizeError, match=rf"expected {size} bytes as in the manifest, got 100$"):
        Model.load(directory, mapped=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a named pipe: this system has none")
@pytest.mark.parametrize("command", ["predict", "evaluate"])
def test_a_command_that_waits_for_its_input_meanwhile_says_so(
    command: str, directory: Path, tmp_path: Path
) -> None:
    pipe, truth = tmp_path / "pipe.jsonl", tmp_path / "truth.csv"
    os.mkfifo(pipe)
    truth.write_text(f'user_id,item_id\n{USER},"{ITEM}"\n')
    options = {
        "predict": [f"--users={pipe}", f"--out={tmp_path / 'lists.jsonl'}"],
        "evaluate": [f"--predictions={pipe}", f"--ground-truth={truth}", "--diversity",
                     "--cutoffs=1", f"--out={tmp_path / 'metrics.json'}"],
    }[command]  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", f"cli.{command}", f"--model-dir={directory}", *options],
        cwd=ROOT, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with pipe.open("w") as sink:  # the command has opened the model by now
        os.truncate(directory / "similarity.npz", 0)
        item = f'{{"item_id": "{ITEM}", "score": 1}}'
        sink.write(f'{{"user_id": "{USER}", "items": [{item}]}}\n')
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"error: {directory / 'similarity.npz'}: expected " in said
    assert said.endswith("bytes as in the manifest, got 0\n")
    assert not (tmp_path / "lists.jsonl").exists() and not (tmp_path / "metrics.json").exists()
