"""mlcore.files.parts: a folder or a pattern is one table of all its parts."""

from __future__ import annotations

import gzip
from pathlib import Path

import duckdb
import pytest

from mlcore.errors import DataError, DataWarning
from mlcore.files.histories import read_histories
from mlcore.files.interactions import read_events, read_interactions
from mlcore.files.lists import read_ids
from mlcore.files.options import InputOptions
from mlcore.files.parts import find_parts, has_parts, kind_of
from tests.files.samples import CSV, JSONL, SAME, content_of, save

HEADER, *ROWS = CSV.splitlines(keepends=True)
BESIDE = {"_SUCCESS": "", ".part-0.csv.crc": "x", "_committed_1": "{}", "part-00003.csv": ""}

pytestmark = pytest.mark.filterwarnings("ignore::mlcore.errors.DataWarning")


def csv_parts(folder: Path) -> None:
    for part, rows in enumerate([ROWS[:1], [], ROWS[1:]]):  # Spark writes headers without rows
        save(folder, f"part-0000{part}.csv", HEADER + "".join(rows))


def gzip_parts(folder: Path) -> None:
    (folder / "day=1").mkdir()
    save(folder / "day=1", "b.csv.gz", gzip.compress((HEADER + "".join(ROWS[1:])).encode()))
    save(folder, "a.csv.gz", gzip.compress((HEADER + ROWS[0]).encode()))


def json_parts(folder: Path) -> None:
    for part, line in enumerate(JSONL.splitlines()):
        save(folder, f"part-0000{part}.json", f"{line}\n")


def parquet_parts(folder: Path) -> None:
    save(folder.parent, "all.csv", CSV)
    read = f"SELECT * FROM read_csv('{folder.parent}/all.csv', types={{'weight': 'DOUBLE'}})"
    for part, which in enumerate(["LIMIT 1", "LIMIT 0", "OFFSET 1"]):
        duckdb.execute(f"COPY ({read} {which}) TO '{folder}/part-{part}.c000.snappy.parquet'")


PARTS = {"csv": csv_parts, "gzip": gzip_parts, "jsonl": json_parts, "parquet": parquet_parts}


@pytest.mark.parametrize("reader", ["standard", "duckdb"])
@pytest.mark.parametrize("way", PARTS)
def test_a_folder_is_the_table_of_its_parts(way: str, reader: str, tmp_path: Path) -> None:
    folder = tmp_path / "events"
    folder.mkdir()
    PARTS[way](folder)
    for name, content in BESIDE.items():
        save(folder, name, content)
    interactions = read_interactions(folder, reader=reader)  # type: ignore[arg-type]
    assert content_of(interactions) == SAME
    single = read_interactions(save(tmp_path, "one.csv", CSV))
    assert interactions.sha256() == single.sha256()
    assert read_ids(folder, "item_id") == ["tea", "milk"]


def test_a_pattern_is_the_table_of_the_files_it_matches(tmp_path: Path) -> None:
    csv_parts(tmp_path)
    save(tmp_path, "other.csv", "no table")
    assert content_of(read_interactions(tmp_path / "part-*.csv")) == SAME
    assert [part.name for part in find_parts(tmp_path / "part-*2.csv", None)] == ["part-00002.csv"]


def test_a_pattern_that_is_the_name_of_a_file_is_that_file(tmp_path: Path) -> None:
    path = save(tmp_path, "a[1].csv", CSV)
    save(tmp_path, "a1.csv", "no table")
    assert not has_parts(path) and content_of(read_interactions(path)) == SAME


def test_parts_without_an_ending_have_the_format_given(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    save(folder, "part-00000", CSV)
    assert kind_of(folder, "csv") == "csv"
    assert content_of(read_interactions(folder, input_options=InputOptions(format="csv"))) == SAME
    with pytest.raises(DataError, match="expected a name that ends in"):
        read_interactions(folder)


def test_histories_come_from_parts_too(tmp_path: Path) -> None:
    folder = tmp_path / "histories"
    folder.mkdir()
    for user in "ba":
        save(folder, f"{user}.jsonl", f'{{"user_id": "{user}", "history": []}}\n')
    found = [(history.user_id, Path(history.place).name) for history in read_histories(folder)]
    assert found == [("a", "a.jsonl:1"), ("b", "b.jsonl:1")]
    save(folder, "c.jsonl", '{"user_id": "a", "history": []}\n')
    with pytest.raises(DataError, match=r"c\.jsonl:1: user_id: expected each user once, got 'a'"):
        list(read_histories(folder))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "expected parts .csv, .jsonl or .parquet, got none"),
        ({"_SUCCESS": ""}, "expected parts .csv, .jsonl or .parquet, got none"),
        ({"a.csv": ""}, "expected parts .csv, .jsonl or .parquet, got no file that has any bytes"),
        ({"a.csv": HEADER, "b.csv": HEADER}, "expected rows in some part, got none"),
        ({"a.csv": CSV, "b.json": JSONL}, "expected parts of one format, got 'a.csv', 'b.json'"),
        (
            {"a.csv": CSV, "b.csv": "user_id,item_id\na,b\n"},
            "timestamp: expected the column in all parts or in none, got some without",
        ),
    ],
)
def test_parts_that_are_no_table_are_refused(
    files: dict[str, str], message: str, tmp_path: Path
) -> None:
    folder = tmp_path / "t"
    folder.mkdir()
    for name, content in files.items():
        save(folder, name, content)
    with pytest.raises(DataError) as caught:
        read_events(folder)
    assert str(caught.value) == f"{folder}: {message}"


def test_a_fault_is_named_with_its_part(tmp_path: Path) -> None:
    csv_parts(tmp_path)
    save(tmp_path, "part-00009.csv", HEADER + "ann,tea,0,1\n")
    with pytest.raises(DataError, match=r"part-00009\.csv:2: weight: expected a finite number"):
        read_events(tmp_path)


def test_the_user_is_told_how_many_parts_there_are(tmp_path: Path) -> None:
    csv_parts(tmp_path)
    with pytest.warns(DataWarning, match="read 3 parts$"):
        read_events(tmp_path)


def test_a_header_in_the_first_part_alone_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("user_id,item_id\nann,tea\n")
    second = tmp_path / "b.csv"
    second.write_text("196,242\n")
    with pytest.raises(DataError, match="b.csv:1: user_id: expected a column") as caught:
        read_interactions(tmp_path)
    assert caught.value.hint == (
        "the parts before it have the column; if the first alone has a header line: cat PARTS > NEW"
    )
