"""cli.show: one user's list with titles, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.cases import Case, check, run, write

SHOW = "show --predictions predictions.jsonl --items items.csv"
TITLES = ["Green tea", "Sugar", "Plum jam", "Milk"]
ITEMS = {"items.csv": "item_id,title\ntea,Green tea\nsugar,Sugar\njam,Plum jam\nmilk,Milk\n"}
CASES = [
    Case("empty lists", f"{SHOW} --top-n 0", "top_n: expected an integer >= 1, got 0"),
    Case(
        "unknown user",
        "show --predictions predictions.jsonl --items items.csv --user zoe",
        "predictions.jsonl: user_id: expected a list of the user, got none for 'zoe'",
        "the first of the lists is 'ann'",
        files={"items.csv": "item_id,title\ntea,Tea\n"},
    ),
    Case(
        "model without titles",
        "show --predictions predictions.jsonl --model-dir model",
        "model: title: expected a column of this name in the attributes of the model, got none",
        "--items FILE gives titles; train --attributes FILE keeps them in the model",
    ),
    Case(
        "number as title",
        "show --predictions predictions.jsonl --items items.jsonl",
        "items.jsonl:1: title: expected a string, got 1984",
        files={"items.jsonl": '{"item_id": "tea", "title": 1984}\n'},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gives_one_clear_error_and_writes_nothing(
    case: Case, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    check(case, folder, capsys)


def test_titles_may_be_those_that_the_model_keeps(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, ITEMS)
    assert run("train --interactions interactions.csv --attributes items.csv --out-dir shop") == 0
    assert run(SHOW) == 0
    expected = capsys.readouterr().out.partition("\n")[2]  # without the summary of the training
    assert run("show --predictions predictions.jsonl --model-dir shop") == 0
    assert capsys.readouterr().out == expected


@pytest.mark.parametrize(
    ("option", "titles"),
    [("", ["Sugar", "Plum jam"]), ("--user eve", ["Green tea"]), ("--top-n 1", ["Sugar"])],
)
def test_a_list_has_titles_in_order(
    option: str, titles: list[str], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, ITEMS)
    assert run(f"{SHOW} {option}") == 0
    out, err = capsys.readouterr()
    assert err == ""
    found = [title for title in TITLES if title in out]
    assert sorted(found, key=out.index) == titles
