"""Fuzz the reader of models: ``python -m tests.artifact.fuzz_reader --seconds 60``.

Takes a good model of the conformance suite or the fixtures, damages one file, mends the manifest's
sizes and digests in most rounds so that the damage is looked at, and opens, verifies and asks. Anything
but an answer or an error of ours ends the run, with the seed that brings it back.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mlcore import MlcoreError, Recommender, verify_model

ROOT = Path(__file__).parents[2]
MODELS = [
    *sorted(ROOT.glob("fixtures/tiny/*/model")),
    *sorted(ROOT.glob("interop/conformance/valid/*/model")),
]


def damage(rng: random.Random, data: bytes) -> bytes:
    """Return bytes with one to four random changes."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(changed) + 1)
        kind = rng.randrange(5)
        if kind == 0 and at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1 and at < len(changed):
            changed[at] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, 0x2C, 0x22, 0x0A, 0x2D])
        elif kind == 2:
            del changed[at : at + rng.choice([1, 2, 8, 64, 10**6])]
        elif kind == 3:
            changed[at:at] = rng.randbytes(rng.choice([1, 4, 8, 64]))
        else:
            begin = rng.randrange(len(changed) + 1)
            changed[at:at] = changed[begin : begin + rng.choice([1, 8, 64])]
    return bytes(changed)


def mend_manifest(folder: Path, name: str) -> None:
    """Write size and digest of a file into the manifest."""
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    data = (folder / name).read_bytes()
    entry = manifest["files"][name]
    entry["bytes"], entry["sha256"] = len(data), hashlib.sha256(data).hexdigest()
    if name == "config.json":
        manifest["training"]["config_sha256"] = entry["sha256"]
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def look_at(folder: Path) -> str:
    """Open, verify and ask; return the verdict."""
    verdict = "accepted"
    try:
        verify_model(folder)
    except MlcoreError as error:
        verdict = getattr(error, "verdict", type(error).__name__)
    try:
        recommender = Recommender.load(folder)
        for item_id in [*recommender.model.items.ids[:3], "strange"]:
            recommender.predict_history({item_id: 2.0}, n=3, fill="popularity")
        if recommender.model.users is not None:
            recommender.predict_many(recommender.user_ids()[:20], n=3, threads=1)
    except MlcoreError:
        pass
    return verdict


def main(argv: Sequence[str] | None = None) -> int:
    """Fuzz for some time and print what was found."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.artifact.fuzz_reader", description=__doc__
    )
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    verdicts: Counter[str] = Counter()
    end, seed = time.monotonic() + args.seconds, args.seed
    with tempfile.TemporaryDirectory() as temporary:
        while time.monotonic() < end:
            rng = random.Random(seed)
            folder = Path(temporary) / "model"
            shutil.copytree(rng.choice(MODELS), folder)
            name = rng.choice(sorted(path.name for path in folder.iterdir() if path.is_file()))
            (folder / name).write_bytes(damage(rng, (folder / name).read_bytes()))
            manifest = json.loads((ROOT / "fixtures/tiny/cosine/model/manifest.json").read_text())
            if name in manifest["files"] and rng.random() < 0.9:
                mend_manifest(folder, name)
            try:
                verdicts[look_at(folder)] += 1
            except Exception:
                print(f"seed {seed}: {name}")
                raise
            shutil.rmtree(folder)
            seed += 1
    print(f"{sum(verdicts.values())} damaged models: {dict(verdicts.most_common())}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
