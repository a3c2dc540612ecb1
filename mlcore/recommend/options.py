"""What a prediction is asked for: for whom, and which lists. Loads no numpy, for the help of commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from mlcore.files.options import PathLike
from mlcore.parameters import convert_value, integer

__all__ = ["Fill", "PredictOptions", "Requests", "UnknownUser"]

Fill: TypeAlias = Literal["popularity"]
UnknownUser: TypeAlias = Literal["error", "skip", "fill"]


@dataclass(frozen=True)
class Requests:
    """Whom to recommend to: all users of the model, those of a file, or histories. One of them.

    Attributes:
        all_users: every user of the model, in order of ids.
        users_path: a table with a column ``user_id``; each user once, in order of appearance.
        histories_path: histories, as ``read_histories`` takes them.
    """

    all_users: bool = False
    users_path: PathLike | None = None
    histories_path: PathLike | None = None


@dataclass(frozen=True)
class PredictOptions:
    """What the lists may hold, as paths and names.

    Attributes:
        top_n: the longest list, >= 1.
        include_items_path: a table with a column ``item_id``: only these items.
        exclude_items_path: likewise: none of these.
        include_seen: whether items of the history may be listed.
        fill: ``popularity`` completes short lists with the most popular unseen items.
        unknown_user: whether a user the model does not know is an error, is left out, or gets the
            most popular items.
        explain: whether each item comes with what adds up to its score.
    """

    top_n: int = 10
    include_items_path: PathLike | None = None
    exclude_items_path: PathLike | None = None
    include_seen: bool = False
    fill: Fill | None = None
    unknown_user: UnknownUser = "error"
    explain: bool = False

    def __post_init__(self) -> None:
        convert_value(integer(minimum=1), self.top_n, "top_n")
