"""Regenerate the conformance suite: ``python -m interop.tools.generate``.

Deletes and rewrites everything except ``gold``; the same code gives the same bytes. The cases are
in ``interop/tools/cases``, one function each.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import interop.tools.cases  # noqa: F401  (registers them)
from interop.tools.draft import Draft, Link, Tree
from interop.tools.reference import answer
from interop.tools.registry import REGISTRY, Registered
from interop.tools.suite import CONFORMANCE, GENERATED, format_index

__all__ = ["build", "json_lines", "main", "write_tree"]


def build(gold: Path = CONFORMANCE / "gold") -> tuple[Tree, int]:
    """Return all files of the suite except the frozen ones, and the number of cases.

    Args:
        gold: the frozen cases, which go into the index as they are.
    """
    tree: Tree = {}
    entries = [_build_case(tree, registered) for registered in REGISTRY.values()]
    for frozen in sorted(gold.glob("*/cases.json")):
        entries += json.loads(frozen.read_text("utf-8"))
    tree["cases.json"] = format_index(entries).encode()
    return tree, len(entries)


def _build_case(tree: Tree, registered: Registered) -> dict[str, Any]:
    """Add the files of one case to the tree, and return its entry in the index."""
    id_ = registered.id
    draft = Draft(registered.model)
    result = registered.function(draft)
    entry: dict[str, Any] = {"id": id_}
    if id_.startswith("text/"):
        entry |= {"kind": "text", "cases": f"{id_}.jsonl"}
        # Escapes only: half of these characters are invisible.
        tree[entry["cases"]] = json_lines(result, ascii_only=True)
    elif id_.startswith("predict/"):
        entry |= {"kind": "predict", "model": f"{id_}/model"}
        entry |= {"requests": f"{id_}/requests.jsonl", "expect": f"{id_}/expected.jsonl"}
        requests = [{"id": f"r{number}", **request} for number, request in enumerate(result, 1)]
        tree[entry["requests"]] = json_lines(requests)
        tree[entry["expect"]] = json_lines(_expect(registered, request) for request in requests)
    elif id_.startswith("valid/"):
        entry |= {"kind": "model", "model": f"{id_}/model"}
        entry |= {"result": "accept", "expect": f"{id_}/expect.json"}
        tree[entry["expect"]] = (json.dumps(draft.expectation(), indent=1) + "\n").encode()
    else:
        entry |= {"kind": "model", "model": f"{id_}/model"}
        entry |= {"result": "reject", "verdict": registered.verdict, "stage": registered.stage}
    if "model" in entry:
        tree.update({f"{id_}/{name}": content for name, content in draft.tree.items()})
    rules, flags = list(registered.rules), list(registered.flags)
    return {**entry, "rules": rules, "flags": flags, "note": registered.note}


def _expect(registered: Registered, request: dict[str, Any]) -> dict[str, Any]:
    if registered.verdict is not None:
        return {"id": request["id"], "error": registered.verdict}
    return answer(registered.model, request)


def json_lines(values: Iterable[Any], ascii_only: bool = False) -> bytes:
    """Return values as JSON Lines."""
    lines = [json.dumps(value, ensure_ascii=ascii_only, allow_nan=False) for value in values]
    return "".join(f"{line}\n" for line in lines).encode()


def write_tree(tree: Tree, target: Path) -> None:
    """Write files into a folder that holds none of them."""
    for folder in sorted({(target / name).parent for name in tree}):
        folder.mkdir(parents=True, exist_ok=True)
    for name, content in tree.items():
        if isinstance(content, Link):
            os.symlink(content.target, target / name)
        else:
            (target / name).write_bytes(content)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m interop.tools.generate", description=__doc__)
    parser.add_argument("--to", type=Path, default=CONFORMANCE, help="the folder to write to")
    target: Path = parser.parse_args(argv).to
    tree, count = build()
    for name in GENERATED:
        if (target / name).is_dir():
            shutil.rmtree(target / name)
        else:
            (target / name).unlink(missing_ok=True)
    write_tree(tree, target)
    print(f"{count} cases, {len(tree)} files")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
