"""Runs of one query, from files or tables to a file or a table, with a line of lineage each."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TextIO, cast

from mlcore.errors import DataError, shorten
from mlcore.files.clobber import refuse_clobber
from mlcore.files.formats import find_row_format
from mlcore.files.options import Format, InputOptions, PathLike
from mlcore.files.outputs import open_outputs
from mlcore.files.parts import Kind, kind_of
from mlcore.interrupts import note_stream, note_written
from mlcore.printable import printable
from mlcore.progress import Progress, no_progress
from mlcore.warehouse.engines import Engine
from mlcore.warehouse.folders import check_partition, is_folder, replaced_parts, write_parts
from mlcore.lineage import (
    BUNDLED_QUERIES,
    LINEAGE_NAME,
    Dataset,
    Fingerprint,
    QueryRecord,
    append,
    appended,
    check_appendable,
    describe_file,
    describe_input,
)
from mlcore.warehouse.model_tables import MODEL_TABLES, ModelTables
from mlcore.warehouse.query import Query, Value, find_query
from mlcore.warehouse.rows import write_rows
from mlcore.warehouse.tables import (
    check_readable,
    is_file,
    is_parquet_table,
    is_remote,
    local_path,
    provide_table,
)

__all__ = ["SqlRun", "estimate_sql_from_path", "run_sql_from_path"]

_MOST_ROUNDS = 1000


@dataclass(frozen=True)
class SqlRun:
    """A query with its tables and parameters.

    Attributes:
        query: the path of its file, or the name of a bundled one; see ``find_query``.
        tables: for each table that it reads a file, a URI, or what the engine calls a table.
        params: values, or texts that spell them, by name; others have their defaults.
        until_stable: run it on its own result until the number of rows no longer changes.
        input_options: of files; names of columns are those of the query.
        model_dir: a model that gives tables and parameters which are not given; see ``ModelTables``.
    """

    query: PathLike
    tables: Mapping[str, PathLike]
    params: Mapping[str, Value] = field(default_factory=dict)
    until_stable: bool = False
    input_options: InputOptions = InputOptions()
    model_dir: PathLike | None = None

    def __post_init__(self) -> None:
        tables = {name: local_path(place) for name, place in self.tables.items()}
        object.__setattr__(self, "tables", tables)

    def inputs(self) -> dict[str, PathLike | None]:
        """Return the places of the tables, by their options."""
        tables = {f"--table {table}": place for table, place in self.tables.items()}
        return {**tables, "--model-dir": self.model_dir}

    def checked(self) -> CheckedRun:
        """Return the query with all that it needs.

        Raises:
            DataError: the query is faulty, a table or a parameter is missing, unknown or wrong.
            ConfigError, ArtifactError: as ``ModelTables``.
        """
        query = find_query(self.query)
        unknown = [table for table in self.tables if table not in query.reads]
        if unknown:
            raise _other_table(query, shorten(unknown[0]))
        model = None
        if self.model_dir is not None:
            model = ModelTables(self.model_dir, query, self.tables, self.params)
        names = [*self.tables, *(() if model is None else model.names)]
        missing = [table for table in query.reads if table not in names]
        if missing:
            raise _other_table(query, f"no {missing[0]}", _hint_at_table(missing[0], model))
        if self.until_stable and not (query.is_repeatable and query.table in query.reads):
            raise DataError(
                f"{query.place}: repeat: expected a query that says 'repeat: until stable' and reads "
                f"the table it writes, {query.table}, got another"
            )
        params = {**({} if model is None else model.params), **self.params}
        return CheckedRun(query, query.values(params), query.recorded(params), model)


class CheckedRun(NamedTuple):
    """What ``SqlRun.checked`` found.

    Attributes:
        values: of all parameters, as the engine gets them.
        recorded: the same as they can be given again.
        model: gives what ``SqlRun`` has not, or None.
    """

    query: Query
    values: Mapping[str, Value]
    recorded: Mapping[str, Value]
    model: ModelTables | None


def _other_table(query: Query, got: str, hint: str | None = None) -> DataError:
    expected = ", ".join(query.reads) or "none"
    return DataError(f"{query.place}: table: expected {expected}, got {got}", hint)


def _hint_at_table(missing: str, model: ModelTables | None) -> str:
    hint = f"--table {missing}=FILE names one"
    if missing in MODEL_TABLES and model is None:
        hint += ", --model-dir DIR takes that of a model"
    return hint


def run_sql_from_path(
    engine: Engine,
    run: SqlRun,
    *,
    out_path: PathLike | None = None,
    out_table: str | None = None,
    append: bool = False,
    partition_by: str | None = None,
    lineage_path: PathLike | None = None,
    progress: Progress = no_progress,
) -> str:
    """Run a query, write its rows and the line of their lineage; return a summary.

    Rows go into a file in the order of the query's header, so the same inputs give the same bytes.
    The line is written before the file gets its name: no file lacks its line.

    Args:
        out_path: ``.csv`` or ``.jsonl``, perhaps ``.gz``, or ``-``; or a folder of Parquet, by a slash
            at its end or because it is one. What is there is replaced, unless ``append``.
        out_table: what the engine calls the table of the result. Give one of both.
        append: keep what a folder or a table has, and add the rows.
        partition_by: the column whose values name folders within the folder, or by which the engine
            partitions the table; None for no partitions.
        lineage_path: gets the line; None for ``lineage.jsonl`` in the current folder.

    Raises:
        DataError: query, table, parameter, file or output are faulty, or the engine refuses.
    """
    query, values, recorded, model = run.checked()
    engine.check(query)
    lineage = _default_log() if lineage_path is None else lineage_path
    check_appendable(lineage)  # before the work, not after it
    refuse_clobber(lineage, run.inputs())
    names = [column.name for column in query.writes]
    if (out_path is None) == (out_table is None):
        raise DataError("out: expected a file or a table for the result, got both or neither")
    check_partition(query.writes, partition_by, query.place)
    out_path = None if out_path is None else local_path(out_path)
    if out_path is not None and is_remote(out_path):
        raise DataError(
            f"{out_path}: expected a path of this machine, got an address",
            "--out-table writes where the engine does; or write a folder and copy it",
        )
    if out_path is not None and not is_folder(out_path) and (append or partition_by):
        option = "partition" if partition_by else "append"
        raise DataError(
            f"{out_path}: {option}: expected a folder, with a slash at its end, or a table, got a file"
        )
    if out_path is None:
        assert out_table is not None
        inputs = _provide(engine, query, run, model, progress)
        rounds = _iterate_to_fixpoint(engine, query, values, run, progress)
        note_stream()
        count, statistics = engine.store(
            query, values, out_table, progress, append=append, partition=partition_by
        )
        statistics = {**statistics, **({"appended": True} if append else {})}
        note_written(out_table)
        output = Dataset.of_stored(out_table, names, count)
        statistics = {**rounds, **statistics}
        record = _record(engine, query, recorded, inputs, output, statistics, lineage)
        _append_line(lineage, record, out_table)
        return f"{query.name}: {count} rows in {printable(out_table)}"
    if is_folder(out_path):
        return _into_folder(engine, run, Path(out_path), append, partition_by, lineage, progress)
    format = _format_of(out_path, run.input_options.format)
    _refuse_same(out_path, {"lineage": lineage, "query": query.path})

    def add_line(hidden: object) -> AbstractContextManager[None]:
        record = _record(engine, query, recorded, inputs, output, statistics, lineage)
        return appended(lineage, [record])

    with open_outputs(out_path, inputs=run.inputs(), on_written=add_line) as (stream,):
        inputs = _provide(engine, query, run, model, progress)
        rounds = _iterate_to_fixpoint(engine, query, values, run, progress)
        result = engine.run(query, values, progress=progress)
        fingerprint = Fingerprint()
        written = cast(TextIO, _Watched(stream, fingerprint))
        count = write_rows(written, result.columns, result.parts, out_path, format)
        output = Dataset.of_file(out_path, format, fingerprint.facts(), names, count)
        statistics = {**rounds, **result.statistics}
    return f"{query.name}: {count} rows"


def _append_line(lineage: PathLike, record: QueryRecord, written: str) -> None:
    try:
        append(lineage, record)
    except DataError as error:
        raise DataError(f"{error}; written: {written}", error.hint) from error


def _into_folder(
    engine: Engine,
    run: SqlRun,
    out_path: Path,
    append: bool,
    partition_by: str | None,
    lineage: PathLike,
    progress: Progress,
) -> str:
    """Run a query into a folder of Parquet, which is replaced as a whole."""
    query, values, recorded, model = run.checked()

    def add_line(hidden: Sequence[Path | None]) -> AbstractContextManager[None]:
        names = [column.name for column in query.writes]
        (staged,) = hidden
        assert staged is not None
        output = Dataset.of_file(out_path, "parquet", describe_file(staged), names, count)
        record = _record(engine, query, recorded, inputs, output, statistics, lineage)
        return appended(lineage, [record])

    with replaced_parts(out_path, append, run.inputs(), add_line) as folder:
        inputs = _provide(engine, query, run, model, progress)
        rounds = _iterate_to_fixpoint(engine, query, values, run, progress)
        result = engine.run(query, values, progress=progress)
        count = write_parts(folder, result.columns, result.parts, partition_by, out_path)
        statistics = {**rounds, **result.statistics, **({"appended": True} if append else {})}
    return f"{query.name}: {count} rows in {printable(str(out_path))}"


def _default_log() -> Path:
    if Path.cwd() == BUNDLED_QUERIES.resolve():
        raise DataError(
            f"{LINEAGE_NAME}: expected a current folder of yours, got that of mlcore's queries",
            "--lineage says where the line is to go",
        )
    return Path(LINEAGE_NAME)


def _format_of(out_path: PathLike, given: Format | None) -> Format:
    if os.fspath(out_path) == "-" and given is None:
        raise DataError(
            "standard output: expected a format, got none", "--format csv or --format jsonl"
        )
    return find_row_format(out_path, given).format


def _refuse_same(out_path: PathLike, others: Mapping[str, PathLike]) -> None:
    for name, other in others.items():
        if os.path.realpath(out_path) == os.path.realpath(other):
            raise DataError(f"{out_path}: expected another file than the {name}, got the same")


class _Watched:
    """A text stream that fingerprints its content on the way."""

    def __init__(self, stream: TextIO, fingerprint: Fingerprint) -> None:
        self._stream, self._fingerprint = stream, fingerprint

    def write(self, text: str) -> int:
        self._fingerprint.update(text)
        return self._stream.write(text)


def _provide(
    engine: Engine, query: Query, run: SqlRun, model: ModelTables | None, progress: Progress
) -> list[Dataset]:
    inputs = []
    if model is not None:
        facts = describe_input(model.place)
        inputs.append(Dataset.of_file(model.place, "model", facts, table="model"))
    for table, columns in query.reads.items():
        if model is not None and table in model.names:
            engine.load(table, columns, model.parts(table, columns))
            continue
        place, names = run.tables[table], [column.name for column in columns]
        rows = provide_table(engine, table, columns, place, run.input_options, progress)
        if not is_file(place, run.input_options.format) and not is_remote(place):
            inputs.append(Dataset.of_stored(os.fspath(place), names, rows, table=table))
            continue
        format = _input_kind(place, run.input_options.format)
        facts = describe_input(place)
        inputs.append(Dataset.of_file(place, format, facts, names, rows, table=table))
    return inputs


def _input_kind(place: PathLike, format: Format | None) -> Kind:
    return "parquet" if is_parquet_table(place, format) else kind_of(place, format)


def _iterate_to_fixpoint(
    engine: Engine, query: Query, values: Mapping[str, Value], run: SqlRun, progress: Progress
) -> dict[str, Value]:
    """Materialize the query's own table until its number of rows is stable; return the ``rounds``."""
    if not run.until_stable:
        return {}
    before = -1
    for rounds in range(1, _MOST_ROUNDS + 1):
        count = engine.materialize(query, values, query.table, progress)
        if count == before:
            return {"rounds": rounds}
        before = count
    raise DataError(
        f"{query.place}: expected a stable number of rows within {_MOST_ROUNDS} rounds, "
        f"got {before} and still others"
    )


def _record(
    engine: Engine,
    query: Query,
    values: Mapping[str, Value],
    inputs: Sequence[Dataset],
    output: Dataset,
    statistics: Mapping[str, Value],
    lineage: PathLike,
) -> QueryRecord:
    return QueryRecord.of_run(
        query=query,
        values=values,
        engine_name=engine.name,
        engine_version=engine.version,
        inputs=inputs,
        output=output,
        statistics=statistics,
        lineage_path=lineage,
    )


def estimate_sql_from_path(engine: Engine, run: SqlRun, progress: Progress = no_progress) -> str:
    """Check a query; return what a run would take, in words, without running it.

    Files are not read; tables of the engine are looked up.

    Raises:
        DataError: as ``run_sql_from_path``.
    """
    query, values, _, model = run.checked()
    engine.check(query)
    for table, columns in query.reads.items():
        place = run.tables.get(table)
        if place is None:
            engine.load(table, columns, [])  # of the model, which has been opened
        elif is_file(place, run.input_options.format) or is_remote(place):
            check_readable(place)
            engine.load(table, columns, [])
        else:
            provide_table(engine, table, columns, place, run.input_options, progress)
    rounds = " a round, of which there are several" if run.until_stable else ""
    written = ", ".join(f"{column.name} {column.type}" for column in query.writes)
    return f"{query.name}: {engine.estimate(query, values)}{rounds}\nwould write {written}"
