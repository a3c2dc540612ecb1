"""A trained model, and its directory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from mlcore.artifact.directory import replaced_directory
from mlcore.artifact.idmap import format_id_map
from mlcore.artifact.manifest import MODEL_FILES, Manifest, ModelCounts
from mlcore.artifact.reader import ModelFiles
from mlcore.artifact.writer import ModelWriter
from mlcore.config import TrainConfig
from mlcore.ids import IdMap
from mlcore.jsontext import format_document
from mlcore.types import CsrMatrix, Int64Array
from mlcore.version import VERSION

__all__ = ["Model"]


@dataclass(frozen=True)
class Model:
    """All that is needed to recommend, and to train the same again from the same data.

    Attributes:
        config_json: the full configuration, as in ``config.json``.
        items: ids of the I items.
        similarity: (I, I) float32, source items as rows: weight of source i for target j.
        popularity: (I,) int64, users of each item: the fallback.
        num_users: U of the training.
        num_interactions: E of the training.
        interactions_sha256: digest of the training interactions in canonical form.
        users: ids of the U users, or None in a model without users.
        histories: (U, I) float32, the weights used for scoring, or None likewise.
    """

    config_json: Mapping[str, object]
    items: IdMap
    similarity: CsrMatrix
    popularity: Int64Array
    num_users: int
    num_interactions: int
    interactions_sha256: str
    users: IdMap | None = None
    histories: CsrMatrix | None = None

    @property
    def config(self) -> TrainConfig:
        """The configuration.

        Raises:
            ConfigError: the model was trained with something this version does not know; it
                recommends all the same.
        """
        return TrainConfig.from_json(self.config_json, "config.json")

    def save(self, directory: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the model directory: all of it, or nothing.

        Args:
            directory: in an existing folder.
            overwrite: replace an existing model directory, in one step.

        Raises:
            DataError: something is there already, or the disk refused.
        """
        with replaced_directory(Path(directory), overwrite, MODEL_FILES) as folder:
            self.write_files(folder)

    def write_files(self, folder: Path) -> None:
        """Write the files of the model into an existing, empty folder."""
        writer = ModelWriter(folder)
        writer.write_bytes("config.json", format_document(self.config_json).encode())
        writer.write_bytes("items.csv", format_id_map(self.items.ids))
        writer.write_arrays("similarity.npz", _csr_to_arrays(self.similarity))
        writer.write_arrays("popularity.npz", {"counts": self.popularity})
        if self.users is not None and self.histories is not None:
            writer.write_bytes("users.csv", format_id_map(self.users.ids))
            writer.write_arrays("histories.npz", _csr_to_arrays(self.histories))
        manifest = Manifest(
            ModelCounts(
                self.num_users, len(self.items), self.num_interactions, self.similarity.num_entries
            ),
            writer.entries,
            self.interactions_sha256,
            {"name": "mlcore", "version": VERSION},
        )
        writer.write_bytes("manifest.json", manifest.to_text().encode())

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> Model:
        """Open a model directory: check sizes, headers and row offsets, map the arrays.

        The time does not grow with the stored pairs. Ids are parsed when first asked for. Call
        ``verify_model`` as well for a directory from elsewhere.

        Raises:
            ArtifactError: a subclass for each kind of fault.
        """
        return cls.from_files(ModelFiles.open(directory))

    @classmethod
    def from_files(cls, files: ModelFiles) -> Model:
        """Return the model of an opened directory.

        Raises:
            ArtifactError: as ``load``.
        """
        counts, with_users = files.manifest.counts, files.manifest.with_users
        return cls(
            config_json=files.config(),
            items=files.ids("items.csv", counts.items),
            similarity=files.csr("similarity.npz", counts.items),
            popularity=files.arrays("popularity.npz")["counts"],
            num_users=counts.users,
            num_interactions=counts.interactions,
            interactions_sha256=files.manifest.interactions_sha256,
            users=files.ids("users.csv", counts.users) if with_users else None,
            histories=files.csr("histories.npz", counts.items) if with_users else None,
        )


def _csr_to_arrays(matrix: CsrMatrix) -> dict[str, npt.NDArray[Any]]:
    return {"indptr": matrix.indptr, "indices": matrix.indices, "data": matrix.data}
