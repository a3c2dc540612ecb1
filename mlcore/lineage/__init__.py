"""Lineage: which run, parameters, engine and inputs made a file, one JSON line for each run.

A run calls ``check_appendable`` before the work, then appends a record, and gives the file its name
last: whatever stops it, no file lacks its line.
"""

from typing import TYPE_CHECKING

from mlcore.lazy import lazy_names

if TYPE_CHECKING:
    from mlcore.lineage.answers import Answer, Step, find, trace
    from mlcore.lineage.checks import Report, check
    from mlcore.lineage.command_record import CommandRecord, dataset_to_json
    from mlcore.lineage.contents import FileFacts, Fingerprint, describe_file, describe_input
    from mlcore.lineage.data import Dataset
    from mlcore.lineage.log import Line, Log, append, appended, check_appendable, read_lineage
    from mlcore.lineage.names import find_root, recorded_name
    from mlcore.lineage.queries import BUNDLED_QUERIES
    from mlcore.lineage.query_record import QueryRecord
    from mlcore.lineage.record import Record, format_record, parse_record
    from mlcore.lineage.text import check_from_path, find_from_path
else:
    __getattr__ = lazy_names(
        __name__,
        *(
            "contents",
            "data",
            "names",
            "queries",
            "query_record",
            "command_record",
            "record",
            "log",
        ),
        *("answers", "checks", "text"),
    )

LINEAGE_NAME = "lineage.jsonl"  # unless somebody names another

__all__ = [
    "Answer",
    "BUNDLED_QUERIES",
    "CommandRecord",
    "Dataset",
    "FileFacts",
    "Fingerprint",
    "LINEAGE_NAME",
    "Line",
    "Log",
    "QueryRecord",
    "Record",
    "Report",
    "Step",
    "append",
    "appended",
    "check",
    "check_appendable",
    "check_from_path",
    "dataset_to_json",
    "describe_file",
    "describe_input",
    "find",
    "find_from_path",
    "find_root",
    "format_record",
    "parse_record",
    "read_lineage",
    "recorded_name",
    "trace",
]
