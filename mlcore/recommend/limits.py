"""Files that limit lists: items that all users may get, or must not, and pairs of users and items."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

import numpy as np

from mlcore.errors import DataError, DataWarning
from mlcore.files.inputs import display_name
from mlcore.files.lists import read_ids, read_pairs
from mlcore.files.options import InputOptions, PathLike
from mlcore.ids import IdMap
from mlcore.recommend.options import PredictOptions
from mlcore.recommend.user_items import UserItems
from mlcore.references import count_unknown, none_known

__all__ = ["Limits", "note_fault"]

Use: TypeAlias = Literal["included", "excluded"]
MAX_EXAMPLES = 100  # of users that are compared with those of a file


class _PairFile:
    """Pairs of users and items, and which of the users were asked for."""

    def __init__(self, path: PathLike, use: Use, input_options: InputOptions, items: IdMap) -> None:
        pairs = read_pairs(path, input_options, may_be_empty=use == "excluded")
        self.place, self.use = display_name(path), use
        self.unknown = _count_unknown(self.place, pairs.item_ids, items, use)
        self.num_items = len(pairs.item_ids)
        positions = [items.position(item_id) for item_id in pairs.item_ids]
        # (V,) int32, -1 for an item that the model does not have
        of_code = np.array([-1 if it is None else it for it in positions], np.int32)
        found = of_code[pairs.items]  # (P,) int32
        known = found >= 0
        self.by_user = UserItems.from_codes(
            pairs.user_ids, pairs.users[known], found[known], len(items)
        )
        self.asked = np.zeros(len(pairs.user_ids), bool)
        self.without = 0  # users asked for of which the file has no row

    def note_asked(self, user_ids: Sequence[str]) -> None:
        rows = [self.by_user.rows.get(user_id, -1) for user_id in user_ids]
        found = [row for row in rows if row >= 0]
        self.asked[found] = True
        self.without += len(rows) - len(found)

    def expect(self, user_ids: Sequence[str], owner: str) -> None:
        fault = none_known(self.place, "user_id", list(self.by_user.rows), user_ids, owner)
        _refuse_or_note(fault, self.use)

    def summary(self) -> Iterator[str]:
        others = int((~self.asked).sum())
        if self.unknown:
            yield f"{self.unknown} of {self.num_items} items of {self.use} pairs unknown"
        if others:
            yield f"{others} of {len(self.asked)} users of {self.use} pairs not asked for"
        if self.without and self.use == "included":
            yield f"{self.without} users without {self.use} pairs"


class Limits:
    """What the files of a prediction allow, and what is strange about them.

    Args:
        options: of which the paths are read.
        items: of the model.

    Raises:
        DataError: a file is faulty, or none of the items to include is known.
    """

    def __init__(self, options: PredictOptions, input_options: InputOptions, items: IdMap) -> None:
        self._items, self._input_options = items, input_options
        self._parts: list[str] = []
        self._examples: list[str] = []
        self.include = self._read_items(options.include_items_path, "included")
        self.exclude = self._read_items(options.exclude_items_path, "excluded") or []
        paths: dict[Use, PathLike | None] = {
            "included": options.include_pairs_path,
            "excluded": options.exclude_pairs_path,
        }
        self._pairs = {
            use: _PairFile(path, use, input_options, items)
            for use, path in paths.items()
            if path is not None
        }

    def by_user(self, use: Use) -> UserItems | None:
        """Return the items of each user to include or to exclude, or None for no such file."""
        return self._pairs[use].by_user if use in self._pairs else None

    def expect_users(self, user_ids: Sequence[str], owner: str) -> None:
        """Refuse pairs none of whose users is asked for; note it of pairs to exclude.

        Args:
            user_ids: that are asked for.
            owner: of these, for messages.

        Raises:
            DataError: no user of the pairs to include is among them.
        """
        for pairs in self._pairs.values():
            pairs.expect(user_ids, owner)

    def note_asked(self, user_ids: Sequence[str]) -> None:
        """Count users as they get their lists."""
        for pairs in self._pairs.values():
            pairs.note_asked(user_ids)
        self._examples += user_ids[: MAX_EXAMPLES - len(self._examples)]

    def expect_asked(self, owner: str) -> None:
        """Do what ``expect_users`` does once all lists are made, where users were not known before.

        Raises:
            DataError: as there.
        """
        for pairs in self._pairs.values():
            if not pairs.asked.any():
                pairs.expect(self._examples, owner)

    def summary(self) -> list[str]:
        """Return in words what of the files is unknown, or was not asked for."""
        return self._parts + [part for it in self._pairs.values() for part in it.summary()]

    def _read_items(self, path: PathLike | None, use: Use) -> list[str] | None:
        if path is None:
            return None
        names: set[str] = set()
        ids = read_ids(
            path,
            "item_id",
            self._input_options,
            may_be_empty=use == "excluded",
            on_names=names.update,
        )
        place, user = display_name(path), self._input_options.columns.user
        if user in names:
            warnings.warn(
                f"{place}: {user}: passed over, as these items are {use} for all users; "
                f"--{use.removesuffix('d')}-pairs takes items of each user",
                DataWarning,
                stacklevel=2,
            )
        if unknown := _count_unknown(place, ids, self._items, use):
            self._parts.append(f"{unknown} of {len(ids)} {use} items unknown")
        return ids


def _count_unknown(place: str, ids: Sequence[str], items: IdMap, use: Use) -> int:
    """Return how many items the model does not have.

    If it has none: refused, but excluded items may be those of another catalogue, with a note.
    """
    _refuse_or_note(none_known(place, "item_id", ids, items.ids, "the model"), use)
    return count_unknown(ids, items.ids)


def _refuse_or_note(fault: DataError | None, use: Use) -> None:
    if fault is not None and use == "included":
        raise fault
    note_fault(fault)


def note_fault(fault: DataError | None) -> None:
    """Warn of what is no reason to stop."""
    if fault is not None:
        warnings.warn(f"{fault}; {fault.hint}", DataWarning, stacklevel=2)
