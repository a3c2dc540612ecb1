"""A published table as data: its rows, how each was trained, and its metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlcore import TrainConfig
from mlcore.errors import ConfigError, DataError
from mlcore.evaluate.metrics import USER_METRICS
from mlcore.files.inputs import read_text
from mlcore.jsontext import parse_json

__all__ = ["PublishedRow", "PublishedTable", "read_table"]


@dataclass(frozen=True)
class PublishedRow:
    """A name, its configuration, and the value of each metric."""

    name: str
    config: TrainConfig
    values: Mapping[str, float]


@dataclass(frozen=True)
class PublishedTable:
    """The rows asked for, the tolerance of values, and the number of items of the data set."""

    rows: Sequence[PublishedRow]
    tolerance: float
    num_items: int


def read_table(path: Path, names: Sequence[str] = ()) -> PublishedTable:
    """Return the rows of a table.

    Args:
        path: a JSON object with ``metrics`` (such as ``recall@50``), ``tolerance``, ``num_items``,
            and ``rows``, each with ``name``, ``config`` and ``values``, one for each metric.
        names: keep the rows whose name contains one of these, in any case; if empty, all.

    Raises:
        ConfigError: a name fits no row, or the configuration of a row kept is not one of mlcore's.
        DataError: the file cannot be read or has another layout.
    """
    text = read_text(path)
    try:
        document = parse_json(text)
        rows = [
            (str(row["name"]), row["config"], _values(document["metrics"], row["values"]))
            for row in document["rows"]
        ]
        tolerance, num_items = float(document["tolerance"]), int(document["num_items"])
    except KeyError as error:
        raise DataError(f"{path}: expected the key {error}, got none") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise DataError(f"{path}: expected a published table, got {error}") from None
    chosen = _choose([name for name, _, _ in rows], names)
    return PublishedTable(
        [
            PublishedRow(name, TrainConfig.from_json(config, f"{path}: row {name!r}"), values)
            for name, config, values in rows
            if name in chosen
        ],
        tolerance,
        num_items,
    )


def _values(metrics: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    for metric in metrics:
        name, _, cutoff = metric.partition("@")
        if name not in USER_METRICS or not cutoff.isdecimal():
            raise ValueError(f"the metric {metric!r}")
    if len(values) != len(metrics):
        raise ValueError(f"{len(values)} values of {len(metrics)} metrics")
    return dict(zip(metrics, map(float, values)))


def _choose(rows: Sequence[str], names: Sequence[str]) -> set[str]:
    chosen = set() if names else set(rows)
    for name in names:
        fitting = {row for row in rows if name.casefold() in row.casefold()}
        if not fitting:
            raise ConfigError(f"rows: expected a part of one of {', '.join(rows)}, got {name!r}")
        chosen |= fitting
    return chosen
