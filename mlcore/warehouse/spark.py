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
from mlcore.recommend.options import PredictOptions
from mlcore.warehouse.engines import Spark
from mlcore.warehouse.predict import model_on_workers, rank_on_workers
from mlcore.warehouse.spark_kernel import why_not_compiled
from mlcore.warehouse.train import train_by_engine_from_path

__all__ = ["predict", "train"]


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


def predict(
    source: Any,
    model_dir: PathLike,
    options: PredictOptions = PredictOptions(),
    *,
    temp_directory: PathLike | None = None,
) -> Any:
    """Return a data frame of lists in rows, which the workers make when it is used.

    Its columns are those of ``cli.predict --out lists.parquet``: ``user_id``, ``item_id``, ``rank``,
    ``score`` and ``source``.

    Args:
        source: a frame with the column ``user_id``: the users of the model to recommend to, each once;
            with ``item_id`` and perhaps ``weight`` and ``timestamp``, in seconds, the events of any users.
        model_dir: on the driver.
        temp_directory: a folder that workers see, with the model in it; without one Spark sends the
            model, once to each worker.

    Raises:
        MlcoreError: a file or an option is faulty, or workers lack mlcore. What is wrong with a row is
            an error of Spark, when the frame is used.
    """
    kind = "events" if "item_id" in getattr(source, "columns", ()) else "users"
    with opened(source) as (engine, _):
        if (reason := why_not_compiled(engine)) is not None:
            raise reason
        place = model_on_workers(engine, model_dir, temp_directory)
        if kind == "events":
            columns = {"weight": "1D", "timestamp": "CAST(NULL AS BIGINT)"}
            more = [
                f"{sql} AS {name}" for name, sql in columns.items() if name not in source.columns
            ]
            source = source.selectExpr("*", *more)
            source = source.select("user_id", "item_id", "weight", "timestamp")
        return rank_on_workers(engine, source, kind, model_dir, place, options)


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
