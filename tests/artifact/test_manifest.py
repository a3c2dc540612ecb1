"""mlcore.artifact.manifest: what the files are checked by is itself checked, key by key."""

from __future__ import annotations

import copy
import hashlib
import json
import os
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlcore import Interactions, Model, train_from_data, verify_model
from mlcore.artifact import describe_model
from mlcore.artifact.manifest import MAX_MANIFEST_BYTES, Manifest, ModelCounts
from mlcore.errors import (
    ArtifactError,
    ChecksumError,
    ManifestError,
    MissingFileError,
    SizeError,
    VersionError,
)

Json = dict[str, Any]


def array(dtype: str, length: int) -> Json:
    return {"dtype": dtype, "shape": [length]}


def csr_arrays(rows: int, entries: int) -> Json:
    return {
        "indptr": array("<i8", rows + 1),
        "indices": array("<i4", entries),
        "data": array("<f4", entries),
    }


def sha256(letter: str) -> str:
    return hashlib.sha256(letter.encode()).hexdigest()


def good_manifest() -> Json:
    """A manifest by the words of the format: 2 users, 3 items, 4 interactions, 5 pairs."""
    return {
        "format": "mlcore-model",
        "format_version": 1,
        "required_features": [],
        "producer": {"name": "by hand", "version": "1.2.3"},
        "counts": {"users": 2, "items": 3, "interactions": 4, "pairs": 5},
        "training": {"interactions_sha256": sha256("x"), "config_sha256": sha256("c")},
        "files": {
            "config.json": {"bytes": 10, "sha256": sha256("c")},
            "items.csv": {"bytes": 20, "sha256": sha256("i")},
            "similarity.npz": {"bytes": 30, "sha256": sha256("s"), "arrays": csr_arrays(3, 5)},
            "popularity.npz": {
                "bytes": 40,
                "sha256": sha256("p"),
                "arrays": {"counts": array("<i8", 3)},
            },
            "users.csv": {"bytes": 50, "sha256": sha256("u")},
            "histories.npz": {"bytes": 60, "sha256": sha256("h"), "arrays": csr_arrays(2, 4)},
        },
    }


def parse(text: str) -> Manifest:
    return Manifest.from_text(text, "m.json")


def read(value: object) -> Manifest:
    return parse(json.dumps(value))


def at(value: Any, path: str) -> Any:
    for key in path.split("/") if path else []:
        value = value[key]
    return value


def with_value(path: str, value: object) -> str:
    manifest = good_manifest()
    parent, _, key = path.rpartition("/")
    at(manifest, parent)[key] = value
    return json.dumps(manifest)


def without(path: str) -> str:
    manifest = good_manifest()
    parent, _, key = path.rpartition("/")
    del at(manifest, parent)[key]
    return json.dumps(manifest)


def renamed(path: str, new: str) -> str:
    manifest = good_manifest()
    parent, _, key = path.rpartition("/")
    at(manifest, parent)[new] = at(manifest, parent).pop(key)
    return json.dumps(manifest)


def with_extra_file(name: str) -> str:
    manifest = good_manifest()
    manifest["files"][name] = {"bytes": 1, "sha256": sha256("e")}
    return json.dumps(manifest)


def replaced(old: str, new: str) -> str:
    text = json.dumps(good_manifest())
    assert text.count(old) == 1
    return text.replace(old, new)


def nested(depth: int) -> str:
    """A manifest whose deepest value stands at a depth, the manifest itself being depth 1."""
    assert depth >= 2
    return replaced('"format":', '"x": ' + "[" * (depth - 1) + "]" * (depth - 1) + ', "format":')


# --- what is read and written


def test_a_manifest_written_by_hand_is_read() -> None:
    manifest = read(good_manifest())
    assert manifest.counts == ModelCounts(2, 3, 4, 5)
    assert manifest.counts.to_json() == {"users": 2, "items": 3, "interactions": 4, "pairs": 5}
    assert manifest.producer == {"name": "by hand", "version": "1.2.3"}
    assert manifest.interactions_sha256 == sha256("x")
    assert {name: entry.bytes for name, entry in manifest.files.items()} == {
        "config.json": 10, "items.csv": 20, "similarity.npz": 30, "popularity.npz": 40,
        "users.csv": 50, "histories.npz": 60,
    }  # fmt: skip
    assert manifest.files["items.csv"].sha256 == sha256("i")
    assert manifest.files["items.csv"].arrays is None
    assert manifest.files["histories.npz"].arrays == {
        "indptr": ("<i8", 3),
        "indices": ("<i4", 4),
        "data": ("<f4", 4),
    }
    assert manifest.with_users


def test_a_manifest_is_written_as_the_same_json() -> None:
    manifest = read(good_manifest())
    assert json.loads(manifest.to_text()) == good_manifest()
    assert list(json.loads(manifest.to_text())) == list(good_manifest())
    assert parse(manifest.to_text()) == manifest


def test_a_model_without_users_names_neither_of_their_files() -> None:
    value = good_manifest()
    del value["files"]["users.csv"], value["files"]["histories.npz"]
    manifest = read(value)
    assert not manifest.with_users
    assert json.loads(manifest.to_text()) == value


def shuffled(value: object, rng: random.Random) -> object:
    if isinstance(value, dict):
        items = [(key, shuffled(item, rng)) for key, item in value.items()]
        return dict(rng.sample(items, len(items)))
    return value


def test_the_order_of_keys_has_no_meaning() -> None:
    texts = {json.dumps(shuffled(good_manifest(), random.Random(seed))) for seed in range(20)}
    assert len(texts) == 20
    assert all(parse(text) == read(good_manifest()) for text in texts)


@pytest.mark.parametrize(
    "path",
    ["", "producer", "counts", "training", "files/items.csv", "files/similarity.npz"]
    + ["files/similarity.npz/arrays/data"],
)
@pytest.mark.parametrize("key", ["note", "Format", "formats", "", "__proto__", "\u00e9"])
@pytest.mark.parametrize("value", [None, 1.5, "x", [{}], {"users": -1}], ids=json.dumps)
def test_unknown_keys_are_passed_over(path: str, key: str, value: object) -> None:
    manifest = good_manifest()
    at(manifest, path)[key] = value
    assert read(manifest) == read(good_manifest())


@pytest.mark.parametrize("text", [json.dumps(good_manifest(), indent="\t"), nested(16)])
def test_white_space_and_depth_within_the_limit_are_accepted(text: str) -> None:
    assert parse(f" \r\n{text}\n\n") == read(good_manifest())


@pytest.mark.parametrize(
    ("name", "largest"),
    [("users", 2**31 - 2), ("interactions", 2**53 - 1), ("pairs", 2**53 - 1)],
)
def test_counts_may_be_as_large_as_the_limits(name: str, largest: int) -> None:
    value = good_manifest()
    value["counts"][name] = largest
    counts = value["counts"]
    value["files"]["similarity.npz"]["arrays"] = csr_arrays(counts["items"], counts["pairs"])
    value["files"]["histories.npz"]["arrays"] = csr_arrays(counts["users"], counts["interactions"])
    assert vars(read(value).counts)[name] == largest


def test_an_empty_model_has_a_manifest_too() -> None:
    value = good_manifest()
    value["counts"] = dict.fromkeys(value["counts"], 0)
    value["files"]["similarity.npz"]["arrays"] = csr_arrays(0, 0)
    value["files"]["histories.npz"]["arrays"] = csr_arrays(0, 0)
    value["files"]["popularity.npz"]["arrays"]["counts"] = array("<i8", 0)
    assert read(value).counts.items == 0


# --- what is refused


def faults() -> dict[str, tuple[str, str]]:
    """The text with one fault, and the part of the message that names it."""
    good = json.dumps(good_manifest())
    object_expected = "expected a JSON object, got "
    found: dict[str, tuple[str, str]] = {
        "empty": ("", object_expected),
        "not-json": ("hello", object_expected),
        "truncated": (good[:-1], object_expected),
        "bom": ("\ufeff" + good, object_expected),
        "trailing-comma": (good[:-1] + ",}", object_expected),
        "single-quotes": (good.replace('"', "'"), object_expected),
        "comment": (good + "// made by hand", object_expected),
        "two-documents": (good + good, object_expected),
        "nan-literal": (replaced('"pairs": 5', '"pairs": NaN'), object_expected + "NaN"),
        "infinity-literal": (replaced('"pairs": 5', '"pairs": Infinity'), object_expected),
        "nan-in-an-unknown-key": (replaced('"users":', '"x": NaN, "users":'), object_expected),
        "dup-key": (good[:-1] + ', "format": "mlcore-model"}', "the key 'format' twice"),
        "dup-key-inside": (replaced('"users": 2', '"users": 2, "users": 2'), "'users' twice"),
        "dup-key-in-an-unknown-key": (
            replaced('"users":', '"x": {"y": 1, "y": 1}, "users":'), "the key 'y' twice"
        ),
        "dup-key-escaped": (replaced('"users": 2', '"users": 2, "\\u0075sers": 2'), "twice"),
        "lone-surrogate": (replaced('"by hand"', '"\\ud800"'), "surrogate"),
        "lone-surrogate-in-an-unknown-key": (replaced('"users":', '"x": "\\udfff", "users":'),
                                             "surrogate"),
        "depth-17": (nested(17), "nested"),
        "deep-nesting": (nested(500_000), "nested"),
        "deep-nesting-near-the-stack": (nested(985), "nested"),
        "deep-nesting-never-closed": ("[" * 1_000_000, "nested"),
        "array": (f"[{good}]", object_expected + "["),
        "string": ('"mlcore-model"', object_expected),
        "number": ("1", object_expected + "1"),
        "null": ("null", object_expected),
        "other-format": (with_value("format", "mlcore-index"), "format: expected 'mlcore-model'"),
        "format-in-capitals": (with_value("format", "MLCORE-MODEL"), "format: expected"),
        "format-with-space": (with_value("format", "mlcore-model "), "format: expected"),
        "format-an-array": (with_value("format", ["mlcore-model"]), "format: expected"),
        "version-a-float": (replaced('_version": 1', '_version": 1.0'), "an integer, got 1.0"),
        "version-a-string": (with_value("format_version", "1"), "an integer, got '1'"),
        "version-true": (with_value("format_version", True), "an integer, got true"),
        "version-null": (with_value("format_version", None), "an integer, got null"),
        "version-negative": (with_value("format_version", -1), "format_version: expected"),
        "features-an-object": (with_value("required_features", {}), "required_features: expected"),
        "features-null": (with_value("required_features", None), "an array, got null"),
        "producer-a-string": (with_value("producer", "mlcore"), "producer: expected an object"),
        "producer-name-a-number": (with_value("producer/name", 1), "name: expected a string"),
        "case-variant-key": (renamed("counts", "Counts"), "counts: expected an object, got no"),
        "case-variant-count": (renamed("counts/users", "Users"), "users: expected an integer"),
        "float-count": (replaced('"users": 2', '"users": 2.0'), "users: expected an integer"),
        "float-count-with-exponent": (replaced('"users": 2', '"users": 2e0'), "an integer"),
        "float-count-in-shape": (with_value("files/similarity.npz/arrays/data/shape", [5.0]),
                                 "similarity.npz: arrays: expected"),
        "true-as-count": (replaced('"users": 2', '"users": true'), "an integer, got true"),
        "string-as-count": (replaced('"users": 2', '"users": "2"'), "an integer, got '2'"),
        "negative-count": (with_value("counts/users", -2), "users: expected an integer from 0"),
        "too-many-users": (with_value("counts/users", 2**31 - 1), "users: expected an integer"),
        "too-many-items": (with_value("counts/items", 2**31 - 1), "items: expected an integer"),
        "int-2^53": (with_value("counts/pairs", 2**53), "pairs: expected an integer"),
        "int-2^53+1": (with_value("counts/interactions", 2**53 + 1), "interactions: expected"),
        "int-2^64": (with_value("counts/pairs", 2**64 + 5), "pairs: expected an integer"),
        "int-of-5000-digits": (replaced('"pairs": 5', f'"pairs": {"5" * 5_000}'), "pairs: expected an integer"),
        "counts-an-array": (with_value("counts", [2, 3, 4, 5]), "counts: expected an object"),
        "training-null": (with_value("training", None), "training: expected an object"),
        "config-sha256-of-another": (with_value("training/config_sha256", sha256("d")),
                                     "config_sha256: expected the sha256 of config.json"),
        "sha256-in-capitals": (with_value("files/items.csv/sha256", sha256("i").upper()),
                               "sha256: expected 64 hexadecimal digits"),
        "sha256-short": (with_value("files/items.csv/sha256", sha256("i")[:-1]), "sha256: "),
        "sha256-long": (with_value("files/items.csv/sha256", sha256("i") + "0"), "sha256: "),
        "sha256-with-line-break": (with_value("files/items.csv/sha256", sha256("i") + "\n"),
                                   "sha256: expected 64 hexadecimal digits"),
        "sha256-a-number": (with_value("files/items.csv/sha256", 0), "sha256: expected a string"),
        "interactions-sha256-empty": (with_value("training/interactions_sha256", ""),
                                      "interactions_sha256: expected 64 hexadecimal digits"),
        "bytes-negative": (with_value("files/items.csv/bytes", -1), "bytes: expected an integer"),
        "bytes-a-float": (with_value("files/items.csv/bytes", 20.0), "bytes: expected an integer"),
        "bytes-2^53": (with_value("files/items.csv/bytes", 2**53), "bytes: expected an integer"),
        "file-not-an-object": (with_value("files/items.csv", 20), "items.csv: expected an object"),
        "files-an-array": (with_value("files", ["items.csv"]), "files: expected an object"),
        "files-empty": (with_value("files", {}), "files: expected"),
        "array-of-another-type": (with_value("files/similarity.npz/arrays/data/dtype", "<f8"),
                                  "similarity.npz: arrays: expected"),
        "array-big-endian": (with_value("files/similarity.npz/arrays/data/dtype", ">f4"),
                             "similarity.npz: arrays: expected"),
        "array-of-objects": (with_value("files/similarity.npz/arrays/data/dtype", "|O"),
                             "similarity.npz: arrays: expected"),
        "array-too-long": (with_value("files/similarity.npz/arrays/data/shape", [6]),
                           "similarity.npz: arrays: expected"),
        "array-negative": (with_value("files/similarity.npz/arrays/data/shape", [-5]),
                           "similarity.npz: arrays: expected"),
        "array-2-D": (with_value("files/similarity.npz/arrays/data/shape", [5, 1]),
                      "similarity.npz: arrays: expected"),
        "array-0-D": (with_value("files/similarity.npz/arrays/data/shape", []),
                      "similarity.npz: arrays: expected"),
        "array-extra": (with_value("files/popularity.npz/arrays/ranks", array("<i8", 3)),
                        "popularity.npz: arrays: expected"),
        "array-with-a-long-name": (
            with_value("files/popularity.npz/arrays/" + "x" * 10_000, {}),
            "popularity.npz: arrays: expected",
        ),
        "array-missing": (without("files/histories.npz/arrays/indices"),
                          "histories.npz: arrays: expected"),
        "lengths-differ": (with_value("files/histories.npz/arrays/indices", array("<i4", 3)),
                           "histories.npz: arrays: expected"),
        "sim-not-square": (with_value("files/similarity.npz/arrays/indptr", array("<i8", 3)),
                           "similarity.npz: arrays: expected"),
        "arrays-a-list": (with_value("files/popularity.npz/arrays", [array("<i8", 3)]),
                          "arrays: expected an object"),
    }  # fmt: skip
    for name in ("users.csv", "items.csv", "histories.npz", "popularity.npz", "config.json"):
        found[f"missing-{name}"] = (without(f"files/{name}"), "files: expected")
        found[f"capital-{name}"] = (renamed(f"files/{name}", name.title()), "files: expected")
    for name in ("../x", "../items.csv", "/etc/passwd", "C:\\x", "a/b.csv", "manifest.json", "",
                 "ITEMS.CSV", "items.csv\0", "items.csv ", "a\nb", "x" * 100_000):  # fmt: skip
        found[f"extra file {name[:20]!r}"] = (with_extra_file(name), "files: expected")
    for path in ("format", "format_version", "required_features", "producer", "counts", "training",
                 "files", "producer/name", "producer/version", "counts/users", "counts/items",
                 "counts/interactions", "counts/pairs", "training/interactions_sha256",
                 "training/config_sha256", "files/items.csv/bytes", "files/items.csv/sha256",
                 "files/similarity.npz/arrays"):  # fmt: skip
        found[f"no {path}"] = (without(path), "got no such key")
    return found


FAULTS = faults()


@pytest.mark.parametrize("name", FAULTS)
def test_a_manifest_with_one_fault_is_refused(name: str) -> None:
    text, part = FAULTS[name]
    with pytest.raises(ManifestError) as caught:
        parse(text)
    message = str(caught.value)
    assert message.startswith("m.json: ") and part in message
    assert "\n" not in message and len(message) < 600


def test_the_manifest_that_the_faults_are_made_from_is_fine() -> None:
    read(good_manifest())


@pytest.mark.parametrize("version", [0, 2, 3, 10**6, 2**53 - 1])
def test_another_version_is_refused_whatever_else_the_manifest_says(version: int) -> None:
    message = f"^m.json: format_version: expected 1, got {version}$"
    with pytest.raises(VersionError, match=message):
        parse(with_value("format_version", version))
    with pytest.raises(VersionError, match=message):
        read({"format": "mlcore-model", "format_version": version, "counts": "in words"})


@pytest.mark.parametrize("features", [["half_floats"], ["a", "b"], [""]])
def test_a_required_feature_that_is_not_known_is_refused(features: list[str]) -> None:
    with pytest.raises(VersionError, match="required_features: expected none but history_rule"):
        parse(with_value("required_features", features))
    with pytest.raises(VersionError):
        read({"format": "mlcore-model", "format_version": 1, "required_features": features})


ORDER = {"bytes": 70, "sha256": sha256("o"), "arrays": {"positions": array("<i4", 4)}}


def ordered_manifest(features: list[str], *without: str) -> Json:
    manifest = good_manifest() | {"required_features": features}
    manifest["files"]["order.npz"] = ORDER
    for name in without:
        del manifest["files"][name]
    return manifest


def test_the_order_comes_with_the_rule_and_the_histories() -> None:
    both = ["history_rule", "history_order"]
    for features in (both, both[::-1], [*both, "history_order"]):
        assert read(ordered_manifest(features)).features == tuple(features)
        without_users = ordered_manifest(features, "users.csv", "histories.npz", "order.npz")
        assert not read(without_users).with_users
    with pytest.raises(ManifestError, match="required_features: expected history_rule beside hist"):
        read(ordered_manifest(["history_order"]))
    for names in (["order.npz"], ["users.csv", "histories.npz"]):
        with pytest.raises(
            ManifestError, match="files: expected both or none of order.npz and his"
        ):
            read(ordered_manifest(both, *names))
    for features in ([], ["history_rule"]):
        with pytest.raises(ManifestError, match="files: expected config.json, items.csv, "):
            read(ordered_manifest(features))


@pytest.mark.parametrize("features", [[1], [[]], [None], ["a", 1]])
def test_a_required_feature_that_is_no_string_is_refused(features: list[Any]) -> None:
    with pytest.raises(ManifestError, match="required_features: expected an array of strings, got"):
        parse(with_value("required_features", features))


def test_no_damaged_byte_gives_another_error() -> None:
    rng = random.Random(5)
    text = read(good_manifest()).to_text()
    verdicts = {"refused": 0, "accepted": 0}
    for _ in range(4_000):
        begin = rng.randrange(len(text))
        end = min(len(text), begin + rng.choice([0, 1, 1, 2, 30]))
        damage = rng.choice(["", "0", "9", "-", ".", "e", '"', "}", "[", "null", "\n", "\0", "\\"])
        try:
            parse(text[:begin] + damage + text[end:])
            verdicts["accepted"] += 1  # in the producer, an unknown key, a size, white space
        except ArtifactError:
            verdicts["refused"] += 1
    assert verdicts["refused"] > 1_500 and verdicts["accepted"] > 100


# --- the manifest of a directory


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    columns = [("u1", "a"), ("u1", "b"), ("u2", "b"), ("u2", "c"), ("u3", "a"), ("u3", "c")]
    train_from_data(Interactions.from_columns(*zip(*columns))).save(tmp_path / "model")
    return tmp_path / "model"


OPENERS: list[Callable[[Path], object]] = [Model.load, verify_model, describe_model]


def refused_on_open(directory: Path, expected: type[ArtifactError]) -> str:
    """Check that all ways to open a model refuse it alike, and return the message."""
    messages = set()
    for opener in OPENERS:
        with pytest.raises(ArtifactError) as caught:
            opener(directory)
        assert type(caught.value) is expected
        messages.add(str(caught.value))
    assert len(messages) == 1
    return messages.pop()


def refused_on_verify(directory: Path, expected: type[ArtifactError]) -> str:
    Model.load(directory)
    describe_model(directory)
    with pytest.raises(ArtifactError) as caught:
        verify_model(directory)
    assert type(caught.value) is expected
    with pytest.raises(expected, match=f"^{re.escape(str(caught.value))}$"):
        describe_model(directory, verify=True)
    return str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"\xef\xbb\xbf" + data, id="bom"),
        pytest.param(lambda data: data.decode().encode("utf-16"), id="utf-16"),
        pytest.param(lambda data: data.replace(b"mlcore", b"mlc\xffre", 1), id="invalid utf-8"),
        pytest.param(lambda data: data.replace(b'"name"', b'"n\xc1\xa1me"'), id="overlong utf-8"),
        pytest.param(lambda data: data.replace(b'"mlcore"', b'"\xed\xa0\x80"'), id="surrogate"),
        pytest.param(lambda data: data[:-3], id="truncated"),
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data + bytes(10), id="NUL at the end"),
        pytest.param(lambda data: data.ljust(MAX_MANIFEST_BYTES + 1), id="blanks beyond the limit"),
        pytest.param(lambda data: data.ljust(2 * 2**20), id="2 MiB of blanks"),
    ],
)
def test_a_manifest_file_of_other_bytes_is_refused(
    directory: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = directory / "manifest.json"
    good = path.read_bytes()
    path.write_bytes(damage(good))
    assert path.read_bytes() != good
    message = refused_on_open(directory, ManifestError)
    assert message.startswith(f"{path}: expected ")


def test_a_manifest_of_the_largest_size_is_accepted(directory: Path) -> None:
    path = directory / "manifest.json"
    path.write_bytes(path.read_bytes().ljust(MAX_MANIFEST_BYTES))
    for opener in OPENERS:
        opener(directory)


FILES = ("config.json", "items.csv", "similarity.npz", "popularity.npz", "users.csv",
         "histories.npz")  # fmt: skip


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("change", [-1, 1, -10_000, 64], ids=lambda change: f"{change:+}")
def test_a_file_of_another_size_is_refused_on_opening(
    directory: Path, name: str, change: int
) -> None:
    path = directory / name
    good = path.read_bytes()
    path.write_bytes(good + bytes(change) if change > 0 else good[:change])
    size = max(0, len(good) + change)
    assert refused_on_open(directory, SizeError) == (
        f"{path}: expected {len(good)} bytes as in the manifest, got {size}"
    )


@pytest.mark.parametrize("name", FILES)
def test_a_manifest_with_another_size_or_digest_does_not_fit_the_file(
    directory: Path, name: str
) -> None:
    path = directory / "manifest.json"
    good = json.loads(path.read_bytes())
    other = copy.deepcopy(good)
    other["files"][name]["bytes"] += 1
    path.write_text(json.dumps(other))
    assert f"{directory / name}: expected " in refused_on_open(directory, SizeError)
    other = copy.deepcopy(good)
    other["files"][name]["sha256"] = sha256("other")
    if name == "config.json":
        other["training"]["config_sha256"] = sha256("other")
    path.write_text(json.dumps(other))
    assert refused_on_verify(directory, ChecksumError) == (
        f"{directory / name}: sha256: expected {sha256('other')}, "
        f"got {good['files'][name]['sha256']}"
    )


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("items.csv", b"0,a\n", b"0,A\n"),
        ("users.csv", b"0,u1\n", b"0,u0\n"),
        ("config.json", b'"shrinkage": 0', b'"shrinkage": 1'),
    ],
)
def test_a_changed_byte_that_nothing_else_contradicts_is_found_by_its_digest(
    directory: Path, name: str, old: bytes, new: bytes
) -> None:
    path = directory / name
    data = path.read_bytes()
    assert data.count(old) == 1
    path.write_bytes(data.replace(old, new))
    assert f"{path}: sha256: expected " in refused_on_verify(directory, ChecksumError)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_missing_file_is_refused_on_opening(directory: Path, name: str) -> None:
    (directory / name).unlink()
    message = refused_on_open(directory, MissingFileError)
    assert message == f"{directory / name}: expected a file, got 'No such file or directory'"


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
@pytest.mark.parametrize("kind", ["directory", "symlink", "dangling symlink", "fifo"])
def test_anything_but_a_regular_file_is_refused_on_opening(
    directory: Path, tmp_path: Path, name: str, kind: str
) -> None:
    path = directory / name
    path.rename(tmp_path / "elsewhere")
    if kind == "directory":
        path.mkdir()
    elif kind == "symlink":
        path.symlink_to(tmp_path / "elsewhere")
    elif kind == "dangling symlink":
        path.symlink_to(tmp_path / "nowhere")
    else:
        os.mkfifo(path)
    got = "a directory" if kind == "directory" else "something else"
    message = refused_on_open(directory, MissingFileError)
    assert message == f"{path}: expected a regular file, got {got}"


@pytest.mark.parametrize("name", ["users.csv", "histories.npz"])
def test_a_file_of_the_model_that_the_manifest_does_not_list_is_refused(
    directory: Path, name: str
) -> None:
    manifest = json.loads((directory / "manifest.json").read_bytes())
    for other in ("users.csv", "histories.npz"):
        del manifest["files"][other]
        (directory / other).rename(directory / f"{other}.bak")
    (directory / "manifest.json").write_text(json.dumps(manifest))
    verify_model(directory)
    (directory / f"{name}.bak").rename(directory / name)
    message = refused_on_open(directory, ManifestError)
    assert message.startswith(f"{directory / name}: expected a file that the manifest lists")


def test_other_files_in_the_directory_are_passed_over(directory: Path) -> None:
    (directory / "README.txt").write_text("hello")
    (directory / "sub").mkdir()
    for opener in OPENERS:
        opener(directory)


def test_the_directory_itself_may_be_a_symbolic_link(directory: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(directory)
    for opener in OPENERS:
        opener(tmp_path / "link")


@pytest.mark.parametrize("kind", ["file", "nothing", "dangling symlink", "empty directory"])
def test_a_place_without_a_model_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "model"
    if kind == "file":
        path.write_text("hello")
    elif kind == "dangling symlink":
        path.symlink_to(tmp_path / "nowhere")
    elif kind == "empty directory":
        path.mkdir()
    expected = {
        "file": f"{path}: expected a model directory, got a file",
        "empty directory": f"{path / 'manifest.json'}: expected a file, "
        "got 'No such file or directory'",
    }
    message = refused_on_open(path, MissingFileError)
    assert message == expected.get(
        kind, f"{path}: expected a model directory, got no such directory"
    )
