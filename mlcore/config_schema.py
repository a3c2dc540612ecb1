"""The configuration of a training as JSON Schema, made from the rules that ``TrainConfig`` follows.

``python -m cli.config --schema`` writes it: help texts, which load no numpy, read it from
``mlcore/config.schema.json``, and readers in other languages from ``interop/schema``.
"""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from mlcore.config import NAMED, NEUTRAL, TrainConfig
from mlcore.heavy_users import HEAVY_USERS
from mlcore.parameters import Rule, parameters_to_json
from mlcore.similarity import SIMILARITIES
from mlcore.weighting import Weighting

__all__ = ["config_schema"]


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema, draft 2020-12, of what ``TrainConfig.from_json`` takes.

    It says all but what a schema cannot: that 50.0 is no integer here, and which days a month has.

    >>> config_schema()["properties"]["shrinkage"]["default"]
    0.0
    """
    properties: dict[str, Any] = {}
    for item in fields(TrainConfig):
        default = TrainConfig().to_json()[item.name]
        shape = _named(item.name) if item.name in NAMED else _setting(TrainConfig, item.name)
        properties[item.name] = {**shape, "default": default}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "configuration of a mlcore training",
        "description": "What train takes as --config; config.json of a model is one with all "
        "defaults. A reader that only predicts needs none of it.",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "allOf": _together(),
    }


def _setting(cls: type[Any], name: str) -> dict[str, Any]:
    """Return the schema of a field: its rule, in words and as keywords, and what it is for."""
    rule: Rule = {item.name: item.metadata for item in fields(cls)}[name]["rule"]
    meaning = re.compile(rf"^ +{name}: (.*?)[.;](?=\s)", re.DOTALL | re.MULTILINE)
    found = [found[1] for one in cls.__mro__ if (found := meaning.search(one.__doc__ or ""))]
    return {"description": "; ".join([rule.expected, *map(_words, found[:1])]), **rule.schema}


def _words(docstring: str) -> str:
    return " ".join(docstring.replace("``", "").split())


def _named(part: str) -> dict[str, Any]:
    """Return the schema of an object whose name says which other keys it may have."""
    base, registry = NAMED[part]
    shape = {
        "type": "object",
        "required": ["name"],
        "oneOf": [_variant(name, cls) for name, cls in registry.items()],
    }
    if base is Weighting:
        shape["anyOf"] = _time_needs_half_life("")
    return shape


def _time_needs_half_life(prefix: str) -> list[dict[str, Any]]:
    half_life = f"{prefix}half_life_days"
    return [
        {"properties": {f"{prefix}reference_time": {"type": "null"}}},
        {"properties": {half_life: {"type": "number"}}, "required": [half_life]},
    ]


def _variant(name: str, cls: type[Any]) -> dict[str, Any]:
    parameters = {
        key: {**_setting(cls, key), "default": default}
        for key, default in parameters_to_json(cls()).items()
    }
    return {
        "description": _words((cls.__doc__ or "").partition("\n")[0]).rstrip("."),
        "properties": {"name": {"const": name}, **parameters},
        "additionalProperties": False,
    }


def _together() -> list[dict[str, Any]]:
    """Return the rules between settings, as ``TrainConfig`` has them."""
    rules = []
    for key, neutral in NEUTRAL.items():
        using = [name for name, cls in SIMILARITIES.items() if getattr(cls, f"uses_{key}")]
        rules.append(_either({key: {"const": neutral}}, _one_of("similarity", using)))
    weighted = [name for name, cls in SIMILARITIES.items() if not cls.binary]
    others = [name for name, way in HEAVY_USERS.items() if not way.changes_weights_only]
    rules.append(_either(_one_of("similarity", weighted), _one_of("heavy_users", others)))
    return [*rules, {"anyOf": _time_needs_half_life("popularity_")}]


def _one_of(part: str, names: list[str]) -> dict[str, Any]:
    return {part: {"properties": {"name": {"enum": names}}}}


def _either(*sides: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [{"properties": side} for side in sides]}
