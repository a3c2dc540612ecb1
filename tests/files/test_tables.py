"""mlcore.files.tables: columns are converted by their readers, and the borders of chunks change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.files.columns import read_columns
from mlcore.files.interactions import read_interactions
from mlcore.files.tables import ColumnReader
from tests.cli.test_bad_input import CSV_CASES, JSONL_CASES
from tests.files.samples import SAME, WAYS_TO_WRITE_IT, content_of, save


@pytest.mark.parametrize("chunk_bytes", [1, 30, 64])
@pytest.mark.parametrize("batch_rows", [1, 2])
@pytest.mark.parametrize("way", WAYS_TO_WRITE_IT)
def test_the_borders_of_chunks_change_no_data(
    way: str, chunk_bytes: int, batch_rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.inputs._CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr("mlcore.files.csv_tables._BATCH_ROWS", batch_rows)
    assert content_of(read_interactions(save(tmp_path, *WAYS_TO_WRITE_IT[way]))) == SAME


@pytest.mark.parametrize(("chunk_bytes", "batch_rows"), [(1, 1), (1, 1000), (40, 2), (2**20, 1)])
def test_the_borders_of_chunks_change_no_error(
    chunk_bytes: int, batch_rows: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("mlcore.files.inputs._CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr("mlcore.files.csv_tables._BATCH_ROWS", batch_rows)
    for case in [*CSV_CASES, *JSONL_CASES]:
        ((name, content),) = case.files.items()
        with pytest.raises(DataError) as caught:
            read_interactions(save(tmp_path, name, content).name)
        assert (str(caught.value), caught.value.hint) == (case.error, case.hint)


def test_a_column_is_converted_by_its_reader_and_others_are_ignored(tmp_path: Path) -> None:
    columns = [ColumnReader("n", int, int), ColumnReader("absent", str, str, required=False)]
    for path in (
        save(tmp_path, "a.csv", "x,n\n?,1\n?,2\n"),
        save(tmp_path, "a.jsonl", '{"n": 1, "x": []}\n{"n": 2}\n'),
    ):
        assert list(read_columns(path, columns)) == [[[1, 2], None]]
