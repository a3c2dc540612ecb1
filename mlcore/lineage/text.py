"""Answers of the lineage as text, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mlcore.errors import DataError
from mlcore.files.inputs import display_name
from mlcore.files.options import PathLike
from mlcore.jsontext import format_document
from mlcore.lineage.answers import Answer, Step, find
from mlcore.lineage.checks import Report, check
from mlcore.lineage.command_record import CommandRecord, Setting
from mlcore.lineage.data import Dataset
from mlcore.lineage.log import Log
from mlcore.lineage.query_record import QueryRecord
from mlcore.printable import JOINERS, printable, printable_json

__all__ = ["check_from_path", "find_from_path"]

_DIGITS = 12  # of a digest, where it is shown to people


def find_from_path(
    path: PathLike, *lineage_paths: PathLike, as_json: bool = False
) -> tuple[str, DataError | None]:
    """Return what the lineage says of a file, and the error unless a run made it as it is.

    Args:
        path: of the file, or ``-``.
        lineage_paths: one at least; the first that knows the file answers.
        as_json: whether the text is JSON; then it says something in any case.

    Raises:
        DataError: one of the files cannot be read.
    """
    answer, lineage_path = _first_answer(path, lineage_paths)
    name = display_name(path)
    error = None if answer.state == "known" else _not_made(answer, name, lineage_path)
    if as_json:
        return printable_json(_to_json(answer, name).removesuffix("\n")), error
    return "" if error else _tree(answer, name), error


def _first_answer(path: PathLike, logs: Sequence[PathLike]) -> tuple[Answer, PathLike]:
    """Return the answer of the first log that knows a file, else that of the first; and the log."""
    answers: list[tuple[Answer, PathLike]] = []
    for name in logs:
        with Log(name) as log:
            answers.append((find(path, log), name))
            log.report_faults()
        if answers[-1][0].state == "known":
            return answers[-1]
    return next((one for one in answers if one[0].state == "changed"), answers[0])


def check_from_path(
    lineage_path: PathLike, *, as_json: bool = False
) -> tuple[str, DataError | None]:
    """Return the findings of a check of the lineage, and the error for its first fault.

    Args:
        as_json: whether the text is JSON; then it has all faults, the first as well.

    Raises:
        DataError: it cannot be read, or a line is no record.
    """
    with Log(lineage_path) as log:
        report = check(log)
        if not report.num_runs:
            log.report_faults()
    if as_json:
        return printable_json(_report_to_json(report)), _failure(report, lineage_path)
    lines = [f"{lineage_path}:{line}: {text}" for line, text in report.notes]
    if not report.faults:
        runs = _count(report.num_runs, "run")
        return _joined([*lines, f"{runs}, nothing wrong"]), None
    lines += [f"{lineage_path}:{line}: {text}" for line, text in report.faults[1:]]
    return _joined(lines), _failure(report, lineage_path)


def _failure(report: Report, lineage_path: PathLike) -> DataError | None:
    for line, text in report.faults:
        return DataError(f"{lineage_path}:{line}: {text}")
    return None


def _report_to_json(report: Report) -> str:
    findings = {
        name: [{"line": line, "text": text} for line, text in found]
        for name, found in (("faults", report.faults), ("notes", report.notes))
    }
    return format_document({"runs": report.num_runs, **findings}).removesuffix("\n")


def _not_made(answer: Answer, name: str, lineage_path: PathLike) -> DataError:
    if answer.state == "unknown":
        return DataError(
            f"{name}: expected a file that a run of {lineage_path} made, got one that is not known",
            "a run writes its line where --lineage names a log, or lineage.jsonl is beside its output",
        )
    record = answer.steps[0].record
    return DataError(
        f"{name}: expected the content with sha256 {_short(record.output.sha256)} that "
        f"{record.maker} made at {record.created_at}, got another, with sha256 "
        f"{_short(answer.facts.sha256)}: changed since"
    )


def _to_json(answer: Answer, name: str) -> str:
    return format_document(
        {
            "file": Path(name).name,
            "state": answer.state,
            **asdict(answer.facts),
            "steps": [_step_to_json(step) for step in answer.steps],
        }
    )


def _step_to_json(step: Step) -> dict[str, Any]:
    place = step.text_place
    values = {"record": step.record.to_json(), "text_place": None if place is None else vars(place)}
    return {**vars(step), **values}


def _tree(answer: Answer, name: str) -> str:
    first, steps = answer.steps[0], {step.line: step for step in answer.steps}
    lines = [f"{name}: {_size(first.record.output)}"]
    was = first.record.output.file
    if was is not None and was.rpartition("/")[2] != Path(name).name:
        lines[0] += f", made as {was}"
    lines += _run(first, "  ")
    shown, waiting = {first.line}, _inputs(first, "  ")
    # No recursion: a file made each day from that of the day before goes back for years.
    while waiting:
        text, line, indent = waiting.pop()
        lines.append(f"{text}, as above" if line in shown else text)
        if line is not None and line not in shown:
            shown.add(line)
            lines += _run(steps[line], indent)
            waiting += _inputs(steps[line], indent)
    return _joined(lines)


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(printable(line, JOINERS) for line in lines)


def _run(step: Step, indent: str) -> list[str]:
    record = step.record
    params = f"params  {_pairs(record.params)}"
    when = ", ".join(filter(None, (record.created_at, record.tool)))
    if isinstance(record, CommandRecord):
        engine = "" if record.engine is None else f" by {record.engine}"
        command = f"command {record.command}{engine}, {_git(record.commit, record.dirty)}"
        return [indent + line for line in (command, params, f"run     {when}")]
    query = f"query   {record.query}, sha256 {_short(record.query_sha256)}, {_git_of_query(record)}"
    states = {
        "missing": ["note    this query is gone"],
        "changed": ["note    this query has changed"],
    }
    engine = f"engine  {record.engine} {record.engine_version}, {when}"
    where = [] if step.text_place is None else [f"text    {step.text_place}"]
    lines = [query, *states.get(step.query_state or "same", []), *where, params, engine]
    return [indent + line for line in lines]


def _inputs(step: Step, indent: str) -> list[tuple[str, int | None, str]]:
    """Return for each input, last first, its text, the line that made it, and the next indent."""
    inputs = []
    for data, line in zip(step.record.inputs, step.made_by):
        origin = "no run made it" if line is None else f"line {line}"
        if line is not None and line < 0:
            origin = "by provenance.json of the model"
        if line is not None and data.sha256 is None:
            origin += ", by the name of the table"
        name = display_name(data.file or data.stored or "a file of this content")
        text = f"input   {data.table} = {name}: {_size(data)}; {origin}"
        inputs.append((indent + text, line, f"{indent}  "))
    return inputs[::-1]


def _git_of_query(record: QueryRecord) -> str:
    is_other = record.commit is not None and not record.committed
    return ("not as " if is_other else "") + _git(record.commit, record.dirty)


def _git(commit: str | None, dirty: bool | None) -> str:
    if commit is None:
        return "no commit"
    return f"in commit {_short(commit)}{', among changed files' if dirty else ''}"


def _size(data: Dataset) -> str:
    parts = ["a file" if data.stored is None else "a table of the engine"]
    parts = parts if data.format is None else [data.format]
    parts += [] if data.rows is None else [_count(data.rows, "row")]
    parts += [] if data.bytes is None else [_count(data.bytes, "byte")]
    if data.stored is None:
        known = data.sha256 is not None
        parts.append(f"sha256 {_short(data.sha256)}" if known else "content not known")
    return ", ".join(parts)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _pairs(values: Mapping[str, Setting]) -> str:
    return " ".join(f"{name}={_shown(value)}" for name, value in values.items()) or "none"


def _shown(value: Setting) -> str:
    if isinstance(value, (list, tuple)):
        return ",".join(map(_shown, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _short(digest: str | None) -> str:
    return (digest or "none")[:_DIGITS]
