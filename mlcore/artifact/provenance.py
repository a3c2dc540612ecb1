"""``provenance.json``: how a model was made. Beside the files of a model and none of them.

It is not in the manifest and decides nothing: readers pass it over. It names versions, so other ones of
numpy give other bytes of this file alone; it has no clock and no names of files, so that folders of
the same training can be compared as they are. Times and names are in the lineage.
"""

from __future__ import annotations

import platform
import stat
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.artifact.manifest import MAX_MANIFEST_BYTES, PROVENANCE, parse_object
from mlcore.errors import DataWarning, ManifestError
from mlcore.jsontext import format_document
from mlcore.version import VERSION

__all__ = ["read_provenance", "write_provenance"]


def write_provenance(folder: Path, facts: Mapping[str, Any]) -> None:
    """Write the file into the folder of a new model.

    Args:
        facts: JSON, after the versions of what has trained.
    """
    import scipy  # readers need none

    versions = {
        "mlcore": VERSION,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
    }
    document = format_document({"versions": versions, **facts})
    (folder / PROVENANCE).write_bytes(document.encode())


def read_provenance(folder: Path) -> dict[str, object] | None:
    """Return the content of the file, or None where there is none.

    Warns of one that cannot be read, whoever wrote it: the model is fine without.
    """
    path = folder / PROVENANCE
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_MANIFEST_BYTES:
            raise ManifestError(
                f"{path}: expected a file of at most {MAX_MANIFEST_BYTES} bytes, got another"
            )
        return parse_object(path.read_text("utf-8"), f"{path}")
    except FileNotFoundError:
        return None
    except (ManifestError, OSError, UnicodeDecodeError) as error:
        place = "" if isinstance(error, ManifestError) else f"{path}: "
        warnings.warn(f"{place}{error}", DataWarning, stacklevel=2)
        return None
