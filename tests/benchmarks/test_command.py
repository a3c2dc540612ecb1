"""benchmarks.__main__: what has figures is kept, unless all shall be measured again."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from benchmarks.__main__ import build_parser, is_complete, main, measure_all, steps_of_shape
from benchmarks.kernels import VARIANTS
from tests.benchmarks.figures import TRAIN, train_of


def test_figures_that_are_there_are_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text("old")

    def write(path: Path) -> None:
        path.write_text("new")

    steps = [(path, partial(write, path)) for path in (old, new)]
    measure_all(steps, again=False)
    assert (old.read_text(), new.read_text()) == ("old", "new")
    shown = capsys.readouterr().err.splitlines()
    assert shown[0] == f"{old}: kept" and shown[1].startswith(f"{new}: done in 0.0 minutes")
    measure_all(steps, again=True)
    assert old.read_text() == "new"


def test_training_is_complete_with_all_variants(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    assert not is_complete(path)
    path.write_text(json.dumps(TRAIN))
    assert not is_complete(path)
    path.write_text(json.dumps(train_of(**{name: {} for name in VARIANTS})))
    assert is_complete(path)


def test_a_shape_is_measured_in_three_ways_in_its_folder(tmp_path: Path) -> None:
    steps = steps_of_shape("shop", tmp_path, tmp_path / "data", 1)
    names = ["train.json", "end_to_end.json", "recommend.json"]
    assert [path for path, _ in steps] == [tmp_path / "shop" / name for name in names]


def test_with_all_figures_there_the_command_remakes_the_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.__main__.PACKAGES", ())
    cosine = TRAIN["results"]["cosine"]
    figures = {
        "dense/train": train_of(**{name: cosine for name in VARIANTS}),
        "dense/end_to_end": {"results": cosine},
        "dense/recommend": {"results": cosine},
        "load/load": {"data": {"bytes": 1}, "results": {"warm": {}}},
        "evaluate/evaluate": {},
        "server/server": {"requests_per_second": {"mlcore": 1, "fixed body": 2}},
        "server/under_load": {"loads": {}},
    }
    for name, figure in figures.items():
        path = tmp_path / f"{name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(figure))
    document = tmp_path / "document.md"
    document.write_text("<!-- table: */train.json bm25 -->\n<!-- end of table -->\n")
    command = ["--shapes", "dense", "--out-dir", str(tmp_path), "--into", str(document)]
    assert main(command) == 0
    assert capsys.readouterr().err.count(": kept") == len(figures)
    assert "| mlcore | 2.00 (10) |" in document.read_text()
    assert document.with_suffix(".svg").read_text().startswith("<svg")


def test_by_default_the_largest_shape_is_left_out() -> None:
    assert build_parser().parse_args([]).shapes == ["dense", "middle", "shop", "1m"]
