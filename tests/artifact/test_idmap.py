"""mlcore.artifact.idmap: any list of valid ids comes back, and no other byte is let in."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlcore.artifact import idmap
from mlcore.artifact.idmap import format_id_map, parse_id_map
from mlcore.errors import IdMapError
from mlcore.ids import MAX_ID_BYTES, id_fault

# Ids that some reader or other is known to change, drop, or confuse.
NASTY_IDS = [
    "007", "7", "7.0", "1e5", "0x10", "-0", "NaN", "NA", "null", "None", "true", "inf",
    "__proto__", "constructor", "index,id", "index", "id", "a,b", ",", ",,", '"', '""', 'a"b', '",',
    ' "a"', " a", "a ", " ", "\t", "'", "''", "#", ";", "=1+1", "\\", "\\n", "\u00e9", "e\u0301",
    "\ufeff", "\ufeffa", "\u200b", "\u2028", "\u0085", "\x0b", "\x0c", "\x1c", "\x7f", "\x01",
    "\U0001f600", "\uff5e", "\ufffd", "\uffff", "\U0010ffff", "\u0130", "\u212a", "K", "x" * 1000,
    "x" * MAX_ID_BYTES, "\u00e9" * (MAX_ID_BYTES // 2),
]  # fmt: skip

ids_without_fault = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\n"), min_size=1, max_size=20
)
any_ids = st.sets(ids_without_fault | st.sampled_from(NASTY_IDS), max_size=20).map(
    lambda ids: sorted(ids, key=lambda id_: id_.encode())
)


@given(any_ids)
@example(sorted(NASTY_IDS, key=lambda id_: id_.encode()))
def test_ids_come_back_as_they_were(ids: list[str]) -> None:
    assert list(parse_id_map(format_id_map(ids), len(ids), "items.csv")) == ids


@given(any_ids)
@example(sorted(NASTY_IDS[:-2], key=lambda id_: id_.encode()))  # csv reads no field that long
def test_the_csv_module_reads_the_same_ids(ids: list[str]) -> None:
    text = format_id_map(ids).decode()
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert rows == [["index", "id"], *([str(index), id_] for index, id_ in enumerate(ids))]


def test_the_bytes_of_a_small_map_stand_here() -> None:
    ids = ["\t", ' "', "007", "a", "a,b", 'a"b', "\u00e9", "\uff5e", "\U0001f600"]
    assert format_id_map(ids) == (
        b'index,id\n0,\t\n1," """\n2,007\n3,a\n4,"a,b"\n5,"a""b"\n'
        b"6,\xc3\xa9\n7,\xef\xbd\x9e\n8,\xf0\x9f\x98\x80\n"
    )
    assert format_id_map([]) == b"index,id\n"


def test_order_is_that_of_utf_8_which_utf_16_would_reverse() -> None:
    # U+FF5E is one unit 0xFF5E in UTF-16, and U+1F600 two that begin with 0xD83D.
    assert "\uff5e" < "\U0001f600"
    assert "\uff5e".encode("utf-16-be") > "\U0001f600".encode("utf-16-be")
    data = format_id_map(["\uff5e", "\U0001f600"])
    assert list(parse_id_map(data, 2, "items.csv")) == ["\uff5e", "\U0001f600"]
    with pytest.raises(IdMapError, match="in UTF-8 byte order"):
        parse_id_map(format_id_map(["\U0001f600", "\uff5e"]), 2, "items.csv")


HEADER = b"index,id\n"
# name: bytes of a map of two ids with one fault, line of the fault (None: of the whole file)
FAULTS: dict[str, tuple[bytes, int | None]] = {
    "empty": (b"", 1),
    "bom": (b"\xef\xbb\xbfindex,id\n0,a\n1,b\n", 1),
    "crlf": (b"index,id\r\n0,a\r\n1,b\r\n", 1),
    "crlf-in-one-record": (HEADER + b"0,a\r\n1,b\n", 2),
    "lone-cr": (HEADER + b"0,a\r1,b\n", None),
    "lone-cr-in-id": (HEADER + b"0,a\rz\n1,b\n", 2),
    "no-final-lf": (HEADER + b"0,a\n1,b", None),
    "bytes-after-the-last-lf": (HEADER + b"0,a\n1,b\n2", None),
    "no-final-lf-after-header": (b"index,id", 1),
    "blank-line": (HEADER + b"0,a\n\n1,b\n", None),
    "blank-line-in-place-of-a-record": (HEADER + b"0,a\n\n", 3),
    "blank-line-at-end": (HEADER + b"0,a\n1,b\n\n", None),
    "blank-line-first": (b"\nindex,id\n0,a\n1,b\n", 1),
    "missing-header": (b"0,a\n1,b\n", 1),
    "header-case": (b"Index,Id\n0,a\n1,b\n", 1),
    "header-quoted": (b'"index","id"\n0,a\n1,b\n', 1),
    "header-spaces": (b"index, id\n0,a\n1,b\n", 1),
    "header-third-column": (b"index,id,name\n0,a\n1,b\n", 1),
    "header-swapped": (b"id,index\na,0\nb,1\n", 1),
    "comment": (b"# ids\nindex,id\n0,a\n1,b\n", 1),
    "semicolons": (b"index;id\n0;a\n1;b\n", 1),
    "1-field": (HEADER + b"0\n1,b\n", 2),
    "3-fields": (HEADER + b"0,a,x\n1,b\n", 2),
    "3-fields-the-last-empty": (HEADER + b"0,a,\n1,b\n", 2),
    "index-gap": (HEADER + b"0,a\n2,b\n", 3),
    "index-dup": (HEADER + b"0,a\n0,b\n", 3),
    "index-order": (HEADER + b"1,a\n0,b\n", 2),
    "index-from-1": (HEADER + b"1,a\n2,b\n", 2),
    "index-leading-zero": (HEADER + b"00,a\n1,b\n", 2),
    "index-sign": (HEADER + b"+0,a\n1,b\n", 2),
    "index-space": (HEADER + b" 0,a\n1,b\n", 2),
    "index-space-after": (HEADER + b"0 ,a\n1,b\n", 2),
    "index-quoted": (HEADER + b'"0",a\n1,b\n', 2),
    "index-float": (HEADER + b"0.0,a\n1,b\n", 2),
    "index-foreign-digit": (HEADER + b"0,a\n\xd9\xa1,b\n", 3),
    "id-dup": (HEADER + b"0,a\n1,a\n", 3),
    "id-order": (HEADER + b"0,b\n1,a\n", 3),
    "id-order-ignoring-case": (HEADER + b"0,a\n1,B\n", 3),
    "id-empty": (HEADER + b"0,\n1,b\n", 2),
    "id-empty-quoted": (HEADER + b'0,""\n1,b\n', 2),
    "id-too-long": (HEADER + b"0,a\n1," + b"b" * (MAX_ID_BYTES + 1) + b"\n", 3),
    "id-too-long-in-bytes": (
        HEADER + b"0,a\n1," + b"\xc3\xa9" * (MAX_ID_BYTES // 2 + 1) + b"\n",
        3,
    ),
    "bare-quote": (HEADER + b'0,a"b\n1,b\n', 2),
    "bare-quote-doubled": (HEADER + b'0,a""b\n1,b\n', 2),
    "needless-quotes": (HEADER + b'0,"a"\n1,b\n', 2),
    "comma-without-quotes": (HEADER + b"0,a,b\n1,b\n", 2),
    "quote-not-doubled": (HEADER + b'0,"a"b"\n1,b\n', 2),
    "text-after-quote": (HEADER + b'0,"a,"b\n1,b\n', 2),
    "space-after-quote": (HEADER + b'0,"a,b" \n1,b\n', 2),
    "space-before-quote": (HEADER + b'0, "a,b"\n1,b\n', 2),
    "unterminated-quote": (HEADER + b'0,"a,\n1,b\n', 2),
    "unterminated-quote-doubled": (HEADER + b'0,"a,""\n1,b\n', 2),
    "single-quote-character": (HEADER + b'0,"\n1,b\n', 2),
    "three-quotes": (HEADER + b'0,"""\n1,b\n', 2),
    "embedded-lf": (HEADER + b'0,"a\nb"\n1,b\n', None),
    "embedded-lf-as-many-lines": (HEADER + b'0,"a,\nb"\n', 2),
    "nul": (HEADER + b"0,a\0\n1,b\n", 2),
    "nul-in-quotes": (HEADER + b'0,"a,\0"\n1,b\n', 2),
    "invalid-utf8": (HEADER + b"0,a\n1,\xff\n", 3),
    "truncated-utf8": (HEADER + b"0,a\n1,\xc3\n", 3),
    "latin-1": (HEADER + b"0,a\n1,caf\xe9\n", 3),
    "overlong-utf8": (HEADER + b"0,\xc1\xa1\n1,b\n", 2),
    "overlong-nul": (HEADER + b"0,a\xc0\x80\n1,b\n", 2),
    "surrogate": (HEADER + b"0,a\n1,\xed\xa0\x80\n", 3),
    "beyond-unicode": (HEADER + b"0,a\n1,\xf4\x90\x80\x80\n", 3),
    "utf-16": ("index,id\n0,a\n1,b\n".encode("utf-16"), 1),
    "one-id-less": (HEADER + b"0,a\n", None),
    "one-id-more": (HEADER + b"0,a\n1,b\n2,c\n", None),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_map_with_one_fault_is_refused_with_its_line(name: str) -> None:
    data, line = FAULTS[name]
    with pytest.raises(IdMapError) as caught:
        parse_id_map(data, 2, "items.csv")
    message = str(caught.value)
    place = "items.csv: " if line is None else f"items.csv:{line}: "
    assert message.startswith(place)
    assert re.search(r"expected .*, got ", message)
    assert "\n" not in message and "\r" not in message and "\0" not in message
    assert len(message) < 250
    assert caught.value.verdict == "idmap"


def test_the_map_that_the_faults_are_made_from_is_fine() -> None:
    assert list(parse_id_map(HEADER + b"0,a\n1,b\n", 2, "items.csv")) == ["a", "b"]


@given(any_ids, st.integers(min_value=0), st.binary(max_size=3))
def test_any_other_bytes_are_refused_or_stand_for_other_ids(
    ids: list[str], place: int, splice: bytes
) -> None:
    # One list of ids has one file: bytes that differ are an error, or another list.
    good = format_id_map(ids)
    place %= len(good)
    data = good[:place] + splice + good[place + 1 :]
    try:
        found = list(parse_id_map(data, len(ids), "items.csv"))
    except IdMapError:
        return
    assert format_id_map(found) == data
    assert all(id_fault(id_) is None for id_ in found)
    assert [id_.encode() for id_ in found] == sorted({id_.encode() for id_ in found})


@pytest.mark.parametrize("count", [0, 1, 3, 2**31])
def test_the_number_of_ids_must_be_the_one_of_the_manifest(count: int) -> None:
    message = f"items.csv: expected {count} ids as in the manifest, got 2"
    with pytest.raises(IdMapError, match=f"^{re.escape(message)}$"):
        parse_id_map(HEADER + b"0,a\n1,b\n", count, "items.csv")


@given(any_ids, st.integers(min_value=0), st.binary(max_size=3), st.integers(-1, 1))
@example([f"item {n:03d}" for n in range(120)], 0, b"i", 0)
def test_the_way_without_quotes_finds_what_the_one_by_lines_finds(
    ids: list[str], place: int, splice: bytes, more: int
) -> None:
    good = format_id_map(ids)
    place %= len(good)
    count = max(len(ids) + more, 0)
    for data in (good, good[:place] + splice + good[place + 1 :]):
        plain = idmap._parse_plain(data, count)
        try:
            expected: list[str] | None = idmap._parse_lines(data, count, "items.csv")
        except IdMapError:
            expected = None
        if expected is None or b'"' in data:
            assert plain is None
        else:
            assert plain is not None
            assert (
                list(plain) == list(plain[:]) == [plain[k] for k in range(len(plain))] == expected
            )


def test_ids_with_long_common_beginnings_are_compared_to_their_ends() -> None:
    for stem in ("x" * 7, "x" * 8, "x" * 9, "x" * 16, "http://a.example/" * 5):
        fine = [stem, stem + "\x01", stem + "\x7f", stem + "\u00e9", stem + "\U0001f600"]
        for ids in (fine, fine[1:], fine[::2]):
            assert idmap._parse_plain(format_id_map(ids), len(ids)) is not None
        for wrong in (fine[::-1], [stem, stem], [*fine, fine[-1]], [stem + "b", stem]):
            assert idmap._parse_plain(format_id_map(wrong), len(wrong)) is None


def test_spans_of_ids_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ids = sorted(f"item {n}" for n in range(130))
    good = format_id_map(ids)
    wrong = format_id_map(ids[:64] + ids[65:66] + ids[64:65] + ids[66:])
    for span in (1, 2, 5, 64, 65, 66, 129, 130):
        monkeypatch.setattr(idmap, "_BLOCK_IDS", span)
        assert list(idmap._parse_plain(good, 130) or []) == ids
        assert idmap._parse_plain(wrong, 130) is None
        assert idmap._parse_plain(good.replace(b"\n101,", b"\n102,"), 130) is None
