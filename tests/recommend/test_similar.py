"""mlcore.recommend.similar: an item that is not in the model gets a hint at what may be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcore import Interactions, train_from_data
from mlcore.errors import UnknownItemError
from mlcore.recommend.similar import similar_from_path


@pytest.mark.parametrize(
    ("item", "hint"),
    [
        ("7", "is '7' meant to be '0007'? leading zeros differ"),
        ("Te a", "is 'Te a' meant to be 'tea'? spaces, punctuation or case differ"),
        ("tee", "is 'tee' meant to be 'tea'? one letter differs"),
        ("8", "the first of the model is '0007'"),
    ],
)
def test_an_unknown_item_gets_a_hint(item: str, hint: str, tmp_path: Path) -> None:
    rows = Interactions.from_columns(["u", "u", "v"], ["0007", "tea", "tea"])
    train_from_data(rows).save(tmp_path / "model")
    with pytest.raises(UnknownItemError) as caught:
        similar_from_path(tmp_path / "model", item, 3)
    assert str(caught.value) == f"item: expected an item of the model, got {item!r}"
    assert caught.value.hint == hint
    assert similar_from_path(tmp_path / "model", "0007", 3).startswith(
        '{"item_id": "tea", "score": '
    )
