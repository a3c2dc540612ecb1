"""The model and its directory: what it holds, how it is written, opened and verified."""

from typing import TYPE_CHECKING

from mlcore.lazy import lazy_names

if TYPE_CHECKING:
    from mlcore.artifact.attributes import Attributes, read_attributes
    from mlcore.artifact.directory import replaced_directory
    from mlcore.artifact.history_rule import HistoryRule
    from mlcore.artifact.manifest import DIRECTORY_FILES
    from mlcore.artifact.model import Model
    from mlcore.artifact.provenance import write_provenance
    from mlcore.artifact.verify import describe_model, verify_model
else:
    __getattr__ = lazy_names(
        __name__,
        "attributes",
        "directory",
        "history_rule",
        "manifest",
        "model",
        "provenance",
        "verify",
    )

KEPT_COPIES = 3  # of a published model

__all__ = [
    "KEPT_COPIES",
    "Attributes",
    "DIRECTORY_FILES",
    "HistoryRule",
    "Model",
    "describe_model",
    "read_attributes",
    "replaced_directory",
    "verify_model",
    "write_provenance",
]
