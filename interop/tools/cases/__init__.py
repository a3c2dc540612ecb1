"""All cases, one function each; importing this package registers them."""

from interop.tools.cases import (
    container,
    directory,
    header,
    ids,
    manifest,
    prediction,
    texts,
    valid,
    values,
)

__all__ = [
    "container",
    "directory",
    "header",
    "ids",
    "manifest",
    "prediction",
    "texts",
    "valid",
    "values",
]
