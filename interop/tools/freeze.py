"""Freeze models of this release for good: ``python -m interop.tools.freeze``.

A folder of ``gold`` is written once: later readers must give the same answers, or refuse the
version. Run it at each release that changes the format or the writer, then
``python -m interop.tools.generate``, which puts the new cases into the index.
"""

from __future__ import annotations

import argparse
import json
import struct
import zipfile
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from interop.tools.draft import NO_TIME, Attributes, Draft, Model, Tree
from interop.tools.generate import json_lines, write_tree
from interop.tools.history import Rule
from interop.tools.reference import answer
from interop.tools.suite import CONFORMANCE, INTEROP

__all__ = ["freeze", "main", "read_model"]

# Name of the frozen case, and the fixture it is a copy of.
FIXTURES = INTEROP.parent / "fixtures"
FAMILY = sorted(path.parent.name for path in FIXTURES.glob("family/*/model"))
MODELS = {
    "tiny_cosine": "tiny/cosine",
    "small_cosine_tf_idf": "small/cosine_tf_idf",
    "small_dice_binary": "small/dice_binary",
    **{f"family_{name}": f"family/{name}" for name in FAMILY},
}


def read_model(folder: Path) -> Model:
    """Return the model of a directory with users that follows SPEC.md, unchecked."""
    histories = _read_arrays(folder / "histories.npz")
    items = _read_ids(folder / "items.csv")
    features = json.loads((folder / "manifest.json").read_text("utf-8"))["required_features"]
    orders: list[dict[int, Any]] = []
    if "history_order" in features:
        places = _read_arrays(folder / "order.npz")["positions"]
        orders = _rows(histories["indptr"], histories["indices"], places)
    return Model(
        items,
        _rows(*_read_arrays(folder / "similarity.npz").values()),
        _read_ids(folder / "users.csv"),
        _rows(*histories.values()),
        rule=_read_rule(folder, features) if "history_rule" in features else None,
        orders=orders,
        attributes=_read_attributes(folder, len(items)) if "item_attributes" in features else None,
        decayed=_read_arrays(folder / "popularity.npz").get("decayed"),
    )


def _read_rule(folder: Path, features: Sequence[str]) -> Rule:
    config = json.loads((folder / "config.json").read_text("utf-8"))
    norms, factors = folder / "item_norms.npz", folder / "length_factors.npz"
    return Rule(
        config["aggregate"],
        config["weighting"],
        _read_arrays(norms)["norms"] if norms.exists() else None,
        _read_arrays(factors)["factors"] if factors.exists() else None,
        config["history_decay"] if "history_order" in features else None,
    )


def _read_attributes(folder: Path, num_items: int) -> Attributes:
    codes, times = _read_arrays(folder / "attributes.npz")["codes"], None
    columns = _read_ids(folder / "attribute_columns.csv")
    if (folder / "availability.npz").exists():
        begins, ends = _read_arrays(folder / "availability.npz").values()
        times = begins, ends
    by_column = [codes[c * num_items : (c + 1) * num_items] for c in range(len(columns))]
    return Attributes(columns, _read_ids(folder / "attribute_values.csv"), by_column, times)


def _read_arrays(path: Path) -> dict[str, tuple[Any, ...]]:
    """Return the arrays of a file by name, in their order."""
    arrays: dict[str, tuple[Any, ...]] = {}
    with zipfile.ZipFile(BytesIO(path.read_bytes())) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            begin = 10 + int.from_bytes(content[8:10], "little")
            dtype = content[10:begin].partition(b"'descr': '<")[2][:2].decode()
            code = {"i4": "i", "i8": "q", "f4": "f", "f8": "d"}[dtype]
            number = (len(content) - begin) // struct.calcsize(code)
            values = struct.unpack_from(f"<{number}{code}", content, begin)
            arrays[name.removesuffix(".npy")] = values
    return arrays


def _rows(
    indptr: Sequence[int], indices: Sequence[int], data: Sequence[Any]
) -> list[dict[int, Any]]:
    return [
        dict(zip(indices[begin:end], data[begin:end])) for begin, end in zip(indptr, indptr[1:])
    ]


def _read_ids(path: Path) -> list[str]:
    fields = [line.partition(",")[2] for line in path.read_text("utf-8").split("\n")[1:-1]]
    return [field[1:-1].replace('""', '"') if field.startswith('"') else field for field in fields]


def _requests(model: Model) -> Iterator[dict[str, Any]]:
    """Return requests of every kind, spread over the users and items of a model."""
    items, users = model.items, model.users
    for user in users[:: max(1, len(users) // 20)]:
        yield {"user": user, "n": 10}
    for user in users[:: max(1, len(users) // 4)]:
        yield {"user": user, "n": 20, "fill": True, "exclude": list(items[::3])}
        yield {"user": user, "n": 5, "include_seen": True, "include": list(items[::2])}
        yield {"user": user, "n": 10, "explain": True}
    for item in items[:: max(1, len(items) // 10)]:
        yield {"item": item, "n": 10}
    for wanted in _filters(model):
        yield {"item": items[0], "n": 10, "filter": wanted}
        for user in users[:: max(1, len(users) // 4)]:
            yield {"user": user, "n": 10, "fill": True, "filter": wanted}
    for begin in range(0, len(items), max(1, len(items) // 5)):
        chosen = items[begin :: max(1, len(items) // 4)]
        history = [[item, 0.1 * rank] for rank, item in enumerate(chosen, 1)]
        yield {"history": history, "n": 10}
        yield {"history": history, "n": 10, "weights": "final"}
        yield {"history": history[::-1] + history[:2], "n": 10}
    yield {"user": "nobody at all", "n": 10}
    yield {"item": "nothing at all", "n": 10}
    yield {"history": [["nothing at all", 1]], "n": 10, "fill": True}


def _filters(model: Model) -> Iterator[dict[str, Any]]:
    """Return filters of each kind on each column of the catalogue."""
    if model.attributes is None:
        return
    for column in model.attributes.columns:
        for key in ("any_of", "none_of"):
            yield {key: {column: list(model.attributes.values[::3])}}
        yield {"at_most": {column: 1}}
    for begin in sorted({*(model.attributes.times or [()])[0]} - {NO_TIME})[:3]:
        yield {"available_at": begin}


def freeze(release: str) -> tuple[Tree, list[dict[str, Any]]]:
    """Return the files of a release's frozen cases, and their entries in the index."""
    tree: Tree = {}
    entries: list[dict[str, Any]] = []
    for name, fixture in MODELS.items():
        folder, id_ = FIXTURES / fixture / "model", f"gold/{release}/{name}"
        files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        model = read_model(folder)
        draft = Draft(model)
        draft.manifest = json.loads(files["manifest.json"])
        for file in (*draft.ids, *draft.archives):
            # Freeze nothing unless our writer and the release's own agree.
            assert draft.files[file] == files[file], f"{fixture}: {file}: other bytes than expected"
        requests = [
            {"id": f"r{number}", **request} for number, request in enumerate(_requests(model), 1)
        ]
        tree |= {f"{name}/model/{file}": content for file, content in files.items()}
        expectation = json.dumps(draft.expectation(), indent=1) + "\n"
        tree[f"{name}/expect.json"] = expectation.encode()
        tree[f"{name}/requests.jsonl"] = json_lines(requests)
        tree[f"{name}/expected.jsonl"] = json_lines(answer(model, line) for line in requests)
        common = {"rules": ["VER-3"], "flags": [], "note": f"fixtures/{fixture} of {release}."}
        entries.append(
            {
                "id": id_,
                "kind": "model",
                "model": f"{id_}/model",
                "result": "accept",
                "expect": f"{id_}/expect.json",
                **common,
            }
        )
        entries.append(
            {
                "id": f"{id_}/predict",
                "kind": "predict",
                "model": f"{id_}/model",
                "requests": f"{id_}/requests.jsonl",
                "expect": f"{id_}/expected.jsonl",
                **common,
            }
        )
    return tree, entries


def _release() -> str:
    manifest = json.loads((FIXTURES / "tiny/cosine/model/manifest.json").read_text("utf-8"))
    producer = manifest["producer"]
    return f"format-{manifest['format_version']}-{producer['name']}-{producer['version']}"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m interop.tools.freeze", description=__doc__)
    parser.parse_args(argv)
    release = _release()
    target = CONFORMANCE / "gold" / release
    if target.exists():
        print(f"{target.relative_to(INTEROP)} stands already, and is never made anew")
        return 0
    tree, entries = freeze(release)
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    tree["cases.json"] = f"[\n{lines}\n]\n".encode()
    write_tree(tree, target)
    print(f"{target.relative_to(INTEROP)}: {len(entries)} cases")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
