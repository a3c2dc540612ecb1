"""cli.options: options are those of the fields of configs, with their types, choices and defaults."""

from __future__ import annotations

import argparse
import importlib
from dataclasses import dataclass, fields
from typing import Any, Literal

import pytest

from cli.options import (
    InputArgs,
    add_fields,
    add_input_options,
    build_config,
    flag,
    parse_numbers,
    parse_pair,
)
from mlcore.errors import ConfigError
from mlcore.evaluate.config import CompareConfig, EvaluateConfig
from mlcore.files.options import ColumnNames, InputOptions, PathLike
from mlcore.preprocess.config import PreprocessConfig
from mlcore.recommend.options import PredictOptions, Requests
from mlcore.split.config import SplitConfig
from mlcore.tune.config import TuneConfig


@dataclass(frozen=True)
class Example:
    """A field of each kind."""

    rounds: int = 10
    share: float | None = None
    name: str = "a"
    kind: Literal["x", "y"] = "x"
    fill: Literal["popularity"] | None = None
    items_path: PathLike | None = None
    explain: bool = False


def example_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="example")
    add_fields(parser, Example, **{field.name: "text" for field in fields(Example)})
    return parser


def test_options_left_out_give_the_config_with_its_defaults() -> None:
    assert build_config(Example, example_parser().parse_args([])) == Example()


def test_options_give_the_fields_in_their_types() -> None:
    line = "--rounds 7 --share 0.5 --name b --kind y --fill popularity --items i.csv --explain"
    args = example_parser().parse_args(line.split())
    assert build_config(Example, args) == Example(7, 0.5, "b", "y", "popularity", "i.csv", True)
    assert build_config(Example, args, rounds=8).rounds == 8


def test_help_has_kinds_and_defaults() -> None:
    text = " ".join(example_parser().format_help().split())
    for part in (
        "--rounds N text (default: 10)",
        "--share X text --name",
        "--name NAME text (default: a)",
        "--kind {x,y} text (default: x)",
        "--fill {popularity} text --items",
        "--items FILE text --explain text",
    ):
        assert part in text


@pytest.mark.parametrize("line", ["--rounds 1.5", "--share x", "--kind z", "--item i.csv"])
def test_values_of_other_types_are_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = example_parser()
    parser.allow_abbrev = False
    with pytest.raises(SystemExit):
        parser.parse_args(line.split())
    assert "example: error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "config", "required"),
    [
        ("preprocess", PreprocessConfig, {}),
        ("split", SplitConfig, {"strategy": "random"}),
        ("tune", TuneConfig, {}),
        ("predict", PredictOptions, {}),
        ("predict", Requests, {}),
        ("evaluate", EvaluateConfig, {}),
        ("compare", CompareConfig, {}),
    ],
)
def test_every_field_of_a_config_has_an_option_with_its_default(
    command: str, config: Any, required: dict[str, str]
) -> None:
    parser = importlib.import_module(f"cli.{command}").build_parser()
    options = {option: action for action in parser._actions for option in action.option_strings}
    args = argparse.Namespace()
    for field in fields(config):
        default = options[flag(field.name)].default
        setattr(args, flag(field.name)[2:].replace("-", "_"), default)
    assert build_config(config, args, **required) == config()


def test_numbers_are_separated_by_commas() -> None:
    assert parse_numbers(int, "10,50")("1,20") == [1, 20]
    assert parse_numbers(float, "0.2,0.8")("0.1,1e-3") == [0.1, 1e-3]
    with pytest.raises(
        argparse.ArgumentTypeError, match=r"^expected integers such as 5, got '1;2'$"
    ):
        parse_numbers(int, "5")("1;2")


def test_input_options_are_options_of_each_command_that_reads_tables() -> None:
    parser = argparse.ArgumentParser()
    add_input_options(parser)
    assert parser.parse_args([], InputArgs()).input_options() == InputOptions()
    line = (
        "--format jsonl --user-column u --item-column i --weight-column w --timestamp-column t "
        "--delimiter tab --no-header --columns u,,i --encoding latin-1 --timezone UTC "
        "--timestamp-unit ms"
    )
    args = parser.parse_args(line.split(), InputArgs())
    assert args.input_options() == InputOptions(
        ColumnNames("u", "i", "w", "t"), "jsonl", "\t", ("u", "", "i"), "latin-1", "UTC", "ms"
    )
    again = parser.parse_args(args.input_words(), InputArgs())
    assert again.input_options() == args.input_options()
    names = ["train", "preprocess", "split", "predict", "show", "evaluate", "compare", "tune"]
    for name in [*names, "run_sql"]:
        shown = importlib.import_module(f"cli.{name}").build_parser().format_help()
        for option in (
            "--delimiter",
            "--no-header",
            "--encoding",
            "--timezone",
            "--timestamp-unit",
        ):
            assert option in shown, name
        assert ("--item-column" in shown) == (name != "run_sql")


@pytest.mark.parametrize("line", ["--no-header", "--columns user_id"])
def test_a_file_without_header_needs_both_options(line: str) -> None:
    parser = argparse.ArgumentParser()
    add_input_options(parser)
    with pytest.raises(ConfigError, match="with it, got none"):
        parser.parse_args(line.split(), InputArgs()).input_options()


@pytest.mark.parametrize("line", ["--delimiter x", "--columns a,b,a", "--timestamp-unit h"])
def test_input_options_of_other_values_are_refused(line: str) -> None:
    parser = argparse.ArgumentParser()
    add_input_options(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(line.split())


def test_a_pair_is_cut_at_the_first_equals_sign() -> None:
    assert parse_pair("name=a=b") == ("name", "a=b")
    assert parse_pair("name=") == ("name", "")
    for text in ("name", "=value", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="^expected NAME=VALUE, got "):
            parse_pair(text)
