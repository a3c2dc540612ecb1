"""Search spaces: a JSON object that mirrors the configuration, with choices and ranges.

A value is a plain JSON value, which is fixed, or one of

    {"choice": [VALUE, ...]}                 one of them; objects may contain choices and ranges
    {"int": [LOW, HIGH]}                     both included; with "log": true or "step": N
    {"float": [LOW, HIGH]}                   likewise; with "log": true

Give settings that depend on each other together: the whole space may be a choice of spaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from mlcore.config import TrainConfig
from mlcore.errors import ConfigError, shorten_json
from mlcore.limits import MAX_SPACE
from mlcore.tune.dimensions import Dimension, Node, Options, Pick, parse_node

__all__ = ["DEFAULT_SPACE", "SampledConfig", "SearchSpace"]

# Without ease and slim, whose trials take much longer than all of these together.
DEFAULT_SPACE: dict[str, Any] = {
    "choice": [
        {
            "similarity": {
                "choice": [
                    {"name": "cosine"},
                    {"name": "asymmetric_cosine", "alpha": {"float": [0, 1]}},
                    {"name": "tversky", "alpha": {"float": [0, 2]}, "beta": {"float": [0, 2]}},
                ]
            },
            "weighting": {
                "choice": [
                    {"name": "none"},
                    {"name": "tf_idf", "smooth": True},
                    {
                        "name": "bm25",
                        "k1": {"float": [0.1, 10], "log": True},
                        "b": {"float": [0, 1]},
                        "smooth": True,
                    },
                ]
            },
            "num_neighbors": {"int": [10, 1000], "log": True},
            "shrinkage": {"choice": [0, {"float": [1, 1000], "log": True}]},
        },
        {
            "similarity": {
                "choice": [
                    {"name": "p3alpha", "alpha": {"float": [0, 2]}},
                    {"name": "rp3beta", "alpha": {"float": [0, 2]}, "beta": {"float": [0, 2]}},
                ]
            },
            "num_neighbors": {"int": [10, 1000], "log": True},
        },
    ]
}


class SampledConfig(NamedTuple):
    """One configuration of a space.

    Attributes:
        params: picked values by name, such as ``similarity.choice[1].alpha``; for a choice its
            position, from 0.
        dimensions: of each, by the same names.
        config: as JSON; missing keys take their defaults.
    """

    params: dict[str, int | float]
    dimensions: dict[str, Dimension]
    config: dict[str, Any]


@dataclass(frozen=True)
class SearchSpace:
    """Configurations to search; ``source`` is their JSON value.

    Attributes:
        uses_order: whether one has a similarity that does.

    >>> space = SearchSpace.from_json({"num_neighbors": {"int": [10, 200]}})
    >>> space.replay({"num_neighbors": 50}).config
    {'num_neighbors': 50}
    """

    source: Any
    _root: Node
    uses_order: bool = False

    @classmethod
    def from_json(cls, value: Any, place: str = "space") -> SearchSpace:
        """Return the space that a parsed JSON value describes, its boundary configs validated.

        Each choice and both ends of each range must give a valid configuration, together with each
        choice and both ends of every other setting.

        Raises:
            ConfigError: a key is unknown, a bound is wrong, or a configuration is invalid; the
                message begins with ``place``.

        >>> SearchSpace.from_json({"shrinkage": {"float": [-1, 1]}}, "space.json")
        Traceback (most recent call last):
        ...
        mlcore.errors.ConfigError: space.json: shrinkage: expected a finite number >= 0, got -1.0
        """
        root, uses_order = parse_node(value, place), False
        for number, (config, choices) in enumerate(root.boundaries(())):
            if number == MAX_SPACE:
                raise ConfigError(
                    f"{place}: expected at most {MAX_SPACE} pairs of choices and ends of ranges, got "
                    "more",
                    "ranges have two ends, however wide: name fewer choices",
                )
            uses_order |= _check(config, choices, place).similarity.uses_order
            if config.get("aggregate", "sum") != "sum":
                raise ConfigError(
                    f"{place}: aggregate: expected 'sum', as all trials share the interactions, "
                    f"got {shorten_json(config['aggregate'])}",
                    "cli.preprocess --aggregate combines rows beforehand",
                )
        space = cls(value, root, uses_order)
        if not space.sample(lambda name, dimension: dimension.validate(_least(dimension))).params:
            raise ConfigError(
                f"{place}: expected at least one choice, int or float, got fixed values only"
            )
        return space

    def sample(self, pick: Pick) -> SampledConfig:
        """Return one configuration; ``pick`` returns the value of each dimension it reaches."""
        params: dict[str, int | float] = {}
        dimensions: dict[str, Dimension] = {}

        def record(name: str, dimension: Dimension) -> int | float:
            dimensions[name] = dimension
            params[name] = dimension.validate(pick(name, dimension))
            return params[name]

        config = self._root.build(record, "")
        return SampledConfig(params, dimensions, config)

    def replay(self, params: Mapping[str, Any]) -> SampledConfig:
        """Return the configuration of the ``params`` of an earlier sample.

        Raises:
            ConfigError: they are not of this space.
        """
        try:
            sample = self.sample(lambda name, dimension: dimension.validate(params[name]))
        except (KeyError, ValueError):
            sample = None
        if sample is None or sample.params.keys() != params.keys():
            raise ConfigError(
                f"params: expected values of the space, got {shorten_json(dict(params))}"
            )
        return sample


def _least(dimension: Dimension) -> int | float:
    return 0 if isinstance(dimension, Options) else dimension.low


def _check(config: Any, choices: Mapping[tuple[str, ...], str], place: str) -> TrainConfig:
    try:
        return TrainConfig.from_json(config, "")
    except ConfigError as error:
        raise ConfigError(
            _located(str(error).removeprefix(": "), choices, place),
            _hint(config) or error.hint,
        ) from None


def _located(text: str, choices: Mapping[tuple[str, ...], str], place: str) -> str:
    """Return the message with the choices on the way to its setting."""
    path: tuple[str, ...] = ()
    place += choices.get(path, "")
    key, colon, rest = text.partition(": ")
    while colon and key.isidentifier():
        path, text = (*path, key), rest
        place += f": {key}{choices.get(path, '')}"
        key, colon, rest = text.partition(": ")
    return f"{place}: {text}"


def _hint(config: Any) -> str | None:
    """Return a hint if each setting is valid alone but two of them conflict."""
    if not isinstance(config, Mapping) or "similarity" not in config:
        return None
    for key, value in config.items():
        try:
            # Not with the default, which does not use each setting.
            TrainConfig.from_json({"similarity": {"name": "cosine"}, key: value})
        except ConfigError:
            return None
    return (
        "give settings that depend on each other together: the whole space may be "
        '{"choice": [SPACE, SPACE]}'
    )
