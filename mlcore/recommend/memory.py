"""The memory plan of a batch of recommendations, from the sizes of the model and the options."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mlcore import native
from mlcore.artifact import Model
from mlcore.errors import os_errors_at
from mlcore.files.lists_native import MOST_AROUND, growth
from mlcore.memory.available import format_bytes
from mlcore.memory.plan import LARGER_MACHINE, Allocation, Plan, per_thread
from mlcore.numeric.utf8 import utf8_of
from mlcore.recommend.ranker import MAX_BLOCK_REASONS
from mlcore.recommend.request import ListOptions
from mlcore.recommend.scoring import MAX_BLOCK_CELLS, MAX_BLOCK_ROWS, Scorer
from mlcore.recommend.scoring_native import wide_items

__all__ = ["plan_lists"]

# Of an id: as a Python string in a list, without its characters, or as its line in a file that is
# parsed; its entry in a dictionary.
ID_BYTES, ENTRY_BYTES = 57, 140
# Of a cell of scratch, (user, item), that a history touches; of a listed item; of it as text, without
# its ids; of what ``explain`` looks at together; of a contribution.
CELL_BYTES, LISTED_BYTES, TEXT_BYTES, EXPLAIN_BYTES = 32, 13, 50, 40 * 2**17
CONTRIBUTION_BYTES = 12
FORMATTING_BYTES = 300  # of a listed item or a contribution, while Python makes its text
DECAY_BYTES = 48  # of an entry of a stored history, while its weight decays
FEWER_PAIRS = (
    f"train with fewer neighbors, --set num_neighbors=N, or fewer items, or {LARGER_MACHINE}"
)
SHORTER_LISTS = "ask for shorter lists, --top-n"


def plan_lists(
    model: Model,
    model_dir: str | os.PathLike[str],
    options: ListOptions,
    threads: int,
    all_users: bool,
    finds_items: bool = False,
) -> Plan:
    """Return what it takes to recommend to many users.

    Requests from a file keep their ids, of which the plan knows those of the model. The model is
    mapped: its pages are the system's to keep or to give up, so they are shown but not counted.

    Args:
        model: opened.
        model_dir: where it is.
        options: ``n``, ``explain`` and the filter are read.
        threads: how many.
        all_users: whether all users of the model are ranked, else those of a file.
        finds_items: whether files name items, which makes a dictionary, as histories do.
    """
    num_items, num_users = len(model.items), 0 if model.users is None else len(model.users)
    with os_errors_at(model_dir, "a model directory"):  # which is open, and may be gone
        sizes = {path.name: path.stat().st_size for path in Path(model_dir).iterdir()}
    users = f"{num_users:,} users" if num_users else "users of a file"
    return Plan(
        "recommend",
        f"top {options.n:,} of {num_items:,} items, {users}, "
        f"{model.similarity.num_entries:,} pairs, {threads:,} thread{'' if threads == 1 else 's'}",
        [
            _ids(model, sizes, all_users, finds_items),
            *_ranking(model, sizes, options, threads, all_users),
        ],
        note=f"besides, the model is mapped: {format_bytes(sum(sizes.values()))}, not counted",
    )


def _ids(model: Model, sizes: dict[str, int], all_users: bool, finds_items: bool) -> Allocation:
    """Return the ids of items and of users, and their lines while they are parsed.

    Without compiled code, those of items as JSON too.
    """
    num_items, num_users = len(model.items), 0 if model.users is None else len(model.users)
    of_items = ID_BYTES * num_items + sizes.get("items.csv", 0)
    of_users = ID_BYTES * num_users + sizes.get("users.csv", 0)
    ids = (1 if native.is_available() else 2) * of_items + of_users
    if model.attributes is not None:
        ids += ID_BYTES * len(model.attributes.values) + sizes.get("attribute_values.csv", 0)
    if not all_users:
        ids += of_users + ENTRY_BYTES * num_users
    if finds_items or not all_users:
        ids += ENTRY_BYTES * num_items
    return Allocation("ids", ids + max(of_items, of_users), FEWER_PAIRS)


def _ranking(
    model: Model, sizes: dict[str, int], options: ListOptions, threads: int, all_users: bool
) -> Sequence[Allocation]:
    scorer, num_items = Scorer(model.similarity, model.popularity), len(model.items)
    histories = model.histories if all_users else None
    num_entries = 0 if histories is None else histories.num_entries
    is_compiled = native.is_available()
    # Caps may need all of a list.
    longest = num_items if options.filter.at_most else min(options.n, num_items)
    width = longest if is_compiled and not options.explain else num_items
    rows = min(MAX_BLOCK_ROWS, max(1, MAX_BLOCK_CELLS // max(1, width)))
    touched = num_items  # by a history, at most, or on average where the histories are known
    decaying = 0.0  # entries of a block
    if histories is not None:
        mean = num_entries / max(1, histories.num_rows)
        touched = min(num_items, int(mean * scorer.pairs_per_entry))
        decaying = rows * mean if model.order is not None else 0.0
    # Listed in a block; blocks that are formatted, and that wait.
    listed, formatted, waiting = rows * min(options.n, num_items), float(threads), 2.0 * threads + 1
    if histories is not None and not options.explain:  # whose blocks may be smaller
        num_blocks = histories.num_rows / rows
        formatted, waiting = min(formatted, num_blocks), min(waiting, num_blocks)
    if options.explain:
        listed += MAX_BLOCK_REASONS
    formatting, id_bytes = _text_bytes(model, sizes)
    lists = (formatted * formatting + waiting * (TEXT_BYTES + id_bytes)) * listed
    scratch = (
        12 * num_items + 16 * longest + 2 * LISTED_BYTES * rows * longest + DECAY_BYTES * decaying
    )
    if not is_compiled:
        scratch += rows * (num_items + CELL_BYTES * touched)
    if options.explain:
        scratch += 4 * rows * num_items + EXPLAIN_BYTES + CONTRIBUTION_BYTES * MAX_BLOCK_REASONS
    wide_cells = num_items * len(wide_items(model.similarity))
    pairs = 4 * wide_cells if is_compiled else 8 * model.similarity.num_entries
    return [
        Allocation("pairs in another form", pairs, FEWER_PAIRS),
        per_thread(threads, scratch, SHORTER_LISTS if is_compiled else LARGER_MACHINE),
        Allocation("lists", int(lists), SHORTER_LISTS),
    ]


def _text_bytes(model: Model, sizes: dict[str, int]) -> tuple[float, float]:
    """Return what a listed item takes while its text is made, and its id in the text, on average."""
    if not native.is_available():
        # A line of items.csv has a position too.
        return FORMATTING_BYTES, 2 * sizes.get("items.csv", 0) / max(1, len(model.items))
    ids = utf8_of(model.items.load())
    id_bytes = growth(ids) * float(ids.sizes.sum()) / max(1, len(model.items))
    return MOST_AROUND + id_bytes, id_bytes
