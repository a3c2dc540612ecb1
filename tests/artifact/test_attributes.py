"""mlcore.artifact.attributes: what a catalogue says of the items of a model, and its files."""

from __future__ import annotations

import json
import pickle
import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore import DataError, Interactions, Model, Recommender, train_from_data
from mlcore.artifact import Attributes, describe_model, read_attributes, verify_model
from mlcore.errors import DataWarning, MlcoreError
from mlcore.files.catalogue import NO_TIME, NO_VALUE, Catalogue
from mlcore.ids import IdMap
from tests.artifact.models import assert_same_model, some_rows, train

ITEMS = IdMap.from_ids(["jam", "milk", "tea"])


def test_a_catalogue_is_encoded_as_the_hand_does() -> None:
    # Columns by name: a, b. Values of the model's items by their bytes: Z, a, é; w is of rye alone.
    table = Catalogue(
        ["tea", "rye", "jam"],
        {"b": [0, 1, NO_VALUE], "a": [2, 0, 3]},
        ["\u00e9", "w", "a", "Z"],
        None,
        [5, 6, NO_TIME],
    )
    found = Attributes.encode(table, ITEMS)
    assert (found.columns.ids, found.values.ids) == (["a", "b"], ["Z", "a", "\u00e9"])
    assert found.codes.dtype == np.int32
    assert found.codes.tolist() == [0, -1, 1, -1, -1, 2]
    assert found.texts("a") == ["Z", None, "a"] and found.texts("b") == [None, None, "\u00e9"]
    assert found.texts("c") is None
    assert found.availability is not None
    assert found.availability.begins.tolist() == [NO_TIME] * 3
    assert found.availability.ends.tolist() == [NO_TIME, NO_TIME, 5]
    assert found.describe() == {
        "columns": {"a": {"values": 2, "items": 2}, "b": {"values": 1, "items": 1}},
        "availability": {"from": 0, "until": 1},
    }


@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_columns_and_values_changes_nothing(rng: random.Random) -> None:
    texts = rng.sample(["x", "y", "\u00e9", "e\u0301", "\U0001f600", "\uff5e"], 6)
    rows = [(item, rng.choice([*texts, None]), rng.choice([*texts, None])) for item in ITEMS.ids]
    rows.append(("of nobody", "z", "z"))

    def encode() -> Attributes:
        order, values = rng.sample(rows, 4), rng.sample([*texts, "z"], 7)
        codes = {value: place for place, value in enumerate(values)} | {None: NO_VALUE}
        columns = {
            name: [codes[row[place]] for row in order]
            for place, name in rng.sample([(1, "one"), (2, "two")], 2)
        }
        return Attributes.encode(Catalogue([row[0] for row in order], columns, values), ITEMS)

    first, second = encode(), encode()
    assert first.sha256() == second.sha256()
    assert first.texts("one") == [row[1] for row in rows[:3]]
    assert first.values.ids == sorted(
        {value for row in rows[:3] for value in row[1:] if value is not None}, key=str.encode
    )


def test_a_model_keeps_its_catalogue(tmp_path: Path) -> None:
    model = train(some_rows())
    model.save(tmp_path / "model")
    verify_model(tmp_path / "model")
    loaded = Model.load(tmp_path / "model")
    assert_same_model(loaded, model)
    assert model.attributes is not None and loaded.attributes is not None
    assert loaded.attributes.texts("kind") == model.attributes.texts("kind")
    assert loaded.attributes.sha256() == model.attributes.sha256()
    assert_same_model(pickle.loads(pickle.dumps(loaded)), model)
    described = describe_model(tmp_path / "model")["attributes"]
    assert described["columns"]["kind"] == {"values": 1, "items": 11}
    assert described["availability"] == {"from": 11, "until": 0}
    without = train(some_rows(), with_users=False)
    without.save(tmp_path / "without")
    assert_same_model(Model.load(tmp_path / "without"), without)


def test_a_model_without_one_is_written_as_before(tmp_path: Path) -> None:
    replace(train(some_rows()), attributes=None).save(tmp_path / "model")
    assert not list((tmp_path / "model").glob("*a*tribute*"))
    manifest = json.loads((tmp_path / "model/manifest.json").read_text())
    assert "item_attributes" not in manifest["required_features"]
    assert list(manifest["counts"]) == ["users", "items", "interactions", "pairs"]
    assert Model.load(tmp_path / "model").attributes is None
    assert "attributes" not in describe_model(tmp_path / "model")


def test_a_catalogue_beside_the_model_takes_the_place_of_its_own(tmp_path: Path) -> None:
    model = train(some_rows())
    model.save(tmp_path / "model")
    table = tmp_path / "items.csv"
    table.write_text('item_id,price band\n"item,00",high\nof nobody,low\n')
    with pytest.warns(DataWarning, match="item_id: 1 of 2 items are not in the model"):
        found = Recommender.load(tmp_path / "model", attributes=table)
    assert found.model.attributes is not None
    assert found.model.attributes.columns.ids == ["price band"]
    assert found.model.attributes.values.ids == ["high"]
    (item,) = found.similar_items("item,01", 30, filter={"any_of": {"price band": ["high"]}})
    assert item.item_id == "item,00"
    with pytest.raises(MlcoreError, match="expected one in a directory"):
        pickle.dumps(found)


def test_a_catalogue_of_other_items_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "items.csv"
    table.write_text("item_id,x\nTea,1\n")
    with pytest.raises(DataError, match="item_id: expected items of the model, got none") as caught:
        read_attributes(table, ITEMS)
    assert caught.value.hint == "is 'Tea' meant to be 'tea'? upper and lower case differ"


def test_a_model_carries_what_is_encoded_for_its_items_and_nothing_else() -> None:
    rows = Interactions.from_columns("uuu", "abc")
    two = IdMap.from_ids(["a", "b"])
    others = [
        Attributes.encode(Catalogue(["a"], {"brand": [0]}, ["x"]), two),
        Attributes.encode(Catalogue(["a"], {}, [], [5]), two),
        "items.csv",
        {"a": {"brand": "x"}},
    ]
    for other, got in zip(others, ["those of 2", "those of 2", "'items.csv'", "{'a':"]):
        with pytest.raises(DataError, match=f"attributes: expected .*, got {got}") as caught:
            train_from_data(rows, attributes=other)  # type: ignore[arg-type]
        assert "attributes_of(interactions, path)" in str(caught.value.hint)
