"""Compare sequential rules with published lists, and configurations by the next item of sessions.

A folder holds ``train.csv`` and ``test.csv``, whose users are sessions, and
``sequential_rules.jsonl``: lists that another implementation gave for single events of the test,
with 20 steps and 1 / k^2, the item itself among them, scores divided by the largest.

For each event of a test session but the last, the list of 20 for the events so far, or for the last
of them alone, is asked for the item of the next event, as session-rec does: seen items may come
again. HR@20 is the share of lists that have it, MRR@20 the mean of 1 / rank.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.report import format_table, log, run
from mlcore import Interactions, Recommender, TrainConfig, train_from_data
from mlcore.files.interactions import read_events
from mlcore.interactions import Events
from mlcore.similarity import NeighborSettings, SequentialRules
from mlcore.similarity.sequential import Rules
from mlcore.times import format_rfc_3339

__all__ = ["Agreement", "compare_lists", "evaluate_sessions", "main"]

N = 20
PUBLISHED = SequentialRules(steps=20, decay="quadratic")
CONFIGS: list[dict[str, Any]] = [
    {},
    {"history_decay": {"name": "quadratic"}},
    {"similarity": {"name": "sequential_rules"}},
    {"similarity": {"name": "sequential_rules"}, "history_decay": {"name": "quadratic"}},
]

Session = Sequence[tuple[str, float, str]]  # item id, weight 1, time


class Args(Namespace):
    """Parsed options."""

    data: Path
    configs: Path | None


class Agreement(NamedTuple):
    """How published lists and ours agree.

    Attributes:
        values: positive published scores of other items.
        equal: of these, in float64, to 1e-9 of the value.
        equal_in_model: the same in the float32 of a model, to 1e-6.
        listed: of ``values``, in our list of the same length.
        tied: of the others, with the score of the last item of our list.
    """

    values: int
    equal: int
    equal_in_model: int
    listed: int
    tied: int


def compare_lists(train: Interactions, test: Events, lines: Sequence[str]) -> Agreement:
    """Compare published lists with the rows of rules trained on the same events.

    Args:
        lines: JSON objects with ``session``, ``position`` and ``items``.
    """
    by_source = NeighborSettings(neighborhood="source")
    rules = Rules(PUBLISHED, train.sequences, len(train.item_ids), by_source)
    exact = rules.rows(0, len(train.item_ids)).tocsr()  # (I, I) float64
    exact.setdiag(0)
    model = train_from_data(train, TrainConfig(PUBLISHED, num_neighbors=None)).similarity
    positions = {item_id: position for position, item_id in enumerate(train.item_ids)}
    sessions, counts = dict(sessions_of(test)), np.zeros(5, np.int64)
    for line in map(json.loads, lines):
        source_id = sessions[line["session"]][line["position"]][0]
        theirs = {
            positions[one["item_id"]]: one["score"]
            for one in line["items"]
            if one["score"] > 0 and one["item_id"] != source_id
        }
        if theirs:
            source = positions[source_id]
            row, rounded = exact[source].toarray().ravel(), np.zeros(len(positions))
            rounded[model.row(source)[0]] = model.row(source)[1]
            counts += _agreement(theirs, row, rounded)
    return Agreement(*counts.tolist())


def _agreement(theirs: Mapping[int, float], row: Any, rounded: Any) -> list[int]:
    """Return the counts of ``Agreement`` for one list; of each side the largest becomes 1."""
    scores = np.array(list(theirs.values())) / max(theirs.values())
    items = np.array(list(theirs))
    best = np.argsort(-row, kind="stable")[: len(items)]
    listed = np.isin(items, best)
    tied = np.isclose(row[items], row[best[-1]], rtol=1e-9, atol=0) & ~listed
    return [
        len(items),
        int(np.isclose(row[items] / row.max(), scores, rtol=1e-9, atol=0).sum()),
        int(np.isclose(rounded[items] / rounded.max(), scores, rtol=1e-6, atol=0).sum()),
        int(listed.sum()),
        int(tied.sum()),
    ]


def sessions_of(events: Events) -> Iterator[tuple[str, Session]]:
    """Yield each session with its events in order."""
    events = events.in_order()
    assert events.timestamps is not None
    bounds = np.searchsorted(events.users, np.arange(len(events.user_ids) + 1)).tolist()
    items, times = events.items.tolist(), events.timestamps.tolist()
    for user_id, begin, end in zip(events.user_ids, bounds, bounds[1:]):
        rows = range(begin, end)
        yield user_id, [
            (events.item_ids[items[row]], 1.0, format_rfc_3339(times[row])) for row in rows
        ]


def evaluate_sessions(
    recommender: Recommender, sessions: Sequence[Session], last_only: bool
) -> tuple[float, float]:
    """Return HR@20 and MRR@20 of the next items.

    Args:
        last_only: ask with the last event alone, not with all so far.
    """
    ranks: list[int] = []  # from 1; 0 where the list lacks the item
    for session in sessions:
        for place, (item_id, *_) in enumerate(session[1:], 1):
            history = session[place - 1 if last_only else 0 : place]
            found = recommender.predict_history(history, N, include_seen=True)
            listed = [one.item_id for one in found]
            ranks.append(listed.index(item_id) + 1 if item_id in listed else 0)
    hits = [rank for rank in ranks if rank]
    return len(hits) / len(ranks), sum(1 / rank for rank in hits) / len(ranks)


def _compare(folder: Path, configs: Sequence[dict[str, Any]]) -> int:
    train = read_events(folder / "train.csv").aggregate(keep_events=True)
    test = read_events(folder / "test.csv")
    lines = (folder / "sequential_rules.jsonl").read_text("utf-8").splitlines()
    found = compare_lists(train, test, lines)
    print(
        f"published values: {found.values}, equal in float64 to 1e-9: {found.equal}, in a model to "
        f"1e-6: {found.equal_in_model}; in our lists {found.listed}, tied with their last "
        f"{found.tied}"
    )
    sessions, rows = [session for _, session in sessions_of(test)], []
    for config in configs:
        log(f"{json.dumps(config)} ...")
        recommender = Recommender(train_from_data(train, config))
        for last_only in (False, True):
            metrics = evaluate_sessions(recommender, sessions, last_only)
            asked = "last event" if last_only else "session"
            rows.append([json.dumps(config), asked, *(f"{value:.4f}" for value in metrics)])
    print(format_table(["configuration", "history", f"HR@{N}", f"MRR@{N}"], rows))
    return 0


def build_parser() -> ArgumentParser:
    """Return the parser."""
    parser = ArgumentParser(
        prog="python -m benchmarks.sessions", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the folder")
    parser.add_argument(
        "--configs",
        type=Path,
        metavar="FILE",
        help="a JSON array of configurations in place of ours",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command."""
    args = build_parser().parse_args(argv, Args())
    given = args.configs
    configs = CONFIGS if given is None else json.loads(given.read_text("utf-8"))
    return run(lambda: _compare(args.data, configs))


if __name__ == "__main__":
    raise SystemExit(main())
