"""Engines of docs/engines.md: with what that page shows, and nothing else.

Postgres is a server of its own in a temporary folder, SQLite and DataFusion run in this process. No
command offers them.
"""

from __future__ import annotations

import decimal
import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from conftest import POSTGRES
from mlcore.errors import DataError
from mlcore.warehouse.engines.base import BoundQuery, Engine, Result, Rows
from mlcore.warehouse.query import Column, SqlType, Value

__all__ = ["DataFusion", "PageEngine", "Postgres", "Sqlite", "replacements"]

PAGE = Path(__file__).parents[2] / "docs/engines.md"
NOTHING = "nothing"
_TYPES: Mapping[SqlType, type] = {"STRING": str, "INT64": int, "FLOAT64": float, "BOOL": bool}


@cache
def replacements() -> dict[str, dict[str, str]]:
    """Return what each engine writes in place of what the files have, by engine."""
    text = PAGE.read_text("utf-8")
    rows = [
        [cell.strip().strip("`") for cell in line.split("|")[1:-1]]
        for line in text[text.index("| in the files |") :].partition("\n\n")[0].splitlines()
    ]
    (_, *engines), _, *rest = rows
    return {
        engine.split()[0].lower(): {name: cells[place] or name for name, *cells in rest}
        for place, engine in enumerate(engines)
    }


class PageEngine(Engine):
    """An engine that gets the texts with the replacements of its column."""

    def __init__(self) -> None:
        self._replaced = replacements()[self.name]

    @abstractmethod
    def execute(
        self, text: str, values: Mapping[str, Value] | None = None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the names of the columns, and the rows."""

    @abstractmethod
    def _insert(
        self, table: str, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]
    ) -> None: ...

    def load(self, table: str, columns: Sequence[Column], parts: Iterable[Rows]) -> None:
        declared = ", ".join(f"{column.name} {self._replaced[column.type]}" for column in columns)
        self.execute(f"DROP TABLE IF EXISTS {table}")
        self.execute(f"CREATE TABLE {table} ({declared})")
        for part in parts:
            rows = list(zip(*(part[column.name].tolist() for column in columns), strict=True))
            if rows:
                self._insert(table, columns, rows)

    def attach_parquet(self, table: str, columns: Sequence[Column], path: str) -> None:
        raise DataError(f"{path}: expected rows, got Parquet")

    def rewrite(self, text: str) -> str:
        """Return a text as the engine reads it."""

        def replace(found: re.Match[str]) -> str:
            kind, word = found.lastgroup, found[0]
            if kind == "parameter":
                return self._replaced["@n"].replace("n", word[1:], 1)
            if kind == "number":
                return self._replaced["5e-1"].replace("5e-1", word)
            return self._replaced.get(word, word).replace(NOTHING, "")

        pattern = (
            r"(?P<parameter>@[a-z0-9_]+)|(?P<number>\b[0-9.]+e[+-]?[0-9]+)|\b[A-Z][A-Z0-9_]*\b"
        )
        return re.sub(pattern, replace, text)

    def _run(self, bound: BoundQuery, order: Sequence[str]) -> Result:
        text = self.rewrite(bound.query.text)
        if order:
            names = ", ".join(column.name for column in bound.query.writes)
            text = f"SELECT {names} FROM (\n{text}\n) AS result ORDER BY {', '.join(order)}"
        names_found, rows = self.execute(text, bound.values)
        writes = bound.query.writes
        assert names_found == [column.name for column in writes], names_found
        by_column = list(zip(*rows, strict=True)) or [()] * len(writes)
        part = {
            column.name: np.array([_cell(column, cell) for cell in cells], object)
            for column, cells in zip(writes, by_column, strict=True)
        }
        return Result(writes, iter([part]))

    def _estimate(self, bound: BoundQuery) -> str:
        return "nothing"


def _cell(column: Column, cell: Any) -> Any:
    if isinstance(cell, decimal.Decimal) and column.type == "INT64":  # Postgres's SUM of BIGINT
        assert cell == int(cell)
        cell = int(cell)
    assert cell is None or type(cell) is _TYPES[column.type], (column.name, cell)
    return cell


class Sqlite(PageEngine):
    """SQLite in memory."""

    name = "sqlite"

    def __init__(self) -> None:
        import sqlite3

        super().__init__()
        self._connection = sqlite3.connect(":memory:")
        (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
        exec(code, {"connection": self._connection, "hashlib": hashlib})

    def close(self) -> None:
        self._connection.close()

    @property
    def version(self) -> str:
        import sqlite3

        return sqlite3.sqlite_version

    def _insert(
        self, table: str, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        marks = ", ".join("?" for _ in columns)
        self._connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    def execute(
        self, text: str, values: Mapping[str, Value] | None = None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        cursor = self._connection.execute(text, values or {})
        return [name for name, *_ in cursor.description or ()], cursor.fetchall()


class DataFusion(PageEngine):
    """DataFusion in this process."""

    name = "datafusion"

    def __init__(self) -> None:
        import datafusion

        super().__init__()
        self._context = datafusion.SessionContext()

    def close(self) -> None:
        del self._context

    @property
    def version(self) -> str:
        import datafusion

        return str(datafusion.__version__)

    def _insert(
        self, table: str, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        import pyarrow

        types = {"STRING": "string", "INT64": "int64", "FLOAT64": "float64", "BOOL": "bool"}
        arrays = [
            pyarrow.array(cells, types[column.type])
            for column, cells in zip(columns, zip(*rows, strict=True), strict=True)
        ]
        batch = pyarrow.record_batch(arrays, names=[column.name for column in columns])
        self._context.register_record_batches("rows", [[batch]])
        self.execute(f"INSERT INTO {table} SELECT * FROM rows")
        self.execute("DROP TABLE rows")

    def execute(
        self, text: str, values: Mapping[str, Value] | None = None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        table = self._context.sql(text, param_values=dict(values or {})).to_arrow_table()
        columns = [column.to_pylist() for column in table.columns]
        return table.column_names, list(zip(*columns, strict=True))


class Postgres(PageEngine):
    """A server on the loopback, with its cluster in a temporary folder.

    Its own order of texts is that of a dictionary, so that the collation of the page has work to do.
    """

    name = "postgres"

    def __init__(self) -> None:
        import psycopg
        from psycopg.types.string import StrDumper

        super().__init__()
        self._folder = tempfile.mkdtemp(prefix="mlcore-postgres-")
        self._server: subprocess.Popen[bytes] | None = None
        try:
            self._connection = self._start(psycopg)
        except BaseException:
            self._stop()
            raise
        self._connection.adapters.register_dumper(str, StrDumper)

    def _start(self, psycopg: Any) -> Any:
        """Make the cluster, start the server, and connect to it."""
        word, data = Path(self._folder, "password"), os.path.join(self._folder, "data")
        word.write_text(secrets.token_hex(), "ascii")
        word.chmod(0o600)
        account: dict[str, Any] = {}
        if os.geteuid() == 0:  # which the server refuses
            import pwd

            nobody = pwd.getpwnam("nobody")
            account = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for path in (self._folder, word):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)
        order = ["--locale=C", "--locale-provider=icu", "--icu-locale=en-US"]
        access = ["--username=mlcore", "--auth=scram-sha-256", f"--pwfile={word}"]
        initdb = [_program("initdb"), "--no-sync", "--encoding=UTF8", *order, *access, data]
        subprocess.run(initdb, check=True, capture_output=True, cwd=self._folder, **account)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings = [f"--port={port}", "--listen_addresses=127.0.0.1", "--fsync=off"]
        settings.append("--unix_socket_directories=")
        self._server = subprocess.Popen(
            [_program("postgres"), "-D", data, *settings],
            cwd=self._folder,
            stderr=subprocess.DEVNULL,
            **account,
        )
        deadline = time.monotonic() + 60
        while True:
            try:
                return psycopg.connect(
                    host="127.0.0.1",
                    port=port,
                    user="mlcore",
                    password=word.read_text("ascii"),
                    dbname="postgres",
                    autocommit=True,
                    prepare_threshold=None,  # tables come and go
                )
            except psycopg.OperationalError:
                if self._server.poll() is not None or time.monotonic() > deadline:
                    raise
            time.sleep(0.05)

    def _stop(self) -> None:
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            self._server.wait(60)
        shutil.rmtree(self._folder)

    def close(self) -> None:
        self._connection.close()
        self._stop()

    @property
    def version(self) -> str:
        return str(self._connection.info.server_version)

    def _insert(
        self, table: str, columns: Sequence[Column], rows: Sequence[tuple[Any, ...]]
    ) -> None:
        marks = ", ".join("%s" for _ in columns)
        with self._connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    def execute(
        self, text: str, values: Mapping[str, Value] | None = None
    ) -> tuple[list[str], list[tuple[Any, ...]]]:
        with self._connection.cursor() as cursor:
            cursor.execute(text, values)
            if cursor.description is None:
                return [], []
            return [column.name for column in cursor.description], cursor.fetchall()


def _program(name: str) -> str:
    """Return the path of a program of Postgres, where conftest.py finds the server."""
    found = shutil.which(name) or shutil.which(name, path=POSTGRES)
    assert found is not None, name
    return found
