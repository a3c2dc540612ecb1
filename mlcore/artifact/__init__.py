"""The model and its directory: what it holds, how it is written, opened and verified."""

from mlcore.artifact.directory import replaced_directory
from mlcore.artifact.manifest import MODEL_FILES
from mlcore.artifact.model import Model
from mlcore.artifact.verify import describe_model, verify_model

__all__ = ["MODEL_FILES", "Model", "describe_model", "replaced_directory", "verify_model"]
