"""Random requests for a model, of all kinds and with all options; the same seed gives the same ones."""

from __future__ import annotations

import csv
import json
import random
import zipfile
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

__all__ = ["Known", "random_request", "random_requests"]

DAY = 86_400_000_000  # in microseconds
DEFAULT_NOW = 1_767_225_600_000_000
MAX_HISTORY, MAX_IDS = 200, 50
# What JSON escapes, or need not.
ODD_TEXTS = (
    '"',
    "\\",
    "\n",
    "\x1f",
    "\x7f",
    "e\u0301",
    "\u2028",
    "\ufffe",
    "\U0001f600",
    "</script>",
)


@dataclass(frozen=True)
class Known:
    """What requests may name.

    Attributes:
        now: the reference time of the model, or some time, in microseconds.
        values: of each column of the catalogue, the value of each item that has one, so that values of many
            items are drawn more often.
        is_timed: whether the catalogue says when items are there.
    """

    items: Sequence[str]
    users: Sequence[str] = ()
    now: int = DEFAULT_NOW
    values: Mapping[str, Sequence[str]] = field(default_factory=dict)
    is_timed: bool = False

    @classmethod
    def of(cls, model: Path) -> Known:
        """Read a sound model directory."""
        rule = json.loads((model / "config.json").read_bytes()).get("weighting")
        reference = rule.get("reference_time") if isinstance(rule, dict) else None
        return cls(
            _read_ids(model / "items.csv"),
            _read_ids(model / "users.csv"),
            DEFAULT_NOW if reference is None else _microseconds(reference),
            _read_values(model),
            (model / "availability.npz").exists(),
        )


def _read_ids(path: Path) -> list[str]:
    if not path.exists():
        return []
    lines = path.read_text("utf-8").split("\n")[1:-1]  # not splitlines: ids hold U+2028
    return [next(csv.reader([line]))[1] for line in lines]


def _microseconds(moment: str) -> int:
    found = datetime.strptime(moment, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc)
    return (found - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)


def _read_values(model: Path) -> dict[str, list[str]]:
    path = model / "attributes.npz"
    if not path.exists():
        return {}
    columns = _read_ids(model / "attribute_columns.csv")
    values = _read_ids(model / "attribute_values.csv")
    content = zipfile.ZipFile(path).read("codes.npy")
    codes = array("i", content[10 + int.from_bytes(content[8:10], "little") :])
    rows = [codes[c * len(codes) // len(columns) :] for c in range(len(columns))]
    return {
        column: [values[code] for code in row[: len(codes) // len(columns)] if code >= 0]
        for column, row in zip(columns, rows)
    }


def random_requests(known: Known, count: int, seed: int) -> list[str]:
    """Return lines of requests, without line feeds."""
    rng = random.Random(seed)
    return [
        json.dumps(random_request(rng, known, f"r{number}"), ensure_ascii=rng.random() < 0.5)
        for number in range(count)
    ]


def random_request(rng: random.Random, known: Known, id_: str) -> dict[str, Any]:
    """Return one request; some few are refused, or name what the model does not have."""
    if rng.random() < 0.1:
        id_ += rng.choice(ODD_TEXTS)
    request: dict[str, Any] = {"id": id_, **_whom(rng, known), "n": _length(rng, known)}
    if rng.random() < 0.12:
        request["include"] = _some_ids(rng, known.items)
    if rng.random() < 0.15:
        request["exclude"] = _some_ids(rng, known.items)
    for option, share in {"include_seen": 0.2, "fill": 0.3, "explain": 0.25}.items():
        if rng.random() < share:
            request[option] = rng.random() < 0.9
    if rng.random() < (0.5 if known.values or known.is_timed else 0.02):
        request["filter"] = _filter(rng, known)
    return dict(rng.sample([*request.items()], len(request))) if rng.random() < 0.1 else request


def _one_of(rng: random.Random, ids: Sequence[str]) -> str:
    return (
        rng.choice(ids) if ids and rng.random() < 0.96 else rng.choice(["", "nobody's", "\u00e9"])
    )


def _some_ids(rng: random.Random, ids: Sequence[str], most: int = MAX_IDS) -> list[str]:
    return [_one_of(rng, ids) for _ in range(int(most ** rng.random()) - (rng.random() < 0.1))]


def _length(rng: random.Random, known: Known) -> int:
    long = [len(known.items) + 1, 2**31 - 1] if len(known.items) < 1000 else [1000]
    return rng.choice([rng.choice([1, 2, 3]), 10, 10, 20, 100, rng.choice(long)])


def _whom(rng: random.Random, known: Known) -> dict[str, Any]:
    kind = rng.random()
    if kind < 0.4 and (known.users or kind < 0.01):
        return {"user": _one_of(rng, known.users), **({"now": known.now} if kind < 0.02 else {})}
    if kind < 0.55:
        return {"item": _one_of(rng, known.items)}
    return _history(rng, known)


def _history(rng: random.Random, known: Known) -> dict[str, Any]:
    is_final, is_timed = rng.random() < 0.3, rng.random() < 0.6
    length = int(MAX_HISTORY ** rng.random()) - (rng.random() < 0.02)
    items = [_one_of(rng, known.items) for _ in range(length)]
    # Some histories of events hold an item more than once; with final weights this is refused.
    if rng.random() < (0.97 if is_final else 0.6):
        items = [*dict.fromkeys(items)]
    now = known.now + rng.randrange(400 * DAY) if rng.random() < 0.3 else known.now
    history = [
        [item, _weight(rng), *([_time(rng, now)] if is_timed and rng.random() < 0.95 else [])]
        for item in items
    ]
    found: dict[str, Any] = {"history": history}
    if is_final or rng.random() < 0.1:
        found["weights"] = "final" if is_final else "events"
    if now != known.now or rng.random() < 0.1:
        found["now"] = now
    return found


def _weight(rng: random.Random) -> float:
    return rng.choice([1, rng.randint(1, 5), rng.random() + 1e-3, 10 ** rng.uniform(-9, 9)])


def _time(rng: random.Random, now: int) -> int:
    """Return a time, rarely one after ``now``, which a model whose weights decay refuses."""
    if rng.random() < 0.2:
        return now - rng.randrange(10) * DAY  # of which some are equal
    return now - int(rng.expovariate(1 / (100 * DAY))) + (DAY if rng.random() < 0.0005 else 0)


def _filter(rng: random.Random, known: Known) -> dict[str, Any]:
    found: dict[str, Any] = {}
    columns = [*known.values, *(["none such"] if rng.random() < 0.03 else [])]
    for name in ("any_of", "none_of"):
        if columns and rng.random() < 0.5:
            chosen = rng.sample(columns, rng.choice([1, 1, min(2, len(columns))]))
            found[name] = {
                column: _some_ids(rng, known.values.get(column, ()), 5) for column in chosen
            }
    if columns and rng.random() < 0.5:
        found["at_most"] = {rng.choice(columns): rng.choice([1, 1, 2, 3, 2**31 - 1])}
    if rng.random() < (0.5 if known.is_timed else 0.01):
        found["available_at"] = _time(rng, known.now)
    return found
