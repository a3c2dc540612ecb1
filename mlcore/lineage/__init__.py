"""Lineage: which query, parameters, engine and inputs made a file, one JSON line for each run.

A run calls ``check_appendable`` before the work, then appends a ``LineageRecord``, and gives the file
its name last: whatever stops it, no file lacks its line.
"""

from mlcore.lineage.answers import Answer, Report, Step, check, find
from mlcore.lineage.contents import FileFacts, Fingerprint, describe_file
from mlcore.lineage.data import Dataset
from mlcore.lineage.log import append, check_appendable, read_lineage
from mlcore.lineage.names import find_root, recorded_name
from mlcore.lineage.record import LineageRecord
from mlcore.lineage.text import check_from_path, find_from_path

__all__ = [
    "Answer",
    "Dataset",
    "FileFacts",
    "Fingerprint",
    "LineageRecord",
    "Report",
    "Step",
    "append",
    "check",
    "check_appendable",
    "check_from_path",
    "describe_file",
    "find",
    "find_from_path",
    "find_root",
    "read_lineage",
    "recorded_name",
]
