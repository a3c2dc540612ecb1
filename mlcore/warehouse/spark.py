"""mlcore in a program that has a session of Spark: frames in, a model directory or frames out.

The session stays as it is: queries run in one beside it, with the same catalog and the same workers. It must
be a classic one: a session of Spark Connect sends no files to workers, and says nothing of its tasks.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mlcore.errors import DataError, shorten
from mlcore.files.options import PathLike
from mlcore.warehouse.engines import Spark
from mlcore.warehouse.train import train_by_engine_from_path

__all__ = ["train"]


def train(interactions: Any, config: Any, out_dir: PathLike, **options: Any) -> str:
    """Train on a data frame, write the model directory; return a summary.

    Args:
        interactions: a frame with the columns ``user_id``, ``item_id`` and perhaps ``weight`` and
            ``timestamp``, of the types of ``sql/read_interactions.sql``; or the name of a table.
        config: see ``train_by_engine_from_path``, as for the other options.
        out_dir: on the driver.

    Raises:
        MlcoreError: as ``train_by_engine_from_path``.
    """
    with opened(interactions) as (engine, table):
        return train_by_engine_from_path(engine, table, config, out_dir, **options)


@contextmanager
def opened(source: Any) -> Iterator[tuple[Spark, str]]:
    """Give an engine beside the session of this process, and what it calls a frame or a table.

    Raises:
        DataError: it is neither, or of Spark Connect.
    """
    if isinstance(source, str):
        with Spark() as engine:
            yield engine, source
        return
    if not hasattr(source, "createGlobalTempView") or not hasattr(source, "_jdf"):
        raise DataError(
            f"interactions: expected a data frame of a classic session of Spark, got {shorten(source)}",
            "a session of Spark Connect cannot; SparkSession.builder.master(...) makes another",
        )
    name = f"mlcore_{uuid.uuid4().hex}"
    with Spark() as engine:
        # Such views are seen by all sessions of a process; the frame belongs to another one.
        source.createGlobalTempView(name)
        try:
            yield engine, f"global_temp.{name}"
        finally:
            source.sparkSession.catalog.dropGlobalTempView(name)
