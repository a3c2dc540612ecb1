"""The configuration of a training: one frozen dataclass, read from and written to JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from mlcore.errors import ConfigError, at, shorten, shorten_json
from mlcore.heavy_users import HEAVY_USERS, HeavyUsers, Keep
from mlcore.interactions import Interactions
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
from mlcore.similarity import (
    SIMILARITIES,
    AsymmetricCosine,
    Neighborhood,
    NeighborSettings,
    Similarity,
)
from mlcore.weighting import WEIGHTINGS, NoWeighting, Weighting

__all__ = ["TrainConfig"]

T = TypeVar("T")

# Fields that are objects with a name and parameters of their own.
_NAMED: dict[str, tuple[type[Any], Mapping[str, type[Any]]]] = {
    "similarity": (Similarity, SIMILARITIES),
    "weighting": (Weighting, WEIGHTINGS),
    "heavy_users": (HeavyUsers, HEAVY_USERS),
}


@dataclass(frozen=True)
class TrainConfig:
    """All that decides what a model is, except the data. Every field changes the model.

    Attributes:
        similarity: the measure, with its parameters.
        weighting: the weight of an interaction, and its decay.
        num_neighbors: K, pairs kept for each item; None keeps all.
        neighborhood: ``target`` keeps the best sources of each target item (the better choice for
            most measures), ``source`` the best targets of each source item.
        shrinkage: damps pairs with little evidence: added to the denominator, or, if the formula
            has none, to that of a factor c / (c + shrinkage).
        min_cooccurrence: drop pairs of items that fewer users have in common.
        heavy_users: how much users with very many items count in the similarity, after weighting.

    >>> TrainConfig(num_neighbors=50).to_json()["num_neighbors"]
    50
    """

    similarity: Similarity = AsymmetricCosine()
    weighting: Weighting = NoWeighting()
    num_neighbors: int | None = parameter(100, optional(integer(minimum=1)))
    neighborhood: Neighborhood = parameter("target", choice("target", "source"))
    shrinkage: float = parameter(0.0, number(minimum=0))
    min_cooccurrence: int = parameter(1, integer(minimum=1))
    heavy_users: HeavyUsers = Keep()

    def __post_init__(self) -> None:
        check_parameters(self)
        for name, (base, _) in _NAMED.items():
            value = getattr(self, name)
            if not isinstance(value, base):
                raise ConfigError(
                    f"{name}: expected a {base.__name__} object, got {shorten(value)}",
                    'TrainConfig.from_json takes names: {"similarity": {"name": "cosine"}}',
                )
        _refuse_unused(self)

    def neighbor_settings(self) -> NeighborSettings:
        """Return the settings that choose which pairs to keep."""
        return NeighborSettings(
            self.num_neighbors, self.neighborhood, self.shrinkage, self.min_cooccurrence
        )

    def to_json(self) -> dict[str, object]:
        """Return the JSON object, defaults included, keys in declared order."""
        values = parameters_to_json(self)
        for name in _NAMED:
            part = getattr(self, name)
            values[name] = {"name": part.name, **parameters_to_json(part)}
        return values

    def resolved(self, interactions: Interactions) -> TrainConfig:
        """Return the configuration with every value that it takes from the data filled in.

        The same interactions give the same model with either.

        Raises:
            DataError: the weighting has a half-life, and there are no timestamps.

        >>> pairs = Interactions.from_columns(["u"], ["a"], timestamps=[0])
        >>> config = TrainConfig(weighting=NoWeighting(half_life_days=7)).resolved(pairs)
        >>> config.weighting.reference_time
        '1970-01-01T00:00:00.000000Z'
        """
        return replace(self, weighting=self.weighting.resolved(interactions))

    @classmethod
    def from_json(cls, value: object, place: str = "config") -> TrainConfig:
        """Return the configuration of a parsed JSON object; missing keys take defaults.

        Args:
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
        for name, (_, registry) in _NAMED.items():
            if name in value:
                settings[name] = _named(registry, value[name], f"{place}: {name}")
        with at(place, ConfigError):
            return cls(**settings)


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
    if similarity.binary and config.heavy_users.changes_weights_only:
        others = [name for name, way in HEAVY_USERS.items() if not way.changes_weights_only]
        raise ConfigError(
            f"heavy_users: expected one of {', '.join(others)}, as {similarity.name} counts users "
            f"whatever their weights, got {config.heavy_users.name}",
            'take {"name": "sample"}, which leaves interactions of heavy users out of the counting',
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
