"""Go from synthetic events to recommendations by title, and show the command of each step.

The folder keeps the files of all steps, and the commands as commands.sh.
"""

from __future__ import annotations

import argparse
import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from cli.__main__ import main as run_command
from cli.console import command_line, make_parser, run
from mlcore.errors import DataError
from mlcore.printable import printable

CONFIG = {
    "weighting": {"name": "tf_idf"},
    "neighborhood": "target",
    "similarity": {"name": "cosine"},
    "num_neighbors": 20,
    "shrinkage": 10,
    "min_cooccurrence": 2,
}
STEPS = (
    "generate --users 300 --items 200 --interactions 3000 --seed 2"
    " --out DIR/events.csv --items-out DIR/items.csv",
    "preprocess --interactions DIR/events.csv --out DIR/clean.csv"
    " --min-user-interactions 6 --min-item-interactions 9 --max-user-interactions 40",
    "split --interactions DIR/clean.csv --strategy last-n --n 2"
    " --train-out DIR/train.csv --test-out DIR/test.csv",
    "train --interactions DIR/train.csv --config DIR/config.json --out-dir DIR/model --overwrite",
    "predict --model-dir DIR/model --users DIR/test.csv --top-n 10 --out DIR/predictions.jsonl",
    "evaluate --predictions DIR/predictions.jsonl --ground-truth DIR/test.csv --cutoffs 5,10"
    " --model-dir DIR/model --out DIR/metrics.json",
    "show --predictions DIR/predictions.jsonl --items DIR/items.csv --histories DIR/train.csv",
)
MARK = "# written by mlcore demo\n"
NEXT = """
Next, with a table of your own that has the columns user_id and item_id:
  {train} --interactions FILE --out-dir model
  {predict} --model-dir model --all-users --top-n 10 --out predictions.jsonl
docs/data.md says which tables it reads; mlcore --help lists the commands."""


class Args(argparse.Namespace):
    """Parsed options."""

    out_dir: str


def build_parser() -> argparse.ArgumentParser:
    """Return the parser."""
    parser = make_parser("demo", __doc__, "--out-dir new-demo")
    parser.add_argument(
        "--out-dir",
        default="mlcore-demo",
        metavar="DIR",
        help="new, empty, or of an earlier demo (default: mlcore-demo)",
    )
    return parser


def commands(folder: Path) -> list[list[str]]:
    """Return the arguments of ``mlcore`` for each step, in order."""
    return [
        [word.replace("DIR/", f"{folder.as_posix()}/") for word in step.split()] for step in STEPS
    ]


def as_typed(command: Sequence[str]) -> str:
    """Return a command of ``commands`` as a line for a shell."""
    return f"{command_line(command[0])} {shlex.join(command[1:])}"


def prepare(folder: Path) -> None:
    """Write the configuration and the commands.

    Raises:
        DataError: the folder has files that no demo wrote.
    """
    from mlcore.files.outputs import open_outputs

    script = folder / "commands.sh"
    is_ours = script.is_file() and script.read_bytes().startswith(MARK.encode())
    if (
        folder.exists()
        and not is_ours
        and (not folder.is_dir() or any(map(_is_other, folder.iterdir())))
    ):
        raise DataError(
            f"{folder}: expected a folder that is new, empty or of an earlier demo, got another",
            "--out-dir names the folder",
        )
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{as_typed(command)}\n" for command in commands(folder)]
    with open_outputs(script, folder / "config.json") as (script_out, config_out):
        script_out.write(MARK + "".join(lines))
        config_out.write(json.dumps(CONFIG, indent=2) + "\n")


def _is_other(path: Path) -> bool:
    return ".partial-" not in path.name  # which a demo that was killed may have left


def _work(folder: Path) -> str:
    prepare(folder)
    for command in commands(folder):
        print(f"\n$ {printable(as_typed(command))}", flush=True)
        status = run_command(command)
        if status != 0:
            raise SystemExit(status)
    return NEXT.format(train=command_line("train"), predict=command_line("predict"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    return run(lambda progress: _work(Path(args.out_dir)), args, goes_on=True)


if __name__ == "__main__":
    raise SystemExit(main())
