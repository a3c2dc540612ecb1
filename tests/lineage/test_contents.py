"""Contents of files: size and SHA-256, however they are packed."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import os
import shutil
from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.artifact import verify_model
from mlcore.lineage import FileFacts, Fingerprint, describe_file
from mlcore.lineage.contents import claimed_sha256
from tests.lineage.records import facts_of, sha256


def test_a_digest_is_of_what_is_packed_not_of_the_package(folder: Path) -> None:
    text = "user_id,item_id\na,é\n" * 1000
    Path("a.csv").write_text(text, "utf-8")
    Path("a.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=1))
    Path("b.csv.gz").write_bytes(gzip.compress(text.encode(), 1, mtime=2))
    fingerprint = Fingerprint()
    fingerprint.update(text[:7])
    fingerprint.update(text[7:].encode())
    expected = FileFacts(len(text.encode()), hashlib.sha256(text.encode()).hexdigest())
    for facts in (*map(describe_file, ("a.csv", "a.csv.gz", "b.csv.gz")), fingerprint.facts()):
        assert facts == expected


def test_a_folder_is_described_by_its_files(folder: Path) -> None:
    for name in ("part-1.parquet", "deep/part-0.parquet", "_SUCCESS", ".part-1.parquet.crc"):
        path = Path("data", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name, "utf-8")
    names = ["deep/part-0.parquet", "part-1.parquet"]
    listing = "".join(f"{sha256(name)}  {name}\n" for name in names)
    facts = FileFacts(sum(map(len, names)), sha256(listing))
    assert describe_file("data") == facts
    assert describe_file("data/**/part-*.parquet") == facts
    Path("data").rename("other")
    assert describe_file(folder / "other") == facts
    one = f"{sha256('part-1.parquet')}  part-1.parquet\n"
    assert describe_file("other/*.parquet").sha256 == sha256(one)


def test_a_name_with_a_bracket_is_no_pattern_if_the_file_is_there(folder: Path) -> None:
    Path("a[1].csv").write_text("n\n", "utf-8")
    assert describe_file("a[1].csv") == facts_of("n\n")


@pytest.mark.parametrize(
    ("place", "complaint"),
    [
        ("none.csv", "none.csv: expected a readable file, got 'No such file or directory'"),
        ("none-*.csv", "none-*.csv: expected files, got none"),
        ("short.gz", "short.gz: expected a whole gzip file, got one that ends too early"),
        ("bad.gz", "bad.gz: expected a whole gzip file, got a damaged one"),
    ],
)
def test_what_cannot_be_read_is_named(place: str, complaint: str, folder: Path) -> None:
    packed = gzip.compress(b"user_id\n" * 100)
    Path("short.gz").write_bytes(packed[:-9])
    Path("bad.gz").write_bytes(packed[:-5] + bytes([packed[-5] ^ 1]) + packed[-4:])
    with pytest.raises(DataError) as caught:
        describe_file(place)
    assert str(caught.value) == complaint


MODEL = Path(__file__).parents[2] / "fixtures/tiny/cosine/model"


def test_a_model_is_known_by_its_manifest(folder: Path) -> None:
    manifest = (MODEL / "manifest.json").read_bytes()
    total = sum(path.stat().st_size for path in MODEL.iterdir())
    assert describe_file(MODEL) == FileFacts(total, hashlib.sha256(manifest).hexdigest())
    assert describe_file(MODEL).sha256 == describe_file(MODEL / "manifest.json").sha256
    Path("link").symlink_to(MODEL)
    assert describe_file("link") == describe_file(MODEL)
    verify_model(MODEL)


@pytest.mark.parametrize("name", sorted(path.name for path in MODEL.iterdir()))
@pytest.mark.parametrize("change", ["one bit", "longer", "gone"])
def test_a_model_of_which_a_file_has_changed_is_not(name: str, change: str, folder: Path) -> None:
    shutil.copytree(MODEL, "model")
    path = Path("model") / name
    data = path.read_bytes()
    if change == "gone":
        path.unlink()
    else:
        path.write_bytes(data + b"\n" if change == "longer" else data[:-1] + bytes([data[-1] ^ 1]))
    assert describe_file("model").sha256 != describe_file(MODEL).sha256
    is_same = claimed_sha256("model") == claimed_sha256(MODEL) == describe_file(MODEL).sha256
    assert is_same == (name != "manifest.json")


@pytest.mark.parametrize(
    "manifest",
    [
        *("", "{", "7", "[]", "{}", '{"files": []}', '{"files": {"a": []}}'),
        *(
            '{"files": {"../a": {}}}',
            '{"files": {"a": {"bytes": 1}}}',
            '{"files": {"\\u0000": {}}}',
        ),
    ],
)
def test_a_folder_with_another_manifest_is_a_folder(manifest: str, folder: Path) -> None:
    Path("parts").mkdir()
    Path("parts/manifest.json").write_text(manifest)
    line = f"{sha256(manifest)}  manifest.json\n"
    assert describe_file("parts") == FileFacts(len(manifest), sha256(line))


def test_a_manifest_names_no_file_outside_its_folder(folder: Path) -> None:
    Path("a").write_text("a")
    Path("parts").mkdir()
    files = {"../a": {"bytes": 1, "sha256": sha256("a")}}
    text = json.dumps({"files": files})
    Path("parts/manifest.json").write_text(text)
    assert describe_file("parts").sha256 != sha256(text)


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_a_device_is_no_file_of_a_model_and_no_manifest(folder: Path) -> None:
    Path("parts").mkdir()
    Path("parts/a").symlink_to(os.devnull)
    text = json.dumps({"files": {"a": {"bytes": 0, "sha256": sha256("")}}})
    Path("parts/manifest.json").write_text(text)
    assert describe_file("parts").sha256 == sha256(f"{sha256(text)}  manifest.json\n")
    Path("parts/manifest.json").unlink()
    Path("parts/manifest.json").symlink_to(os.devnull)
    assert claimed_sha256("parts") is None


def test_a_folder_that_may_not_be_listed_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: object) -> list[str]:
        raise PermissionError(errno.EACCES, "Permission denied")

    Path("closed").mkdir()
    monkeypatch.setattr(os, "listdir", refuse)
    with pytest.raises(
        DataError, match="closed: expected a readable folder, got 'Permission denied'"
    ):
        describe_file("closed")


@pytest.mark.skipif(os.name == "nt", reason="needs symbolic links")
def test_a_model_that_cannot_be_read_is_no_other_one(folder: Path) -> None:
    shutil.copytree(MODEL, "model")
    Path("model/items.csv").unlink()
    Path("model/items.csv").symlink_to("items.csv")  # a circle
    with pytest.raises(DataError, match="model: expected readable files, got '.+'"):
        describe_file("model")
