"""Options of the engines. Loads no numpy and no engine, for the help of commands."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from mlcore.errors import ConfigError
from mlcore.warehouse.engines.bigquery_names import check_dataset, check_labels

__all__ = ["BigQueryOptions", "DuckDbOptions", "EngineOptions", "SparkOptions"]


@dataclass(frozen=True)
class DuckDbOptions:
    """How much of this machine DuckDB may use. Changes speed and memory only.

    Attributes:
        threads: None for one a core.
        memory_limit: bytes; None for three quarters of what is free.
        temp_directory: of the folder to spill to, which is removed at the end; None for the system's
            temporary directory.
    """

    threads: int | None = None
    memory_limit: int | None = None
    temp_directory: str | None = None


@dataclass(frozen=True)
class SparkOptions:
    """Where Spark runs. Changes speed and memory only.

    Attributes:
        master: ``local[*]`` (this machine, all cores), ``local[2]``, or a cluster such as
            ``spark://host:7077``, ``yarn``, ``k8s://...``. If this process has a session of Spark,
            ``master`` is ignored, and so is ``conf`` except ``spark.sql.*``.
        conf: settings of Spark by name, such as ``spark.driver.memory``. On a cluster
            ``spark.driver.host`` must be an address of this machine that the workers reach.
        log: a file to append the log of Spark to, or None.
    """

    master: str = "local[*]"
    conf: Mapping[str, str] = field(default_factory=dict)
    log: str | None = None


@dataclass(frozen=True)
class BigQueryOptions:
    """Where queries run and what they may cost. Changes no result.

    Attributes:
        project: that is billed; None for that of the credentials.
        dataset: ``DATASET`` or ``PROJECT.DATASET``, to load files into for the run.
        location: of the data, as ``EU``; None lets BigQuery find it.
        maximum_bytes_billed: refuse a query that would bill more; None for no limit.
        labels: of all jobs, besides ``tool`` and ``query``.
        dollars_per_tib: the price of 2^40 bytes on demand; the default is the public list price.
    """

    project: str | None = None
    dataset: str | None = None
    location: str | None = None
    maximum_bytes_billed: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    dollars_per_tib: float = 6.25

    def __post_init__(self) -> None:
        if self.dataset is not None:
            check_dataset(self.dataset)
        limit = self.maximum_bytes_billed
        if limit is not None and limit < 1:
            raise ConfigError(f"maximum_bytes_billed: expected an integer >= 1, got {limit}")
        if not 0 <= self.dollars_per_tib < math.inf:
            raise ConfigError(
                f"dollars_per_tib: expected a number >= 0, got {self.dollars_per_tib}"
            )
        check_labels(self.labels)


EngineOptions: TypeAlias = BigQueryOptions | DuckDbOptions | SparkOptions
