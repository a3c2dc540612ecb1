"""Run a query: tables from files or a warehouse in, a file or a table out.

--list shows the queries that come with mlcore; a file with one of your own does as well. The header
of the query names the tables it reads and the parameters it takes. CSV and JSON Lines are checked as
everywhere, as is Parquet whose times are no integer seconds; the engine reads other Parquet and
tables. Every run adds a line to the lineage: which query, parameters, engine and inputs made this
output.
"""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence

from cli.console import TerminalProgress, make_parser, run
from cli.engines import EngineArgs, add_engine_options
from cli.options import (
    InputArgs,
    add_dry_run_option,
    add_input_options,
    add_lineage_option,
    add_threads_option,
    pairs,
)
from mlcore.errors import ConfigError, shorten
from mlcore.lineage import LINEAGE_NAME


class Args(InputArgs, EngineArgs):
    """Parsed options."""

    query: str | None
    show_list: bool
    table: list[tuple[str, str]]
    param: list[tuple[str, str]]
    model_dir: str | None
    until_stable: bool
    out: str | None
    out_table: str | None
    append: bool
    partition_by: str | None
    lineage: str | None
    dry_run: bool


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = make_parser(
        "run_sql",
        __doc__,
        "--query deduplicate --table events=events.csv "
        "--param aggregate=max --out new-clean.jsonl",
    )
    question = parser.add_mutually_exclusive_group(required=True)
    question.add_argument(
        "--query",
        metavar="NAME",
        help="of a bundled query, such as deduplicate; or a file: a path with a slash or .sql at its end",
    )
    question.add_argument(
        "--list", dest="show_list", action="store_true", help="show the bundled queries"
    )
    parser.add_argument(
        "--table",
        **pairs("NAME=PLACE"),
        help="of the query: a file .csv, .jsonl (perhaps .gz) or .parquet, or a table of the engine "
        "such as dataset.events; one for each table",
    )
    parser.add_argument(
        "--param",
        **pairs(),
        help="of the query; may be repeated",
    )
    parser.add_argument(
        "--model-dir",
        metavar="DIR",
        help="a model: gives neighbors, histories, items, length_factors, and the parameters of "
        "weigh_history, where --table and --param do not",
    )
    parser.add_argument(
        "--until-stable",
        action="store_true",
        help="run the query on its own result until the number of rows stays the same",
    )
    add_dry_run_option(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--out",
        metavar="FILE",
        help=".csv, .tsv or .jsonl, perhaps .gz, or -; FOLDER/ for Parquet; is replaced",
    )
    output.add_argument(
        "--out-table", metavar="NAME", help="a table of the engine in place of a file; is replaced"
    )
    output.add_argument("--append", action="store_true", help="add the rows to a folder or a table")
    output.add_argument(
        "--partition-by",
        metavar="COLUMN",
        help="of the result: COLUMN=VALUE folders in FOLDER/, or partitions of the table",
    )
    add_lineage_option(output, f"{LINEAGE_NAME} in the current folder")
    add_threads_option(parser, "duckdb: ")
    add_input_options(parser, with_columns=False)
    add_engine_options(parser, default="duckdb")
    return parser


def _as_mapping(option: str, pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ConfigError(f"--{option}: expected each name once, got {shorten(twice)} again")
    return values


def _work(args: Args, progress: TerminalProgress) -> str:
    from mlcore.warehouse.query import bundled_queries

    if args.query is None:
        queries = bundled_queries()
        width = max(len(query.name) for query in queries)
        return "\n".join(f"{query.name:<{width}}  {query.summary.rstrip('.')}" for query in queries)
    from mlcore.warehouse.run import SqlRun, estimate_sql_from_path, run_sql_from_path

    sql_run = SqlRun(
        args.query,
        _as_mapping("table", args.table),
        _as_mapping("param", args.param),
        args.until_stable,
        args.input_options(),
        args.model_dir,
    )
    if not args.dry_run and (args.out is None) == (args.out_table is None):
        raise ConfigError("--out: expected one of --out and --out-table, got both or neither")
    sql_run.checked()  # before the engine starts
    with args.open_engine(progress) as engine:
        if args.dry_run:
            return estimate_sql_from_path(engine, sql_run, progress)
        return run_sql_from_path(
            engine,
            sql_run,
            out_path=args.out,
            out_table=args.out_table,
            append=args.append,
            partition_by=args.partition_by,
            lineage_path=args.lineage,
            progress=progress,
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _work(args, progress), args, args.out)


if __name__ == "__main__":
    raise SystemExit(main())
