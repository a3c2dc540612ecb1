"""mlcore.numeric.utf8: texts as bytes, wherever they come from."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mlcore.artifact.idmap import format_id_map, parse_id_map
from mlcore.numeric.utf8 import Utf8, utf8_of

IDS = ["", "\x01", "a", 'a"b', "é", "🂡🂡"]


def texts_of(found: Utf8) -> list[str]:
    assert found.sizes.tolist() == (found.ends - found.begins).tolist()
    spans = zip(found.begins.tolist(), found.ends.tolist())
    return [found.data[begin:end].tobytes().decode() for begin, end in spans]


@pytest.mark.parametrize("count", range(len(IDS) + 1))
def test_texts_come_back(count: int) -> None:
    found = utf8_of(IDS[:count])
    assert texts_of(found) == IDS[:count]
    assert [array.dtype.name for array in found] == ["uint8", "int64", "int64"]


def test_ids_of_a_file_are_not_copied_nor_are_some_of_them() -> None:
    ids = ["b", "cc", "d,", "é"]
    for known in (ids, [id_ for id_ in ids if "," not in id_]):
        stored: Sequence[str] = parse_id_map(format_id_map(known), len(known), "items.csv")
        for span in (slice(None), slice(1, 3), slice(2, 2), slice(None, None, 2)):
            assert texts_of(utf8_of(stored[span])) == list(stored[span]) == known[span]
    assert utf8_of(stored).data.base is utf8_of(stored[1:]).data.base
