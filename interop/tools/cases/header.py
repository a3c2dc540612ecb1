"""Section 6: ``.npy`` headers that must be refused. All break the array data of similarity.npz."""

from __future__ import annotations

import struct

from interop.tools.archive import MAGIC, header_text, npy_header
from interop.tools.draft import Draft, Model
from interop.tools.registry import GOOD, invalid

# What the header says where nothing is wrong with it.
TEXT = "{'descr': '<f4', 'fortran_order': False, 'shape': (5,), }"


def retext(draft: Draft, text: str, size: int = 128) -> None:
    """Give the member another header text."""
    member = draft.member("data")
    assert member.header == npy_header(TEXT), "the good model has changed"
    member.header = npy_header(text, size)


def reshape(draft: Draft, dimension: str) -> None:
    """Give the member another shape."""
    retext(draft, TEXT.replace("(5,)", dimension))


def redescribe(draft: Draft, descr: str) -> None:
    """Give the member another description of its type."""
    retext(draft, TEXT.replace("'<f4'", descr))


# --- [NPY-1], [NPY-2]: magic and length ----------------------------------------------------------


@invalid("NPY-1", "header")
def npy_bad_magic(draft: Draft) -> None:
    """The magic string is another one."""
    member = draft.member("data")
    member.header = member.header.replace(b"NUMPY", b"NUMPI")


@invalid("NPY-1", "header")
def npy_version_1_1(draft: Draft) -> None:
    """Version 1.1, which does not exist."""
    draft.member("data").header = npy_header(TEXT, magic=b"\x93NUMPY\1\1")


@invalid("NPY-1", "header", flags="numpy-accepts")
def npy_version_2_0(draft: Draft) -> None:
    """Version 2.0, whose length is a u32."""
    text = TEXT.encode().ljust(115) + b"\n"
    draft.member("data").header = b"\x93NUMPY\2\0" + struct.pack("<I", len(text)) + text


@invalid("NPY-1", "header", flags="numpy-accepts")
def npy_version_3_0(draft: Draft) -> None:
    """Version 3.0, whose text is UTF-8."""
    text = TEXT.encode().ljust(115) + b"\n"
    draft.member("data").header = b"\x93NUMPY\3\0" + struct.pack("<I", len(text)) + text


@invalid("NPY-1 STG-2", "header")
def npy_version_2_0_of_4_gib(draft: Draft) -> None:
    """Version 2.0 with a header of 4 GiB, which a reader must not allocate."""
    text = TEXT.encode().ljust(115) + b"\n"
    draft.member("data").header = b"\x93NUMPY\2\0" + struct.pack("<I", 0xFFFFFFF4) + text


@invalid("NPY-1", "header")
def npy_empty(draft: Draft) -> None:
    """The member has no byte."""
    member = draft.member("data")
    member.header = member.data = b""


@invalid("NPY-1", "header")
def npy_cut_in_the_magic(draft: Draft) -> None:
    """The member ends within the magic string."""
    member = draft.member("data")
    member.header, member.data = member.header[:5], b""


@invalid("NPY-2", "header")
def npy_cut_in_the_length(draft: Draft) -> None:
    """The member ends within the length of the header."""
    member = draft.member("data")
    member.header, member.data = member.header[:9], b""


@invalid("NPY-2", "header")
def npy_length_0(draft: Draft) -> None:
    """The header has no text, and the elements follow at once."""
    draft.member("data").header = MAGIC + b"\0\0"


@invalid("NPY-2 STG-2", "header")
def npy_length_past_the_end(draft: Draft) -> None:
    """The header is longer than the member, and within MAX_HEADER_BYTES."""
    member = draft.member("data")
    member.header = MAGIC + struct.pack("<H", 1014) + member.header[10:]


@invalid("NPY-2 STG-2", "header")
def npy_length_past_the_file(draft: Draft) -> None:
    """The header is as long as a u16 can say, in a multiple of 64."""
    member = draft.member("data")
    member.header = MAGIC + struct.pack("<H", 65536 - 64 - 10) + member.header[10:]


@invalid("NPY-2 LIM-1", "header", flags="numpy-accepts")
def npy_header_of_1088_bytes(draft: Draft) -> None:
    """The header is 64 bytes longer than MAX_HEADER_BYTES."""
    retext(draft, TEXT, 1088)


@invalid("NPY-2", "header", flags="numpy-accepts")
def npy_header_of_80_bytes(draft: Draft) -> None:
    """The header is a multiple of 16 and not of 64, as numpy wrote before 1.14."""
    retext(draft, TEXT, 80)


# --- [NPY-3]: the text ---------------------------------------------------------------------------


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_without_line_feed(draft: Draft) -> None:
    """The header ends in a blank instead of a line feed."""
    member = draft.member("data")
    member.header = member.header[:-1] + b" "


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_line_feed_before_the_padding(draft: Draft) -> None:
    """The line feed stands behind the text, and blanks follow."""
    member = draft.member("data")
    member.header = MAGIC + struct.pack("<H", 118) + (TEXT + "\n").encode().ljust(118)


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_two_line_feeds(draft: Draft) -> None:
    """Two line feeds close the header."""
    member = draft.member("data")
    member.header = member.header[:-2] + b"\n\n"


@invalid("NPY-3", "header")
def npy_padded_with_nul(draft: Draft) -> None:
    """The padding is NUL instead of blanks."""
    member = draft.member("data")
    member.header = member.header.replace(b"  ", b"\0\0")


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_keys_in_other_order(draft: Draft) -> None:
    """The shape stands first."""
    retext(draft, "{'shape': (5,), 'descr': '<f4', 'fortran_order': False, }")


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_key_twice(draft: Draft) -> None:
    """The shape stands twice, the last one is right."""
    reshape(draft, "(7,), 'shape': (5,)")


@invalid("NPY-3", "header")
def npy_key_too_many(draft: Draft) -> None:
    """There is a fourth key."""
    reshape(draft, "(5,), 'unit': 'kg'")


@invalid("NPY-3", "header")
def npy_key_missing(draft: Draft) -> None:
    """There is no fortran_order."""
    retext(draft, "{'descr': '<f4', 'shape': (5,), }")


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_double_quotes(draft: Draft) -> None:
    """The strings stand in double quotes, as in JSON."""
    retext(draft, TEXT.replace("'", '"'))


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_without_trailing_comma(draft: Draft) -> None:
    """There is no comma behind the shape, as some writers have it."""
    retext(draft, TEXT.replace(", }", "}"))


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_two_blanks(draft: Draft) -> None:
    """Two blanks stand where one should."""
    retext(draft, TEXT.replace(": False", ":  False"))


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_without_blanks(draft: Draft) -> None:
    """No blanks stand between the tokens."""
    retext(draft, TEXT.replace(" ", ""))


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_fortran_order(draft: Draft) -> None:
    """Fortran order, which is the same bytes for one dimension."""
    retext(draft, TEXT.replace("False", "True"))


@invalid("NPY-3", "header")
def npy_fortran_order_0(draft: Draft) -> None:
    """The number 0 stands for False."""
    retext(draft, TEXT.replace("False", "0"))


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_hexadecimal_dimension(draft: Draft) -> None:
    """The dimension is 0x5."""
    reshape(draft, "(0x5,)")


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_long_dimension(draft: Draft) -> None:
    """The dimension is 5L, as Python 2 wrote."""
    reshape(draft, "(5L,)")


@invalid("NPY-3", "header")
def npy_dimension_with_leading_zero(draft: Draft) -> None:
    """The dimension is 05."""
    reshape(draft, "(05,)")


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_dimension_with_plus(draft: Draft) -> None:
    """The dimension is +5."""
    reshape(draft, "(+5,)")


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_dimension_in_binary(draft: Draft) -> None:
    """The dimension is 0b1_01, which Python reads as 5."""
    reshape(draft, "(0b1_01,)")


@invalid("NPY-3", "header")
def npy_dimension_in_arabic_digits(draft: Draft) -> None:
    """The dimension is a digit five that is not ASCII; some patterns' d lets it pass."""
    member = draft.member("data")
    text = TEXT.replace("(5,)", "(\u0665,)").encode()
    member.header = MAGIC + struct.pack("<H", 118) + text.ljust(117) + b"\n"


@invalid("NPY-3", "header")
def npy_dimension_true(draft: Draft) -> None:
    """The dimension is True."""
    reshape(draft, "(True,)")


@invalid("NPY-3", "header")
def npy_dimension_negative(draft: Draft) -> None:
    """The dimension is -5."""
    reshape(draft, "(-5,)")


@invalid("NPY-3 STG-2", "header")
def npy_dimension_that_wraps(draft: Draft) -> None:
    """The dimension is 2^62 + 5, whose size in bytes is right in 64 bits."""
    reshape(draft, f"({2**62 + 5},)")


@invalid("NPY-3 STG-2", "header")
def npy_dimension_of_2_to_the_64_more(draft: Draft) -> None:
    """The dimension is 2^64 + 5, which is right in 64 bits."""
    reshape(draft, f"({2**64 + 5},)")


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_without_dimension(draft: Draft) -> None:
    """The shape is empty: one element."""
    reshape(draft, "()")


@invalid("NPY-3", "header")
def npy_dimension_without_comma(draft: Draft) -> None:
    """The shape is (5), a number and not a tuple."""
    reshape(draft, "(5)")


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_two_dimensions(draft: Draft) -> None:
    """The shape is (5, 1)."""
    reshape(draft, "(5, 1)")


@invalid("NPY-3", "header")
def npy_zero_times_much(draft: Draft) -> None:
    """The shape is (0, 2^63 - 1): no element, and a product that overflows on the way."""
    reshape(draft, f"(0, {2**63 - 1})")


# Its twelve similarities take the bytes of the pickle below.
TWELVE_PAIRS = Model(
    ["a", "b", "c", "d"], [{j: 0.5 for j in range(4) if j != i} for i in range(4)]
).without_users()


@invalid("NPY-3 STG-1", "header", model=TWELVE_PAIRS)
def npy_object(draft: Draft) -> None:
    """A pickled object that, if it is ever loaded, makes the file mlcore-canary."""
    member = draft.member("data")
    member.header = npy_header(header_text("|O", 12))
    member.data = b"cbuiltins\nopen\n(Vmlcore-canary\nVw\ntR.".ljust(len(member.data))


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_native_byte_order(draft: Draft) -> None:
    """The type is =f4."""
    redescribe(draft, "'=f4'")


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_without_byte_order(draft: Draft) -> None:
    """The type is f4."""
    redescribe(draft, "'f4'")


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_type_by_name(draft: Draft) -> None:
    """The type is float32."""
    redescribe(draft, "'float32'")


@invalid("NPY-3", "header", flags="numpy-accepts")
def npy_structure(draft: Draft) -> None:
    """The type is a structure of one field."""
    redescribe(draft, "[('x', '<f4')]")


# --- [NPY-4], [NPY-5]: what the header says, and what follows ------------------------------------


@invalid("NPY-4", "header", flags="numpy-accepts")
def npy_big_endian(draft: Draft) -> None:
    """The type is >f4, the bytes are swapped, and the manifest says <f4."""
    member = draft.member("data")
    values = struct.unpack("<5f", member.data)
    member.data = struct.pack(">5f", *values)
    redescribe(draft, "'>f4'")


@invalid("NPY-4", "header", flags="numpy-accepts")
def npy_type_of_equal_size(draft: Draft) -> None:
    """The type is <i4, of the same size as <f4, which the manifest says."""
    redescribe(draft, "'<i4'")


@invalid("NPY-4", "header", flags="numpy-accepts")
def npy_type_of_double_size(draft: Draft) -> None:
    """The type is <f8 with twice the bytes, and the manifest says <f4."""
    member = draft.member("data")
    member.data *= 2
    redescribe(draft, "'<f8'")


@invalid("NPY-4", "header", flags="numpy-accepts")
def npy_one_element_more(draft: Draft) -> None:
    """The array has an element more than the manifest says."""
    member = draft.member("data")
    member.data += member.data[:4]
    reshape(draft, "(6,)")


@invalid("NPY-4", "header", flags="numpy-accepts")
def npy_one_element_less(draft: Draft) -> None:
    """The array has an element less than the manifest says."""
    member = draft.member("data")
    member.data = member.data[:-4]
    reshape(draft, "(4,)")


@invalid("NPY-4", "header", flags="numpy-accepts", model=GOOD)
def npy_files_swapped(draft: Draft) -> None:
    """similarity.npz holds the histories, and the other way round."""
    files = draft.archives
    files["similarity.npz"], files["histories.npz"] = (
        files["histories.npz"],
        files["similarity.npz"],
    )


@invalid("NPY-5 STG-2", "header")
def npy_huge_array_in_a_small_file(draft: Draft) -> None:
    """The manifest and the header agree on 2^53 - 1 pairs, and five are there."""
    huge = 2**53 - 1
    for name, dtype in (("indices", "<i4"), ("data", "<f4")):
        draft.member(name).header = npy_header(header_text(dtype, huge))
    for name in ("indices", "data"):
        draft.manifest["files"]["similarity.npz"]["arrays"][name]["shape"] = [huge]
    draft.manifest["counts"]["pairs"] = huge


@invalid("NPY-5", "header")
def npy_data_cut(draft: Draft) -> None:
    """The last byte of the elements is missing."""
    member = draft.member("data")
    member.data = member.data[:-1]


@invalid("NPY-5", "header", flags="numpy-accepts")
def npy_data_and_more(draft: Draft) -> None:
    """A byte follows the elements."""
    draft.member("data").data += b"\0"


@invalid("NPY-5", "header", flags="numpy-accepts")
def npy_data_and_an_element(draft: Draft) -> None:
    """A whole element follows the elements, of which header and manifest say nothing."""
    draft.member("data").data += struct.pack("<f", 0.5)


@invalid("NPY-5", "header")
def npy_without_data(draft: Draft) -> None:
    """The header is all there is."""
    draft.member("data").data = b""
