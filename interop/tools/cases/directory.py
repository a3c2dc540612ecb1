"""Sections 2 and 3, [MAN-12] and [MAN-13]: what stands in the directory, sizes and digests."""

from __future__ import annotations

from interop.tools.draft import Draft, Link
from interop.tools.registry import GOOD, invalid


@invalid("STG-1 DIR-1", "io")
def directory_missing(draft: Draft) -> None:
    """There is no directory at all."""
    draft.tree = {}


@invalid("STG-1 DIR-1", "io")
def directory_is_a_file(draft: Draft) -> None:
    """A file stands where the directory should."""
    draft.tree = {"model": b"not a directory\n"}


@invalid("DIR-1", "io")
def directory_without_manifest(draft: Draft) -> None:
    """All files but the manifest."""
    del draft.directory["manifest.json"]


@invalid("DIR-1", "io")
def directory_without_items(draft: Draft) -> None:
    """items.csv is in the manifest, but missing."""
    del draft.directory["items.csv"]


@invalid("MAN-12 DIR-1", "manifest")
def directory_without_items_and_their_entry(draft: Draft) -> None:
    """items.csv is neither there nor in the manifest: the list of the files comes first."""
    del draft.manifest["files"]["items.csv"]
    del draft.directory["items.csv"]


@invalid("DIR-1", "io")
def directory_without_config(draft: Draft) -> None:
    """config.json is in the manifest, but missing; a reader that does not need it checks it too."""
    del draft.directory["config.json"]


@invalid("DIR-1", "io")
def directory_without_similarity(draft: Draft) -> None:
    """similarity.npz is in the manifest, but missing."""
    del draft.directory["similarity.npz"]


@invalid("DIR-1 DIR-2", "io", model=GOOD)
def directory_without_histories(draft: Draft) -> None:
    """histories.npz is in the manifest, but missing."""
    del draft.directory["histories.npz"]


@invalid("DIR-2 MAN-12", "manifest", model=GOOD)
def directory_users_without_histories(draft: Draft) -> None:
    """users.csv is there and in the manifest, histories.npz is neither."""
    del draft.files["histories.npz"]


@invalid("DIR-2 MAN-12", "manifest", model=GOOD)
def directory_histories_without_users(draft: Draft) -> None:
    """histories.npz is there and in the manifest, users.csv is neither."""
    del draft.files["users.csv"]


@invalid("MAN-12 DIR-2", "manifest", model=GOOD)
def directory_users_not_listed(draft: Draft) -> None:
    """users.csv and histories.npz are there, but not in the manifest."""
    for name in ("users.csv", "histories.npz"):
        del draft.manifest["files"][name]


@invalid("DIR-3", "io", flags="needs-symlinks")
def directory_manifest_is_a_link(draft: Draft) -> None:
    """manifest.json is a symbolic link to the right file."""
    draft.directory["elsewhere.json"] = draft.text
    draft.directory["manifest.json"] = Link("elsewhere.json")


@invalid("DIR-3", "io", flags="needs-symlinks")
def directory_similarity_is_a_link(draft: Draft) -> None:
    """similarity.npz is a symbolic link to the right file."""
    draft.directory["elsewhere.npz"] = draft.files["similarity.npz"]
    draft.directory["similarity.npz"] = Link("elsewhere.npz")


@invalid("DIR-3", "io", flags="needs-symlinks")
def directory_config_is_a_broken_link(draft: Draft) -> None:
    """config.json is a symbolic link to nothing."""
    draft.directory["config.json"] = Link("nowhere.json")


@invalid("MAN-12", "manifest", flags="needs-symlinks")
def directory_with_a_broken_link_not_listed(draft: Draft) -> None:
    """A broken link has the name of a file that the manifest does not list."""
    draft.directory["users.csv"] = Link("nowhere.csv")


@invalid("DIR-3", "io")
def directory_manifest_is_a_directory(draft: Draft) -> None:
    """A directory stands in place of manifest.json."""
    draft.directory["manifest.json/manifest.json"] = draft.directory.pop("manifest.json")


@invalid("DIR-3", "io")
def directory_items_is_a_directory(draft: Draft) -> None:
    """A directory stands in place of items.csv."""
    draft.directory["items.csv/items.csv"] = draft.directory.pop("items.csv")


@invalid("MAN-13", "size")
def size_one_byte_more(draft: Draft) -> None:
    """similarity.npz has one byte less than the manifest says."""
    draft.manifest["files"]["similarity.npz"]["bytes"] += 1


@invalid("MAN-13", "size")
def size_one_byte_less(draft: Draft) -> None:
    """similarity.npz has one byte more than the manifest says."""
    draft.manifest["files"]["similarity.npz"]["bytes"] -= 1


@invalid("MAN-13 DIR-1", "size")
def size_of_config(draft: Draft) -> None:
    """config.json is longer than the manifest says; who does not need it checks it too."""
    draft.manifest["files"]["config.json"]["bytes"] -= 1


@invalid("MAN-13", "size")
def size_of_items(draft: Draft) -> None:
    """items.csv is cut after its first line."""
    draft.directory["items.csv"] = b"index,id\n"


@invalid("MAN-13", "size", model=GOOD)
def size_of_users(draft: Draft) -> None:
    """users.csv is empty."""
    draft.directory["users.csv"] = b""


@invalid("MAN-13 STG-2 MAN-8", "size", model=GOOD)
def size_of_2_to_the_53_minus_1(draft: Draft) -> None:
    """The manifest says the largest size that it can; a reader must not allocate it."""
    draft.manifest["files"]["histories.npz"]["bytes"] = 2**53 - 1


@invalid("MAN-13", "checksum", "verify")
def checksum_of_config(draft: Draft) -> None:
    """config.json has another byte, and the size it should have."""
    draft.directory["config.json"] = draft.files["config.json"].replace(b"100", b"101")


@invalid("MAN-13", "checksum", "verify")
def checksum_of_items(draft: Draft) -> None:
    """items.csv has another letter, and is an id map all the same."""
    draft.directory["items.csv"] = draft.files["items.csv"].replace(b"apple", b"ample")


@invalid("MAN-13", "checksum", "verify", model=GOOD)
def checksum_of_users(draft: Draft) -> None:
    """The manifest has another sha256 for users.csv."""
    draft.manifest["files"]["users.csv"]["sha256"] = "0" * 64


@invalid("MAN-13", "checksum", "verify")
def checksum_of_similarity(draft: Draft) -> None:
    """A similarity and the CRC-32 were changed together; only the sha256 shows it."""
    good = Draft(GOOD)
    good.values("similarity.npz", "data")[0] = 0.625
    draft.directory["similarity.npz"] = good.files["similarity.npz"]


@invalid("MAN-13", "checksum", "verify", model=GOOD)
def checksum_of_histories(draft: Draft) -> None:
    """The manifest has a sha256 for histories.npz that differs in the last digit."""
    entry = draft.manifest["files"]["histories.npz"]
    entry["sha256"] = entry["sha256"][:-1] + ("1" if entry["sha256"][-1] == "0" else "0")


@invalid("MAN-13", "checksum", "verify")
def checksum_of_popularity(draft: Draft) -> None:
    """The manifest has the sha256 of another file for popularity.npz."""
    files = draft.manifest["files"]
    files["popularity.npz"]["sha256"] = files["items.csv"]["sha256"]
