"""Compare two programs on random histories: their predictions must be equal byte for byte.

Numbers are written as the shortest text that reads back as the same f64, so equal bytes are equal
bits. ``python -m interop.tools.compare --model-dir DIR --program "interop/go/build/mlcore"`` takes
``python -m cli`` for the other one.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

OPTIONS = (
    ["--top-n", "10"],
    ["--top-n", "300"],
    ["--top-n", "50", "--include-seen"],
    ["--top-n", "100", "--fill", "popularity"],
    ["--top-n", "20", "--fill", "popularity", "--explain"],
)


def read_ids(model_dir: Path) -> list[str]:
    """Return the items of a model; quoting in an id map is that of CSV."""
    with open(model_dir / "items.csv", encoding="utf-8", newline="") as file:
        return [row[1] for row in csv.reader(file)][1:]


def write_histories(path: Path, item_ids: Sequence[str], count: int, seed: int) -> None:
    """Write random histories: lengths from 0 to 200, weights of many sizes, unknown items."""
    rng = random.Random(seed)
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        for number in range(count):
            length = min(len(item_ids), int(200 ** rng.random()) - (rng.random() < 0.02))
            history: list[dict[str, object]] = []
            for item_id in rng.sample(item_ids, length):
                weight = rng.choice(
                    [1, rng.randint(1, 5), rng.random() + 1e-3, 10 ** rng.uniform(-9, 9)]
                )
                history.append({"item_id": item_id, "weight": weight})
            if rng.random() < 0.05:
                history.append({"item_id": f"unknown {number}"})
            file.write(json.dumps({"user_id": f"s{number}", "history": history}) + "\n")


def predict(program: str, model_dir: Path, histories: Path, options: Sequence[str]) -> bytes:
    """Return the predictions of one program."""
    command = [*shlex.split(program), "predict", "--model-dir", str(model_dir)]
    command += ["--histories", str(histories), "--out", "-", *options]
    return subprocess.run(
        command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ).stdout


def main(argv: Sequence[str] | None = None) -> int:
    """Compare, print what was compared, return 1 at the first difference."""
    parser = argparse.ArgumentParser(prog="python -m interop.tools.compare", description=__doc__)
    parser.add_argument("--model-dir", type=Path, required=True)
    parser.add_argument("--program", required=True, help="has a command predict, as python -m cli")
    parser.add_argument("--reference", default=f"{shlex.quote(sys.executable)} -m cli")
    parser.add_argument("--histories", type=int, default=10_000, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "histories.jsonl"
        write_histories(path, read_ids(args.model_dir), args.histories, args.seed)
        for options in OPTIONS:
            expected = predict(args.reference, args.model_dir, path, options).splitlines()
            found = predict(args.program, args.model_dir, path, options).splitlines()
            for line, (one, other) in enumerate(zip(expected, found, strict=True), 1):
                if one != other:
                    print(f"{' '.join(options)}: line {line} differs:\n{one!r}\n{other!r}")
                    return 1
            items = sum(line.count(b'"score"') for line in expected)
            print(f"{' '.join(options)}: {len(expected)} lists, {items} items, all equal")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
