"""Publishing a model: a verified copy, a link that switches in one step, the last few kept."""

from __future__ import annotations

import os
import shutil
import threading
from multiprocessing import Process, Queue
from pathlib import Path

import pytest

from fixtures.golden import FIXTURES
from mlcore import Model, Recommender, verify_model
from mlcore.artifact.publish import publish_from_path
from mlcore.errors import ArtifactError, ConfigError, DataError

TINY = FIXTURES / "tiny" / "cosine" / "model"
SMALL = FIXTURES / "small" / "dot_bm25" / "model"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_link_leads_to_a_copy_of_the_model(tmp_path: Path) -> None:
    publish_from_path(TINY, tmp_path / "current")
    assert (tmp_path / "current").is_symlink()
    for path in TINY.iterdir():
        assert (tmp_path / "current" / path.name).read_bytes() == path.read_bytes()
    # Relative, so that the folder may be mounted elsewhere.
    assert os.readlink(tmp_path / "current") in names(tmp_path)


def test_the_newest_copies_stay_and_other_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "current.notes").write_text("mine", encoding="utf-8")
    (tmp_path / "current-2").mkdir()
    for model in (TINY, SMALL, TINY, SMALL):
        publish_from_path(model, tmp_path / "current", keep=2)
    copies = [name for name in names(tmp_path) if name.startswith("current.2")]
    assert len(copies) == 2
    assert os.readlink(tmp_path / "current") == copies[-1]
    assert Model.load(tmp_path / "current").num_users == Model.load(SMALL).num_users
    assert {"current.notes", "current-2"} < set(names(tmp_path))


def test_a_model_opened_before_answers_after_its_copy_is_gone(tmp_path: Path) -> None:
    publish_from_path(TINY, tmp_path / "current", keep=1)
    model = Model.load(tmp_path / "current")
    publish_from_path(SMALL, tmp_path / "current", keep=1)
    assert Recommender(model).predict("u0001", n=1)[0].item_id == "0001"
    assert model.similarity.data.tolist() == Model.load(TINY).similarity.data.tolist()


def test_a_bad_model_is_refused_and_the_link_stays(tmp_path: Path) -> None:
    publish_from_path(TINY, tmp_path / "current")
    before = names(tmp_path)
    bad = tmp_path / "bad"
    shutil.copytree(SMALL, bad)
    data = bytearray((bad / "similarity.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (bad / "similarity.npz").write_bytes(data)
    with pytest.raises(ArtifactError, match="sha256"):
        publish_from_path(bad, tmp_path / "current")
    assert names(tmp_path) == sorted([*before, "bad"])
    assert Model.load(tmp_path / "current").num_users == Model.load(TINY).num_users


def test_nothing_but_a_link_is_ever_replaced(tmp_path: Path) -> None:
    (tmp_path / "current").mkdir()
    with pytest.raises(DataError, match="expected a symbolic link or nothing, got something else"):
        publish_from_path(TINY, tmp_path / "current")
    assert names(tmp_path) == ["current"]


def test_keeping_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="keep: expected an integer >= 1, got 0"):
        publish_from_path(TINY, tmp_path / "current", keep=0)
    assert names(tmp_path) == []


def test_a_reader_always_finds_a_whole_model(tmp_path: Path) -> None:
    link = tmp_path / "current"
    publish_from_path(TINY, link, keep=2)
    done = threading.Event()
    seen: list[int] = []
    faults: list[Exception] = []

    def read() -> None:
        while not done.is_set():
            try:
                seen.append(verify_model(link).counts.users)
            except Exception as error:
                faults.append(error)
                return

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(15):
        publish_from_path(SMALL, link, keep=3)
        publish_from_path(TINY, link, keep=3)
    done.set()
    reader.join()
    assert faults == []
    assert len(seen) > 0


def publish_often(folder: Path, keep: int, results: Queue[tuple[int, int]]) -> None:
    dangling = 0
    for count in range(1, 11):
        publish_from_path(TINY, folder / "current", keep=keep)
        dangling += not (folder / "current" / "manifest.json").exists()
        results.put((count, dangling))


@pytest.mark.skipif(os.name == "nt", reason="the system has no such locks")
@pytest.mark.parametrize("keep", [1, 3])
def test_three_at_once_never_leave_a_link_to_nothing(keep: int, tmp_path: Path) -> None:
    results: Queue[tuple[int, int]] = Queue()
    workers = [Process(target=publish_often, args=(tmp_path, keep, results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    counts = [results.get(timeout=60) for _ in range(30)]
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert max(dangling for _, dangling in counts) == 0
    verify_model(tmp_path / "current")
    assert len(names(tmp_path)) == 1 + keep


@pytest.mark.skipif(os.name == "nt", reason="the system has no such locks")
def test_the_next_one_removes_what_killed_ones_left(tmp_path: Path) -> None:
    publish_from_path(TINY, tmp_path / "current")
    before = names(tmp_path)
    copy = f".current.20260131T120000.000000Z-0123456789ab.partial-{0:08x}"
    for name in (copy, f".other{copy[8:]}"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "items.csv").write_text("index,id")
    (tmp_path / f".current.partial-{0:08x}").symlink_to("current.2026")
    publish_from_path(TINY, tmp_path / "current", keep=1)
    assert len(names(tmp_path)) == len([*before, ".other"])
    assert [name for name in names(tmp_path) if name.startswith(".")] == [f".other{copy[8:]}"]
