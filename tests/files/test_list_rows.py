"""Lists as rows: what is written is read back, and what no ranking has is refused."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlcore.errors import DataError, DataWarning
from mlcore.files.formats import ROW_FORMATS
from mlcore.files.list_rows import find_list_in_rows, format_list_rows, read_list_rows
from mlcore.ranked_lists import LIST_COLUMNS, Predictions
from mlcore.recommend.lists import RankedList, RankedLists, Recommendation
from tests.files.samples import save

HEADER = "user_id,item_id,rank,score,source\n"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


def lists_of(predictions: Predictions) -> dict[str, list[str]]:
    items = [predictions.item_ids[item] for item in predictions.items.tolist()]
    ends = predictions.indptr.tolist()
    return {
        user: items[begin:end] for user, begin, end in zip(predictions.user_ids, ends, ends[1:])
    }


def read(folder: Path, text: str, name: str = "lists.csv") -> dict[str, list[str]]:
    return lists_of(read_list_rows(save(folder, name, text)))


@given(
    lists=st.lists(
        st.tuples(TEXTS, st.lists(st.tuples(TEXTS, st.floats(allow_nan=False, allow_infinity=False), st.booleans())))
    ),
    ending=st.sampled_from([".csv", ".tsv"]),
)  # fmt: skip
def test_rows_are_those_of_to_rows(
    lists: list[tuple[str, list[tuple[str, float, bool]]]], ending: str
) -> None:
    rows = ROW_FORMATS[ending]
    entries = [entry for _, entries in lists for entry in entries]
    bounds = [0]
    for _, of_user in lists:
        bounds.append(bounds[-1] + len(of_user))
    text = format_list_rows(
        rows,
        [rows.quote(user) for user, _ in lists],
        bounds,
        [rows.quote(item) for item, _, _ in entries],
        [score for _, score, _ in entries],
        [filled for _, _, filled in entries],
    )
    delimiter = {".csv": ",", ".tsv": "\t"}[ending]
    found = list(
        csv.DictReader(
            io.StringIO(rows.header(LIST_COLUMNS) + text, newline=""), delimiter=delimiter
        )
    )
    of_python = RankedLists(
        RankedList(
            [
                Recommendation(item, score, "popularity" if filled else "similarity")
                for item, score, filled in of_user
            ],
            user,
        )
        for user, of_user in lists
    ).to_rows()
    typed = [{**row, "rank": int(row["rank"]), "score": float(row["score"])} for row in found]
    assert typed == of_python
    assert all(list(row) == list(LIST_COLUMNS) for row in found)


def test_the_rank_is_the_order_whatever_the_order_of_rows(tmp_path: Path) -> None:
    rows = "u,b,2,1,similarity\nv,a,1,0,popularity\nu,c,3,0,similarity\nu,a,1,2,similarity\n"
    assert read(tmp_path, HEADER + rows) == {"u": ["a", "b", "c"], "v": ["a"]}


def test_only_users_items_and_ranks_are_needed(tmp_path: Path) -> None:
    # As sql/recommend.sql calls the rank; other columns are passed over.
    text = "user_id;item_id;score;position\nu;b;1;2\nu;a;2;1\n"
    assert read(tmp_path, text.replace(";", ",")) == {"u": ["a", "b"]}
    assert read(tmp_path, text.replace(";", "\t"), "lists.tsv") == {"u": ["a", "b"]}
    with pytest.warns(DataWarning, match="took semicolons"):
        assert read(tmp_path, text) == {"u": ["a", "b"]}


def test_a_table_without_rows_has_no_list(tmp_path: Path) -> None:
    assert read(tmp_path, HEADER) == {}


def test_parts_are_one_table(tmp_path: Path) -> None:
    save(tmp_path, "part-1.csv", "user_id,item_id,rank\nu,b,2\n")
    save(tmp_path, "part-2.csv", "user_id,item_id,rank\nu,a,1\n")
    with pytest.warns(DataWarning, match="read 2 parts"):
        assert lists_of(read_list_rows(tmp_path)) == {"u": ["a", "b"]}


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ("u,a,1\nu,b,1\n", ": rank: user 'u': expected 1, 2, 3 ... each once, got 1 where 2 should be"),
        ("u,a,1\nu,b,3\n", ": rank: user 'u': expected 1, 2, 3 ... each once, got 3 where 2 should be"),
        ("v,a,1\nu,a,2\n", ": rank: user 'u': expected 1, 2, 3 ... each once, got 2 where 1 should be"),
        ("u,a,0\n", ":2: rank: expected an integer from 1 to 2147483647, got '0'"),
        ("u,a,1\nu,b,2.0\n", ":3: rank: expected an integer from 1 to 2147483647, got '2.0'"),
        ("u,a,2147483648\n", ":2: rank: expected an integer from 1 to 2147483647, got '2147483648'"),
        ("u,a,\n", ":2: rank: expected an integer from 1 to 2147483647, got ''"),
        ("u,a,1\nu,a,2\n", ": predictions: user 'u': expected each item once, got 'a' again"),
        (",a,1\n", ":2: user_id: expected an id of at least one character, got an empty one"),
    ],
)  # fmt: skip
def test_what_no_ranking_has_is_refused(rows: str, error: str, tmp_path: Path) -> None:
    path = save(tmp_path, "lists.csv", "user_id,item_id,rank\n" + rows)
    with pytest.raises(DataError) as caught:
        read_list_rows(path)
    assert str(caught.value) == f"{path}{error}"


def test_a_table_needs_a_rank(tmp_path: Path) -> None:
    path = save(tmp_path, "lists.csv", "user_id,item_id\nu,a\n")
    for find in (read_list_rows, lambda path: find_list_in_rows(path, "u")):
        with pytest.raises(DataError) as caught:
            find(path)
        assert str(caught.value) == (
            f"{path}: rank: expected a column of this name, or position, got neither"
        )


def test_one_list_is_found_with_its_scores(tmp_path: Path) -> None:
    rows = "u,b,2,1.5,similarity\nv,a,1,0,popularity\nu,a,1,2,similarity\n"
    path = save(tmp_path, "lists.csv", HEADER + rows)
    of_u = [
        {"item_id": "a", "score": 2.0, "source": "similarity"},
        {"item_id": "b", "score": 1.5, "source": "similarity"},
    ]
    assert find_list_in_rows(path, None) == find_list_in_rows(path, "u") == (["u", "v"], of_u)
    assert find_list_in_rows(path, "w") == (["u", "v"], [])
