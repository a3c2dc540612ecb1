"""Section 5: zip archives that are not in the one possible form. Most break similarity.npz."""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

from interop.tools.archive import Archive, zip64_field
from interop.tools.draft import Draft
from interop.tools.registry import invalid

MAX_U32 = 0xFFFFFFFF


def archive(draft: Draft) -> Archive:
    """Return the archive to break."""
    return draft.archives["similarity.npz"]


def rename(draft: Draft, name: bytes) -> None:
    """Give the member data another name."""
    draft.member("data").name = name


def directory_size(draft: Draft) -> int:
    """Return the size of the central directory."""
    return len(b"".join(member.central_header(0) for member in archive(draft).members))


# --- [NPZ-1]: which members ----------------------------------------------------------------------


@invalid("NPZ-1 STG-1", "container")
def npz_empty(draft: Draft) -> None:
    """The file has no byte."""
    draft.files["similarity.npz"] = b""


@invalid("NPZ-1", "container")
def npz_not_a_zip(draft: Draft) -> None:
    """The file is an .npy file."""
    draft.files["similarity.npz"] = draft.member("data").content


@invalid("NPZ-1", "container")
def npz_without_members(draft: Draft) -> None:
    """The archive is empty: an end record alone."""
    archive(draft).members.clear()


@invalid("NPZ-1", "container")
def npz_member_missing(draft: Draft) -> None:
    """There is no data.npy."""
    archive(draft).members.pop()


@invalid("NPZ-1", "container", flags="numpy-accepts")
def npz_member_too_many(draft: Draft) -> None:
    """There is a fourth member."""
    members = archive(draft).members
    members.append(replace(members[-1], name=b"extra.npy"))


@invalid("NPZ-1", "container", flags="numpy-accepts")
def npz_members_in_other_order(draft: Draft) -> None:
    """The members stand in another order."""
    archive(draft).members.reverse()


@invalid("NPZ-1", "container", flags="numpy-accepts")
def npz_member_twice(draft: Draft) -> None:
    """data.npy stands twice with other values; some readers take the first, others the last."""
    members = archive(draft).members
    members.append(replace(members[-1], data=bytes(len(members[-1].data))))


@invalid("NPZ-1 NPZ-6", "container", flags="numpy-accepts")
def npz_member_twice_in_the_directory(draft: Draft) -> None:
    """The central directory has data.npy twice, for one and the same local header."""
    members = archive(draft).members
    archive(draft).central = [*members, members[-1]]


@invalid("NPZ-1", "container")
def npz_name_in_capitals(draft: Draft) -> None:
    """data.npy is called Data.npy."""
    rename(draft, b"Data.npy")


@invalid("NPZ-1", "container")
def npz_suffix_in_capitals(draft: Draft) -> None:
    """data.npy is called data.NPY."""
    rename(draft, b"data.NPY")


@invalid("NPZ-1", "container", flags="numpy-accepts")
def npz_name_without_suffix(draft: Draft) -> None:
    """data.npy is called data."""
    rename(draft, b"data")


@invalid("NPZ-1", "container")
def npz_name_in_a_folder(draft: Draft) -> None:
    """data.npy is called ./data.npy."""
    rename(draft, b"./data.npy")


@invalid("NPZ-1 DIR-4", "container")
def npz_name_in_the_folder_above(draft: Draft) -> None:
    """data.npy is called ../data.npy."""
    rename(draft, b"../data.npy")


@invalid("NPZ-1", "container")
def npz_name_with_backslash(draft: Draft) -> None:
    """data.npy is called x\\data.npy."""
    rename(draft, b"x\\data.npy")


@invalid("NPZ-1", "container", flags="numpy-accepts")
def npz_name_with_nul(draft: Draft) -> None:
    """data.npy is called data.npy and then NUL and more, which C strings cut off."""
    rename(draft, b"data.npy\0.txt")


# --- [NPZ-2]: how a member is stored -------------------------------------------------------------


@invalid("NPZ-2", "container", flags="numpy-accepts")
def npz_deflated(draft: Draft) -> None:
    """data.npy is compressed: one block of deflate, as long as it was and five bytes."""
    member = draft.member("data")
    content = member.content
    lengths = struct.pack("<HH", len(content), len(content) ^ 0xFFFF)
    member.header, member.data = b"", b"\1" + lengths + content
    member.both = {"method": 8, "crc": zlib.crc32(content), "size": len(content)}


@invalid("NPZ-2", "container")
def npz_method_unknown(draft: Draft) -> None:
    """data.npy has the method 99."""
    draft.member("data").both = {"method": 99}


@invalid("NPZ-2", "container")
def npz_encrypted(draft: Draft) -> None:
    """data.npy has the flag of encryption."""
    draft.member("data").both = {"flags": 1}


@invalid("NPZ-2", "container", flags="numpy-accepts")
def npz_flag_of_utf8(draft: Draft) -> None:
    """data.npy has the flag of a name in UTF-8."""
    draft.member("data").both = {"flags": 0x800}


@invalid("NPZ-2", "container", flags="numpy-accepts")
def npz_data_descriptor(draft: Draft) -> None:
    """Sizes and CRC of data.npy follow its data, and are 0 in the local header."""
    member = draft.member("data")
    size = len(member.content)
    member.after = struct.pack("<4s3I", b"PK\7\x08", zlib.crc32(member.content), size, size)
    member.both = {"flags": 8}
    member.local = {"crc": 0, "packed": 0, "size": 0}


@invalid("NPZ-2", "container", flags="numpy-accepts")
def npz_with_a_time(draft: Draft) -> None:
    """data.npy has a modification time: noon of the right day."""
    draft.member("data").both = {"time": 12 << 11}


@invalid("NPZ-2", "container", flags="numpy-accepts")
def npz_with_a_date(draft: Draft) -> None:
    """data.npy has the date 2026-01-01."""
    draft.member("data").both = {"date": (2026 - 1980) << 9 | 1 << 5 | 1}


@invalid("NPZ-2 NPZ-3", "container")
def npz_sizes_differ(draft: Draft) -> None:
    """The compressed size of data.npy is one less than its size."""
    member = draft.member("data")
    member.both = {"packed": len(member.content) - 1}


# --- [NPZ-3]: the local header -------------------------------------------------------------------


@invalid("NPZ-3", "container")
def npz_local_signature(draft: Draft) -> None:
    """The local header of data.npy has another signature."""
    draft.member("data").local = {"signature": b"PK\3\5"}


@invalid("NPZ-3", "container", flags="numpy-accepts")
def npz_version_needed_10(draft: Draft) -> None:
    """data.npy needs version 1.0, which would do for a stored member."""
    draft.member("data").both = {"needed": 10}


@invalid("NPZ-3", "container", flags="numpy-accepts")
def npz_local_flags_differ(draft: Draft) -> None:
    """Only the local header of data.npy has a flag."""
    draft.member("data").local = {"flags": 2}


@invalid("NPZ-3", "container", flags="numpy-accepts")
def npz_local_crc_differs(draft: Draft) -> None:
    """The CRC-32 in the local header of data.npy is 0, the one in the directory is right."""
    draft.member("data").local = {"crc": 0}


@invalid("NPZ-3 NPZ-6", "container", flags="numpy-accepts")
def npz_local_size_differs(draft: Draft) -> None:
    """The sizes in the local header of data.npy are one too small."""
    size = len(draft.member("data").content)
    draft.member("data").local = {"packed": size - 1, "size": size - 1}


@invalid("NPZ-3 NPZ-6", "container")
def npz_local_name_differs(draft: Draft) -> None:
    """The local header calls data.npy date.npy."""
    draft.member("data").local = {"name": b"date.npy"}


@invalid("NPZ-3 NPZ-6", "container")
def npz_central_name_differs(draft: Draft) -> None:
    """The central directory calls data.npy date.npy."""
    draft.member("data").central = {"name": b"date.npy"}


@invalid("NPZ-3 STG-2", "container")
def npz_size_past_the_end(draft: Draft) -> None:
    """data.npy claims 2 GiB, in both headers."""
    draft.member("data").both = {"packed": 2**31, "size": 2**31}


@invalid("NPZ-3 STG-2", "container")
def npz_extra_field_past_the_end(draft: Draft) -> None:
    """The extra field of data.npy claims 65,535 bytes."""
    draft.member("data").local = {"extra_length": 0xFFFF}


@invalid("NPZ-3 STG-1", "container")
def npz_cut_in_a_local_header(draft: Draft) -> None:
    """The file ends within the first local header."""
    draft.files["similarity.npz"] = draft.files["similarity.npz"][:17]


@invalid("NPZ-3 STG-1", "container")
def npz_cut_in_the_data(draft: Draft) -> None:
    """The file ends within the data of its last member."""
    whole = draft.files["similarity.npz"]
    draft.files["similarity.npz"] = whole[: whole.index(b"PK\1\2") - 10]


# --- [NPZ-4]: alignment --------------------------------------------------------------------------


def alignment(unit: int, zeros: bytes) -> bytes:
    """Return an alignment field."""
    return struct.pack("<HHH", 0xD935, 2 + len(zeros), unit) + zeros


def padding_of_the_first() -> int:
    """Return how many zeros the alignment field of the first member has."""
    return -(30 + len(b"indptr.npy") + 6) % 64


@invalid("NPZ-4", "container", flags="numpy-accepts")
def npz_not_aligned(draft: Draft) -> None:
    """indptr.npy has no extra field; its data begin at byte 40."""
    draft.member("indptr").local = {"extra": b""}


@invalid("NPZ-4", "container", flags="numpy-accepts")
def npz_not_aligned_by_one(draft: Draft) -> None:
    """indptr.npy has an alignment field with a zero too many; its data begin at byte 65."""
    draft.member("indptr").local = {"extra": alignment(64, bytes(padding_of_the_first() + 1))}


@invalid("NPZ-4", "container", flags="numpy-accepts")
def npz_aligned_to_32(draft: Draft) -> None:
    """indptr.npy says that it is aligned to 32, and is aligned to 64."""
    draft.member("indptr").local = {"extra": alignment(32, bytes(padding_of_the_first()))}


@invalid("NPZ-4", "container", flags="numpy-accepts")
def npz_padding_longer(draft: Draft) -> None:
    """indptr.npy has 64 zeros more than it needs."""
    draft.member("indptr").local = {"extra": alignment(64, bytes(padding_of_the_first() + 64))}


@invalid("NPZ-4 NPZ-5", "container", flags="numpy-accepts")
def npz_padding_not_zero(draft: Draft) -> None:
    """The padding of indptr.npy hides a text."""
    hidden = b"hidden".ljust(padding_of_the_first(), b"\0")
    draft.member("indptr").local = {"extra": alignment(64, hidden)}


@invalid("NPZ-4", "container", flags="numpy-accepts")
def npz_padding_without_field(draft: Draft) -> None:
    """indptr.npy is padded with zeros that are no field, as old versions of zipalign did."""
    draft.member("indptr").local = {"extra": bytes(padding_of_the_first() + 6)}


@invalid("NPZ-4", "container", flags="numpy-accepts")
def npz_alignment_by_another_field(draft: Draft) -> None:
    """indptr.npy is aligned by an extra field with another id."""
    field = alignment(64, bytes(padding_of_the_first()))
    draft.member("indptr").local = {"extra": b"\x36" + field[1:]}


@invalid("NPZ-4 NPZ-6", "container", flags="numpy-accepts")
def npz_alignment_field_in_the_directory(draft: Draft) -> None:
    """The central header of indptr.npy repeats the alignment field."""
    field = alignment(64, bytes(padding_of_the_first()))
    draft.member("indptr").central = {"extra": field}


# --- [NPZ-5]: no gap, no overlap -----------------------------------------------------------------


@invalid("NPZ-5", "container")
def npz_prefix(draft: Draft) -> None:
    """64 bytes stand in front of the first local header, and all offsets count them."""
    archive(draft).members[0].before = b"#!/bin/sh\n".ljust(64, b"#")


@invalid("NPZ-5", "container")
def npz_prefix_not_counted(draft: Draft) -> None:
    """64 bytes stand in front of an archive that knows nothing of them."""
    draft.files["similarity.npz"] = b"#!/bin/sh\n".ljust(64, b"#") + draft.files["similarity.npz"]


@invalid("NPZ-5", "container", flags="numpy-accepts")
def npz_gap(draft: Draft) -> None:
    """64 bytes stand between two members."""
    draft.member("data").before = b"hidden".ljust(64)


@invalid("NPZ-5", "container", flags="numpy-accepts")
def npz_gap_before_the_directory(draft: Draft) -> None:
    """64 bytes stand between the last data and the central directory."""
    archive(draft).gap = b"hidden".ljust(64)


@invalid("NPZ-5 NPZ-6", "container")
def npz_overlap(draft: Draft) -> None:
    """The central header of data.npy points to indptr.npy."""
    draft.member("data").central = {"offset": 0}


@invalid("NPZ-5", "container")
def npz_overlap_of_sizes(draft: Draft) -> None:
    """indptr.npy claims the bytes of indices.npy as well, with the CRC-32 of both."""
    first, second = draft.member("indptr"), draft.member("indices")
    built = archive(draft).to_bytes()
    end = built.index(second.content) + len(second.content)
    both = built[built.index(first.content) : end]
    first.both = {"packed": len(both), "size": len(both), "crc": zlib.crc32(both)}


# --- [NPZ-6], [NPZ-7]: the central directory and the end -----------------------------------------


@invalid("NPZ-6", "container")
def npz_without_directory(draft: Draft) -> None:
    """The file ends behind the data of its last member."""
    whole = draft.files["similarity.npz"]
    draft.files["similarity.npz"] = whole[: whole.index(b"PK\1\2")]


@invalid("NPZ-6", "container")
def npz_central_signature(draft: Draft) -> None:
    """The central header of data.npy has another signature."""
    draft.member("data").central = {"signature": b"PK\1\3"}


@invalid("NPZ-6", "container", flags="numpy-accepts")
def npz_made_by_windows(draft: Draft) -> None:
    """The archive was made on another system, as numpy writes it there."""
    for member in archive(draft).members:
        member.central = {"made_by": 20, "attributes": 0}


@invalid("NPZ-6", "container", flags="numpy-accepts")
def npz_attributes(draft: Draft) -> None:
    """data.npy may be executed."""
    draft.member("data").central = {"attributes": 0o100755 << 16}


@invalid("NPZ-6", "container", flags="numpy-accepts")
def npz_attributes_of_a_link(draft: Draft) -> None:
    """data.npy is a symbolic link by its attributes."""
    draft.member("data").central = {"attributes": 0o120777 << 16}


@invalid("NPZ-6", "container", flags="numpy-accepts")
def npz_internal_attributes(draft: Draft) -> None:
    """data.npy is a text by its internal attributes."""
    draft.member("data").central = {"internal": 1}


@invalid("NPZ-6", "container", flags="numpy-accepts")
def npz_comment_of_a_member(draft: Draft) -> None:
    """data.npy has a comment."""
    draft.member("data").central = {"comment": b"weights"}


@invalid("NPZ-6", "container", flags="numpy-accepts")
def npz_disk(draft: Draft) -> None:
    """data.npy stands on the second disk."""
    draft.member("data").central = {"disk": 1}


@invalid("NPZ-6", "container", flags="numpy-accepts")
def npz_directory_in_other_order(draft: Draft) -> None:
    """The central directory has the members in another order."""
    archive(draft).central = list(reversed(archive(draft).members))


@invalid("NPZ-6 STG-2", "container")
def npz_offset_past_the_end(draft: Draft) -> None:
    """The local header of data.npy stands behind the end of the file."""
    draft.member("data").central = {"offset": 2**31}


@invalid("NPZ-7", "container")
def npz_end_missing(draft: Draft) -> None:
    """There is no end record."""
    draft.files["similarity.npz"] = draft.files["similarity.npz"][:-22]


@invalid("NPZ-7", "container")
def npz_end_cut(draft: Draft) -> None:
    """The last byte of the end record is missing."""
    draft.files["similarity.npz"] = draft.files["similarity.npz"][:-1]


@invalid("NPZ-7", "container", flags="numpy-accepts")
def npz_comment(draft: Draft) -> None:
    """The archive has a comment."""
    archive(draft).end = {"comment_length": 4}
    archive(draft).tail = b"made"


@invalid("NPZ-7", "container", flags="numpy-accepts")
def npz_bytes_behind_the_end(draft: Draft) -> None:
    """Bytes follow the end record that it knows nothing of."""
    archive(draft).tail = b"\0"


@invalid("NPZ-7", "container")
def npz_two_ends(draft: Draft) -> None:
    """A second end record follows the first."""
    archive(draft).tail = archive(draft).to_bytes()[-22:]


@invalid("NPZ-7", "container", flags="numpy-accepts")
def npz_count_too_small(draft: Draft) -> None:
    """The end record counts two members; the directory has three."""
    archive(draft).end = {"disk_count": 2, "count": 2}


@invalid("NPZ-7", "container", flags="numpy-accepts")
def npz_counts_differ(draft: Draft) -> None:
    """The end record counts two members on this disk, and three in all."""
    archive(draft).end = {"disk_count": 2}


@invalid("NPZ-7", "container", flags="numpy-accepts")
def npz_count_wraps(draft: Draft) -> None:
    """The end record counts 65,535 members, which means a zip64 record, and there is none."""
    archive(draft).end = {"disk_count": 0xFFFF, "count": 0xFFFF}


@invalid("NPZ-7", "container", flags="numpy-accepts")
def npz_end_on_another_disk(draft: Draft) -> None:
    """The end record stands on the second disk."""
    archive(draft).end = {"disk": 1, "directory_disk": 1}


@invalid("NPZ-7", "container")
def npz_directory_size(draft: Draft) -> None:
    """The end record says that the directory is a byte longer."""
    archive(draft).end = {"size": directory_size(draft) + 1}


@invalid("NPZ-7 STG-2", "container")
def npz_directory_past_the_end(draft: Draft) -> None:
    """The end record places the directory behind the end of the file."""
    archive(draft).end = {"offset": 2**31}


# --- [NPZ-8]: the CRC-32 -------------------------------------------------------------------------


@invalid("NPZ-8", "checksum", "verify")
def crc_wrong(draft: Draft) -> None:
    """Both headers of data.npy have a CRC-32 that differs in one bit; the sha256 is right."""
    member = draft.member("data")
    member.both = {"crc": zlib.crc32(member.content) ^ 1}


@invalid("NPZ-8", "checksum", "verify")
def crc_zero(draft: Draft) -> None:
    """Both headers of data.npy have the CRC-32 0, which some readers take for none."""
    draft.member("data").both = {"crc": 0}


@invalid("NPZ-8", "checksum", "verify")
def crc_of_the_data_alone(draft: Draft) -> None:
    """The CRC-32 of counts.npy leaves out its header."""
    member = draft.member("counts", "popularity.npz")
    member.both = {"crc": zlib.crc32(member.data)}


# --- [NPZ-9], [NPZ-10]: zip64, where nothing is that large ---------------------------------------


@invalid("NPZ-9", "container", flags="numpy-accepts")
def npz_as_numpy_writes_it(draft: Draft) -> None:
    """Local headers with a zip64 field that nothing needs, and no alignment: numpy.savez."""
    for member in archive(draft).members:
        size = len(member.content)
        member.local = {
            "needed": 45,
            "packed": MAX_U32,
            "size": MAX_U32,
            "extra": zip64_field(size, size),
        }
        member.central = {"made_by": 0x032D, "needed": 45, "attributes": 0o600 << 16}


@invalid("NPZ-9", "container", flags="numpy-accepts")
def npz_zip64_local_not_needed(draft: Draft) -> None:
    """The local header of data.npy has its sizes in a zip64 field, and is aligned."""
    size = len(draft.member("data").content)
    draft.member("data").local = {
        "needed": 45,
        "packed": MAX_U32,
        "size": MAX_U32,
        "zip64": zip64_field(size, size),
    }


@invalid("NPZ-9", "container", flags="numpy-accepts")
def npz_zip64_central_not_needed(draft: Draft) -> None:
    """The central header of data.npy has its sizes in a zip64 field."""
    size = len(draft.member("data").content)
    draft.member("data").central = {
        "packed": MAX_U32,
        "size": MAX_U32,
        "extra": zip64_field(size, size),
    }


@invalid("NPZ-9", "container")
def npz_zip64_field_missing(draft: Draft) -> None:
    """The sizes of data.npy are FFFFFFFF, and no zip64 field says more."""
    draft.member("data").both = {"packed": MAX_U32, "size": MAX_U32}


@invalid("NPZ-9 STG-2", "container")
def npz_zip64_size_past_the_end(draft: Draft) -> None:
    """data.npy claims 2^63 bytes in well-formed zip64 fields."""
    field = zip64_field(2**63, 2**63)
    member = draft.member("data")
    member.both = {"needed": 45, "packed": MAX_U32, "size": MAX_U32}
    member.local = {"zip64": field}
    member.central = {"made_by": 0x032D, "extra": field}


@invalid("NPZ-9 STG-2", "container")
def npz_zip64_size_that_wraps(draft: Draft) -> None:
    """data.npy claims 2^64 - 1 bytes, so that offset and size together wrap around."""
    field = zip64_field(2**64 - 1, 2**64 - 1)
    member = draft.member("data")
    member.both = {"needed": 45, "packed": MAX_U32, "size": MAX_U32}
    member.local = {"zip64": field}
    member.central = {"made_by": 0x032D, "extra": field}


@invalid("NPZ-9 STG-2", "container")
def npz_zip64_offset_past_the_end(draft: Draft) -> None:
    """The central header of data.npy has the offset 2^63 in a zip64 field."""
    draft.member("data").central = {"offset": MAX_U32, "extra": zip64_field(2**63)}


@invalid("NPZ-10", "container", flags="numpy-accepts")
def npz_zip64_end_not_needed(draft: Draft) -> None:
    """The end record is preceded by a zip64 one, which nothing needs."""
    offset = archive(draft).to_bytes().index(b"PK\1\2")
    size, count = directory_size(draft), len(archive(draft).members)
    archive(draft).zip64 = struct.pack(
        "<4sQHHIIQQQQ", b"PK\6\6", 44, 0x032D, 45, 0, 0, count, count, size, offset
    ) + struct.pack("<4sIQI", b"PK\6\7", 0, offset + size, 1)
    archive(draft).end = {"offset": MAX_U32}


@invalid("NPZ-10", "container")
def npz_zip64_end_missing(draft: Draft) -> None:
    """The end record points to a zip64 one that is not there."""
    archive(draft).end = {"offset": MAX_U32}
