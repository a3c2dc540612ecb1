"""benchmarks: what is timed has been checked, what is printed follows from what was timed."""

from __future__ import annotations

import doctest
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks import big_model, kernels, matrix, neighbor_agreement, table
from benchmarks.goals import make_goals
from benchmarks.kernels import BARE, VARIANTS
from benchmarks.markdown import make_table
from benchmarks.matrix import MATRICES, count_pairs, load_matrix, save_matrix
from benchmarks.memory import REFERENCES, measure_work
from benchmarks.neighbor_agreement import best_neighbors, find_disagreement, have_same_bits
from benchmarks.options import BenchArgs, make_parser
from benchmarks.results import Measured, results_to_json
from mlcore import TrainConfig
from mlcore.artifact import verify_model
from mlcore.errors import DataError
from mlcore.train.train import train_from_path
from mlcore.types import Float64Array

ROOT = Path(__file__).parents[2]
EVENTS = ROOT / "fixtures/small/train.csv"


@pytest.mark.parametrize("name", ["big_model", "growth", "markdown", "matrix", "report", "results"])
def test_the_examples_hold(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"benchmarks.{name}"))
    assert found.failed == 0 and found.attempted > 0


# --- neighbor_agreement ---------------------------------------------------------------------------

# K = 2: row 0 has two neighbors, row 1 two that tie with a third, row 2 one, row 3 none.
OURS = [[0, 0.5, 0.25, 0], [0.7, 0, 0.3, 0], [0.1, 0, 0, 0], [0, 0, 0, 0.0]]


def changed(*changes: tuple[int, int, float]) -> sp.csr_matrix[np.float64]:
    values: Float64Array = np.array(OURS)
    for row, column, value in changes:
        values[row, column] = value
    return sp.csr_matrix(values)


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (changed(), None),
        (changed((0, 1, 0.5 + 9e-7)), None),
        (changed((0, 0, 1.0), (3, 3, 1.0)), None),  # an item as its own neighbor is left out
        (changed((1, 2, 0), (1, 3, 0.3)), None),  # another choice among ties at the end
        (changed((0, 1, 0.5 + 2e-6)), "1 pairs have another value"),
        (changed((2, 0, 0)), "1 items have another number of neighbors"),
        (changed((1, 2, 0), (1, 3, 0.31)), "1 neighbors of one are none of the other"),
        (changed((0, 1, 0), (0, 3, 0.5)), "1 neighbors of one are none of the other"),
    ],
)
def test_neighbors_that_differ_in_more_than_ties_are_told_apart(
    theirs: sp.csr_matrix[np.float64], expected: str | None, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    neighbors = best_neighbors(changed(), 2), best_neighbors(theirs, 2)
    assert find_disagreement(*neighbors, 1e-6) == expected
    paths = [str(tmp_path / name) for name in ("ours.npz", "theirs.npz")]
    for path, values in zip(paths, (changed(), theirs)):
        save_matrix(path, values)
    status = neighbor_agreement.main(["peer", *paths, "2", "1e-6"])
    shown = capsys.readouterr()
    if expected is None:
        assert status == 0 and json.loads(shown.out)["pairs"] == 5
    else:
        assert status == 1 and shown.err.endswith(f"got: {expected}\n")


def test_the_last_bit_of_a_value_is_seen() -> None:
    nearly = changed((0, 1, np.nextafter(0.5, 1)))
    assert have_same_bits(changed(), changed()) and not have_same_bits(changed(), nearly)


# --- kernels --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("matrices")
    matrix.convert(str(EVENTS), folder)
    return folder


@pytest.mark.parametrize("variant", VARIANTS)
def test_our_kernel_finds_what_training_finds(
    variant: str, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = (line.split(",")[:2] for line in EVENTS.read_text().splitlines())
    events, model = tmp_path / "events.csv", tmp_path / "model"
    events.write_text("".join(f"{user},{item}\n" for user, item in rows))
    config = TrainConfig(VARIANTS[variant].similarity, MATRICES[VARIANTS[variant].matrix])
    (tmp_path / "config.json").write_text(json.dumps(config.to_json()))
    train_from_path(events, tmp_path / "config.json", model)
    out = str(tmp_path / "neighbors.npz")
    assert kernels.main(["mlcore", variant, str(folder), out]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"seconds", "peak_bytes", "own_bytes"}
    found, arrays = load_matrix(out), np.load(model / "similarity.npz")
    for part in ("indptr", "indices", "data"):
        np.testing.assert_array_equal(getattr(found, part), arrays[part])


@pytest.mark.numba
@pytest.mark.parametrize(("name", "expected"), [("mlcore", True), (BARE, False)])
def test_only_the_kernel_that_may_runs_compiled_code(
    name: str, expected: bool, folder: Path
) -> None:
    code = (
        "import sys; from benchmarks import kernels; from mlcore.similarity import pairs\n"
        "pairs.MIN_COMPILED_WORK = 0; name, path = sys.argv[1:]\n"
        "kernels.prepare(name, kernels.VARIANTS['cosine'], path)()\n"
        "print(kernels._num_compiled() > 0)"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, name, str(folder / "binary.npz")],
        capture_output=True, text=True, cwd=ROOT, check=True,
    ).stdout  # fmt: skip
    assert shown == f"{expected}\n"


def test_pairs_are_counted_as_a_dense_product_has_them() -> None:
    rng = np.random.default_rng(3)
    x = (rng.random((30, 20)) < 0.3).astype(np.int64)  # (U, I)
    product = x.T @ x  # (I, I)
    assert count_pairs(sp.csr_matrix(x).indptr.astype(np.int64)) == np.triu(product, 1).sum() > 0


def test_synthetic_matrices_are_those_of_the_generator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from mlcore.generate.generate import generate_to_path

    generate_to_path(30, 20, 200, 5, tmp_path / "events.csv", skew=2)
    for name, arguments in (("file", [tmp_path / "events.csv", tmp_path / "file"]),
                            ("made", ["synthetic", tmp_path / "made", 30, 20, 200, 2, 5])):  # fmt: skip
        (tmp_path / name).mkdir()
        assert matrix.main(list(map(str, arguments))) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == second and first["interactions"] == 200
    one, other = (load_matrix(str(tmp_path / name / "binary.npz")) for name in ("file", "made"))
    assert have_same_bits(one, other)


@pytest.mark.skipif(not REFERENCES.exists(), reason="the system does not tell")
def test_memory_that_was_there_before_is_not_the_work_s_own() -> None:
    held = np.ones(2**22)  # 32 MiB
    result, work = measure_work(lambda: np.ones(2**23))  # 64 MiB
    assert work.own_bytes is not None and 60 * 2**20 < work.own_bytes < 80 * 2**20
    assert work.peak_bytes > held.nbytes + result.nbytes


# --- the large model ------------------------------------------------------------------------------


def test_the_synthetic_model_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(big_model, "ITEMS", 500)
    monkeypatch.setattr(big_model, "USERS", 300)
    monkeypatch.setattr(big_model, "HISTORY_LENGTH", 40)
    # Half of the catalogue: parts of two columns, where stepping off the diagonal is tightest.
    big_model.make_model(250).save(tmp_path / "model")
    counts = verify_model(tmp_path / "model").counts
    assert (counts.pairs, counts.interactions) == (500 * 250, 300 * 40)


# --- options and tables ---------------------------------------------------------------------------


def parsed(*arguments: str) -> BenchArgs:
    return make_parser("benchmarks", "").parse_args(arguments, BenchArgs())


def test_options_change_the_preset() -> None:
    assert tuple(parsed("--preset", "20m").size()) == (138_493, 26_744, 21_500_000, 2)
    assert tuple(parsed("--items", "7", "--skew", "0").size()) == (6_040, 7, 1_000_000, 0)
    assert parsed("--preset", "20m").out("train.json") == Path("build/bench/20m/train.json")
    assert parsed("--out-dir", "x").out("train.json") == Path("x/train.json")


def results_of(**seconds: list[float]) -> dict[str, object]:
    measured = {
        name.replace("_", " "): Measured(runs, [2**20 * round(10 * runs[0])] * len(runs))
        for name, runs in seconds.items()
    }
    return results_to_json(measured, "mlcore")


TRAIN = {
    "data": {"users": 10, "items": 1234, "interactions": 99},
    "machine": {"system": "Plan 9", "processor": "z", "cores": 2, "versions": {"numpy": "2"}},
    "results": {
        "cosine": {
            **results_of(mlcore=[1, 2, 3], implicit=[2.5, 8, 9], similaripy=[4, 5, 6]),
            **{BARE: results_of(mlcore=[4, 4, 4])["mlcore"]},
        }
    },
}


def test_a_table_has_medians_spreads_and_ratios_within_a_turn() -> None:
    lines = make_table("train", TRAIN, "cosine").splitlines()
    assert lines[0] == (
        f"|  | seconds | least to most | x mlcore | x {BARE} | peak MiB |"
    )  # fmt: skip
    # 8 / 2; 2.5 / 1, 8 / 2 and 9 / 3: from 2.5 to 4. 8 / 4; 2.5 / 4 to 9 / 4.
    assert lines[3] == (
        "| implicit | 8.00 | 2.50 to 9.00 | 4.00 (2.50 to 4.00) | 2.00 (0.62 to 2.25) | 25 |"
    )
    assert "| items | 1,234 |" in make_table("train", TRAIN, "data")
    assert "| system | Plan 9, z |" in make_table("train", TRAIN, "machine")
    with pytest.raises(DataError, match="train: expected figures of 'sine', got none"):
        make_table("train", TRAIN, "sine")


def test_goals_compare_with_the_fastest_and_the_leanest_peer() -> None:
    growth = {
        "points": [
            {
                "data": {"interactions": n, "counted_pairs": 10 * n},
                "results": results_of(mlcore=[2.0 * n]),
            }
            for n in (100, 1000)
        ]
    }
    goals = make_goals({"1m/train": TRAIN, "growth/growth": growth}).splitlines()[2:]
    assert goals[0] == (
        "| kernel, cosine, 1m, [local] | 3 x the fastest peer | 2.50 (2.00 to 4.00) x similaripy |"
    )
    assert goals[1] == (
        "| kernel, cosine, 1m, numpy + scipy | 1 x implicit | 2.00 (0.62 to 2.25) x implicit |"
    )
    assert "0.40 x implicit" in goals[2]  # 10 of 25 MiB
    assert goals[-1].endswith("100 to 1,000 interactions, mlcore | 1 | 1.00 |")


def test_tables_are_put_into_a_document(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "1m").mkdir()
    (tmp_path / "1m/train.json").write_text(json.dumps(TRAIN))
    text = (
        "# Title\n<!-- table: 1m/train.json cosine -->\nold\n<!-- end of table -->\nbetween\n"
        "<!-- table: 20m/train.json cosine -->\nkept\n<!-- end of table -->\n"
    )
    document = tmp_path / "document.md"
    document.write_text(text)
    for _ in range(2):  # twice is as once
        assert table.main([str(tmp_path), "--into", str(document)]) == 0
    made = make_table("train", TRAIN, "cosine")
    assert document.read_text() == text.replace("old", f"\n{made}\n")
    assert table.main([str(tmp_path)]) == 0
    assert made in capsys.readouterr().out
    document.write_text("<!-- table: 1m/train.json cosine -->\n")
    assert table.main([str(tmp_path), "--into", str(document)]) == 1
    assert table.main([str(tmp_path / "1m/none")]) == 1
