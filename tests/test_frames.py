"""mlcore.frames: frames of every library, by the rules of a file."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NoReturn
from uuid import UUID

import numpy as np
import pytest

from mlcore import ConfigError, DataError, Interactions, MlcoreError
from mlcore.frames import open_frame
from mlcore.interactions import Events
from mlcore.preprocess.preprocess import preprocess_from_data
from mlcore.split.config import SplitConfig
from mlcore.split.split import split_from_data
from tests.optional import optional

Data = Mapping[str, list[Any]]

UTC = timezone.utc
DATA: Data = {
    "user_id": ["v", "u", "v", "007"],
    "item_id": ["b", "a", "a", "é"],
    "weight": [2, 0.5, 3, 1.0],
    "timestamp": [7, 8, -9, 1_700_000_000],
    "title": ["x", None, "y", "z"],
}
EXPECTED = Interactions.from_columns(
    DATA["user_id"], DATA["item_id"], DATA["weight"], DATA["timestamp"]
)


class Series:
    """A column of a library that nobody thought of."""

    def __init__(self, values: list[Any], dtype: str) -> None:
        self.values, self.dtype = values, dtype

    def to_list(self) -> list[Any]:
        return self.values


class Frame:
    def __init__(self, data: Data, dtype: str = "object") -> None:
        self.columns = list(data)
        self._data, self._dtype = data, dtype

    def __getitem__(self, name: str) -> Series:
        return Series(self._data[name], self._dtype)


def arrow(data: Data) -> Any:
    return optional("pyarrow").table(dict(data))


def stream(data: Data) -> Any:
    """An Arrow C stream and nothing else."""
    optional("pyarrow")

    class Stream:
        def __arrow_c_stream__(self, requested_schema: object = None) -> Any:
            return arrow(data).__arrow_c_stream__(requested_schema)

    return Stream()


def relation(data: Data) -> Any:
    duckdb = optional("duckdb")
    names = ", ".join("unnest(?) AS " + '"' + name.replace('"', '""') + '"' for name in data)
    return duckdb.connect().sql(f"SELECT {names}", params=list(data.values()))


FRAMES: dict[str, Callable[[Data], Any]] = {
    "any": Frame,
    "pandas": lambda data: optional("pandas").DataFrame(dict(data)),
    "polars": lambda data: optional("polars").DataFrame(dict(data), strict=False),
    "pyarrow": arrow,
    "batch": lambda data: arrow(data).to_batches()[0],
    "stream": stream,
    "duckdb": relation,
}


@pytest.fixture(params=FRAMES)
def frame_of(request: pytest.FixtureRequest) -> Callable[[Data], Any]:
    return FRAMES[request.param]


def refused(frame: Any, message: str, error: type[MlcoreError] = DataError, **options: Any) -> str:
    with pytest.raises(error) as caught:
        Interactions.from_frame(frame, **options)
    assert type(caught.value) is error and re.search(message, str(caught.value)), caught.value
    return caught.value.hint or ""


def test_a_frame_gives_what_its_columns_give(frame_of: Callable[[Data], Any]) -> None:
    found = Interactions.from_frame(frame_of(DATA))
    assert found.sha256() == EXPECTED.sha256()


def test_columns_have_the_names_they_are_given(frame_of: Callable[[Data], Any]) -> None:
    names = {"user_id": "who", "item_id": 'the "item"', "weight": "stars", "timestamp": "at"}
    frame = frame_of({names.get(name, name): values for name, values in DATA.items()})
    options: dict[str, Any] = dict(zip(("user", "item", "weight", "time"), names.values()))
    assert Interactions.from_frame(frame, **options).sha256() == EXPECTED.sha256()


def test_weights_and_times_may_be_missing_unless_named(frame_of: Callable[[Data], Any]) -> None:
    pairs = {name: DATA[name] for name in ("user_id", "item_id")}
    found = Interactions.from_frame(frame_of(pairs))
    assert found.sha256() == Interactions.from_columns(*pairs.values()).sha256()
    for option in ("user", "item", "weight", "time"):
        named: dict[str, Any] = {option: "rating"}
        message = "^frame: expected one column 'rating', got 'user_id', 'item_id'$"
        hint = refused(frame_of(pairs), message, **named)
        assert f"{option}=" in hint


def test_integer_ids_are_taken_when_asked(frame_of: Callable[[Data], Any]) -> None:
    frame = frame_of({"user_id": [7, 10, 7], "item_id": [1, 1, 2]})
    hint = refused(frame, r"^user_id\[0\]: expected a string, got 7$")
    assert 'ids="as_text"' in hint
    found = Interactions.from_frame(frame, ids="as_text")
    assert found.sha256() == Interactions.from_columns(["7", "10", "7"], ["1", "1", "2"]).sha256()


def test_a_missing_id_is_never_a_text(frame_of: Callable[[Data], Any]) -> None:
    frame = frame_of({"user_id": ["u", None], "item_id": ["a", "b"]})
    for ids in (None, "as_text"):
        hint = refused(frame, r"^user_id\[1\]: expected a string, got (None|nan)$", ids=ids)
        assert hint == "leave out what has no id"


def test_a_float_is_no_integer_as_text() -> None:
    hint = refused(
        Frame({"user_id": [7.0], "item_id": ["a"]}), r"\[0\]: .* got 7.0$", ids="as_text"
    )
    assert "make integers of floats" in hint


def test_datetimes_have_their_zone_or_get_it(frame_of: Callable[[Data], Any]) -> None:
    pairs = {"user_id": ["u", "u"], "item_id": ["a", "b"]}
    # before and in summer time, a fraction that floats would round
    naive = [datetime(2026, 3, 29, 1, 59, 59, 999_999), datetime(2026, 3, 29, 3)]
    there = [1_774_745_999_999_999, 1_774_746_000_000_000]
    frame = frame_of({**pairs, "timestamp": naive})
    hint = refused(frame, r"^timestamp\[0\]: expected a time with its zone, got 2026-03-29 01:59")
    assert "timezone=" in hint
    found = Interactions.from_frame(frame, timezone="Europe/Berlin").timestamps
    assert found is not None and found.tolist() == there
    found = Interactions.from_frame(frame, timezone="UTC").timestamps
    assert found is not None and found.tolist() == [
        there[0] + 3_600_000_000,
        there[1] + 7_200_000_000,
    ]


def test_datetimes_with_a_zone_keep_it(frame_of: Callable[[Data], Any]) -> None:
    pairs = {"user_id": ["u", "u"], "item_id": ["a", "b"]}
    times = [datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, tzinfo=UTC)]
    for zone in (None, "Europe/Berlin"):
        frame = frame_of({**pairs, "timestamp": times})
        found = Interactions.from_frame(frame, timezone=zone).timestamps
        assert found is not None and found.tolist() == [1_774_746_000_000_000, -60_000_000]


def test_integer_times_have_the_unit_that_is_named(frame_of: Callable[[Data], Any]) -> None:
    frame = frame_of({**DATA, "timestamp": [time * 1000 for time in (4, 5, 6, 7)]})
    assert Interactions.from_frame(frame).timestamps is not None
    refused(frame, r"^timestamp\[0\]: expected integer milliseconds, ", timestamp_unit="ms")
    later = [1_700_000_000_000 + time for time in (4, 5, 6, 7)]
    hint = refused(
        frame_of({**DATA, "timestamp": later}), r"^timestamp\[0\]: expected integer seconds"
    )
    assert 'timestamp_unit="ms"' in hint
    found = Interactions.from_frame(frame_of({**DATA, "timestamp": later}), timestamp_unit="ms")
    assert found.timestamps is not None
    assert sorted(found.timestamps.tolist()) == [time * 1000 for time in later]


def test_a_missing_weight_or_time_is_refused(frame_of: Callable[[Data], Any]) -> None:
    pairs = {"user_id": ["u", "v"], "item_id": ["a", "b"]}
    frame = frame_of({**pairs, "weight": [1.5, None]})
    assert "leave out rows" in refused(frame, r"^weight\[1\]: expected a finite number")
    times = [datetime(2026, 3, 29, 1), None]
    hint = refused(
        frame_of({**pairs, "timestamp": times}),
        r"^timestamp\[1\]: expected integer seconds, a datetime .*, got (None|NaT)$",
        timezone="UTC",
    )
    assert hint == "leave out rows without a time"


@pytest.mark.parametrize(
    ("column", "value", "hint"),
    [("weight", "1", "make numbers of texts"), ("timestamp", 60.0, "make integers of floats")],
)
def test_values_of_another_type_are_refused_with_the_cure(
    column: str, value: object, hint: str
) -> None:
    frame = Frame({"user_id": ["u"], "item_id": ["a"], column: [value]})
    assert refused(frame, rf"^{column}\[0\]: expected .*, got {value!r}$") == hint


def test_no_row_is_refused(frame_of: Callable[[Data], Any]) -> None:
    if frame_of is FRAMES["batch"]:
        return  # a table without rows has no batch
    refused(
        frame_of({"user_id": [], "item_id": []}), "^frame: expected at least one row, got none$"
    )


@pytest.mark.parametrize("kind", ["category", "Categorical", "Enum(categories=['u'])", "ENUM('u')"])
def test_categories_are_taken_when_asked(kind: str) -> None:
    frame = Frame({"user_id": ["u"], "item_id": ["a"]}, kind)
    assert "as_text" in refused(frame, "^user_id: expected a column of strings, got one of type ")
    assert Interactions.from_frame(frame, ids="as_text").user_ids == ["u"]


def test_categories_of_each_library_are_known() -> None:
    pandas, polars, pyarrow = optional("pandas"), optional("polars"), optional("pyarrow")
    duckdb = optional("duckdb")
    frames = [
        pandas.DataFrame({"user_id": pandas.Categorical(["u"]), "item_id": ["a"]}),
        polars.DataFrame({"user_id": ["u"], "item_id": ["a"]}).cast(
            {"user_id": polars.Categorical}
        ),
        polars.DataFrame({"user_id": ["u"], "item_id": ["a"]}).cast(
            {"user_id": polars.Enum(["u"])}
        ),
        pyarrow.table({"user_id": pyarrow.array(["u"]).dictionary_encode(), "item_id": ["a"]}),
        duckdb.sql("SELECT 'u'::ENUM('u') AS user_id, 'a' AS item_id"),
    ]
    for frame in frames:
        refused(frame, "^user_id: expected a column of strings, got one of type ")
        assert Interactions.from_frame(frame, ids="as_text").user_ids == ["u"]


def test_nullable_columns_of_pandas_are_read() -> None:
    pandas = optional("pandas")
    frame = pandas.DataFrame(
        {
            "user_id": pandas.array(["u", "v"], dtype="string"),
            "item_id": pandas.array([7, None], dtype="Int64"),
            "weight": pandas.array([1, 2], dtype="Float64"),
        }
    )
    refused(frame, r"^item_id\[1\]: expected a string, got <NA>$", ids="as_text")
    found = Interactions.from_frame(frame[:1], ids="as_text")
    assert (found.user_ids, found.item_ids) == (["u"], ["7"])
    # A column of integers with a gap, as pandas makes it: 7.0 would be no id of anybody.
    floats = pandas.DataFrame({"user_id": [7, None], "item_id": ["a", "b"]})
    refused(floats, r"^user_id\[0\]: expected a string, got 7\.0$", ids="as_text")


def test_nanoseconds_are_dropped() -> None:
    pandas, pyarrow = optional("pandas"), optional("pyarrow")
    pairs = {"user_id": ["u"], "item_id": ["a"]}
    for zone in (None, "Asia/Tokyo"):
        column = pyarrow.array(
            [
                1_999,
            ],
            pyarrow.timestamp("ns", zone),
        )
        frames = [
            pyarrow.table({**pairs, "timestamp": column}),
            pandas.DataFrame({**pairs, "timestamp": column.to_pandas()}),
        ]
        for frame in frames:
            found = Interactions.from_frame(frame, timezone="UTC").timestamps
            assert found is not None and found.tolist() == [1]


def test_uuids_are_taken_when_asked() -> None:
    id_ = UUID(int=7)
    frame = Frame({"user_id": [id_], "item_id": ["a"]})
    refused(frame, r"^user_id\[0\]: expected a string, got UUID")
    assert Interactions.from_frame(frame, ids="as_text").user_ids == [str(id_)]


def test_a_column_of_an_index_is_named_in_the_hint() -> None:
    frame = optional("pandas").DataFrame(dict(DATA)).set_index("user_id")
    assert "reset_index()" in refused(
        frame, "^frame: expected one column 'user_id', got 'item_id', "
    )


def test_a_column_twice_is_refused() -> None:
    frame = Frame({"user_id": ["u"], "item_id": ["a"]})
    frame.columns = ["user_id", "item_id", "user_id"]
    refused(frame, "^frame: expected one column 'user_id', got 'user_id', 'item_id', 'user_id'$")


class Lazy(Frame):
    def collect(self) -> NoReturn:
        raise AssertionError("nobody asked for it")


@pytest.mark.parametrize(
    ("frame", "got", "hint"),
    [
        (Lazy({}), "Lazy", "collect"),
        ([["u", "a"]], "list", "from_columns"),
        ("events.csv", "str", "train_from_path"),
        (Path("events.csv"), "PosixPath", "train_from_path"),
        (None, "NoneType", "from_columns"),
    ],
)
def test_anything_else_is_no_frame(frame: Any, got: str, hint: str) -> None:
    assert hint in refused(frame, f"^frame: expected a DataFrame .*, got {got}$")


def test_every_function_on_data_takes_a_frame(frame_of: Callable[[Data], Any]) -> None:
    rows = Interactions.from_columns(*list(DATA.values())[:4])
    assert Interactions.of(frame_of(DATA)).sha256() == Interactions.of(rows).sha256()
    twice = frame_of({name: [*column, *column] for name, column in DATA.items()})
    assert Events.of(twice).aggregate("max").sha256() == rows.sha256()
    assert Events.of(rows).aggregate("count").user_items.data.tolist() == [1] * 4
    events = Events.of(rows)
    assert Events.of(events) is events
    for part, same in zip(
        split_from_data(frame_of(DATA), SplitConfig("last-n")),
        split_from_data(rows, SplitConfig("last-n")),
    ):
        assert part.sha256() == same.sha256()
    assert preprocess_from_data(frame_of(DATA)).sha256() == rows.sha256()
    with pytest.raises(DataError, match="^frame: expected a DataFrame .*, got str$"):
        split_from_data("events.csv")


def test_a_column_alone_is_no_frame() -> None:
    column = optional("pyarrow").chunked_array([["u"]])
    assert "from_columns" in refused(column, "^frame: expected a DataFrame .*, got ChunkedArray$")


@pytest.mark.duckdb
def test_a_connection_of_duckdb_is_no_relation() -> None:
    connection = optional("duckdb").connect()
    assert "sql(" in refused(connection, "^frame: expected .*, got DuckDBPyConnection$")


def test_a_frame_is_no_column() -> None:
    frame = optional("pandas").DataFrame(dict(DATA))
    with pytest.raises(DataError, match="^user_ids: expected a list or an array, got DataFrame$"):
        Interactions.from_columns(frame, DATA["item_id"])


def test_an_arrow_stream_without_pyarrow_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    class Stream:
        def __arrow_c_stream__(self) -> NoReturn:
            raise AssertionError("there is nobody to read it")

    with pytest.raises(MlcoreError, match="^frame: expected pyarrow to read Stream, got no such"):
        open_frame(Stream())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ids": "text"}, "^ids: expected 'as_text' or None, got 'text'$"),
        *(
            (
                {"timezone": zone},
                "^timezone: expected UTC, an offset such as .*09:00, or a name such as ",
            )
            for zone in ("Berlin", "", "../etc", UTC, "+25:00")
        ),
        ({"timestamp_unit": "m"}, "^timestamp_unit: expected 's', 'ms', 'us', 'ns', got 'm'$"),
    ],
)
def test_an_option_of_another_value_is_refused(options: dict[str, Any], message: str) -> None:
    refused(Frame(DATA), message, ConfigError, **options)


def test_labels_and_columns_of_pandas_are_no_attributes() -> None:
    data = {"user_id": ["u"], "item_id": ["a"], "collect": [1], "fetchnumpy": [1], "type": [1]}
    frame = optional("pandas").DataFrame(data | {"column_names": [1]}, index=["type"])
    assert Interactions.from_frame(frame).user_ids == ["u"]


def test_columns_that_pandas_has_from_arrow_are_read() -> None:
    pandas = optional("pandas")
    table = arrow({name: DATA[name] for name in ("user_id", "item_id", "weight")})
    column = optional("pyarrow").array(
        [1_999] * 4, optional("pyarrow").timestamp("ns", "Asia/Tokyo")
    )
    frame = table.append_column("timestamp", column).to_pandas(types_mapper=pandas.ArrowDtype)
    found = Interactions.from_frame(frame)
    assert found.timestamps is not None and set(found.timestamps.tolist()) == {1}
    assert found.user_items.data.tolist() == EXPECTED.user_items.data.tolist()
