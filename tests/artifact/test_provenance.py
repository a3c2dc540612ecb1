"""mlcore.artifact.provenance: a file beside the model that changes nothing about it."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy

from fixtures.golden import FIXTURES
from mlcore import Model, verify_model
from mlcore.artifact import describe_model
from mlcore.artifact.provenance import read_provenance, write_provenance
from mlcore.artifact.publish import publish_from_path
from mlcore.errors import DataWarning
from mlcore.version import VERSION

TINY = FIXTURES / "tiny/cosine/model"
NAME = "provenance.json"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    copy = tmp_path / "model"
    shutil.copytree(TINY, copy)
    return copy


def test_versions_come_before_the_facts(tmp_path: Path) -> None:
    write_provenance(tmp_path, {"interactions": {"rows": 3}})
    text = (tmp_path / NAME).read_text("utf-8")
    assert json.loads(text) == read_provenance(tmp_path)
    found = json.loads(text)
    assert list(found) == ["versions", "interactions"]
    assert found["versions"] == {
        "mlcore": VERSION,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
    }


def test_a_model_with_it_is_the_same_model(model: Path) -> None:
    before = describe_model(model, verify=True)
    assert "provenance" not in before
    write_provenance(model, {"items": None})
    assert verify_model(model) == verify_model(TINY)
    found = describe_model(model, verify=True)
    assert found.pop("provenance") == read_provenance(model)
    assert found == before


def test_it_is_replaced_with_the_model_that_it_tells_of(model: Path) -> None:
    write_provenance(model, {})
    Model.load(TINY).save(model, overwrite=True)
    assert sorted(os.listdir(model)) == sorted(os.listdir(TINY))


def test_a_published_copy_has_it(model: Path, tmp_path: Path) -> None:
    write_provenance(model, {"interactions": {"rows": 3}})
    publish_from_path(model, tmp_path / "current")
    assert (tmp_path / "current" / NAME).read_bytes() == (model / NAME).read_bytes()


Spoil = Callable[[Path], object]
FAULTS: list[tuple[Spoil, str]] = [
    (lambda path: path.write_text("[]"), "expected a JSON object, got \\[\\]"),
    (lambda path: path.write_text("{"), "invalid JSON"),
    (lambda path: path.write_bytes(b"\xff"), "can't decode byte 0xff"),
    (lambda path: path.write_bytes(b" " * (2**20 + 1)), "expected a file of at most 1048576 bytes"),
    (lambda path: path.mkdir(), "expected a file of at most 1048576 bytes"),
    (lambda path: path.symlink_to("config.json"), "expected a file of at most 1048576 bytes"),
]


@pytest.mark.parametrize(("spoil", "message"), FAULTS)
def test_a_file_that_cannot_be_read_is_a_note_and_the_model_is_fine(
    spoil: Spoil, message: str, model: Path, tmp_path: Path
) -> None:
    spoil(model / NAME)
    verify_model(model)
    with pytest.warns(DataWarning, match=message):
        assert "provenance" not in describe_model(model, verify=True)
    publish_from_path(model, tmp_path / "current")


def test_a_link_in_its_place_is_not_followed_to_publish_what_it_leads_to(
    model: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("{}")
    (model / NAME).symlink_to(tmp_path / "secret")
    publish_from_path(model, tmp_path / "current")
    assert NAME not in os.listdir(tmp_path / "current")
