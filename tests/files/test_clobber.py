"""Outputs that are inputs, by whatever name."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlcore.errors import DataError
from mlcore.files.clobber import refuse_clobber
from tests.cli.cases import ENVIRONMENT

SAME = "expected another file than the input --interactions, got the same"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("a")
    (tmp_path / "b.csv").write_text("b")
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "p.csv").write_text("p")
    return tmp_path


def refusal(output: str, path: str) -> str:
    with pytest.raises(DataError) as caught:
        refuse_clobber(output, {"--items": None, "--interactions": path})
    return str(caught.value)


def link_to(name: str, target: str, make: Callable[[str, str], None]) -> str:
    make(target, name)
    return name


def test_a_file_is_known_by_any_of_its_names(folder: Path) -> None:
    names = ["a.csv", "./a.csv", "parts/../a.csv", str(folder / "a.csv")]
    names += [link_to("soft.csv", "a.csv", os.symlink), link_to("hard.csv", "a.csv", os.link)]
    for name in names:
        assert refusal(name, "a.csv") == f"{name}: {SAME}"
        assert refusal("a.csv", name) == f"a.csv: {SAME}"


@pytest.mark.parametrize(
    ("output", "path"),
    [
        ("new.csv", "a.csv"),
        ("b.csv", "a.csv"),
        ("a.csv", "a.tsv"),
        ("a.csv", "shop.events"),
        ("a.csv", "gs://bucket/a.csv"),
        ("a.csv", "p*.csv"),
        ("a.csv", "parts"),
        ("parts.csv", "parts"),
        ("parts", "parts/p.csv"),
        ("-", "-"),
        ("-", "parts"),
        ("/dev/null", "/dev/null"),
        ("a\0.csv", "a.csv"),
    ],
)
def test_other_files_pass(output: str, path: str) -> None:
    refuse_clobber(output, {"--interactions": path})


def test_a_pattern_stands_for_the_files_that_it_finds() -> None:
    assert refusal("a.csv", "*.csv") == f"a.csv: {SAME}"
    assert refusal("parts/p.csv", "par*/*.csv") == f"parts/p.csv: {SAME}"


def test_an_output_does_not_match_an_input_pattern() -> None:
    rule = "expected a name that the pattern of --interactions does not match, got one of it"
    for output in ("parts/new.csv", "./parts/new.csv"):
        assert refusal(output, "par*/*.csv") == f"{output}: {rule}"
    for output in ("new.csv", "parts/new.tsv", "parts/deep/new.csv", "-"):
        refuse_clobber(output, {"--interactions": "par*/*.csv"})
    refuse_clobber("-", {"--interactions": "*"})
    refuse_clobber("parts/model", {"--interactions": "parts/*"}, is_folder=True)


def test_a_name_that_looks_like_a_pattern_is_a_name(folder: Path) -> None:
    (folder / "[a].csv").write_text("x")
    assert refusal("[a].csv", "[a].csv") == f"[a].csv: {SAME}"
    refuse_clobber("a.csv", {"--interactions": "[a].csv"})


def test_an_input_folder_holds_no_output(folder: Path) -> None:
    (folder / "link").symlink_to("parts")
    rule = "expected a place outside the input --interactions"
    for output in ("parts/p.csv", "parts/new.csv", "parts/deep/new.csv", "link/new.csv"):
        assert refusal(output, "parts") == f"{output}: {rule}, got one inside"
        assert refusal(output, "link") == f"{output}: {rule}, got one inside"
    assert refusal("link", "parts") == f"link: {rule}, got the same"
    os.link("parts/p.csv", "hard.csv")
    assert refusal("hard.csv", "parts") == f"hard.csv: {SAME}"


@pytest.mark.parametrize("redirected", ["<a.csv >>a.csv", "<>a.csv >&0"])
def test_standard_streams_are_known_by_their_file(folder: Path, redirected: str) -> None:
    code = (
        "from mlcore.files.clobber import refuse_clobber; import sys\n"
        "try: refuse_clobber('-', {'--interactions': '-'})\n"
        "except Exception as error: print(error, file=sys.stderr)"
    )
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" -c "$1" {redirected}', sys.executable, code],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    assert done.stderr == f"standard output: {SAME}\n"


def test_standard_input_is_one_input_only() -> None:
    for other in ("-", "/dev/stdin"):
        with pytest.raises(DataError) as caught:
            refuse_clobber("out.csv", {"--users": "u.csv", "--include": other, "--exclude": "-"})
        assert str(caught.value) == (
            "standard input: expected one input from it, got --include and --exclude"
        )
