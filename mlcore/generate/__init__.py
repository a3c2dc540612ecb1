"""Synthetic interactions with a structure worth finding, from a seed."""

from typing import TYPE_CHECKING

from mlcore.lazy import lazy_names

if TYPE_CHECKING:
    from mlcore.generate.generate import generate_interactions as generate_interactions
    from mlcore.generate.generate import generate_to_path as generate_to_path
else:
    __getattr__ = lazy_names(__name__, "generate")
