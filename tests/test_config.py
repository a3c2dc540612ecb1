"""mlcore.config: what is written is what is read, and a mistake is named with its key."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore import ConfigError, Interactions, TrainConfig
from mlcore.config import SettingError
from mlcore.heavy_users import HEAVY_USERS, Keep, Latest, Sample
from mlcore.history_decay import ExponentialHistoryDecay, NoHistoryDecay, QuadraticHistoryDecay
from mlcore.similarity import SIMILARITIES, AsymmetricCosine, Cosine, LogLikelihoodRatio, Tversky
from mlcore.weighting import BM25, WEIGHTINGS, Binary, Log, NoWeighting, TfIdf

CONFIGS = st.builds(
    TrainConfig,
    similarity=st.one_of(
        st.sampled_from(
            [similarity() for similarity in SIMILARITIES.values() if similarity.uses_shrinkage]
        ),
        st.builds(Tversky, alpha=st.floats(0, 1e300), beta=st.floats(0, 1)),
        st.builds(LogLikelihoodRatio, signed=st.booleans()),
    ),
    weighting=st.one_of(
        st.sampled_from([NoWeighting(), Binary(), TfIdf(), TfIdf(smooth=True)]),
        st.builds(BM25, smooth=st.booleans(), k1=st.floats(0, 1e300), b=st.floats(0, 1)),
        st.builds(
            Log,
            half_life_days=st.floats(0, exclude_min=True, allow_infinity=False),
            reference_time=st.none() | st.datetimes().map(lambda time: f"{time.isoformat()}Z"),
        ),
    ),
    heavy_users=st.one_of(
        st.just(Keep()),
        st.builds(Sample, st.integers(1, 2**31 - 1), st.integers(0, 2**31 - 1)),
        st.builds(Latest, st.integers(1, 2**31 - 1)),
    ),
    history_decay=st.one_of(
        st.sampled_from([NoHistoryDecay(), QuadraticHistoryDecay()]),
        st.builds(ExponentialHistoryDecay, st.floats(0, 1e300, exclude_min=True)),
    ),
    num_neighbors=st.none() | st.integers(1, 2**31 - 1),
    neighborhood=st.sampled_from(["target", "source"]),
    shrinkage=st.floats(0, 1e308),
    min_cooccurrence=st.integers(1, 2**31 - 1),
)

NO_DECAY = {"half_life_days": None, "reference_time": None}


def test_defaults_are_those_of_the_design() -> None:
    expected = {
        "similarity": {"name": "rp3beta", "alpha": 1.0, "normalize": False, "beta": 0.1},
        "weighting": {"name": "log", "half_life_days": None, "reference_time": None},
        "num_neighbors": 100,
        "neighborhood": "source",
        "shrinkage": 0.0,
        "min_cooccurrence": 1,
        "heavy_users": {"name": "keep"},
        "aggregate": "sum",
        "history_decay": {"name": "none"},
        "popularity_half_life_days": None,
        "popularity_reference_time": None,
    }
    assert json.dumps(TrainConfig().to_json()) == json.dumps(expected)
    assert TrainConfig.from_json({}) == TrainConfig()


def test_defaults_of_weightings_are_spelled_out() -> None:
    config = TrainConfig.from_json({"weighting": {"name": "bm25", "k1": 2}})
    assert config.weighting == BM25(k1=2.0)
    assert json.dumps(config.to_json()["weighting"]) == json.dumps(
        {"name": "bm25", "smooth": False, "k1": 2.0, "b": 0.75} | NO_DECAY
    )
    assert TrainConfig(weighting=TfIdf()).to_json()["weighting"] == {
        "name": "tf_idf",
        "smooth": False,
        **NO_DECAY,
    }


def test_defaults_of_heavy_users_are_spelled_out() -> None:
    config = TrainConfig.from_json({"heavy_users": {"name": "sample", "seed": 3}})
    assert config.heavy_users == Sample(500, 3)
    assert [
        TrainConfig(heavy_users=way()).to_json()["heavy_users"] for way in HEAVY_USERS.values()
    ] == [
        {"name": "keep"},
        {"name": "sample", "max_interactions": 500, "seed": 0},
        {"name": "latest", "max_interactions": 500},
        {"name": "down_weight", "power": 0.5},
    ]


def test_a_resolved_configuration_names_the_latest_time_of_the_training() -> None:
    pairs = Interactions.from_columns("uv", "ab", timestamps=[86_400, 7])
    config = TrainConfig.from_json({"weighting": {"name": "tf_idf", "half_life_days": 2}})
    expected = {"half_life_days": 2.0, "reference_time": "1970-01-02T00:00:00.000000Z"}
    resolved = config.resolved(pairs)
    assert resolved.to_json()["weighting"] == {"name": "tf_idf", "smooth": False, **expected}
    assert TrainConfig.from_json(resolved.to_json()).resolved(pairs) == resolved
    assert config.resolved(pairs.select(np.array([False, True]))) != resolved
    assert TrainConfig().resolved(pairs) == TrainConfig()


@given(CONFIGS)
def test_what_is_written_is_read_back(config: TrainConfig) -> None:
    assert TrainConfig.from_json(config.to_json()) == config
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize("name", sorted(SIMILARITIES))
def test_every_similarity_is_known_by_its_name(name: str) -> None:
    config = TrainConfig.from_json({"similarity": {"name": name}})
    assert type(config.similarity) is SIMILARITIES[name]
    parameters = dataclasses.asdict(config.similarity)
    assert config.to_json()["similarity"] == {"name": name, **parameters}


@pytest.mark.parametrize("name", sorted(WEIGHTINGS))
def test_every_weighting_is_known_by_its_name(name: str) -> None:
    config = TrainConfig.from_json({"weighting": {"name": name}})
    assert type(config.weighting) is WEIGHTINGS[name]


def test_values_are_brought_to_their_canonical_type() -> None:
    numpy_numbers: dict[str, Any] = {"num_neighbors": np.int64(7), "min_cooccurrence": np.int8(2)}
    config = TrainConfig(Cosine(), shrinkage=3, **numpy_numbers)
    assert json.dumps(config.to_json()) == json.dumps(
        TrainConfig(Cosine(), num_neighbors=7, shrinkage=3.0, min_cooccurrence=2).to_json()
    )
    assert type(config.shrinkage) is float and type(config.num_neighbors) is int
    assert type(BM25(k1=2).k1) is float


def test_a_config_is_immutable_and_can_be_a_key() -> None:
    config = TrainConfig()
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.shrinkage = 1.0  # type: ignore[misc]
    assert len({TrainConfig(), TrainConfig(), TrainConfig(min_cooccurrence=2)}) == 2


KEYS = (
    "similarity, weighting, num_neighbors, neighborhood, shrinkage, min_cooccurrence, heavy_users, "
    "aggregate, history_decay, popularity_half_life_days, popularity_reference_time"
)
NEIGHBORS = "num_neighbors: expected an integer >= 1 or null, got"
HALF_LIFE = "half_life_days: expected a finite number above 0 or null"
SHRINKAGE = "shrinkage: expected a finite number >= 0, got"
RARE = "min_cooccurrence: expected an integer >= 1, got"
SIDE = "neighborhood: expected 'target' or 'source', got"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_neighbors": 0}, f"{NEIGHBORS} 0"),
        ({"num_neighbors": -5}, f"{NEIGHBORS} -5"),
        ({"num_neighbors": 10.0}, f"{NEIGHBORS} 10.0"),
        ({"num_neighbors": "10"}, f"{NEIGHBORS} '10'"),
        (
            {"num_neighbors": 2**31},
            "num_neighbors: expected an integer below 2147483648, got " "2147483648",
        ),
        ({"shrinkage": -0.5}, f"{SHRINKAGE} -0.5"),
        ({"shrinkage": "1"}, f"{SHRINKAGE} '1'"),
        ({"shrinkage": 10**400}, f"{SHRINKAGE} 1{'0' * 59}..."),
        ({"min_cooccurrence": 0}, f"{RARE} 0"),
        ({"min_cooccurrence": 1.5}, f"{RARE} 1.5"),
        ({"neighborhood": "both"}, f"{SIDE} 'both'"),
        ({"neighborhood": 1}, f"{SIDE} 1"),
    ],
)
def test_a_value_out_of_range_is_refused_from_json_and_from_python(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig.from_json(settings, "config.json")
    assert str(caught.value) == f"config.json: {message}"
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**settings)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_neighbors": True}, f"{NEIGHBORS} true"),
        ({"shrinkage": None}, f"{SHRINKAGE} null"),
        ({"shrinkage": float("nan")}, f"{SHRINKAGE} NaN"),
        ({"min_cooccurrence": None}, f"{RARE} null"),
        ({"neighborhood": None}, f"{SIDE} null"),
        ([], "expected a JSON object, got []"),
        (None, "expected a JSON object, got null"),
        ("cosine", "expected a JSON object, got 'cosine'"),
        ({"neighbours": 5}, f"expected one of {KEYS}, got the key 'neighbours'"),
        (
            {"similarity": "cosine"},
            'similarity: expected an object such as {"name": "dot"}, got \'cosine\'',
        ),
        (
            {"weighting": None},
            'weighting: expected an object such as {"name": "none"}, got null',
        ),
        (
            {"similarity": {}},
            "similarity: name: expected one of dot, cosine, ALL OTHERS, got no such key",
        ),
        (
            {"similarity": {"name": "Cosine"}},
            "similarity: name: expected one of dot, cosine, ALL OTHERS, got 'Cosine'",
        ),
        (
            {"weighting": {"name": 7}},
            "weighting: name: expected one of none, binary, log, tf_idf, bm25, got 7",
        ),
        (
            {"heavy_users": "keep"},
            'heavy_users: expected an object such as {"name": "keep"}, got \'keep\'',
        ),
        (
            {"heavy_users": {"name": "keep", "max_interactions": 5}},
            "heavy_users: expected no further key, got the key 'max_interactions'",
        ),
        (
            {"heavy_users": {"name": "down_weight", "power": 0}},
            "heavy_users: power: expected a finite number above 0, got 0",
        ),
        (
            {"weighting": {"name": "log", "half_life_days": 0}},
            "weighting: half_life_days: expected a finite number above 0 or null, got 0",
        ),
        (
            {"weighting": {"name": "log", "half_life_days": 1, "reference_time": 1700000000}},
            "weighting: reference_time: expected an RFC 3339 time or null, got 1700000000",
        ),
        (
            {"weighting": {"name": "log", "reference_time": "2024-01-01T00:00:00Z"}},
            "weighting: reference_time: expected null without half_life_days, "
            "got '2024-01-01T00:00:00.000000Z'",
        ),
        (
            {"similarity": {"name": "cosine", "alpha": 0.5}},
            "similarity: expected no further key, got the key 'alpha'",
        ),
        (
            {"weighting": {"name": "bm25", "k": 1}},
            "weighting: expected one of smooth, k1, b, half_life_days, reference_time, "
            "got the key 'k'",
        ),
        (
            {"weighting": {"name": "bm25", "k1": -1}},
            "weighting: k1: expected a finite number >= 0, got -1",
        ),
        (
            {"weighting": {"name": "bm25", "b": 1.01}},
            "weighting: b: expected a finite number >= 0 and <= 1, got 1.01",
        ),
        (
            {"weighting": {"name": "tf_idf", "smooth": 1}},
            "weighting: smooth: expected true or false, got 1",
        ),
    ],
)
def test_a_faulty_object_is_refused_with_its_key(settings: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig.from_json(settings, "config.json")
    message = message.replace("ALL OTHERS", ", ".join(list(SIMILARITIES)[2:]))
    assert str(caught.value) == f"config.json: {message}"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"similarity": "cosine"}, "similarity: expected a Similarity object, got 'cosine'"),
        ({"similarity": None}, "similarity: expected a Similarity object, got None"),
        ({"weighting": "bm25"}, "weighting: expected a Weighting object, got 'bm25'"),
        ({"weighting": Cosine()}, "weighting: expected a Weighting object, got Cosine()"),
        ({"heavy_users": 500}, "heavy_users: expected a HeavyUsers object, got 500"),
    ],
)
def test_a_name_where_an_object_belongs_is_refused_with_the_cure(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig(**settings)
    assert str(caught.value) == message
    assert caught.value.hint == (
        'TrainConfig.from_json takes names: {"similarity": {"name": "cosine"}}'
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"k1": -1}, "k1: expected a finite number >= 0, got -1"),
        ({"b": float("nan")}, "b: expected a finite number >= 0 and <= 1, got nan"),
        ({"smooth": "yes"}, "smooth: expected true or false, got 'yes'"),
        ({"half_life_days": float("inf")}, f"{HALF_LIFE}, got inf"),
        (
            {"half_life_days": 1, "reference_time": "1 May"},
            "reference_time: expected an RFC 3339 time or null, got '1 May'",
        ),
    ],
)
def test_parameters_are_checked_where_they_are_made(settings: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        BM25(**settings)
    assert str(caught.value) == message


def test_settings_change_single_values_whatever_their_order() -> None:
    settings = {"weighting.k1": 2, "weighting.name": "bm25", "num_neighbors": None}
    expected = TrainConfig(weighting=BM25(k1=2.0), num_neighbors=None)
    assert TrainConfig().with_settings(settings) == expected
    assert TrainConfig().with_settings(dict(reversed(settings.items()))) == expected
    assert expected.with_settings({}) == expected


def test_another_name_keeps_only_the_parameters_that_all_have() -> None:
    config = TrainConfig(Tversky(alpha=0.3, beta=2.0), BM25(k1=2.0, half_life_days=7))
    changed = config.with_settings(
        {"similarity.name": "asymmetric_cosine", "weighting.name": "tf_idf"}
    )
    assert changed == TrainConfig(AsymmetricCosine(), TfIdf(half_life_days=7))
    same = {"similarity.name": "tversky", "weighting.name": "bm25"}
    assert config.with_settings(same) == config


@pytest.mark.parametrize(
    ("settings", "key", "message", "hint"),
    [
        (
            {"num_neighbors": 0},
            "num_neighbors",
            "num_neighbors: expected an integer >= 1 or null, got 0",
            None,
        ),
        (
            {"weighting.name": "bm25", "weighting.K1": 1},
            "weighting.K1",
            "weighting.K1: expected one of name, half_life_days, reference_time, smooth, k1, b, as "
            "weighting bm25 has no other, got 'K1'",
            "did you mean weighting.k1?",
        ),
        (
            {"similarity.name": None},
            "similarity.name",
            f"similarity.name: expected one of {', '.join(SIMILARITIES)}, got null",
            None,
        ),
    ],
)
def test_a_faulty_setting_is_refused_by_its_key(
    settings: dict[str, Any], key: str, message: str, hint: str | None
) -> None:
    with pytest.raises(SettingError) as caught:
        TrainConfig().with_settings(settings)
    assert (str(caught.value), caught.value.hint, caught.value.key) == (message, hint, key)


def test_settings_that_do_not_fit_together_are_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig(Cosine(), shrinkage=3).with_settings({"similarity.name": "ease"})
    assert str(caught.value) == "config: shrinkage: expected 0, as ease does not use it, got 3"
    assert caught.value.hint == "leave it out, or --set shrinkage=0"
