"""Write a corpus of damaged models and requests: ``python -m interop.tools.mutate DIR --seed 0``.

It begins with sound models, those of the suite and of the fixtures, and sound requests; the same seed, suite
and fixtures give the same corpus. ``DIR/corpus.jsonl`` has a line for each model: ``model``, a folder in
DIR; ``damage``, what was done to it; ``requests``, texts. ``interop.tools.agree`` runs programs over it.
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import os
import random
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from interop.tools.damage import (
    change_array,
    change_headers,
    change_json,
    change_lines,
    fitted_manifest,
    fit_crc,
    mutate,
)
from interop.tools.draft import Link
from interop.tools.random_requests import Known, random_request
from interop.tools.suite import CONFORMANCE, INTEROP

__all__ = ["DAMAGES", "damage_model", "damage_request", "main", "write_corpus"]

# A file, a link in its place, or a folder.
Content = bytes | Link | None
Files = dict[str, Content]
Bytes = Callable[[random.Random, bytes], bytes]

MAX_MODEL_BYTES = 200_000  # larger ones show nothing more
SOUND_SHARE = 0.1  # of the models, which get half of the requests
MAX_TEXT_BYTES = 20_000  # of a request
MANIFEST = "manifest.json"


def sound_models() -> list[Path]:
    """Return the models to begin with."""
    found = [*CONFORMANCE.glob("valid/*/model"), *INTEROP.parent.glob("fixtures/*/*/model")]
    small = sorted(path for path in found if _size(path) <= MAX_MODEL_BYTES)
    # As often those with many files, of which more can go wrong.
    return [path for path in small for _ in range(1 if len(os.listdir(path)) < 9 else 8)]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir())


def read_files(folder: Path) -> Files:
    """Return the files of a model."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def _pick(rng: random.Random, files: Files, *endings: str) -> str:
    """Return one of the files of a sound model, not one of those that are passed over."""
    names: list[str] = [*json.loads(_content(files, MANIFEST))["files"], MANIFEST]
    return rng.choice([name for name in names if name.endswith(endings)])


def _content(files: Files, name: str) -> bytes:
    content = files[name]
    assert isinstance(content, bytes), name
    return content


def _put(files: Files, name: str, data: bytes, fits: bool) -> None:
    """Put a file in place, and perhaps its size and digest into the manifest."""
    files[name] = data
    if fits and name != MANIFEST:
        files[MANIFEST] = fitted_manifest(_content(files, MANIFEST), name, data)


def _of_bytes(fits: bool) -> Callable[[random.Random, Files, Files], str]:
    def damage(rng: random.Random, files: Files, other: Files) -> str:
        name = _pick(rng, files, "")
        data = mutate(
            rng, _content(files, name), [one for one in other.values() if isinstance(one, bytes)]
        )
        _put(files, name, fit_crc(data) if fits else data, fits)
        return name

    return damage


def _of(change: Bytes, *endings: str) -> Callable[[random.Random, Files, Files], str]:
    def damage(rng: random.Random, files: Files, other: Files) -> str:
        name = _pick(rng, files, *endings)
        _put(files, name, change(rng, _content(files, name)), True)
        return name

    return damage


def _json(rng: random.Random, data: bytes) -> bytes:
    return json.dumps(change_json(rng, json.loads(data)), ensure_ascii=rng.random() < 0.5).encode()


def _array(rng: random.Random, files: Files, other: Files) -> str:
    name = _pick(rng, files, ".npz")
    types = json.loads(_content(files, MANIFEST))["files"][name]["arrays"]
    data = _content(files, name)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        arrays = [member.removesuffix(".npy") for member in archive.namelist()]
    dtypes = [types[array]["dtype"] for array in arrays]
    _put(files, name, change_array(rng, data, dtypes), True)
    return name


def _written_anew(rng: random.Random, data: bytes) -> bytes:
    """Return an archive as another program writes it, perhaps with a member less or more."""
    method = rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
    source, target = zipfile.ZipFile(io.BytesIO(data)), io.BytesIO()
    names = source.namelist()
    chosen = rng.choice([names, names[1:], names[::-1], [*names, "more.npy"]])
    with zipfile.ZipFile(target, "w", method) as archive:
        for name in chosen:
            content = source.read(name if name in names else names[0])
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content)
    return target.getvalue()


def _file(rng: random.Random, files: Files, other: Files) -> str:
    """Remove, add, rename or replace a file, with a manifest that knows of it or not."""
    name = _pick(rng, files, "")
    names = ["users.csv", "order.npz", "item_norms.npz", "length_factors.npz", "availability.npz"]
    names += ["attributes.npz", "attribute_values.csv", "histories.npz", "users.CSV", "new"]
    match rng.randrange(7):
        case 0:
            del files[name]
        case 1:
            target = rng.choice(names)
            files[target] = other.get(target, b"")
            name = f"{target} added"
        case 2:
            files[rng.choice(names)] = files.pop(name)
        case 3:
            files[name] = None
        case 4:
            files[name] = Link(rng.choice([name, "nowhere", "items.csv"]))
        case 5:
            _put(files, name, b"", rng.random() < 0.5)
        case _:
            of_other = other.get(name, b"{}")
            assert isinstance(of_other, bytes)
            _put(files, name, of_other, rng.random() < 0.7)
    if rng.random() < 0.5 and isinstance(files.get(MANIFEST), bytes):
        manifest = json.loads(_content(files, MANIFEST) or b"{}")
        listed = manifest.get("files", {})
        for gone in [one for one in listed if one not in files]:
            del listed[gone]
        files[MANIFEST] = json.dumps(manifest).encode()
    return name


def _features(rng: random.Random, files: Files, other: Files) -> str:
    """Require another set of features, with counts that may differ by one."""
    manifest = json.loads(_content(files, MANIFEST))
    known = ["history_rule", "history_order", "item_attributes", "decayed_popularity"]
    if rng.random() < 0.5:
        manifest["required_features"] = rng.sample([*known, "new", known[0]], rng.randrange(4))
    else:
        name = rng.choice(["users", "items", "interactions", "pairs"])
        manifest["counts"][name] += rng.choice([1, -1, 2**31, 2**53])
    files[MANIFEST] = json.dumps(manifest).encode()
    return MANIFEST


DAMAGES: dict[str, Callable[[random.Random, Files, Files], str]] = {
    "bytes": _of_bytes(False),
    "bytes, fitting": _of_bytes(True),
    "json": _of(_json, ".json"),
    "lines": _of(change_lines, ".csv"),
    "array": _array,
    "headers": _of(change_headers, ".npz"),
    "archive": _of(_written_anew, ".npz"),
    "file": _file,
    "features": _features,
}
_SHARES = [12, 12, 16, 14, 24, 14, 4, 6, 4]


def damage_model(rng: random.Random, files: Files, other: Files) -> str:
    """Damage the files of a model in place, and return what was done.

    Args:
        other: files of another model, to take parts from.
    """
    (kind,) = rng.choices([*DAMAGES], _SHARES)
    return f"{kind}: {DAMAGES[kind](rng, files, other)}"


def damage_request(rng: random.Random, request: dict[str, Any]) -> str:
    """Return the text of a request with damage to its parts or its bytes."""
    for _ in range(rng.choice([0, 1, 1, 1, 2])):
        request = change_json(rng, request)
    text = json.dumps(request, ensure_ascii=rng.random() < 0.5)
    if rng.random() < 0.3:
        text = mutate(rng, text.encode())[:MAX_TEXT_BYTES].decode("utf-8", "replace")
    if rng.random() < 0.1:
        text = rng.choice([" ", "\t", "\r", "\n", "\u00a0", "\ufeff", "\0"]) + text
    return text


def write_corpus(folder: Path, models: int, requests: int, seed: int) -> None:
    """Write a corpus into a new folder."""
    rng, bases = random.Random(seed), sound_models()
    known_of = functools.cache(Known.of)
    (folder / "models").mkdir(parents=True)
    num_sound = max(1, round(models * SOUND_SHARE))
    with open(folder / "corpus.jsonl", "w", encoding="utf-8", newline="\n") as lines:
        for number in range(models):
            is_sound = number < num_sound
            base = rng.choice(bases)
            files, done = read_files(base), "none"
            if not is_sound:
                done = damage_model(rng, files, read_files(rng.choice(bases)))
            name = f"models/{number:05d}"
            write_files(folder / name, files)
            share = num_sound if is_sound else models - num_sound
            texts = []
            for place in range(requests // 2 // share + (rng.random() < requests / 2 / share % 1)):
                request = random_request(rng, known_of(base), f"{number}-{place}")
                is_damaged = rng.random() < (0.8 if is_sound else 0.2)
                texts.append(damage_request(rng, request) if is_damaged else json.dumps(request))
            where = base.relative_to(INTEROP.parent).as_posix()
            line = {"model": name, "damage": f"{done} in {where}", "requests": texts}
            lines.write(json.dumps(line, ensure_ascii=False) + "\n")


def write_files(folder: Path, files: Files) -> None:
    """Write the files of a model."""
    folder.mkdir()
    for name, content in files.items():
        if content is None:
            (folder / name).mkdir()
        elif isinstance(content, Link):
            os.symlink(content.target, folder / name)
        else:
            (folder / name).write_bytes(content)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(prog="python -m interop.tools.mutate", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="made, or made anew")
    parser.add_argument("--models", type=int, default=2000, metavar="N")
    parser.add_argument("--requests", type=int, default=20_000, metavar="N", help="in all")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    if (arguments.folder / "corpus.jsonl").exists():
        shutil.rmtree(arguments.folder)
    write_corpus(arguments.folder, arguments.models, arguments.requests, arguments.seed)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
