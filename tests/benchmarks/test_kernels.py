"""benchmarks.kernels: our kernel finds what training finds, compiled only where it may be."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import kernels, matrix
from benchmarks.kernels import BARE, VARIANTS
from benchmarks.matrix import MATRICES, load_matrix
from mlcore import native
from mlcore.train.train import train_from_path
from tests import oracles

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "fixtures/small/train.csv"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("matrices")
    matrix.convert(str(EVENTS), folder)
    return folder


@pytest.mark.native
@pytest.mark.parametrize("variant", VARIANTS)
def test_our_kernel_finds_what_training_finds(
    variant: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (line.split(",")[:2] for line in EVENTS.read_text().splitlines())
    events, model = tmp_path / "events.csv", tmp_path / "model"
    events.write_text("".join(f"{user},{item}\n" for user, item in rows))
    weighting = MATRICES[VARIANTS[variant].matrix]
    config = oracles.plain(VARIANTS[variant].similarity, weighting=weighting)
    (tmp_path / "config.json").write_text(json.dumps(config.to_json()))
    train_from_path(events, tmp_path / "config.json", model)
    out = str(tmp_path / "neighbors.npz")
    assert kernels.main(["mlcore", variant, str(folder), out]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"seconds", "peak_bytes", "own_bytes"}
    found, arrays = load_matrix(out), np.load(model / "similarity.npz")
    for part in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(found, part), arrays[part])


@pytest.mark.native
@pytest.mark.parametrize(("name", "expected"), [("mlcore", True), (BARE, False)])
def test_only_the_kernel_that_may_has_compiled_code(
    name: str, expected: bool, folder: Path
) -> None:
    code = (
        "import sys; from benchmarks import kernels; from mlcore import native\n"
        "name, path = sys.argv[1:]; kernels.prepare(name, kernels.VARIANTS['cosine'], path)()\n"
        "print(native.is_available())"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, name, str(folder / "binary.npz")],
        capture_output=True, text=True, cwd=ROOT, check=True,
    ).stdout  # fmt: skip
    assert shown == f"{expected}\n"


def test_a_contestant_does_not_run_under_the_name_of_another(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(native, "library", lambda: None)
    assert kernels.main(["mlcore", "cosine", str(folder), str(tmp_path / "out.npz")]) == 1
    expected = "error: mlcore: expected the compiled kernels of mlcore.native, got none\n"
    assert capsys.readouterr().err == expected
