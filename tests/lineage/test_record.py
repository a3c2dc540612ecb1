"""Lines of both kinds."""

from __future__ import annotations

import pytest

from mlcore.errors import DataError
from mlcore.lineage import CommandRecord, QueryRecord, format_record, parse_record
from tests.lineage.records import LINE, RECORD
from tests.lineage.test_command_record import COMMAND_LINE, COMMAND_RECORD


def test_a_line_that_names_a_command_is_of_one() -> None:
    assert isinstance(parse_record(LINE, ""), QueryRecord)
    assert isinstance(parse_record(COMMAND_LINE, ""), CommandRecord)
    assert [format_record(one) for one in (RECORD, COMMAND_RECORD)] == [LINE, COMMAND_LINE]


@pytest.mark.parametrize("line", ["", "{", "7", "[]", '"command"'])
def test_what_is_no_object_is_no_record(line: str) -> None:
    with pytest.raises(DataError, match="^log.jsonl:7: expected "):
        parse_record(line, "log.jsonl:7")
