"""mlcore.files.inputs: whole lines of text, from a path or standard input, plain or gzip."""

from __future__ import annotations

import errno
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.files import inputs
from mlcore.files.formats import find_row_format
from mlcore.files.inputs import find_input_format, read_text, text_chunks
from mlcore.files.interactions import read_interactions
from mlcore.files.options import Format, InputOptions
from tests.files.samples import CSV, JSONL, SAME, content_of, save, type_in


@pytest.mark.parametrize("compress", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(("format", "text"), [("csv", CSV), ("jsonl", JSONL)])
def test_a_dash_is_standard_input(
    format: Format,
    text: str,
    compress: Callable[[bytes], bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    type_in(monkeypatch, compress(text.encode()))
    assert content_of(read_interactions("-", input_options=InputOptions(format=format))) == SAME


def test_messages_call_standard_input_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, "user_id\n")
    with pytest.raises(DataError, match="^standard input:1: item_id: expected a column"):
        read_interactions("-", input_options=InputOptions(format="csv"))
    with pytest.raises(DataError, match="^standard input: expected a name that ends in"):
        read_interactions("-")


def test_a_given_format_serves_names_that_do_not_tell(tmp_path: Path) -> None:
    assert (
        content_of(
            read_interactions(
                save(tmp_path, "a.log", JSONL), input_options=InputOptions(format="jsonl")
            )
        )
        == SAME
    )


def test_the_name_wins_over_a_given_format(tmp_path: Path) -> None:
    # One --format serves several files: that of standard input must not change the others.
    assert (
        content_of(
            read_interactions(
                save(tmp_path, "a.jsonl", JSONL), input_options=InputOptions(format="csv")
            )
        )
        == SAME
    )


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.csv", "csv"),
        ("a.csv.gz", "csv"),
        (".csv", "csv"),
        ("a.CSV.GZ", "csv"),
        ("a.csv.jsonl", "jsonl"),
        ("a.TSV", "csv"),
        ("a.tsv.gz", "csv"),
        ("a.ndjson", "jsonl"),
        (Path("b.csv/a.jsonl.gz"), "jsonl"),
    ],
)
def test_the_format_follows_the_ending(name: str | Path, format: str) -> None:
    assert find_row_format(name).format == find_input_format(name, None) == format


@pytest.mark.parametrize("name", ["a.json", "a.gz", "csv", "a.csv.zip", "a.csv ", "-"])
def test_another_ending_is_no_format(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if name != "-":
        with pytest.raises(DataError, match="expected a readable file, got 'No such file"):
            find_input_format(name, None)
        save(tmp_path, name, "")
    for find in (find_row_format, find_input_format):
        with pytest.raises(DataError, match="expected a name that ends in"):
            find(name, None)


def test_a_whole_text_is_read_across_chunks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.inputs._CHUNK_BYTES", 1)
    text = "one\r\ntwo\n\n\u00e9\u2028four"
    assert read_text(save(tmp_path, "a.txt", text)) == text


def test_progress_is_told_up_to_the_size_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.inputs._CHUNK_BYTES", 10)
    monkeypatch.chdir(tmp_path)
    for content in (CSV.encode(), gzip.compress(CSV.encode())):
        save(tmp_path, "a.csv", content)
        told: list[tuple[str, int, int]] = []
        read_interactions("a.csv", progress=lambda *report: told.append(report))
        assert {(step, total) for step, _, total in told} == {("read a.csv", len(content))}
        done = [position for _, position, _ in told]
        assert done == sorted(done) and done[-1] == len(content)


def test_the_end_of_standard_input_is_unknown_to_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, CSV)
    told: list[tuple[str, int, int]] = []
    read_interactions(
        "-", input_options=InputOptions(format="csv"), progress=lambda *report: told.append(report)
    )
    assert set(told) == {("read standard input", 77, 0)}


@pytest.mark.parametrize(
    ("head", "got"),
    [
        (b"PK\x03\x04", "a zip archive"),
        (b"BZh91AY", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"PAR1", "Parquet"),
    ],
)
def test_other_formats_are_told_by_their_first_bytes(head: bytes, got: str, tmp_path: Path) -> None:
    path = save(tmp_path, "a.csv", head + b"rest")
    with pytest.raises(DataError, match=f": expected text, plain or gzip, got {got}$") as caught:
        read_text(path)
    assert caught.value.hint


def lines_of(path: Path, encoding: str | None = None) -> tuple[str, str]:
    """Return the text that is read, and the error after it."""
    text = ""
    try:
        for chunk in text_chunks(path, encoding=encoding):
            text += chunk.text
    except DataError as error:
        return text, str(error).removeprefix(f"{path}:")
    return text, ""


@pytest.mark.parametrize("chunk_bytes", [1, 2, 3])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_line_has_at_most_so_many_bytes_of_utf_8(
    chunk_bytes: int, encoding: str, packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.inputs._CHUNK_BYTES", chunk_bytes)
    monkeypatch.setattr("mlcore.files.inputs.MAX_LINE_BYTES", 8)
    fault = "line: expected at most 8 bytes, got more"
    for line in ("12345678", "123456\u00e9", "1234567\r", 4 * "\u00e9"):
        for end in ("", "\n"):
            for text, expected in (
                (f"a\n{line}{end}", (f"a\n{line}{end}", "")),
                (f"a\n{line}9{end}", ("a\n", f"2: {fault}")),
            ):
                data = text.encode(encoding)
                path = save(tmp_path, "a.csv", gzip.compress(data) if packed else data)
                assert lines_of(path, encoding) == expected, text


def test_bytes_of_line_feeds_that_are_none_do_not_make_a_line_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.inputs.MAX_LINE_BYTES", 2**21)
    path = save(tmp_path, "a.csv", "\u0a0a".encode("utf-16-le") * 2**20)
    assert lines_of(path, "utf-16-le")[1] == "1: line: expected at most 2097152 bytes, got more"


def test_a_document_has_at_most_so_many_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.inputs.MAX_DOCUMENT_BYTES", 8)
    assert read_text(save(tmp_path, "a.json", "\u00e9\n\u00e9\n\u00e9")) == "\u00e9\n\u00e9\n\u00e9"
    with pytest.raises(DataError, match="a.json: expected at most 8 bytes, got more$"):
        read_text(save(tmp_path, "a.json", "\u00e9\n\u00e9\n\u00e9\n"))


def test_a_name_too_long_is_no_readable_file() -> None:
    with pytest.raises(DataError, match="expected a readable file, got 'File name too long'$"):
        read_text("a" * 300)


def test_a_file_that_was_read_may_refuse_to_close(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stubborn(io.FileIO):
        def close(self) -> None:
            super().close()
            raise OSError(errno.EIO, "Input/output error")

    path = save(tmp_path, "a.json", "{}")
    monkeypatch.setattr(inputs, "open", Stubborn, raising=False)
    assert read_text(path) == "{}"
