"""mlcore.recommend.filter: which items a filter admits, and what is refused."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore import ConfigError, DataError, Interactions, Recommender, train_from_data
from mlcore.artifact import Attributes
from mlcore.errors import CsrError, DataWarning
from mlcore.files.catalogue import NO_TIME, Catalogue
from mlcore.files.options import InputOptions
from mlcore.ids import IdMap
from mlcore.recommend.filter import ItemFilter, note_filter, read_filter
from tests.optional import optional
from tests.recommend.catalogues import admits, random_filter, random_options, random_world


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("seed", range(5))
def test_a_filter_equals_the_list_to_include_of_what_it_admits(seed: int) -> None:
    rng = random.Random(seed)
    world = random_world(rng)
    recommender, cut = world.recommender, 0
    for _ in range(14):
        wanted, options = random_filter(rng), random_options(rng, world)
        admitted = [item for item, of in world.facts.items() if admits(wanted, of)]
        included = options.pop("include")
        both = [item for item in admitted if included is None or item in included]
        explain = rng.random() < 0.5
        found = recommender.predict_many(
            world.users, **options, include=included, filter=wanted, explain=explain
        )
        expected = recommender.predict_many(world.users, **options, include=both, explain=explain)
        assert repr(found) == repr(expected)  # of floats: every bit
        cut += found != recommender.predict_many(
            world.users, **options, include=included, explain=explain
        )
        one = recommender.predict(
            world.users[3], **options, include=included, filter=wanted, explain=explain
        )
        assert repr(one) == repr(expected[3])
    assert cut


@given(st.randoms(use_true_random=False))
def test_similar_items_and_histories_are_filtered_alike(rng: random.Random) -> None:
    world = random_world(rng, 12)
    wanted = random_filter(rng)
    admitted = [item for item, of in world.facts.items() if admits(wanted, of)]
    recommender = world.recommender
    for item in list(world.facts)[:4]:
        listed = recommender.predict_history([item], 5, weights="final", include=admitted)
        assert repr(recommender.similar_items(item, 5, filter=wanted)) == repr(listed)
        basket = [item, "i001"]
        one = recommender.predict_history(basket, 5, fill="popularity", filter=wanted)
        other = recommender.predict_history(basket, 5, fill="popularity", include=admitted)
        assert repr(one) == repr(other)


# Three items: milk of acme, there from 10 s; tea of zeta, there until 10 s; jam of nobody.
TABLE = Catalogue(
    ["milk", "tea", "jam"],
    {"brand": [0, 1, -1]},
    ["acme", "zeta"],
    [10_000_000, NO_TIME, NO_TIME],
    [NO_TIME, 10_000_000, NO_TIME],
)
ITEMS = IdMap.from_ids(["jam", "milk", "tea"])
SHOP = Attributes.encode(TABLE, ITEMS)


def admitted(wanted: Any, attributes: Attributes | None = SHOP) -> list[str]:
    found = ItemFilter.parse(wanted).admitted(attributes)
    assert found is not None and found.dtype == bool
    return [ITEMS.ids[place] for place in np.flatnonzero(found)]


def test_items_are_admitted_as_the_hand_does() -> None:
    assert admitted({"any_of": {"brand": ["acme"]}}) == ["milk"]
    assert admitted({"any_of": {"brand": ["acme", "nobody"]}}) == ["milk"]
    assert admitted({"any_of": {"brand": []}}) == []
    assert admitted({"none_of": {"brand": ["acme"]}}) == ["jam", "tea"]
    assert admitted({"none_of": {"brand": ["nobody"]}}) == ["jam", "milk", "tea"]
    assert admitted({"available_at": 9}) == ["jam", "tea"]
    assert admitted({"available_at": 10}) == ["jam", "milk"]
    assert admitted({"available_at": 10, "none_of": {"brand": ["acme"]}}) == ["jam"]


def test_a_moment_is_given_as_other_times_are() -> None:
    ten = [10, np.int64(10), "1970-01-01T00:00:10Z", datetime.fromtimestamp(10, timezone.utc)]
    assert [ItemFilter.parse({"available_at": moment}).available_at for moment in ten] == [
        10**7
    ] * 4


@pytest.mark.parametrize("wanted", [None, {}, {"any_of": {}}, {"none_of": {}, "at_most": {}}])
def test_an_empty_filter_admits_all_of_any_model(wanted: Any) -> None:
    for attributes in (SHOP, None):
        assert ItemFilter.parse(wanted).admitted(attributes) is None
        assert ItemFilter.parse(wanted).caps(attributes) is None


REFUSED: list[tuple[Any, str, str | None]] = [
    ("x", "filter: expected an object, got 'x'", None),
    ([], "filter: expected an object, got []", None),
    ({"brand": ["x"]}, "filter: expected one of any_of, none_of, available_at, at_most, got the key "
     "'brand'", None),
    ({"anyof": {}}, "filter: expected one of any_of, none_of, available_at, at_most, got the key "
     "'anyof'", "did you mean any_of?"),
    ({"any_of": ["x"]}, "filter: any_of: expected an object, got [\"x\"]", None),
    ({"any_of": {7: ["x"]}}, "filter: any_of: expected keys that are strings, got 7", None),
    ({"any_of": {"brand": "acme"}}, "filter: any_of: brand: expected a list of strings, got 'acme'",
     '["acme"] is a list of one'),
    ({"any_of": {"brand": {"acme": 1}}}, "filter: any_of: brand: expected a list of strings, got "
     '{"acme": 1}', None),
    ({"none_of": {"year": ["1998", 1999]}}, "filter: none_of: year[1]: expected a string, got 1999",
     'values are texts: "1999"'),
    ({"none_of": {"year": [None]}}, "filter: none_of: year[0]: expected a string, got null", None),
    ({"at_most": {"brand": 0}}, "filter: at_most: brand: expected an integer >= 1, got 0", None),
    ({"at_most": {"brand": True}}, "filter: at_most: brand: expected an integer >= 1, got true",
     None),
    ({"at_most": {"brand": 2**31}}, "filter: at_most: brand: expected an integer below 2147483648, "
     "got 2147483648", None),
    ({"at_most": {"brand": math.nan}}, "filter: at_most: brand: expected an integer >= 1, got NaN",
     None),
    ({"available_at": 1.5}, "filter: available_at: expected integer seconds, a datetime or an RFC "
     "3339 time, got 1.5", 'such as 1767225600, datetime.now(timezone.utc) or "2026-01-01T00:00:00Z"'),
    ({"any_of": {"brands": ["x"]}}, "filter: any_of: expected a column of the model, 'brand', got "
     "'brands'", "is 'brands' meant to be 'brand'? one letter differs"),
    ({"none_of": {"BRAND": []}}, "filter: none_of: expected a column of the model, 'brand', got "
     "'BRAND'", "is 'BRAND' meant to be 'brand'? upper and lower case differ"),
    ({"at_most": {"": 1}}, "filter: at_most: expected a column of the model, 'brand', got ''",
     "the first of the columns is 'brand'"),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "message", "hint"), REFUSED)
def test_a_wrong_filter_is_refused_for_whom_it_ever_is(
    wanted: Any, message: str, hint: str | None
) -> None:
    model = train_from_data(Interactions.from_columns(["u"] * 3, ["milk", "tea", "jam"]))
    recommender = Recommender(replace(model, attributes=SHOP))
    for ask in (
        lambda: recommender.predict("u", filter=wanted),
        lambda: recommender.predict_history(["tea"], filter=wanted),
        lambda: recommender.predict_many(["u"], filter=wanted),
        lambda: recommender.similar_items("tea", filter=wanted),
    ):
        with pytest.raises((ConfigError, DataError)) as caught:
            ask()
        assert (str(caught.value), caught.value.hint) == (message, hint)


def test_a_frame_is_no_list_of_values() -> None:
    frame = optional("pandas").DataFrame({"acme": ["x"]})  # iterates over its columns' names
    with pytest.raises(ConfigError, match="filter: none_of: brand: expected a list of strings"):
        ItemFilter.parse({"none_of": {"brand": frame}})
    assert ItemFilter.parse({"none_of": {"brand": frame["acme"]}}).none_of == {"brand": ("x",)}


@pytest.mark.parametrize(
    "wanted",
    [{"any_of": {"brand": []}}, {"none_of": {"brand": []}}, {"at_most": {"brand": 1}},
     {"available_at": 0}],
)  # fmt: skip
def test_a_model_without_attributes_has_no_column_and_no_times(wanted: Any) -> None:
    parsed = ItemFilter.parse(wanted)
    with pytest.raises(DataError, match="filter: .*: expected a model with .*, got one without"):
        parsed.admitted(None)
        parsed.caps(None)
    timeless = replace(SHOP, availability=None)
    if "available_at" in wanted:
        with pytest.raises(DataError, match="available_at: expected a model with available_from"):
            parsed.admitted(timeless)


def faulty() -> Iterator[tuple[Attributes, Any]]:
    assert SHOP.availability is not None
    for code in (-2, 2, 2**31 - 1):
        codes = SHOP.codes.copy()
        codes[1] = code
        for part, value in (("any_of", ["acme"]), ("none_of", []), ("at_most", 1)):
            yield replace(SHOP, codes=codes), {part: {"brand": value}}
    for side in ("begins", "ends"):
        for time in (NO_TIME + 1, -62_135_596_800_000_001, 253_402_300_800_000_000, 2**63 - 1):
            times = getattr(SHOP.availability, side).copy()
            times[2] = time
            availability = SHOP.availability._replace(**{side: times})
            yield replace(SHOP, availability=availability), {"available_at": 10}


@pytest.mark.parametrize(("attributes", "wanted"), list(faulty()))
def test_a_faulty_model_is_found_by_the_filter_that_looks_at_it(
    attributes: Attributes, wanted: Any
) -> None:
    parsed = ItemFilter.parse(wanted)
    with pytest.raises(CsrError, match="element [12]: expected .*, got"):
        parsed.admitted(attributes)
        parsed.caps(attributes)


def test_a_value_of_another_column_is_noted() -> None:
    columns = {"brand": [0, 1, -1], "color": [1, 0, -1], "size": [-1, -1, -1]}
    shop = Attributes.encode(replace(TABLE, columns=columns, values=["acme", "red"]), ITEMS)
    both = ["acme", "red"]
    note_filter(ItemFilter.parse({"any_of": {"brand": both, "color": both}}), shop)  # says nothing
    with pytest.warns(DataWarning, match="^filter: no item has size: 'acme'$"):
        note_filter(ItemFilter.parse({"none_of": {"size": ["acme"]}}), shop)


def test_caps_are_in_one_order() -> None:
    given = ItemFilter.parse({"at_most": {"size": 2, "brand": 1}}).at_most
    assert [*given.items()] == [("brand", 1), ("size", 2)]


def test_a_filter_comes_as_a_mapping_as_text_or_in_a_file(tmp_path: Path) -> None:
    wanted = {"any_of": {"brand": ["\u00e9"]}, "available_at": "1970-01-01T00:00:10Z"}
    path = tmp_path / "filter.json"
    path.write_text(json.dumps(wanted), "utf-8")
    expected = ItemFilter.parse(wanted)
    assert expected.available_at == 10_000_000
    for given_as in (wanted, json.dumps(wanted), f"\n {json.dumps(wanted)}", path, str(path)):
        assert read_filter(given_as) == expected
    assert read_filter(None) == ItemFilter()
    options = InputOptions(timestamp_unit="ms", timezone="UTC")
    read = read_filter('{"available_at": 1767225600000}', options).available_at
    assert read == read_filter('{"available_at": "2026-01-01"}', options).available_at
    with pytest.raises(DataError, match="2 bytes|filter: .*missing.json: expected a readable file"):
        read_filter(tmp_path / "missing.json")
    with pytest.raises(ConfigError, match="^filter: expected a JSON object, got nothing"):
        read_filter("")  # as of a variable of the shell that is not set
    path.write_text('{"any_of": {"brand": [1]}}')
    with pytest.raises(ConfigError, match=r"filter.json: any_of: brand\[0\]: expected a string"):
        read_filter(path)


@pytest.mark.parametrize("nothing", ["null", '""'])
def test_a_moment_that_is_not_there_is_to_be_left_out(nothing: str) -> None:
    with pytest.raises(
        ConfigError, match="filter: available_at: expected integer seconds"
    ) as caught:
        read_filter('{"available_at": %s}' % nothing)
    assert caught.value.hint == "leave available_at out for no moment"


def test_values_of_nobody_and_filters_that_admit_nothing_are_noted() -> None:
    wanted = ItemFilter.parse({"any_of": {"brand": ["acme", "x"]}, "none_of": {"brand": ["y"]}})
    with pytest.warns(DataWarning) as caught:
        note_filter(wanted, SHOP)
    assert [str(one.message) for one in caught] == ["filter: no item has brand: 'x', brand: 'y'"]
    many = ItemFilter.parse({"any_of": {"brand": ["v", "w", "x", "y", "z"]}})
    with pytest.warns(DataWarning) as caught:
        note_filter(many, SHOP)
    assert [str(one.message) for one in caught] == [
        "filter: no item has brand: 'v', brand: 'w', brand: 'x' and 2 other values",
        "filter: it admits no item, so all lists are empty",
    ]
    note_filter(ItemFilter.parse({"any_of": {"brand": ["acme"]}}), SHOP)  # says nothing


def test_notes_do_not_depend_on_the_order_of_columns_and_come_after_faults() -> None:
    shelved = replace(TABLE, columns={"shelf": [0, 1, -1], **TABLE.columns})
    attributes = Attributes.encode(shelved, ITEMS)
    for columns in ({"brand": ["x"], "shelf": ["y"]}, {"shelf": ["y"], "brand": ["x"]}):
        with pytest.warns(DataWarning, match="^filter: no item has brand: 'x', shelf: 'y'$"):
            note_filter(ItemFilter.parse({"none_of": columns}), attributes)
        with pytest.raises(DataError, match="at_most: expected a column of the model"):
            note_filter(ItemFilter.parse({"none_of": columns, "at_most": {"z": 1}}), attributes)


def test_a_refusal_names_some_of_many_columns() -> None:
    wide = replace(TABLE, columns={f"c{place}": [0, 1, -1] for place in range(1000, 1100)})
    shown = ", ".join(f"'c{place}'" for place in range(1000, 1010))
    with pytest.raises(DataError, match=f"of the model, {shown}, [.]{{3}}, got 'd'$"):
        ItemFilter.parse({"any_of": {"d": []}}).admitted(Attributes.encode(wide, ITEMS))


def test_null_is_no_moment() -> None:
    with pytest.raises(ConfigError, match="available_at: .*got null") as caught:
        read_filter('{"available_at": null}')
    assert caught.value.hint == "leave available_at out for no moment"  # not that of a row
