"""Section 3: manifests that must be refused."""

from __future__ import annotations

from typing import Any

from interop.tools.archive import header_text, npy_header
from interop.tools.draft import Draft
from interop.tools.registry import GOOD, invalid


def nested(depth: int) -> Any:
    """Return arrays within arrays, ``depth`` of them."""
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def replaced(draft: Draft, old: bytes, new: bytes) -> None:
    """Replace the one place of the text where ``old`` stands."""
    assert draft.text.count(old) == 1, old
    draft.text = draft.text.replace(old, new)


# --- [MAN-1], [MAN-2]: the text ------------------------------------------------------------------


@invalid("MAN-1 LIM-1", "manifest")
def manifest_over_1_mib(draft: Draft) -> None:
    """One byte more than MAX_MANIFEST_BYTES, by blanks at the end."""
    draft.text = draft.text.ljust(2**20 + 1)


@invalid("MAN-1", "manifest", flags="python-json-accepts")
def manifest_bom(draft: Draft) -> None:
    """A byte order mark stands in front."""
    draft.text = b"\xef\xbb\xbf" + draft.text


@invalid("MAN-1", "manifest", flags="python-json-accepts")
def manifest_utf16(draft: Draft) -> None:
    """The text is UTF-16."""
    draft.text = draft.text.decode().encode("utf-16-le")


@invalid("MAN-1", "manifest")
def manifest_latin1(draft: Draft) -> None:
    """A string holds the byte E9, which is Latin-1 and not UTF-8."""
    replaced(draft, b'"conformance"', b'"caf\xe9"')


@invalid("MAN-1", "manifest")
def manifest_overlong_utf8(draft: Draft) -> None:
    """A string holds a slash as two bytes, C0 AF."""
    replaced(draft, b'"conformance"', b'"\xc0\xaf"')


@invalid("MAN-1", "manifest", flags="python-json-accepts")
def manifest_surrogate_in_utf8(draft: Draft) -> None:
    """A string holds a surrogate as three bytes, ED A0 80."""
    replaced(draft, b'"conformance"', b'"\xed\xa0\x80"')


@invalid("MAN-2", "manifest")
def manifest_empty(draft: Draft) -> None:
    """The file has no byte."""
    draft.text = b""


@invalid("MAN-2", "manifest")
def manifest_not_json(draft: Draft) -> None:
    """The file holds another format."""
    draft.text = b"format = mlcore-model\n"


@invalid("MAN-2", "manifest")
def manifest_truncated(draft: Draft) -> None:
    """The last brace is missing."""
    draft.text = draft.text.rstrip()[:-1]


@invalid("MAN-2", "manifest")
def manifest_in_an_array(draft: Draft) -> None:
    """The object stands in an array."""
    draft.text = b"[" + draft.text + b"]"


@invalid("MAN-2", "manifest")
def manifest_two_objects(draft: Draft) -> None:
    """A second object follows; a decoder of streams stops in front of it."""
    draft.text += b"{}\n"


@invalid("MAN-2", "manifest")
def manifest_trailing_comma(draft: Draft) -> None:
    """A comma follows the last key."""
    draft.text = draft.text.rstrip()[:-1] + b",}"


@invalid("MAN-2", "manifest")
def manifest_comment(draft: Draft) -> None:
    """A comment stands behind the object."""
    draft.text += b"// the end\n"


@invalid("MAN-2", "manifest")
def manifest_single_quotes(draft: Draft) -> None:
    """A string stands in single quotes."""
    replaced(draft, b'"conformance"', b"'conformance'")


@invalid("MAN-2", "manifest")
def manifest_line_break_in_string(draft: Draft) -> None:
    """A string holds a bare line feed."""
    replaced(draft, b'"conformance"', b'"con\nformance"')


@invalid("MAN-2", "manifest", flags="python-json-accepts")
def manifest_key_twice(draft: Draft) -> None:
    """The key format_version stands twice; the last one is right, and wins in most parsers."""
    replaced(draft, b'"format_version": 1', b'"format_version": 2, "format_version": 1')


@invalid("MAN-2", "manifest", flags="python-json-accepts")
def manifest_key_twice_the_first_is_right(draft: Draft) -> None:
    """The key format_version stands twice; the first one is right, and wins in some parsers."""
    replaced(draft, b'"format_version": 1', b'"format_version": 1, "format_version": 2')


@invalid("MAN-2", "manifest", flags="python-json-accepts")
def manifest_key_twice_with_equal_values(draft: Draft) -> None:
    """The key format stands twice, both times with the right value."""
    replaced(draft, b'"format_version"', b'"format": "mlcore-model", "format_version"')


@invalid("MAN-2", "manifest", flags="python-json-accepts")
def manifest_key_twice_by_an_escape(draft: Draft) -> None:
    """The second time the key is written with an escape."""
    replaced(draft, b'"format_version": 1', b'"format_version": 1, "\\u0066ormat_version": 1')


@invalid("MAN-2", "manifest", flags="python-json-accepts")
def manifest_key_twice_deep_inside(draft: Draft) -> None:
    """A dtype stands twice; whoever checks the top level only does not see it."""
    draft.text = draft.text.replace(b'"dtype": "<i4"', b'"dtype": "<i8", "dtype": "<i4"', 1)


@invalid("MAN-2 MAN-4", "manifest", flags="python-json-accepts")
def manifest_key_twice_in_an_unknown_value(draft: Draft) -> None:
    """A key stands twice in an object that is passed over, which is no I-JSON all the same."""
    replaced(draft, b'"producer"', b'"extra": {"a": 1, "a": 1}, "producer"')


@invalid("MAN-2", "manifest", flags="python-json-accepts")
def manifest_lone_surrogate(draft: Draft) -> None:
    """A string holds an escaped high surrogate without its low one."""
    replaced(draft, b'"conformance"', b'"\\ud83d"')


@invalid("MAN-2", "manifest", flags="python-json-accepts")
def manifest_lone_surrogate_in_a_key(draft: Draft) -> None:
    """A key that is passed over holds an escaped low surrogate alone."""
    replaced(draft, b'"producer"', b'"\\ude00": 1, "producer"')


@invalid("MAN-2", "manifest", flags="python-json-accepts")
def manifest_nan(draft: Draft) -> None:
    """A value that is passed over is NaN."""
    replaced(draft, b'"producer"', b'"extra": NaN, "producer"')


@invalid("MAN-2", "manifest", flags="python-json-accepts")
def manifest_infinity(draft: Draft) -> None:
    """A value that is passed over is -Infinity."""
    replaced(draft, b'"producer"', b'"extra": [-Infinity], "producer"')


@invalid("MAN-2 LIM-1", "manifest", flags="python-json-accepts")
def manifest_depth_17(draft: Draft) -> None:
    """A value that is passed over is nested one deeper than MAX_DEPTH."""
    draft.manifest["extra"] = nested(16)


@invalid("MAN-2 LIM-1", "manifest", flags="python-json-accepts")
def manifest_depth_17_of_objects(draft: Draft) -> None:
    """Objects count for the depth as arrays do."""
    replaced(
        draft, b'"producer"', b'"extra": ' + b'{"a":' * 15 + b"{}" + b"}" * 15 + b', "producer"'
    )


@invalid("MAN-2 LIM-1 STG-1", "manifest")
def manifest_depth_100000(draft: Draft) -> None:
    """Arrays as deep as would overflow the stack of a recursive parser."""
    replaced(draft, b'"producer"', b'"extra": ' + b"[" * 100_000 + b"]" * 100_000 + b', "producer"')


@invalid("MAN-2 LIM-1 STG-1", "manifest")
def manifest_depth_unclosed(draft: Draft) -> None:
    """A hundred thousand brackets are opened, and the file ends."""
    draft.text = b"[" * 100_000


# --- [MAN-3], [MAN-5] to [MAN-7]: format and version ---------------------------------------------


@invalid("MAN-3 MAN-5", "manifest")
def manifest_key_in_capitals(draft: Draft) -> None:
    """The key is Format; parsers that fold case take it."""
    replaced(draft, b'"format"', b'"Format"')


@invalid("MAN-3 MAN-10", "manifest")
def manifest_count_in_capitals(draft: Draft) -> None:
    """The key is Users; parsers that fold case take it."""
    replaced(draft, b'"users"', b'"Users"')


@invalid("MAN-5", "manifest")
def manifest_other_format(draft: Draft) -> None:
    """The format is another one."""
    draft.manifest["format"] = "mlcore-models"


@invalid("MAN-5", "manifest")
def manifest_format_in_capitals(draft: Draft) -> None:
    """The format is spelled otherwise."""
    draft.manifest["format"] = "MLCORE-MODEL"


@invalid("MAN-5", "manifest")
def manifest_without_format(draft: Draft) -> None:
    """There is no format."""
    del draft.manifest["format"]


@invalid("MAN-6 VER-1", "version")
def manifest_version_2(draft: Draft) -> None:
    """A later version, otherwise as version 1."""
    draft.manifest["format_version"] = 2


@invalid("MAN-6 VER-1", "version")
def manifest_version_0(draft: Draft) -> None:
    """An earlier version than the first."""
    draft.manifest["format_version"] = 0


@invalid("MAN-6 MAN-8", "version")
def manifest_version_2_to_the_53_minus_1(draft: Draft) -> None:
    """The largest version that can be written."""
    draft.manifest["format_version"] = 2**53 - 1


@invalid("MAN-6 VER-1", "version")
def manifest_version_2_with_other_content(draft: Draft) -> None:
    """A later version without any key of this one: the version is looked at first."""
    draft.manifest = {"format": "mlcore-model", "format_version": 2, "parts": ["a", {"b": None}]}


@invalid("MAN-6", "manifest")
def manifest_version_as_string(draft: Draft) -> None:
    """The version is a string."""
    draft.manifest["format_version"] = "1"


@invalid("MAN-6 MAN-8", "manifest")
def manifest_version_with_fraction(draft: Draft) -> None:
    """The version is 1.0."""
    draft.manifest["format_version"] = 1.0


@invalid("MAN-6 MAN-8", "manifest")
def manifest_version_true(draft: Draft) -> None:
    """The version is true, which some languages take for 1."""
    draft.manifest["format_version"] = True


@invalid("MAN-6", "manifest")
def manifest_without_version(draft: Draft) -> None:
    """There is no version."""
    del draft.manifest["format_version"]


@invalid("MAN-7 VER-2", "version")
def manifest_required_feature(draft: Draft) -> None:
    """A feature that no reader of this text knows is required."""
    draft.manifest["required_features"] = ["sharded-similarity"]


@invalid("MAN-7 VER-2", "version")
def manifest_required_feature_without_name(draft: Draft) -> None:
    """The name of the required feature is empty, which is no name that a reader knows."""
    draft.manifest["required_features"] = [""]


@invalid("MAN-7", "manifest")
def manifest_required_features_as_string(draft: Draft) -> None:
    """The features are one string, even if an empty one."""
    draft.manifest["required_features"] = ""


@invalid("MAN-7", "manifest")
def manifest_required_features_of_numbers(draft: Draft) -> None:
    """The required feature is a number."""
    draft.manifest["required_features"] = [1]


@invalid("MAN-7", "manifest")
def manifest_required_features_null(draft: Draft) -> None:
    """The features are null."""
    draft.manifest["required_features"] = None


@invalid("MAN-7", "manifest")
def manifest_without_required_features(draft: Draft) -> None:
    """There are no required features, not even an empty array."""
    del draft.manifest["required_features"]


@invalid("MAN-6 MAN-8", "manifest")
def manifest_version_below_0(draft: Draft) -> None:
    """The version is -1, which is no integer of this format, not one of another version."""
    draft.manifest["format_version"] = -1


# --- [CFG-1]: the configuration -----------------------------------------------------------------


@invalid("CFG-1 LIM-1", "manifest", "verify")
def config_of_one_byte_more_than_1_mib(draft: Draft) -> None:
    """The text is a byte longer than MAX_MANIFEST_BYTES, by blanks at the end."""
    draft.files["config.json"] = draft.files["config.json"].ljust(2**20 + 1)


@invalid("CFG-1", "manifest", "verify")
def config_not_json(draft: Draft) -> None:
    """The configuration is no JSON."""
    draft.files["config.json"] = b"similarity: cosine\n"


@invalid("CFG-1", "manifest", "verify")
def config_an_array(draft: Draft) -> None:
    """The configuration is an array."""
    draft.files["config.json"] = b"[]\n"


@invalid("CFG-1", "manifest", "verify")
def config_with_a_key_twice(draft: Draft) -> None:
    """A key stands twice in the configuration."""
    draft.files["config.json"] = b'{"shrinkage": 0, "shrinkage": 1}\n'


# --- [MAN-8], [MAN-10]: counts -------------------------------------------------------------------


@invalid("MAN-8 MAN-10", "manifest")
def manifest_count_with_fraction(draft: Draft) -> None:
    """The number of items is 3.0."""
    draft.manifest["counts"]["items"] = 3.0


@invalid("MAN-8 MAN-10", "manifest")
def manifest_count_with_exponent(draft: Draft) -> None:
    """The number of users is 2e0."""
    replaced(draft, b'"users": 2', b'"users": 2e0')


@invalid("MAN-8 MAN-10", "manifest")
def manifest_count_as_string(draft: Draft) -> None:
    """The number of items is a string."""
    draft.manifest["counts"]["items"] = "3"


@invalid("MAN-8 MAN-10", "manifest")
def manifest_count_with_leading_zero(draft: Draft) -> None:
    """The number of items is 03, which is no JSON."""
    replaced(draft, b'"items": 3', b'"items": 03')


@invalid("MAN-8 MAN-10", "manifest")
def manifest_count_negative(draft: Draft) -> None:
    """The number of users is -1."""
    draft.manifest["counts"]["users"] = -1


@invalid("MAN-8 MAN-10 LIM-1", "manifest")
def manifest_count_2_to_the_53(draft: Draft) -> None:
    """The number of interactions is 2^53."""
    draft.manifest["counts"]["interactions"] = 2**53


@invalid("MAN-8 MAN-10", "manifest")
def manifest_count_2_to_the_64_more(draft: Draft) -> None:
    """The number of interactions is 2^64 more than it should be: it wraps around in 64 bits."""
    draft.manifest["counts"]["interactions"] += 2**64


@invalid("MAN-8 MAN-10 STG-1", "manifest")
def manifest_count_of_5000_digits(draft: Draft) -> None:
    """The number of interactions has 5,000 digits."""
    replaced(draft, b'"interactions": 4', b'"interactions": ' + b"9" * 5000)


@invalid("MAN-10 LIM-1", "manifest")
def manifest_users_over_max_axis(draft: Draft) -> None:
    """There is one user more than MAX_AXIS; nothing else depends on it in a model without users."""
    draft.manifest["counts"]["users"] = 2**31 - 1


@invalid("MAN-10 LIM-1 STG-2", "manifest")
def manifest_items_over_max_axis(draft: Draft) -> None:
    """There is one item more than MAX_AXIS, also in the shapes; a reader must not allocate them."""
    draft.manifest["counts"]["items"] = 2**31 - 1
    files = draft.manifest["files"]
    files["similarity.npz"]["arrays"]["indptr"]["shape"] = [2**31]
    files["popularity.npz"]["arrays"]["counts"]["shape"] = [2**31 - 1]


@invalid("MAN-10", "manifest")
def manifest_without_pairs(draft: Draft) -> None:
    """The number of pairs is missing."""
    del draft.manifest["counts"]["pairs"]


@invalid("MAN-10", "manifest")
def manifest_counts_as_array(draft: Draft) -> None:
    """The counts are an array."""
    draft.manifest["counts"] = list(draft.manifest["counts"].values())


# --- [MAN-9], [MAN-11]: producer and training ----------------------------------------------------


@invalid("MAN-9", "manifest")
def manifest_without_producer(draft: Draft) -> None:
    """There is no producer."""
    del draft.manifest["producer"]


@invalid("MAN-9", "manifest")
def manifest_producer_version_as_number(draft: Draft) -> None:
    """The producer's version is a number."""
    draft.manifest["producer"]["version"] = 1


@invalid("MAN-9", "manifest")
def manifest_producer_without_name(draft: Draft) -> None:
    """The producer has no name."""
    del draft.manifest["producer"]["name"]


@invalid("MAN-11", "manifest")
def manifest_without_training(draft: Draft) -> None:
    """There is no training."""
    del draft.manifest["training"]


@invalid("MAN-11", "manifest")
def manifest_config_sha256_of_another(draft: Draft) -> None:
    """config_sha256 is not that of config.json in files."""
    draft.manifest["training"]["config_sha256"] = "0" * 64


@invalid("MAN-11", "manifest")
def manifest_interactions_sha256_in_capitals(draft: Draft) -> None:
    """The digits of interactions_sha256 are upper case."""
    training = draft.manifest["training"]
    training["interactions_sha256"] = training["interactions_sha256"].upper()


@invalid("MAN-11", "manifest")
def manifest_interactions_sha256_of_63_digits(draft: Draft) -> None:
    """A digit of interactions_sha256 is missing."""
    training = draft.manifest["training"]
    training["interactions_sha256"] = training["interactions_sha256"][1:]


@invalid("MAN-11", "manifest")
def manifest_interactions_sha256_with_line_feed(draft: Draft) -> None:
    """A line feed follows the digits of interactions_sha256; some patterns' $ lets it pass."""
    draft.manifest["training"]["interactions_sha256"] += "\n"


# --- [MAN-12] to [MAN-14]: files -----------------------------------------------------------------


@invalid("MAN-12", "manifest")
def manifest_without_files(draft: Draft) -> None:
    """There are no files."""
    del draft.manifest["files"]


@invalid("MAN-12", "manifest")
def manifest_file_not_listed(draft: Draft) -> None:
    """popularity.npz is there, but not in the manifest."""
    del draft.manifest["files"]["popularity.npz"]


@invalid("MAN-12", "manifest")
def manifest_lists_itself(draft: Draft) -> None:
    """The manifest stands among the files."""
    draft.manifest["files"]["manifest.json"] = {"bytes": 1, "sha256": "0" * 64}


@invalid("MAN-12", "manifest")
def manifest_lists_another_file(draft: Draft) -> None:
    """A file that is there stands among the files, but is none of the format."""
    draft.files["note"] = b"a note\n"


@invalid("MAN-12 DIR-4", "manifest")
def manifest_file_in_the_folder_above(draft: Draft) -> None:
    """items.csv is listed as ../items.csv, which is there too."""
    files = draft.manifest["files"]
    files["../items.csv"] = files.pop("items.csv")
    draft.tree["items.csv"] = draft.files["items.csv"]


@invalid("MAN-12 DIR-4", "manifest")
def manifest_file_by_absolute_path(draft: Draft) -> None:
    """A file outside stands among the files."""
    draft.manifest["files"]["/etc/hostname"] = {"bytes": 1, "sha256": "0" * 64}


@invalid("MAN-12 MAN-3", "manifest")
def manifest_file_in_capitals(draft: Draft) -> None:
    """items.csv is listed as Items.csv."""
    files = draft.manifest["files"]
    files["Items.csv"] = files.pop("items.csv")


@invalid("MAN-13 MAN-8", "manifest")
def manifest_bytes_as_string(draft: Draft) -> None:
    """The size of items.csv is a string."""
    entry = draft.manifest["files"]["items.csv"]
    entry["bytes"] = str(entry["bytes"])


@invalid("MAN-13 MAN-8", "manifest")
def manifest_bytes_with_fraction(draft: Draft) -> None:
    """The size of items.csv has a fraction of 0."""
    entry = draft.manifest["files"]["items.csv"]
    entry["bytes"] = float(entry["bytes"])


@invalid("MAN-13", "manifest")
def manifest_without_bytes(draft: Draft) -> None:
    """The size of items.csv is missing."""
    del draft.manifest["files"]["items.csv"]["bytes"]


@invalid("MAN-13", "manifest")
def manifest_sha256_in_capitals(draft: Draft) -> None:
    """The digits of the sha256 of items.csv are upper case."""
    entry = draft.manifest["files"]["items.csv"]
    entry["sha256"] = entry["sha256"].upper()


@invalid("MAN-13", "manifest", model=GOOD)
def manifest_sha256_null(draft: Draft) -> None:
    """The sha256 of users.csv is null, which must not mean that nothing is checked."""
    draft.manifest["files"]["users.csv"]["sha256"] = None


@invalid("MAN-13", "manifest")
def manifest_file_as_size_alone(draft: Draft) -> None:
    """The entry of items.csv is its size."""
    files = draft.manifest["files"]
    files["items.csv"] = files["items.csv"]["bytes"]


@invalid("MAN-14", "manifest")
def manifest_without_arrays(draft: Draft) -> None:
    """The arrays of similarity.npz are missing."""
    del draft.manifest["files"]["similarity.npz"]["arrays"]


@invalid("MAN-14", "manifest")
def manifest_array_missing(draft: Draft) -> None:
    """The array data of similarity.npz is missing."""
    del draft.manifest["files"]["similarity.npz"]["arrays"]["data"]


@invalid("MAN-14", "manifest")
def manifest_array_too_many(draft: Draft) -> None:
    """popularity.npz has an array that the format does not name."""
    arrays = draft.manifest["files"]["popularity.npz"]["arrays"]
    arrays["weights"] = {"dtype": "<f4", "shape": [3]}


@invalid("MAN-14", "manifest")
def manifest_other_dtype(draft: Draft) -> None:
    """The manifest and the file agree on data of type <f8, which section 4 does not."""
    dtype_of_similarities(draft, "<f8")


@invalid("MAN-14", "manifest")
def manifest_dtype_of_other_byte_order(draft: Draft) -> None:
    """The manifest and the file agree on data of type >f4."""
    dtype_of_similarities(draft, ">f4")


@invalid("MAN-14", "manifest")
def manifest_dtype_without_byte_order(draft: Draft) -> None:
    """The manifest and the file agree on data of type f4."""
    dtype_of_similarities(draft, "f4")


def dtype_of_similarities(draft: Draft, dtype: str) -> None:
    """Let the header and the manifest name a type for the similarities."""
    member = draft.member("data")
    member.header = npy_header(header_text(dtype, len(member.data) // 4))
    member.data *= 2 if dtype == "<f8" else 1
    draft.manifest["files"]["similarity.npz"]["arrays"]["data"]["dtype"] = dtype


@invalid("MAN-14", "manifest")
def manifest_shape_of_another_length(draft: Draft) -> None:
    """The array data has one element less than counts says."""
    arrays = draft.manifest["files"]["similarity.npz"]["arrays"]
    arrays["data"]["shape"] = [draft.manifest["counts"]["pairs"] - 1]


@invalid("MAN-14", "manifest")
def manifest_shape_of_two_dimensions(draft: Draft) -> None:
    """The shape of counts has a second dimension of 1."""
    draft.manifest["files"]["popularity.npz"]["arrays"]["counts"]["shape"] = [3, 1]


@invalid("MAN-14", "manifest")
def manifest_shape_without_brackets(draft: Draft) -> None:
    """The shape of counts is a number."""
    draft.manifest["files"]["popularity.npz"]["arrays"]["counts"]["shape"] = 3


@invalid("MAN-14 MAN-8", "manifest")
def manifest_shape_with_fraction(draft: Draft) -> None:
    """The shape of counts is [3.0]."""
    draft.manifest["files"]["popularity.npz"]["arrays"]["counts"]["shape"] = [3.0]


@invalid("MAN-14 MAN-10", "manifest")
def manifest_pairs_do_not_fit(draft: Draft) -> None:
    """The number of pairs is one more than the arrays have."""
    draft.manifest["counts"]["pairs"] += 1


@invalid("MAN-14 MAN-10", "manifest")
def manifest_similarity_not_square(draft: Draft) -> None:
    """The file and the manifest agree on a row more than there are items."""
    draft.values("similarity.npz", "indptr").append(5)


@invalid("MAN-14 MAN-10", "manifest")
def manifest_data_longer_than_indices(draft: Draft) -> None:
    """The file and the manifest agree on one element of data more than there are indices."""
    draft.values("similarity.npz", "data").append(0.5)
