"""Publishing a model: a verified copy, a link that switches in one step, the last few kept."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing import Process, Queue
from pathlib import Path
from typing import Any

import pytest

from fixtures.golden import FIXTURES
from mlcore import Model, Recommender, verify_model
from mlcore.artifact import publish
from mlcore.artifact.publish import publish_from_path
from mlcore.errors import ArtifactError, ConfigError, DataError, DataWarning

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


def test_a_bad_copy_is_refused_by_the_name_it_would_have_got(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "copyfile", lambda source, target: Path(target).touch())
    with pytest.raises(ArtifactError) as caught:
        publish_from_path(TINY, tmp_path / "current")
    assert str(caught.value).startswith(f"{tmp_path}/current.2")
    assert names(tmp_path) == []


def test_a_model_that_is_gone_since_it_was_verified_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, verified = tmp_path / "gone", verify_model(TINY)
    monkeypatch.setattr(publish, "verify_model", lambda folder: verified)
    with pytest.raises(DataError, match="gone/manifest.json: expected a readable file, got 'No "):
        publish_from_path(gone, tmp_path / "new/current")


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


def test_a_copy_that_another_link_leads_to_stays(tmp_path: Path) -> None:
    publish_from_path(TINY, tmp_path / "current")
    (tmp_path / "stable").symlink_to(os.readlink(tmp_path / "current"))
    for _ in range(2):
        publish_from_path(SMALL, tmp_path / "current", keep=1)
    verify_model(tmp_path / "stable")
    assert len(names(tmp_path)) == 2 + 2


def test_a_link_that_cannot_be_switched_leaves_no_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(old: Path, new: Path) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(DataError, match="current: expected a symbolic link that can be switched"):
        publish_from_path(TINY, tmp_path / "new" / "folder" / "current")
    assert names(tmp_path) == []


@pytest.mark.parametrize(("owner", "name"), [(os, "rename"), (Path, "iterdir")])
def test_old_copies_that_stay_are_noted_and_no_error(
    owner: object, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_from_path(TINY, tmp_path / "current")
    switch = publish._switch

    def switch_then_refuse(link: Path, copy: str) -> None:
        switch(link, copy)
        monkeypatch.setattr(owner, name, refuse)

    def refuse(*arguments: object) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(publish, "_switch", switch_then_refuse)
    message = "current: older copies could not be removed: Permission denied"
    with pytest.warns(DataWarning, match=message):
        summary = publish_from_path(SMALL, tmp_path / "current", keep=1)
    monkeypatch.undo()
    assert summary.endswith("removed 0 older")
    assert Model.load(tmp_path / "current").num_users == Model.load(SMALL).num_users


def test_a_signal_waits_until_the_link_is_switched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    symlink = os.symlink

    def press_ctrl_c(name: str, path: Path) -> None:
        signal.raise_signal(signal.SIGINT)
        symlink(name, path)

    monkeypatch.setattr(os, "symlink", press_ctrl_c)
    with pytest.raises(KeyboardInterrupt):
        publish_from_path(TINY, tmp_path / "current")
    verify_model(tmp_path / "current")
    assert len(names(tmp_path)) == 2


# Where a publication is slow.
SLOW = [
    "",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("symlink", "rename", "replace", "listdir", "readlink", "rmdir")
    ),
]


def publish_often(
    folder: Path, keep: int, with_locks: bool, slow: str, results: Queue[int]
) -> None:
    dangling = 0
    if not with_locks:
        import fcntl

        fcntl.flock = no_locks  # type: ignore[assignment]
    if slow:
        setattr(os, slow, slowly(getattr(os, slow), seed=os.getpid()))
    for _ in range(10):
        publish_from_path(TINY, folder / "current", keep=keep)
        dangling += not (folder / "current" / "manifest.json").exists()
    results.put(dangling)


def no_locks(descriptor: int, operation: int) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


def slowly(call: Callable[..., Any], seed: int) -> Callable[..., Any]:
    rng = random.Random(seed)

    def slow(*arguments: Any, **more: Any) -> Any:
        time.sleep(rng.choice([0, 0.01]))
        found = call(*arguments, **more)
        time.sleep(rng.choice([0, 0.01]))
        return found

    return slow


def publish_at_once(
    folders: Sequence[Path], keep: int, with_locks: bool = True, slow: str = ""
) -> int:
    """Publish from a process for each folder; return how often one then saw a link to nothing."""
    results: Queue[int] = Queue()
    workers = [
        Process(target=publish_often, args=(folder, keep, with_locks, slow, results))
        for folder in folders
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert {worker.exitcode for worker in workers} == {0}
    verify_model(folders[0] / "current")
    return max(results.get(timeout=60) for _ in workers)


needs_locks = pytest.mark.skipif(os.name == "nt", reason="the system has no such locks")


@needs_locks
@pytest.mark.parametrize("keep", [1, 3])
@pytest.mark.parametrize("slow", SLOW)
def test_three_at_once_never_leave_a_link_to_nothing(keep: int, slow: str, tmp_path: Path) -> None:
    assert publish_at_once([tmp_path] * 3, keep, slow=slow) == 0
    assert len(names(tmp_path)) == 1 + keep


@needs_locks
def test_folders_that_lead_to_the_same_are_locked_as_one(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (tmp_path / "by_link").symlink_to("models")
    folders = [folder, tmp_path / "by_link", tmp_path / "by_link" / ".." / "models"]
    assert publish_at_once(folders, 1, slow="symlink") == 0
    assert len(names(folder)) == 1 + 1


@needs_locks
@pytest.mark.parametrize("slow", SLOW)
def test_without_locks_the_link_leads_to_a_copy_in_the_end(slow: str, tmp_path: Path) -> None:
    publish_at_once([tmp_path] * 3, 1, with_locks=False, slow=slow)
    before = os.readlink(tmp_path / "current")
    publish_from_path(SMALL, tmp_path / "current", keep=1)
    assert os.readlink(tmp_path / "current") != before
    assert sorted(os.listdir(tmp_path))[-2:] == ["current", os.readlink(tmp_path / "current")]


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
