"""mlcore passes the conformance suite, and the suite is what its text says it is."""

from __future__ import annotations

import ast
import hashlib
import json
import mmap
import os
import re
import shlex
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interop import python_adapter
from interop.tools import check, freeze, generate, run
from interop.tools.cases import texts
from interop.tools.draft import Draft
from interop.tools.reference import answer, bits
from interop.tools.registry import REGISTRY
from interop.tools.suite import CONFORMANCE, FLAGS, INTEROP, VERDICTS, Case, read_cases, read_lines
from mlcore import Interactions, Model, Recommender, TrainConfig, train_from_data
from mlcore.artifact import directory
from mlcore.errors import CsrError
from mlcore.jsontext import JsonTextError, parse_json
from mlcore.recommend import scoring
from mlcore.recommend.filter import ItemFilter
from mlcore.recommend.request import ListOptions, UserRequest
from tests.json_schema import is_valid

CASES = read_cases()
SPEC = (INTEROP / "SPEC.md").read_text("utf-8")
ADAPTER = f"{shlex.quote(sys.executable)} -m interop.python_adapter"


def of_kind(*kinds: str) -> pytest.MarkDecorator:
    chosen = [case for case in CASES if case.kind in kinds]
    assert chosen, kinds
    return pytest.mark.parametrize("case", chosen, ids=lambda case: case.id)


@pytest.fixture(params=["mapped", "read"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whether files are mapped, or read because they cannot be."""

    def refuse(*args: Any, **more: Any) -> mmap.mmap:
        raise OSError("no mapping here")

    if request.param == "read":
        monkeypatch.setattr("mlcore.artifact.reader.mmap.mmap", refuse)
    return str(request.param)


# --- mlcore passes -------------------------------------------------------------------------------


@of_kind("model")
def test_a_model_is_accepted_or_refused_as_its_case_says(
    case: Case, way: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run.compare_dump(case, python_adapter.dump(case.path("model"))) is None
    assert os.listdir(tmp_path) == []  # nothing that stands in a file was run


@of_kind("predict")
def test_requests_have_the_answers_of_their_case(case: Case, way: str) -> None:
    recommender = Recommender.load(case.path("model"))
    found = [python_adapter.answer(recommender, line) for line in read_lines(case.path("requests"))]
    assert found == read_lines(case.path("expect"))


@pytest.mark.parametrize(
    "compiled",
    [pytest.param(False, id="scipy"), pytest.param(True, id="compiled", marks=pytest.mark.native)],
)
@of_kind("predict")
def test_a_batch_gives_what_single_requests_give(
    case: Case, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However little there is to do, neither row by row nor, if asked, by scipy.
    monkeypatch.setattr(scoring, "MIN_PRODUCT_ROWS", 1)
    monkeypatch.setattr("mlcore.native.is_available", lambda: compiled)
    recommender = Recommender.load(case.path("model"))
    expected = read_lines(case.path("expect"))
    for request, wanted in zip(read_lines(case.path("requests")), expected):
        if "error" in wanted or "item" in request:
            continue
        fill = "popularity" if request.get("fill") else None
        options = ListOptions(
            request["n"],
            request.get("include"),
            request.get("exclude", ()),
            request.get("include_seen", False),
            fill,  # type: ignore[arg-type]
            request.get("explain", False),
            ItemFilter.parse(python_adapter.filter_of(request)),
        )
        if "user" in request:
            history = recommender.history_of(request["user"])
        else:
            weights, now = request.get("weights", "events"), request.get("now")
            history = recommender.encode_history(request["history"], weights, now)[0]
        asked = UserRequest("", history, fill is not None)
        if case.id == "predict/rows_beside_a_faulty_one":  # a batch checks all rows before
            with pytest.raises(CsrError):
                list(recommender.rank_requests([asked], options))
            continue
        (ranked,) = recommender.rank_requests([asked], options)
        assert (recommender._scorer._rank_rows is not None) == compiled
        ranking = ranked.ranking
        found = [bits(score) for score in ranking.scores.tolist()]
        assert found == [item["bits"] for item in wanted["items"]]
        assert ranking.items.tolist() == [item["index"] for item in wanted["items"]]
        assert ranking.filled.tolist() == [item["filled"] for item in wanted["items"]]
        assert (ranked.contributions is None) == (not options.explain)
        if ranked.contributions is not None:
            reasons = [share for item in wanted["items"] for share in item["because"]]
            assert ranked.contributions.items.tolist() == [share["index"] for share in reasons]
            assert list(map(bits, ranked.contributions.shares.tolist())) == [
                share["bits"] for share in reasons
            ]
            lengths = [len(item["because"]) for item in wanted["items"]]
            assert np.diff(ranked.contributions.indptr).tolist() == lengths


@of_kind("text")
def test_values_are_written_as_their_case_says(case: Case) -> None:
    lines = read_lines(case.path("cases"))
    assert [python_adapter.format_value(line) for line in lines] == [line["text"] for line in lines]


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if case.kind == "model" and case.is_accepted],
    ids=lambda case: case.id,
)
def test_an_accepted_model_is_written_again_with_the_same_bytes(case: Case, tmp_path: Path) -> None:
    folder = case.path("model")
    Model.load(folder).write_files(tmp_path)
    for path in sorted(tmp_path.glob("*.csv")) + sorted(tmp_path.glob("*.npz")):
        # Readers take longer headers than writers write.
        if path.suffix == ".csv" or not case.id.startswith("valid/header"):
            assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


def test_a_writer_replaces_a_directory_in_one_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train_from_data(Interactions.from_columns(["u", "u", "v"], ["a", "b", "a"]))
    second = train_from_data(Interactions.from_columns(["u", "u", "v"], ["x", "y", "z"]))
    target = tmp_path / "model"
    first.save(target)
    inode, files = target.stat().st_ino, digests(target)
    opened = Recommender.load(target)
    put_in_place = directory._put_in_place

    def look(partial: Path, *places: Any) -> None:
        assert digests(target) == files
        whole = digests(partial)
        put_in_place(partial, *places)
        assert digests(target) == whole != files

    monkeypatch.setattr(directory, "_put_in_place", look)
    second.save(target, overwrite=True)
    assert target.stat().st_ino != inode
    assert python_adapter.dump(target)["items"] == "3"
    # Who has the old one open reads the old one.
    assert [item.item_id for item in opened.predict("v")] == ["b"]
    assert os.listdir(tmp_path) == ["model"]


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# --- the suite -----------------------------------------------------------------------------------


def test_the_suite_covers_every_rule_and_holds_nothing_else() -> None:
    assert check.faults(CASES, SPEC) == []
    assert check.main([]) == 0
    assert len(CASES) >= 200


def test_the_check_reports_each_kind_of_fault(tmp_path: Path) -> None:
    for name in ("valid", "invalid", "predict", "text"):
        (tmp_path / name).mkdir()
    (tmp_path / "invalid" / "stray").mkdir()
    (tmp_path / "cases.json").write_text("{}")
    base = {"id": "valid/a", "kind": "model", "result": "accept", "expect": "e", "flags": ["x"]}
    refused = {"id": "invalid/b", "kind": "model", "result": "reject", "flags": []}
    cases = [
        Case({**base, "rules": ["MAN-99"]}),
        Case({**base, "rules": []}),
        Case({**refused, "verdict": "broken", "stage": "open", "rules": ["MAN-1"]}),
    ]
    loose = "\n\nA number is a number. Readers\nmust be quick; see [MAN-1].\n\nThey may not\nsleep, as must [MAN-2].\n"
    text = SPEC + loose + "\n- **[MAN-1]** again, and it must"
    found = "\n".join(check.faults(cases, text, tmp_path))
    for fault in (
        "SPEC.md: [MAN-1] stands twice",
        "no case covers [NPZ-1]",
        "SPEC.md: no rule says: Readers must be quick;",
        "valid/a: SPEC.md has no rule [MAN-99]",
        "valid/a: names no rule",
        "valid/a: stands twice",
        "valid/a: unknown kind or flag",
        "invalid/b: unknown verdict or stage",
        "invalid/stray: belongs to no case",
        "valid/a: expect: no such file",
    ):
        assert fault in found
    assert found.count("no rule says") == 1
    assert "no case covers [MAN-1]" not in found and "[DIR-5]" not in found


def test_generating_again_gives_the_same_bytes(tmp_path: Path) -> None:
    assert generate.main(["--to", str(tmp_path)]) == 0
    found = dict(files_below(tmp_path))
    committed = dict(files_below(CONFORMANCE))
    committed = {name: it for name, it in committed.items() if not name.startswith("gold/")}
    different = sorted(
        name for name in found.keys() | committed.keys() if found.get(name) != committed.get(name)
    )
    assert different == [], "run `python -m interop.tools.generate` and read the diff"


def files_below(folder: Path) -> Iterator[tuple[str, bytes | str]]:
    for top, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            path = Path(top, name)
            if path.is_symlink():
                yield path.relative_to(folder).as_posix(), os.readlink(path)
            elif path.is_file():
                yield path.relative_to(folder).as_posix(), path.read_bytes()


def read_dump(dump: str) -> bytes:
    """Return the bytes of a dump as SPEC.md writes it: offset and 16 bytes, `*` for the same."""
    data, row = b"", b""
    for line in dump.splitlines():
        offset, _, digits = line.partition("  ")
        if offset != "*":
            data += row * ((int(offset, 16) - len(data)) // 16)
            assert len(data) == int(offset, 16)
            row = bytes.fromhex(digits)
            data += row
    return data


def test_the_example_in_the_text_is_a_case_of_the_suite() -> None:
    folder = CONFORMANCE / "valid" / "worked_example" / "model"
    example = SPEC.partition("A worked example")[2]
    names = re.findall(r"^`(\w+\.npz)`:", example, re.MULTILINE)
    dumps = re.findall(r"^```\n(0000.*?)^```", example, re.MULTILINE | re.DOTALL)
    assert names == ["popularity.npz", "similarity.npz"] and len(dumps) == 2
    for name, dump in zip(names, dumps):
        assert read_dump(dump) == (folder / name).read_bytes(), name
    (manifest,) = re.findall(r"```json\n(.*?)```", example, re.DOTALL)
    assert json.loads(manifest) == json.loads((folder / "manifest.json").read_text("utf-8"))
    (items,) = re.findall(r"`items.csv` is `([0-9a-f ]+)`", example)
    assert bytes.fromhex(items) == (folder / "items.csv").read_bytes()


def test_each_invalid_model_differs_from_the_good_one() -> None:
    tree = generate.build()[0]
    for id_, registered in REGISTRY.items():
        if registered.stage is not None:
            good = {f"{id_}/{name}": it for name, it in Draft(registered.model).tree.items()}
            found = {name: it for name, it in tree.items() if name.startswith(f"{id_}/")}
            assert found != good, id_


# The folders of gold are frozen: a change here is a mistake, a new folder is a new line.
GOLD = {
    "format-1-mlcore-0.1.0": "c22d93bcd9325263421081c7b9e101a5f9f296bfbc2c06559bb87f471fa6fa6f",
    "format-1-mlcore-0.2.0": "0f5a4552e8e8870761af5c3063d256f5aa83ddd85f4bd8281326166573cc40e2",
}


def test_gold_is_frozen(capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for folder in sorted((CONFORMANCE / "gold").iterdir()):
        lines = "".join(f"{digest}  {name}\n" for name, digest in digests(folder).items())
        found[folder.name] = hashlib.sha256(lines.encode()).hexdigest()
    assert found == GOLD
    before = digests(CONFORMANCE / "gold")
    assert freeze.main([]) == 0
    assert digests(CONFORMANCE / "gold") == before
    assert "never made anew" in capsys.readouterr().out


def test_models_of_this_version_can_be_frozen_whatever_they_require(tmp_path: Path) -> None:
    tree, entries = freeze.freeze("now")
    generate.write_tree(tree, tmp_path / "gold/now")
    required: set[str] = set()
    for entry in entries:
        model = tmp_path / entry["model"]
        if entry["kind"] == "model":
            assert python_adapter.dump(model) == json.loads(
                (tmp_path / entry["expect"]).read_text()
            )
            required |= {*json.loads((model / "manifest.json").read_text())["required_features"]}
        else:
            asked, expected = read_lines(tmp_path / entry["requests"]), entry["expect"]
            recommender = Recommender.load(model)
            found = [python_adapter.answer(recommender, request) for request in asked]
            assert found == read_lines(tmp_path / expected)
    features = "history_rule", "history_order", "item_attributes", "decayed_popularity"
    assert required == {*features}


def test_gold_says_what_the_text_says_of_its_models() -> None:
    for folder in sorted((CONFORMANCE / "gold").glob("*/*/model")):
        model = freeze.read_model(folder)
        requests = read_lines(folder.parent / "requests.jsonl")
        found = [answer(model, request) for request in requests]
        assert found == read_lines(folder.parent / "expected.jsonl")
        assert {tuple(line)[1] for line in found} == {"items", "error"}


def test_the_tools_import_the_standard_library_only() -> None:
    for path in sorted((INTEROP / "tools").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                fine = (
                    name.startswith("interop.tools")
                    or name.split(".")[0] in sys.stdlib_module_names
                )
                assert fine, f"{path.name} imports {name}"


def test_the_suite_stays_small() -> None:
    sizes = [len(content) for _, content in files_below(CONFORMANCE)]
    assert sum(sizes) < 10_000_000


def test_the_numbers_are_the_shortest_that_read_back() -> None:
    for text in texts.NUMBERS:
        value = float(text)
        mantissa = text.lower().partition("e")[0].lstrip("-")
        digits = mantissa.replace(".", "").lstrip("0").rstrip("0") or "0"
        shortest = repr(abs(value)).partition("e")[0].replace(".", "").lstrip("0").rstrip("0")
        assert digits == (shortest or "0"), text
        # ECMAScript: an exponent from 1e21 on and below 1e-6, and nowhere else.
        assert ("e" in text) == (value != 0 and not 1e-6 <= abs(value) < 1e21), text
    assert len(set(texts.NUMBERS)) == len(texts.NUMBERS) > 70


# Python 3.12 refuses, to numpy too, what it took before: white space after a line feed.
REFUSED_BY_PYTHON = (
    {"invalid/npy_line_feed_before_the_padding"} if sys.version_info >= (3, 12) else ()
)


def test_flags_of_numpy_are_true() -> None:
    flagged = [case for case in CASES if "numpy-accepts" in case.flags]
    flagged = [case for case in flagged if case.id not in REFUSED_BY_PYTHON]
    assert len(flagged) > 50
    for case in flagged:
        names = {"similarity.npz": ["indptr", "indices", "data"], "popularity.npz": ["counts"]}
        for file, arrays in names.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # numpy's about headers of Python 2
                with np.load(case.path("model") / file) as archive:
                    try:
                        loaded = [archive[name] for name in arrays]
                    except zipfile.BadZipFile as error:
                        assert "Overlapped" in str(error)  # newer Pythons refuse it to numpy, too
                        continue
                    assert all(isinstance(array, np.ndarray) for array in loaded), case.id


def test_flags_of_json_are_true() -> None:
    for case in CASES:
        if case.entry.get("verdict") != "manifest":
            continue
        text = (case.path("model") / "manifest.json").read_bytes()
        broken = raises(lambda: parse_json(text.decode(), 16), (JsonTextError, UnicodeDecodeError))
        lenient = not raises(lambda: json.loads(text), (ValueError, RecursionError))
        assert (broken and lenient) == ("python-json-accepts" in case.flags), case.id


def raises(function: Callable[[], Any], errors: tuple[type[Exception], ...]) -> bool:
    try:
        function()
    except errors:
        return True
    return False


def test_the_text_for_adapters_names_every_verdict_and_flag() -> None:
    text = (INTEROP / "CONFORMANCE.md").read_text("utf-8")
    listed = re.findall(r"`([a-z_]+)`", text.partition("Verdicts:")[2].partition("Stages:")[0])
    assert tuple(listed) == VERDICTS
    assert [flag for flag in FLAGS if f"`{flag}`" not in text] == []
    mentioned = set(re.findall(r"`((?:npz|npy|csr)_[a-z_]+)`", text))
    assert mentioned <= {case.id.partition("/")[2] for case in CASES}


# --- the runner ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pattern", ["valid/minimal", "invalid/npy_object", "predict/good", "text/*"]
)
def test_the_adapter_passes_as_a_program(
    pattern: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "TIME_OUT", 60)  # of a machine that does much else
    assert run.main(["--adapter", ADAPTER, "--only", pattern]) == 0
    assert ", 0 failed, 0 of them known\n" in capsys.readouterr().out


BROKEN = {
    "other verdict": 'import sys; print(\'{"error": "io", "stage": "open"}\'); sys.exit(1)',
    "later stage": 'import sys; print(\'{"error": "header", "stage": "verify"}\'); sys.exit(1)',
    "accepts": "print('{}')",
    "crashes": "import os; os.abort()",
    "exit code 2": 'import sys; print(\'{"error": "header", "stage": "open"}\'); sys.exit(2)',
    "silent": "import sys; sys.exit(1)",
    "not JSON": "import sys; print('header'); sys.exit(1)",
    "not UTF-8": "import sys; sys.stdout.buffer.write(b'\\xff'); sys.exit(1)",
    "hangs": "import time; time.sleep(60)",
    "canary": "import sys; open('mlcore-canary', 'w'); "
    'print(\'{"error": "header", "stage": "open"}\'); sys.exit(1)',
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_program_fails(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(run, "TIME_OUT", 0.5 if name == "hangs" else 10)
    command = f"{shlex.quote(sys.executable)} -S -c {shlex.quote(BROKEN[name])}"
    assert run.main(["--adapter", command, "--only", "invalid/npy_object"]) == 1
    assert os.listdir(tmp_path) == []


def test_a_known_failure_is_forgiven_until_it_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = tmp_path / "known.txt"
    known.write_text("# why\ninvalid/npy_object  # not yet\n\n")
    options = ["--only", "invalid/npy_object", "--known-failures", str(known)]
    silent = f"{shlex.quote(sys.executable)} -S -c pass"
    assert run.main(["--adapter", silent, *options]) == 0
    assert "known: invalid/npy_object: " in capsys.readouterr().out
    assert run.main(["--adapter", ADAPTER, *options]) == 1
    assert "is listed as a known failure, but passes" in capsys.readouterr().out
    known.write_text("invalid/no_such_case\n")
    with pytest.raises(SystemExit, match="no such case: invalid/no_such_case"):
        run.main(["--adapter", silent, *options])
    with pytest.raises(SystemExit, match="no case of "):
        run.main(["--adapter", silent, "--only", "nothing/*"])


def test_a_line_too_few_or_other_fails() -> None:
    assert run.compare_lines([1, 2], [1, 2]) is None
    assert run.compare_lines([1, 2], [1]) == "expected 2 lines, got 1"
    assert run.compare_lines([1, 2], [1, 2, 3]) == "expected 2 lines, got 3"
    assert run.compare_lines([1, 2], [1, 3]) == "expected 2, got 3"


# --- the schemas ---------------------------------------------------------------------------------


def schema_of(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = parse_json((INTEROP / "schema" / f"{name}.schema.json").read_text())
    return loaded


def test_the_index_is_as_its_schema_says() -> None:
    index = json.loads((CONFORMANCE / "cases.json").read_text("utf-8"))
    schema = schema_of("cases")
    assert is_valid(index, schema, schema)
    assert index["count"] == len(index["cases"]) == len(CASES)
    assert index["suite_version"] == (INTEROP / "VERSION").read_text().strip()
    assert schema["$defs"]["verdict"]["enum"] == [*VERDICTS]
    assert schema["$defs"]["flags"]["items"]["enum"] == [*FLAGS]


# Faults of a manifest that a schema cannot say, or says otherwise: 3.0 is an integer there.
BEYOND_A_SCHEMA = {
    "attributes_availability_not_listed",
    "attributes_codes_over_max_entries",
    "attributes_codes_too_few",
    "attributes_columns_counted_too_high",
    "attributes_times_too_many",
    "attributes_without_the_feature",
    "decayed_popularity_missing",
    "decayed_popularity_of_an_item_less",
    "decayed_popularity_with_another_feature",
    "decayed_popularity_without_the_feature",
    "directory_users_not_listed",
    "manifest_bytes_with_fraction",
    "manifest_config_sha256_of_another",
    "manifest_count_with_exponent",
    "manifest_count_with_fraction",
    "manifest_data_longer_than_indices",
    "manifest_pairs_do_not_fit",
    "manifest_shape_of_another_length",
    "manifest_shape_with_fraction",
    "manifest_similarity_not_square",
    "manifest_version_with_fraction",
}


def test_the_schema_of_the_manifest_tells_good_from_bad() -> None:
    schema = schema_of("manifest")
    accepted = set()
    for case in CASES:
        path = case.path("model") / "manifest.json" if case.kind == "model" else Path()
        if case.kind == "model" and case.is_accepted:
            assert is_valid(parse_json(path.read_text("utf-8")), schema, schema), case.id
        elif case.entry.get("verdict") in ("manifest", "version"):
            if {"CFG-1", "HIS-2", "HIS-3", "ORD-2"} & {*case.entry["rules"]}:
                continue  # the manifest is a good one, by itself
            try:
                manifest = parse_json(path.read_bytes().decode())
            except (JsonTextError, UnicodeDecodeError):
                continue
            depth_alone = "LIM-1" in case.entry["rules"] and "MAN-2" in case.entry["rules"]
            if is_valid(manifest, schema, schema) and not depth_alone:
                accepted.add(case.id.removeprefix("invalid/"))
    assert accepted == BEYOND_A_SCHEMA | {
        "directory_with_a_broken_link_not_listed",
        "manifest_over_1_mib",
        "norms_too_few",
        "order_missing",
        "order_not_listed",
        "order_too_short",
        "order_without_the_feature",
        "order_without_the_rule",
        "rule_arrays_not_listed",
    }


def test_the_schema_of_predictions_takes_what_the_suite_writes() -> None:
    schema = schema_of("prediction")
    for line in read_lines(CONFORMANCE / "text" / "lists.jsonl"):
        assert is_valid(parse_json(line["text"]), schema, schema)
    assert not is_valid({"user_id": "u", "items": [{"item_id": "a"}]}, schema, schema)
    assert not is_valid({"user_id": 7, "items": []}, schema, schema)
