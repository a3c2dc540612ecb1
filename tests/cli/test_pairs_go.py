"""Candidates and exclusions of each user through the commands in Python and in Go."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from tests.cli.cases import REPOSITORY, write
from tests.cli.test_tables_go import same_in_go

PAIRS = {
    "some.csv": "user_id,item_id,rank\nann,tea,1\nann,rye,2\nbob,milk,1\nbob,milk,1\n",
    "some.jsonl": '{"user_id": "ann", "item_id": "rye"}\n{"item_id": "tea", "user_id": "s1"}\n',
    "others.csv": "user_id,item_id\nzoe,tea\nyves,jam\n",
    "partly.tsv": "item_id\tuser_id\njam\tann\nrye\tann\njam\tzoe\n",
    "unknown.csv": "user_id,item_id\nann,jam\nbob,Tea\n",
    "spelled.csv": "user_id,item_id\nAnn,tea\n",
    "rows.csv": "user_id,item_id\n",
    "empty.csv": "",
    "no-item.csv": "user_id,item\nann,tea\n",
    "no-user.csv": "user,item_id\nann,tea\n",
    "no-id.csv": 'user_id,item_id\nann,tea\n"",tea\n',
    "short.csv": "user_id,item_id\nann\n",
    "number.jsonl": '{"user_id": "ann", "item_id": 7}\n',
    "keys.jsonl": '{"user_id": "ann", "item_id": "tea"}\n{"user_id": "ann"}\n',
    "histories.jsonl": '{"user_id": "s1", "history": [{"item_id": "tea"}]}\n'
    '{"user_id": "ann", "history": [{"item_id": "milk"}, {"item_id": "rye"}]}\n',
}


@pytest.mark.go
@pytest.mark.parametrize("name", [*PAIRS, "nothing.csv"])
def test_a_file_of_pairs_gives_the_same_in_go_or_is_refused_in_the_same_words(
    name: str, folder: Path, go_reader: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, PAIRS)
    users = "--users users.csv --unknown-user fill"
    write(folder, {"users.csv": "user_id\nbob\nzoe\nann\n"})
    for side in ("include", "exclude"):
        for whom in ("--all-users", users, "--histories histories.jsonl"):
            same_in_go(f"{whom} --{side}-pairs {name} --fill popularity", go_reader, capsys)
    same_in_go(f"--all-users --include-pairs some.csv --exclude-pairs {name}", go_reader, capsys)
    same_in_go(f"--all-users --include-items {name} --include-seen", go_reader, capsys)


@pytest.mark.go
@pytest.mark.parametrize("model", ["small/cosine_tf_idf", "family/popularity_half_life"])
def test_random_pairs_give_the_same_lists_in_go(
    model: str, folder: Path, go_reader: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fixture = REPOSITORY / "fixtures" / model
    shutil.rmtree(folder / "model")
    shutil.copytree(fixture / "model", folder / "model")
    rows = (folder / "model/items.csv").read_text("utf-8").splitlines()[1:]
    items = [*(row.partition(",")[2] for row in rows), "none"]
    users = (folder / "model/users.csv").read_text("utf-8").splitlines()[1:]
    names = [row.partition(",")[2] for row in users]
    draw = random.Random(5)
    for side, share in (("include", 0.9), ("exclude", 0.6)):
        lines = [
            f"{user},{item}\n"
            for user in names
            if draw.random() < share
            for item in draw.choices(items, k=draw.choice([1, 6, 60]))
        ]
        draw.shuffle(lines)
        (folder / f"{side}.csv").write_text("user_id,item_id\n" + "".join(lines), "utf-8")
    (folder / "sessions.jsonl").write_text(
        "".join(
            json.dumps({"user_id": name, "history": [{"item_id": draw.choice(items)}]}) + "\n"
            for name in names[::2]
        ),
        "utf-8",
    )
    both = "--include-pairs include.csv --exclude-pairs exclude.csv"
    for limits in ("--include-pairs include.csv", "--exclude-pairs exclude.csv", both):
        for options in ("", "--include-seen --top-n 4", "--fill popularity", "--explain"):
            same_in_go(f"--all-users {limits} {options}", go_reader, capsys)
        same_in_go(f"--histories sessions.jsonl {limits} --fill popularity", go_reader, capsys)
        same_in_go(
            f"--all-users {limits} --exclude-items include.csv --fill popularity", go_reader, capsys
        )
