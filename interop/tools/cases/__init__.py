"""All cases, one function each; importing this package registers them."""

from interop.tools.cases import (
    attributes,
    container,
    directory,
    events,
    explanation,
    header,
    ids,
    manifest,
    order,
    popularity,
    prediction,
    texts,
    together,
    valid,
    values,
)

__all__ = [
    "attributes",
    "container",
    "directory",
    "events",
    "explanation",
    "header",
    "ids",
    "manifest",
    "order",
    "popularity",
    "prediction",
    "texts",
    "together",
    "valid",
    "values",
]
