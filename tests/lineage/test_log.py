"""The lineage file: one record a line, whatever stops a run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlcore.errors import DataError, DataWarning
from mlcore.lineage import append, appended, check_appendable, format_record, read_lineage
from tests.lineage.records import LINE, LINEAGE, RECORD, lines_of, record_of


def test_lines_follow_one_another(folder: Path) -> None:
    records = [record_of(output=f"{name}.csv") for name in "abc"]
    for record in records:
        append(LINEAGE, record)
    assert read_lineage(LINEAGE) == records
    assert LINEAGE.read_bytes() == "".join(f"{format_record(one)}\n" for one in records).encode()


@pytest.mark.parametrize("kept", [1, 40, len(LINE) - 1])
def test_what_a_crash_left_of_a_line_is_removed(kept: int, folder: Path) -> None:
    append(LINEAGE, RECORD)
    whole = LINEAGE.read_bytes()
    LINEAGE.write_bytes(whole + LINE.encode()[:kept])
    with pytest.warns(DataWarning, match="ignored a last line that was not written to its end"):
        assert read_lineage(LINEAGE) == [RECORD]
    with pytest.warns(DataWarning, match="removed a last line that was not written to its end"):
        append(LINEAGE, record_of())
    assert LINEAGE.read_bytes() == whole + format_record(record_of()).encode() + b"\n"


@pytest.mark.parametrize("content", ['{"num_neighbors": 20}', "user_id", f"{LINE}\nmine", "[\n1"])
def test_the_last_line_of_something_else_is_not_removed(content: str, folder: Path) -> None:
    LINEAGE.write_text(content, "utf-8")
    for use in (check_appendable, read_lineage, lambda path: append(path, RECORD)):
        with pytest.raises(DataError, match=rf"^{LINEAGE}:(1|2| last line): expected an? "):
            use(LINEAGE)
    assert LINEAGE.read_text("utf-8") == content


def test_a_line_that_lacks_only_its_line_feed_stays(folder: Path) -> None:
    LINEAGE.write_text(LINE, "utf-8")
    assert read_lineage(LINEAGE) == [RECORD]
    append(LINEAGE, record_of())
    assert lines_of() == [LINE, format_record(record_of())]


@pytest.mark.parametrize("number", [1, 2])
def test_a_bad_line_is_named(number: int, folder: Path) -> None:
    lines = [LINE, LINE, LINE]
    lines[number - 1] = "<<<<<<< HEAD"
    LINEAGE.write_text("\n".join(lines) + "\n", "utf-8")
    with pytest.raises(DataError, match=f"^{LINEAGE}:{number}: expected a record of a run, got "):
        read_lineage(LINEAGE)
    with pytest.raises(DataError, match=f"^{LINEAGE}:{number}: expected a record of a run, got "):
        check_appendable(LINEAGE)


def test_a_lineage_that_can_take_a_line_is_left_as_it_is(folder: Path) -> None:
    check_appendable(LINEAGE)
    assert not LINEAGE.exists()
    append(LINEAGE, RECORD)
    check_appendable(LINEAGE)
    assert lines_of() == [LINE]


def test_a_lineage_that_cannot_take_a_line_is_refused_before_the_work(folder: Path) -> None:
    with pytest.raises(DataError, match="none/log.jsonl: expected a folder to write to, got none"):
        check_appendable("none/log.jsonl")
    for path in ("sql", os.devnull):
        with pytest.raises(DataError, match=f"^{path}: expected a file, got something else"):
            check_appendable(path)
        with pytest.raises(DataError, match=f"^{path}: expected a file"):
            append(path, RECORD)


@pytest.mark.parametrize("before", [None, b""], ids=["no log", "an empty log"])
def test_a_line_of_what_did_not_appear_is_taken_back_and_so_is_a_new_log(
    before: bytes | None, tmp_path: Path
) -> None:
    log = tmp_path / "lineage.jsonl"
    if before is not None:
        log.write_bytes(before)
    with pytest.raises(ZeroDivisionError), appended(log, [RECORD, RECORD]):
        assert len(read_lineage(log)) == 2
        raise ZeroDivisionError
    assert (log.read_bytes() if log.exists() else None) == before
