"""mlcore.tune.space: what a space gives, and what it refuses before the search."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from mlcore import ConfigError, TrainConfig
from mlcore.tune.dimensions import Dimension, FloatRange, IntRange, Options, parse_node
from mlcore.tune.space import DEFAULT_SPACE, SampledConfig, SearchSpace

PLACE = "space.json"
SPACE: dict[str, Any] = {
    "similarity": {
        "choice": [
            {"name": "cosine"},
            {"name": "tversky", "alpha": {"float": [0, 2]}, "beta": {"choice": [1, 0.5]}},
        ]
    },
    "num_neighbors": {"choice": [None, {"int": [10, 200], "log": True}]},
    "shrinkage": {"float": [0.5, 100], "log": True},
    "min_cooccurrence": {"int": [1, 7], "step": 3},
    "neighborhood": "source",
}


def refuse(value: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        SearchSpace.from_json(value, PLACE)
    return caught.value


def random_pick(rng: np.random.Generator, dimension: Dimension) -> int | float:
    if isinstance(dimension, Options):
        return int(rng.integers(dimension.count))
    if isinstance(dimension, IntRange):
        steps = (dimension.high - dimension.low) // dimension.step
        return dimension.low + dimension.step * int(rng.integers(steps + 1))
    return float(rng.uniform(dimension.low, dimension.high))


# --- what it gives ---


def test_a_sample_is_what_was_picked_at_each_place() -> None:
    # Keys in alphabetical order; of a choice the position, inside an option its own dimensions.
    picks = {
        "min_cooccurrence": 4,
        "num_neighbors.choice": 1,
        "num_neighbors.choice[1]": 31,
        "shrinkage": 2.5,
        "similarity.choice": 1,
        "similarity.choice[1].alpha": 0.25,
        "similarity.choice[1].beta.choice": 1,
    }
    asked: list[tuple[str, Dimension]] = []

    def pick(name: str, dimension: Dimension) -> int | float:
        asked.append((name, dimension))
        return picks[name]

    sample = SearchSpace.from_json(SPACE).sample(pick)
    assert asked == [
        ("min_cooccurrence", IntRange(1, 7, step=3)),
        ("num_neighbors.choice", Options(2)),
        ("num_neighbors.choice[1]", IntRange(10, 200, log=True)),
        ("shrinkage", FloatRange(0.5, 100.0, log=True)),
        ("similarity.choice", Options(2)),
        ("similarity.choice[1].alpha", FloatRange(0.0, 2.0)),
        ("similarity.choice[1].beta.choice", Options(2)),
    ]
    assert list(sample.params.items()) == list(picks.items())
    assert sample.dimensions == dict(asked)
    assert sample.config == {
        "similarity": {"name": "tversky", "alpha": 0.25, "beta": 0.5},
        "num_neighbors": 31,
        "shrinkage": 2.5,
        "min_cooccurrence": 4,
        "neighborhood": "source",
    }


def test_an_option_that_is_not_taken_asks_for_nothing() -> None:
    sample = SearchSpace.from_json(SPACE).replay(
        {"min_cooccurrence": 1, "num_neighbors.choice": 0, "shrinkage": 1.0, "similarity.choice": 0}
    )
    assert sample.config["similarity"] == {"name": "cosine"}
    assert sample.config["num_neighbors"] is None


def test_the_order_of_keys_changes_nothing() -> None:
    def reverse(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: reverse(value[key]) for key in reversed(value)}
        return [reverse(item) for item in value] if isinstance(value, list) else value

    def sample(value: Any, seed: int) -> SampledConfig:
        rng = np.random.default_rng(seed)
        return SearchSpace.from_json(value).sample(lambda name, dim: random_pick(rng, dim))

    for seed in range(20):
        one, other = sample(SPACE, seed), sample(reverse(SPACE), seed)
        assert list(one.params.items()) == list(other.params.items())
        assert one.config == other.config


@pytest.mark.parametrize("space", [SPACE, DEFAULT_SPACE], ids=["example", "built-in"])
def test_random_samples_are_valid_configurations_and_can_be_replayed(space: Any) -> None:
    rng = np.random.default_rng(5)
    checked = SearchSpace.from_json(space)
    samples = [checked.sample(lambda name, dim: random_pick(rng, dim)) for _ in range(300)]
    configs = [TrainConfig.from_json(sample.config) for sample in samples]
    assert [checked.replay(sample.params) for sample in samples] == samples
    # no branch is out of reach
    names = {option["name"] for option in options_named(space)}
    assert {config.similarity.name for config in configs} | {
        config.weighting.name for config in configs
    } >= names


def options_named(space: Any) -> list[dict[str, Any]]:
    """All objects of a space that have a name."""
    if isinstance(space, list):
        return [found for item in space for found in options_named(item)]
    if not isinstance(space, dict):
        return []
    own = [space] if isinstance(space.get("name"), str) else []
    return own + [found for item in space.values() for found in options_named(item)]


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"num_neighbors": 9},
        {"num_neighbors": 201},
        {"num_neighbors": 10.0},
        {"num_neighbors": True},
        {"num_neighbors": 50, "shrinkage": 1},
        {"neighbors": 50},
    ],
)
def test_params_of_another_space_are_refused(params: dict[str, Any]) -> None:
    space = SearchSpace.from_json({"num_neighbors": {"int": [10, 200]}})
    with pytest.raises(ConfigError, match="^params: expected values of the space, got "):
        space.replay(params)


# --- what it refuses ---


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"shrink": {"int": [1, 2]}}, ": expected one of similarity, "),
        (
            {"num_neighbors": {"int": [0, 5]}},
            ": num_neighbors: expected an integer >= 1 or null, got 0",
        ),
        (
            {"num_neighbors": {"float": [1, 5]}},
            ": num_neighbors: expected an integer >= 1 or null, got 1.0",
        ),
        (
            {"num_neighbors": {"choice": [50, {"choice": [7, -1]}]}},
            ": num_neighbors: choice[1]: choice[1]: expected an integer >= 1 or null, got -1",
        ),
        (
            {"similarity": {"choice": [{"name": "cosine"}, {"name": "tversky", "alpha": -1}]}},
            ": similarity: choice[1]: alpha: expected a finite number >= 0, got -1",
        ),
        (
            {
                "similarity": {
                    "choice": [
                        {"name": "cosine"},
                        {"name": "tversky", "alpha": {"float": [-0.5, 2]}},
                    ]
                }
            },
            ": similarity: choice[1]: alpha: expected a finite number >= 0, got -0.5",
        ),
        (
            {"similarity": {"name": {"choice": ["cosine", "cosinus"]}}},
            ": similarity: name: choice[1]: expected one of dot, cosine, ",
        ),
        (
            {"similarity": {"name": "cosine", "alpha": {"float": [0, 1]}}},
            ": similarity: expected no further key, got the key 'alpha'",
        ),
        (
            {"choice": [{"min_cooccurrence": 1}, {"weighting": {"name": "bm25", "b": {"float": [0, 1.5]}}}]},
            ": choice[1]: weighting: b: expected a finite number >= 0 and <= 1, got 1.5",
        ),
        ({"choice": [{}, 5]}, ": choice[1]: expected a JSON object, got 5"),
        ({"int": [1, 5]}, ": expected a JSON object, got 1"),
        ([], ": expected a JSON object, got []"),
        ({}, ": expected at least one choice, int or float, got fixed values only"),
        ({"min_cooccurrence": 5}, ": expected at least one choice, int or float, got fixed values only"),
        (
            {"shrinkage": {"choice": []}},
            ": shrinkage: choice: expected a list of at least one value, got []",
        ),
        (
            {"shrinkage": {"choice": {"int": [1, 2]}}},
            ': shrinkage: choice: expected a list of at least one value, got {"int": [1, 2]}',
        ),
        (
            {"shrinkage": {"choice": [1, 2], "log": True}},
            ": shrinkage: expected one of choice, got the key 'log'",
        ),
        (
            {"shrinkage": {"float": [1, 2], "step": 1}},
            ": shrinkage: expected one of float, log, got the key 'step'",
        ),
        (
            {"shrinkage": {"float": [1, 2], "int": [1, 2]}},
            ": shrinkage: expected one of int, log, step, got the key 'float'",
        ),
        *(
            (
                {"shrinkage": {"choice": [0, {"float": bounds}]}},
                f": shrinkage: choice[1]: float: expected two numbers below 2^53, got {shown}",
            )
            for bounds, shown in [
                (3, "3"), ([1], "[1]"), ([0, 1, 2], "[0, 1, 2]"), ([0, "1"], '[0, "1"]'),
                ([False, 1], "[false, 1]"), ([0, float("inf")], "[0, Infinity]"), ([0, 2**53], "[0, 9007199254740992]"),
            ]
        ),
        (
            {"shrinkage": {"int": [0, 1.5]}},
            ": shrinkage: int: expected two integers below 2^53, got [0, 1.5]",
        ),
        (
            {"shrinkage": {"int": [5, 1]}},
            ": shrinkage: int: expected two integers, the lower one first, got [5, 1]",
        ),
        (
            {"shrinkage": {"float": [0, 1], "log": True}},
            ": shrinkage: float: expected two numbers below 2^53, above 0 as log is true, got [0, 1]",
        ),
        (
            {"shrinkage": {"float": [1, 2], "log": 1}},
            ": shrinkage: log: expected true or false, got 1",
        ),
        (
            {"shrinkage": {"int": [1, 8], "step": 0}},
            ": shrinkage: step: expected an integer >= 1, got 0",
        ),
        (
            {"shrinkage": {"int": [1, 8], "step": 3}},
            ": shrinkage: step: expected a divisor of 7, the width of the range, got 3",
        ),
        (
            {"shrinkage": {"int": [1, 8], "step": 7, "log": True}},
            ": shrinkage: step: expected no such key beside log, got 7",
        ),
    ],
)  # fmt: skip
def test_a_faulty_space_is_refused_with_its_place(value: Any, error: str) -> None:
    caught = refuse(value)
    assert str(caught).startswith(f"{PLACE}{error}")
    if not error.endswith(" "):
        assert str(caught) == f"{PLACE}{error}"
    assert caught.hint is None or caught.hint.startswith("did you mean ")


def test_settings_that_depend_on_each_other_are_refused_unless_they_are_given_together() -> None:
    # The first value of each key, and even the first of one with all of the other, are fine.
    names = {"choice": [{"name": "cosine"}, {"name": "rp3beta"}]}
    caught = refuse(
        {"num_neighbors": {"int": [5, 9]}, "shrinkage": {"float": [0, 9]}, "similarity": names}
    )
    assert str(caught) == f"{PLACE}: shrinkage: expected 0, as rp3beta does not use it, got 9"
    assert caught.hint == (
        "give settings that depend on each other together: the whole space may be "
        '{"choice": [SPACE, SPACE]}'
    )
    cosine, rp3beta = names["choice"]
    together = [{"similarity": cosine, "shrinkage": {"float": [0, 9]}}, {"similarity": rp3beta}]
    space = SearchSpace.from_json({"choice": together})
    assert space.replay({"choice": 1}).config == {"similarity": {"name": "rp3beta"}}
    assert space.replay({"choice": 0, "choice[0].shrinkage": 9.0}).config["shrinkage"] == 9


def all_edges(value: Any) -> list[Any]:
    """Every combination of every choice and both ends of every range."""
    if not isinstance(value, dict):
        return [value]
    if "choice" in value:
        return [edge for option in value["choice"] for edge in all_edges(option)]
    if "int" in value:
        return list(value["int"])
    combinations = itertools.product(*map(all_edges, value.values()))
    return [dict(zip(value, combination)) for combination in combinations]


def is_valid(config: Any) -> bool:
    try:
        TrainConfig.from_json(config)
    except ConfigError:
        return False
    return True


def random_space(rng: np.random.Generator) -> dict[str, Any]:
    """A space whose similarities do not all use shrinkage and fewest common users."""

    def some(options: list[Any]) -> Any:
        chosen = rng.choice(len(options), int(rng.integers(1, len(options) + 1)), replace=False)
        return {"choice": [options[position] for position in chosen]}

    return {
        "num_neighbors": some([5, None, {"int": [1, 9]}]),
        "similarity": some([{"name": name} for name in ["cosine", "jaccard", "p3alpha", "dice"]]),
        "neighborhood": some(["target", "source"]),
        "shrinkage": some([0, 0, 0, {"int": [0, 3]}]),
        "min_cooccurrence": some([1, 1, 1, 2]),
    }


def test_a_space_is_refused_exactly_if_one_of_all_combinations_is_not_valid() -> None:
    rng = np.random.default_rng(1)
    outcomes = []
    for space in (random_space(rng) for _ in range(60)):
        edges = all_edges(space)
        tried = [boundary.value for boundary in parse_node(space, PLACE).boundaries(())]
        assert all(config in edges for config in tried)
        outcomes.append(all(map(is_valid, edges)))
        if outcomes[-1]:
            SearchSpace.from_json(space, PLACE)
        else:
            refuse(space)
    assert 10 < sum(outcomes) < 50


def test_a_space_of_aggregates_is_refused_as_trials_share_the_interactions() -> None:
    space = {"aggregate": {"choice": ["sum", "count"]}, "num_neighbors": {"int": [1, 5]}}
    with pytest.raises(ConfigError, match="^space: aggregate: expected 'sum', as all trials share"):
        SearchSpace.from_json(space)
    SearchSpace.from_json({"aggregate": "sum", "num_neighbors": {"int": [1, 5]}})


def test_a_space_of_too_many_configurations_is_refused_before_they_are_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("space", "dimensions"):
        monkeypatch.setattr(f"mlcore.tune.{module}.MAX_SPACE", 300)
    names = ["num_neighbors", "popularity_half_life_days", "min_cooccurrence"]
    choice = {"choice": list(range(1, 11))}
    SearchSpace.from_json({name: choice for name in names})  # 3 pairs of keys, 100 of values
    many: Any = {"choice": list(range(1, 400))}
    inside: Any = {name: many for name in names}
    for space in (inside, {"choice": [inside] * 9}, {**inside, names[1]: choice}):
        fault = refuse(space)
        assert str(fault).endswith("at most 300 pairs of choices and ends of ranges, got more")
    for _ in range(4):  # each level squares them
        inside = {name: inside for name in names}
        assert "got" in str(refuse(inside))
