"""benchmarks.evaluate_worker: each line is answered with the metrics."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks import lists

ROOT = Path(__file__).parents[2]


def test_a_worker_answers_each_line_with_the_metrics(tmp_path: Path) -> None:
    assert lists.main([str(tmp_path), "30", "300", "110", "4"]) == 0
    shown = subprocess.run(
        [sys.executable, "-m", "benchmarks.evaluate_worker", "mlcore", "files", str(tmp_path)],
        input="\n\n", capture_output=True, text=True, cwd=ROOT, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert shown[0] == "" and len(shown) == 3
    first, second = (json.loads(line)["metrics"] for line in shown[1:])
    assert first == second and first["recall@100"] > 0
