"""The options that choose an engine, shared by the commands that run queries."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mlcore.errors import ConfigError
from mlcore.warehouse.engines import BigQueryOptions, DuckDbOptions, SparkOptions, open_engine

if TYPE_CHECKING:
    from mlcore.warehouse.engines import Engine

__all__ = ["ENGINES", "EngineArgs", "add_engine_options", "parse_pair"]

ENGINES = ("duckdb", "spark", "bigquery")
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([KMGT]i?B|B)?")
_OF_ENGINE = {
    "duckdb": ("memory_limit", "temp_directory"),
    "spark": ("master", "spark_conf"),
    "bigquery": (
        *("project", "dataset", "location"),
        *("maximum_bytes_billed", "dollars_per_tib", "label"),
    ),
}


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

    def check_engine_options(self) -> None:
        """Refuse an option of another engine than the one that was asked for."""
        for engine, names in _OF_ENGINE.items():
            given = [name for name in names if getattr(self, name) not in (None, [])]
            if given and engine != self.engine:
                flag = "--" + given[0].replace("_", "-")
                raise ConfigError(
                    f"{flag}: expected --engine {engine}, got {self.engine or 'no --engine'}"
                )
        if self.engine in ("spark", "bigquery") and self.threads is not None:
            raise ConfigError(f"--threads: expected --engine duckdb with it, got {self.engine}")

    def open_engine(self) -> Engine:
        """Return the engine that was asked for."""
        self.check_engine_options()
        if self.engine == "duckdb":
            return open_engine(DuckDbOptions(self.threads, self.memory_limit, self.temp_directory))
        if self.engine == "spark":
            conf = dict(self.spark_conf)
            return open_engine(SparkOptions(conf=conf, **_given(master=self.master)))
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
    """Return the options that were given; the others have the defaults of the engine."""
    return {name: value for name, value in values.items() if value is not None}


def parse_pair(text: str) -> tuple[str, str]:
    """Return the two sides of ``name=value``."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, got {text!r}")
    return name, value


def parse_size(text: str) -> int:
    """Return the bytes that a size such as ``4GiB`` or ``400MB`` stands for."""
    found = _SIZE.fullmatch(text)
    if found is None or not float(found[1]):
        raise argparse.ArgumentTypeError(f"expected a size such as 4GiB, got {text!r}")
    unit = found[2] or "B"
    base = 1024 if "i" in unit else 1000
    return math.floor(float(found[1]) * float(base ** "BKMGT".index(unit[0])))


def add_engine_options(parser: Any, *, default: str | None) -> None:
    """Add ``--engine`` and the options of each engine, but for ``--threads``.

    Args:
        parser: gets a group of its own for them.
        default: the engine if none is named; None for none.
    """
    group = parser.add_argument_group("engine")
    group.add_argument(
        "--engine",
        choices=ENGINES,
        default=default,
        help=f"where queries run (default: {default})" if default else "run sql/*.sql there",
    )
    group.add_argument(
        "--memory-limit",
        type=parse_size,
        metavar="SIZE",
        help="duckdb: such as 4GiB (default: three quarters of what is free)",
    )
    group.add_argument(
        "--temp-directory", metavar="DIR", help="duckdb: where what does not fit into memory goes"
    )
    group.add_argument(
        "--master", metavar="URL", help="spark: such as spark://host:7077 (default: local[*])"
    )
    group.add_argument(
        "--spark-conf",
        type=parse_pair,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="spark: a setting; may be given several times",
    )
    group.add_argument("--project", metavar="ID", help="bigquery: who is billed")
    group.add_argument(
        "--dataset", metavar="NAME", help="bigquery: where files are loaded to for the run"
    )
    group.add_argument("--location", metavar="NAME", help="bigquery: such as EU")
    group.add_argument(
        "--maximum-bytes-billed",
        type=parse_size,
        metavar="SIZE",
        help="bigquery: refuse a query that would bill more, such as 10GiB",
    )
    group.add_argument(
        "--dollars-per-tib",
        type=float,
        metavar="X",
        help=f"bigquery: for estimates (default: {BigQueryOptions().dollars_per_tib:g})",
    )
    group.add_argument(
        "--label",
        type=parse_pair,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="bigquery: of the jobs; may be given several times",
    )
