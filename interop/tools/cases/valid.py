"""Models that every reader must accept, and of which it must find what ``expect.json`` says."""

from __future__ import annotations

import json
from typing import Any

from interop.tools.archive import header_text, npy_header
from interop.tools.cases.manifest import nested, replaced
from interop.tools.draft import Draft, Link, Model, make_model
from interop.tools.registry import GOOD, valid

ONE = make_model(["a"], {}, {"u": {"a": 1}})
NONE = make_model([], {}, {})


# --- sizes ---------------------------------------------------------------------------------------


@valid("DIR-1 DIR-2 MAN-14 NPZ-1 NPZ-2 NPZ-3 NPZ-4 NPZ-5 NPZ-6 NPZ-7 NPZ-8 NPY-1 NPY-5", ONE)
def minimal(draft: Draft) -> None:
    """One user, one item, one interaction, no pairs."""


@valid("DIR-1 DIR-2 CSR-1 CSR-2 CSR-3 CSR-4 CSR-5 CSR-6 POP-1 POP-2 IDM-1 IDM-2 IDM-5")
def good(draft: Draft) -> None:
    """The model that most invalid cases break in one place."""


EXAMPLE_CONFIG = b"""{
  "similarity": {
    "name": "cosine"
  },
  "weighting": {
    "name": "none"
  },
  "num_neighbors": 100,
  "neighborhood": "target",
  "shrinkage": 0,
  "min_cooccurrence": 1
}
"""


@valid(
    "DIR-1 DIR-2 NPZ-1 NPZ-3 NPZ-4 NPZ-6 NPZ-7 NPY-2 NPY-3",
    make_model(["a", "b"], {("a", "b"): 1.0, ("b", "a"): 1.0}, {"u": {"a": 1, "b": 1}}),
)
def worked_example(draft: Draft) -> None:
    """The model whose bytes stand in section 13."""
    draft.files["config.json"] = EXAMPLE_CONFIG
    draft.manifest["producer"] = {"name": "mlcore", "version": "0.1.0"}
    draft.manifest["training"][
        "interactions_sha256"
    ] = "dc290f568072c9325e404f67ae08bbbd92d2d13a87a38eecd25394bac1447f84"


@valid("DIR-2", GOOD.without_users())
def without_users(draft: Draft) -> None:
    """A model without users.csv and histories.npz, which still counts them."""


@valid("DIR-2 CSR-1 NPY-5", NONE)
def empty(draft: Draft) -> None:
    """No users, no items, nothing: every array but the row offsets is empty."""


@valid("DIR-2 CSR-1 NPY-5", NONE.without_users())
def empty_without_users(draft: Draft) -> None:
    """No items, and no files of users."""


@valid("CSR-1", make_model([], {}, {"ann": {}, "bob": {}}))
def users_without_items(draft: Draft) -> None:
    """Two users and no items."""


@valid("CSR-1 POP-1", make_model(["a", "b"], {("a", "b"): 0.5}, {}))
def items_without_users(draft: Draft) -> None:
    """Two items, and files of users with nobody in them."""


@valid("CSR-1", make_model(["a", "b"], {("b", "a"): 0.5}, {"ann": {}, "bob": {"a": 1}, "eve": {}}))
def user_without_items(draft: Draft) -> None:
    """The first and the last of three users have no items."""


@valid("POP-1 POP-2", make_model(["a", "b", "c"], {("a", "c"): 0.5}, {"ann": {"a": 1, "c": 1}}))
def item_of_nobody(draft: Draft) -> None:
    """No user has the item in the middle."""


@valid("CSR-1", make_model(["a", "b", "c", "d"], {("b", "d"): 1.0}, {"ann": {"b": 1}}))
def one_pair(draft: Draft) -> None:
    """One pair, so that the first row and the last two are empty."""


@valid("POP-1", make_model(["a", "b"], {}, {"ann": {"a": 1}, "bob": {"a": 2}, "eve": {"a": 3}}))
def item_of_everybody(draft: Draft) -> None:
    """One item has all users, the other has none."""


@valid("CSR-3 CSR-5", make_model(
    ["a", "b", "c", "d", "e"],
    {(i, j): 0.125 for i in "abcde" for j in "abcde" if i != j},
    {"ann": dict.fromkeys("abcde", 1)},
))  # fmt: skip
def all_pairs(draft: Draft) -> None:
    """Each item speaks for each other item."""


@valid("NPZ-4", make_model([f"{i:02}" for i in range(23)], {("00", "22"): 1.0}, {"ann": {"07": 1}}))
def data_of_many_lengths(draft: Draft) -> None:
    """23 items: no member ends at a multiple of 64, as it happens."""


@valid("NPZ-4", make_model([f"{i:02}" for i in range(13)], {("00", "12"): 1.0}, {"ann": {"07": 1}}))
def padding_of_13(draft: Draft) -> None:
    """13 items: other paddings than with 23."""


@valid("MAN-10 LIM-1", make_model(["a", "b"], {("a", "b"): 0.5}, {}).without_users())
def users_max_axis(draft: Draft) -> None:
    """As many users as MAX_AXIS allows, in a model without them."""
    draft.manifest["counts"]["users"] = 2**31 - 2


# --- values --------------------------------------------------------------------------------------


@valid("CSR-4", make_model(["a", "b", "c"], {("a", "b"): -0.5, ("b", "c"): -2.0}, {"u": {"a": 1}}))
def similarity_negative(draft: Draft) -> None:
    """Similarities below 0."""


MAX_F32 = (2 - 2.0**-23) * 2.0**127
MIN_F32 = 2.0**-149


@valid("CSR-4 CSR-6", make_model(
    ["a", "b", "c", "d"],
    {("a", "b"): MAX_F32, ("a", "c"): -MAX_F32, ("b", "a"): MIN_F32, ("b", "c"): -MIN_F32},
    {"ann": {"a": MAX_F32, "b": MIN_F32, "d": 2.0**-126}},
))  # fmt: skip
def values_extreme(draft: Draft) -> None:
    """The largest, the smallest normal and the smallest subnormal f32, of both signs."""


# --- headers -------------------------------------------------------------------------------------


def with_headers_of(draft: Draft, size: int) -> None:
    """Give every array a header of ``size`` bytes."""
    for file, arrays in draft.arrays.items():
        for name, (dtype, values) in arrays.items():
            draft.member(name, file).header = npy_header(header_text(dtype, len(values)), size)


@valid("NPY-2 NPZ-4")
def header_of_192_bytes(draft: Draft) -> None:
    """All headers are 64 bytes longer than a writer makes them."""
    with_headers_of(draft, 192)


@valid("NPY-2 LIM-1 NPZ-4")
def header_of_1024_bytes(draft: Draft) -> None:
    """All headers are as long as MAX_HEADER_BYTES allows."""
    with_headers_of(draft, 1024)


@valid("NPY-2")
def headers_of_three_sizes(draft: Draft) -> None:
    """The headers of one file have different sizes."""
    for name, size in (("indptr", 256), ("indices", 128), ("data", 512)):
        dtype, values = draft.arrays["similarity.npz"][name]
        draft.member(name).header = npy_header(header_text(dtype, len(values)), size)


# --- ids -----------------------------------------------------------------------------------------


def model_of_ids(*ids: str) -> Model:
    """Return a model whose items and users have these ids."""
    ordered = sorted(ids, key=str.encode)
    pairs = {(first, second): 0.5 for first, second in zip(ordered, ordered[1:])}
    return make_model(ids, pairs, {id_: {id_: 1} for id_ in ids})


@valid("IDM-4", model_of_ids("\u00e9", "e\u0301", "e"))
def ids_nfc_and_nfd(draft: Draft) -> None:
    """Two spellings of one accented letter are two ids."""


@valid("IDM-4", model_of_ids("7", "07", "007", "7.0", "7e0", "+7", "-0", "0x7", "1_000"))
def ids_of_digits(draft: Draft) -> None:
    """Ids that are equal as numbers."""


@valid("IDM-4", model_of_ids("NA", "NaN", "nan", "null", "None", "true", "inf", "#N/A", "-"))
def ids_of_nothing(draft: Draft) -> None:
    """Ids that some programs take for a missing value, a truth value or a number."""


@valid("IDM-4", model_of_ids("__proto__", "constructor", "toString", "hasOwnProperty", "length"))
def ids_of_javascript(draft: Draft) -> None:
    """Ids that every object of JavaScript has already."""


@valid("IDM-4", model_of_ids("index", "id", "items.csv", "../x", "/etc/passwd", "C:\\x", "%00"))
def ids_of_files(draft: Draft) -> None:
    """Ids that look like the header, or like a path."""


@valid("IDM-4", model_of_ids(" a", "a ", "a", " ", "  ", "\t", "a\tb", "\u00a0a", "\u3000"))
def ids_of_blanks(draft: Draft) -> None:
    """Ids that differ in blanks only; nothing is trimmed."""


@valid("IDM-4", model_of_ids("a", "A", "\u0131", "I", "i", "\u212a", "K", "\u00df", "ss"))
def ids_of_both_cases(draft: Draft) -> None:
    """Ids that are equal when case is folded, in one language or another."""


@valid(
    "IDM-3", model_of_ids(",", ",,", "a,b", ",a", "a,", '"', '""', 'a"b', '"a"', '",', ',"', "'")
)
def ids_with_commas_and_quotes(draft: Draft) -> None:
    """Ids that stand in quotes, and one with an apostrophe that does not."""


@valid("IDM-1 IDM-4", model_of_ids(
    "\x01", "\x0b", "\x0c", "\x1c", "\x7f", "\u0085", "\u2028", "\u2029", "\u200b",
    "\ufeff", "\ufeffa",
))  # fmt: skip
def ids_of_controls(draft: Draft) -> None:
    """Ids of characters that end a line elsewhere, or that nobody sees; U+FEFF is one of them."""


@valid(
    "IDM-5", model_of_ids("\uff5e", "\U0001f600", "\ud7ff", "\ue000", "\uffff", "\U0010ffff", "z")
)
def ids_in_utf8_order(draft: Draft) -> None:
    """Ids whose order is another one in UTF-16."""


@valid("IDM-5", model_of_ids("a", "a!", "aa", "ab", "b", "B", "10", "9", "a,", "a-"))
def ids_that_begin_alike(draft: Draft) -> None:
    """Ids that begin with another one, which comes first."""


@valid("IDM-4 LIM-1", make_model(["x" * 65_535, "y"], {}, {"u": {"y": 1}}))
def ids_of_65535_bytes(draft: Draft) -> None:
    """An id is as long as MAX_ID_BYTES allows."""


@valid("IDM-4 LIM-1", make_model(["a", "\u20ac" * 21_845], {}, {"u": {"a": 1}}))
def ids_of_21845_characters(draft: Draft) -> None:
    """An id has 65,535 bytes, three for each character."""


@valid("IDM-3 IDM-4 LIM-1", make_model(['"' * 65_535, "a"], {}, {"u": {"a": 1}}))
def ids_of_65535_quotes(draft: Draft) -> None:
    """An id of 65,535 bytes takes 131,072 in the file, as its quotes are doubled."""


# --- the manifest --------------------------------------------------------------------------------


@valid("MAN-4 VER-2")
def manifest_with_more_keys(draft: Draft) -> None:
    """Keys that this version does not name, in every object that may have them."""
    manifest = draft.manifest
    objects = [manifest, manifest["producer"], manifest["counts"], manifest["training"]]
    for entry in manifest["files"].values():
        objects += [entry, *entry.get("arrays", {}).values()]
    for number, value in enumerate(objects):
        value["later"] = [number, {"format": "another", "a": None}, 1.5, "\u00e9"]
        value[""] = True


@valid("MAN-3 MAN-4")
def manifest_with_keys_in_capitals(draft: Draft) -> None:
    """Keys that differ from the right ones in case only stand behind them; they mean nothing."""
    manifest = draft.manifest
    manifest["Format"] = "another"
    manifest["FORMAT_VERSION"] = 2
    manifest["Required_Features"] = ["x"]
    manifest["counts"]["Items"] = 99
    manifest["files"]["items.csv"]["Bytes"] = 1
    manifest["files"]["similarity.npz"]["arrays"]["data"]["DType"] = "<f8"


@valid("MAN-2 MAN-14")
def manifest_shuffled(draft: Draft) -> None:
    """The keys of every object stand in the reverse order."""

    def reverse(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {key: reverse(value[key]) for key in reversed(value)}

    draft.manifest = reverse(draft.manifest)


@valid("MAN-2")
def manifest_without_blanks(draft: Draft) -> None:
    """The text has no blanks and no line feeds."""
    draft.text = json.dumps(draft.manifest, separators=(",", ":")).encode()


@valid("MAN-2")
def manifest_with_other_blanks(draft: Draft) -> None:
    """The text has tabs and CRLF between its tokens, in front and behind."""
    draft.text = b"\r\n\t " + draft.text.replace(b"\n", b"\r\n\t") + b"\r\n \t"


@valid("MAN-2 MAN-3")
def manifest_with_escapes(draft: Draft) -> None:
    """Keys and strings are written with escapes that mean the same."""
    replaced(draft, b'"format"', b'"\\u0066ormat"')
    replaced(draft, b'"mlcore-model"', b'"\\u006dlcore\\u002Dmodel"')
    replaced(draft, b'"items.csv"', b'"\\u0069tems.csv"')
    replaced(draft, b'"conformance"', b'"\\ud83d\\ude00 \\/ \\"\\b\\f\\n\\r\\t"')


@valid("MAN-2 LIM-1")
def manifest_of_depth_16(draft: Draft) -> None:
    """A value that is passed over is nested as deep as MAX_DEPTH allows."""
    draft.manifest["later"] = nested(15)


@valid("MAN-1 LIM-1")
def manifest_of_1_mib(draft: Draft) -> None:
    """The text is as long as MAX_MANIFEST_BYTES allows, by blanks at the end."""
    draft.text = draft.text.ljust(2**20)


@valid("MAN-4 MAN-8")
def manifest_with_large_numbers(draft: Draft) -> None:
    """Numbers beyond 2^53, with fraction and exponent, where they are passed over."""
    replaced(
        draft,
        b'"producer"',
        b'"later": [9007199254740993, -1, 1.0, 1e300, 1E-300, 1e400, -0], "producer"',
    )


@valid("MAN-2 MAN-4")
def manifest_with_noncharacters(draft: Draft) -> None:
    """Noncharacters, as they are and escaped, in a key and in a value that are passed over."""
    replaced(draft, b'"producer"', '"la\ufdd0ter": "\uffff\U0010fffe\\ufffe", "producer"'.encode())


@valid("MAN-8", NONE)
def manifest_with_minus_0(draft: Draft) -> None:
    """No users, written as -0."""
    replaced(draft, b'"users": 0', b'"users": -0')


@valid("MAN-4 VER-2")
def manifest_with_arrays_of_ids(draft: Draft) -> None:
    """A key that only archives have stands in the entry of an id map, where it is passed over."""
    draft.manifest["files"]["items.csv"]["arrays"] = 3


@valid("CFG-1 CFG-2 VER-2")
def config_of_a_later_version(draft: Draft) -> None:
    """The configuration names a similarity and a key that no reader of this text knows."""
    config = {"similarity": {"name": "later"}, "more": None}
    draft.files["config.json"] = json.dumps(config, indent=2).encode() + b"\n"


@valid("MAN-9")
def manifest_of_another_producer(draft: Draft) -> None:
    """The producer's strings are empty and of any script; they inform only."""
    draft.manifest["producer"] = {"name": "", "version": "\u0661.0-\U0001f600"}


@valid("MAN-6 MAN-7 MAN-10 MAN-11 MAN-12 MAN-13")
def manifest_as_it_should_be(draft: Draft) -> None:
    """The keys in the order of the text, in the bytes of mlcore."""
    draft.text = (json.dumps(draft.manifest, indent=2) + "\n").encode()


# --- the directory -------------------------------------------------------------------------------


@valid("DIR-4 VER-2")
def other_files(draft: Draft) -> None:
    """Other files and folders stand in the directory; one has the name of a later format's file."""
    draft.directory["note"] = b"a note\n"
    draft.directory[".hidden"] = b""
    draft.directory["embeddings.npz"] = b"not a zip"
    draft.directory["items.csv.bak"] = b"index,id\n"
    draft.directory["more/similarity.npz"] = b""


@valid("DIR-3 DIR-4", flags="needs-symlinks")
def other_link(draft: Draft) -> None:
    """A symbolic link that is none of the format's files stands in the directory."""
    draft.directory["latest"] = Link("items.csv")


@valid("DIR-3", flags="needs-symlinks")
def directory_by_a_link(draft: Draft) -> None:
    """The path of the directory is a symbolic link."""
    draft.tree = {f"store/{name}": content for name, content in draft.directory.items()}
    draft.tree["model"] = Link("store")
