"""The demo: the golden model from nothing, in a folder that held nothing of the user's."""

from __future__ import annotations

import filecmp
import shlex
import signal
from pathlib import Path

import pytest

from cli.__main__ import main

GOLDEN = Path(__file__).parents[2] / "fixtures/small/cosine_tf_idf"


def demo(folder: Path) -> int:
    return main(["demo", "--out-dir", str(folder)])


def test_the_demo_makes_the_golden_files(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "new folder" / "demo"
    assert demo(folder) == 0
    for name in ("config.json", "predictions.jsonl"):
        assert (folder / name).read_bytes() == (GOLDEN / name).read_bytes(), name
    files = [path.name for path in (GOLDEN / "model").iterdir()]
    assert filecmp.cmpfiles(folder / "model", GOLDEN / "model", files, shallow=False)[0] == files
    shown = [line for line in capfd.readouterr().out.splitlines() if line.startswith("$ ")]
    script = (folder / "commands.sh").read_text("utf-8").splitlines()
    assert [line.removeprefix("$ ") for line in shown] == script[1:] != []


def test_the_commands_of_the_demo_repeat_it(tmp_path: Path) -> None:
    assert demo(tmp_path) == 0
    (tmp_path / "predictions.jsonl").unlink()
    for line in (tmp_path / "commands.sh").read_text("utf-8").splitlines()[1:]:
        assert main(shlex.split(line)[1:]) == 0
    assert filecmp.cmp(tmp_path / "predictions.jsonl", GOLDEN / "predictions.jsonl", shallow=False)


def test_a_second_demo_takes_the_folder_of_the_first(tmp_path: Path) -> None:
    assert [demo(tmp_path), demo(tmp_path)] == [0, 0]


@pytest.mark.parametrize("name", ["events.csv", "commands.sh"])
def test_the_demo_leaves_the_files_of_others_alone(
    name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("mine")
    assert demo(tmp_path) == 1
    assert "expected a folder that is new, empty or of an earlier demo" in capfd.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert demo(tmp_path / name) == 1
    assert (tmp_path / name).read_text() == "mine"


def test_the_demo_ends_with_the_step_that_failed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert demo(tmp_path) == 0
    (tmp_path / "model/mine.txt").write_text("mine")
    capfd.readouterr()
    with pytest.raises(SystemExit, match="1"):
        demo(tmp_path)
    output = capfd.readouterr()
    assert "mine.txt" in output.err
    assert "mlcore predict" not in output.out


def test_a_demo_that_is_stopped_says_what_is_there(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop_second(command: list[str]) -> int:
        if command[0] == "preprocess":
            signal.raise_signal(signal.SIGINT)
        return main(command)

    monkeypatch.setattr("cli.demo.run_command", stop_second)
    assert demo(tmp_path) == 1
    written = [f"{tmp_path / name}" for name in ("commands.sh", "config.json")]
    written += [f"{tmp_path.as_posix()}/{name}" for name in ("events.csv", "items.csv")]
    assert capfd.readouterr().err == f"error: interrupted; written: {', '.join(written)}\n"
    assert sorted(map(str, tmp_path.iterdir())) == sorted(written)


def test_what_a_killed_demo_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f".commands.sh.partial-{0:08x}").touch()
    assert demo(tmp_path) == 0
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
