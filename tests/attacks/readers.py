"""Every reader of files: commands that read one file of a folder of good ones, and what it may hold."""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from interop.tools.damage import fit_crc, fit_manifest
from tests.cli.cases import INTERACTIONS, PREDICTIONS, REPOSITORY, TRUTH, Case, run, write
from tests.cli.test_bad_input import CONFIG_CASES
from tests.cli.test_show import CASES as SHOW_CASES
from tests.cli.test_tables_go import ROLES, ways
from tests.tune.test_space import SPACE

__all__ = ["READERS", "Reader", "make_good_files"]

CORPUS = Path(__file__).parent / "corpus"
ITEMS = """\
item_id,title,brand,kind,available_from,available_until
milk,Milk,"a,b",dairy,100,
tea,"Tea, green",b,,,2026-03-01T09:00:00Z
sugar,Sugar,,sweet,,
jam,Jam,a,sweet,0,200
"""
FILTER = {
    "any_of": {"brand": ["b", "a,b"]},
    "none_of": {"kind": ["dairy"]},
    "at_most": {"kind": 1},
    "available_at": 150,
}
SETUP = """\
train --interactions interactions.csv --attributes items.csv --out-dir model
train --interactions interactions.csv --similarity cosine --out-dir other
preprocess --interactions interactions.csv --out clean.csv --lineage lineage.jsonl
predict --model-dir model --all-users --out lists.csv
tune --interactions interactions.csv --validation truth.csv --metric ndcg@2 --trials 2 --out-dir tuning
"""
# Of what a model may have: users, titles, availability, a rule of events, an order, times that decay.
MODELS = [
    "all_features",
    "attributes_with_availability",
    "order_with_users",
    "without_users",
    "good",
]


@dataclass(frozen=True)
class Reader:
    """Commands that read one file; ``{}`` stands for its path, or that of the folder it is in.

    Attributes:
        seeds: what the file may hold, by its name.
        base: a folder whose files are damaged one at a time, in place of ``seeds``.
        fits: whether the manifest and the checksums in ``base`` are made to fit what the file holds.
    """

    name: str
    commands: tuple[str, ...]
    seeds: tuple[tuple[str, bytes], ...] = ()
    base: str = ""
    fits: bool = False

    @property
    def is_model(self) -> bool:
        """Whether the folder is a model."""
        return self.base.endswith("model")

    def contents(self, folder: Path) -> list[tuple[str, bytes]]:
        """Return what the file may hold, and what was found before."""
        seeds = self.seeds or _files(folder / self.base)
        return [
            one for one in (*seeds, *self.kept) if not (self.fits and one[0] == "manifest.json")
        ]

    def place(self, folder: Path, name: str, data: bytes) -> str:
        """Put the file in place; return the path for the commands, from the folder."""
        if not self.base:
            write(folder, {name: data})
            return name
        damaged = folder / "damaged"
        shutil.rmtree(damaged, ignore_errors=True)
        shutil.copytree(folder / self.base, damaged)
        (damaged / name).write_bytes(fit_crc(data) if self.fits else data)
        if self.fits:
            fit_manifest(damaged, name)
        return "damaged"

    @functools.cached_property
    def kept(self) -> tuple[tuple[str, bytes], ...]:
        """What was found before."""
        folder = CORPUS / self.name.replace(" ", "_")
        return tuple((path.name, path.read_bytes()) for path in sorted(folder.glob("*/*")))


@functools.cache
def _files(folder: Path) -> tuple[tuple[str, bytes], ...]:
    return tuple((path.name, path.read_bytes()) for path in sorted(folder.iterdir()))


def _tables() -> tuple[tuple[str, bytes], ...]:
    whole = [
        (path.name, path.read_bytes()) for path in (REPOSITORY / "fixtures/tiny").glob("*.csv")
    ]
    given = [(name, content) for _, (name, content) in ways()]
    texts = [(n, c if isinstance(c, bytes) else c.encode()) for n, c in given]
    return tuple(one for one in [*whole, *texts] if os.path.basename(one[0]) == one[0])


def _case_files(cases: Iterable[Case], ending: str) -> tuple[tuple[str, bytes], ...]:
    return tuple(
        (name, content if isinstance(content, bytes) else content.encode())
        for case in cases
        for name, content in case.files.items()
        if name.endswith(ending)
    )


def _text(name: str, *values: object) -> tuple[tuple[str, bytes], ...]:
    return tuple(
        (name, (one if isinstance(one, str) else json.dumps(one)).encode()) for one in values
    )


def _parquet() -> tuple[tuple[str, bytes], ...]:
    """Return the interactions and the lists as Parquet, none without DuckDB."""
    if find_spec("duckdb") is None:
        return ()
    import tempfile

    import duckdb

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.parquet")
        row = "SELECT 'ann' AS user_id, 'tea' AS item_id"
        found = []
        for query in (
            f"{row}, 1.5 AS weight, 7 AS timestamp",
            f"{row}, now() AS timestamp",
            f"{row}, 1 AS rank, 2.0 AS score, 'similarity' AS source",
            f"{row}, [1] AS weight, NULL::INT AS timestamp FROM range(9)",
        ):
            duckdb.sql(query).write_parquet(str(path))
            found.append((path.name, path.read_bytes()))
    return tuple(found)


def _of_models() -> Iterable[Reader]:
    commands = (
        "predict --model-dir {} --all-users --explain --fill popularity --out new.jsonl",
        "inspect --model-dir {} --verify",
        "similar --model-dir {} --item apple",
        "predict --model-dir {} --histories interactions.csv --fill popularity --out new.csv",
        "diff --model-dir model --model-dir {} --out new.json",
        "evaluate --predictions predictions.jsonl --ground-truth truth.csv --model-dir {} "
        "--diversity --cutoffs 2 --out new.json",
        "show --predictions predictions.jsonl --model-dir {}",
    )
    for name in MODELS:
        base = str(REPOSITORY / f"interop/conformance/valid/{name}/model")
        yield Reader(f"model {name}", commands, base=base)
        yield Reader(f"fitting {name}", commands, base=base, fits=True)


def _readers() -> Iterable[Reader]:
    tables, packed = _tables(), _parquet()
    lists = (*_text("lists.jsonl", PREDICTIONS), *_case_files(SHOW_CASES, "l"))
    rows = ("lists.csv", b"user_id,item_id,rank,score,source\nann,tea,1,2.5,similarity\n")
    evaluate = "evaluate --cutoffs 1,2 --out new.json --per-user-out new.csv"
    for role, options in ROLES.items():
        command = f"predict --model-dir model --out new.jsonl {options}"
        yield Reader(role, (command,), tables)
    yield Reader(
        "interactions",
        (
            "preprocess --interactions {} --out new.csv",
            "preprocess --interactions {} --out new.csv --timezone UTC --timestamp-unit ms",
            "preprocess --interactions {} --out new.csv --no-header --columns user_id,item_id,weight",
            "preprocess --interactions {} --out new.csv --delimiter ; --encoding latin-1",
            "train --interactions {} --out-dir new",
            "split --interactions {} --strategy last-n --n 1 --train-out new1.csv --test-out new2.csv",
            f"{evaluate} --predictions predictions.jsonl --ground-truth {{}}",
        ),
        (*tables, *packed),
    )
    yield Reader(
        "predictions",
        (
            f"{evaluate} --predictions {{}} --ground-truth truth.csv",
            "show --predictions {} --items items.csv",
            "compare --baseline {} --candidate predictions.jsonl --ground-truth truth.csv --out new.json",
        ),
        (*lists, rows, *packed),
    )
    yield Reader(
        "items",
        (
            "show --predictions predictions.jsonl --items {}",
            "train --interactions interactions.csv --attributes {} --out-dir new",
            "predict --model-dir other --all-users --attributes {} --filter filter.json --out new.jsonl",
        ),
        (*_text("titles.csv", ITEMS), *_case_files(SHOW_CASES, "l")),
    )
    yield Reader(
        "config",
        (
            "config --config {}",
            "train --interactions interactions.csv --config {} --out-dir new --dry-run",
        ),
        (
            *_case_files(CONFIG_CASES, ".json"),
            *(
                ("c.json", path.read_bytes())
                for path in REPOSITORY.glob("fixtures/*/*/config.json")
            ),
        ),
    )
    yield Reader(
        "filter",
        (
            "predict --model-dir model --all-users --filter {} --out new.jsonl",
            "similar --model-dir model --item tea --filter {}",
        ),
        _text("wanted.json", FILTER, {}, {"available_at": "2026-03-01T09:00:00Z"}),
    )
    yield Reader(
        "query",
        ("run_sql --query {} --table interactions=interactions.csv --dry-run --out new.csv",),
        tuple(("query.sql", path.read_bytes()) for path in REPOSITORY.glob("sql/*.sql")),
    )
    record = (REPOSITORY / "sql/lineage.jsonl").read_bytes()
    yield Reader(
        "lineage",
        ("lineage --lineage {} --file clean.csv --json", "lineage --lineage {} --check"),
        (("log.jsonl", record), ("log.jsonl", record.splitlines(keepends=True)[0])),
    )
    yield Reader(
        "space",
        (
            "tune --interactions interactions.csv --validation truth.csv --metric ndcg@2 --trials 1 "
            "--space {} --out-dir new --dry-run",
        ),
        _text("space.json", SPACE, {"num_neighbors": {"int": [10, 1000], "log": True}}),
    )
    if find_spec("optuna"):
        search = "tune --interactions interactions.csv --validation truth.csv --metric ndcg@2"
        yield Reader("search", (f"{search} --trials 2 --out-dir {{}}",), base="tuning")
    yield from _of_models()


READERS = {reader.name: reader for reader in _readers()}


def make_good_files(folder: Path) -> None:
    """Write what the commands read beside the file in question."""
    write(
        folder,
        {
            "interactions.csv": INTERACTIONS,
            "predictions.jsonl": PREDICTIONS,
            "truth.csv": TRUTH,
            "items.csv": ITEMS,
            "filter.json": json.dumps(FILTER),
        },
    )
    os.chdir(folder)
    for line in SETUP.splitlines():
        if line.startswith("tune") and find_spec("optuna") is None:
            continue
        assert run(line) == 0, line
