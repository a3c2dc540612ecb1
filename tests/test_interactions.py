"""mlcore.interactions: columns in, one weight for each user and item out, whatever the row order."""

from __future__ import annotations

import hashlib
import struct
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore import ConfigError, DataError, Interactions
from mlcore.interactions import Events
from mlcore.aggregate import AGGREGATES, Aggregate

Row = tuple[str, str, float, int]
Table = dict[tuple[str, str], tuple[float, int | None]]

ROWS = st.lists(
    st.tuples(
        st.sampled_from(["u", "v", "w"]),
        st.sampled_from(["a", "b", "c"]),
        st.floats(2.0**-60, 2.0**60),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=12,
)


def columns_of(rows: Iterable[Row]) -> tuple[list[str], list[str], list[float], list[int]]:
    users, items, weights, times = zip(*rows)
    return list(users), list(items), list(weights), list(times)


def events_of(rows: list[Row], with_times: bool = True) -> Events:
    users, items, weights, times = columns_of(rows)
    user_ids, item_ids = sorted(set(users)), sorted(set(items))
    return Events(
        user_ids,
        item_ids,
        np.array([user_ids.index(user) for user in users], np.int32),
        np.array([item_ids.index(item) for item in items], np.int32),
        np.array(weights),
        np.array(times, np.int64) * 1_000_000 if with_times else None,
    )


def table(interactions: Interactions) -> Table:
    """What interactions hold, and that they hold it in canonical order."""
    matrix, times = interactions.user_items, interactions.timestamps
    assert [array.dtype for array in (matrix.indptr, matrix.indices, matrix.data)] == [
        "int64",
        "int32",
        "float64",
    ]
    assert matrix.num_columns == len(interactions.item_ids)
    assert matrix.num_rows == len(interactions.user_ids)
    assert len(matrix.data) == len(matrix.indices) == matrix.indptr[-1] == len(interactions)
    found: Table = {}
    for row, user_id in enumerate(interactions.user_ids):
        for entry in range(matrix.indptr[row], matrix.indptr[row + 1]):
            item_id = interactions.item_ids[matrix.indices[entry]]
            time = None if times is None else int(times[entry]) // 1_000_000
            found[user_id, item_id] = float(matrix.data[entry]), time
    assert list(found) == sorted(found) and len(found) == len(interactions)
    return found


# --- columns ------------------------------------------------------------------------------------


class PolarsLike:
    def __init__(self, values: list[Any]) -> None:
        self._values = values

    def to_list(self) -> list[Any]:
        return self._values


@pytest.mark.parametrize("kind", [list, tuple, iter, np.array, PolarsLike])
def test_columns_may_be_any_sequence(kind: Any) -> None:
    found = Interactions.from_columns(
        kind(["v", "u", "v"]), kind(["b", "a", "a"]), kind([2, 0.5, 3]), kind([7, 8, -9])
    )
    assert table(found) == {("u", "a"): (0.5, 8), ("v", "a"): (3, -9), ("v", "b"): (2, 7)}


def test_numbers_of_any_kind_are_weights_and_integers_of_any_kind_timestamps() -> None:
    found = Interactions.from_columns(
        ["u"] * 4, "abcd", [1, Decimal("0.5"), np.float32(2), np.int8(3)], [1, np.int64(2), 3, 4]
    )
    assert [weight for weight, _ in table(found).values()] == [1, 0.5, 2, 3]
    assert [time for _, time in table(found).values()] == [1, 2, 3, 4]


def test_weights_are_1_and_timestamps_missing_unless_given() -> None:
    assert table(Interactions.from_columns(["u"], ["a"])) == {("u", "a"): (1.0, None)}


def test_ids_are_never_numbers_never_trimmed_never_normalised() -> None:
    ids = ["007", "7", " 7", "7 ", "é", "e\N{COMBINING ACUTE ACCENT}", "NaN", "None"]
    found = Interactions.from_columns(ids, ["a"] * len(ids))
    assert set(found.user_ids) == set(ids) and len(found.user_ids) == len(ids)


def test_ids_stand_in_utf8_byte_order() -> None:
    # U+FFFD before U+1F600: in UTF-16, the order of Java and JavaScript, it is the other way round
    ids = ["\U0001f600", "\ufffd", "é", "z", "Z", "10", "9", "~"]
    found = Interactions.from_columns(ids, ids)
    assert found.user_ids == found.item_ids == sorted(ids, key=str.encode)
    assert sorted(ids, key=lambda text: text.encode("utf-16-be")) != found.user_ids


def test_equal_pairs_are_one_interaction_with_the_sum_and_the_latest_time() -> None:
    found = Interactions.from_columns("uuvu", "abaa", [1, 2, 4, 8], [30, 20, 10, 5])
    assert table(found) == {("u", "a"): (9, 30), ("u", "b"): (2, 20), ("v", "a"): (4, 10)}


@given(ROWS, st.randoms(use_true_random=False))
def test_row_order_changes_no_bit(rows: list[Row], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    first = Interactions.from_columns(*columns_of(rows))
    second = Interactions.from_columns(*columns_of(shuffled))
    assert table(first) == table(second) and first.sha256() == second.sha256()


def test_a_sum_that_depends_on_the_order_of_addition_does_not_depend_on_row_order() -> None:
    weights = [2.0**53, 1.0, 1.0]
    assert (weights[0] + weights[1]) + weights[2] != (weights[1] + weights[2]) + weights[0]
    sums = {
        float(Interactions.from_columns("uuu", "aaa", order).user_items.data[0])
        for order in (weights, weights[::-1], [1.0, 2.0**53, 1.0])
    }
    assert len(sums) == 1


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (([], []), "user_ids: expected at least one row, got none"),
        ((["u"], ["a", "b"]), "item_ids: expected 1 rows, got 2"),
        ((["u", "v"], ["a", "b"], [1]), "weights: expected 2 rows, got 1"),
        ((["u", "v"], ["a", "b"], [1, 1], [1]), "timestamps: expected 2 rows, got 1"),
        ((7, ["a", "b"]), "user_ids: expected a list or an array, got 7"),
        ((["u"], None), "item_ids: expected a list or an array, got None"),
        ((["u", 7], ["a", "b"]), "user_ids[1]: expected a string, got 7"),
        ((["u"], [None]), "item_ids[0]: expected a string, got None"),
        ((["u"], [float("nan")]), "item_ids[0]: expected a string, got nan"),
        ((["u"], [["a"]]), "item_ids[0]: expected a string, got ['a']"),
        (
            (["u"], [""]),
            "item_ids[0]: expected an id of at least one character, got an empty one",
        ),
        ((["u"], ["a\n"]), "item_ids[0]: expected no NUL and no line break, got 'a\\n'"),
        ((["u"], ["a\0"]), "item_ids[0]: expected no NUL and no line break, got 'a\\x00'"),
        ((["u"], ["\ud800"]), "item_ids[0]: expected well-formed Unicode, got '\\ud800'"),
        ((["u"], ["é" * 32768]), "item_ids[0]: expected at most 65535 bytes, got 65536"),
        ((["u"], ["a"], [0]), "weights[0]: expected a finite number above 0, got 0"),
        ((["u"], ["a"], [-1.5]), "weights[0]: expected a finite number above 0, got -1.5"),
        ((["u"], ["a"], [float("nan")]), "weights[0]: expected a finite number above 0, got nan"),
        ((["u"], ["a"], [float("inf")]), "weights[0]: expected a finite number above 0, got inf"),
        ((["u"], ["a"], ["1"]), "weights[0]: expected a finite number above 0, got '1'"),
        ((["u"], ["a"], [None]), "weights[0]: expected a finite number above 0, got None"),
        ((["u"], ["a"], [True]), "weights[0]: expected a finite number above 0, got True"),
        ((["u"], ["a"], [1j]), "weights[0]: expected a finite number above 0, got 1j"),
        (
            (["u"], ["a"], [10**400]),
            f"weights[0]: expected a finite number above 0, got 1{'0' * 59}...",
        ),
        (
            (["u"], ["a"], [1], [1.0]),
            "timestamps[0]: expected integer seconds, a datetime or an RFC 3339 time, got 1.0",
        ),
        (
            (["u"], ["a"], [1], [True]),
            "timestamps[0]: expected integer seconds, a datetime or an RFC 3339 time, got True",
        ),
        (
            (["u"], ["a"], [1], ["2024"]),
            "timestamps[0]: expected integer seconds, a datetime or an RFC 3339 time, got '2024'",
        ),
        # milliseconds, which would be the year 55,840
        (
            (["u"], ["a"], [1], [1_700_000_000_000]),
            "timestamps[0]: expected integer seconds, a datetime or an RFC 3339 time, got 1700000000000",
        ),
        (
            (["u"], ["a"], [1], [-62_135_596_801]),
            "timestamps[0]: expected integer seconds, a datetime or an RFC 3339 time, got -62135596801",
        ),
        (
            (["u", "u"], ["a", "a"], [1e308, 1e308]),
            "weight: user 'u', item 'a': expected a finite sum, got Infinity",
        ),
    ],
)
def test_a_faulty_column_is_refused_with_its_name_and_row(
    columns: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(DataError) as caught:
        Interactions.from_columns(*columns)
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [7, np.int64(7)])
def test_a_number_as_id_is_refused_with_the_cure(value: Any) -> None:
    with pytest.raises(DataError) as caught:
        Interactions.from_columns([value], ["a"])
    assert caught.value.hint == "ids are strings: convert numbers with str()"


def test_values_at_their_bounds_are_accepted() -> None:
    times = [-62_135_596_800, 253_402_300_799]
    found = Interactions.from_columns(["u", "v"], ["a" * 65_535] * 2, [5e-324, 1.7e308], times)
    assert list(table(found).values()) == [(5e-324, times[0]), (1.7e308, times[1])]


# --- aggregates ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "weight"),
    [
        # Rows of one pair as (weight, time): (5, 1), (2, 9), (3, 9), (1, 4).
        ("sum", 11.0),
        ("max", 5.0),
        ("last", 3.0),  # two rows are the newest; the greater weight is taken
        ("count", 4.0),
    ],
)
def test_each_aggregate_gives_what_the_hand_computes(how: Aggregate, weight: float) -> None:
    rows = [("u", "a", 5.0, 1), ("u", "a", 2.0, 9), ("u", "a", 3.0, 9), ("u", "a", 1.0, 4)]
    found = events_of([*rows, ("v", "a", 7.0, 2)]).aggregate(how)
    other = 1.0 if how == "count" else 7.0
    assert table(found) == {("u", "a"): (weight, 9), ("v", "a"): (other, 2)}


@pytest.mark.parametrize("how", AGGREGATES)
@given(rows=ROWS)
def test_aggregates_equal_those_of_plain_python(how: Aggregate, rows: list[Row]) -> None:
    pairs: dict[tuple[str, str], list[tuple[int, float]]] = defaultdict(list)
    for user, item, weight, time in rows:
        pairs[user, item].append((time, weight))
    expected: Table = {}
    for pair, entries in pairs.items():
        total = 0.0
        for _, weight in sorted(entries):  # by time, then weight: an order of addition is needed
            total += weight
        value = {
            "sum": total,
            "max": max(weight for _, weight in entries),
            "last": max(entries)[1],
            "count": float(len(entries)),
        }[how]
        expected[pair] = value, max(entries)[0]
    assert table(events_of(rows).aggregate(how)) == expected


@pytest.mark.parametrize("how", ["sum", "max", "count"])
def test_aggregates_but_last_need_no_timestamps(how: Aggregate) -> None:
    found = events_of([("u", "a", 5.0, 1), ("u", "a", 5.0, 2)], with_times=False).aggregate(how)
    assert table(found) == {("u", "a"): ({"sum": 10, "max": 5, "count": 2}[how], None)}


def test_last_without_timestamps_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        events_of([("u", "a", 5.0, 1)], with_times=False).aggregate("last")
    assert str(caught.value) == "timestamp: expected a column to find the last row by, got none"


def test_an_unknown_aggregate_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        events_of([("u", "a", 5.0, 1)]).aggregate("mean")  # type: ignore[arg-type]
    assert str(caught.value) == "aggregate: expected one of sum, max, last, count, got 'mean'"


# --- the canonical form -------------------------------------------------------------------------


@pytest.mark.parametrize("with_times", [False, True])
def test_sha256_is_that_of_the_bytes_the_docstring_names(with_times: bool) -> None:
    times = [1_700_000_000, -5, 0] if with_times else None
    found = Interactions.from_columns(["é", "u", "u"], ["a", "bb", "a"], [0.5, 3, 1e-9], times)
    # Users u, é; items a, bb; pairs (u, a), (u, bb), (é, a).
    data = struct.pack("<3q", 2, 2, 3)
    for text in ("u", "é", "a", "bb"):
        data += struct.pack("<I", len(text.encode())) + text.encode()
    data += struct.pack("<3q", 0, 2, 3) + struct.pack("<3i", 0, 1, 0)
    data += struct.pack("<3d", 1e-9, 3, 0.5)
    if with_times:
        data += struct.pack("<3q", 0, -5_000_000, 1_700_000_000_000_000)
    assert found.sha256() == hashlib.sha256(data).hexdigest()


def test_sha256_tells_apart_what_differs() -> None:
    base = (["u", "v"], ["a", "b"], [1, 2], [3, 4])
    others: list[tuple[Any, ...]] = [
        (["u", "w"], ["a", "b"], [1, 2], [3, 4]),
        (["u", "v"], ["a", "c"], [1, 2], [3, 4]),
        (["u", "v"], ["b", "a"], [1, 2], [3, 4]),
        (["u", "v"], ["a", "b"], [1, 2.5], [3, 4]),
        (["u", "v"], ["a", "b"], [1, 2], [3, 5]),
        (["u", "v"], ["a", "b"], [1, 2]),
        (["u", "va"], ["a", "b"], [1, 2], [3, 4]),
    ]
    digests = {Interactions.from_columns(*columns).sha256() for columns in (base, *others)}
    assert len(digests) == 1 + len(others)


# --- selections and catalogues ------------------------------------------------------------------


@given(ROWS, st.integers(0, 2**9 - 1))
def test_select_keeps_the_marked_and_drops_users_and_items_left_empty(
    rows: list[Row], marks: int
) -> None:
    whole = Interactions.from_columns(*columns_of(rows))
    keep = np.array([bool(marks >> place & 1) for place in range(len(whole))], bool)
    expected = {pair: row for (pair, row), kept in zip(table(whole).items(), keep) if kept}
    found = whole.select(keep)
    assert table(found) == expected
    assert found.user_ids == sorted({user for user, _ in expected})
    assert found.item_ids == sorted({item for _, item in expected})


def test_with_catalogue_adds_items_of_nobody_and_keeps_everything_else() -> None:
    small = Interactions.from_columns("uuv", "dbd", [1, 2, 3], [4, 5, 6])
    large = small.with_catalogue(["e", "c", "b", "a", "c"])  # d is missing, c stands twice
    assert large.item_ids == ["a", "b", "c", "d", "e"]
    assert table(large) == table(small)
    assert large.user_ids == small.user_ids and len(small.item_ids) == 2


def test_how_rows_were_combined_stays_known() -> None:
    users, items = np.zeros((2, 2), np.int32)
    once = Events(["u"], ["a"], users, items, np.array([1.0, 2.0])).aggregate("max")
    assert once.with_catalogue(["a", "b"]).combined_by == "max"
    assert once.select(np.array([True])).combined_by == "max"
    assert once.combined_again("sum").combined_by == "max"
    assert once.combined_again("count").combined_by == "count"


def test_with_catalogue_names_a_faulty_id() -> None:
    with pytest.raises(DataError) as caught:
        Interactions.from_columns(["u"], ["a"]).with_catalogue(["b", ""])
    assert str(caught.value) == (
        "catalogue[1]: expected an id of at least one character, got an empty one"
    )


@pytest.mark.parametrize("column", [b"ab", np.array("ab"), np.int64(7), 7, None])
def test_a_single_value_is_no_column(column: Any) -> None:
    with pytest.raises(DataError, match="^user_ids: expected a list or an array, got "):
        Interactions.from_columns(column, ["a", "b"])


# --- the events behind the interactions ---------------------------------------------------------


def sequence_of(interactions: Interactions) -> list[tuple[str, int, str]]:
    """Return user, time and item of the events in order."""
    found, ids = interactions.sequences, interactions.item_ids
    users = np.repeat(interactions.user_ids, np.diff(found.indptr)).tolist()
    times = (found.times // 1_000_000).tolist()
    return [(user, time, ids[item]) for user, time, item in zip(users, times, found.items.tolist())]


def in_order(rows: Iterable[Row]) -> list[tuple[str, int, str]]:
    return sorted((user, time, item) for user, item, _, time in rows)


@given(ROWS, st.randoms(use_true_random=False))
def test_sequences_are_the_events_in_order_of_time_then_item(rows: list[Row], random: Any) -> None:
    shuffled = random.sample(rows, len(rows))
    found = Interactions.from_columns(*columns_of(shuffled))
    assert sequence_of(found) == in_order(rows)
    digest = found.sha256(with_order=True)
    assert digest == Interactions.from_columns(*columns_of(rows)).sha256(with_order=True)
    kept = Interactions.of(events_of(rows), keep_events=True)
    assert sequence_of(kept) == in_order(rows) and kept.sha256(with_order=True) == digest


@given(ROWS, st.integers(0, 2**9 - 1))
def test_a_selection_and_a_catalogue_keep_the_events_of_what_they_keep(
    rows: list[Row], marks: int
) -> None:
    whole = Interactions.from_columns(*columns_of(rows))
    keep = np.array([bool(marks >> place & 1) for place in range(len(whole))], bool)
    pairs = {pair for pair, kept in zip(table(whole), keep) if kept}
    expected = [row for row in rows if row[:2] in pairs]
    found = whole.select(keep)
    assert sequence_of(found) == in_order(expected)
    assert sequence_of(found.with_catalogue(["0", "bb", "z"])) == in_order(expected)
    # A selection is what its rows would have been.
    if expected:
        again = Interactions.from_columns(*columns_of(expected))
        assert found.has_repeats == again.has_repeats == (found.events is not None)
        assert found.sha256(with_order=True) == again.sha256(with_order=True)


@given(ROWS)
def test_events_combined_and_gone_are_never_taken_for_all(rows: list[Row]) -> None:
    gone = events_of(rows).aggregate()
    everything = np.ones(len(gone), bool)
    for one in (
        gone,
        gone.select(everything),
        gone.with_catalogue(["z"]),
        gone.combined_again("max"),
    ):
        assert one.has_repeats == (len(gone) < len(rows)) and one.events is None
        if not one.has_repeats:
            assert sequence_of(one) == in_order(rows)
            continue
        with pytest.raises(DataError) as caught:
            _ = one.sequences
        assert str(caught.value) == (
            "interactions: expected all events of each user in order, got rows of one user and "
            "item combined into one"
        )
        assert "keep_events=True" in (caught.value.hint or "")


def test_sequences_without_timestamps_are_refused() -> None:
    with pytest.raises(DataError) as caught:
        _ = Interactions.from_columns("uu", "aa").sequences
    assert str(caught.value) == "timestamp: expected a column to put events in order by, got none"


def test_interactions_combined_again_keep_their_events_but_no_catalogue() -> None:
    rows: list[Row] = [("u", "b", 2.0, 1), ("u", "b", 3.0, 0), ("u", "a", 1.0, 5)]
    whole = Interactions.from_columns(*columns_of(rows)).with_catalogue(["0", "c"])
    found = whole.combined_again("count")
    assert table(found) == {("u", "a"): (1, 5), ("u", "b"): (1, 1)}
    assert found.combined_by == "count" and sequence_of(found) == in_order(rows)


def test_the_digest_with_order_adds_the_bytes_the_docstring_names() -> None:
    found = Interactions.from_columns("uuvu", "abab", timestamps=[3, 1, 2, 4])  # u: b a b
    single = Interactions.from_columns("uuv", "aba", [1, 2, 1], [3, 4, 2])
    assert found.sha256() == single.sha256() == single.sha256(with_order=True)
    data = struct.pack("<3q", 2, 2, 3)
    for text in ("u", "v", "a", "b"):
        data += struct.pack("<I", 1) + text.encode()
    data += struct.pack("<3q", 0, 2, 3) + struct.pack("<3i", 0, 1, 0) + struct.pack("<3d", 1, 2, 1)
    data += struct.pack("<3q", 3_000_000, 4_000_000, 2_000_000)
    assert found.sha256() == hashlib.sha256(data).hexdigest()
    data += struct.pack("<3q", 0, 3, 4) + struct.pack("<4i", 1, 0, 1, 0)
    data += struct.pack("<4q", 1_000_000, 3_000_000, 4_000_000, 2_000_000)
    assert found.sha256(with_order=True) == hashlib.sha256(data).hexdigest()
