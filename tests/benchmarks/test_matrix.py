"""benchmarks.matrix: pairs are counted as a dense product has them; synthetic data are the generator's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks import matrix
from benchmarks.matrix import count_pairs, load_matrix
from benchmarks.neighbor_agreement import have_same_bits
from benchmarks.shapes import draw_pairs
from mlcore.generate.generate import generate_to_path


def test_pairs_are_counted_as_a_dense_product_has_them() -> None:
    rng = np.random.default_rng(3)
    x = (rng.random((30, 20)) < 0.3).astype(np.int64)  # (U, I)
    product = x.T @ x  # (I, I)
    assert count_pairs(sp.csr_matrix(x).indptr.astype(np.int64)) == np.triu(product, 1).sum() > 0


def test_synthetic_matrices_are_those_of_the_generator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generate_to_path(30, 20, 200, 5, tmp_path / "events.csv", skew=2)
    for name, arguments in (("file", [tmp_path / "events.csv", tmp_path / "file"]),
                            ("made", ["synthetic", tmp_path / "made", 30, 20, 200, 2, 5])):  # fmt: skip
        (tmp_path / name).mkdir()
        assert matrix.main(list(map(str, arguments))) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == second and first["interactions"] == 200
    one, other = (load_matrix(str(tmp_path / name / "binary.npz")) for name in ("file", "made"))
    assert have_same_bits(one, other)


def test_synthetic_matrices_without_skew_are_those_of_a_shape(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert matrix.main(["synthetic", str(tmp_path), "30", "40", "150", "5"]) == 0
    users, items = draw_pairs(30, 40, 150, seed=5)
    expected = np.zeros((30, 40))
    expected[users, items] = 1
    np.testing.assert_array_equal(load_matrix(str(tmp_path / "binary.npz")).toarray(), expected)
    assert json.loads(capsys.readouterr().out)["interactions"] == len(users)
