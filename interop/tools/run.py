"""Run the suite against a program: ``python -m interop.tools.run --adapter "COMMAND"``.

The protocol is in CONFORMANCE.md. Exit code 0 means that all cases passed, except known failures;
a known failure that passes is an error, so that the list stays true.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interop.tools.suite import CONFORMANCE, STAGES, Case, read_cases, read_lines

__all__ = ["CANARY", "Adapter", "compare_dump", "main", "read_known_failures"]

TIME_OUT = 10  # seconds
# The file that one case makes if a reader runs its code.
CANARY = "mlcore-canary"


def compare_dump(case: Case, found: Any) -> str | None:
    """Return what is wrong with the output of ``dump``, or None."""
    if case.is_accepted:
        expected = json.loads(case.path("expect").read_text("utf-8"))
        return None if found == expected else f"expected {expected}, got {found}"
    verdict, stage = case.entry["verdict"], case.entry["stage"]
    if not isinstance(found, dict) or found.get("error") != verdict:
        return f"expected the verdict {verdict}, got {_shorten(found)}"
    # A reader may find a fault earlier than the case says.
    if found.get("stage") not in STAGES[: STAGES.index(stage) + 1]:
        return f"expected the stage {stage} or an earlier one, got {found.get('stage')}"
    return None


def compare_lines(expected: Sequence[Any], found: Sequence[Any]) -> str | None:
    """Return the first difference between two outputs of a line for each request, or None."""
    for wanted, got in zip(expected, found):
        if wanted != got:
            return f"expected {_shorten(wanted)}, got {_shorten(got)}"
    if len(expected) != len(found):
        return f"expected {len(expected)} lines, got {len(found)}"
    return None


def _shorten(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else f"{text[:400]}..."


@dataclass(frozen=True)
class Adapter:
    """A program that follows the protocol, and how it is called."""

    command: Sequence[str]

    def check(self, case: Case) -> str | None:
        """Return what is wrong with the program's answer to a case, or None."""
        try:
            return self._check(case)
        except subprocess.TimeoutExpired:
            return f"no answer within {TIME_OUT} seconds"
        except (ValueError, UnicodeDecodeError) as error:
            return f"the output is not as the protocol says: {error}"

    def _check(self, case: Case) -> str | None:
        if case.kind == "model":
            status, output = self._call(["dump", str(case.path("model"))])
            if status != (0 if case.is_accepted else 1):
                return f"exit code {status}: {output[:400]}"
            return compare_dump(case, json.loads(output))
        if case.kind == "predict":
            requests = case.path("requests").read_bytes()
            status, output = self._call(["predict", str(case.path("model"))], requests)
            expected = read_lines(case.path("expect"))
        else:
            requests = case.path("cases").read_bytes()
            status, output = self._call(["format"], requests)
            expected = [{"text": line["text"]} for line in read_lines(case.path("cases"))]
        if status != 0:
            return f"exit code {status}: {output[:400]}"
        return compare_lines(expected, [json.loads(line) for line in output.split("\n")[:-1]])

    def _call(self, arguments: Sequence[str], stdin: bytes = b"") -> tuple[int, str]:
        done = subprocess.run(
            [*self.command, *arguments],
            input=stdin,
            capture_output=True,
            timeout=TIME_OUT,
            check=False,
        )
        return done.returncode, done.stdout.decode()


def read_known_failures(path: Path | None, cases: Sequence[Case]) -> set[str]:
    """Return the ids of a file, one a line; ``#`` begins a comment."""
    if path is None:
        return set()
    lines = [line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines()]
    known = {line for line in lines if line}
    unknown = known - {case.id for case in cases}
    if unknown:
        raise SystemExit(f"error: {path}: no such case: {', '.join(sorted(unknown))}")
    return known


def _report(results: Mapping[str, str | None], known: set[str]) -> int:
    """Print what went wrong, and return the exit code."""
    failed = {id_: fault for id_, fault in results.items() if fault is not None}
    for id_, fault in failed.items():
        print(f"{'known' if id_ in known else 'FAIL'}: {id_}: {fault}")
    passed = sorted(known & results.keys() - failed.keys())
    for id_ in passed:
        print(f"FAIL: {id_}: is listed as a known failure, but passes")
    new = failed.keys() - known
    print(f"{len(results)} cases, {len(failed)} failed, {len(failed) - len(new)} of them known")
    return 1 if new or passed else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m interop.tools.run", description=__doc__)
    parser.add_argument("--adapter", required=True, metavar="COMMAND", help="the program to test")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="ids, such as 'predict/*'")
    parser.add_argument("--known-failures", type=Path, metavar="FILE", help="ids, one a line")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="calls at a time")
    arguments = parser.parse_args(argv)
    everything = read_cases()
    known = read_known_failures(arguments.known_failures, everything)
    cases = [case for case in everything if fnmatch.fnmatchcase(case.id, arguments.only)]
    if os.name == "nt":
        cases = [case for case in cases if "needs-symlinks" not in case.flags]
    if not cases:
        raise SystemExit(f"error: no case of {CONFORMANCE} matches {arguments.only!r}")
    adapter = Adapter(shlex.split(arguments.adapter))
    with ThreadPoolExecutor(arguments.jobs) as pool:
        results = dict(zip([case.id for case in cases], pool.map(adapter.check, cases)))
    canary = Path(CANARY)
    if canary.exists():
        canary.unlink()
        print(f"FAIL: the program ran what is in a file: it made {CANARY}")
        _report(results, known)
        return 1
    return _report(results, known)


if __name__ == "__main__":
    raise SystemExit(main())
