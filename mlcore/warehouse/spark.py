"""mlcore in a program that has a session of Spark: frames in, a model directory or frames out.

The session stays as it is: queries run in one beside it, with the same catalog and the same workers. It must
be a classic one: a session of Spark Connect sends no files to workers, and says nothing of its tasks.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

from mlcore.errors import DataError, shorten
from mlcore.evaluate.config import DEFAULT_EXTRA_USERS, ExtraUsers
from mlcore.files.options import PathLike
from mlcore.recommend.options import PredictOptions
from mlcore.warehouse.engines import Spark
from mlcore.warehouse.evaluate import EvaluationTables, evaluate_by_engine
from mlcore.warehouse.predict import (
    COLUMNS,
    Asked,
    check_options,
    model_on_workers,
    rank_on_workers,
)
from mlcore.warehouse.spark_kernel import why_not_compiled
from mlcore.warehouse.train import train_by_engine_from_path

__all__ = ["evaluate", "predict", "train"]


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
    with _named("interactions", interactions) as table, Spark() as engine:
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
        source: a session, for all users of the model; a frame with the column ``user_id``, for these;
            or one with ``item_id``, too, and perhaps ``weight`` and ``timestamp``: the events of any
            users.
        model_dir: on the driver. It must not change while the frame is in use.
        temp_directory: a folder that workers see, with the model in it; without one Spark sends the
            model, once to each worker.

    Raises:
        MlcoreError: a file or an option is faulty, or workers lack mlcore. What is wrong with a row is
            an error of Spark, when the frame is used.
    """
    check_options(options)
    is_session = hasattr(source, "_jsparkSession")
    if not is_session:
        _expect_frame("source", source)
    with Spark() as engine:
        if (reason := why_not_compiled(engine)) is not None:
            raise reason
        shared = model_on_workers(engine, model_dir, temp_directory)
        if is_session:
            asked = Asked("all users", source.range(0), "the model")
        else:
            kind: Literal["users", "events"] = "events" if "item_id" in source.columns else "users"
            asked = Asked(kind, engine.typed(COLUMNS[kind], kind, source), kind)
        return rank_on_workers(engine, asked, model_dir, shared, options)


def evaluate(
    predictions: Any,
    ground_truth: Any,
    cutoffs: Sequence[int],
    *,
    interactions: Any = None,
    extra_users: ExtraUsers = DEFAULT_EXTRA_USERS,
) -> dict[str, Any]:
    """Return what ``cli.evaluate --engine spark`` writes: numbers of users, and their mean metrics.

    Args:
        predictions: a frame as ``predict`` gives it, or the name of a table.
        ground_truth: likewise, with ``user_id`` and ``item_id``.
        cutoffs: list lengths n.
        interactions: likewise, of the training, for metrics over its catalogue; or None.
        extra_users: whether a list of a user without ground truth is an error or ignored.

    Raises:
        MlcoreError: as ``evaluate_by_engine_from_path``.
    """
    given = {"predictions": predictions, "ground_truth": ground_truth, "interactions": interactions}
    with ExitStack() as stack:
        engine = stack.enter_context(Spark())
        names = {
            name: None if one is None else stack.enter_context(_named(name, one))
            for name, one in given.items()
        }
        for one in given.values():
            if hasattr(one, "is_cached") and not one.is_cached:
                # Each query reads each several times, and lists would be made as often.
                stack.callback(one.persist().unpersist)
        tables = EvaluationTables(**names)  # type: ignore[arg-type]
        return evaluate_by_engine(engine, tables, cutoffs, extra_users)[0]


@contextmanager
def _named(name: str, source: Any) -> Iterator[str]:
    """Give what every session of the process calls a frame or a table.

    Raises:
        DataError: it is neither, or of Spark Connect.
    """
    if isinstance(source, str):
        yield source
        return
    _expect_frame(name, source)
    view = f"mlcore_{uuid.uuid4().hex}"
    source.createGlobalTempView(view)
    try:
        yield f"global_temp.{view}"
    finally:
        source.sparkSession.catalog.dropGlobalTempView(view)


def _expect_frame(name: str, source: Any) -> None:
    if not hasattr(source, "createGlobalTempView") or not hasattr(source, "_jdf"):
        raise DataError(
            f"{name}: expected a data frame of a classic session of Spark, got {shorten(source)}",
            "a session of Spark Connect cannot; SparkSession.builder.master(...) makes another",
        )
