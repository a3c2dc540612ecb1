"""The configuration of a training: one frozen dataclass, read from and written to JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from mlcore.aggregate import AGGREGATES, Aggregate
from mlcore.errors import ConfigError, at, shorten, shorten_json
from mlcore.heavy_users import HEAVY_USERS, HeavyUsers, Keep
from mlcore.history_decay import HISTORY_DECAYS, HistoryDecay, NoHistoryDecay
from mlcore.interactions import Interactions, no_timestamps
from mlcore.parameters import (
    Rule,
    check_keys,
    check_parameters,
    choice,
    convert_value,
    integer,
    nearest,
    number,
    optional,
    parameter,
    parameters_from_json,
    parameters_to_json,
)
from mlcore.similarity import (
    SIMILARITIES,
    Neighborhood,
    NeighborSettings,
    RP3Beta,
    Similarity,
)
from mlcore.weighting import TIME, WEIGHTINGS, Log, Recency, Weighting

__all__ = ["NAMED", "NEUTRAL", "SettingError", "TrainConfig"]

T = TypeVar("T")

# Settings that some similarities do not use (``uses_shrinkage``), and what changes nothing.
NEUTRAL = {"shrinkage": 0, "min_cooccurrence": 1}

# Fields that are objects with a name and parameters of their own.
NAMED: dict[str, tuple[type[Any], Mapping[str, type[Any]]]] = {
    "similarity": (Similarity, SIMILARITIES),
    "weighting": (Weighting, WEIGHTINGS),
    "heavy_users": (HeavyUsers, HEAVY_USERS),
    "history_decay": (HistoryDecay, HISTORY_DECAYS),
}


class SettingError(ConfigError):
    """A single setting is unknown or breaks its rule; ``key`` is how it was named."""

    def __init__(self, key: str, fault: str, hint: str | None = None) -> None:
        super().__init__(f"{key}: {fault}", hint)
        self.key = key
        self.fault = fault


@dataclass(frozen=True)
class TrainConfig:
    """All that decides what a model is, except the data. Every field changes the model.

    Attributes:
        similarity: the measure, with its parameters.
        weighting: the weight of an interaction, and its decay.
        num_neighbors: K, pairs kept for each item; None keeps all.
        neighborhood: ``source`` keeps the best targets of each source item (the better choice where
            popular items matter), ``target`` the best sources of each target item.
        shrinkage: damps pairs with little evidence: added to the denominator, or, if the formula
            has none, to that of a factor c / (c + shrinkage).
        min_cooccurrence: drop pairs of items that fewer users have in common.
        heavy_users: how much users with very many items count in the similarity, after weighting.
        aggregate: how rows of one user and item become one, in the file of a training and in the
            history of a request; see ``Events.aggregate``.
        history_decay: how much less the earlier items of a history count where the model recommends.
        popularity_half_life_days: h, in days of 86,400 s, after which an interaction counts half in
            the popularity that fills short lists; None counts users.
        popularity_reference_time: T, RFC 3339, when it counts in full; None for that of the weighting,
            if it has one, else for the latest timestamp of the training.

    >>> TrainConfig(num_neighbors=50).to_json()["num_neighbors"]
    50
    """

    similarity: Similarity = RP3Beta()
    weighting: Weighting = Log()
    num_neighbors: int | None = parameter(100, optional(integer(minimum=1)))
    neighborhood: Neighborhood = parameter("source", choice("target", "source"))
    shrinkage: float = parameter(0.0, number(minimum=0))
    min_cooccurrence: int = parameter(1, integer(minimum=1))
    heavy_users: HeavyUsers = Keep()
    aggregate: Aggregate = parameter("sum", choice(*AGGREGATES))
    history_decay: HistoryDecay = NoHistoryDecay()
    popularity_half_life_days: float | None = parameter(None, optional(number(above=0)))
    popularity_reference_time: str | None = parameter(None, optional(TIME))

    def __post_init__(self) -> None:
        check_parameters(self)
        for name, (base, _) in NAMED.items():
            value = getattr(self, name)
            if not isinstance(value, base):
                raise ConfigError(
                    f"{name}: expected a {base.__name__} object, got {shorten(value)}",
                    'TrainConfig.from_json takes names: {"similarity": {"name": "cosine"}}',
                )
        _refuse_unused(self)
        if self.popularity_reference_time is not None and self.recency is None:
            raise ConfigError(
                "popularity_reference_time: expected null without popularity_half_life_days, "
                f"got {self.popularity_reference_time!r}"
            )

    @property
    def recency(self) -> Recency | None:
        """What an interaction adds to the popularity, or None where each user counts 1."""
        if self.popularity_half_life_days is None:
            return None
        return Recency(
            half_life_days=self.popularity_half_life_days,
            reference_time=self.popularity_reference_time or self.weighting.reference_time,
        )

    @property
    def uses_order(self) -> bool:
        """Whether the model keeps the order of each user's items."""
        return self.similarity.uses_order or self.history_decay.uses_order

    def neighbor_settings(self) -> NeighborSettings:
        """Return the settings that choose which pairs to keep."""
        return NeighborSettings(
            self.num_neighbors, self.neighborhood, self.shrinkage, self.min_cooccurrence
        )

    def to_json(self) -> dict[str, object]:
        """Return the JSON object, defaults included, keys in declared order."""
        values = parameters_to_json(self)
        for name in NAMED:
            part = getattr(self, name)
            values[name] = {"name": part.name, **parameters_to_json(part)}
        return values

    def resolved(self, interactions: Interactions) -> TrainConfig:
        """Return the configuration with every value that it takes from the data filled in.

        The same interactions give the same model with either.

        Raises:
            DataError: there is a half-life, or the order of items counts, and there are no timestamps.

        >>> pairs = Interactions.from_columns(["u"], ["a"], timestamps=[0])
        >>> config = TrainConfig(weighting=Log(half_life_days=7)).resolved(pairs)
        >>> config.weighting.reference_time
        '1970-01-01T00:00:00.000000Z'
        """
        if self.history_decay.uses_order and interactions.timestamps is None:
            raise no_timestamps("order the items of a user by", "leave history_decay out")
        config = replace(self, weighting=self.weighting.resolved(interactions))
        if config.recency is None:
            return config
        time = config.recency.resolved(interactions).reference_time
        return replace(config, popularity_reference_time=time)

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
        for name, (_, registry) in NAMED.items():
            if name in value:
                settings[name] = _named(registry, value[name], f"{place}: {name}")
        with at(place, ConfigError):
            return cls(**settings)

    def with_settings(self, settings: Mapping[str, object], place: str = "config") -> TrainConfig:
        """Return the configuration with some settings changed.

        Args:
            settings: JSON values by key, inside an object as ``weighting.k1``; names count first,
                whatever the order. Another name drops the parameters of the former, except those
                that each has, as ``half_life_days``.
            place: for messages about settings that do not fit together.

        Raises:
            SettingError: a key is unknown or a value breaks its rule.
            ConfigError: settings do not fit together.

        >>> changed = {"similarity.name": "tversky", "similarity.beta": 2}
        >>> TrainConfig().with_settings(changed).similarity
        Tversky(alpha=1.0, beta=2.0)
        """
        values: dict[str, Any] = self.to_json()
        for key in sorted(settings, key=lambda key: not key.endswith(".name")):
            part, _, name = key.rpartition(".")
            if part in NAMED and name == "name":
                values[part] = _renamed(part, values[part], settings[key])
            elif part in NAMED:
                registry = NAMED[part][1]
                rules = _rules(registry[values[part]["name"]])
                if name not in rules:
                    raise _unknown_parameter(part, values[part]["name"], rules, name)
                values[part][name] = _converted(rules[name], key, settings[key])
            elif key in (rules := _rules(type(self))):
                values[key] = _converted(rules[key], key, settings[key])
            else:
                raise _unknown_key(key, values)
        return self.from_json(values, place)


def _rules(cls: type[Any]) -> dict[str, Rule]:
    return {item.name: item.metadata["rule"] for item in fields(cls) if "rule" in item.metadata}


def _converted(rule: Rule, key: str, value: object) -> Any:
    try:
        return convert_value(rule, value, "", shorten_json)
    except ConfigError as error:
        raise SettingError(key, str(error).removeprefix(": "), error.hint) from None


def _renamed(part: str, former: Mapping[str, Any], name: object) -> dict[str, Any]:
    """Return the JSON object of another name, with what it shares with the former one."""
    base, registry = NAMED[part]
    if not isinstance(name, str) or name not in registry:
        fault = f"expected one of {', '.join(registry)}, got {shorten_json(name)}"
        raise SettingError(f"{part}.name", fault, nearest(name, registry))
    if name == former["name"]:
        return dict(former)
    return {"name": name} | {key: former[key] for key in _rules(base)}


def _unknown_parameter(part: str, owner: str, rules: Mapping[str, Rule], name: str) -> SettingError:
    known = ["name", *rules]
    expected = f"one of {', '.join(known)}" if rules else "name"
    fault = f"expected {expected}, as {part} {owner} has no other, got {shorten(name)}"
    others = [other for other, cls in NAMED[part][1].items() if name in _rules(cls)]
    near = nearest(f"{part}.{name}", [f"{part}.{one}" for one in known])
    hint = f"{name} belongs to {part} {' or '.join(others)}" if others else near
    return SettingError(f"{part}.{name}", fault, hint)


def _unknown_key(key: str, values: Mapping[str, Any]) -> SettingError:
    known = [f"{name}.name" if name in NAMED else name for name in values]
    inner = [
        f"{part}.{name}"
        for part, (_, registry) in NAMED.items()
        for name in dict.fromkeys(
            ["name", *(name for cls in registry.values() for name in _rules(cls))]
        )
    ]
    same = [one for one in inner if key in (one.partition(".")[0], one.partition(".")[2])]
    hint = f"did you mean {same[0]}?" if same else nearest(key, known + inner)
    return SettingError(key, f"expected one of {', '.join(known)}, got {shorten(key)}", hint)


def _refuse_unused(config: TrainConfig) -> None:
    """Raise ConfigError for a setting that would change nothing."""
    similarity = config.similarity
    for name, neutral in NEUTRAL.items():
        value = getattr(config, name)
        if value != neutral and not getattr(similarity, f"uses_{name}"):
            raise ConfigError(
                f"{name}: expected {neutral}, as {similarity.name} does not use it, got {value:g}",
                f"leave it out, or --set {name}={neutral}",
            )
    if similarity.binary and config.heavy_users.changes_weights_only:
        others = [name for name, way in HEAVY_USERS.items() if not way.changes_weights_only]
        raise ConfigError(
            f"heavy_users: expected one of {', '.join(others)}, as {similarity.name} counts "
            f"whatever the weights, got {config.heavy_users.name}",
            "--set heavy_users.name=sample leaves interactions of heavy users out of the counting",
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
        raise ConfigError(
            f"{place}: name: expected one of {', '.join(registry)}, got {got}",
            nearest(name, registry),
        )
    parameters = {key: item for key, item in value.items() if key != "name"}
    return parameters_from_json(registry[name], parameters, place)
