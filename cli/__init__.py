"""The commands, one module each: ``mlcore NAME``, ``python -m mlcore NAME`` or ``python -m cli.NAME``."""

import sys

from mlcore.interrupts import end_on_signals

# Python is looking for what to run: this package, or a module of it.
if sys.argv[:1] == ["-m"] and any(word.split(".")[0] in ("cli", "-mcli") for word in sys.orig_argv):
    end_on_signals()

COMMANDS = (
    "demo",
    "generate",
    "preprocess",
    "split",
    "config",
    "train",
    "tune",
    "predict",
    "evaluate",
    "compare",
    "diff",
    "report",
    "similar",
    "inspect",
    "show",
    "explore",
    "publish",
    "run_sql",
    "lineage",
)
