"""mlcore.train.train: several models of the same interactions, counted once."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore import (
    ConfigError,
    DataError,
    Interactions,
    MlcoreError,
    Model,
    TrainConfig,
    train_from_data,
)
from mlcore.errors import DataWarning
from mlcore.heavy_users import DownWeight, Keep, Latest, Sample
from mlcore.similarity import AsymmetricCosine, Cosine, P3Alpha, RP3Beta, Similarity, registry
from mlcore.similarity.products import CountProduct, WeightProduct
from mlcore.train.train import Trainer, add_catalogue, train_from_path
from mlcore.weighting import BM25, NoWeighting, TfIdf
from tests import oracles
from tests.test_frames import Frame

ENOUGH = 2**24


@pytest.fixture
def interactions() -> Interactions:
    rng = np.random.default_rng(0)
    x = (rng.random((50, 20)) < 0.3) * rng.lognormal(0, 1, (50, 20))
    x = x[x.any(axis=1)]
    return oracles.interactions_of(x, rng.integers(0, 99, x.shape))


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Yield a list to which each multiplication of a block adds its first row."""
    begins: list[int] = []

    def watched(multiply: Any) -> Any:
        def rows(self: Any, begin: int, end: int) -> Any:
            begins.append(begin)
            return multiply(self, begin, end)

        return rows

    for product in (CountProduct, WeightProduct):
        monkeypatch.setattr(product, "rows", watched(product.rows))
    monkeypatch.setattr("mlcore.similarity.gram.MAX_BLOCK_ENTRIES", 100)
    yield begins


def same(one: Model, other: Model) -> bool:
    arrays = [(m.similarity.indptr, m.similarity.indices, m.similarity.data) for m in (one, other)]
    return (
        all(a.tobytes() == b.tobytes() for a, b in zip(*arrays))
        and one.config_json == other.config_json
        and one.interactions_sha256 == other.interactions_sha256
    )


SIMILARITIES = [similarity() for similarity in registry.SIMILARITIES.values()]


@pytest.mark.parametrize("keep_bytes", [0, 3000, ENOUGH])
def test_models_are_those_of_trainings_of_their_own(
    interactions: Interactions, keep_bytes: int
) -> None:
    trainer = Trainer(interactions, keep_bytes=keep_bytes)
    for weighting in (NoWeighting(), TfIdf(), NoWeighting()):
        for similarity in SIMILARITIES:
            for k in (2, None):
                config = TrainConfig(similarity, weighting, k)
                assert same(trainer.train(config), train_from_data(interactions, config))


def test_measures_shrinkage_and_neighbors_share_one_count(
    interactions: Interactions, counted: list[int]
) -> None:
    trainer = Trainer(interactions, keep_bytes=ENOUGH)
    trainer.train(TrainConfig(AsymmetricCosine(), shrinkage=1))
    first = len(counted)
    assert first > 1
    for name in ("cosine", "dot", "asymmetric_cosine", "pearson"):
        for k in (1, 5, None):
            trainer.train(
                TrainConfig(registry.SIMILARITIES[name](), num_neighbors=k, shrinkage=k or 0)
            )
    assert len(counted) == first
    binary: list[Similarity] = [s for s in SIMILARITIES if s.binary and not s.uses_order]
    for similarity in binary:
        trainer.train(TrainConfig(similarity, min_cooccurrence=2))
    assert len(counted) == 2 * first


def test_walks_of_one_alpha_share_one_count(interactions: Interactions, counted: list[int]) -> None:
    trainer = Trainer(interactions, keep_bytes=ENOUGH)
    trainer.train(TrainConfig(P3Alpha(0.5)))
    first = len(counted)
    for beta in (0.1, 0.9):
        trainer.train(TrainConfig(RP3Beta(0.5, True, beta=beta)))
    assert len(counted) == first
    trainer.train(TrainConfig(P3Alpha(0.6)))
    assert len(counted) == 2 * first


def test_nothing_is_kept_unless_asked(interactions: Interactions, counted: list[int]) -> None:
    trainer = Trainer(interactions)
    trainer.train(TrainConfig(Cosine()))
    first = len(counted)
    trainer.train(TrainConfig(Cosine(), shrinkage=1))
    assert len(counted) == 2 * first


def test_counts_of_older_weightings_make_room(interactions: Interactions) -> None:
    trainer = Trainer(interactions, keep_bytes=50_000)
    for k1 in np.linspace(0.5, 2, 30):
        trainer.train(TrainConfig(weighting=BM25(k1=float(k1))))
        assert trainer._used_bytes() <= 50_000
    assert 1 <= len(trainer._counted) < 30


def test_heavy_users_are_reduced_anew_and_share_nothing_with_all_users(
    interactions: Interactions, counted: list[int]
) -> None:
    trainer = Trainer(interactions, keep_bytes=ENOUGH)
    ways = [Keep(), Sample(3), Sample(3, seed=1), DownWeight(0.7), Keep(), Sample(3)]
    for way in ways:
        for shrinkage in (0.0, 2.0):
            config = TrainConfig(Cosine(), heavy_users=way, shrinkage=shrinkage)
            assert same(trainer.train(config), train_from_data(interactions, config))
    counted.clear()
    for way in ways:
        trainer.train(TrainConfig(Cosine(), heavy_users=way, shrinkage=1.0))
    assert counted == []


def test_the_config_of_a_decayed_model_trains_it_again_bit_for_bit() -> None:
    rng = np.random.default_rng(2)
    x = (rng.random((40, 15)) < 0.3) * rng.lognormal(0, 1, (40, 15))
    x = x[x.any(axis=1)]
    interactions = oracles.interactions_of(x, rng.integers(0, 10**7, x.shape))
    config = TrainConfig(weighting=BM25(half_life_days=9.5), heavy_users=Latest(4))
    model = train_from_data(interactions, config)
    named = model.config_json["weighting"]
    assert isinstance(named, dict) and named["reference_time"] is not None
    again = train_from_data(interactions, TrainConfig.from_json(model.config_json))
    assert same(model, again)
    # Decay acts in the similarity, not in the histories alone.
    plain = train_from_data(interactions, TrainConfig(weighting=BM25(), heavy_users=Latest(4)))
    assert not same(model, plain)
    assert model.similarity.data.tobytes() != plain.similarity.data.tobytes()


def test_similarities_of_decayed_weights_are_what_the_hand_computes() -> None:
    # a and b: u has both, a now and b one half-life ago; v has a, two half-lives ago. So the columns
    # are (1, 1/4) and (1/2, 0): cosine 1/2 / (sqrt(17)/4 * 1/2) = 4 / sqrt(17).
    day = 86_400
    pairs = Interactions.from_columns("uuv", "aba", timestamps=[6 * day, 4 * day, 2 * day])
    config = TrainConfig(Cosine(), NoWeighting(half_life_days=2))
    assert train_from_data(pairs, config).similarity.data.tolist() == pytest.approx(
        [4 / 17**0.5] * 2, rel=1e-7
    )


@pytest.mark.parametrize(
    ("items", "error", "note"),
    [
        (["a", "b", "c"], "", ""),
        (
            ["b", "c"],
            "",
            "1 of 2 items of the interactions are not in the catalogue, and are added",
        ),
        (["c"], "", "2 of 2 items of the interactions are not in the catalogue, and are added"),
        (
            ["A", "B"],
            "expected items of the interactions, got none of them",
            "is 'A' meant to be 'a'? upper and lower case differ",
        ),
    ],
)
def test_a_catalogue_and_interactions_belong_together(
    items: list[str], error: str, note: str, tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    warnings.simplefilter("always", DataWarning)
    path = tmp_path / "items.csv"
    path.write_text("item_id\n" + "".join(f"{item}\n" for item in items))
    interactions = Interactions.from_columns(["u", "u"], ["a", "b"])
    if error:
        with pytest.raises(DataError) as caught:
            add_catalogue(interactions, path)
        assert (str(caught.value), caught.value.hint) == (f"{path}: item_id: {error}", note)
        return
    assert add_catalogue(interactions, path).item_ids == sorted({"a", "b", *items})
    notes = [str(warning.message) for warning in recwarn]
    assert notes == ([f"{path}: item_id: {note}"] if note else [])


def test_a_frame_and_a_dictionary_train_as_their_objects_do() -> None:
    pairs = {"user_id": ["u", "u", "v"], "item_id": ["a", "b", "b"]}
    expected = train_from_data(Interactions.from_columns(*pairs.values()), CONFIG)
    found = train_from_data(Frame(pairs), {"similarity": {"name": "jaccard"}, "num_neighbors": 1})
    assert same(found, expected)


CONFIG = TrainConfig.from_json({"similarity": {"name": "jaccard"}, "num_neighbors": 1})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"neighbors": 1}, "^config: expected one of .*, got the key 'neighbors'$"),
        ({"num_neighbors": "1"}, "^config: num_neighbors: expected "),
        ("config.json", "^config: expected a JSON object, got 'config.json'$"),
        (None, "^config: expected a JSON object, got null$"),
    ],
)
def test_a_dictionary_is_checked_as_the_file_is(config: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        train_from_data(Frame({"user_id": ["u"], "item_id": ["a"]}), config)


def test_a_file_is_trained_by_a_dictionary_too(tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("user_id,item_id\nu,a\nu,b\n")
    config = {"num_neighbors": 5}
    train_from_path(tmp_path / "events.csv", config, tmp_path / "by-dictionary")
    train_from_path(tmp_path / "events.csv", TrainConfig(num_neighbors=5), tmp_path / "by-object")
    for path in (tmp_path / "by-object").iterdir():
        assert path.read_bytes() == (tmp_path / "by-dictionary" / path.name).read_bytes()


def test_what_is_no_frame_is_not_trained() -> None:
    with pytest.raises(DataError, match="^frame: expected a DataFrame .*, got list$"):
        train_from_data([["u", "a"]])


# --- larger than memory ---------------------------------------------------------------------------

LIMIT = 2**30
ON_DISK: list[dict[str, Any]] = [
    {},
    {"similarity": {"name": "cosine"}, "weighting": {"name": "bm25"}, "neighborhood": "target"},
    {"similarity": {"name": "jaccard"}, "heavy_users": {"name": "sample", "max_interactions": 30}},
    {"similarity": {"name": "dice"}, "weighting": {"name": "log", "half_life_days": 1e-6}},
    {"similarity": {"name": "p3alpha", "normalize": True}, "aggregate": "count"},
    {"history_decay": {"name": "quadratic"}, "popularity_half_life_days": 1e-5},
]


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows enough for arrays in files and several spans of users."""
    rng = np.random.default_rng(3)
    users = np.sort(rng.integers(0, 4000, 300_000))
    items = rng.zipf(1.2, len(users)) % 900
    weights, times = rng.integers(1, 6, len(users)), rng.integers(0, 999, len(users))
    path = tmp_path_factory.mktemp("large") / "events.csv"
    rows = zip(users.tolist(), items.tolist(), weights.tolist(), times.tolist())
    lines = [f"u{user:04},i{item:03},{weight},{time}" for user, item, weight, time in rows]
    path.write_text("\n".join(["user_id,item_id,weight,timestamp", *lines]) + "\n")
    return path


@pytest.mark.native
@pytest.mark.duckdb
@pytest.mark.parametrize("settings", ON_DISK, ids=str)
def test_with_a_limit_of_memory_the_model_has_the_same_bytes(
    settings: dict[str, Any], large_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.numeric.ranges.SPAN_ENTRIES", 5000)
    with warnings.catch_warnings():  # of weights that decay has left next to nothing
        warnings.simplefilter("ignore", DataWarning)
        said = train_from_path(large_file, settings, tmp_path / "memory")
        on_disk = train_from_path(large_file, settings, tmp_path / "disk", memory_limit=LIMIT)
    assert said == on_disk
    names = sorted(path.name for path in (tmp_path / "memory").iterdir())
    assert names == sorted(path.name for path in (tmp_path / "disk").iterdir())
    names.remove("provenance.json")
    for name in names:
        one, other = ((tmp_path / folder / name).read_bytes() for folder in ("memory", "disk"))
        assert one == other, name


@pytest.mark.native
@pytest.mark.duckdb
def test_arrays_are_in_the_folder_named_and_gone_afterwards(
    large_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped = []
    new = np.memmap.__new__

    def watched(cls: Any, name: Any, *args: Any, **options: Any) -> Any:
        mapped.append(Path(name).parents[1])
        return new(cls, name, *args, **options)

    monkeypatch.setattr(np.memmap, "__new__", watched)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    options: dict[str, Any] = {"memory_limit": LIMIT, "temp_directory": scratch}
    train_from_path(large_file, None, tmp_path / "model", **options)
    assert len(mapped) > 10 and set(mapped) == {scratch}
    assert not list(scratch.iterdir())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"similarity": {"name": "ease"}}, "--memory-limit: expected one of .*rp3beta.* got ease"),
        ({"similarity": {"name": "pmi"}}, "--memory-limit: expected one of .*cosine.* got pmi"),
        ({"num_neighbors": None}, "--memory-limit: expected a number of neighbors with it"),
    ],
)
def test_what_needs_all_in_memory_is_refused_before_the_file_is_read(
    settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        train_from_path("missing.csv", settings, tmp_path / "model", memory_limit=LIMIT)
    assert not list(tmp_path.iterdir())


def test_a_folder_for_files_needs_a_limit_of_memory(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--temp-directory: expected --memory-limit with it"):
        train_from_path("missing.csv", None, tmp_path / "model", temp_directory=tmp_path)


def test_without_compiled_kernels_a_limit_of_memory_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.train.train.is_available", lambda: False)
    with pytest.raises(MlcoreError, match="--memory-limit: expected compiled kernels, got none"):
        train_from_path("missing.csv", None, tmp_path / "model", memory_limit=LIMIT)


@pytest.mark.native
@pytest.mark.duckdb
def test_a_limit_that_ids_alone_exceed_is_an_error_with_the_plan(
    large_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.memory.plan.SHOWN_FROM", 1)
    with pytest.raises(DataError, match="rp3beta: memory: expected a need of at most .* MiB"):
        train_from_path(large_file, None, tmp_path / "model", memory_limit=193 * 2**20)
    assert not (tmp_path / "model").exists()
