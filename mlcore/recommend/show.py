"""Show predictions to people: titles instead of ids."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from mlcore.artifact import Model
from mlcore.errors import ConfigError, DataError, DataWarning, UnknownUserError, shorten
from mlcore.files.histories import read_histories
from mlcore.files.inputs import display_name
from mlcore.files.json_lines import read_json_lines
from mlcore.files.list_rows import are_rows, find_list_in_rows
from mlcore.files.lists import read_titles
from mlcore.files.options import InputOptions, PathLike
from mlcore.files.values import finite_from_json
from mlcore.parameters import convert_value, integer
from mlcore.printable import JOINERS, printable
from mlcore.recommend.options import SHOWN_ITEMS
from mlcore.references import hint_at_one, none_known

__all__ = ["show_from_path"]

MAX_CONTRIBUTIONS = 3


def show_from_path(
    predictions_path: PathLike,
    items_path: PathLike | None = None,
    *,
    model_dir: PathLike | None = None,
    histories_path: PathLike | None = None,
    user_id: str | None = None,
    top_n: int = SHOWN_ITEMS,
    input_options: InputOptions = InputOptions(),
) -> str:
    """Return one user's list as text, a line for each item, after the user's history if given.

    Lists of ``cli.predict --explain`` show the three greatest contributions to each item.

    Args:
        predictions_path: as ``cli.predict`` writes them.
        items_path: a table with columns ``item_id`` and ``title``.
        model_dir: in place of it, a model whose attributes have a column ``title``.
        histories_path: as ``read_histories`` takes them.
        user_id: None for the first list of the file.
        top_n: shown items of the list and of the history, >= 1.

    Raises:
        ConfigError: ``top_n`` is below 1, or titles come from nowhere or from both.
        ArtifactError: the model is faulty.
        DataError: a file is faulty, or the user is not in the predictions.
    """
    convert_value(integer(minimum=1), top_n, "top_n")
    if (items_path is None) == (model_dir is None):
        raise ConfigError("titles: expected one of items_path and model_dir, got both or none")
    if items_path is not None:
        titles, source = read_titles(items_path, input_options), items_path
    elif model_dir is not None:
        titles, source = _titles_of(model_dir), model_dir
    user_id, entries = _find_list(predictions_path, user_id)
    place = display_name(predictions_path)
    listed = [entry["item_id"] for entry in entries[:top_n] if _has_id(entry)]
    fault = none_known(display_name(source), "item_id", list(titles), listed, "the list")
    if fault is not None and listed:
        warnings.warn(f"{fault}; {fault.hint}", DataWarning, stacklevel=2)
    lines: list[str] = []
    if histories_path is not None:
        lines += [f"{user_id} took:"]
        lines += [
            f"     {titles.get(item, item)}"
            for item in _taken(histories_path, user_id, top_n, input_options)
        ]
    cut = f" ({top_n} of {len(entries)})" if len(entries) > top_n else ""
    lines += [f"{user_id} may like{cut}:"]
    for rank, entry in enumerate(entries[:top_n], 1):
        lines.append(f"  {rank}. {_describe(entry, titles, place)}")
        lines += _because(entry, titles, place)
    return "\n".join(printable(line, JOINERS) for line in lines)


def _titles_of(model_dir: PathLike) -> dict[str, str]:
    model = Model.load(model_dir)
    titles = None if model.attributes is None else model.attributes.texts("title")
    if model.attributes is None or titles is None:
        names = [] if model.attributes is None else model.attributes.columns.ids
        raise DataError(
            f"{display_name(model_dir)}: title: expected a column of this name in the attributes of "
            f"the model, got {', '.join(map(shorten, names)) or 'none'}",
            "--items FILE gives titles; train --attributes FILE keeps them in the model",
        )
    pairs = zip(model.items.ids, titles)
    return {item_id: title for item_id, title in pairs if title is not None}


def _find_list(path: PathLike, user_id: str | None) -> tuple[str, list[dict[str, Any]]]:
    if are_rows(path):
        others, of_user = find_list_in_rows(path, user_id)
        if user_id is None or user_id in others:
            return user_id or others[0], of_user
        raise _no_list(path, user_id, others)
    others = []
    for line, value in read_json_lines(path):
        others.append(str(value.get("user_id")))
        if user_id is None or value.get("user_id") == user_id:
            found, entries = value.get("user_id"), value.get("items")
            if not isinstance(found, str) or not isinstance(entries, list):
                raise DataError(
                    f"{display_name(path)}:{line}: expected user_id and items, got {shorten(value)}"
                )
            return found, entries
    raise _no_list(path, user_id, others)


def _no_list(path: PathLike, user_id: str | None, others: list[str]) -> UnknownUserError:
    got = "no line" if user_id is None else f"none for {shorten(user_id)}"
    return UnknownUserError(
        f"{display_name(path)}: user_id: expected a list of the user, got {got}",
        None if user_id is None else hint_at_one(user_id, others, "the lists"),
    )


def _taken(path: PathLike, user_id: str, top_n: int, input_options: InputOptions) -> list[str]:
    """Return the items of a history, heaviest first."""
    for history in read_histories(path, input_options):
        if history.user_id == user_id:
            weights: dict[str, float] = {}
            for item_id, weight, _ in history.events:
                weights[item_id] = weights.get(item_id, 0) + weight
            return sorted(weights, key=lambda item_id: (-weights[item_id], item_id))[:top_n]
    return []


def _has_id(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("item_id"), str)


def _describe(entry: Any, titles: Mapping[str, str], place: str) -> str:
    if not _has_id(entry):
        raise DataError(f"{place}: items: expected objects with an item_id, got {shorten(entry)}")
    score = finite_from_json(entry.get("score"))
    shown = "no score" if score is None else f"{score:.4f}"
    why = "popular" if entry.get("source") == "popularity" else shown
    return f"{titles.get(entry['item_id'], entry['item_id'])} ({why})"


def _because(entry: Mapping[str, Any], titles: Mapping[str, str], place: str) -> list[str]:
    """Return a line with the greatest contributions to an item, or none."""
    found = entry.get("because", [])
    if not isinstance(found, list) or not all(map(_is_contribution, found)):
        raise DataError(
            f"{place}: items: because: expected objects with item_id and share, "
            f"got {shorten(found)}"
        )
    best = sorted((one for one in found if one["share"] > 0), key=lambda one: -one["share"])
    shown = [
        f"{titles.get(one['item_id'], one['item_id'])} ({one['share']:.4f})"
        for one in best[:MAX_CONTRIBUTIONS]
    ]
    return [f"     because of {', '.join(shown)}"] if shown else []


def _is_contribution(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("item_id"), str)
        and finite_from_json(value.get("share")) is not None
    )
