"""mlcore.report.report: the pages of results as the commands write them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlcore import Model
from mlcore.errors import DataError
from mlcore.report import report_from_path
from tests.charts.test_difference import DIFFERENCE
from tests.charts.test_search import TRIALS, trial
from tests.cli.cases import run
from tests.report.reading import Element, read_page

pytestmark = pytest.mark.matplotlib

MAX_BYTES = 1_000_000
COMMANDS = """\
generate --users 80 --items 40 --interactions 1200 --seed 3 --out events.csv --items-out items.csv
preprocess --interactions events.csv --out clean.csv
split --interactions clean.csv --strategy last-n --n 3 --train-out train.csv --test-out test.csv
train --interactions train.csv --attributes items.csv --out-dir model
predict --model-dir model --users test.csv --out predictions.jsonl
evaluate --predictions predictions.jsonl --ground-truth test.csv --cutoffs 2,5,10 --model-dir model \
--slices history-length,popularity --confidence 0.95 --diversity --out metrics.json
predict --model-dir model --users test.csv --include-seen --out candidate.jsonl
compare --baseline predictions.jsonl --candidate candidate.jsonl --ground-truth test.csv --out comparison.json
train --interactions train.csv --config auto --budget 4 --out-dir auto
diff --model-dir model --model-dir auto --out diff.json
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in COMMANDS.splitlines():
            assert run(line) == 0
        yield folder


def page_of(folder: Path, *names: str, **options: Any) -> Element:
    out = folder / "report.html"
    report_from_path([folder / name for name in names], out, **options)
    text = out.read_bytes()
    assert len(text) < MAX_BYTES
    return read_page(text.decode())


def numbers_in(value: Any) -> Iterator[float]:
    for one in value.values() if isinstance(value, dict) else value:
        if isinstance(one, (dict, list)):
            yield from numbers_in(one)
        elif isinstance(one, (int, float)):
            yield one


def test_an_evaluation_shows_the_numbers_of_its_json(made: Path) -> None:
    page = page_of(
        made,
        "metrics.json",
        predictions_path=made / "predictions.jsonl",
        ground_truth_path=made / "test.csv",
        model_dir=made / "model",
    )
    document = json.loads((made / "metrics.json").read_text())
    of_users = {
        name: value
        for name, value in document["metrics"].items()
        if name.partition("@")[0] not in ("coverage", "gini", "novelty", "diversity")
    }
    expected = [
        number
        for name in of_users
        for number in (of_users[name], *document["confidence_intervals"][name])
    ]
    assert sorted(page.block("Metrics by cutoff").numbers()) == sorted(expected)
    parts = document["slices"]["history-length"].values()
    assert page.block("Users with a short history, and with a long one").numbers() == [
        number
        for part in parts
        for number in (
            *(part["users"], part["ground_truth_items"], part["metrics"]["ndcg@10"]),
            *part["confidence_intervals"]["ndcg@10"],
        )
    ]
    exposed = page.block("Popular items in the lists, and in what users take").numbers()
    assert set(exposed) <= set(numbers_in(document["exposure"]))
    assert len(page.all("div", "user")) == 10
    assert page.all("p", "left-out") == []
    hits = [one.text for one in page.all("li", "hit")]
    assert hits and all(" for " in hit for hit in hits)  # titles, with what they are shown for


def test_a_comparison_shows_the_numbers_of_its_json(made: Path) -> None:
    page = page_of(made, "comparison.json", model_dir=made / "model")
    document = json.loads((made / "comparison.json").read_text())
    metrics = document["metrics"].values()
    assert page.block("Users better, equal and worse").numbers() == [
        one[f"users_{side}"] for one in metrics for side in ("better", "equal", "worse")
    ]
    assert page.all("p", "verdict")[0].text == document["conclusions"][0]
    users, items = document["users_changed_most"], document["items_changed_most"]
    assert page.block(f"The {len(users)} users who changed most").numbers() == [*numbers_in(users)]
    assert page.block(f"The {len(items)} items that changed most").numbers() == [*numbers_in(items)]


def test_a_model_shows_the_numbers_of_its_arrays(made: Path) -> None:
    page = page_of(made, "model")
    model = Model.load(made / "model")
    assert model.histories is not None
    lengths = np.diff(model.histories.indptr)
    shown = page.block("How long the histories are").numbers()
    assert sum(shown) == len(lengths) and shown[-1] == (lengths >= 2 ** (len(shown) - 1)).sum()
    weights = page.block("How large the weights are").numbers()
    assert sum(weights[2::3]) == model.similarity.num_entries
    assert weights[0] == model.similarity.data.min() and weights[-2] == model.similarity.data.max()
    sizes = json.loads((made / "model/manifest.json").read_text())["files"]
    assert page.block("Files").numbers() == [one["bytes"] for one in sizes.values()]


def test_what_auto_tried_is_in_the_page_of_its_model(made: Path) -> None:
    rows = page_of(made, "auto").block("What auto tried").all("tr")[1:]
    tried = json.loads((made / "auto/selection.json").read_text())["tried"]
    assert len(rows) == len(tried) >= 4
    shown = [[float(one.attributes["value"]) for one in row.all("data")] for row in rows]
    assert shown == [[one["rung"], one["value"], *one["interval"]] for one in tried]


def test_a_difference_shows_the_numbers_of_its_json(made: Path) -> None:
    page = page_of(made, "diff.json")
    document = json.loads((made / "diff.json").read_text())
    counts = page.block("How much each item changed").numbers()[2::3]
    assert counts == document["neighbors"]["items_by_rbo"] and sum(counts) == 40
    changed = page.block("Items that changed most").numbers()
    assert changed == [
        one[key] for one in document["neighbors"]["changed_most"] for key in ("rbo", "popularity")
    ]


def test_the_same_files_give_the_same_bytes(made: Path, tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        report_from_path([made / "metrics.json"], tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_several_results_are_one_page(made: Path) -> None:
    page = page_of(made, "metrics.json", "comparison.json", "model", "diff.json", "metrics.json")
    assert len(page.all("section", "part")) == 5


def test_a_page_of_thousands_of_trials_stays_small(tmp_path: Path) -> None:
    config = {f"p{n}": {"name": "x" * 40, "value": 0.0} for n in range(12)}
    trials = [
        trial(n, n / 5000, {**config, "p0": n, "p1": n % 7, "p2": f"v{n % 3}"}) for n in range(5000)
    ]
    (tmp_path / "trials.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in trials))
    page_of(tmp_path, "trials.jsonl")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "expected a model, a search, or the"),
        ("[1]", r"expected a model, a search, or the.*, got \[1\]"),
        ('{"users": 3}', "expected a model, a search, or the"),
        ('{"users": 3, "metrics": {"recall@5": "x"}}', "users_without_predictions: expected to be"),
        ('{"deciding": 3, "metrics": {}}', "users: expected to be there"),
    ],
)
def test_what_is_no_result_is_refused_and_nothing_is_written(
    text: str, error: str, tmp_path: Path
) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=f"a.json: .*{error}"):
        report_from_path([tmp_path / "a.json"], tmp_path / "report.html")
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


BAD = "<img src=x onerror=alert(1)>\"'&\u202e\x1b[2J\x00\u65e5" + "w" * 2000
# Keys by which a document is known; all others, and all texts, are those of somebody else.
KNOWN = {"shrinkage", "similarity.beta", "history-length", "popularity", "1", "2-3", "head"}


def hostile(value: Any) -> Any:
    """The same document with markup, control characters and long names wherever names are free."""
    if isinstance(value, dict):
        return {
            f"{BAD}{key}" if key in KNOWN else key: hostile(one)
            for key, one in value.items()
            if key not in ("exposure", "gate")
        }
    if isinstance(value, list):
        return [hostile(one) for one in value]
    return f"{value}{BAD}" if isinstance(value, str) else value


@pytest.mark.parametrize("name", ["metrics.json", "comparison.json", "diff.json", "trials.jsonl"])
def test_names_of_others_are_text_wherever_they_stand(
    name: str, made: Path, tmp_path: Path
) -> None:
    if name == "trials.jsonl":
        text = "".join(f"{json.dumps(hostile(one))}\n" for one in TRIALS)
    else:
        document = json.loads((made / name).read_text())
        deciding = {"deciding": document["deciding"]} if "deciding" in document else {}
        configuration = (
            {"configuration": DIFFERENCE["configuration"]} if name == "diff.json" else {}
        )
        text = json.dumps(hostile(document | configuration) | deciding)
    (tmp_path / name).write_text(text)
    page = page_of(tmp_path, name)
    assert "<img src=x onerror=alert(1)>" in page.text or name == "metrics.json"
