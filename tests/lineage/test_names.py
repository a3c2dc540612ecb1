"""Names of files in the lineage: relative, and without secrets."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcore.lineage import Dataset, QueryRecord, append, format_record, read_lineage, recorded_name
from mlcore.warehouse.query import parse_query
from tests.lineage.records import LINEAGE, facts_of, record_of


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("data/a.csv", "data/a.csv"),
        ("./data/../a.csv", "a.csv"),
        ("../a.csv", "a.csv"),
        ("data/part-*.parquet", "data/part-*.parquet"),
        ("-", "-"),
        ("/elsewhere/of/ann/a.csv", "a.csv"),
        ("C:\\Users\\ann\\a.csv", "a.csv"),
        ("C://Users/ann/a.csv", "a.csv"),  # a drive is no scheme
        ("file:///elsewhere/of/ann/a%20b.csv", "a b.csv"),
        ("gs://bucket/a/part-*.jsonl.gz", "gs://bucket/a/part-*.jsonl.gz"),
        ("s3://bucket/a@1.csv", "s3://bucket/a@1.csv"),
        ("https://ann:secret@host:443/a.csv?sig=secret#secret", "https://host:443/a.csv"),
        ("https://ann@host/a.csv", "https://host/a.csv"),
        ("https://[::1]:80/a.csv", "https://[::1]:80/a.csv"),
        ("s3n://KEY:sec/ret@bucket/a.csv", "s3n://bucket/a.csv"),
        ("s3n://KEY:secret", "s3n://"),
        ("jdbc:postgresql://ann:secret@host:5432/db", "jdbc:postgresql://host:5432/db"),
    ],
)
def test_a_name_is_relative_and_without_secrets(place: str, name: str, folder: Path) -> None:
    assert recorded_name(place, folder) == name


def test_a_path_by_way_of_a_link_is_the_path_of_the_folder(folder: Path) -> None:
    (folder.parent / "link").symlink_to(folder)
    (folder / "a.csv").symlink_to(folder.parent / "stored-elsewhere.csv")
    assert recorded_name(folder.parent / "link/data/a.csv", folder) == "data/a.csv"
    assert recorded_name("a.csv", folder) == "a.csv"


def test_a_name_that_is_not_utf_8_can_be_written(folder: Path) -> None:
    name = recorded_name(os.fsdecode(b"caf\xe9.csv"), folder)
    assert name == "caf\\udce9.csv"
    append(LINEAGE, record_of(output=os.fsdecode(b"caf\xe9.csv")))
    assert read_lineage(LINEAGE)[0].output.file == name


WORDS = st.text("abcxyz019._-", min_size=1, max_size=6).filter(lambda word: word.strip("."))
SECRETS = st.text("abcxyz019./_-+=%", max_size=6).map(lambda text: f"SECRET{text}")


@settings(max_examples=50)
@given(
    folders=st.lists(WORDS, min_size=1, max_size=3),
    host=WORDS,
    path=st.lists(WORDS, min_size=1, max_size=3),
    secret=SECRETS,
    kind=st.sampled_from(["path", "file", "user", "password", "query", "fragment"]),
)
def test_no_line_has_an_absolute_path_or_a_secret(
    folders: list[str], host: str, path: list[str], secret: str, kind: str
) -> None:
    # Any of the folders may be called after a person.
    absolute = "/".join(["", *(f"PERSON{word}" for word in folders), "name.csv"])
    uri = f"{host}/{'/'.join(path)}"
    place = {
        "path": absolute,
        "file": f"file://{absolute}",
        "user": f"gs://{secret.replace('/', '')}@{uri}",
        "password": f"s3://KEY:{secret}@{uri}",
        "query": f"https://{uri}?token={secret}",
        "fragment": f"https://{uri}#{secret}",
    }[kind]
    record = QueryRecord.of_run(
        query=parse_query(
            Path(f"{absolute.removesuffix('.csv')}.sql"), b"-- name: n.\n-- writes: t(n INT64)\n"
        ),
        values={},
        engine_name="duckdb",
        engine_version="2.0.0",
        inputs=[
            Dataset.of_file(place, "csv", None, ["n"], table="a"),
            Dataset.of_stored(place, ["n"], table="b"),
        ],
        output=Dataset.of_file(place, "csv", facts_of(""), ["n"], 0),
        statistics={"source": place},
        # In no repository and no folder of the names above.
        lineage_path=Path(os.sep) / "no-such-folder/lineage.jsonl",
    )
    line = format_record(record)
    assert "SECRET" not in line and "KEY" not in line and "PERSON" not in line
    last = "name.csv" if kind in ("path", "file") else path[-1]
    assert record.output.file is not None and record.output.file.endswith(last)
    assert record.query == "elsewhere:name.sql"
