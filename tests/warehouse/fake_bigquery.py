"""BigQuery on no network: the REST API behind the real client library, SQL by GoogleSQL itself.

`FakeBigQuery` answers the requests of a real `google.cloud.bigquery.Client`, so that wrong names of
arguments, configurations that do not serialise, uploads, pages and errors are those of the library. It
keeps tables as lists, runs queries with the reference engine, and takes down every request. It is as
strict as the documentation of the API where that matters, and knows only what mlcore uses.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import google.auth.credentials
import requests
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery

from mlcore.files.database import import_duckdb
from mlcore.warehouse.query import Column, SqlType
from tests.warehouse.googlesql import GoogleSqlError, execute

__all__ = ["SECRET", "FakeBigQuery", "Fault", "StoredTable"]

SECRET = "ya29.a-token-that-nobody-may-see"
PROJECT = "test-project"
_OLD_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
# How the reference engine is given types that headers do not have, and what makes them of it.
_CARRIED: dict[str, tuple[SqlType, str]] = {
    "TIMESTAMP": ("INT64", "TIMESTAMP_MICROS({})"),
    "NUMERIC": ("FLOAT64", "{}"),  # too new for the cautious features
}
_AS_CARRIED = {
    "TIMESTAMP WITH TIME ZONE": 'epoch_us("{}")',
    "DECIMAL": 'CAST("{}" AS DOUBLE)',
}
_PARQUET_TYPES = {
    **{
        "VARCHAR": "STRING",
        "BIGINT": "INTEGER",
        "INTEGER": "INTEGER",
        "SMALLINT": "INTEGER",
        "DOUBLE": "FLOAT",
    },
    **{"BOOLEAN": "BOOLEAN", "BLOB": "BYTES", "TIMESTAMP": "DATETIME", "FLOAT": "FLOAT"},
    **{"TIMESTAMP WITH TIME ZONE": "TIMESTAMP", "DATE": "DATE", "DECIMAL": "NUMERIC"},
}


class Field(NamedTuple):
    """A column as the API has it."""

    name: str
    type: str
    mode: str = "NULLABLE"


@dataclass
class StoredTable:
    """A table, its rows with a cell for each column; what else there is to a table in `more`."""

    schema: list[Field]
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)


class Fault(Exception):
    """What the API answers instead of a result."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code, self.reason, self.message = code, reason, message


class Request(NamedTuple):
    """What the client sent."""

    method: str
    path: str
    body: Any


class Credentials(google.auth.credentials.Credentials):  # type: ignore[misc]
    """A token that is always valid."""

    def __init__(self) -> None:
        super().__init__()
        self.token = SECRET

    @property
    def valid(self) -> bool:
        return True

    def refresh(self, request: Any) -> None:
        pass  # what a session does after an answer of 401


class FakeBigQuery(requests.adapters.BaseAdapter):  # type: ignore[misc]  # Any without requests
    """A service; `client()` gives clients of it."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, StoredTable] = {}  # by project.dataset.table
        self.objects: dict[str, bytes] = {}  # of Cloud Storage, by uri
        self.requests: list[Request] = []
        self.jobs: dict[str, dict[str, Any]] = {}
        self.results: dict[str, tuple[Sequence[Field], list[tuple[Any, ...]]]] = {}
        self._found: dict[str, tuple[list[Field], list[tuple[Any, ...]]]] = {}
        self.uploads: dict[str, tuple[Any, bytearray]] = {}
        self.rows_per_page = 3
        self.looks_until_done = 0  # how often a job is asked for until it is done
        self.statement_type = "SELECT"  # of every query
        self.also_reads: dict[str, list[str]] = {}  # tables by what reads them: a name in a text
        self.processed_bytes: int | None = None  # of every query, instead of the size of its tables
        self.before: Callable[[Request], None] = lambda request: None  # may raise
        self.job_fault: Fault | None = None  # what jobs end with that are no dry run

    def client(self, credentials: Any = None) -> Any:
        """Return a real client whose requests come here, with the header of its credentials."""
        session = AuthorizedSession(credentials or Credentials())
        session.mount("https://", self)
        return bigquery.Client(PROJECT, credentials=session.credentials, _http=session)

    def add(self, stored: str, schema: Sequence[Field], rows: Sequence[tuple[Any, ...]]) -> None:
        """Keep a table of the project, as if it had always been there."""
        self.tables[f"{PROJECT}.{stored}"] = StoredTable(list(schema), list(rows))

    def sent(self, method: str, ending: str = "") -> list[Request]:
        """Return the requests of a method whose path ends so."""
        return [
            request
            for request in self.requests
            if request.method == method and request.path.endswith(ending)
        ]

    def sent_jobs(self, kind: str) -> list[dict[str, Any]]:
        """Return the configurations of the jobs of a kind, dry runs among them."""
        found = [request.body["configuration"] for request in self.sent("POST", "/jobs")]
        return [configuration for configuration in found if kind in configuration]

    # What a session calls, once it has put the token into the headers.
    def send(self, request: Any, *args: Any, **more: Any) -> requests.Response:
        assert request.headers["Authorization"] == f"Bearer {SECRET}"
        parts = urlsplit(request.url)
        assert parts.hostname == "bigquery.googleapis.com"
        path = unquote(parts.path)
        options = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if re.fullmatch(r"/resumable/\d+", path):
            return _respond(request, self._take_chunk(path, request))
        body = json.loads(request.body) if request.body else None
        taken = Request(request.method, path, body)
        self.requests.append(taken)
        try:
            self.before(taken)
            if path.startswith("/upload/") or path.startswith("/resumable/upload/"):
                return self._begin_upload(request, body)
            return _respond(request, self._answer(taken, options))
        except Fault as fault:
            detail = {"reason": fault.reason, "message": fault.message, "domain": "global"}
            error = {"code": fault.code, "message": fault.message, "errors": [detail]}
            return _respond(request, {"error": error}, fault.code)

    def close(self) -> None:
        pass

    def _answer(self, request: Request, options: Mapping[str, str]) -> Any:
        found = re.fullmatch(r"/bigquery/v2/projects/([^/]+)/(.+)", request.path)
        assert found is not None, request.path
        project, rest = found.groups()
        words = rest.split("/")
        match request.method, words:
            case "POST", ["jobs"]:
                return self._insert(project, request.body)
            case "GET", ["jobs", job_id]:
                return self._look(job_id)
            case "POST", ["jobs", job_id, "cancel"]:
                return {"job": self.jobs[job_id]}
            case "GET", ["queries", job_id]:
                return self._page(job_id, options)
            case "POST", ["datasets", dataset, "tables"]:
                return self._create(f"{project}.{dataset}", request.body)
            case _, ["datasets", dataset, "tables", table]:
                return self._table(request, f"{project}.{dataset}.{table}")
        raise AssertionError(request)

    # --- tables -----------------------------------------------------------------------------------

    def _find(self, stored: str) -> StoredTable:
        if stored not in self.tables:
            shown = stored.replace(".", ":", 1)
            raise Fault(404, "notFound", f"Not found: Table {shown} was not found in location EU")
        return self.tables[stored]

    def _create(self, dataset: str, body: dict[str, Any]) -> Any:
        stored = f"{dataset}.{body['tableReference']['tableId']}"
        assert stored not in self.tables and "expirationTime" in body
        self.tables[stored] = StoredTable(_schema(body["schema"]), [], dict(body))
        return self._resource(stored)

    def _table(self, request: Request, stored: str) -> Any:
        table = self._find(stored)
        if request.method == "DELETE":
            del self.tables[stored]
            return {}
        if request.method == "PATCH":
            table.more |= request.body
        return self._resource(stored)

    def _resource(self, stored: str) -> Any:
        table, reference = self.tables[stored], _reference(stored)
        fields = [column._asdict() for column in table.schema]
        about = {"tableReference": reference, "numRows": str(len(table.rows))}
        return {**table.more, **about, "schema": {"fields": fields}}

    def _write(self, stored: str, disposition: str, new: StoredTable) -> None:
        old = self.tables.get(stored)
        if old is not None and disposition == "WRITE_APPEND":
            assert [one[:2] for one in old.schema] == [one[:2] for one in new.schema]
            new = StoredTable(old.schema, [*old.rows, *new.rows], old.more)
        elif old is not None and disposition == "WRITE_EMPTY":
            if old.rows:
                raise Fault(409, "duplicate", f"Already Exists: Table {stored}")
            if new.schema and _modes_and_types(old.schema) != _modes_and_types(new.schema):
                raise Fault(400, "invalid", "Provided Schema does not match Table")
            new = StoredTable(old.schema, new.rows, {**old.more, **new.more})
        self.tables[stored] = new

    # --- jobs -------------------------------------------------------------------------------------

    def _insert(self, project: str, body: dict[str, Any], content: bytes | None = None) -> Any:
        configuration = body["configuration"]
        labels = configuration["labels"]
        assert labels["tool"] == "mlcore" and all(isinstance(v, str) for v in labels.values())
        reference = {**body["jobReference"], "location": "EU"}
        job = {"jobReference": reference, "configuration": configuration, "statistics": {}}
        job["id"] = f"{project}:EU.{reference['jobId']}"
        job["status"] = {"state": "DONE"}
        if configuration.get("dryRun"):
            job["statistics"] = self._query(project, configuration, None)
            return job
        self.jobs[reference["jobId"]] = job
        job["left"] = self.looks_until_done
        try:
            if self.job_fault is not None:
                raise self.job_fault
            if "query" in configuration:
                job["statistics"] = self._query(project, configuration, reference["jobId"])
            else:
                self._load(configuration["load"], content)
        except Fault as fault:
            error = {"reason": fault.reason, "message": fault.message}
            job["status"] |= {"errorResult": error, "errors": [error]}
        return self._look(reference["jobId"])

    def _look(self, job_id: str) -> Any:
        job = self.jobs[job_id]
        job["left"] -= 1
        if job["left"] < 0:
            return job
        return {**job, "status": {"state": "RUNNING"}, "statistics": {}}

    def _query(self, project: str, configuration: Any, job_id: str | None) -> Any:
        query = configuration["query"]
        assert query["useLegacySql"] is False
        assert job_id is not None or query["useQueryCache"] is False
        names = set(re.findall(r"FROM `([^`]+\.[^`]+)`", query["query"]))
        tables = {name: self._find(name) for name in names}
        columns, rows = self._run(query, tables, is_dry=job_id is None)
        processed = self.processed_bytes
        if processed is None:
            processed = sum(len(str(row)) for table in tables.values() for row in table.rows)
        billed = max(processed, 10 * 2**20 * len(tables))
        limit = query.get("maximumBytesBilled")
        if limit is not None and billed > int(limit):
            message = f"Query exceeded limit for bytes billed: {limit}."
            raise Fault(400, "bytesBilledLimitExceeded", message)
        about: dict[str, Any] = {"totalBytesProcessed": str(processed)}
        if job_id is None:
            found = [some for word, some in self.also_reads.items() if word in query["query"]]
            about["statementType"] = self.statement_type
            about["referencedTables"] = [_reference(name) for name in names.union(*found)]
            about["schema"] = {"fields": [column._asdict() for column in columns]}
            return {"totalBytesProcessed": str(processed), "query": about}
        about |= {"totalBytesBilled": str(billed), "totalSlotMs": "7", "cacheHit": False}
        self.results[job_id] = columns, rows
        if "destinationTable" in query:
            stored = ".".join(query["destinationTable"].values())
            more = {"clustering": query["clustering"]} if "clustering" in query else {}
            table = StoredTable(list(columns), rows, more)
            self._write(stored, query["writeDisposition"], table)
        return {"totalBytesProcessed": str(processed), "query": about}

    def _run(
        self, query: Mapping[str, Any], tables: Mapping[str, StoredTable], is_dry: bool
    ) -> tuple[list[Field], list[tuple[Any, ...]]]:
        # The engine is slow, so a dry run keeps what the run that follows would find.
        key = json.dumps(
            [query["query"], query["queryParameters"], list(map(repr, tables.values()))]
        )
        if not is_dry and key in self._found:
            return self._found.pop(key)
        try:
            found = _run(query, tables, with_rows=True)
        except Fault:
            if not is_dry:
                raise
            # Of a fault in the rows a dry run does not know.
            return _run(query, tables, with_rows=False)
        if is_dry:
            self._found[key] = found
        return found

    def _page(self, job_id: str, options: Mapping[str, str]) -> Any:
        columns, rows = self.results[job_id]
        begin = int(options.get("pageToken", 0))
        end = begin + min(int(options.get("maxResults", 10**9)), self.rows_per_page)
        answer: dict[str, Any] = {
            "jobReference": {**self.jobs[job_id]["jobReference"], "projectId": PROJECT},
            "jobComplete": True,
            "totalRows": str(len(rows)),
            "schema": {"fields": [column._asdict() for column in columns]},
        }
        if rows[begin:end]:
            answer["rows"] = [{"f": [{"v": _sent(v)} for v in row]} for row in rows[begin:end]]
        if end < len(rows):
            answer["pageToken"] = str(end)
        return answer

    def _load(self, load: dict[str, Any], content: bytes | None) -> None:
        stored = ".".join(load["destinationTable"].values())
        if content is None:
            (uri,) = load["sourceUris"]
            if uri not in self.objects:
                raise Fault(404, "notFound", f"Not found: URI {uri}")
            content = self.objects[uri]
            content = gzip.decompress(content) if uri.endswith(".gz") else content
        schema = _schema(load["schema"]) if "schema" in load else []
        if load["sourceFormat"] == "PARQUET":
            new = _from_parquet(content)
        elif load["sourceFormat"] == "CSV":
            assert load["skipLeadingRows"] == "1" and load["sourceColumnMatch"] == "NAME"
            lines = csv.DictReader(io.StringIO(content.decode()))
            cells = [{k: v for k, v in line.items() if v != ""} for line in lines]
            new = StoredTable(schema, [_row(schema, line, load) for line in cells])
        else:
            objects = [json.loads(line) for line in content.splitlines()]
            new = StoredTable(schema, [_row(schema, line, load) for line in objects])
        self._write(stored, load["writeDisposition"], new)

    # --- uploads ----------------------------------------------------------------------------------

    def _begin_upload(self, request: Any, body: Any) -> requests.Response:
        assert "uploadType=resumable" in request.url
        place = f"/resumable/{len(self.uploads)}"
        self.uploads[place] = body, bytearray()
        response = _respond(request, {})
        response.headers["location"] = f"https://bigquery.googleapis.com{place}"
        return response

    def _take_chunk(self, place: str, request: Any) -> Any:
        body, content = self.uploads[place]
        data = request.body if isinstance(request.body, bytes) else request.body.read()
        content += data
        assert request.headers["content-range"].endswith(f"/{len(content)}"), "one chunk only"
        self.requests.append(Request("POST", "/upload/jobs", body))
        return self._insert(PROJECT, body, bytes(content))


def _reference(stored: str) -> dict[str, str]:
    return dict(zip(("projectId", "datasetId", "tableId"), stored.split(".")))


def _respond(request: Any, body: Any, code: int = 200) -> requests.Response:
    response = requests.Response()
    response.status_code, response.request, response.url = code, request, request.url
    response.headers["content-type"] = "application/json"
    response._content = json.dumps(body).encode()
    return response


def _schema(resource: Mapping[str, Any]) -> list[Field]:
    return [
        Field(found["name"], found["type"], found.get("mode", "NULLABLE"))
        for found in resource["fields"]
    ]


def _modes_and_types(schema: Sequence[Field]) -> list[Field]:
    return [found._replace(type=_OLD_NAMES.get(found.type, found.type)) for found in schema]


def _row(schema: Sequence[Field], cells: dict[str, Any], load: Mapping[str, Any]) -> Any:
    """Return a row of a line, as strictly as a load does."""
    unknown = cells.keys() - {column.name for column in schema}
    if unknown and not load.get("ignoreUnknownValues"):
        raise Fault(400, "invalid", f"No such field: {sorted(unknown)[0]}")
    return tuple(_loaded(column, cells.get(column.name)) for column in schema)


def _loaded(column: Field, cell: Any) -> Any:
    if cell is None:
        if column.mode == "REQUIRED":
            raise Fault(400, "invalid", f"Missing required field: {column.name}.")
        return None
    type_ = _OLD_NAMES.get(column.type, column.type)
    try:
        if type_ == "INT64":
            # The documentation warns of greater numbers that are not texts.
            assert isinstance(cell, str) or abs(cell) < 2**53
            return int(cell)
        if type_ == "FLOAT64":
            return float(cell)
        if type_ == "BOOL":
            return {"true": True, "false": False}[str(cell).lower()]
    except (ValueError, KeyError):
        raise Fault(400, "invalid", f"Could not convert value to {type_}: {cell}") from None
    return cell


def _from_parquet(content: bytes) -> StoredTable:
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file:
        file.write(content)
        file.flush()
        duckdb = import_duckdb()
        with duckdb.connect() as connection:
            try:
                described = connection.execute(f"DESCRIBE FROM '{file.name}'").fetchall()
            except duckdb.Error:
                raise Fault(400, "invalid", "Input file is not in Parquet format.") from None
            types = {name: str(type_).partition("(")[0] for name, type_, *_ in described}
            fields = [Field(name, _PARQUET_TYPES[type_]) for name, type_ in types.items()]
            carried = [_AS_CARRIED.get(type_, '"{}"').format(name) for name, type_ in types.items()]
            rows = connection.execute(f"SELECT {', '.join(carried)} FROM '{file.name}'").fetchall()
            return StoredTable(fields, rows)


def _sent(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    return str(cell).lower() if isinstance(cell, bool) else repr(cell)


def _run(
    query: Mapping[str, Any], tables: Mapping[str, StoredTable], with_rows: bool
) -> tuple[list[Field], list[tuple[Any, ...]]]:
    text = query["query"]
    given: dict[str, Any] = {}
    for name, table in tables.items():
        columns: list[Column] = []
        items: list[str] = []
        for found in table.schema:
            type_: Any = _OLD_NAMES.get(found.type, found.type)
            carried, made = _CARRIED.get(type_, (type_, "{}"))
            columns.append(Column(found.name, carried))
            items.append(f"{made.format(found.name)} AS {found.name}")
        given[name] = columns, table.rows if with_rows else []
        if any(column.type in _CARRIED for column in table.schema):
            text = text.replace(f"FROM `{name}`", f"FROM (SELECT {', '.join(items)} FROM `{name}`)")
    try:
        found_columns, rows = execute(text, given, _values(query.get("queryParameters", ())))
    except GoogleSqlError as error:
        raise Fault(400, "invalidQuery", str(error)) from None
    old = {new: old for old, new in _OLD_NAMES.items()}
    fields = [Field(name, old.get(t or "", t or "GEOGRAPHY")) for name, t in found_columns]
    return fields, rows


def _values(parameters: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    makers: dict[str, Callable[[Any], Any]] = {
        **{"STRING": str, "INT64": int, "FLOAT64": float},
        "BOOL": {"true": True, "false": False}.__getitem__,
    }
    return {
        found["name"]: makers[found["parameterType"]["type"]](found["parameterValue"]["value"])
        for found in parameters
    }
