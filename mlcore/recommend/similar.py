"""The items most similar to one of a model, as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlcore.errors import UnknownItemError
from mlcore.files.options import InputOptions, PathLike
from mlcore.jsontext import format_number, format_string
from mlcore.parameters import convert_value, integer
from mlcore.recommend.filter import read_filter, note_filter
from mlcore.recommend.recommender import Recommender
from mlcore.references import hint_at_one

__all__ = ["similar_from_path"]


def similar_from_path(
    model_dir: PathLike,
    item_id: str,
    top_n: int,
    *,
    filter: Mapping[str, Any] | str | None = None,
    attributes_path: PathLike | None = None,
    input_options: InputOptions = InputOptions(),
) -> str:
    """Return one JSON object a line, most similar first.

    Args:
        filter: as in ``PredictOptions``, as is ``attributes_path``.

    Raises:
        ConfigError: ``top_n`` is below 1, or the filter is malformed.
        DataError: a file is faulty, or the filter names a column that is not there.
        ArtifactError: the model is faulty.
        UnknownItemError: the item is not in the model.
    """
    convert_value(integer(minimum=1), top_n, "top_n")
    wanted = read_filter(filter, input_options)
    recommender = Recommender.load(
        model_dir, attributes=attributes_path, input_options=input_options
    )
    note_filter(wanted, recommender.model.attributes)
    try:
        found = recommender.similar_items(item_id, top_n, filter=wanted)
    except UnknownItemError as error:
        hint = hint_at_one(item_id, recommender.model.items.ids, "the model")
        raise UnknownItemError(str(error), hint) from None
    return "\n".join(
        f'{{"item_id": {format_string(item.item_id)}, "score": {format_number(item.score)}}}'
        for item in found
    )
