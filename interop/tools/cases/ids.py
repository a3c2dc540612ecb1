"""Section 8: id maps that must be refused. Most break items.csv."""

from __future__ import annotations

from interop.tools.draft import Draft, format_id_line
from interop.tools.registry import GOOD, invalid

GOOD_BYTES = b"index,id\n0,apple\n1,bread\n2,cream\n"


def rewrite(draft: Draft, content: bytes) -> None:
    """Give items.csv other bytes."""
    assert draft.files["items.csv"] == GOOD_BYTES, "the good model has changed"
    draft.files["items.csv"] = content


def exchange(draft: Draft, old: bytes, new: bytes) -> None:
    """Replace the one place of items.csv where ``old`` stands."""
    assert GOOD_BYTES.count(old) == 1, old
    rewrite(draft, GOOD_BYTES.replace(old, new))


def spell(draft: Draft, *ids: str) -> None:
    """Give the three items other ids, in this order."""
    assert len(ids) == 3, "the counts are not to change"
    draft.ids["items.csv"][:] = ids


# --- [IDM-1]: bytes ------------------------------------------------------------------------------


@invalid("IDM-1", "idmap", "verify")
def ids_empty(draft: Draft) -> None:
    """The file has no byte."""
    rewrite(draft, b"")


@invalid("IDM-1", "idmap", "verify")
def ids_bom(draft: Draft) -> None:
    """A byte order mark stands in front."""
    rewrite(draft, b"\xef\xbb\xbf" + GOOD_BYTES)


@invalid("IDM-1", "idmap", "verify")
def ids_crlf(draft: Draft) -> None:
    """The lines end in carriage return and line feed."""
    rewrite(draft, GOOD_BYTES.replace(b"\n", b"\r\n"))


@invalid("IDM-1", "idmap", "verify")
def ids_crlf_in_one_line(draft: Draft) -> None:
    """One line ends in carriage return and line feed."""
    exchange(draft, b"bread\n", b"bread\r\n")


@invalid("IDM-1", "idmap", "verify")
def ids_cr(draft: Draft) -> None:
    """One line ends in a carriage return alone."""
    exchange(draft, b"apple\n", b"apple\r")


@invalid("IDM-1", "idmap", "verify")
def ids_cr_in_an_id(draft: Draft) -> None:
    """An id holds a carriage return."""
    exchange(draft, b"bread", b"br\read")


@invalid("IDM-1", "idmap", "verify")
def ids_cr_in_quotes(draft: Draft) -> None:
    """An id that has to stand in quotes holds a carriage return."""
    exchange(draft, b"bread", b'"br\r,ead"')


@invalid("IDM-1", "idmap", "verify")
def ids_nul(draft: Draft) -> None:
    """An id holds a NUL."""
    exchange(draft, b"bread", b"br\0ead")


@invalid("IDM-1", "idmap", "verify")
def ids_without_last_line_feed(draft: Draft) -> None:
    """The last line has no line feed."""
    rewrite(draft, GOOD_BYTES[:-1])


@invalid("IDM-1", "idmap", "verify")
def ids_latin1(draft: Draft) -> None:
    """An id holds the byte E9, which is Latin-1 and not UTF-8."""
    exchange(draft, b"bread", b"br\xe9ad")


@invalid("IDM-1", "idmap", "verify")
def ids_overlong_utf8(draft: Draft) -> None:
    """An id holds a slash as two bytes, C0 AF."""
    exchange(draft, b"bread", b"br\xc0\xafead")


@invalid("IDM-1", "idmap", "verify")
def ids_nul_as_two_bytes(draft: Draft) -> None:
    """An id holds a NUL as two bytes, C0 80, as Java writes it."""
    exchange(draft, b"bread", b"br\xc0\x80ead")


@invalid("IDM-1", "idmap", "verify")
def ids_surrogates_in_utf8(draft: Draft) -> None:
    """An id holds a character as two surrogates of three bytes each (CESU-8)."""
    exchange(draft, b"bread", b"br\xed\xa0\xbd\xed\xb8\x80ead")


@invalid("IDM-1", "idmap", "verify")
def ids_beyond_unicode(draft: Draft) -> None:
    """An id holds the bytes of U+110000."""
    exchange(draft, b"bread", b"br\xf4\x90\x80\x80ead")


@invalid("IDM-1", "idmap", "verify")
def ids_cut_utf8(draft: Draft) -> None:
    """An id ends within a character."""
    exchange(draft, b"bread", b"bread\xe2\x82")


# --- [IDM-2]: lines ------------------------------------------------------------------------------


@invalid("IDM-2", "idmap", "verify")
def ids_without_header(draft: Draft) -> None:
    """There is no header."""
    exchange(draft, b"index,id\n", b"")


@invalid("IDM-2", "idmap", "verify")
def ids_header_in_capitals(draft: Draft) -> None:
    """The header is spelled Index,Id."""
    exchange(draft, b"index,id", b"Index,Id")


@invalid("IDM-2", "idmap", "verify")
def ids_header_in_quotes(draft: Draft) -> None:
    """The names of the header stand in quotes."""
    exchange(draft, b"index,id", b'"index","id"')


@invalid("IDM-2", "idmap", "verify")
def ids_header_with_blank(draft: Draft) -> None:
    """A blank stands behind the comma of the header."""
    exchange(draft, b"index,id", b"index, id")


@invalid("IDM-2", "idmap", "verify")
def ids_header_of_three(draft: Draft) -> None:
    """The header has a third name."""
    exchange(draft, b"index,id", b"index,id,title")


@invalid("IDM-2", "idmap", "verify")
def ids_columns_swapped(draft: Draft) -> None:
    """The id stands first, in the header and everywhere."""
    rewrite(draft, b"id,index\napple,0\nbread,1\ncream,2\n")


@invalid("IDM-2", "idmap", "verify")
def ids_blank_line(draft: Draft) -> None:
    """A blank line stands between two lines."""
    exchange(draft, b"bread\n", b"bread\n\n")


@invalid("IDM-2", "idmap", "verify")
def ids_blank_last_line(draft: Draft) -> None:
    """A blank line stands at the end."""
    rewrite(draft, GOOD_BYTES + b"\n")


@invalid("IDM-2", "idmap", "verify")
def ids_comment(draft: Draft) -> None:
    """A comment stands at the end."""
    rewrite(draft, GOOD_BYTES + b"# end\n")


@invalid("IDM-2", "idmap", "verify")
def ids_one_field(draft: Draft) -> None:
    """A line has no comma."""
    exchange(draft, b"1,bread", b"1")


@invalid("IDM-2", "idmap", "verify")
def ids_without_index(draft: Draft) -> None:
    """A line has no index."""
    exchange(draft, b"1,bread", b",bread")


@invalid("IDM-2", "idmap", "verify")
def ids_index_left_out(draft: Draft) -> None:
    """The last index is one too large."""
    exchange(draft, b"2,cream", b"3,cream")


@invalid("IDM-2", "idmap", "verify")
def ids_index_twice(draft: Draft) -> None:
    """An index stands twice."""
    exchange(draft, b"2,cream", b"1,cream")


@invalid("IDM-2", "idmap", "verify")
def ids_index_from_1(draft: Draft) -> None:
    """The first index is 1."""
    rewrite(draft, b"index,id\n1,apple\n2,bread\n3,cream\n")


@invalid("IDM-2", "idmap", "verify")
def ids_index_with_leading_zero(draft: Draft) -> None:
    """An index is 01."""
    exchange(draft, b"1,bread", b"01,bread")


@invalid("IDM-2", "idmap", "verify")
def ids_index_with_plus(draft: Draft) -> None:
    """An index is +1."""
    exchange(draft, b"1,bread", b"+1,bread")


@invalid("IDM-2", "idmap", "verify")
def ids_index_with_fraction(draft: Draft) -> None:
    """An index is 1.0."""
    exchange(draft, b"1,bread", b"1.0,bread")


@invalid("IDM-2", "idmap", "verify")
def ids_index_minus_0(draft: Draft) -> None:
    """An index is -0."""
    exchange(draft, b"0,apple", b"-0,apple")


@invalid("IDM-2", "idmap", "verify")
def ids_index_with_blank(draft: Draft) -> None:
    """A blank stands in front of an index."""
    exchange(draft, b"1,bread", b" 1,bread")


@invalid("IDM-2", "idmap", "verify")
def ids_index_in_quotes(draft: Draft) -> None:
    """An index stands in quotes."""
    exchange(draft, b"1,bread", b'"1",bread')


@invalid("IDM-2", "idmap", "verify")
def ids_lines_in_other_order(draft: Draft) -> None:
    """The lines stand in another order, each with its right index."""
    rewrite(draft, b"index,id\n1,bread\n0,apple\n2,cream\n")


@invalid("IDM-2", "idmap", "verify")
def ids_one_more(draft: Draft) -> None:
    """There is an item more than counts says."""
    rewrite(draft, GOOD_BYTES + b"3,dates\n")


@invalid("IDM-2", "idmap", "verify")
def ids_one_less(draft: Draft) -> None:
    """There is an item less than counts says."""
    exchange(draft, b"2,cream\n", b"")


# --- [IDM-3]: quotes -----------------------------------------------------------------------------


@invalid("IDM-3", "idmap", "verify")
def ids_three_fields(draft: Draft) -> None:
    """An id with a comma stands without quotes."""
    exchange(draft, b"bread", b"br,ead")


@invalid("IDM-3", "idmap", "verify")
def ids_quotes_not_needed(draft: Draft) -> None:
    """An id stands in quotes that it does not need."""
    exchange(draft, b"bread", b'"bread"')


@invalid("IDM-3", "idmap", "verify")
def ids_bare_quote(draft: Draft) -> None:
    """An id with a quote stands without quotes around it."""
    exchange(draft, b"bread", b'br"ead')


@invalid("IDM-3", "idmap", "verify")
def ids_bare_doubled_quote(draft: Draft) -> None:
    """An id has a doubled quote, and no quotes around it."""
    exchange(draft, b"bread", b'br""ead')


@invalid("IDM-3", "idmap", "verify")
def ids_quote_not_doubled(draft: Draft) -> None:
    """A quote within quotes is not doubled."""
    exchange(draft, b"bread", b'"br"ead"')


@invalid("IDM-3", "idmap", "verify")
def ids_quote_escaped(draft: Draft) -> None:
    """A quote within quotes has a backslash in front of it."""
    exchange(draft, b"bread", b'"br\\"ead"')


@invalid("IDM-3", "idmap", "verify")
def ids_text_behind_the_quotes(draft: Draft) -> None:
    """Text follows the closing quote."""
    exchange(draft, b"bread", b'"br,"ead')


@invalid("IDM-3", "idmap", "verify")
def ids_blank_in_front_of_the_quotes(draft: Draft) -> None:
    """A blank stands in front of the opening quote."""
    exchange(draft, b"bread", b' "br,ead"')


@invalid("IDM-3", "idmap", "verify")
def ids_quotes_not_closed(draft: Draft) -> None:
    """The closing quote is missing."""
    exchange(draft, b"bread", b'"br,ead')


@invalid("IDM-3", "idmap", "verify")
def ids_one_quote_alone(draft: Draft) -> None:
    """The id is one quote, opened and never closed."""
    exchange(draft, b"cream", b'"')


@invalid("IDM-3 IDM-1", "idmap", "verify")
def ids_line_feed_in_quotes(draft: Draft) -> None:
    """An id in quotes holds a line feed."""
    exchange(draft, b"bread", b'"br,\nead"')


@invalid("IDM-3", "idmap", "verify")
def ids_single_quotes(draft: Draft) -> None:
    """An id with a comma stands in single quotes."""
    exchange(draft, b"bread", b"'br,ead'")


# --- [IDM-4]: ids --------------------------------------------------------------------------------


@invalid("IDM-4", "idmap", "verify")
def ids_id_empty(draft: Draft) -> None:
    """The first id has no byte."""
    exchange(draft, b"0,apple", b"0,")


@invalid("IDM-4 IDM-3", "idmap", "verify")
def ids_id_empty_in_quotes(draft: Draft) -> None:
    """The first id is a pair of quotes around nothing."""
    exchange(draft, b"0,apple", b'0,""')


@invalid("IDM-4 LIM-1", "idmap", "verify")
def ids_id_of_65536_bytes(draft: Draft) -> None:
    """An id is one byte longer than MAX_ID_BYTES."""
    spell(draft, "apple", "b" * 65_536, "cream")


@invalid("IDM-4 LIM-1", "idmap", "verify")
def ids_id_of_fewer_characters(draft: Draft) -> None:
    """An id has 65,536 bytes, and half as many characters."""
    spell(draft, "apple", "bread", "\u00e9" * 32_768)


# --- [IDM-5]: order ------------------------------------------------------------------------------


@invalid("IDM-5", "idmap", "verify")
def ids_id_twice(draft: Draft) -> None:
    """An id stands twice."""
    spell(draft, "apple", "bread", "bread")


@invalid("IDM-5", "idmap", "verify")
def ids_descending(draft: Draft) -> None:
    """Two ids stand in the wrong order."""
    spell(draft, "bread", "apple", "cream")


@invalid("IDM-5", "idmap", "verify")
def ids_in_utf16_order(draft: Draft) -> None:
    """U+1F600 stands in front of U+FF5E, which is the order of their UTF-16."""
    spell(draft, "apple", "\U0001f600", "\uff5e")


@invalid("IDM-5", "idmap", "verify")
def ids_in_order_of_numbers(draft: Draft) -> None:
    """9 stands in front of 10."""
    spell(draft, "1", "9", "10")


@invalid("IDM-5", "idmap", "verify")
def ids_in_order_without_case(draft: Draft) -> None:
    """b stands in front of C, as in a dictionary."""
    spell(draft, "a", "b", "C")


@invalid("IDM-5", "idmap", "verify")
def ids_in_order_of_a_language(draft: Draft) -> None:
    """U+00E9 stands in front of f, as French has it."""
    spell(draft, "e", "\u00e9", "f")


@invalid("IDM-5", "idmap", "verify")
def ids_in_order_of_the_quoted(draft: Draft) -> None:
    """The lines are in order of their bytes, quotes included, and the ids are not."""
    spell(draft, "a,b", "#", "b")
    assert format_id_line(0, "a,b")[2:] < "#"


@invalid("IDM-5", "idmap", "verify", model=GOOD)
def ids_of_users_descending(draft: Draft) -> None:
    """The users stand in the wrong order."""
    draft.ids["users.csv"].reverse()


@invalid("IDM-1 IDM-2", "idmap", "verify", model=GOOD)
def ids_of_users_without_last_line_feed(draft: Draft) -> None:
    """The last line of users.csv has no line feed."""
    draft.files["users.csv"] = draft.files["users.csv"].rstrip()
