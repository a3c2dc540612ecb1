"""mlcore.artifact.npz: one sequence of bytes for given arrays, and nothing else is let in."""

from __future__ import annotations

import contextlib
import io
import mmap
import os
import pickle
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcore.artifact import npz
from mlcore.artifact.npy import DTYPES, MAX_HEADER_BYTES
from mlcore.artifact.npz import map_npz, verify_npz_crc, write_npz
from mlcore.errors import ArtifactError, ChecksumError, ContainerError, HeaderError

Arrays = dict[str, npt.NDArray[Any]]
Bytes = dict[str, tuple[str, bytes]]  # name -> dtype and data, as they stand in the file

CSR: Bytes = {
    "indptr": ("<i8", struct.pack("<3q", 0, 1, 3)),
    "indices": ("<i4", struct.pack("<3i", 2, 0, 1)),
    "data": ("<f4", struct.pack("<3f", 0.5, 0.25, -1.5)),
}
EMPTY: Bytes = {
    "indptr": ("<i8", struct.pack("<q", 0)),
    "indices": ("<i4", b""),
    "data": ("<f4", b""),
}


def npy_text(dtype: str, length: int) -> str:
    return f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({length},), }}"


def npy_bytes(
    text: str, data: bytes, size: int = 128, magic: bytes = b"\x93NUMPY\x01\x00"
) -> bytes:
    padded = text.encode("latin-1").ljust(size - 11) + b"\n"
    return magic + struct.pack("<H", size - 10) + padded + data


@dataclass(frozen=True)
class Entry:
    """One member of an archive. By default as the profile says; each field breaks one rule."""

    name: bytes
    content: bytes
    extra: bytes | None = None
    local_fields: tuple[int, int, int, int, int] = (20, 0, 0, 0, 0x0021)
    crc: int | None = None
    stored: bytes | None = None
    local_size: int | None = None
    descriptor: bytes = b""
    central_name: bytes | None = None
    central_fields: tuple[int, int, int, int, int, int] = (0x0314, 20, 0, 0, 0, 0x0021)
    central_size: int | None = None
    central_extra: bytes = b""
    central_offset: int | None = None
    comment: bytes = b""
    attributes: int = 0o100644 << 16


def build_zip(
    entries: Sequence[Entry],
    *,
    prefix: bytes = b"",
    gap: bytes = b"",
    repeat_central: int = 1,
    end_fields: tuple[int, int] = (0, 0),
    count: int | None = None,
    comment: bytes = b"",
) -> bytes:
    """Write an archive with ``struct`` and ``zlib`` alone, from the words of the profile."""
    body, central = prefix, b""
    for entry in entries:
        crc = zlib.crc32(entry.content) if entry.crc is None else entry.crc
        stored = entry.content if entry.stored is None else entry.stored
        offset = len(body)
        pad = -(offset + 30 + len(entry.name) + 6) % 64
        extra = struct.pack("<HHH", 0xD935, 2 + pad, 64) + bytes(pad)
        extra = extra if entry.extra is None else entry.extra
        size = len(entry.content) if entry.local_size is None else entry.local_size
        packed = len(stored) if entry.local_size is None else entry.local_size
        body += struct.pack("<4s5H3I2H", b"PK\3\4", *entry.local_fields, crc, packed, size,
                            len(entry.name), len(extra))  # fmt: skip
        body += entry.name + extra + stored + entry.descriptor + gap
        size = len(entry.content) if entry.central_size is None else entry.central_size
        packed = len(stored) if entry.central_size is None else entry.central_size
        name = entry.name if entry.central_name is None else entry.central_name
        where = offset if entry.central_offset is None else entry.central_offset
        central += struct.pack("<4s6H3I5H2I", b"PK\1\2", *entry.central_fields, crc, packed, size,
                               len(name), len(entry.central_extra), len(entry.comment), 0, 0,
                               entry.attributes, where)  # fmt: skip
        central += name + entry.central_extra + entry.comment
    central *= repeat_central
    count = len(entries) * repeat_central if count is None else count
    end = struct.pack("<4s4H2IH", b"PK\5\6", *end_fields, count, count, len(central), len(body),
                      len(comment))  # fmt: skip
    return body + central + end + comment


def entries_of(arrays: Bytes, header_size: int = 128) -> list[Entry]:
    return [
        Entry(
            f"{name}.npy".encode(),
            npy_bytes(npy_text(dtype, len(data) // DTYPES[dtype]), data, header_size),
        )
        for name, (dtype, data) in arrays.items()
    ]


def specs_of(arrays: Bytes) -> dict[str, npz.ArraySpec]:
    return {name: (dtype, len(data) // DTYPES[dtype]) for name, (dtype, data) in arrays.items()}


def numpy_of(arrays: Bytes) -> Arrays:
    return {name: np.frombuffer(data, dtype) for name, (dtype, data) in arrays.items()}


def written(arrays: Arrays) -> bytes:
    sink = io.BytesIO()
    write_npz(sink, arrays)
    return sink.getvalue()


def open_and_verify(data: bytes, specs: dict[str, npz.ArraySpec]) -> Arrays:
    arrays = map_npz(data, specs, "x.npz")
    verify_npz_crc(data, specs, "x.npz")
    return arrays


def data_ranges(data: bytes) -> dict[str, range]:
    """Where the elements of each array stand in the file, by ``zipfile`` and the npy header."""
    ranges = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            name_size, extra_size = struct.unpack_from("<2H", data, info.header_offset + 26)
            start = info.header_offset + 30 + name_size + extra_size
            (header_size,) = struct.unpack_from("<H", data, start + 8)
            begin = start + 10 + header_size
            ranges[info.filename.removesuffix(".npy")] = range(begin, start + info.file_size)
    return ranges


# --- the writer


@pytest.mark.parametrize("arrays", [CSR, EMPTY, {"counts": ("<i8", b"")}], ids=["3", "0", "1x0"])
def test_the_writer_gives_the_bytes_that_struct_and_zlib_give(arrays: Bytes) -> None:
    sink = io.BytesIO()
    assert write_npz(sink, numpy_of(arrays)) == specs_of(arrays)
    assert sink.getvalue() == build_zip(entries_of(arrays))


def test_the_bytes_of_a_small_archive_stand_here() -> None:
    # The two writers could change together; these bytes are what a release has promised.
    local_header = bytes.fromhex(
        "50 4b 03 04 14 00 00 00 00 00 00 00 21 00 8c de 33 e0 90 00 00 00 90 00 00 00 0a 00 18 00"
    )
    extra = bytes.fromhex("35 d9 14 00 40 00") + bytes(18)
    npy_header = b"\x93NUMPY\x01\x00\x76\x00" + (
        b"{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }" + b" " * 60 + b"\n"
    )
    central_header = bytes.fromhex(
        "50 4b 01 02 14 03 14 00 00 00 00 00 00 00 21 00 8c de 33 e0 90 00 00 00 90 00 00 00 0a 00"
        "00 00 00 00 00 00 00 00 00 00 a4 81 00 00 00 00"
    )
    end = bytes.fromhex("50 4b 05 06 00 00 00 00 01 00 01 00 38 00 00 00 d0 00 00 00 00 00")
    assert written({"counts": np.array([3, 1], np.int64)}) == (
        local_header + b"counts.npy" + extra
        + npy_header + b"\3\0\0\0\0\0\0\0" + b"\1\0\0\0\0\0\0\0"
        + central_header + b"counts.npy" + end
    )  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [0, 1, 9, 10, 99, 100, 12_345])
def test_a_member_is_the_file_that_numpy_save_writes(dtype: str, length: int) -> None:
    array = np.arange(length).astype(dtype)
    expected = io.BytesIO()
    np.save(expected, array)
    with zipfile.ZipFile(io.BytesIO(written({"a": array}))) as archive:
        assert archive.read("a.npy") == expected.getvalue()


any_array = st.sampled_from(sorted(DTYPES)).flatmap(
    lambda dtype: st.binary(max_size=300).map(
        lambda data: (dtype, data[: len(data) // DTYPES[dtype] * DTYPES[dtype]])
    )
)
any_arrays = st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), any_array, max_size=4)


@given(any_arrays)
def test_what_is_written_reads_back_bit_for_bit(arrays: Bytes) -> None:
    data = written(numpy_of(arrays))
    assert data == build_zip(entries_of(arrays))
    mapped = open_and_verify(data, specs_of(arrays))
    assert [(name, array.dtype.str, array.tobytes()) for name, array in mapped.items()] == [
        (name, dtype, payload) for name, (dtype, payload) in arrays.items()
    ]


@given(any_arrays)
def test_numpy_and_zipfile_open_what_is_written_and_every_array_starts_at_a_multiple_of_64(
    arrays: Bytes,
) -> None:
    data = written(numpy_of(arrays))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [f"{name}.npy" for name in arrays]
        assert all(not info.extra and not info.comment for info in archive.infolist())
    with np.load(io.BytesIO(data)) as loaded:
        assert {name: (loaded[name].dtype.str, loaded[name].tobytes()) for name in loaded} == arrays
    for name, place in data_ranges(data).items():
        assert place.start % 64 == 0
        assert data[place.start : place.stop] == arrays[name][1]


def test_strided_and_big_endian_arrays_are_written_by_value() -> None:
    values = np.arange(10, dtype=np.int32)
    expected = written({"a": np.array([0, 3, 6, 9], np.int32)})
    assert written({"a": values[::3]}) == expected
    assert written({"a": values[::3].astype(">i4")}) == expected


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(2, np.float16),
        np.zeros(2, np.uint8),
        np.zeros((1, 2), np.float32),
        np.array(["a"], object),
    ],
    ids=["f2", "u1", "2-D", "object"],
)
def test_the_writer_takes_no_array_that_the_reader_would_refuse(array: npt.NDArray[Any]) -> None:
    with pytest.raises(AssertionError):
        written({"a": array})


# --- zip64


# Members: 6 * 8, 3 * 4 and 5 * 4 bytes of data, each after 128 bytes of npy header.
ZIP64_ARRAYS: Arrays = {
    "indptr": np.arange(6, dtype=np.int64),
    "indices": np.array([2, 0, 1], np.int32),
    "data": np.linspace(0, 1, 5, dtype=np.float32),
}
ZIP64_SPECS = {name: (array.dtype.str, len(array)) for name, array in ZIP64_ARRAYS.items()}
ZIP64_LIMITS = {
    1: "all sizes, all offsets but 0",
    150: "size of the 1st, offsets of the 2nd and 3rd",
    300: "offset of the 3rd",
    500: "offset of the central directory",
}


def zip64_archive(limit: int, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr(npz, "ZIP64_LIMIT", limit)
    return written(ZIP64_ARRAYS)


@pytest.mark.parametrize("limit", ZIP64_LIMITS, ids=ZIP64_LIMITS.values())
def test_an_archive_with_zip64_fields_opens_everywhere(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = zip64_archive(limit, monkeypatch)
    assert b"PK\6\6" in data and b"PK\6\7" in data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
    with np.load(io.BytesIO(data)) as loaded:
        for name, array in ZIP64_ARRAYS.items():
            np.testing.assert_array_equal(loaded[name], array)
    mapped = open_and_verify(data, ZIP64_SPECS)
    for name, array in ZIP64_ARRAYS.items():
        np.testing.assert_array_equal(mapped[name], array)
    assert [place.start % 64 for place in data_ranges(data).values()] == [0, 0, 0]


def central_headers(data: bytes) -> list[tuple[int, int, bytes]]:
    """Size and offset as the 32-bit fields have them, and the extra field, of each member."""
    found, at = [], data.index(b"PK\1\2")
    while data[at : at + 4] == b"PK\1\2":
        (size,) = struct.unpack_from("<I", data, at + 24)
        name_size, extra_size = struct.unpack_from("<2H", data, at + 28)
        (offset,) = struct.unpack_from("<I", data, at + 42)
        end = at + 46 + name_size + extra_size
        found.append((size, offset, data[end - extra_size : end]))
        at = end
    return found


def test_zip64_fields_hold_exactly_what_overflows(monkeypatch: pytest.MonkeyPatch) -> None:
    far = 0xFFFFFFFF
    data = zip64_archive(150, monkeypatch)
    first, second, third = central_headers(data)
    starts = [place.start - 128 for place in data_ranges(data).values()]
    offsets = [0, starts[0] + 176, starts[1] + 140]
    assert first == (far, 0, struct.pack("<2H2Q", 1, 16, 176, 176))
    assert second == (140, far, struct.pack("<2HQ", 1, 8, offsets[1]))
    assert third == (148, far, struct.pack("<2HQ", 1, 8, offsets[2]))
    assert struct.unpack_from("<2H2Q", data, 30 + len("indptr.npy")) == (1, 16, 176, 176)


def test_zip64_is_used_only_from_the_limit_on(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = written(ZIP64_ARRAYS)
    places = data_ranges(plain)
    directory = places["data"].stop
    monkeypatch.setattr(npz, "ZIP64_LIMIT", directory + 1)
    assert written(ZIP64_ARRAYS) == plain
    monkeypatch.setattr(npz, "ZIP64_LIMIT", directory)
    assert written(ZIP64_ARRAYS) != plain


def test_needless_zip64_fields_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        archives = [zip64_archive(limit, patch) for limit in ZIP64_LIMITS]
    for data in archives:
        with pytest.raises(ContainerError):
            map_npz(data, ZIP64_SPECS, "x.npz")


def test_a_size_that_no_file_can_have_is_refused_without_allocating() -> None:
    name = b"a.npy"
    for size in (0xFFFFFFFF, 2**40, 2**63, 2**64 - 1):
        zip64 = struct.pack("<2H2Q", 1, 16, size, size)
        pad = -(30 + len(name) + len(zip64) + 6) % 64
        extra = zip64 + struct.pack("<3H", 0xD935, 2 + pad, 64) + bytes(pad)
        local = struct.pack("<4s5H3I2H", b"PK\3\4", 45, 0, 0, 0, 0x21, 0, 0xFFFFFFFF, 0xFFFFFFFF,
                            len(name), len(extra))  # fmt: skip
        data = local + name + extra + npy_bytes(npy_text("<f4", size // 4), b"")
        with pytest.raises(ContainerError, match=f"expected {size} bytes of a.npy, got fewer"):
            map_npz(data, {"a": ("<f4", size // 4)}, "x.npz")
        for end in range(len(local), len(data)):
            with pytest.raises(ContainerError):
                map_npz(data[:end], {"a": ("<f4", size // 4)}, "x.npz")


# --- other programs


def unpack_all(command: Sequence[str], data: bytes, folder: Path) -> None:
    path = folder / "model.npz"
    path.write_bytes(data)
    subprocess.run([*command, os.fspath(path)], cwd=folder, check=True, capture_output=True)


def assert_unpacked(folder: Path) -> None:
    for name, array in ZIP64_ARRAYS.items():
        loaded = np.load(folder / f"{name}.npy")
        np.testing.assert_array_equal(loaded, array)


@pytest.mark.unzip
@pytest.mark.parametrize(
    "limit", [0xFFFFFFFF, *ZIP64_LIMITS], ids=["plain", *ZIP64_LIMITS.values()]
)
def test_unzip_tests_and_unpacks_what_is_written(
    limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = zip64_archive(limit, monkeypatch)
    unpack_all(["unzip", "-tqq"], data, tmp_path)
    unpack_all(["unzip", "-qq"], data, tmp_path)
    assert_unpacked(tmp_path)


@pytest.mark.jdk
@pytest.mark.parametrize("limit", [0xFFFFFFFF, 1], ids=["plain", "zip64"])
def test_jar_unpacks_what_is_written(
    limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpack_all(["jar", "xf"], zip64_archive(limit, monkeypatch), tmp_path)
    assert_unpacked(tmp_path)


# --- the reader: what it gives


def test_arrays_are_read_only_views_of_the_bytes() -> None:
    data = build_zip(entries_of(CSR))
    whole = np.frombuffer(data, np.uint8)
    for array in open_and_verify(data, specs_of(CSR)).values():
        assert np.shares_memory(array, whole)
        assert not array.flags.writeable
        assert not array.flags.owndata


def test_a_writable_buffer_gives_arrays_that_look_into_it() -> None:
    data = build_zip(entries_of(CSR))
    buffer = bytearray(data)
    array = map_npz(buffer, specs_of(CSR), "x.npz")["data"]
    buffer[data_ranges(data)["data"].start + 3] ^= 0x80  # the sign of the first float
    assert array[0] == -0.5


def test_a_mapped_file_gives_aligned_arrays(tmp_path: Path) -> None:
    path = tmp_path / "x.npz"
    path.write_bytes(build_zip(entries_of(CSR)))
    with open(path, "rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    arrays = open_and_verify(mapped, specs_of(CSR))  # type: ignore[arg-type]
    assert [array.ctypes.data % 64 for array in arrays.values()] == [0, 0, 0]
    assert [array.tobytes() for array in arrays.values()] == [data for _, data in CSR.values()]


@pytest.mark.parametrize("size", range(128, MAX_HEADER_BYTES + 1, 64))
def test_an_npy_header_may_be_padded_further_and_nothing_else_may_vary(size: int) -> None:
    data = build_zip(entries_of(CSR, size))
    arrays = open_and_verify(data, specs_of(CSR))
    assert [array.tobytes() for array in arrays.values()] == [data for _, data in CSR.values()]
    assert (data == written(numpy_of(CSR))) == (size == 128)
    assert [place.start % 64 for place in data_ranges(data).values()] == [0, 0, 0]


# --- the reader: what it refuses


def refusal(data: bytes | bytearray, specs: dict[str, npz.ArraySpec]) -> type[ArtifactError] | None:
    """The class of the error; anything but an ArtifactError goes through and fails the test."""
    try:
        map_npz(data, specs, "x.npz")
    except ArtifactError as error:
        assert type(error) in (ContainerError, HeaderError)
        assert str(error).startswith("x.npz: ") and "\n" not in str(error)
        return type(error)
    return None


def archives_to_break(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, Bytes]]:
    with monkeypatch.context() as patch:
        patch.setattr(npz, "ZIP64_LIMIT", 150)
        zip64 = written(numpy_of(CSR))
    return [(build_zip(entries_of(CSR)), CSR), (build_zip(entries_of(EMPTY)), EMPTY), (zip64, CSR)]


@pytest.mark.parametrize("which", [0, 1, 2], ids=["plain", "empty arrays", "zip64"])
def test_no_bit_outside_the_array_data_can_change_unnoticed(
    which: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, arrays = archives_to_break(monkeypatch)[which]
    if which == 2:
        monkeypatch.setattr(npz, "ZIP64_LIMIT", 150)
    specs = specs_of(arrays)
    ranges = data_ranges(data).values()
    payload = {position for place in ranges for position in place}
    npy_headers = {
        position for place in ranges for position in range(place.start - 128, place.start)
    }
    assert refusal(data, specs) is None
    for position in range(len(data)):
        for mask in (1, 2, 4, 8, 16, 32, 64, 128, 255):
            broken = bytearray(data)
            broken[position] ^= mask
            expected = HeaderError if position in npy_headers else ContainerError
            where = f"byte {position} ^ {mask}"
            if position in payload:
                assert refusal(broken, specs) is None, where
                with pytest.raises(ChecksumError):
                    verify_npz_crc(broken, specs, "x.npz")
            else:
                assert refusal(broken, specs) is expected, where


@pytest.mark.parametrize("which", [0, 1, 2], ids=["plain", "empty arrays", "zip64"])
def test_no_truncated_archive_is_let_in(which: int, monkeypatch: pytest.MonkeyPatch) -> None:
    data, arrays = archives_to_break(monkeypatch)[which]
    if which == 2:
        monkeypatch.setattr(npz, "ZIP64_LIMIT", 150)
    for size in range(len(data)):
        assert refusal(data[:size], specs_of(arrays)) is ContainerError, size
        assert refusal(data[size + 1 :], specs_of(arrays)) is ContainerError, size


@pytest.mark.parametrize("more", [b"\0", b"\n", b"PK\5\6" + bytes(18), None])
def test_nothing_may_follow_the_archive(more: bytes | None) -> None:
    data = build_zip(entries_of(CSR))
    assert refusal(data + (data if more is None else more), specs_of(CSR)) is ContainerError


def test_random_damage_is_refused_or_stays_within_the_array_data() -> None:
    rng = np.random.default_rng(2026)
    data, specs = build_zip(entries_of(CSR)), specs_of(CSR)
    payload = {position for place in data_ranges(data).values() for position in place}
    refused = 0
    for _ in range(3_000):
        broken = bytearray(data)
        begin, end = np.sort(rng.integers(0, len(data) + 1, 2)).tolist()
        kind = rng.integers(4)
        if kind == 0:
            broken[begin:end] = b""
        elif kind == 1:
            broken[begin:begin] = rng.bytes(int(rng.integers(1, 80)))
        elif kind == 2:
            broken[begin:end] = rng.bytes(end - begin)
        else:
            broken[begin:begin] = data[begin:end]
        if refusal(broken, specs) is None:
            assert len(broken) == len(data)
            assert all(broken[i] == data[i] for i in range(len(data)) if i not in payload)
        else:
            refused += 1
    assert refused > 2_900


def changed(place: int, **fields: Any) -> list[Entry]:
    entries = entries_of(CSR)
    entries[place] = replace(entries[place], **fields)
    return entries


def deflated(content: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(content) + compressor.flush()


def with_numpy(save: Callable[..., None]) -> bytes:
    sink = io.BytesIO()
    save(sink, **numpy_of(CSR))
    return sink.getvalue()


def bad_archives() -> dict[str, bytes]:
    good = entries_of(CSR)
    indices = good[1]
    descriptor = struct.pack("<4s3I", b"PK\7\x08", zlib.crc32(good[1].content), 140, 140)
    archives = {
        "numpy.savez": with_numpy(np.savez),
        "numpy.savez_compressed": with_numpy(np.savez_compressed),
        "deflated": build_zip(
            changed(1, stored=deflated(indices.content), local_fields=(20, 0, 8, 0, 0x21),
                    central_fields=(0x0314, 20, 0, 8, 0, 0x21))
        ),
        "deflated in the central directory only": build_zip(
            changed(1, central_fields=(0x0314, 20, 0, 8, 0, 0x21))
        ),
        "reordered": build_zip([good[1], good[0], good[2]]),
        "reordered central directory": build_zip(good)[: data_ranges(build_zip(good))["data"].stop]
        + build_zip([good[2], good[1], good[0]])[-(3 * 46 + 30 + 2 + 22) :],
        "member twice": build_zip([*good, good[2]]),
        "member twice, the first one ours": build_zip([good[0], good[0], good[1], good[2]]),
        "one local header, two central ones": build_zip(good, repeat_central=2),
        "missing member": build_zip(good[:2]),
        "no member": build_zip([]),
        "extra member": build_zip([*good, Entry(b"readme.txt", b"hello")]),
        "renamed": build_zip(changed(1, name=b"columns.npy")),
        "name in capitals": build_zip(changed(1, name=b"INDICES.NPY")),
        "name without .npy": build_zip(changed(1, name=b"indices")),
        "name that climbs": build_zip(changed(1, name=b"../indices.npy")),
        "name with backslash": build_zip(changed(1, name=b"a\\indices.npy")),
        "name with NUL": build_zip(changed(1, name=b"indices.npy\0")),
        "name flagged as UTF-8": build_zip(
            changed(1, local_fields=(20, 0x800, 0, 0, 0x21),
                    central_fields=(0x0314, 20, 0x800, 0, 0, 0x21))
        ),
        "other name in the central directory": build_zip(changed(1, central_name=b"columns.npy")),
        "other size in the central directory": build_zip(changed(1, central_size=139)),
        "other size in the local header": build_zip(changed(1, local_size=139)),
        "sizes 0 in the local header": build_zip(changed(1, local_size=0)),
        "central entries that overlap": build_zip(changed(1, central_offset=0)),
        "encrypted": build_zip(
            changed(1, local_fields=(20, 1, 0, 0, 0x21), central_fields=(0x0314, 20, 1, 0, 0, 0x21))
        ),
        "data descriptor": build_zip(
            changed(1, local_fields=(20, 8, 0, 0, 0x21), local_size=0, descriptor=descriptor,
                    central_fields=(0x0314, 20, 8, 0, 0, 0x21))
        ),
        "data descriptor without the flag": build_zip(changed(1, descriptor=descriptor)),
        "gap between members": build_zip(good, gap=bytes(64)),
        "data before the archive": build_zip(good, prefix=bytes(64)),
        "archive comment": build_zip(good, comment=b"hello"),
        "member comment": build_zip(changed(1, comment=b"hello")),
        "count that wraps": build_zip(good, count=3 + 1),
        "count 0": build_zip(good, count=0),
        "several disks": build_zip(good, end_fields=(1, 1)),
        "no extra field": build_zip(changed(1, extra=b"")),
        "raw zeros as padding": build_zip(changed(1, extra=bytes(23))),
        "aligned to 4": build_zip(changed(1, extra=struct.pack("<3H", 0xD935, 2, 4))),
        "aligned with more padding": build_zip(
            changed(0, extra=struct.pack("<3H", 0xD935, 2 + 82, 64) + bytes(82))
        ),
        "padding that is not zero": build_zip(
            changed(0, extra=struct.pack("<3H", 0xD935, 2 + 18, 64) + b"\1" * 18)
        ),
        "timestamp": build_zip(
            changed(1, local_fields=(20, 0, 0, 0x6000, 0x5D21),
                    central_fields=(0x0314, 20, 0, 0, 0x6000, 0x5D21))
        ),
        "made on Windows": build_zip(changed(1, central_fields=(0x0014, 20, 0, 0, 0, 0x21))),
        "executable": build_zip(changed(1, attributes=0o100755 << 16)),
        "version 4.5 without need": build_zip(
            changed(1, local_fields=(45, 0, 0, 0, 0x21),
                    central_fields=(0x032D, 45, 0, 0, 0, 0x21))
        ),
        "zip64 offset without its field": build_zip(changed(1, central_offset=0xFFFFFFFF)),
        "zip64 offset that is huge": build_zip(
            changed(1, central_offset=0xFFFFFFFF,
                    central_extra=struct.pack("<2HQ", 1, 8, 2**63))
        ),
        "zip64 size without its field": build_zip(changed(1, local_size=0xFFFFFFFF)),
        "end record alone": build_zip(good)[-22:],
        "not a zip": b"\x93NUMPY\x01\x00" + bytes(500),
        "a single npy": good[0].content,
        "zeros": bytes(1_000),
        "empty": b"",
    }  # fmt: skip
    return archives


@pytest.mark.parametrize("name", bad_archives())
def test_an_archive_that_breaks_the_profile_is_refused(name: str) -> None:
    data = bad_archives()[name]
    assert refusal(data, specs_of(CSR)) is ContainerError


def test_what_breaks_the_profile_would_else_be_readable() -> None:
    # That the cases above are near misses, not noise: numpy reads most of them.
    readable = []
    for name, data in bad_archives().items():
        with contextlib.suppress(Exception):  # of many kinds, which are numpy's affair
            with np.load(io.BytesIO(data)) as loaded:
                if all(np.array_equal(loaded[key], array) for key, array in numpy_of(CSR).items()):
                    readable.append(name)
    assert len(readable) >= 18, readable


@pytest.mark.parametrize("crc", [0, 0x12345678])
def test_a_wrong_crc_in_both_headers_is_found_by_verifying(crc: int) -> None:
    data = build_zip(changed(1, crc=crc))
    map_npz(data, specs_of(CSR), "x.npz")
    right = zlib.crc32(entries_of(CSR)[1].content)
    message = f"x.npz: indices.npy: expected CRC-32 {crc:08x}, got {right:08x}"
    with pytest.raises(ChecksumError, match=f"^{message}$"):
        verify_npz_crc(data, specs_of(CSR), "x.npz")


DATA = CSR["indices"][1]
BAD_MEMBERS = {
    "bad magic": npy_bytes(npy_text("<i4", 3), DATA, magic=b"\x93NUMPZ\x01\x00"),
    "version 0.0": npy_bytes(npy_text("<i4", 3), DATA, magic=b"\x93NUMPY\x00\x00"),
    "version 1.1": npy_bytes(npy_text("<i4", 3), DATA, magic=b"\x93NUMPY\x01\x01"),
    "version 2.0": b"\x93NUMPY\x02\x00"
    + struct.pack("<I", 116)
    + (npy_text("<i4", 3).ljust(115) + "\n").encode()
    + DATA,
    "version 3.0": b"\x93NUMPY\x03\x00"
    + struct.pack("<I", 116)
    + (npy_text("<i4", 3).ljust(115) + "\n").encode()
    + DATA,
    "header length 0": b"\x93NUMPY\x01\x00\x00\x00" + bytes(130),
    "header length 54, aligned but too short for the text": npy_bytes("", DATA, 64),
    "header length 65535": b"\x93NUMPY\x01\x00\xff\xff" + npy_bytes(npy_text("<i4", 3), DATA)[10:],
    "header longer than the member": npy_bytes(npy_text("<i4", 3), b"", 192)[:140],
    "header longer than allowed": npy_bytes(npy_text("<i4", 3), DATA, MAX_HEADER_BYTES + 64),
    "header aligned to 16": npy_bytes(npy_text("<i4", 3), DATA, 80),
    "no line break": npy_bytes(npy_text("<i4", 3), DATA).replace(b" \n", b"  "),
    "line break too early": npy_bytes(npy_text("<i4", 3) + "\n", DATA),
    "tabs as padding": npy_bytes(npy_text("<i4", 3) + "\t", DATA),
    "text in the padding": npy_bytes(npy_text("<i4", 3) + "  # hello", DATA),
    "space in front": npy_bytes(" " + npy_text("<i4", 3), DATA),
    "no trailing comma": npy_bytes("{'descr': '<i4', 'fortran_order': False, 'shape': (3,)}", DATA),
    "other key order": npy_bytes("{'fortran_order': False, 'descr': '<i4', 'shape': (3,), }", DATA),
    "key twice": npy_bytes(
        "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), 'shape': (3,), }", DATA
    ),
    "extra key": npy_bytes(
        "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), 'x': 1, }", DATA
    ),
    "double quotes": npy_bytes(npy_text("<i4", 3).replace("'", '"'), DATA),
    "hexadecimal length": npy_bytes(npy_text("<i4", 3).replace("(3,)", "(0x3,)"), DATA),
    "long suffix": npy_bytes(npy_text("<i4", 3).replace("(3,)", "(3L,)"), DATA),
    "underscore": npy_bytes(npy_text("<i4", 3).replace("(3,)", "(0_3,)"), DATA),
    "boolean length": npy_bytes(npy_text("<i4", 3).replace("(3,)", "(True,)"), DATA),
    "negative length": npy_bytes(npy_text("<i4", -3), DATA),
    "leading zero": npy_bytes(npy_text("<i4", 3).replace("(3,)", "(03,)"), DATA),
    "foreign digits": npy_bytes(npy_text("<i4", 3).replace("(3,)", "(\xb3,)"), DATA),
    "length that overflows": npy_bytes(npy_text("<i4", 2**64 + 3), DATA),
    "length whose bytes overflow": npy_bytes(npy_text("<i4", 2**62 + 3), DATA),
    "huge length": npy_bytes(npy_text("<i4", 10**15), DATA),
    "zero times huge": npy_bytes(
        npy_text("<i4", 3).replace("(3,)", "(0, 1152921504606846976)"), DATA
    ),
    "one element less": npy_bytes(npy_text("<i4", 2), DATA),
    "one element more": npy_bytes(npy_text("<i4", 4), DATA),
    "0-d": npy_bytes(npy_text("<i4", 3).replace("(3,)", "()"), DATA[:4]),
    "2-D": npy_bytes(npy_text("<i4", 3).replace("(3,)", "(3, 1)"), DATA),
    "fortran order": npy_bytes(npy_text("<i4", 3).replace("False", "True"), DATA),
    "big-endian": npy_bytes(npy_text(">i4", 3), DATA),
    "native order": npy_bytes(npy_text("=i4", 3), DATA),
    "bare type": npy_bytes(npy_text("i4", 3), DATA),
    "alias": npy_bytes(npy_text("int32", 3), DATA),
    "allowed type, but of another array": npy_bytes(npy_text("<f4", 3), DATA),
    "unsigned": npy_bytes(npy_text("<u4", 3), DATA),
    "double": npy_bytes(npy_text("<f8", 3), DATA + DATA),
    "bytes": npy_bytes(npy_text("|u1", 12), DATA),
    "object": npy_bytes(npy_text("|O", 3), DATA),
    "structured": npy_bytes(npy_text("<i4", 3).replace("'<i4'", "[('a', '<i4')]"), DATA),
    "quote in the type": npy_bytes(npy_text("<i4\\'", 3), DATA),
    "data cut": npy_bytes(npy_text("<i4", 3), DATA[:-1]),
    "data cut by an element": npy_bytes(npy_text("<i4", 3), DATA[:-4]),
    "bytes after the data": npy_bytes(npy_text("<i4", 3), DATA + b"\0"),
    "an element after the data": npy_bytes(npy_text("<i4", 3), DATA + bytes(4)),
    "no data": npy_bytes(npy_text("<i4", 3), b""),
    "header cut": npy_bytes(npy_text("<i4", 3), b"")[:127],
    "magic alone": b"\x93NUMPY\x01\x00",
    "magic and half a length": b"\x93NUMPY\x01\x00\x76",
    "empty": b"",
    "text": b"hello",
}


@pytest.mark.parametrize("name", BAD_MEMBERS)
def test_a_member_that_is_not_the_expected_array_is_refused(name: str) -> None:
    data = build_zip(changed(1, content=BAD_MEMBERS[name]))
    assert refusal(data, specs_of(CSR)) is HeaderError


@pytest.mark.parametrize("length", [0, 2, 4, 2**31, 2**53, 2**62 + 3, 2**64 + 3, 10**16])
def test_a_manifest_that_agrees_with_a_wrong_header_does_not_help(length: int) -> None:
    content = npy_bytes(npy_text("<i4", length), DATA)
    data = build_zip([Entry(b"a.npy", content)])
    assert refusal(data, {"a": ("<i4", length)}) is HeaderError


class TouchesWhenUnpickled:
    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (os.fspath(self.canary),)


def test_a_pickle_in_an_object_array_is_refused_and_never_run(tmp_path: Path) -> None:
    canary = tmp_path / "canary"
    array = np.array([TouchesWhenUnpickled(canary)], object)
    text = "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    data = build_zip([Entry(b"a.npy", npy_bytes(text, pickle.dumps(array, protocol=2)))])
    for spec in (("|O", 1), ("<i4", 1)):
        assert refusal(data, {"a": spec}) is HeaderError
    assert not canary.exists()
    with np.load(io.BytesIO(data), allow_pickle=True) as loaded:
        assert loaded["a"].shape == (1,)
    assert canary.exists()  # the payload works, so not running it was to our credit


def test_other_names_in_the_manifest_are_refused() -> None:
    data = build_zip(entries_of(CSR))
    for names in (["indptr"], ["indptr", "indices"], ["data", "indices", "indptr"], ["x"], []):
        specs = {name: specs_of(CSR).get(name, ("<i4", 3)) for name in names}
        assert refusal(data, specs) is ContainerError


@settings(max_examples=50)
@given(any_arrays, st.integers(min_value=0))
def test_any_archive_with_one_flipped_bit_is_refused_or_fails_its_crc(
    arrays: Bytes, bit: int
) -> None:
    data = bytearray(build_zip(entries_of(arrays)))
    position = bit // 8 % len(data)
    data[position] ^= 1 << bit % 8
    with pytest.raises((ContainerError, HeaderError, ChecksumError)):
        open_and_verify(bytes(data), specs_of(arrays))
