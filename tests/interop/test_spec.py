"""The worked example of the specification is what the code writes."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from mlcore import Interactions, Recommender, TrainConfig, train_from_data
from mlcore.version import VERSION

SPEC = (Path(__file__).parents[2] / "interop" / "SPEC.md").read_text("utf-8")
EXAMPLE = SPEC[SPEC.index("## 13.") :]


# The example has the configuration that version 0.1.0 wrote. Later ones spell out more settings;
# no reader interprets them, so the text and the case of the suite stay as they are.
CONFIG = {
    "similarity": {"name": "cosine"},
    "weighting": {"name": "none"},
    "num_neighbors": 100,
    "neighborhood": "target",
    "shrinkage": 0.0,
    "min_cooccurrence": 1,
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("spec") / "model"
    pairs = Interactions.from_columns(["u", "u"], ["a", "b"])
    trained = train_from_data(pairs, TrainConfig.from_json(CONFIG))
    replace(trained, config_json=CONFIG, normalization=None).save(folder)
    return folder


def undump(text: str) -> bytes:
    data = b""
    lines = text.splitlines()
    for number, line in enumerate(lines):
        offset, _, digits = line.partition("  ")
        if line == "*":
            following = int(lines[number + 1].partition("  ")[0], 16)
            data += data[-16:] * ((following - len(data)) // 16)
        else:
            assert int(offset, 16) == len(data)
            data += bytes.fromhex(digits)
    return data


@pytest.mark.parametrize("name", ["popularity.npz", "similarity.npz"])
def test_the_dumps_are_the_bytes_of_the_files(model: Path, name: str) -> None:
    found = re.search(
        rf"^`{re.escape(name)}`:.*?```\n(.*?)\n```", EXAMPLE, re.DOTALL | re.MULTILINE
    )
    assert found is not None
    assert undump(found[1]) == (model / name).read_bytes()


def test_the_manifest_and_the_ids_are_those_of_the_files(model: Path) -> None:
    found = re.search(r"```json\n(.*?)```", EXAMPLE, re.DOTALL)
    ids = re.search(r"`items.csv` is `([0-9a-f ]+)`", EXAMPLE)
    assert found is not None and ids is not None
    written = (model / "manifest.json").read_text("utf-8")
    assert found[1] == written.replace(f'"version": "{VERSION}"', '"version": "0.1.0"')
    assert bytes.fromhex(ids[1]) == (model / "items.csv").read_bytes()


def test_the_list_is_the_one_recommended(model: Path) -> None:
    (only,) = Recommender.load(model).predict_history({"a": 2.0})
    assert (only.item_id, only.score.hex()) == ("b", (2.0).hex())


def test_every_rule_has_an_id_of_its_own() -> None:
    ids = re.findall(r"^- \*\*\[([A-Z]+-\d+)\]\*\*", SPEC, re.MULTILINE)
    assert len(ids) == len(set(ids)) > 50
    mentioned = set(re.findall(r"\[([A-Z]+-\d+)\]", SPEC))
    assert mentioned == set(ids)
