"""mlcore.files.plain: a file is plain only if every reader cuts it alike."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlcore.files.plain import LONGEST_LINE, Dialect, sniff


def test_what_is_counted_is_what_the_hand_counts() -> None:
    # Two delimiters in each line; the third comma of line 2 stands in quotes.
    text = 'a,"b ""x""",c\r\n1,"2,",3\r\n,,'
    assert sniff(io.BytesIO(text.encode()), ",") == Dialect(
        first_line='a,"b ""x""",c', lines=3, delimiters=6, line_break="\r\n", quoted=True
    )
    assert sniff(io.BytesIO(b'{"a": "b"}\n'), '"') == Dialect(
        first_line='{"a": "b"}', lines=1, delimiters=4, line_break="\n", quoted=False, delimiter='"'
    )


@settings(max_examples=500)
@given(
    st.lists(
        st.sampled_from(["a", ",", ",", "\n", "\n", '"', '""', ',"', '",', '"\n', '\n"', "\r\n", "é"]),
        min_size=1,
        max_size=12,
    )
)  # fmt: skip
def test_a_plain_csv_has_one_record_in_each_line_for_python_too(pieces: list[str]) -> None:
    text = "".join(pieces)
    plain = sniff(io.BytesIO(text.encode()), ",")
    if plain is None:
        return
    records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    by_line = [
        next(csv.reader([line], strict=True))
        for line in text.removesuffix(plain.line_break).split(plain.line_break)
    ]
    assert records == by_line
    assert plain.lines == len(records)
    assert plain.delimiters == sum(max(len(record) - 1, 0) for record in records)
    assert plain.first_line == text.split(plain.line_break)[0]
    assert plain.quoted == ('"' in text)


@given(st.lists(st.lists(st.sampled_from(["", "a", ",", '"', 'a"', "é", " "]), min_size=1)))
def test_what_csv_writers_write_is_plain(rows: list[list[str]]) -> None:
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([["header"], *rows])
    plain = sniff(io.BytesIO(stream.getvalue().encode()), ",")
    assert plain is not None
    assert plain.lines == len(rows) + 1
    assert plain.delimiters == sum(len(row) - 1 for row in rows)


@pytest.mark.parametrize("block_bytes", [1000, 65_536, 2**17])
def test_a_line_is_not_plain_that_is_too_long_for_a_field(
    block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlcore.files.plain._BLOCK_BYTES", block_bytes)
    limit = LONGEST_LINE
    for begin in (0, 1, limit // 2, limit - 1):
        before = b"a\n" * (begin // 2) + b"b" * (begin % 2)
        assert sniff(io.BytesIO(before + b"x" * (limit + 1) + b"\n"), ",") is None
        assert sniff(io.BytesIO(before + b"x" * (limit // 2 - 2) + b"\n"), ",") is not None


def test_an_empty_file_is_not_plain() -> None:
    assert sniff(io.BytesIO(b""), ",") is None


def test_each_block_is_told() -> None:
    calls: list[int] = []
    sniff(io.BytesIO(b"a,b\n" * 100_000), ",", lambda: calls.append(1))
    assert len(calls) == 4  # of 131,072 bytes each, of 400,000
