"""The lineage file: one record a line, whatever stops a run."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from mlcore.errors import DataError, DataWarning
from mlcore.lineage import (
    Log,
    Record,
    append,
    appended,
    check_appendable,
    format_record,
    parse_record,
    read_lineage,
)
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
    lines[number - 1] = "mine"
    LINEAGE.write_text("\n".join(lines) + "\n", "utf-8")
    with pytest.raises(DataError, match=f"^{LINEAGE}:{number}: expected a record of a run, got "):
        read_lineage(LINEAGE)


# --- broken lines: the others answer ---

OTHER = LINE.replace("2" * 64, "3" * 64)
BROKEN = {
    "conflict": (
        ["<<<<<<< HEAD", LINE, "=======", OTHER, ">>>>>>> other"],
        r":1: expected records of runs, got the marks of a merge conflict in lines 1, 3, 5; "
        "passed over: delete the marks and keep the other lines, of both sides; ",
    ),
    "conflict with its base": (
        ["<<<<<<< ours", LINE, "||||||| base", "=======", OTHER, ">>>>>>> theirs"],
        "in lines 1, 3, 4, 6; ",
    ),
    "conflict with CRLF": (
        ["<<<<<<< a\r", f"{LINE}\r", "=======\r", f"{OTHER}\r", ">>>>>>> b\r"],
        "in lines 1, 3, 5; ",
    ),
    "a mark that was left": (
        [LINE, OTHER, ">>>>>>> b"],
        r":3: expected a record of a run, got the mark of a merge conflict; passed over: delete ",
    ),
    "half a line": (
        [LINE, LINE[:100], OTHER],
        r":2: expected a record of a run, got invalid JSON ",
    ),
    "half a line with its output": ([LINE, LINE[:-40], OTHER], ":2: expected a record of a run, "),
    "two halves": ([LINE, LINE[:300] + OTHER, OTHER], ":2: expected a record of a run, "),
    "another key": ([LINE, LINE.replace("engine", "motor"), OTHER], ":2: expected an object with "),
    "bytes": ([LINE, "\udcff", OTHER], ":2: expected UTF-8, got the byte 0xff; passed over"),
    "nothing and more": (
        [LINE, "", "x", OTHER],
        ":2: expected a record of a run, got nothing, and 1 other ",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_lines_that_are_whole_answer_and_one_warning_tells_of_the_others(
    name: str, folder: Path
) -> None:
    lines, warning = BROKEN[name]
    content = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
    LINEAGE.write_bytes(content)
    with Log(LINEAGE) as log:
        for text, digit in ((LINE, "2"), (OTHER, "3")):
            (line,) = log.with_content(digit * 64)
            assert line.record == parse_record(text, "")
            number = next(i for i, one in enumerate(lines, 1) if one.removesuffix("\r") == text)
            assert log.numbers([line.start]) == {line.start: number}
        assert list(log.with_content("0" * 64)) == []
        list(log.records())
        with pytest.warns(DataWarning, match=f"^{LINEAGE}:") as caught:
            log.report_faults()
    assert len(caught) == 1 and warning in str(caught[0].message)


def test_a_log_with_a_conflict_takes_a_line(folder: Path) -> None:
    LINEAGE.write_text(f"<<<<<<< a\n{LINE}\n=======\n{OTHER}\n>>>>>>> b", "utf-8")
    with pytest.warns(DataWarning, match="got the mark of a merge conflict; passed over"):
        check_appendable(LINEAGE)
    append(LINEAGE, record_of())
    assert lines_of()[4:] == [">>>>>>> b", format_record(record_of())]


# --- reading from the end ---


def random_log(seed: int) -> list[Record]:
    """Records whose contents, names and tables come again, in lines of any length."""
    rng = random.Random(seed)
    records = []
    for _ in range(rng.randrange(1, 60)):
        digest = f"{rng.randrange(9):064x}"
        output = replace(RECORD.output, sha256=digest, file=f'é "{rng.randrange(4)}\\.csv')
        if rng.random() < 0.3:
            output = replace(RECORD.output, file=None, stored=f'a "{rng.randrange(3)}', sha256=None)
        params = {"output": "x" * rng.choice([1, 9, 999]), "sha256": "1" * 64}
        statistics = {"sha256": f"{rng.randrange(9):064x}"}
        records.append(replace(RECORD, output=output, params=params, statistics=statistics))
    return [*records]


@pytest.mark.parametrize("seed", range(30))
def test_the_index_finds_what_a_look_at_every_line_finds(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.lineage.log._FIRST_BLOCK_BYTES", 1 + 97 * seed)
    monkeypatch.setattr("mlcore.lineage.log._BLOCK_BYTES", 1 + 200 * seed)
    records, end = random_log(seed), random.Random(seed).choice(["\n", "\r\n"])
    texts = [format_record(one) for one in records]
    if seed % 3 == 0:  # as other programs write JSON
        texts = [json.dumps(json.loads(text), separators=(",", ":")) for text in texts]
    path = tmp_path / "log.jsonl"
    path.write_bytes((end.join(texts) + (end if seed % 2 else "")).encode())
    starts = [0, *(m.end() for m in re.finditer(b"\n", path.read_bytes()))]
    with Log(path) as log:
        assert list(log.records().values()) == records == read_lineage(path)
        questions = list(range(9))
        random.Random(seed).shuffle(questions)
        for key in questions:
            before = starts[key % len(records)]
            for name, limit in ((None, len(starts)), (before, starts.index(before))):
                digest, table = f"{key:064x}", f'a "{key}'
                there = [*zip(starts, (one.output for one in records))][:limit][::-1]
                assert [line.start for line in log.with_content(digest, name)] == [
                    start for start, output in there if output.sha256 == digest
                ]
                assert [line.start for line in log.with_table(table, name)] == [
                    start for start, output in there if output.stored == table
                ]
            name_of_file = f'é "{key}\\.csv'
            assert [line.record for line in log.with_name(name_of_file)] == [
                one for one in reversed(records) if one.output.file == name_of_file
            ]
        assert log.numbers(starts[: len(records)]) == dict(zip(starts, range(1, len(records) + 1)))


def test_the_newest_lines_answer_without_the_others(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(f"{OTHER}\n" * 200 + "mine\n" + f"{OTHER}\n" * 2000 + f"{LINE}\n", "utf-8")
    with Log(path) as log:
        assert next(log.with_content("2" * 64)).record == RECORD
        assert log.faults() == []  # the odd line is not reached
        assert len(list(log.with_content("3" * 64))) == 2200
        assert [number for number, _ in log.faults()] == [201]
    append(path, RECORD)
    check_appendable(path)  # by its last lines


@pytest.mark.parametrize("kind", ["gzip", "pipe"])
def test_a_log_that_was_packed_or_comes_through_a_pipe_is_read(kind: str, tmp_path: Path) -> None:
    path, content = tmp_path / "log", f"{LINE}\n{OTHER}\n".encode()
    if kind == "gzip":
        path.write_bytes(gzip.compress(content))
    else:
        os.mkfifo(path)
        writer = threading.Thread(target=path.write_bytes, args=[content])
        writer.start()
    with Log(path) as log:
        assert [line.start for line in log.with_content("3" * 64)] == [len(LINE.encode()) + 1]
        assert log.records()[1] == RECORD


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
