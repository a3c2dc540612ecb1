"""A model directory in the making, level by level, so that a case can break any of them."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

from interop.tools.archive import Archive, Array, Member, array_bytes, header_text, npy_header
from interop.tools.history import Rule, f32

__all__ = [
    "NO_TIME",
    "Attributes",
    "Draft",
    "Link",
    "Model",
    "Tree",
    "f32",
    "format_id_line",
    "make_attributes",
    "make_model",
]

CONFIG = {
    "similarity": {"name": "cosine"},
    "weighting": {"name": "none"},
    "num_neighbors": 100,
    "neighborhood": "target",
    "shrinkage": 0,
    "min_cooccurrence": 1,
}


class Link(NamedTuple):
    """A symbolic link in place of a file."""

    target: str


Tree = dict[str, bytes | Link]  # path, with slashes, and its content

NO_TIME = -(2**63)


class Attributes(NamedTuple):
    """The catalogue of a model.

    Attributes:
        columns: names in UTF-8 byte order.
        values: of all columns, in UTF-8 byte order.
        codes: for each column, of each item the position of its value, or -1.
        times: from when and until when each item is there, or None without availability.
    """

    columns: Sequence[str]
    values: Sequence[str]
    codes: Sequence[Sequence[int]]
    times: tuple[Sequence[int], Sequence[int]] | None = None


@dataclass(frozen=True)
class Model:
    """Content of a model directory.

    Attributes:
        items: ids in UTF-8 byte order.
        similarity: for each source item, position and weight of its targets.
        users: ids in UTF-8 byte order.
        histories: for each user, position and weight of the items.
        with_users: whether the directory holds the users and histories.
        rule: how events become a history, or None where weights are final.
        attributes: the catalogue, or None without one.
        orders: for each user, position and p of the items, with a rule that has a decay.
    """

    items: Sequence[str]
    similarity: Sequence[Mapping[int, float]]
    users: Sequence[str] = ()
    histories: Sequence[Mapping[int, float]] = ()
    with_users: bool = True
    rule: Rule | None = None
    attributes: Attributes | None = None
    orders: Sequence[Mapping[int, int]] = ()

    @cached_property
    def counts(self) -> list[int]:
        """The number of users of each item."""
        return [sum(item in row for row in self.histories) for item in range(len(self.items))]

    def without_users(self) -> Model:
        """Return the same model without users.csv and histories.npz."""
        return replace(self, with_users=False)

    def with_rule(self, rule: Rule) -> Model:
        """Return the same model with a rule."""
        return replace(self, rule=rule)

    def with_attributes(self, attributes: Attributes) -> Model:
        """Return the same model with a catalogue."""
        return replace(self, attributes=attributes)

    @property
    def features(self) -> list[str]:
        """What a reader of the model has to know."""
        decay = None if self.rule is None else self.rule.decay
        parts = {
            "history_rule": self.rule,
            "history_order": decay,
            "item_attributes": self.attributes,
        }
        return [feature for feature, part in parts.items() if part is not None]


def make_model(
    items: Sequence[str],
    pairs: Mapping[tuple[str, str], float],
    histories: Mapping[str, Mapping[str, float]],
) -> Model:
    """Return a model from ids in place of positions, with the ids sorted."""
    ordered = sorted(items, key=str.encode)
    users = sorted(histories, key=str.encode)
    position = {item: index for index, item in enumerate(ordered)}
    assert len(position) == len(items), "an item stands twice"
    similarity: list[dict[int, float]] = [{} for _ in ordered]
    for (source, target), value in pairs.items():
        similarity[position[source]][position[target]] = value
    rows = [{position[item]: weight for item, weight in histories[user].items()} for user in users]
    for row in (*similarity, *rows):
        assert all(f32(value) == value for value in row.values()), "a value that f32 does not hold"
    return Model(ordered, similarity, users, rows)


def make_attributes(
    columns: Mapping[str, Sequence[str | None]],
    times: tuple[Sequence[int], Sequence[int]] | None = None,
) -> Attributes:
    """Return a catalogue from the value of each item in each column, items in their order."""
    names = sorted(columns, key=str.encode)
    found = {value for column in columns.values() for value in column if value is not None}
    values = sorted(found, key=str.encode)
    codes = [
        [-1 if value is None else values.index(value) for value in columns[name]] for name in names
    ]
    return Attributes(names, values, codes, times)


def _csr(rows: Sequence[Mapping[int, float]]) -> dict[str, Array]:
    indptr, indices, data = [0], [], []
    for row in rows:
        indices += sorted(row)
        data += [row[index] for index in sorted(row)]
        indptr.append(len(indices))
    return {"indptr": ("<i8", [*indptr]), "indices": ("<i4", [*indices]), "data": ("<f4", data)}


def format_id_line(index: int, id_: str) -> str:
    """Return the line of an id, by rules IDM-2 and IDM-3."""
    if "," in id_ or '"' in id_:
        id_ = '"' + id_.replace('"', '""') + '"'
    return f"{index},{id_}\n"


@dataclass
class Draft:
    """A model directory in the making.

    Each level is made from the one above it at first use. A change to it stays, and all further
    levels follow it: the manifest has the sizes and digests of the faulty file, so no other fault
    masks the one of the case.
    """

    model: Model
    requests: list[Any] = field(default_factory=list)

    @cached_property
    def ids(self) -> dict[str, list[str]]:
        """Level 1: the ids of each id map."""
        maps = {"items.csv": list(self.model.items)}
        if self.model.attributes is not None:
            maps["attribute_columns.csv"] = list(self.model.attributes.columns)
            maps["attribute_values.csv"] = list(self.model.attributes.values)
        if self.model.with_users:
            maps["users.csv"] = list(self.model.users)
        return maps

    @cached_property
    def arrays(self) -> dict[str, dict[str, Array]]:
        """Level 1: the arrays of each ``.npz`` file."""
        arrays: dict[str, dict[str, Array]] = {
            "similarity.npz": _csr(self.model.similarity),
            "popularity.npz": {"counts": ("<i8", [*self.model.counts])},
        }
        if self.model.with_users:
            arrays["histories.npz"] = _csr(self.model.histories)
            if self.model.rule is not None and self.model.rule.decay is not None:
                places = [row[item] for row in self.model.orders for item in sorted(row)]
                arrays["order.npz"] = {"positions": ("<i4", [*places])}
        if self.model.rule is not None and self.model.rule.norms is not None:
            arrays["item_norms.npz"] = {"norms": ("<f8", [*self.model.rule.norms])}
        if self.model.rule is not None and self.model.rule.factors is not None:
            arrays["length_factors.npz"] = {"factors": ("<f8", [*self.model.rule.factors])}
        if self.model.attributes is not None:
            codes = [code for column in self.model.attributes.codes for code in column]
            arrays["attributes.npz"] = {"codes": ("<i4", [*codes])}
            if self.model.attributes.times is not None:
                begins, ends = self.model.attributes.times
                arrays["availability.npz"] = {"from": ("<i8", [*begins]), "until": ("<i8", [*ends])}
        return arrays

    @cached_property
    def config(self) -> dict[str, Any]:
        """Level 1: the configuration."""
        rule = self.model.rule
        if rule is None:
            return dict(CONFIG)
        config = {**CONFIG, "aggregate": rule.aggregate, "weighting": dict(rule.weighting)}
        return config if rule.decay is None else {**config, "history_decay": dict(rule.decay)}

    def values(self, file: str, name: str) -> list[float]:
        """Return the values of an array, to be changed in place."""
        assert "archives" not in self.__dict__, "the archives are made, and would not change"
        return self.arrays[file][name][1]

    @cached_property
    def archives(self) -> dict[str, Archive]:
        """Level 2: the members of each ``.npz`` file."""
        return {
            file: Archive(
                [
                    Member(
                        f"{name}.npy".encode(),
                        npy_header(header_text(array[0], len(array[1]))),
                        array_bytes(array),
                    )
                    for name, array in arrays.items()
                ]
            )
            for file, arrays in self.arrays.items()
        }

    def member(self, name: str, file: str = "similarity.npz") -> Member:
        """Return a member of an archive, to be changed in place."""
        assert "files" not in self.__dict__, "the files are made, and would not change"
        return self.archives[file].member(name)

    @cached_property
    def files(self) -> dict[str, bytes]:
        """Level 3: the bytes of each file except the manifest."""
        files = {"config.json": (json.dumps(self.config) + "\n").encode()}
        for name, ids in self.ids.items():
            lines = [format_id_line(index, id_) for index, id_ in enumerate(ids)]
            files[name] = ("index,id\n" + "".join(lines)).encode()
        for name, archive in self.archives.items():
            files[name] = archive.to_bytes()
        return files

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Level 4: the manifest, as values."""
        arrays = {
            file: {
                name: {"dtype": array[0], "shape": [len(array[1])]}
                for name, array in members.items()
            }
            for file, members in self.arrays.items()
        }
        files: dict[str, Any] = {
            name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
            | ({"arrays": arrays[name]} if name in arrays else {})
            for name, data in self.files.items()
        }
        model = self.model
        return {
            "format": "mlcore-model",
            "format_version": 1,
            "required_features": model.features,
            "producer": {"name": "conformance", "version": "1"},
            "counts": {
                "users": len(model.histories),
                "items": len(model.items),
                "interactions": sum(model.counts),
                "pairs": sum(map(len, model.similarity)),
                **self._counts_of_attributes(),
            },
            "training": {
                # No reader can check this one: the interactions are not in the model.
                "interactions_sha256": hashlib.sha256(b"interactions").hexdigest(),
                "config_sha256": files["config.json"]["sha256"],
            },
            "files": files,
        }

    def _counts_of_attributes(self) -> dict[str, int]:
        if self.model.attributes is None:
            return {}
        columns, values, *_ = self.model.attributes
        return {"attribute_columns": len(columns), "attribute_values": len(values)}

    @cached_property
    def text(self) -> bytes:
        """Level 5: the bytes of ``manifest.json``."""
        return json.dumps(self.manifest, indent=1).encode() + b"\n"

    @cached_property
    def directory(self) -> Tree:
        """Level 6: the model directory."""
        return {"manifest.json": self.text, **self.files}

    @cached_property
    def tree(self) -> Tree:
        """Level 7: the folder of the case, in which the model directory is called ``model``."""
        return {f"model/{name}": content for name, content in self.directory.items()}

    def expectation(self) -> dict[str, Any]:
        """Return what ``dump`` gives for the model."""
        counts = self.manifest["counts"]
        return {
            **{key: str(counts[key]) for key in ("users", "items", "interactions", "pairs")},
            "with_users": self.model.with_users,
            "arrays": {
                f"{file}/{name}": hashlib.sha256(array_bytes(array)).hexdigest()
                for file, arrays in self.arrays.items()
                for name, array in arrays.items()
            },
            "ids": {file: ids_digest(ids) for file, ids in self.ids.items()},
        }


def ids_digest(ids: Sequence[str]) -> str:
    """Return the digest of ids, each as u32 length and UTF-8 bytes."""
    encoded = [id_.encode() for id_ in ids]
    return hashlib.sha256(
        b"".join(struct.pack("<I", len(id_)) + id_ for id_ in encoded)
    ).hexdigest()
