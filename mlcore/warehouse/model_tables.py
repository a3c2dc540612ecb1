"""Tables and parameters that a query gets from a model: its neighbors and histories, and its rule.

The rule is what turns events into a history: the parameters come from the configuration, ``items`` and
``length_factors`` are what the weighting took of the training.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore.artifact import HistoryRule, Model
from mlcore.artifact.manifest import NORMALIZATION_FILES
from mlcore.errors import ConfigError
from mlcore.files.options import PathLike
from mlcore.ids import IdMap
from mlcore.numeric.csr import check_rows, check_values
from mlcore.numeric.ranges import row_blocks
from mlcore.times import parse_rfc_3339
from mlcore.types import CsrMatrix, Float64Array
from mlcore.warehouse.query import Column, Query, Value
from mlcore.warehouse.rows import Rows, column_array, num_rows
from mlcore.weighting import BM25

__all__ = ["MODEL_TABLES", "ModelTables"]

MODEL_TABLES: dict[str, tuple[Column, ...]] = {
    "neighbors": (
        Column("item_id", "STRING"),
        Column("neighbor_id", "STRING"),
        Column("similarity", "FLOAT64"),
    ),
    "histories": (
        Column("user_id", "STRING"),
        Column("item_id", "STRING"),
        Column("weight", "FLOAT64"),
    ),
    "items": (Column("item_id", "STRING"), Column("norm", "FLOAT64")),
    "length_factors": (Column("num_items", "INT64"), Column("factor", "FLOAT64")),
}
_OF_RULE = ("aggregate", "weighting", "k1", "half_life_days", "now")
_MICROSECONDS = 1_000_000
_ROWS_PER_PART = 2**16


class ModelTables:
    """What a model has for one query.

    Args:
        tables: of the query that come from elsewhere.
        params: likewise.

    Raises:
        ArtifactError: the model is faulty.
        ConfigError: the query reads no table that a model has, or other columns of one; the model has
            no rule where the query takes it; or it decays histories by their order, as no query does.

    Attributes:
        place: the directory.
        names: of the tables that the model gives.
        params: that it gives.
    """

    def __init__(
        self,
        model_dir: PathLike,
        query: Query,
        tables: Container[str] = (),
        params: Container[str] = (),
    ) -> None:
        if query.reads.keys().isdisjoint(MODEL_TABLES):
            raise ConfigError(
                f"{query.place}: model_dir: expected a query that reads some of "
                f"{', '.join(MODEL_TABLES)}, got one that reads {', '.join(query.reads) or 'none'}"
            )
        self._model, self.place = Model.load(model_dir), model_dir
        _refuse_decay(self._model, model_dir)
        found = _tables_of(self._model)
        self.names = [table for table in query.reads if table in found and table not in tables]
        for table in self.names:
            _check_columns(query, table, found[table])
        wanted = [name for name in _OF_RULE if name in query.parameters and name not in params]
        self.params: dict[str, Value] = {}
        if wanted or "length_factors" in self.names:
            of_rule = _rule_params(_rule_of(self._model, model_dir))
            self.params = {name: of_rule[name] for name in wanted if name in of_rule}

    def parts(self, table: str, columns: Sequence[Column]) -> Iterator[Rows]:
        """Yield the rows of a table.

        Args:
            columns: those that the query reads; what the model lacks has its default or is NULL.

        Raises:
            IdMapError: the ids are faulty.
            CsrError: a stored index points to no item, or a stored value is not finite.
        """
        for part in self._parts(table):
            yield {
                column.name: (
                    part[column.name]
                    if column.name in part
                    else column_array(column, [column.default] * num_rows(part))
                )
                for column in columns
            }

    def _parts(self, table: str) -> Iterator[Rows]:
        model = self._model
        model.check_files()
        if table == "neighbors":
            yield from _entries(table, model.similarity, model.items, model.items, "similarity.npz")
        elif table == "histories":
            assert model.users is not None and model.histories is not None
            yield from _entries(table, model.histories, model.users, model.items, "histories.npz")
        elif table == "items":
            norms = self._normalization("item_norms")
            norm = {} if norms is None else {"norm": norms}
            yield {"item_id": np.array(model.items.ids, object), **norm}
        else:
            factors = self._normalization("length_factors")
            if factors is not None:
                yield {"num_items": np.arange(1, len(factors) + 1), "factor": factors}

    def _normalization(self, part: str) -> Float64Array | None:
        found: Float64Array | None = getattr(self._model.normalization, part, None)
        if found is not None:
            file, array = NORMALIZATION_FILES[part]
            check_values(found, file, array)
        return found


def _entries(
    table: str, matrix: CsrMatrix, rows: IdMap, columns: IdMap, file: str
) -> Iterator[Rows]:
    check_rows(matrix, file, weights=table == "histories")
    names = [column.name for column in MODEL_TABLES[table]]
    row_ids, column_ids = np.array(rows.ids, object), np.array(columns.ids, object)
    for begin, end in row_blocks(matrix.indptr, _ROWS_PER_PART, _ROWS_PER_PART):
        span = slice(matrix.indptr[begin], matrix.indptr[end])
        lengths = np.diff(matrix.indptr[begin : end + 1])
        cells: tuple[npt.NDArray[Any], ...] = (
            np.repeat(row_ids[begin:end], lengths),  # (P,) of the block
            column_ids[matrix.indices[span]],
            matrix.data[span].astype(np.float64),
        )
        yield dict(zip(names, cells))


def _refuse_decay(model: Model, place: PathLike) -> None:
    decay = model.config_json.get("history_decay")
    name = decay.get("name") if isinstance(decay, Mapping) else None
    if name not in (None, "none"):
        raise ConfigError(
            f"{place}: history_decay: expected none, as queries weigh by no order, got {name}",
            "cli.predict --histories applies it",
        )


def _tables_of(model: Model) -> dict[str, tuple[Column, ...]]:
    tables = dict(MODEL_TABLES)
    if model.histories is None:
        del tables["histories"]
    if model.normalization is None or model.normalization.item_norms is None:
        tables["items"] = tables["items"][:1]
    return tables


def _check_columns(query: Query, table: str, found: Sequence[Column]) -> None:
    types = {column.name: column.type for column in found}
    for column in query.reads[table]:
        can_lack = column.nullable or column.default is not None
        if types.get(column.name, column.type if can_lack else None) != column.type:
            has = ", ".join(f"{name} {type_}" for name, type_ in types.items())
            raise ConfigError(
                f"{query.place}: {table}: expected columns that the model has ({has}), "
                f"got {column.name} {column.type}",
                f"--table {table}=FILE names a table of others",
            )


def _rule_of(model: Model, place: PathLike) -> HistoryRule:
    if model.history_rule is None:
        raise ConfigError(
            f"{place}: history_rule: expected a model with it, as the query weighs events, got none",
            "mlcore 0.2 or before wrote the model, for final weights; train it anew for events",
        )
    return model.history_rule


def _rule_params(rule: HistoryRule) -> dict[str, Value]:
    """Return the parameters of a rule; those without effect keep the defaults of the query."""
    weighting = rule.weighting
    params: dict[str, Value] = {"aggregate": rule.aggregate, "weighting": weighting.name}
    if isinstance(weighting, BM25):
        params["k1"] = weighting.k1
    if weighting.half_life_days is not None and weighting.reference_time is not None:
        params["half_life_days"] = weighting.half_life_days
        params["now"] = parse_rfc_3339(weighting.reference_time) / _MICROSECONDS
    return params
