"""Filters through the commands in Python and in Go: the same lists, or the same words."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.cli.cases import run, write
from tests.cli.test_tables_go import in_go, same_in_go

CATALOGUE = """item_id,brand,kind,available_from,available_until
tea,acme,drink,,2026-03-01T00:00:00Z
milk,acme,drink,10,
rye,,bread,,20
"""
FILTERS = [
    "{}",
    ' {"any_of": {}, "none_of": {}, "at_most": {}} ',
    '{"any_of": {"brand": ["acme"]}}',
    '{"none_of": {"brand": ["acme"], "kind": []}}',
    '{"any_of": {"kind": ["drink", "drink", ""]}, "at_most": {"brand": 1}}',
    '{"available_at": 10}',
    '{"available_at": "2026-03-01 01:00:00+01:00"}',
    '{"any_of": {"brand": ["zeta"]}}',
    '{"any_of": {"brand": ["a", "b"]}, "none_of": {"kind": ["c", "d"]}}',
    '{"any_of": {"Brand": []}}',
    '{"none_of": {"available_from": []}}',
    '{"at_most": {"": 1}}',
    '{"at_most": {"brand": 0}}',
    '{"at_most": {"brand": 1.0}}',
    '{"at_most": {"brand": 2147483648}}',
    '{"any_of": {"brand": "acme"}}',
    '{"none_of": {"brand": ["1998", 1999]}}',
    '{"brand": ["acme"]}',
    '{"available_at": 1.5}',
    '{"any_of": {"brand": ["acme"]}',
    '{"any_of": {"brand": ["acme"]}} x',
    '{"any_of": {"brand": ["\\ud800"]}}',
    "{'any_of': {}}",
]


@pytest.mark.go
@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_gives_the_same_in_go_or_is_refused_in_the_same_words(
    text: str, folder: Path, go_reader: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"items.csv": CATALOGUE, "filter.json": text})
    for given in (shlex.quote(text), "filter.json"):
        same_in_go(f"--all-users --attributes items.csv --filter {given}", go_reader, capsys)
    options = f"--model-dir model --item tea --attributes items.csv --filter {shlex.quote(text)}"
    status = run(f"similar {options}")
    said = capsys.readouterr()
    done = in_go(go_reader, f"similar {options}")
    assert (done.returncode, done.stdout, done.stderr) == (status, said.out, said.err)


@pytest.mark.go
@pytest.mark.parametrize("moment", ['"2026-03-01"', "1767225600000", '""'])
def test_a_moment_that_is_none_is_refused_by_both(
    moment: str, folder: Path, go_reader: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, {"items.csv": CATALOGUE})
    wanted = shlex.quote('{"available_at": %s}' % moment)
    command = (
        f"predict --model-dir model --all-users --attributes items.csv --filter {wanted} --out -"
    )
    assert run(command) == 1
    done = in_go(go_reader, command)
    # The hints differ: Go has no option for other units and zones.
    assert done.stderr.splitlines()[0] == capsys.readouterr().err.splitlines()[0]
    assert done.returncode == 1


@pytest.mark.go
@pytest.mark.parametrize(
    "text", ["nothing.json", "model", "{}", '{"at_most": {"brand": 1}}', '{"available_at": 1}']
)
def test_a_filter_without_a_catalogue_is_refused_in_the_same_words(
    text: str, folder: Path, go_reader: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    same_in_go(f"--all-users --filter {shlex.quote(text)}", go_reader, capsys)
