"""The tools that compare readers: a corpus follows from its seed, and no difference is passed over."""

from __future__ import annotations

import json
import random
import shlex
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interop import python_adapter
from interop.tools import agree, mutate, same_lists
from interop.tools.programs import PYTHON, built_programs, chosen_programs
from interop.tools.random_requests import Known, random_requests
from interop.tools.request_form import is_request
from interop.tools.suite import CONFORMANCE, INTEROP
from mlcore import Recommender

ALL_FEATURES = CONFORMANCE / "valid/all_features/model"
ENTRY = {"model": "m", "damage": "array: similarity.npz", "requests": ["one", "two"]}
ITEM = {"item_id": "a", "index": 0, "bits": "3ff0000000000000", "filled": False}
SOUND: dict[str, Any] = {
    "dump": {"items": "1"},
    "answers": [{"id": "1", "items": [ITEM]}, {"id": "2", "items": []}],
}


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def test_a_corpus_follows_from_its_seed(tmp_path: Path) -> None:
    for name, seed in {"one": 3, "again": 3, "other": 4}.items():
        assert (
            mutate.main([f"{tmp_path / name}", "--models=40", "--requests=200", f"--seed={seed}"])
            == 0
        )
    assert files(tmp_path / "one") == files(tmp_path / "again") != files(tmp_path / "other")
    entries = agree.read_corpus(tmp_path / "one")
    assert len(entries) == 40
    assert 150 < sum(len(entry["requests"]) for entry in entries) < 250


def test_each_kind_of_damage_changes_files_or_leaves_them(tmp_path: Path) -> None:
    rng, verdicts = random.Random(1), dict[str, Counter[str]]()
    sound = mutate.read_files(ALL_FEATURES)
    for kind, damage in mutate.DAMAGES.items():
        verdicts[kind] = Counter()
        for number in range(12):
            changed = dict(sound)
            damage(rng, changed, mutate.read_files(CONFORMANCE / "valid/good/model"))
            folder = tmp_path / f"{kind} {number}"
            mutate.write_files(folder, changed)
            verdicts[kind][python_adapter.dump(folder).get("error", "accepted")] += 1
    assert all(counts.total() > counts["accepted"] for counts in verdicts.values()), verdicts
    assert {*sum(verdicts.values(), Counter[str]())} >= {
        "io",
        "manifest",
        "size",
        "container",
        "csr",
        "idmap",
    }


def test_random_requests_have_all_options_and_few_are_refused() -> None:
    known = Known.of(ALL_FEATURES)
    asked = [json.loads(line) for line in random_requests(known, 1000, 5)]
    assert {key for one in asked for key in one} == {
        *("id", "user", "item", "history", "weights", "now", "n", "include", "exclude"),
        *("include_seen", "fill", "explain", "filter"),
    }
    assert {key for one in asked for key in one.get("filter", {})} == {
        *("any_of", "none_of", "available_at", "at_most")
    }
    assert all(map(is_request, asked))
    recommender = Recommender.load(ALL_FEATURES)
    verdicts = Counter(python_adapter.answer(recommender, one).get("error") for one in asked)
    assert verdicts[None] > 900 and {*verdicts} == {None, "request", "unknown_user", "unknown_item"}


def change(answer: Any, *path: Any, value: Any) -> Any:
    changed = json.loads(json.dumps(answer))
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def other_answers() -> Iterator[tuple[str, Any]]:
    yield "another digest", change(SOUND, "dump", "items", value="2")
    yield "another bit", change(SOUND, "answers", 0, "items", 0, "bits", value="3ff0000000000001")
    yield "another verdict", change(SOUND, "answers", 1, value={"id": "2", "error": "csr"})
    yield "an answer less", change(SOUND, "answers", value=SOUND["answers"][:1])
    yield "refused", {"dump": {"error": "csr", "stage": "verify"}, "answers": SOUND["answers"]}
    yield "a crash", "exit code 2: "


@pytest.mark.parametrize(("name", "other"), [*other_answers()], ids=lambda value: str(value)[:16])
def test_every_difference_is_found(name: str, other: Any) -> None:
    assert [*agree.compare(ENTRY, SOUND, SOUND)] == []
    assert [*agree.compare(ENTRY, SOUND, other)] and [*agree.compare(ENTRY, other, SOUND)], name


def refused(verdict: str, stage: str, answers: Any = ()) -> Any:
    return {"dump": {"error": verdict, "stage": stage}, "answers": [*answers]}


def test_a_fault_may_be_found_earlier_and_one_of_two_faults_told() -> None:
    late, early = refused("csr", "verify", SOUND["answers"]), refused("csr", "open")
    assert [*agree.compare(ENTRY, late, early)] == []
    digest, own = refused("checksum", "verify"), refused("idmap", "verify")
    assert [*agree.compare({**ENTRY, "damage": "bytes: items.csv"}, digest, own)] == []
    assert [*agree.compare({**ENTRY, "damage": "lines: items.csv"}, digest, own)]


READER = """
import json, os, sys
for number, line in enumerate(sys.stdin):
    model = json.loads(line)["model"]
    if model == "bad":
        os._exit(7)
    print(json.dumps({"dump": {"model": model}, "answers": []}), flush=number != 1)
"""


def test_a_crash_costs_one_answer(tmp_path: Path) -> None:
    program = tmp_path / "reader.py"
    program.write_text(READER)
    entries = [{**ENTRY, "model": name} for name in ("a", "b", "bad", "c", "bad", "d")]
    found = agree.run_program([sys.executable, str(program)], entries)
    models = [answer if isinstance(answer, str) else answer["dump"]["model"] for answer in found]
    assert models == ["a", "b", "exit code 7: ", "c", "exit code 7: ", "d"]


def test_programs_are_those_that_are_built_or_named() -> None:
    assert next(iter(built_programs().values())) == PYTHON
    assert chosen_programs(["new=./reader --fast"]) == {"new": ["./reader", "--fast"]}
    assert (INTEROP / "python_adapter.py").exists()


@pytest.mark.slow
def test_lists_of_every_kind_are_those_of_the_command(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(same_lists, "SOME", 50)
    monkeypatch.setattr(same_lists, "OPTIONS", same_lists.OPTIONS[::3])
    adapter = f"python={shlex.join(PYTHON)}"
    arguments = [f"--model-dir={ALL_FEATURES}", "--requests=300", f"--program={adapter}"]
    assert same_lists.main(arguments) == 0
    said = capfd.readouterr().out
    assert said.count("cli.predict, python: equal") == 6 and "DIFFERENT" not in said


def test_other_bytes_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, text in {"a": '{"score": 1}\n', "b": '{"score": 2}\n'}.items():
        (tmp_path / name).write_text(text)
    assert same_lists.compare_files("x", {"a": tmp_path / "a", "same": tmp_path / "a"})
    assert not same_lists.compare_files("x", {"a": tmp_path / "a", "b": tmp_path / "b"})
    assert "1 lines differ, first 1" in capsys.readouterr().out


def test_measure_counts_lists_and_bytes() -> None:
    lines = [json.dumps({"id": "r", "item": "a", "n": 5}).encode()] * 3
    found = python_adapter.measure(ALL_FEATURES, lines, 0.05, 2)
    line = python_adapter.list_line(Recommender.load(ALL_FEATURES), json.loads(lines[0]))
    assert found["bytes"] == found["lists"] * len(line) > 0
    assert 0 < found["open"] < found["first"] and found["seconds"] >= 0.05
