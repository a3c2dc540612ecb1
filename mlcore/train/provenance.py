"""What a training notes in ``provenance.json``: its input and its options, without folders."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from mlcore.artifact import Model
from mlcore.files.options import InputOptions, PathLike
from mlcore.lineage.git import head_commit

__all__ = ["facts_of_training"]


def facts_of_training(
    model: Model,
    interactions: PathLike,
    num_rows: int,
    *,
    items: PathLike | None,
    input_options: InputOptions,
    engine: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the input of a training, and the options that decide its result besides the configuration.

    ``commit`` is the one checked out in the repository of the current folder, or None.

    Args:
        interactions: a file, or what the engine calls a table; its name alone is noted.
        num_rows: of it, before those of one user and item became one.
        items: the catalogue.
        engine: name and version.

    >>> from mlcore import Interactions, train_from_data
    >>> model = train_from_data(Interactions.from_columns(["u"], ["a"]))
    >>> read = InputOptions(delimiter=";")
    >>> facts_of_training(model, "data/events.csv", 3, items=None, input_options=read)["options"]
    {'with_users': True, 'delimiter': ';'}
    """
    return {
        "interactions": {
            "name": _name_of(interactions),
            "rows": num_rows,
            "sha256": model.interactions_sha256,
        },
        "items": None if items is None else _name_of(items),
        "engine": None if engine is None else dict(engine),
        "commit": head_commit(Path.cwd()),
        "options": {"with_users": model.users is not None, **_changed(input_options)},
    }


def _name_of(place: PathLike) -> str:
    """Return the last part of a path, a URI, or a table such as Spark's parquet.`/data/events`.

    >>> _name_of("data/events/"), _name_of("gs://shop/events-*.csv"), _name_of("shop.train")
    ('events', 'events-*.csv', 'shop.train')
    """
    return Path(os.path.abspath(os.fspath(place).rstrip("`"))).name


def _changed(options: Any) -> dict[str, Any]:
    """Return the fields that are not as by default; fields of fields by dotted name."""
    changed: dict[str, Any] = {}
    for field in fields(options):
        value, default = getattr(options, field.name), getattr(type(options), field.name)
        if is_dataclass(value):
            changed |= {f"{field.name}.{key}": one for key, one in _changed(value).items()}
        elif value != default:
            changed[field.name] = list(value) if isinstance(value, tuple) else value
    return changed
