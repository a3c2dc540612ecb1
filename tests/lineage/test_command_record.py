"""Records of commands: one line of JSON each, whose keys keep their rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.lineage import CommandRecord, Dataset, format_record, parse_record
from tests.lineage.records import LINEAGE, NOON, commit_all, facts_of, git, needs_git

# Written by hand, each value by the rule of its key.
COMMAND_LINE = (
    '{"command": "train", "commit": "' + "a" * 40 + '", "dirty": true, "engine": null, '
    '"params": {"similarity.name": "cosine", "cutoffs": [5, 10], "with_users": true}, '
    '"inputs": [{"role": "interactions", "file": "train.csv", "stored": null, "format": "csv", '
    '"bytes": 24, "sha256": "' + "1" * 64 + '"}, '
    '{"role": "items", "file": null, "stored": "shop.items", "format": null, "bytes": null, '
    '"sha256": null}], '
    '"output": {"role": "model", "file": "model", "stored": null, "format": "model", '
    '"bytes": 60, "sha256": "' + "2" * 64 + '"}, '
    '"created_at": "2026-11-21T12:00:00Z", "tool": "mlcore 0.2.0"}'
)
COMMAND_RECORD = CommandRecord(
    command="train",
    commit="a" * 40,
    dirty=True,
    engine=None,
    params={"similarity.name": "cosine", "cutoffs": [5, 10], "with_users": True},
    inputs=(
        Dataset("interactions", "train.csv", None, "csv", None, 24, "1" * 64, ()),
        Dataset("items", None, "shop.items", None, None, None, None, ()),
    ),
    output=Dataset("model", "model", None, "model", None, 60, "2" * 64, ()),
    created_at="2026-11-21T12:00:00Z",
    tool="mlcore 0.2.0",
)


def test_a_record_is_this_line_and_back() -> None:
    assert format_record(COMMAND_RECORD) == COMMAND_LINE
    assert parse_record(COMMAND_LINE, "") == COMMAND_RECORD


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"train"', '""', "command: expected a text, got ''"),
        ("a" * 40, "A" * 40, "commit: expected the id of a commit or null, got 'AAA"),
        ('"dirty": true', '"dirty": 1', "dirty: expected true or false or null, got 1"),
        ('"engine": null', '"engine": 7', "engine: expected a text or null, got 7"),
        ("[5, 10]", "[null]", "params: expected an object of texts, numbers, true, false, and l"),
        ("[5, 10]", '{"a": 1}', "params: expected an object of texts, numbers, true, false, and "),
        ('"bytes": 24', '"bytes": -1', "inputs: bytes: expected an integer >= 0 or null, got -1"),
        ('"role": "model"', '"role": null', "output: role: expected a text, got null"),
        (', "tool": "mlcore 0.2.0"', "", "expected an object with command, commit, dirty, engine"),
        ('"role": "items"', '"table": "items"', "inputs: expected an object with role, file, "),
    ],
)
def test_a_line_that_breaks_a_rule_is_refused(old: str, new: str, complaint: str) -> None:
    assert old in COMMAND_LINE
    with pytest.raises(DataError) as caught:
        parse_record(COMMAND_LINE.replace(old, new, 1), "log.jsonl:7")
    assert str(caught.value).startswith(f"log.jsonl:7: {complaint}")


def record_of(place: Path | str = "in.csv") -> CommandRecord:
    return CommandRecord.of_run(
        command="split",
        engine_name=None,
        params={"n": 1},
        inputs=[Dataset.of_file(place, "csv", facts_of("n\n"), table="interactions")],
        output=Dataset.of_file("train.csv", "csv", facts_of("n\n"), table="train"),
        lineage_path=LINEAGE,
        created_at=NOON,
    )


@needs_git
def test_the_commit_is_that_of_the_current_folder(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = git("rev-parse", "HEAD")
    assert (record_of().commit, record_of().dirty) == (head, False)
    Path("in.csv").write_text("n\n")
    commit_all()
    Path("in.csv").write_text("m\n")  # whose digest is in the line
    assert record_of().dirty is False
    Path("sql/two.sql").write_text("changed")
    assert record_of().dirty is True
    other = repository.parent / "other"
    other.mkdir()
    monkeypatch.chdir(other)
    assert (record_of().commit, record_of().dirty) == (None, None)


def test_names_are_relative_and_without_secrets(folder: Path) -> None:
    for place, name in {
        "sql/in.csv": "in.csv",
        "/data/ann/in.csv": "in.csv",
        "gs://ann:secret@shop/in.csv?token=1": "gs://shop/in.csv",
    }.items():
        assert record_of(place).inputs[0].file == name
