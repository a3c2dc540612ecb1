"""Check the suite itself: ``python -m interop.tools.check``.

Every rule of SPEC.md needs a case, every case names rules that exist, every file belongs to a case,
and the closed lists are those of the text.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from interop.tools.suite import (
    CONFORMANCE,
    FLAGS,
    GENERATED,
    INTEROP,
    KINDS,
    STAGES,
    VERDICTS,
    Case,
    read_cases,
)

__all__ = ["BY_TEST", "faults", "main", "rules_of_text"]

# Rules about writers, which no model shows: why, and the test that shows it.
BY_TEST = {
    "DIR-5": (
        "a directory does not show how it was written",
        "tests/interop/test_conformance.py",
        "test_a_writer_replaces_a_directory_in_one_step",
    ),
}


def rules_of_text(text: str) -> list[str]:
    """Return the ids of the rules of SPEC.md, in order."""
    return re.findall(r"^- \*\*\[([A-Z]{3}-[0-9]+)\]\*\*", text, re.MULTILINE)


def sentences_without_a_rule(text: str) -> list[str]:
    """Return the sentences outside of rules that bind a reader or writer and name no rule."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    paragraphs = re.split(r"\n\s*\n|\n(?=- )", prose)
    sentences = [
        " ".join(sentence.split())
        for paragraph in paragraphs
        if not re.match(r"- \*\*\[", paragraph)
        for sentence in re.split(r"(?<=[.:;])\s+", paragraph)
    ]
    return [
        sentence
        for sentence in sentences
        if re.search(r"\b(refuse[sd]?|must|only|may not)\b", sentence)
        and not re.search(r"\[[A-Z]{3}-[0-9]+\]", sentence)
    ]


def verdicts_of_text(text: str) -> list[str]:
    """Return the verdicts of the table in section 1."""
    table = text.partition("| verdict |")[2].partition("\n\n")[0]
    return re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)


def faults(cases: Sequence[Case], text: str, root: Path = CONFORMANCE) -> list[str]:
    """Return what is wrong with the suite, a line each."""
    return [
        *_faults_of_rules(cases, rules_of_text(text)),
        *(f"SPEC.md: no rule says: {sentence}" for sentence in sentences_without_a_rule(text)),
        *_faults_of_lists(cases, text),
        *_faults_of_files(cases, root),
    ]


def _faults_of_rules(cases: Sequence[Case], rules: Sequence[str]) -> Iterator[str]:
    counts = Counter(rule for case in cases for rule in case.entry["rules"])
    for rule, number in Counter(rules).items():
        if number > 1:
            yield f"SPEC.md: [{rule}] stands twice"
    for rule in rules:
        if rule not in counts and rule not in BY_TEST:
            yield f"no case covers [{rule}]"
    for case in cases:
        for rule in case.entry["rules"]:
            if rule not in rules:
                yield f"{case.id}: SPEC.md has no rule [{rule}]"
        if not case.entry["rules"]:
            yield f"{case.id}: names no rule"
    for rule, (_, file, test) in BY_TEST.items():
        if rule not in rules:
            yield f"check.py: SPEC.md has no rule [{rule}]"
        if f"def {test}(" not in (INTEROP.parent / file).read_text("utf-8"):
            yield f"check.py: {file} has no {test}, which is to show [{rule}]"


def _faults_of_lists(cases: Sequence[Case], text: str) -> Iterator[str]:
    if tuple(verdicts_of_text(text)) != VERDICTS:
        yield "suite.py: the verdicts are not those of SPEC.md"
    for id_, number in Counter(case.id for case in cases).items():
        if number > 1:
            yield f"{id_}: stands twice"
    for case in cases:
        entry = case.entry
        if case.kind not in KINDS or set(case.flags) - set(FLAGS):
            yield f"{case.id}: unknown kind or flag"
        if case.kind == "model" and not case.is_accepted:
            if entry["verdict"] not in VERDICTS or entry["stage"] not in STAGES:
                yield f"{case.id}: unknown verdict or stage"


def _faults_of_files(cases: Sequence[Case], root: Path) -> Iterator[str]:
    # A case may hold more than its entry names: a model at the end of a link, for one.
    owned = {case.id for case in cases} | {"cases.json"}
    owned |= {str(case.entry["cases"]) for case in cases if case.kind == "text"}
    for top in GENERATED:
        for path in (root / top).iterdir() if (root / top).is_dir() else [root / top]:
            name = path.relative_to(root).as_posix()
            if name not in owned:
                yield f"{name}: belongs to no case"
    for case in cases:
        for key in ("expect", "requests", "cases"):
            if key in case.entry and not case.path(key, root).is_file():
                yield f"{case.id}: {key}: no such file"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m interop.tools.check", description=__doc__)
    parser.parse_args(argv)
    cases = read_cases()
    text = (INTEROP / "SPEC.md").read_text("utf-8")
    for folder, number in sorted(Counter(case.id.partition("/")[0] for case in cases).items()):
        print(f"{folder:8} {number:4} cases")
    rules = rules_of_text(text)
    counts = Counter(rule for case in cases for rule in case.entry["rules"])
    print(f"{'all':8} {len(cases):4} cases for {len(rules)} rules")
    print("  ".join(f"[{rule}] {counts[rule] or 'by a test'}" for rule in rules))
    found = faults(cases, text)
    for fault in found:
        print(f"FAIL: {fault}")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
