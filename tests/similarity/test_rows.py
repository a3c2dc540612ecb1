"""mlcore.similarity.rows: rows found one range at a time, elsewhere, are those of one process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore import Interactions, Model, TrainConfig
from mlcore.memory.arrays import arrays_in, file_of
from mlcore.similarity import SIMILARITIES
from mlcore.similarity.registry import open_rows
from mlcore.similarity.rows import Kept, Rows, cut_rows, save_rows
from mlcore.train.train import Trainer

WITH_ROWS = [name for name, similarity in SIMILARITIES.items() if similarity().has_rows]
SETTINGS: list[dict[str, Any]] = [
    {"neighborhood": "source"},
    {"neighborhood": "target"},
    {"neighborhood": "target", "min_cooccurrence": 2},
    {"weighting": {"name": "none"}, "heavy_users": {"name": "latest", "max_interactions": 9}},
]


@pytest.fixture(scope="module")
def interactions() -> Interactions:
    """With repeated weights and several times; users of few items and of many."""
    rng = np.random.default_rng(7)
    users = np.repeat(np.arange(300), rng.integers(1, 40, 300))
    items = rng.zipf(1.3, len(users)) % 120
    keys = np.unique(users * 120 + items)
    return Interactions.from_columns(
        [f"u{user:03}" for user in keys // 120],
        [f"i{item:03}" for item in keys % 120],
        rng.integers(1, 6, len(keys)),
        rng.integers(0, 10**6, len(keys)),
    )


class Elsewhere:
    """Finds rows as workers do: by nothing but the files of a folder, in any order of ranges."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.number, self.kinds = folder, number, list[str]()

    def __call__(self, rows: Rows) -> Iterator[Kept]:
        names = save_rows(rows, self.folder)
        assert all((self.folder / name).is_file() for name in names)
        opened = open_rows(self.folder / names[0])
        self.kinds.append(opened.kind)
        ranges = cut_rows(rows.work(), self.number)
        found = {span: opened.find(*span) for span in reversed(ranges)}
        return iter([found[span] for span in ranges])


def bits(model: Model) -> list[bytes]:
    matrix = model.similarity
    return [matrix.indptr.tobytes(), matrix.indices.tobytes(), matrix.data.tobytes()]


def config_of(name: str, settings: dict[str, Any]) -> TrainConfig:
    if not SIMILARITIES[name].uses_min_cooccurrence:
        settings = {key: value for key, value in settings.items() if key != "min_cooccurrence"}
    base = {"similarity": {"name": name}, "num_neighbors": 11}
    return TrainConfig.from_json({**base, **settings})


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("name", WITH_ROWS)
def test_rows_found_elsewhere_are_those_found_here(
    name: str, settings: dict[str, Any], interactions: Interactions, tmp_path: Path
) -> None:
    config = config_of(name, settings)
    elsewhere = Elsewhere(tmp_path, 5)
    with arrays_in(tmp_path, named=True):
        there = Trainer(interactions, find_rows=elsewhere).train(config)
        found = bits(there)
    assert len(elsewhere.kinds) == 1
    assert found == bits(Trainer(interactions).train(config))


@pytest.mark.native
def test_the_compiled_kernel_finds_what_it_knows_and_scipy_the_rest(
    interactions: Interactions, tmp_path: Path
) -> None:
    kinds = {}
    for name in WITH_ROWS:
        elsewhere = Elsewhere(tmp_path, 2)
        Trainer(interactions, find_rows=elsewhere).train(config_of(name, {}))
        (kinds[name],) = elsewhere.kinds
    of_scipy = {name for name, kind in kinds.items() if kind == "pairs"}
    assert of_scipy == {"pmi", "npmi", "log_likelihood_ratio", "pearson", "adjusted_cosine"}
    assert kinds.pop("sequential_rules") == "rules"
    assert {kind for name, kind in kinds.items() if name not in of_scipy} == {"compiled"}


@pytest.mark.parametrize("number", [1, 3, 1000])
def test_the_number_of_ranges_changes_nothing(
    number: int, interactions: Interactions, tmp_path: Path
) -> None:
    config = config_of("cosine", {})
    there = Trainer(interactions, find_rows=Elsewhere(tmp_path, number)).train(config)
    assert bits(there) == bits(Trainer(interactions).train(config))


def test_items_without_users_have_empty_rows(interactions: Interactions, tmp_path: Path) -> None:
    more = interactions.with_catalogue(["a", "i0600", "z"])
    for name in ("cosine", "pmi", "rp3beta"):
        config = config_of(name, {})
        there = Trainer(more, find_rows=Elsewhere(tmp_path, 4)).train(config)
        assert bits(there) == bits(Trainer(more).train(config))


def test_all_neighbors_are_kept_where_no_number_says_how_many(
    interactions: Interactions, tmp_path: Path
) -> None:
    config = replace(config_of("pmi", {}), num_neighbors=None)
    there = Trainer(interactions, find_rows=Elsewhere(tmp_path, 4)).train(config)
    assert bits(there) == bits(Trainer(interactions).train(config))


def test_a_description_names_mapped_files_and_copies_none(tmp_path: Path) -> None:
    large = Interactions.from_columns(
        [f"u{n % 999:03}" for n in range(40_000)], [f"i{n % 501:03}" for n in range(40_000)]
    )
    before: list[str] = []

    def find(rows: Rows) -> Iterator[Kept]:
        before.extend(path.name for path in tmp_path.iterdir())
        mapped = [file_of(v) for v in rows.describe().values() if isinstance(v, np.ndarray)]
        names = save_rows(rows, tmp_path)
        assert {Path(name).name for name in mapped if name} <= set(names) & set(before)
        assert len([name for name in mapped if name]) >= 2
        yield rows.find(0, len(rows.items))

    with arrays_in(tmp_path, named=True):
        Trainer(large, find_rows=find).train(config_of("cosine", {}))


def test_missing_rows_are_noticed(interactions: Interactions) -> None:
    def find(rows: Rows) -> Iterator[Kept]:
        yield rows.find(0, 5)

    with pytest.raises(AssertionError, match="5 of "):
        Trainer(interactions, find_rows=find).train(config_of("cosine", {}))


def test_without_compiled_kernels_scipy_finds_and_puts_together(
    interactions: Interactions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = bits(Trainer(interactions).train(config_of("pearson", {})))
    for module in ("pairs", "rows"):
        monkeypatch.setattr(f"mlcore.similarity.{module}.is_available", lambda: False)
    elsewhere = Elsewhere(tmp_path, 3)
    there = Trainer(interactions, find_rows=elsewhere).train(config_of("pearson", {}))
    assert bits(there) == expected
    assert elsewhere.kinds == ["pairs"]
