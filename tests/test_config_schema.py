"""mlcore.config_schema: the schema takes what TrainConfig takes, and refuses what it refuses."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from mlcore import ConfigError, TrainConfig
from mlcore.config import NAMED
from mlcore.config_schema import config_schema
from mlcore.jsontext import format_document, parse_json
from tests.json_schema import is_valid
from tests.test_config import CONFIGS

ROOT = Path(__file__).parents[1]
SCHEMA = config_schema()
# Of each kind, at and beyond the bounds of the rules.
VALUES: list[Any] = [None, True, -1, 0, 0.4, 1, 1.5, 2**31 - 1, 2**31, "x", [], {}]
VALUES += [
    "target",
    "count",
    "zero",
    "2026-02-28T23:59:59.5+05:30",
    "2026-02-28",
    "2026-13-01T00:00:00Z",
]


def takes(config: Any) -> bool:
    """Return whether TrainConfig takes it; the schema must agree."""
    try:
        TrainConfig.from_json(config)
        taken = True
    except ConfigError:
        taken = False
    assert is_valid(config, SCHEMA, SCHEMA) == taken, config
    return taken


def objects() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each name of each object, with all its parameters."""
    for part, (_, registry) in NAMED.items():
        for name, cls in registry.items():
            yield part, {"name": name} | {
                item.name: getattr(cls(), item.name) for item in fields(cls)
            }


def test_the_files_of_the_schema_are_as_make_golden_writes_them() -> None:
    for folder in ("mlcore", "interop/schema"):
        text = (ROOT / folder / "config.schema.json").read_text("utf-8")
        assert text == format_document(SCHEMA), f"{folder}: run make golden, and read the diff"


@given(CONFIGS)
def test_every_configuration_is_valid(config: TrainConfig) -> None:
    assert takes(parse_json(format_document(config.to_json())))


@pytest.mark.parametrize(
    "path", sorted((ROOT / "fixtures").rglob("config.json")), ids=lambda path: path.parent.name
)
def test_the_configurations_of_the_fixtures_are_valid(path: Path) -> None:
    assert takes(parse_json(path.read_text("utf-8")))


def test_settings_of_the_whole_are_refused_by_both_or_by_none() -> None:
    plain = [item.name for item in fields(TrainConfig) if item.name not in NAMED]
    cosine = {"similarity": {"name": "cosine"}}  # which has a place for each
    taken = [
        (key, value) for key in [*plain, "k"] for value in VALUES if takes({**cosine, key: value})
    ]
    assert {key for key, _ in taken} == {*plain} and len(taken) < len(plain) * len(VALUES)


@pytest.mark.parametrize(
    ("part", "full"),
    list(objects()),
    ids=lambda value: value if isinstance(value, str) else value["name"],
)
def test_parameters_are_refused_by_both_or_by_none(part: str, full: dict[str, Any]) -> None:
    assert takes({part: full})
    for key, value in itertools.product([*full, "nothing"], VALUES):
        takes({part: full | {key: value}})
        takes({part: {"name": full["name"], key: value}})
    assert not takes({part: {key: value for key, value in full.items() if key != "name"}})


def test_settings_together_are_refused_by_both_or_by_none() -> None:
    registries = [list(NAMED[part][1]) for part in ("similarity", "heavy_users")]
    counts = {True: 0, False: 0}
    for name, way in itertools.product(*registries):
        for shrinkage, least in itertools.product([0, 1], [1, 2]):
            config: dict[str, Any] = {"similarity": {"name": name}, "heavy_users": {"name": way}}
            counts[takes(config | {"shrinkage": shrinkage, "min_cooccurrence": least})] += 1
    assert min(counts.values()) > 50


@pytest.mark.parametrize("half_life", [7, None, ...])
@pytest.mark.parametrize("time", ["2026-01-01T00:00:00Z", None, ...])
def test_a_reference_time_needs_a_half_life(half_life: Any, time: Any) -> None:
    given = {"name": "log", "half_life_days": half_life, "reference_time": time}
    config = {"weighting": {key: value for key, value in given.items() if value is not ...}}
    assert takes(config) == (half_life == 7 or not isinstance(time, str))


@pytest.mark.parametrize("value", [None, [], "cosine", 7])
def test_what_is_no_object_is_refused_by_both(value: Any) -> None:
    assert not takes(value)
    assert not any(takes({part: value}) for part in NAMED)


@pytest.mark.parametrize(
    "config",
    [
        {"num_neighbors": 10.0},
        {"shrinkage": 10**400},
        {
            "weighting": {
                "name": "log",
                "half_life_days": 1,
                "reference_time": "2026-02-30T00:00:00Z",
            }
        },
    ],
    ids=["integer with a fraction of 0", "beyond float64", "no such day"],
)
def test_what_a_schema_cannot_say_is_refused_by_the_configuration_alone(config: Any) -> None:
    assert is_valid(config, SCHEMA, SCHEMA)
    with pytest.raises(ConfigError):
        TrainConfig.from_json(config)


def test_defaults_and_words_are_those_of_the_code() -> None:
    properties = SCHEMA["properties"]
    assert {key: value["default"] for key, value in properties.items()} == TrainConfig().to_json()
    (bm25,) = (
        one
        for one in properties["weighting"]["oneOf"]
        if one["properties"]["name"]["const"] == "bm25"
    )
    assert bm25["properties"]["k1"] == {
        "description": "a finite number >= 0; how late the weight saturates",
        "type": "number",
        "minimum": 0,
        "default": 1.2,
    }
    assert all(one["description"] for part in NAMED for one in properties[part]["oneOf"])


def test_the_validator_knows_what_the_keywords_mean() -> None:
    assert is_valid(3.0, {"type": "integer"}, {}) and not is_valid(True, {"type": "integer"}, {})
    assert not is_valid(1, {"const": True}, {}) and not is_valid(
        [1], {"items": {"type": "null"}}, {}
    )
    closed = {"properties": {"a": {"minimum": 1}}, "additionalProperties": False}
    assert is_valid({"a": 1}, closed, {}) and not is_valid({"a": 0}, closed, {})
    assert not is_valid({"b": 1}, closed, {})
    with pytest.raises(KeyError):
        is_valid(1, {"multipleOf": 2}, {})
