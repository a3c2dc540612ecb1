"""Options of the commands that run queries: which engine, and how to open it."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from cli.console import TerminalProgress
from cli.options import flag, pairs, with_default
from mlcore.errors import ConfigError
from mlcore.warehouse.engines import BigQueryOptions, DuckDbOptions, SparkOptions, open_engine

if TYPE_CHECKING:
    from mlcore.warehouse.engines import Engine

__all__ = ["EngineArgs", "add_engine_options"]

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT]i?B|B)?")


class EngineArgs(argparse.Namespace):
    """Options of every command that runs queries."""

    engine: str | None
    threads: int | None
    memory_limit: int | None
    temp_directory: str | None
    master: str | None
    spark_conf: list[tuple[str, str]]
    project: str | None
    dataset: str | None
    location: str | None
    maximum_bytes_billed: int | None
    dollars_per_tib: float | None
    label: list[tuple[str, str]]

    # Options that a command takes with other engines, too, or without one.
    also: ClassVar[Mapping[str, Sequence[str | None]]] = {}

    def check_engine_options(self) -> None:
        """Refuse an option of an engine other than the one asked for."""
        for engine, names in _OPTIONS.items():
            given = [name for name in names if getattr(self, name, None) not in (None, [])]
            given = [name for name in given if self.engine not in self.also.get(name, ())]
            if given and engine != self.engine:
                got = self.engine or "no --engine"
                raise ConfigError(f"{flag(given[0])}: expected --engine {engine}, got {got}")
        if self.engine in ("spark", "bigquery") and self.threads is not None:
            raise ConfigError(f"--threads: expected --engine duckdb with it, got {self.engine}")

    def open_engine(self, progress: TerminalProgress) -> Engine:
        """Return the engine asked for, opened."""
        self.check_engine_options()
        if self.engine == "duckdb":
            return open_engine(DuckDbOptions(self.threads, self.memory_limit, self.temp_directory))
        if self.engine == "spark":
            conf = dict(self.spark_conf)
            options = SparkOptions(conf=conf, **_given(master=self.master))
            return open_engine(options, progress)
        return open_engine(
            BigQueryOptions(
                project=self.project,
                dataset=self.dataset,
                location=self.location,
                maximum_bytes_billed=self.maximum_bytes_billed,
                labels=dict(self.label),
                **_given(dollars_per_tib=self.dollars_per_tib),
            )
        )


def _given(**values: Any) -> Mapping[str, Any]:
    """Return the options given; the engine has the defaults of the others."""
    return {name: value for name, value in values.items() if value is not None}


def parse_size(text: str) -> int:
    """Return the bytes of a size such as ``4GiB`` or ``400MB``."""
    found = _SIZE.fullmatch(text)
    if found is None or not float(found[1]):
        raise argparse.ArgumentTypeError(f"expected a size such as 4GiB, got {text!r}")
    unit = found[2] or "B"
    base = 1024 if "i" in unit else 1000
    return math.floor(float(found[1]) * float(base ** "BKMGT".index(unit[0])))


# What argparse must know of the options of each engine.
_OPTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "duckdb": {
        "memory_limit": {
            "type": parse_size,
            "metavar": "SIZE",
            "help": "such as 4GiB (default: three quarters of free memory)",
        },
        "temp_directory": {"metavar": "DIR", "help": "for what does not fit into memory"},
    },
    "spark": {
        "master": {
            "metavar": "URL",
            "help": with_default("such as spark://host:7077", SparkOptions.master),
        },
        "spark_conf": {**pairs(), "help": "a setting; may be repeated"},
    },
    "bigquery": {
        "project": {"metavar": "ID", "help": "the project to bill"},
        "dataset": {"metavar": "NAME", "help": "where to load files for the run"},
        "location": {"metavar": "NAME", "help": "such as EU"},
        "maximum_bytes_billed": {
            "type": parse_size,
            "metavar": "SIZE",
            "help": "such as 10GiB; refuse a query that would bill more",
        },
        "dollars_per_tib": {
            "type": float,
            "metavar": "X",
            "help": with_default("for estimates", f"{BigQueryOptions.dollars_per_tib:g}"),
        },
        "label": {**pairs(), "help": "of the jobs; may be repeated"},
    },
}


def add_engine_options(
    parser: Any, *, default: str | None, engines: Sequence[str] = tuple(_OPTIONS)
) -> Any:
    """Add a group with ``--engine`` and the options of each engine, except ``--threads``; return it.

    Args:
        default: the engine if none is named; None for none.
        engines: those that the command knows.
    """
    group = parser.add_argument_group("engine")
    group.add_argument(
        "--engine",
        choices=list(engines),
        default=default,
        help=with_default("where queries run" if default else "run sql/*.sql there", default),
    )
    for engine in engines:
        for name, known in _OPTIONS[engine].items():
            group.add_argument(flag(name), **known | {"help": f"{engine}: {known['help']}"})
    return group
