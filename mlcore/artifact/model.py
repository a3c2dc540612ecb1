"""A trained model, and its directory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mlcore.artifact.attributes import Attributes
from mlcore.artifact.directory import replaced_directory
from mlcore.artifact.history_rule import HistoryRule, normalization_arrays
from mlcore.artifact.idmap import format_id_map
from mlcore.artifact.manifest import (
    DECAYED_POPULARITY,
    DIRECTORY_FILES,
    HISTORY_ORDER,
    HISTORY_RULE,
    ITEM_ATTRIBUTES,
    NORMALIZATION_FILES,
    Manifest,
    ModelCounts,
)
from mlcore.artifact.profile import profile_arrays
from mlcore.artifact.reader import ModelFiles
from mlcore.artifact.writer import ModelWriter
from mlcore.charts.chart import Charts, with_charts
from mlcore.charts.model import model_charts
from mlcore.errors import DataError, ManifestError, MlcoreError, shorten
from mlcore.ids import IdMap
from mlcore.jsontext import format_document
from mlcore.notebook import html_table
from mlcore.types import CsrMatrix, Float64Array, Int32Array, Int64Array
from mlcore.version import VERSION
from mlcore.weighting import Normalization

if TYPE_CHECKING:
    from mlcore.config import TrainConfig  # which loads all similarities

__all__ = ["Model"]


@dataclass(frozen=True, repr=False)
class Model:
    """All that is needed to recommend, and to train the same again from the same data.

    Once saved or loaded, it pickles and copies by its path, so that worker processes map the same
    files.

    Attributes:
        config_json: the full configuration, as in ``config.json``.
        items: ids of the I items.
        similarity: (I, I) float32, source items as rows: weight of source i for target j.
        popularity: (I,) int64, users of each item.
        num_users: U of the training.
        num_interactions: E of the training.
        interactions_sha256: digest of the training interactions in canonical form.
        users: ids of the U users, or None in a model without users.
        histories: (U, I) float32, the weights used for scoring, or None likewise.
        normalization: what the weighting took of the training; None in a model of mlcore 0.2 and
            before, which takes the weights of histories as final.
        order: (E,) int32, the place of each item in its user's order, 1 for the first; empty in a model
            without users, None where the configuration uses no order.
        attributes: the catalogue, or None in a model without one.
        decayed_popularity: (I,) float64, the users of each item, of whom older ones count less; None
            where they all count alike.
        files: of a model in a directory, which stay open while it lives.
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
    normalization: Normalization | None = None
    order: Int32Array | None = None
    attributes: Attributes | None = None
    decayed_popularity: Float64Array | None = None
    files: ModelFiles | None = field(default=None, compare=False)
    # Directory, sha256 of its manifest, and whether it is mapped. Not an argument: a replaced model is not
    # in a directory.
    _saved: tuple[str, str, bool] | None = field(default=None, init=False, compare=False)

    def __reduce__(self) -> tuple[Any, tuple[str, str, bool]]:
        if self._saved is None:
            raise MlcoreError(
                "model: expected one in a directory, to pickle or copy it by its path, got one in "
                "memory only: call save() first"
            )
        return _load_same, self._saved

    def __repr__(self) -> str:
        similarity = self.config_json.get("similarity")
        name = similarity.get("name") if isinstance(similarity, Mapping) else None
        return (
            f"Model({name!r}, {self.num_users} users, {len(self.items)} items, "
            f"{self.similarity.num_entries} pairs)"
        )

    def _repr_html_(self) -> str:
        rows = [{"setting": name, "value": value} for name, value in self.config_json.items()]
        return with_charts(html_table(repr(self), rows, len(rows)), self.plot)

    def plot(self) -> Charts:
        """Return the charts of ``cli.report``, which a notebook shows.

        Raises:
            MlcoreError: matplotlib is not installed.
            SizeError: a mapped file was cut since.
        """
        self.check_files()
        profile = profile_arrays(self.popularity, self.similarity, self.histories)
        return model_charts(profile).checked()

    @property
    def config(self) -> TrainConfig:
        """The configuration.

        Raises:
            ConfigError: the model was trained with something this version does not know; it
                recommends all the same.
        """
        from mlcore.config import TrainConfig

        return TrainConfig.from_json(self.config_json, "config.json")

    @property
    def fallback(self) -> Int64Array | Float64Array:
        """(I,) by which popular items fill short lists, the largest first; 0 of items without users."""
        return self.popularity if self.decayed_popularity is None else self.decayed_popularity

    @cached_property
    def history_rule(self) -> HistoryRule | None:
        """What turns events into a history, or None where weights are final.

        Raises:
            ArtifactError: as ``HistoryRule.from_config``.
        """
        if self.normalization is None:
            return None
        return HistoryRule.from_config(
            self.config_json, self.normalization, "config.json", self.order is not None
        )

    def save(self, directory: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Write the model directory: all of it, or nothing.

        Args:
            directory: missing folders around it are made; an empty one is filled.
            overwrite: replace an existing model directory, in one step.

        Raises:
            DataError: something is there already, or the disk refused.
        """
        with replaced_directory(Path(directory), overwrite, DIRECTORY_FILES) as folder:
            manifest_sha256 = self.write_files(folder)
        self._note_place(directory, manifest_sha256)

    def place(self, name: str) -> str:
        """Return the path of a file for messages, or its name alone of a model in memory."""
        return name if self.files is None else self.files.place(name)

    def check_files(self) -> None:
        """Check that the mapped files have the sizes of the manifest still, before much of them is read.

        A file that is cut while it is read ends the process (SIGBUS): see ``load``.

        Raises:
            SizeError: one was cut, or went on.
        """
        if self.files is not None:
            self.files.check_sizes()

    def _note_place(
        self, directory: str | os.PathLike[str], manifest_sha256: str, mapped: bool = True
    ) -> None:
        # Resolved: a link may lead to another model by the time that a worker follows it.
        object.__setattr__(self, "_saved", (os.path.realpath(directory), manifest_sha256, mapped))

    def write_files(self, folder: Path) -> str:
        """Write the files into an existing, empty folder; return the sha256 of the manifest."""
        writer = ModelWriter(folder)
        writer.write_bytes("config.json", format_document(self.config_json).encode())
        writer.write_bytes("items.csv", format_id_map(self.items.ids))
        writer.write_arrays("similarity.npz", _csr_to_arrays(self.similarity))
        decayed = self.decayed_popularity
        writer.write_arrays(
            "popularity.npz",
            {"counts": self.popularity} | ({} if decayed is None else {"decayed": decayed}),
        )
        for name, arrays in normalization_arrays(self.normalization or Normalization()).items():
            writer.write_arrays(name, arrays)
        if self.attributes is not None:
            self.attributes.write(writer)
        if self.users is not None and self.histories is not None:
            writer.write_bytes("users.csv", format_id_map(self.users.ids))
            writer.write_arrays("histories.npz", _csr_to_arrays(self.histories))
            if self.order is not None:
                writer.write_arrays("order.npz", {"positions": self.order})
        manifest = Manifest(
            self._counts(),
            writer.entries,
            self.interactions_sha256,
            {"name": "mlcore", "version": VERSION},
            self._features(),
        )
        writer.write_bytes("manifest.json", manifest.to_text().encode())
        return writer.entries["manifest.json"].sha256

    def _counts(self) -> ModelCounts:
        sizes = (
            self.num_users,
            len(self.items),
            self.num_interactions,
            self.similarity.num_entries,
        )
        if self.attributes is None:
            return ModelCounts(*sizes)
        return ModelCounts(*sizes, len(self.attributes.columns), len(self.attributes.values))

    def _features(self) -> tuple[str, ...]:
        parts = {
            HISTORY_RULE: self.normalization,
            HISTORY_ORDER: self.order,
            ITEM_ATTRIBUTES: self.attributes,
            DECAYED_POPULARITY: self.decayed_popularity,
        }
        return tuple(feature for feature, part in parts.items() if part is not None)

    @classmethod
    def expect(cls, name: str, value: object) -> Model:
        """Return a model that Python was called with.

        Args:
            name: of the argument, for messages.

        Raises:
            DataError: it is none.
        """
        if isinstance(value, Model):
            return value
        raise DataError(
            f"{name}: expected a Model, got {shorten(value)}",
            "Model.load and Recommender.load open a directory, train_from_data trains interactions",
        )

    @classmethod
    def load(cls, directory: str | os.PathLike[str], *, mapped: bool = True) -> Model:
        """Open a model directory: check sizes, headers and row offsets, map the arrays.

        The time does not grow with the stored pairs. Ids are parsed when first asked for. Call
        ``verify_model`` as well for a directory from elsewhere.

        Args:
            mapped: map the files, which must stay as they are: one that is cut while it is read ends the
                process, as does a network file system that goes away. Otherwise read them into memory,
                for storage that others write to; the time then grows with the model.

        Raises:
            ArtifactError: a subclass for each kind of fault.
        """
        files = ModelFiles.open(directory, mapped)
        model = cls.from_files(files)
        text = files.manifest.to_text()
        model._note_place(directory, hashlib.sha256(text.encode()).hexdigest(), mapped)
        return model

    @classmethod
    def from_files(cls, files: ModelFiles) -> Model:
        """Return the model of an opened directory.

        Raises:
            ArtifactError: as ``load``.
        """
        counts, with_users = files.manifest.counts, files.manifest.with_users
        config, normalization, order = files.config(), None, None
        if HISTORY_ORDER in files.manifest.features:
            order = files.arrays("order.npz")["positions"] if with_users else np.empty(0, np.int32)
        if HISTORY_RULE in files.manifest.features:
            normalization, place = _normalization(files), files.place("config.json")
            HistoryRule.from_config(config, normalization, place, order is not None)
        popularity = files.arrays("popularity.npz")
        return cls(
            config_json=config,
            items=files.ids("items.csv", counts.items),
            similarity=files.csr("similarity.npz", counts.items),
            popularity=popularity["counts"],
            decayed_popularity=popularity.get("decayed"),
            num_users=counts.users,
            num_interactions=counts.interactions,
            interactions_sha256=files.manifest.interactions_sha256,
            normalization=normalization,
            order=order,
            attributes=Attributes.read(files),
            users=files.ids("users.csv", counts.users) if with_users else None,
            histories=files.csr("histories.npz", counts.items) if with_users else None,
            files=files,
        )


def _load_same(directory: str, manifest_sha256: str, mapped: bool) -> Model:
    """Load a model that was pickled by its path."""
    model = Model.load(directory, mapped=mapped)
    if model._saved != (directory, manifest_sha256, mapped):
        raise ManifestError(
            f"{Path(directory) / 'manifest.json'}: expected the model that was pickled, "
            "got another in its place",
            "give each model a directory of its own; cli.publish switches a link between them",
        )
    return model


def _normalization(files: ModelFiles) -> Normalization:
    return Normalization(
        *(
            files.arrays(file)[array] if file in files.manifest.files else None
            for file, array in NORMALIZATION_FILES.values()
        )
    )


def _csr_to_arrays(matrix: CsrMatrix) -> dict[str, npt.NDArray[Any]]:
    return {"indptr": matrix.indptr, "indices": matrix.indices, "data": matrix.data}
