"""Answers: what made a file."""

from __future__ import annotations

import gzip
import io
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from mlcore.lineage import CommandRecord, Dataset, append, describe_file
from tests.lineage.records import (
    LINEAGE,
    ask,
    facts_of,
    made,
    record_of,
    write_query,
)

MODEL = Path(__file__).parents[2] / "fixtures/tiny/cosine/model"


def test_a_chain_of_three_runs_is_followed_to_its_beginning(chain: Path) -> None:
    answer = ask("d.csv")
    assert (answer.state, answer.facts) == ("known", facts_of("d\n"))
    assert [(step.line, step.made_by) for step in answer.steps] == [
        (3, (2,)),
        (2, (1,)),
        (1, (None,)),
    ]
    assert [step.record.maker for step in answer.steps] == ["one.sql", "two.sql", "one.sql"]
    assert [step.line for step in ask("b.csv").steps] == [1]


def test_a_file_is_known_by_its_content(chain: Path) -> None:
    Path("d.csv").rename("renamed.txt")
    Path("d.csv.gz").write_bytes(gzip.compress(b"d\n"))
    for name in ("renamed.txt", "d.csv.gz"):
        assert [step.line for step in ask(name).steps] == [3, 2, 1]


def test_a_file_with_other_content_has_changed_since(chain: Path) -> None:
    made("d.csv", "new\n", "one", {"c.csv": "c\n"})
    Path("d.csv").write_text("d\n \n", "utf-8")
    answer = ask("d.csv")
    assert (answer.state, answer.facts) == ("changed", facts_of("d\n \n"))
    assert answer.steps[0].line == 4


def test_a_file_that_no_query_made_is_not_known(chain: Path) -> None:
    Path("a.csv").write_text("a\n", "utf-8")  # which was read, but not made
    answer = ask("a.csv")
    assert (answer.state, answer.steps) == ("unknown", ())


def test_of_runs_with_equal_results_the_newest_of_this_name_counts(folder: Path) -> None:
    made("x.csv", "n\n")
    made("x.csv", "n\n", "two")
    made("y.csv", "n\n")
    assert [ask(name).steps[0].line for name in ("x.csv", "y.csv")] == [2, 3]
    Path("x.csv").rename("z.csv")
    assert ask("z.csv").steps[0].line == 3


def test_a_run_that_changed_nothing_has_an_end(folder: Path) -> None:
    made("x.csv", "n\n", "one", {"a.csv": "a\n"})
    made("x.csv", "n\n", "two", {"x.csv": "n\n"})
    made("x.csv", "n\n", "two", {"x.csv": "n\n"})
    assert [(step.line, step.made_by) for step in ask("x.csv").steps] == [
        (3, (2,)),
        (2, (1,)),
        (1, (None,)),
    ]


def test_each_run_is_looked_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in range(8):  # each day reads two copies of the day before: 2^8 ways to the first
        made(f"{day + 1}.csv", f"{day + 1}", "one", {f"{day}.csv": f"{day}", "copy.csv": f"{day}"})
    looked: list[str] = []

    def look(name: str, sha256: str, root: Path) -> str:
        looked.append(name)
        return "same"

    monkeypatch.setattr("mlcore.lineage.answers.query_state", look)
    assert [step.line for step in ask("8.csv").steps] == [8, 7, 6, 5, 4, 3, 2, 1]
    assert looked == ["one.sql"] * 8


def test_standard_input_and_output_have_no_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(LINEAGE, record_of(inputs={"-": "a\n"}, output="-", content="b\n"))
    made("c.csv", "c\n", "two", {"b.csv": "b\n"})
    assert [step.line for step in ask("c.csv").steps] == [2, 1]
    for text, state in (("b\n", "known"), ("x\n", "unknown")):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
        assert ask("-").state == state


def test_tables_of_an_engine_are_followed_by_their_name(folder: Path) -> None:
    append(LINEAGE, record_of("one", {"a.csv": "a\n"}, "shop.clean", content=None))
    append(LINEAGE, record_of("one", {}, "shop.clean", content=None, engine="spark"))
    made("b.csv", "b\n", "two", {"shop.clean": None, "shop.items": None})
    answer = ask("b.csv")
    assert [(step.line, step.made_by) for step in answer.steps] == [(3, (1, None)), (1, (None,))]


def test_a_query_that_changed_is_told(chain: Path) -> None:
    assert [step.query_state for step in ask("d.csv").steps] == ["same"] * 3
    write_query("one", "  -- changed")
    Path("sql/two.sql").unlink()
    assert [step.query_state for step in ask("d.csv").steps] == ["changed", "missing", "changed"]


def made_by_command(
    command: str, path: str, inputs: Mapping[str, str], engine: str | None = None
) -> None:
    """The line of a command that made what is at a path; inputs are files, or else tables."""
    record = CommandRecord.of_run(
        command=command,
        engine_name=engine,
        params={},
        inputs=[
            (
                Dataset.of_file(place, None, describe_file(place), table=role)
                if Path(place).exists()
                else Dataset.of_stored(place, table=role)
            )
            for role, place in inputs.items()
        ],
        output=Dataset.of_file(path, None, describe_file(path), table="made"),
        lineage_path=LINEAGE,
    )
    append(LINEAGE, record)


def test_commands_and_queries_are_one_chain(chain: Path) -> None:
    shutil.copytree(MODEL, "model")
    made_by_command("train", "model", {"interactions": "d.csv"})
    Path("lists.jsonl").write_text("lists\n")
    made_by_command("predict", "lists.jsonl", {"model": "model", "users": "d.csv"})
    shutil.move("model", "published")
    answer = ask("lists.jsonl")
    assert [(step.line, step.made_by) for step in answer.steps] == [
        (5, (4, 3)),
        (4, (3,)),
        (3, (2,)),
        (2, (1,)),
        (1, (None,)),
    ]
    assert [step.query_state for step in answer.steps] == [None, None, "same", "same", "same"]
    assert [ask(name).steps[0].line for name in ("published", "published/manifest.json")] == [4, 4]


@pytest.mark.parametrize("name", ["model", "renamed"])
def test_a_model_that_was_changed_has_changed_since(name: str, folder: Path) -> None:
    shutil.copytree(MODEL, "model")
    made_by_command("train", "model", {})
    shutil.move("model", name)
    with (Path(name) / "items.csv").open("a") as file:
        file.write("more\n")
    assert (ask(name).state, ask(name).steps[0].line) == ("changed", 1)


def test_a_table_of_an_engine_is_followed_into_a_command(folder: Path) -> None:
    append(LINEAGE, record_of("one", {}, "shop.clean", content=None, engine="spark"))
    shutil.copytree(MODEL, "model")
    made_by_command("train", "model", {"interactions": "shop.clean"}, "spark")
    assert ask("model").steps[0].made_by == (1,)
    made_by_command("train", "model", {"interactions": "shop.clean"}, "bigquery")
    assert ask("model").steps[0].made_by == (None,)
