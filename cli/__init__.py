"""The commands: one module each, ``python -m cli.<name>``; ``python -m cli`` lists them."""

COMMANDS = (
    "generate",
    "preprocess",
    "split",
    "train",
    "tune",
    "predict",
    "evaluate",
    "compare",
    "similar",
    "inspect",
    "show",
    "publish",
    "run_sql",
    "lineage",
)
