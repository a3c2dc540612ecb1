"""The memory plan of a batch of recommendations, from the sizes of the model and the options."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mlcore.errors import DataError
from mlcore.memory.available import format_bytes
from mlcore.memory.plan import Part, Plan, add_parts
from mlcore.recommend.recommender import Recommender
from mlcore.recommend.request import ListOptions

__all__ = ["plan_lists", "refuse_lists"]

# Of an id: as a Python string in a list, its characters aside; its line in a file that is parsed,
# likewise; its place in a dictionary.
ID_BYTES, LINE_BYTES, PLACE_BYTES = 57, 57, 140
FEWER_LISTED = (100, 10)


def plan_lists(
    recommender: Recommender,
    model_dir: str | os.PathLike[str],
    options: ListOptions,
    threads: int,
    all_users: bool,
) -> Plan:
    """Return what it takes to recommend to many users.

    Requests from a file keep their ids, of which the plan knows those of the model. The model is
    mapped: its pages are the system's to keep or to give up, so they are told but not counted.

    Args:
        recommender: of the model.
        model_dir: its directory.
        options: what the lists may hold.
        threads: how many.
        all_users: whether all users of the model are asked for, else those of a file.
    """
    model = recommender.model
    num_users = 0 if model.users is None else len(model.users)
    sizes = {path.name: path.stat().st_size for path in Path(model_dir).iterdir()}
    of_items = ID_BYTES * len(model.items) + sizes.get("items.csv", 0)
    of_users = ID_BYTES * num_users + sizes.get("users.csv", 0)
    places = PLACE_BYTES * len(model.items)
    ids = 2 * of_items + of_users + places  # those of the items as JSON, too
    if not all_users:
        ids += of_users + PLACE_BYTES * num_users
    parsing = LINE_BYTES * max(num_users, len(model.items)) + 3 * max(
        sizes.get("items.csv", 0), sizes.get("users.csv", 0)
    )
    steps = {
        "read the ids": [Part("lines", parsing)],
        **recommender.planned_bytes(options, threads, all_users),
    }
    users = f"{num_users:,} users" if num_users else "users of a file"
    unit = "thread" if threads == 1 else "threads"
    return Plan(
        "recommend",
        f"top {options.n:,} of {len(model.items):,} items, {users}, "
        f"{model.similarity.num_entries:,} pairs, {threads:,} {unit}",
        add_parts([Part("ids", ids)], steps),
        note=f"besides, the model is mapped: {format_bytes(sum(sizes.values()))}, not counted",
    )


def refuse_lists(
    recommender: Recommender,
    model_dir: str | os.PathLike[str],
    options: ListOptions,
    threads: int,
    all_users: bool,
    available: int | None,
) -> DataError | None:
    """Return why a plan cannot be carried out, with what would fit, or None if it can.

    Args:
        recommender: as for ``plan_lists``, as all up to the last.
        model_dir: its directory.
        options: what the lists may hold.
        threads: how many.
        all_users: whether all users are asked for.
        available: bytes, or None if nobody says.
    """

    def plan(n: int, number: int) -> Plan:
        return plan_lists(recommender, model_dir, replace(options, n=n), number, all_users)

    def cure(fitting: int) -> str:
        smaller: Sequence[tuple[str, int, int]] = [
            ("1 thread", options.n, 1),
            *((f"1 thread and lists of {n}", n, 1) for n in FEWER_LISTED if n < options.n),
        ]
        for change, n, number in smaller:
            if (needed := plan(n, number).num_bytes) <= fitting:
                return f"with {change} it takes at most {format_bytes(needed)}"
        return "train with fewer neighbors or fewer items, or use a machine with more memory"

    return plan(options.n, threads).refusal(available, cure)
