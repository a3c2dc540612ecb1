"""Section 10, attributes and filters: catalogues, requests that filter by them, and faults of both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interop.tools.cases.events import NOON, rule
from interop.tools.cases.prediction import BASKETS, Request, of_history, of_user
from interop.tools.draft import NO_TIME, Draft, f32, make_attributes, make_model
from interop.tools.reference import answer
from interop.tools.request_form import YEAR_1, YEAR_10_000
from interop.tools.registry import GOOD, PLAIN, invalid, predict, valid

# "x" is a brand and a kind; c and e lack a value.
BRANDS = ["x", "y", "x", "z", None]
KINDS = ["tea", "x", None, "milk", "tea"]
COLUMNS = {"kind": KINDS, "brand": BRANDS}
FROM = [NO_TIME, NOON, NOON + 1, NO_TIME, NOON]
UNTIL = [NO_TIME, NO_TIME, NOON + 2, NOON, NOON]
CATALOGUE = BASKETS.with_attributes(make_attributes(COLUMNS, (FROM, UNTIL)))
TIMELESS = BASKETS.with_attributes(make_attributes(COLUMNS))


def similar_to(item: str, n: int = 10, **options: Any) -> Request:
    """Return a request for the items similar to one, with options."""
    return {"item": item, "n": n, **options}


def each(wanted: Any, **options: Any) -> list[Request]:
    """Return requests of all kinds with one filter."""
    return [
        of_history({"a": 1, "e": 2}, filter=wanted, include_seen=True, **options),
        of_history({"b": 1}, 3, filter=wanted, fill=True, **options),
        of_user("ann", filter=wanted, **options),
        of_user("cold", filter=wanted, fill=True, **options),
        similar_to("a", filter=wanted),
    ]


# --- catalogues found faulty while predicting ----------------------------------------------------


def faulty_columns(draft: Draft) -> None:
    """Make the map of the columns faulty."""
    name = "attribute_columns.csv"
    draft.files[name] = draft.files[name].replace(b"\n1,", b"\n2,")


@predict("IDM-6 ATT-4", CATALOGUE, verdict="idmap")
def catalogue_out_of_order(draft: Draft) -> list[Request]:
    """The map of the columns is faulty, and a filter is not empty, be it of no column or of an unknown one."""
    faulty_columns(draft)
    filters: list[Any] = [{"any_of": {"brand": ["x"]}}, {"at_most": {"kind": 1}}]
    filters += [{"available_at": NOON}, {"none_of": {"colour": []}}]
    asked = [request for wanted in filters for request in each(wanted)]
    return [*asked, of_history({}, filter=filters[0])]


@predict("IDM-6 ATT-4", CATALOGUE)
def catalogue_out_of_order_not_looked_at(draft: Draft) -> list[Request]:
    """The map of the columns is faulty, and no filter names a column or a moment."""
    faulty_columns(draft)
    empty: list[Any] = [{}, {"any_of": {}}, {"none_of": {}, "at_most": {}}]
    return [of_user("ann"), similar_to("a"), *(r for wanted in empty for r in each(wanted))]


@predict("IDM-6 REC-13", CATALOGUE, verdict="unknown_user")
def user_unknown_before_a_faulty_catalogue(draft: Draft) -> list[Request]:
    """The map of the columns is faulty, and the user unknown."""
    faulty_columns(draft)
    return [of_user("nobody", filter={"any_of": {"brand": ["x"]}})]


@predict("IDM-6 REC-13", CATALOGUE, verdict="unknown_item")
def item_unknown_before_a_faulty_catalogue(draft: Draft) -> list[Request]:
    """The map of the columns is faulty, and the item unknown."""
    faulty_columns(draft)
    return [similar_to("zz", filter={"any_of": {"brand": ["x"]}})]


@predict("IDM-6 REC-13", CATALOGUE, verdict="request")
def request_before_a_faulty_catalogue(draft: Draft) -> list[Request]:
    """The map of the columns is faulty, and the request malformed whatever its columns are."""
    faulty_columns(draft)
    wanted: Any = {"any_of": {"brand": ["x"]}}
    asked = [of_user("ann", 0, filter=wanted), of_history({"a": 0}, filter=wanted)]
    asked += [of_user("ann", filter={"any_of": {"brand": "x"}}), of_user("ann", filter={"x": 1})]
    return [*asked, of_history([("a", 1), ("a", 1)], filter=wanted)]


@predict("ATT-3 STG-4", CATALOGUE, verdict="csr")
def code_met_of_an_item_not_listed(draft: Draft) -> list[Request]:
    """A code of a column that a filter names is out of range, of an item that no list has."""
    draft.values("attributes.npz", "codes")[4] = 99
    filters: list[Any] = [{"any_of": {"brand": ["y"]}}, {"none_of": {"brand": []}}]
    filters += [{"at_most": {"brand": 1}}]
    asked = [of_history({"b": 1}, 1, filter=wanted) for wanted in filters]
    return [*asked, of_history({}, filter=filters[0]), similar_to("b", 1, filter=filters[1])]


@predict("ATT-3", CATALOGUE)
def code_of_another_column(draft: Draft) -> list[Request]:
    """A code is out of range, and filters name the other column."""
    draft.values("attributes.npz", "codes")[4] = 99
    return [*each({"any_of": {"kind": ["tea"]}}), *each({"available_at": NOON})]


@predict("ATT-3 STG-4", CATALOGUE, verdict="csr")
def time_met_of_an_item_not_listed(draft: Draft) -> list[Request]:
    """A time is out of range, of an item that no list has."""
    draft.values("availability.npz", "until")[4] = YEAR_10_000
    wanted = {"available_at": NOON}
    return [of_history({"b": 1}, 1, filter=wanted), of_user("ann", filter=wanted)]


# --- what a filter admits ------------------------------------------------------------------------


@predict("ATT-4 ATT-5", CATALOGUE)
def filter_any_of(draft: Draft) -> list[Request]:
    """One column and two, one value and more; no value is in no list."""
    return [
        *each({"any_of": {"brand": ["x"]}}),
        *each({"any_of": {"brand": ["z", "y", "z"]}}),
        *each({"any_of": {"brand": ["x", "z"], "kind": ["tea", "milk"]}}),
        *each({"any_of": {"brand": ["x", "y", "z"]}}),
    ]


@predict("ATT-4 ATT-5", CATALOGUE)
def filter_none_of(draft: Draft) -> list[Request]:
    """An item without a value is admitted."""
    return [
        *each({"none_of": {"brand": ["x"]}}),
        *each({"none_of": {"brand": ["x", "y"], "kind": ["tea"]}}),
        *each({"none_of": {"brand": ["x", "y", "z"]}}),
    ]


@predict("ATT-5", CATALOGUE)
def filter_of_both_lists(draft: Draft) -> list[Request]:
    """All conditions hold together, also of one column."""
    return [
        *each({"any_of": {"brand": ["x", "y"]}, "none_of": {"kind": ["x"]}}),
        *each({"any_of": {"brand": ["x", "y"]}, "none_of": {"brand": ["x"]}}),
        *each({"any_of": {"brand": ["x"]}, "none_of": {"brand": ["x"]}}),
        *each({"any_of": {"brand": ["x", "z"]}, "none_of": {}, "available_at": NOON - 1}),
    ]


@predict("ATT-5", CATALOGUE)
def filter_of_values_of_other_columns(draft: Draft) -> list[Request]:
    """A value counts in its column only."""
    return [
        *each({"any_of": {"kind": ["x"]}}),
        *each({"any_of": {"kind": ["z", "y"]}}),
        *each({"none_of": {"kind": ["x", "y", "z"]}}),
    ]


@predict("ATT-5", CATALOGUE)
def filter_of_unknown_values(draft: Draft) -> list[Request]:
    """Values that the model does not have are passed over; a list of no others admits nothing."""
    return [
        *each({"any_of": {"brand": []}}),
        *each({"any_of": {"brand": ["w", "X", "", " x", "x "]}}),
        *each({"any_of": {"brand": ["w", "z"]}}),
        *each({"none_of": {"brand": []}}),
        *each({"none_of": {"brand": ["w", ""]}}),
    ]


@predict("ATT-4", CATALOGUE)
def filter_empty(draft: Draft) -> list[Request]:
    """An empty filter and empty objects in it change nothing."""
    parts = [(), ("any_of",), ("none_of",), ("at_most",), ("any_of", "at_most")]
    return [request for some in parts for request in each({part: {} for part in some})]


@predict("ATT-4", BASKETS.without_users())
def filter_empty_without_attributes(draft: Draft) -> list[Request]:
    """So they do for a model without attributes."""
    wanted: list[Any] = [{}, {"any_of": {}}, {"none_of": {}, "at_most": {}}]
    return [of_history({"a": 1}, 2, filter=some, fill=True) for some in wanted]


@predict("ATT-5 REC-6", CATALOGUE)
def filter_with_options(draft: Draft) -> list[Request]:
    """Items to include and to exclude, seen ones, and all together."""
    wanted = {"any_of": {"brand": ["x", "z"]}}
    return [
        of_user("ann", filter=wanted, include=["c", "e"]),
        of_user("ann", filter=wanted, include=[]),
        of_user("ann", filter=wanted, exclude=["c"]),
        of_user("ann", filter=wanted, exclude=["b", "zz"]),
        of_user("bob", filter=wanted, include_seen=True),
        of_user("bob", filter=wanted, include_seen=True, exclude=["d"]),
        of_user("cold", 9, filter=wanted, fill=True, include=["a", "b", "c"]),
        of_user("cold", 2, filter=wanted, fill=True, exclude=["d"]),
        of_user("nobody", filter=wanted, fill=True),
    ]


@predict("ATT-5 REC-11 REC-12", CATALOGUE)
def filter_explained(draft: Draft) -> list[Request]:
    """Items that are not admitted are reasons all the same."""
    return each({"none_of": {"brand": ["x"]}}, explain=True)[:4]


@predict("ATT-5 REC-6", CATALOGUE)
def filter_equals_include(draft: Draft) -> list[Request]:
    """Each filter is followed by the list of the items that it admits."""
    requests: list[Request] = []
    cases: list[tuple[Any, list[str]]] = [
        ({"any_of": {"brand": ["x"]}}, ["a", "c"]),
        ({"none_of": {"kind": ["tea"]}}, ["b", "c", "d"]),
        ({"available_at": NOON}, ["a", "b"]),
    ]
    for wanted, admitted in cases:
        for user in ("ann", "eve", "cold"):
            options: dict[str, Any] = {"n": 3, "fill": True, "include_seen": True}
            pair = of_user(user, filter=wanted, **options), of_user(
                user, include=admitted, **options
            )
            one, other = (answer(draft.model, {"id": "", **request}) for request in pair)
            assert one == other
            requests += pair
    return requests


WORDS = ["__proto__", "constructor", "toString", "hasOwnProperty", "length"]


@predict(
    "ATT-4 ATT-5 IDM-4",
    BASKETS.with_attributes(
        make_attributes(
            {
                "__proto__": WORDS,
                "constructor": ["7", "07", "7.0", None, "null"],
                "\u00e9": ["\u00e9", "e\u0301", "a,b", 'a"b', "\U0001f600"],
                " ": ["\uff5e", " ", "A", "a", "\ufeff"],
                "available_from": ["a", "b", "c", "d", "e"],
            }
        )
    ),
)
def filter_of_words_that_look_alike(draft: Draft) -> list[Request]:
    """Names and values that every object of JavaScript has, or that are equal after a change."""
    requests = []
    assert draft.model.attributes is not None
    for column in draft.model.attributes.columns:
        for value in [
            "__proto__",
            "7",
            "null",
            "\u00e9",
            "a,b",
            'a"b',
            "a",
            " ",
            "\uff5e",
            "valueOf",
        ]:
            wanted = {"any_of": {column: [value]}}
            requests.append(of_history({"a": 1, "e": 1}, filter=wanted, include_seen=True))
    unknown = ["toString", "e\u0301", "", "Brand", "valueOf", "available_until"]
    return requests + [of_user("ann", filter={"any_of": {name: []}}) for name in unknown]


# --- availability --------------------------------------------------------------------------------


@predict("ATT-5", CATALOGUE)
def filter_by_availability(draft: Draft) -> list[Request]:
    """From the first moment on, and no longer at the last; none is for ever."""
    moments = [NOON - 1, NOON, NOON + 1, NOON + 2, YEAR_1, -1, 0, YEAR_10_000 - 1]
    return [request for moment in moments for request in each({"available_at": moment})]


ENDS = make_attributes(
    {},
    (
        [YEAR_1, YEAR_10_000 - 1, YEAR_1, 5, NO_TIME],
        [YEAR_10_000 - 1, NO_TIME, YEAR_1, 4, YEAR_1],
    ),
)


@predict("ATT-2 ATT-5", BASKETS.with_attributes(ENDS))
def filter_by_availability_alone(draft: Draft) -> list[Request]:
    """A catalogue of times at both ends of the calendar and no columns; one item is never there."""
    moments = [YEAR_1, YEAR_1 + 1, 4, 5, YEAR_10_000 - 2, YEAR_10_000 - 1]
    asked = [
        of_history({"a": 1, "b": 1}, filter={"available_at": moment}, include_seen=True, fill=True)
        for moment in moments
    ]
    return [*asked, of_user("ann", filter={"any_of": {"brand": ["x"]}})]


# --- caps ----------------------------------------------------------------------------------------


# Scores fall with the position; ties of two and two. Popular: i11 i10 ... i00.
SHELF = make_model(
    ["h", *(f"i{index:02}" for index in range(12))],
    {("h", f"i{index:02}"): 1 - index // 2 / 8 for index in range(8)},
    {f"u{user:02}": {f"i{index:02}": 1 for index in range(user, 12)} for user in range(12)},
).with_attributes(
    make_attributes(
        {
            "brand": [None, *"ppppqqppqqrr"],
            "series": [None, "1", "1", "2", None, None, "1", None, "2", "2", "2", "3", None],
        }
    )
)


def of_shelf(caps: dict[str, Any], n: int = 10, **more: Any) -> Request:
    """Return a request for the items that go with h."""
    more["filter"] = {"at_most": caps, **more.get("filter", {})}
    return of_history({"h": 1}, n, **more)


@predict("ATT-6", SHELF)
def caps(draft: Draft) -> list[Request]:
    """At most one, two and more of a brand or a series; items without a series do not count."""
    requests = [of_shelf({"brand": most}) for most in (1, 2, 3, 5, 6, 2**31 - 1)]
    requests += [of_shelf({"series": most}) for most in (1, 2, 3)]
    requests += [of_shelf({"brand": one, "series": two}) for one in (1, 2, 4) for two in (1, 2)]
    requests += [of_shelf({"brand": 1}, n) for n in (1, 2, 3)]
    found = answer(draft.model, {"id": "", **requests[0]})["items"]
    assert [item["item_id"] for item in found] == ["i00", "i04"]
    return [*requests, similar_to("h", 3, filter={"at_most": {"brand": 1}})]


@predict("ATT-6 REC-8", SHELF)
def caps_and_fill(draft: Draft) -> list[Request]:
    """Filled items go on with the counts of the ranked ones."""
    requests = [
        of_shelf({"brand": most}, n, fill=True) for most in (1, 2, 3) for n in (2, 3, 5, 12)
    ]
    requests += [of_shelf({"series": 1}, n, fill=True) for n in (4, 6, 12)]
    requests += [of_history({}, 5, filter={"at_most": {"brand": 1}}, fill=True)]
    requests += [of_user("u03", 5, filter={"at_most": {"brand": 1, "series": 1}}, fill=True)]
    found = answer(draft.model, {"id": "", **requests[3]})["items"]
    assert [item["item_id"] for item in found] == ["i00", "i04", "i11"]
    return requests


@predict("ATT-6 ATT-5", SHELF)
def caps_and_filters(draft: Draft) -> list[Request]:
    """What is not admitted or excluded does not count against a cap, nor does the history."""
    return [
        of_shelf({"brand": 1}, filter={"any_of": {"series": ["1", "2"]}}),
        of_shelf({"brand": 1}, filter={"none_of": {"series": ["1"]}}),
        of_shelf({"brand": 1}, filter={"none_of": {"brand": ["p"]}}, fill=True),
        of_shelf({"brand": 1}, exclude=["i00", "i01"]),
        of_shelf({"brand": 2}, include=["i03", "i06", "i07", "i05"]),
        of_shelf({"brand": 1}, filter={"any_of": {"brand": []}}, fill=True),
        of_history({"h": 1, "i00": 1}, 3, filter={"at_most": {"brand": 1}}),
        of_history({"h": 1, "i05": 1}, 3, filter={"at_most": {"brand": 1}}, include_seen=True),
    ]


@predict("ATT-6 REC-11", SHELF)
def caps_explained(draft: Draft) -> list[Request]:
    """The shares of a capped list."""
    asked = [of_shelf({"brand": most}, 4, explain=True, fill=True) for most in (1, 2)]
    return [*asked, of_shelf({"series": 1}, 2, explain=True)]


DEEP = make_model(
    ["s", *(f"t{index:03}" for index in range(600))],
    {("s", f"t{index:03}"): f32(1 / (1 + index)) for index in range(600)},
    {"u": {"s": 1}},
)


@predict(
    "ATT-6",
    DEEP.with_attributes(
        make_attributes(
            {
                "brand": [None, *("much" if index % 100 else f"b{index}" for index in range(600))],
                "same": ["x"] * 601,
            }
        )
    ),
)
def caps_far_down_the_list(draft: Draft) -> list[Request]:
    """Of 600 items nearly all have one brand: the list goes on far behind its n best."""
    wanted = [{"brand": 1}, {"brand": 2}, {"same": 2}, {"brand": 500, "same": 599}]
    return [of_user("u", n, filter={"at_most": caps}) for caps in wanted for n in (3, 20)]


# --- what is refused -----------------------------------------------------------------------------


MALFORMED: list[Any] = [
    "",
    "x",
    [],
    1,
    True,
    {"anyof": {}},
    {"Any_of": {}},
    {"": {}},
    {"any_of": []},
    {"any_of": "x"},
    {"any_of": {"brand": "x"}},
    {"any_of": {"brand": {"x": 1}}},
    {"any_of": {"brand": [1]}},
    {"any_of": {"brand": ["x", None]}},
    {"none_of": {"brand": [["x"]]}},
    {"none_of": {"kind": [True]}},
    {"any_of": {"brands": ["x"]}},
    {"any_of": {"Brand": ["x"]}},
    {"none_of": {"colour": []}},
    {"none_of": {"available_from": []}},
    {"available_at": "x"},
    {"available_at": 1.5},
    {"available_at": True},
    {"available_at": [NOON]},
    {"available_at": YEAR_1 - 1},
    {"available_at": YEAR_10_000},
    {"available_at": 2**63},
    {"available_at": -(2**63)},
    {"at_most": 1},
    {"at_most": {"brand": 0}},
    {"at_most": {"brand": -1}},
    {"at_most": {"brand": 1.5}},
    {"at_most": {"brand": "1"}},
    {"at_most": {"brand": True}},
    {"at_most": {"brand": 2**31}},
    {"at_most": {"brand": 2**64 + 1}},
    {"at_most": {"brand": [1]}},
    {"at_most": {"available_until": 1}},
    {"at_most": {"brand": 1, "colour": 1}},
]


@predict("ATT-4", CATALOGUE)
def filter_refused(draft: Draft) -> list[Request]:
    """Filters of other keys, types and columns, for whom they ever are."""
    requests = [of_user("ann", filter=wanted) for wanted in MALFORMED]
    everywhere: list[Any] = [{"any_of": {"brands": ["x"]}}, {"at_most": {"brand": 0}}, {"any": {}}]
    requests += [request for wanted in everywhere for request in each(wanted)]
    return [*requests, of_user("ann", filter={"any_of": {"brand": ["z"]}})]


@predict("ATT-4", BASKETS)
def filter_refused_without_attributes(draft: Draft) -> list[Request]:
    """A model without attributes has no column, and no times."""
    wanted: list[Any] = [{part: {"brand": ["x"]}} for part in ("any_of", "none_of")]
    wanted += [{"at_most": {"brand": 1}}, {"any_of": {"brand": []}}, {"any": {}}]
    return [*each({"available_at": NOON}), *(of_user("ann", filter=some) for some in wanted)]


@predict("ATT-4", TIMELESS)
def filter_refused_without_availability(draft: Draft) -> list[Request]:
    """A catalogue without times has its columns only."""
    return [*each({"available_at": NOON}), *each({"any_of": {"brand": ["x"]}})]


# --- faults that requests meet -------------------------------------------------------------------


def _met(name: str, note: str, verdict: str, rules: str, change: Callable[[Draft], Any]) -> None:
    def case(draft: Draft) -> list[Request]:
        change(draft)
        wanted: list[Any] = [{"any_of": {"brand": ["x", "z"]}}, {"none_of": {"brand": ["y"]}}]
        if "from" in name or "until" in name:
            wanted = [{"available_at": NOON}, {"available_at": NOON + 1}]
        # All items that have a value are candidates.
        asked = {"a": 1, "b": 1, "c": 1, "e": 1}
        return [of_history(asked, filter=some, include_seen=True) for some in wanted]

    case.__name__, case.__doc__ = f"attributes_{name}_met", note
    predict(rules, CATALOGUE, verdict)(case)


def _set(file: str, array: str, place: int, value: int) -> Callable[[Draft], Any]:
    return lambda draft: draft.values(file, array).__setitem__(place, value)


# brand is the first column: its codes are the first five.
_CODES = ("attributes.npz", "codes")
for _args in [
    ("code_past_the_end", "A code that no value has.", "csr", _set(*_CODES, 2, 99)),
    ("code_of_one_more", "A code that is the number of values.", "csr", _set(*_CODES, 1, 5)),
    ("code_far_past_the_end", "The largest code of its type.", "csr", _set(*_CODES, 3, 2**31 - 1)),
    ("code_below_none", "A code below that for none.", "csr", _set(*_CODES, 0, -2)),
    ("from_past_the_end", "A time after the year 9999.", "csr",
     _set("availability.npz", "from", 1, YEAR_10_000)),
    ("until_before_the_begin", "A time before the year 1.", "csr",
     _set("availability.npz", "until", 2, YEAR_1 - 1)),
]:  # fmt: skip
    _met(*_args[:3], "STG-3 ATT-3", _args[3])
_met("values_in_other_order", "The values do not ascend.", "idmap", "IDM-5 ATT-1",
     lambda draft: draft.ids["attribute_values.csv"].reverse())  # fmt: skip
_met("columns_in_other_order", "The columns do not ascend.", "idmap", "IDM-5 ATT-1",
     lambda draft: draft.ids["attribute_columns.csv"].reverse())  # fmt: skip


# --- models --------------------------------------------------------------------------------------

THREE = make_attributes({"brand": ["x", None, "y"], "kind": ["y", "y", "tea"]})
TIMED = make_attributes(
    {"brand": ["x", None, "y"]}, ([NO_TIME, NOON, YEAR_1], [NOON, NO_TIME, YEAR_10_000 - 1])
)
SHOP = PLAIN.with_attributes(THREE)
TIMED_SHOP = PLAIN.with_attributes(TIMED)


@valid("ATT-1 ATT-2 ATT-3 MAN-7 MAN-10 MAN-12", SHOP)
def attributes(draft: Draft) -> None:
    """Two columns that share a value."""


@valid("ATT-1 ATT-3", GOOD.with_attributes(TIMED))
def attributes_with_availability(draft: Draft) -> None:
    """Times at both ends of the calendar, in a model with users."""


@valid("ATT-1 HIS-3", GOOD.with_rule(rule("log")).with_attributes(TIMED))
def attributes_with_rule(draft: Draft) -> None:
    """Both features."""


@valid("MAN-7", GOOD.with_rule(rule("log")).with_attributes(TIMED))
def attributes_before_rule(draft: Draft) -> None:
    """Both features, in the other order."""
    draft.manifest["required_features"].reverse()


@valid("ATT-2", PLAIN.with_attributes(make_attributes({}, ([NO_TIME] * 3, [NO_TIME, 0, 1]))))
def attributes_of_times_alone(draft: Draft) -> None:
    """No columns and no values."""


@valid("ATT-2", PLAIN.with_attributes(make_attributes({})))
def attributes_of_nothing(draft: Draft) -> None:
    """No columns, no values, no times."""


@valid(
    "ATT-2 ATT-3", PLAIN.with_attributes(make_attributes({"brand": [None] * 3, "a": [None] * 3}))
)
def attributes_without_values(draft: Draft) -> None:
    """Two columns in which no item has a value."""


@valid("ATT-3", SHOP)
def attributes_of_a_value_of_nobody(draft: Draft) -> None:
    """A value that no item has."""
    draft.ids["attribute_values.csv"].append("z")
    draft.manifest["counts"]["attribute_values"] = 4


@valid("ATT-2", make_model([], {}, {}).with_attributes(make_attributes({"b": []}, ([], []))))
def attributes_of_no_items(draft: Draft) -> None:
    """A column of a catalogue without items."""


@valid(
    "ATT-1 IDM-3 IDM-4",
    PLAIN.with_attributes(
        make_attributes(
            {
                'a,"b"': [",", '"', "a,b"],
                " ": ["\u00e9", "e\u0301", "\u2028"],
                "available_from": ["\ufeff", "\U0001f600", "x" * 65_535],
            }
        )
    ),
)
def attributes_of_any_text(draft: Draft) -> None:
    """Columns and values that are quoted, that look alike, or that are long."""


@valid("MAN-4 ATT-2", PLAIN)
def attributes_counted_without_the_feature(draft: Draft) -> None:
    """Without the feature the two counts are keys that the text does not name."""
    draft.manifest["counts"] |= {"attribute_columns": "two", "attribute_values": -1}


# --- faults of models ----------------------------------------------------------------------------

NAMES = ("attribute_columns.csv", "attribute_values.csv", "attributes.npz")


def _faulty(
    name: str, note: str, verdict: str, stage: str, rules: str, change: Callable[[Draft], Any]
) -> None:
    def case(draft: Draft) -> None:
        change(draft)

    case.__name__, case.__doc__ = f"attributes_{name}", note
    invalid(rules, verdict, stage, model=TIMED_SHOP)(case)


def _count(key: str, value: Any) -> Callable[[Draft], Any]:
    return lambda draft: draft.manifest["counts"].update({key: value})


def _remove(name: str) -> Callable[[Draft], Any]:
    def change(draft: Draft) -> None:
        del draft.files[name]

    return change


def _lose(name: str) -> Callable[[Draft], Any]:
    return lambda draft: draft.directory.pop(name)


def _unlist(name: str) -> Callable[[Draft], Any]:
    def change(draft: Draft) -> None:
        del draft.manifest["files"][name]

    return change


for _name in NAMES:
    _stem = _name.replace(".", "_").removeprefix("attribute_")
    _faulty(f"without_{_stem}", f"{_name} is neither there nor listed.", "manifest", "open",
            "ATT-1 MAN-12", _remove(_name))  # fmt: skip
    _faulty(f"{_stem}_not_listed", f"{_name} is there, but not listed.", "manifest", "open",
            "ATT-1 MAN-12", _unlist(_name))  # fmt: skip
    _faulty(f"{_stem}_missing", f"{_name} is listed, but not there.", "io", "open",
            "ATT-1", _lose(_name))  # fmt: skip


def _empty_features(draft: Draft) -> None:
    draft.manifest["required_features"] = []


def _codes_as_i8(draft: Draft) -> None:
    draft.arrays["attributes.npz"]["codes"] = ("<i8", draft.values(*_CODES))


def _without_until(draft: Draft) -> None:
    del draft.arrays["availability.npz"]["until"]


def _both_counts_at_most(draft: Draft) -> None:
    draft.manifest["counts"] |= {"items": 2**31 - 2, "attribute_columns": 2**31 - 2}


_TIMES = "availability.npz"
for _row in [
    ("without_the_feature", "The files are listed, but the feature is not.", "manifest", "open",
     "ATT-1 MAN-12", _empty_features),
    ("availability_not_listed", "availability.npz is there, but not listed.", "manifest", "open",
     "ATT-1 MAN-12", _unlist(_TIMES)),
    ("columns_not_counted", "counts lacks attribute_columns.", "manifest", "open", "ATT-2",
     lambda draft: draft.manifest["counts"].pop("attribute_columns")),
    ("values_not_counted", "counts lacks attribute_values.", "manifest", "open", "ATT-2",
     lambda draft: draft.manifest["counts"].pop("attribute_values")),
    ("columns_counted_as_text", "attribute_columns is a string.", "manifest", "open", "ATT-2",
     _count("attribute_columns", "1")),
    ("columns_counted_as_true", "attribute_columns is true.", "manifest", "open", "ATT-2",
     _count("attribute_columns", True)),
    ("values_below_0", "attribute_values is -1.", "manifest", "open", "ATT-2",
     _count("attribute_values", -1)),
    ("values_over_max_axis", "attribute_values is beyond MAX_AXIS.", "manifest", "open",
     "ATT-2 LIM-1", _count("attribute_values", 2**31 - 1)),
    ("columns_over_max_axis", "attribute_columns is beyond MAX_AXIS.", "manifest", "open",
     "ATT-2 LIM-1", _count("attribute_columns", 2**31 - 1)),
    ("codes_over_max_entries", "C x I is beyond MAX_ENTRIES.", "manifest", "open", "ATT-2 LIM-1",
     _both_counts_at_most),
    ("columns_counted_too_high", "There are codes of one column, and two are counted.", "manifest",
     "open", "ATT-2 MAN-14", _count("attribute_columns", 2)),
    ("codes_of_8_bytes", "The codes are of i64.", "manifest", "open", "MAN-14", _codes_as_i8),
    ("codes_too_few", "There is a code for each item but one.", "manifest", "open", "MAN-14",
     lambda draft: draft.values(*_CODES).pop()),
    ("times_without_until", "availability.npz has from only.", "manifest", "open", "MAN-14",
     _without_until),
    ("times_too_many", "There is an until for one item more.", "manifest", "open", "MAN-14",
     lambda draft: draft.values(_TIMES, "until").append(0)),
    ("values_counted_too_low", "There are two values, and one is counted.", "idmap", "verify",
     "ATT-2 IDM-2", _count("attribute_values", 1)),
    ("columns_twice", "A column is there twice.", "idmap", "verify", "ATT-1 IDM-5",
     lambda draft: draft.ids["attribute_columns.csv"].append("brand")),
    ("values_twice", "A value is there twice.", "idmap", "verify", "ATT-1 IDM-5",
     lambda draft: draft.ids["attribute_values.csv"].__setitem__(1, "x")),
    ("values_not_ascending", "The values do not ascend.", "idmap", "verify", "ATT-1 IDM-5",
     lambda draft: draft.ids["attribute_values.csv"].reverse()),
    ("value_empty", "A value is empty.", "idmap", "verify", "ATT-1 IDM-4",
     lambda draft: draft.ids["attribute_values.csv"].__setitem__(0, "")),
    ("column_with_nul", "The name of a column holds a NUL.", "idmap", "verify", "ATT-1 IDM-1",
     lambda draft: draft.ids["attribute_columns.csv"].__setitem__(0, "a\0")),
    ("code_past_the_end", "A code is the number of values.", "csr", "verify", "ATT-3",
     _set(*_CODES, 1, 2)),
    ("code_below_none", "A code is below that for none.", "csr", "verify", "ATT-3",
     _set(*_CODES, 2, -2)),
    ("code_far_below_none", "A code is the least of its type.", "csr", "verify", "ATT-3",
     _set(*_CODES, 0, -(2**31))),
    ("from_after_9999", "A time is one microsecond after the year 9999.", "csr", "verify", "ATT-3",
     _set(_TIMES, "from", 0, YEAR_10_000)),
    ("until_before_1", "A time is one microsecond before the year 1.", "csr", "verify", "ATT-3",
     _set(_TIMES, "until", 0, YEAR_1 - 1)),
    ("until_of_almost_none", "A time is one more than none is.", "csr", "verify", "ATT-3",
     _set(_TIMES, "until", 1, NO_TIME + 1)),
    ("checksum", "The digest of attributes.npz is another one.", "checksum", "verify", "MAN-13",
     lambda draft: draft.manifest["files"]["attributes.npz"].update(sha256="0" * 64)),
    ("checksum_of_values", "The digest of attribute_values.csv is another one.", "checksum",
     "verify", "MAN-13",
     lambda draft: draft.manifest["files"]["attribute_values.csv"].update(sha256="0" * 64)),
    ("size", "The size of availability.npz is another one.", "size", "open", "MAN-13",
     lambda draft: draft.manifest["files"][_TIMES].update(bytes=1)),
]:  # fmt: skip
    _faulty(*_row)
