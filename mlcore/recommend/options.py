"""Settings of a prediction: for whom, and which lists. Loads no numpy, for the help of commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

from mlcore.errors import ConfigError, shorten
from mlcore.files.options import PathLike
from mlcore.parameters import choice, convert_value, integer, optional

__all__ = ["SHOWN_ITEMS", "Fill", "PredictOptions", "Requests", "UnknownUser", "Weights"]

Fill: TypeAlias = Literal["popularity"]
Weights: TypeAlias = Literal["events", "final"]
UnknownUser: TypeAlias = Literal["error", "skip", "fill"]
SHOWN_ITEMS = 5  # of a list shown with titles


@dataclass(frozen=True)
class Requests:
    """Whom to recommend to: exactly one of all users of the model, users of a file, or histories.

    Attributes:
        all_users: every user of the model, by ascending id.
        users_path: a table with a column ``user_id``; each user once, in order of appearance.
        histories_path: as ``read_histories`` takes them.
    """

    all_users: bool = False
    users_path: PathLike | None = None
    histories_path: PathLike | None = None

    def check(self) -> None:
        """Refuse none of them, and several.

        Raises:
            ConfigError: they are not one.
        """
        given = self.all_users, self.users_path is not None, self.histories_path is not None
        if sum(given) != 1:
            raise ConfigError(
                "requests: expected one of all_users, users_path and histories_path, "
                f"got {sum(given) or 'none'}"
            )


@dataclass(frozen=True)
class PredictOptions:
    """Options of the lists, as paths and names.

    Attributes:
        top_n: list length, >= 1.
        include_items_path: a table with a column ``item_id``: list these items only.
        exclude_items_path: likewise: never list these.
        include_pairs_path: a table with columns ``user_id`` and ``item_id``: list of each user these
            items only; users without a row get an empty list.
        exclude_pairs_path: likewise: never list these of each user.
        include_seen: also list items of the history.
        fill: ``popularity`` completes short lists with the most popular unseen items.
        unknown_user: ``error``, ``skip``, or ``fill`` with the most popular items.
        explain: write the contributions to each score.
        weights: of histories: ``events`` are weighed as those of the training; ``final`` ones are
            taken as they are.
        now: when events count in full, by RFC 3339 or in seconds since 1970 UTC; None for the
            reference time of the model.
        filter: on the catalogue of the model: a JSON object, as text or as a mapping, or a file of it.
        attributes_path: a catalogue in place of the model's own, as ``read_catalogue`` takes it.
    """

    top_n: int = 10
    include_items_path: PathLike | None = None
    exclude_items_path: PathLike | None = None
    include_pairs_path: PathLike | None = None
    exclude_pairs_path: PathLike | None = None
    include_seen: bool = False
    fill: Fill | None = None
    unknown_user: UnknownUser = "error"
    explain: bool = False
    weights: Weights = "events"
    now: str | None = None
    filter: Mapping[str, Any] | str | None = None
    attributes_path: PathLike | None = None

    def __post_init__(self) -> None:
        convert_value(integer(minimum=1), self.top_n, "top_n")
        convert_value(optional(choice(*get_args(Fill))), self.fill, "fill")
        convert_value(choice(*get_args(UnknownUser)), self.unknown_user, "unknown_user")
        convert_value(choice(*get_args(Weights)), self.weights, "weights")
        if self.now is not None and not isinstance(self.now, str):
            raise ConfigError(f"now: expected a text as in the command, got {shorten(self.now)}")
