"""On a model whose values opening leaves unread, Go and Python give the same lists, or the same words."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from cli import predict, similar
from mlcore import ArtifactError, Model, Recommender, native
from tests.artifact.models import NUM_ITEMS, Arrays, put, rewritten, some_rows, train

Change = Callable[[Arrays], None]


def swap(arrays: Arrays) -> None:
    row = int(np.flatnonzero(np.diff(arrays["indptr"]) >= 3)[2])
    begin = arrays["indptr"][row]
    arrays["indices"][[begin, begin + 1]] = arrays["indices"][[begin + 1, begin]]


def repeat(arrays: Arrays) -> None:
    row = int(np.flatnonzero(np.diff(arrays["indptr"]) >= 3)[2])
    begin = arrays["indptr"][row]
    arrays["indices"][begin + 1] = arrays["indices"][begin]


BAD_POSITIONS = [-1, NUM_ITEMS, 2**31 - 1, -(2**31)]
BAD_WEIGHTS = [0.0, -0.0, -1.0, -(2.0**-149), np.nan, np.inf, -np.inf]
POSITIONS: dict[str, Change] = {"unordered": swap, "repeated": repeat} | {
    f"position {value}": put("indices", 30, value) for value in BAD_POSITIONS
}
FAULTS: dict[tuple[str, str], Change] = {
    **{(file, name): change for file in ("similarity.npz", "histories.npz") for name, change in POSITIONS.items()},
    **{("histories.npz", f"weight {value}"): put("data", 30, value) for value in BAD_WEIGHTS},
    **{("similarity.npz", f"value {value}"): put("data", 30, value) for value in (np.nan, np.inf)},
    **{("order.npz", f"place {value}"): put("positions", 30, value) for value in (0, -1, 100)},
}  # fmt: skip
OPTIONS: list[Sequence[str]] = [
    (),
    ("--top-n=2", "--explain"),
    ("--include-seen", "--fill=popularity"),
    ("--filter", '{"at_most": {"kind": 1}}'),
    ("--filter", '{"none_of": {"brand, of": ["q\\"uoted"]}}'),
]


@pytest.fixture(scope="module")
def sound() -> Model:
    return train(some_rows())


@pytest.fixture(params=["compiled", "numpy"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "numpy":
        monkeypatch.setattr(native, "is_available", lambda: False)


@pytest.mark.slow
@pytest.mark.parametrize(("file", "fault"), FAULTS)
@pytest.mark.usefixtures("way")
def test_lists_of_a_faulty_model_are_those_of_go_or_refused_in_its_words(
    file: str,
    fault: str,
    sound: Model,
    go_reader: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, out = tmp_path / "model", tmp_path / "lists.jsonl"
    sound.save(model)
    rewritten(model, file, FAULTS[file, fault])
    for options in OPTIONS:
        arguments = ["--all-users", f"--model-dir={model}", f"--out={out}", *options]
        done = subprocess.run([go_reader, "predict", *arguments], capture_output=True, text=True)
        assert (predict.main(arguments), capsys.readouterr().err) == (done.returncode, done.stderr)
        assert done.returncode == 1 and done.stderr.startswith(f"error: {model / file}: expected ")
        assert not out.exists()
    refused = 0
    recommender = Recommender.load(model)
    for user in list(recommender.user_ids())[::4]:
        users = tmp_path / "users.csv"
        users.write_text(f"user_id\n{user}\n")
        arguments = [f"--users={users}", f"--model-dir={model}", f"--out={out}"]
        done = subprocess.run([go_reader, "predict", *arguments], capture_output=True, text=True)
        by_go = out.read_text() if done.returncode == 0 else done.stderr
        try:
            items = ", ".join(
                f'{{"item_id": "{found.item_id}", "score": {found.score!r}}}'
                for found in recommender.predict(user)
            )
            assert f'{{"user_id": "{user}", "items": [{items}]}}\n' == by_go
        except ArtifactError as error:
            # Go does not look at values of items that the user has.
            assert f"error: {error}\n" == by_go or "value" in fault
            refused += 1
        out.unlink(missing_ok=True)
    assert refused < 10


@pytest.mark.parametrize("fault", POSITIONS)
def test_neighbors_in_a_faulty_model_are_those_of_go_or_refused_in_its_words(
    fault: str,
    sound: Model,
    go_reader: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sound.save(tmp_path / "model")
    rewritten(tmp_path / "model", "similarity.npz", POSITIONS[fault])
    codes = []
    for item in sound.items.ids:
        arguments = ["--item", item, f"--model-dir={tmp_path / 'model'}"]
        done = subprocess.run([go_reader, "similar", *arguments], capture_output=True, text=True)
        codes.append(similar.main(arguments))
        said = capsys.readouterr()
        assert (codes[-1], said.out, said.err) == (done.returncode, done.stdout, done.stderr)
    assert sum(codes) == 1
