"""cli.inspect: a model as JSON, checked on request."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.cases import run


def test_a_model_is_described_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("inspect --model-dir model") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["users"], shown["items"], shown["verified"]) == (4, 4, False)
    made_from = shown["provenance"]["interactions"]
    assert made_from["rows"] == 9
    assert run("inspect --model-dir model --verify") == 0
    assert json.loads(capsys.readouterr().out) == shown | {"verified": True}


def test_a_history_decay_shows_with_its_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "timed.csv").write_text(
        "user_id,item_id,timestamp\nann,tea,2\nann,jam,1\nbob,tea,1\n"
    )
    settings = "--set history_decay.name=exponential --set history_decay.half_life_items=3"
    assert run(f"train --interactions timed.csv {settings} --out-dir ordered") == 0
    capsys.readouterr()
    assert run("inspect --model-dir ordered --verify") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["config"]["history_decay"] == {"name": "exponential", "half_life_items": 3}
    assert shown["bytes"]["order.npz"] == (folder / "ordered/order.npz").stat().st_size
    assert run("train --interactions timed.csv --out-dir plain") == 0
    capsys.readouterr()
    assert run("diff --model-dir plain --model-dir ordered") == 0
    assert "history_decay" in capsys.readouterr().out


def test_only_verify_finds_another_byte_of_the_same_length(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = folder / "model/items.csv"
    path.write_text(path.read_text().replace("jam", "ham"))
    assert run("inspect --model-dir model") == 0
    capsys.readouterr()
    assert run("inspect --model-dir model --verify") == 1
    assert capsys.readouterr().err.startswith("error: model/items.csv: sha256: expected ")
