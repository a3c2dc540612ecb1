"""The configuration of a training: one frozen dataclass, and the JSON object it is written as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from mlcore.errors import ConfigError, shorten, shorten_json
from mlcore.parameters import (
    check_keys,
    check_parameters,
    choice,
    convert_value,
    integer,
    number,
    optional,
    parameter,
    parameters_from_json,
    parameters_to_json,
)
from mlcore.similarity import SIMILARITIES, Cosine, Neighborhood, NeighborSettings, Similarity
from mlcore.weighting import WEIGHTINGS, NoWeighting, Weighting

__all__ = ["TrainConfig"]

T = TypeVar("T", Similarity, Weighting)


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides what a model is, apart from the data. Every field changes the model.

    Attributes:
        similarity: the measure, with its parameters.
        weighting: what an interaction counts.
        num_neighbors: K, pairs kept for each item; None keeps all.
        neighborhood: ``target`` keeps the best sources of each target item (the better choice for
            most measures), ``source`` the best targets of each source item.
        shrinkage: added to the denominator of the similarity.
        min_cooccurrence: fewest users who must have both items of a pair.

    >>> TrainConfig(num_neighbors=50).to_json()["num_neighbors"]
    50
    """

    similarity: Similarity = Cosine()
    weighting: Weighting = NoWeighting()
    num_neighbors: int | None = parameter(100, optional(integer(minimum=1)))
    neighborhood: Neighborhood = parameter("target", choice("target", "source"))
    shrinkage: float = parameter(0.0, number(minimum=0))
    min_cooccurrence: int = parameter(1, integer(minimum=1))

    def __post_init__(self) -> None:
        check_parameters(self)
        for name, base in (("similarity", Similarity), ("weighting", Weighting)):
            value = getattr(self, name)
            if not isinstance(value, base):
                raise ConfigError(
                    f"{name}: expected a {base.__name__} object, got {shorten(value)}",
                    'TrainConfig.from_json takes names: {"similarity": {"name": "cosine"}}',
                )
        _refuse_unused(self)

    def neighbor_settings(self) -> NeighborSettings:
        """Return the part that says which pairs are kept."""
        return NeighborSettings(
            self.num_neighbors, self.neighborhood, self.shrinkage, self.min_cooccurrence
        )

    def to_json(self) -> dict[str, object]:
        """Return the JSON object, defaults spelled out, keys in declared order."""
        values = parameters_to_json(self)
        values["similarity"] = {"name": self.similarity.name, **parameters_to_json(self.similarity)}
        values["weighting"] = {"name": self.weighting.name, **parameters_to_json(self.weighting)}
        return values

    @classmethod
    def from_json(cls, value: object, place: str = "config") -> TrainConfig:
        """Return the configuration that a JSON object describes; missing keys take defaults.

        Args:
            value: the parsed object.
            place: the file, for messages.

        Raises:
            ConfigError: a key is unknown, a type is wrong, or a value is out of range.

        >>> TrainConfig.from_json({"similarity": {"name": "jaccard"}}).similarity
        Jaccard()
        """
        if not isinstance(value, Mapping):
            raise ConfigError(f"{place}: expected a JSON object, got {shorten_json(value)}")
        check_keys(value, [item.name for item in fields(cls)], place)
        settings: dict[str, Any] = {}
        for item in fields(cls):
            if item.name in value and "rule" in item.metadata:
                settings[item.name] = convert_value(
                    item.metadata["rule"], value[item.name], f"{place}: {item.name}", shorten_json
                )
        if "similarity" in value:
            settings["similarity"] = _named(
                SIMILARITIES, value["similarity"], f"{place}: similarity"
            )
        if "weighting" in value:
            settings["weighting"] = _named(WEIGHTINGS, value["weighting"], f"{place}: weighting")
        try:
            return cls(**settings)
        except ConfigError as error:
            raise ConfigError(f"{place}: {error}", error.hint) from None


def _refuse_unused(config: TrainConfig) -> None:
    """Raise ConfigError for a setting that would change nothing."""
    similarity = config.similarity
    unused = [
        ("shrinkage", config.shrinkage, 0, similarity.uses_shrinkage),
        ("min_cooccurrence", config.min_cooccurrence, 1, similarity.uses_min_cooccurrence),
    ]
    for name, value, neutral, is_used in unused:
        if value != neutral and not is_used:
            raise ConfigError(
                f"{name}: expected {neutral}, as {similarity.name} does not use it, got {value:g}"
            )


def _named(registry: Mapping[str, type[T]], value: object, place: str) -> T:
    if not isinstance(value, Mapping):
        raise ConfigError(
            f'{place}: expected an object such as {{"name": "{next(iter(registry))}"}}, '
            f"got {shorten_json(value)}"
        )
    name = value.get("name")
    if not isinstance(name, str) or name not in registry:
        got = shorten_json(name) if "name" in value else "no such key"
        raise ConfigError(f"{place}: name: expected one of {', '.join(registry)}, got {got}")
    parameters = {key: item for key, item in value.items() if key != "name"}
    return parameters_from_json(registry[name], parameters, place)
