"""A request and a model may both be at fault: every reader tells the same one first."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interop import python_adapter
from interop.tools import mutate
from interop.tools.cases.attributes import CATALOGUE
from interop.tools.cases.events import NOON, rule
from interop.tools.draft import Draft
from mlcore import Recommender

Request = dict[str, Any]
NAMED = {"filter": {"any_of": {"brand": ["x"]}}}
TIMED = {"filter": {"available_at": NOON}}
BOTH_EMPTY: Request = {"filter": {"any_of": {}, "at_most": {}}}
NEW_COLUMN = {"filter": {"at_most": {"new": 1}}}
LATE = [["a", 1, NOON + 10**12]]


def swap_lines(name: str) -> Callable[[Draft], None]:
    def damage(draft: Draft) -> None:
        first, one, two, *others = draft.files[name].split(b"\n")
        draft.files[name] = b"\n".join([first, two, one, *others])

    return damage


def put(file: str, array: str, at: int, value: int) -> Callable[[Draft], None]:
    def damage(draft: Draft) -> None:
        draft.values(file, array)[at] = value

    return damage


ITEMS, USERS = swap_lines("items.csv"), swap_lines("users.csv")
COLUMNS, VALUES = swap_lines("attribute_columns.csv"), swap_lines("attribute_values.csv")
# The columns are brand, then kind; e is the last item, and never first in a list.
BRAND_OF_E = put("attributes.npz", "codes", 4, 99)
TIME_OF_E = put("availability.npz", "until", 4, 2**60)

CASES: list[tuple[str, Callable[[Draft], None], Request, str | None]] = [
    ("form before users", USERS, {"user": "nobody", "fill": None}, "request"),
    ("column before users", USERS, {"user": "ann", **NEW_COLUMN}, "request"),
    ("column before items", ITEMS, {"item": "zz", **NEW_COLUMN}, "request"),
    ("weight before items", ITEMS, {"history": [["a", 1], ["b", 0]]}, "request"),
    (
        "item twice before items",
        ITEMS,
        {"history": [["a", 1], ["a", 1]], "weights": "final"},
        "request",
    ),
    ("users before items", USERS, {"user": "nobody"}, "idmap"),
    ("unknown user before items", ITEMS, {"user": "nobody", "include": ["a"]}, "unknown_user"),
    ("items before unknown item", ITEMS, {"item": "zz"}, "idmap"),
    ("items before history", ITEMS, {"history": LATE}, "idmap"),
    ("unknown user before columns", COLUMNS, {"user": "nobody", **NAMED}, "unknown_user"),
    ("unknown user before values", VALUES, {"user": "nobody", **TIMED}, "unknown_user"),
    ("unknown item before values", VALUES, {"item": "zz", **NAMED}, "unknown_item"),
    ("history before values", VALUES, {"history": LATE, **NAMED}, "request"),
    ("history before codes", BRAND_OF_E, {"history": LATE, **NAMED}, "request"),
    ("columns for times", COLUMNS, {"item": "a", **TIMED}, "idmap"),
    ("values for times", VALUES, {"item": "a", **TIMED}, "idmap"),
    ("no maps for nothing", VALUES, {"item": "a", **BOTH_EMPTY}, None),
    ("codes of all items", BRAND_OF_E, {"item": "a", "n": 1, "include": ["b"], **NAMED}, "csr"),
    (
        "codes of a cap",
        BRAND_OF_E,
        {"item": "a", "filter": {"at_most": {"brand": 1}}, "n": 1},
        "csr",
    ),
    (
        "codes of another column",
        BRAND_OF_E,
        {"item": "a", "filter": {"none_of": {"kind": []}}},
        None,
    ),
    ("times of all items", TIME_OF_E, {"user": "ann", "n": 1, "include": ["a"], **TIMED}, "csr"),
    (
        "no counts beside decayed",
        put("popularity.npz", "counts", 4, -1),
        {"item": "a", "fill": True},
        None,
    ),
    ("times not asked for", TIME_OF_E, {"user": "ann", **NAMED}, None),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """The model of each case."""
    found = {}
    for number, (name, damage, _, _) in enumerate(CASES):
        decayed = CATALOGUE.with_decayed(0.5, 1.25, 0.5, 1.5, 0.25)
        draft = Draft(decayed.with_rule(rule(half_life_days=1)))
        damage(draft)
        found[name] = tmp_path_factory.mktemp("models") / str(number)
        mutate.write_files(found[name], dict(draft.directory))
    yield found


def line_of(request: Request) -> Request:
    return {"id": "r", "n": 10, **request}


@pytest.mark.parametrize(
    ("name", "damage", "request_", "verdict"),
    CASES,
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_python_tells_the_first_fault(
    models: dict[str, Path], name: str, damage: object, request_: Request, verdict: str | None
) -> None:
    found = python_adapter.answer(Recommender.load(models[name]), line_of(request_))
    assert found.get("error") == verdict


@pytest.mark.go
def test_go_tells_the_first_fault(models: dict[str, Path], go_reader: Path) -> None:
    for name, _, request, verdict in CASES:
        entry = {"model": str(models[name]), "requests": [json.dumps(line_of(request))]}
        done = subprocess.run(
            [go_reader, "conformance", "corpus"],
            input=json.dumps(entry) + "\n",
            capture_output=True,
            text=True,
            check=True,
        )
        (answer,) = json.loads(done.stdout)["answers"]
        assert answer.get("error") == verdict, name
