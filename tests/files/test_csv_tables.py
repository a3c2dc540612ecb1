"""mlcore.files.csv_tables: a fault names its line, however many lines its rows take."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.files.interactions import read_interactions
from tests.files.samples import save


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"])
def test_lines_are_counted_through_line_breaks_within_quotes(
    line_break: str, tmp_path: Path
) -> None:
    note = f'"one{line_break}two{line_break}{line_break}four"'
    rows = ["note,user_id,item_id,weight", f"{note},ann,tea,1", "", f"{note},bob,tea,0"]
    path = save(tmp_path, "a.csv", "".join(row + line_break for row in rows))
    # The header is line 1, the first row stands in lines 2 to 5, the blank line is line 6.
    with pytest.raises(DataError, match=r"a\.csv:7: weight: "):
        read_interactions(path)
