"""mlcore.ids: which texts are ids, and where each is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mlcore import DataError
from mlcore import ids as ids_module
from mlcore.artifact.idmap import format_id_map, parse_id_map
from mlcore.ids import MAX_ID_BYTES, IdMap, check_asked, check_id, id_fault


def test_few_ids_are_found_by_binary_search_and_many_in_a_table(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [f"u{n}" for n in range(10, 99)]
    loads: list[int] = []

    def load() -> Sequence[str]:
        loads.append(1)
        return parse_id_map(format_id_map(names), len(names), "users.csv")

    for cost in (0, 30, 1000):  # a table at once, after three searches, never
        monkeypatch.setattr(ids_module, "SEARCH_COST", cost)
        users = IdMap(load, len(names))
        for _ in range(2):
            assert [users.position(name) for name in names] == list(range(len(names)))
            assert [users.position(name) for name in ("", "u1", "u100", "u99", "\ud800")] == [
                None
            ] * 5
        assert users.ids == names
        assert users.load()[3] == "u13"
    assert len(loads) == 3


@pytest.mark.parametrize("text", ["007", " 7 ", "a,b", '"', "\u2028", "\uffff", "x" * MAX_ID_BYTES])
def test_an_id_may_be_any_text_of_one_line(text: str) -> None:
    assert id_fault(text) is None


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        (7, "expected a string, got 7"),
        (None, "expected a string, got None"),
        ("", "expected an id of at least one character, got an empty one"),
        ("a\nb", "expected no NUL and no line break, got 'a\\nb'"),
        ("\r", "expected no NUL and no line break, got '\\r'"),
        ("\0", "expected no NUL and no line break, got '\\x00'"),
        ("\ud800", "expected well-formed Unicode, got '\\ud800'"),
        ("\u00e9" * 32_768, "expected at most 65535 bytes, got 65536"),
    ],
)
def test_anything_else_is_no_id(value: object, fault: str) -> None:
    assert id_fault(value) == fault
    with pytest.raises(DataError) as caught:
        check_id("ids[3]", value)
    assert str(caught.value) == f"ids[3]: {fault}"
    assert (caught.value.hint is None) == isinstance(value, str)


@pytest.mark.parametrize("text", ["", "a\nb", "\ud800"])
def test_a_text_that_can_be_no_id_may_be_asked_for(text: str) -> None:
    assert check_asked("user", text) == text


def test_an_empty_map_has_no_id() -> None:
    ids = IdMap.from_ids([])
    assert (len(ids), ids.ids, ids.position("a")) == (0, [], None)
