"""``manifest.json``: the files of the directory, with sizes and digests to check them by."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mlcore.artifact.npz import ArraySpec
from mlcore.errors import ManifestError, VersionError, shorten_json
from mlcore.jsontext import JsonTextError, format_document, parse_json

__all__ = [
    "ATTRIBUTE_FILES",
    "DECAYED_POPULARITY",
    "DIRECTORY_FILES",
    "FORMAT",
    "FORMAT_VERSION",
    "HISTORY_ORDER",
    "HISTORY_RULE",
    "ITEM_ATTRIBUTES",
    "MAX_MANIFEST_BYTES",
    "MODEL_FILES",
    "NORMALIZATION_FILES",
    "PROVENANCE",
    "SELECTION",
    "FileEntry",
    "Manifest",
    "ModelCounts",
    "OTHER_FILES",
    "expected_arrays",
    "parse_object",
]

FORMAT = "mlcore-model"
FORMAT_VERSION = 1
MAX_MANIFEST_BYTES = 2**20
MAX_DEPTH = 16
MAX_AXIS = 2**31 - 2
MAX_ENTRIES = 2**53 - 1

_FILES = ("config.json", "items.csv", "similarity.npz", "popularity.npz")
_FILES_OF_USERS = ("users.csv", "histories.npz")
# File and array, of one number for each item, of each part of a normalization.
NORMALIZATION_FILES = {
    "item_norms": ("item_norms.npz", "norms"),
    "length_factors": ("length_factors.npz", "factors"),
}
# Columns, values, codes, and times, which a catalogue may lack.
ATTRIBUTE_FILES = (
    "attribute_columns.csv",
    "attribute_values.csv",
    "attributes.npz",
    "availability.npz",
)
HISTORY_RULE, HISTORY_ORDER = "history_rule", "history_order"
ITEM_ATTRIBUTES, DECAYED_POPULARITY = "item_attributes", "decayed_popularity"
# Required features that this version knows, and the files a model with them may have; which of these
# it has is known once its configuration is read.
FEATURES: dict[str, tuple[str, ...]] = {
    HISTORY_RULE: tuple(file for file, _ in NORMALIZATION_FILES.values()),
    HISTORY_ORDER: ("order.npz",),
    ITEM_ATTRIBUTES: ATTRIBUTE_FILES,
    DECAYED_POPULARITY: (),  # an array more in popularity.npz
}
# Of these, those that it must have.
REQUIRED_FILES: dict[str, tuple[str, ...]] = {ITEM_ATTRIBUTES: ATTRIBUTE_FILES[:-1]}
_FILES_OF_FEATURES = tuple(file for files in FEATURES.values() for file in files)
MODEL_FILES = (*_FILES, *_FILES_OF_FEATURES, *_FILES_OF_USERS, "manifest.json")
PROVENANCE = "provenance.json"
SELECTION = "selection.json"
# Beside the files of a model and none of them: how it was made, and how its configuration was chosen.
OTHER_FILES = (PROVENANCE, SELECTION)
DIRECTORY_FILES = (*MODEL_FILES, *OTHER_FILES)  # those that a writer may replace

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class ModelCounts:
    """Sizes of a model: users, items and interactions of the training, and stored pairs.

    Attributes:
        attribute_columns: None in a model without attributes, as are the values.
    """

    users: int
    items: int
    interactions: int
    pairs: int
    attribute_columns: int | None = None
    attribute_values: int | None = None

    def to_json(self) -> dict[str, int]:
        """Return the counts that the model has."""
        return {name: count for name, count in vars(self).items() if count is not None}


@dataclass(frozen=True)
class FileEntry:
    """One file: its size, its digest, and for ``.npz`` the arrays in it, in order."""

    bytes: int
    sha256: str
    arrays: Mapping[str, ArraySpec] | None = None


@dataclass(frozen=True)
class Manifest:
    """The content of ``manifest.json``."""

    counts: ModelCounts
    files: Mapping[str, FileEntry]
    interactions_sha256: str
    producer: Mapping[str, str]
    features: tuple[str, ...] = ()

    @property
    def with_users(self) -> bool:
        """Whether the directory holds histories and the ids of users."""
        return "histories.npz" in self.files

    def to_text(self) -> str:
        """Return the file's text, without clock and host name: equal models give equal bytes."""
        files: dict[str, Any] = {}
        for name, entry in self.files.items():
            files[name] = {"bytes": entry.bytes, "sha256": entry.sha256}
            if entry.arrays is not None:
                files[name]["arrays"] = {
                    array: {"dtype": dtype, "shape": [length]}
                    for array, (dtype, length) in entry.arrays.items()
                }
        return format_document(
            {
                "format": FORMAT,
                "format_version": FORMAT_VERSION,
                "required_features": list(self.features),
                "producer": dict(self.producer),
                "counts": self.counts.to_json(),
                "training": {
                    "interactions_sha256": self.interactions_sha256,
                    "config_sha256": self.files["config.json"].sha256,
                },
                "files": files,
            }
        )

    @classmethod
    def from_text(cls, text: str, place: str) -> Manifest:
        """Return the manifest of a file's text; ignore unknown keys.

        Args:
            place: the file, for messages.

        Raises:
            ManifestError: malformed or contradictory.
            VersionError: an unknown format version or required feature.
        """
        value = parse_object(text, place)
        reader = _Reader(place)
        features = _check_version(reader, value, place)
        counts = reader.member(value, "counts", dict)
        sizes = ModelCounts(
            users=reader.count(counts, "users", MAX_AXIS),
            items=reader.count(counts, "items", MAX_AXIS),
            interactions=reader.count(counts, "interactions", MAX_ENTRIES),
            pairs=reader.count(counts, "pairs", MAX_ENTRIES),
            **(reader.counts_of_attributes(counts) if ITEM_ATTRIBUTES in features else {}),
        )
        files = reader.files(reader.member(value, "files", dict), sizes, features)
        training = reader.member(value, "training", dict)
        config_sha256 = reader.sha256(training, "config_sha256")
        if config_sha256 != files["config.json"].sha256:
            raise ManifestError(
                f"{place}: config_sha256: expected the sha256 of config.json, got {config_sha256!r}"
            )
        producer = reader.member(value, "producer", dict)
        return cls(
            sizes,
            files,
            reader.sha256(training, "interactions_sha256"),
            {key: reader.member(producer, key, str) for key in ("name", "version")},
            features,
        )


def parse_object(text: str, place: str) -> dict[str, object]:
    """Return the JSON object of a file, nested at most ``MAX_DEPTH`` deep.

    Raises:
        ManifestError: it is none; the message begins with ``place``.

    >>> parse_object('{"a": 1}', "config.json")
    {'a': 1}
    """
    try:
        value = parse_json(text, MAX_DEPTH)
    except JsonTextError as error:
        raise ManifestError(f"{place}: expected a JSON object, got {error}") from None
    if not isinstance(value, dict):
        raise ManifestError(f"{place}: expected a JSON object, got {shorten_json(value)}")
    return value


def expected_arrays(
    counts: ModelCounts, features: Collection[str]
) -> dict[str, dict[str, ArraySpec]]:
    """Return dtype and length of every array of a model, by file.

    >>> expected_arrays(ModelCounts(2, 3, 4, 5), ["decayed_popularity"])["popularity.npz"]
    {'counts': ('<i8', 3), 'decayed': ('<f8', 3)}
    """
    decayed = {"decayed": ("<f8", counts.items)} if DECAYED_POPULARITY in features else {}
    return {
        "similarity.npz": _csr_arrays(counts.items, counts.pairs),
        "histories.npz": _csr_arrays(counts.users, counts.interactions),
        "popularity.npz": {"counts": ("<i8", counts.items), **decayed},
        **{file: {array: ("<f8", counts.items)} for file, array in NORMALIZATION_FILES.values()},
        "order.npz": {"positions": ("<i4", counts.interactions)},
        "attributes.npz": {"codes": ("<i4", (counts.attribute_columns or 0) * counts.items)},
        "availability.npz": {name: ("<i8", counts.items) for name in ("from", "until")},
    }


def _csr_arrays(rows: int, entries: int) -> dict[str, ArraySpec]:
    return {"indptr": ("<i8", rows + 1), "indices": ("<i4", entries), "data": ("<f4", entries)}


def _check_version(reader: _Reader, value: Mapping[str, object], place: str) -> tuple[str, ...]:
    # First of all: a newer format may have changed everything else.
    if value.get("format") != FORMAT:
        got = shorten_json(value["format"]) if "format" in value else "no such key"
        raise ManifestError(f"{place}: format: expected {FORMAT!r}, got {got}")
    version = reader.count(value, "format_version", MAX_ENTRIES)
    if version != FORMAT_VERSION:
        raise VersionError(
            f"{place}: format_version: expected {FORMAT_VERSION}, got {version}",
            "the model was written by another version of mlcore",
        )
    features = reader.member(value, "required_features", list)
    if not all(isinstance(feature, str) for feature in features):
        raise ManifestError(
            f"{place}: required_features: expected an array of strings, got {shorten_json(features)}"
        )
    if not {*features} <= {*FEATURES}:
        raise VersionError(
            f"{place}: required_features: expected none but {', '.join(FEATURES)}, which this version "
            f"knows, got {shorten_json(features)}",
            "the model was written by another version of mlcore",
        )
    return tuple(features)


def _known(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return arrays without the keys of a later writer, which readers ignore."""
    known = ("dtype", "shape")
    return {
        name: {key: array[key] for key in known if key in array}
        for name, array in arrays.items()
        if isinstance(array, dict)
    }


@dataclass(frozen=True)
class _Reader:
    """Takes values from JSON objects, with one error for each way they can be wrong."""

    place: str

    def member(self, value: Mapping[str, Any], key: str, kind: type) -> Any:
        names = {dict: "an object", list: "an array", str: "a string", int: "an integer"}
        found = value.get(key)
        if not isinstance(found, kind) or isinstance(found, bool):
            got = shorten_json(found) if key in value else "no such key"
            raise ManifestError(f"{self.place}: {key}: expected {names[kind]}, got {got}")
        return found

    def count(self, value: Mapping[str, Any], key: str, maximum: int) -> int:
        found: int = self.member(value, key, int)
        if not 0 <= found <= maximum:
            raise ManifestError(
                f"{self.place}: {key}: expected an integer from 0 to {maximum}, got {found}"
            )
        return found

    def counts_of_attributes(self, counts: Mapping[str, Any]) -> dict[str, int]:
        names = ("attribute_columns", "attribute_values")
        found = {name: self.count(counts, name, MAX_AXIS) for name in names}
        if found["attribute_columns"] * counts["items"] > MAX_ENTRIES:
            raise ManifestError(
                f"{self.place}: attribute_columns: expected at most {MAX_ENTRIES} values of "
                f"{counts['items']} items, got {found['attribute_columns']} columns"
            )
        return found

    def sha256(self, value: Mapping[str, Any], key: str) -> str:
        found: str = self.member(value, key, str)
        if not _SHA256.fullmatch(found):
            raise ManifestError(
                f"{self.place}: {key}: expected 64 hexadecimal digits, got {shorten_json(found)}"
            )
        return found

    def files(
        self, value: Mapping[str, Any], counts: ModelCounts, features: tuple[str, ...]
    ) -> dict[str, FileEntry]:
        arrays = expected_arrays(counts, features)
        for feature in features:
            for name in REQUIRED_FILES.get(feature, ()):
                self.member(value, name, dict)
        others = {*value}.difference(*(FEATURES[feature] for feature in features))
        if others not in ({*_FILES}, {*_FILES, *_FILES_OF_USERS}):
            raise ManifestError(
                f"{self.place}: files: expected {', '.join(_FILES)}, and both or none of "
                f"users.csv and histories.npz, got {shorten_json(sorted(value), 200)}"
            )
        if HISTORY_ORDER in features:
            self.check_order(value, features)
        return {
            name: self.file_entry(self.member(value, name, dict), name, arrays.get(name))
            for name in value
        }

    def check_order(self, value: Mapping[str, Any], features: tuple[str, ...]) -> None:
        if HISTORY_RULE not in features:
            raise ManifestError(
                f"{self.place}: required_features: expected {HISTORY_RULE} beside {HISTORY_ORDER}, "
                f"got {shorten_json(features)}"
            )
        if ("order.npz" in value) != ("histories.npz" in value):
            raise ManifestError(
                f"{self.place}: files: expected both or none of order.npz and histories.npz, "
                f"got {shorten_json(sorted(value), 200)}"
            )

    def file_entry(
        self, value: Mapping[str, Any], name: str, arrays: Mapping[str, ArraySpec] | None
    ) -> FileEntry:
        if arrays is not None:
            found = self.member(value, "arrays", dict)
            expected = {key: {"dtype": spec[0], "shape": [spec[1]]} for key, spec in arrays.items()}
            # As text, because 3.0 and true equal 3 and 1 in Python.
            if json.dumps(_known(found), sort_keys=True) != json.dumps(expected, sort_keys=True):
                raise ManifestError(
                    f"{self.place}: {name}: arrays: expected {json.dumps(expected)} by the counts, "
                    f"got {shorten_json(found, 200)}"
                )
        size = self.count(value, "bytes", MAX_ENTRIES)
        return FileEntry(size, self.sha256(value, "sha256"), arrays)
