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
    """A name, its configuration, the value of each metric, and what is known of differences."""

    name: str
    config: TrainConfig
    values: Mapping[str, float]
    tolerance: float
    note: str


@dataclass(frozen=True)
class PublishedTable:
    """The rows asked for, and the number of items of the data set."""

    rows: Sequence[PublishedRow]
    num_items: int


def read_table(path: Path, names: Sequence[str] = ()) -> PublishedTable:
    """Return the rows of a table.

    Args:
        path: a JSON object with ``metrics`` (such as ``recall@50``), ``tolerance``, ``num_items``,
            and ``rows``, each with ``name``, ``config`` and ``values``, one for each metric, and
            perhaps a ``tolerance`` of its own and a ``note``.
        names: keep the rows whose name contains one of these, in any case; if empty, all.

    Raises:
        ConfigError: a name fits no row, or the configuration of a row kept is not one of mlcore's.
        DataError: the file cannot be read or has another layout.
    """
    text = read_text(path)
    try:
        document = parse_json(text)
        metrics, common = document["metrics"], document["tolerance"]
        rows = [
            (
                str(row["name"]),
                row["config"],
                _values(metrics, row["values"]),
                float(row.get("tolerance", common)),
                str(row.get("note", "")),
            )
            for row in document["rows"]
        ]
        num_items = int(document["num_items"])
    except KeyError as error:
        raise DataError(f"{path}: expected the key {error}, got none") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise DataError(f"{path}: expected a published table, got {error}") from None
    chosen = _choose([name for name, *_ in rows], names)
    place = f"{path}: row"
    kept = [
        PublishedRow(
            name, TrainConfig.from_json(config, f"{place} {name!r}"), values, tolerance, note
        )
        for name, config, values, tolerance, note in rows
        if name in chosen
    ]
    return PublishedTable(kept, num_items)


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
