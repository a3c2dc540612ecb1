"""The commands, one module each: ``mlcore NAME``, ``python -m mlcore NAME`` or ``python -m cli.NAME``."""

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
    "similar",
    "inspect",
    "show",
    "publish",
    "run_sql",
    "lineage",
)
