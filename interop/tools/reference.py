"""Sections 9 and 10 of SPEC.md, word by word, as a loop over Python's floats, which are binary64."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from interop.tools.draft import NO_TIME, Model
from interop.tools.history import Refusal, decayed, encode, f32
from interop.tools.request_form import is_request

__all__ = ["Refusal", "answer", "bits", "contributions", "scores"]


def bits(value: float) -> str:
    """Return the 16 hexadecimal digits of a number as binary64."""
    return struct.pack(">d", value).hex()


def answer(model: Model, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the response to a request, as the adapter protocol writes it."""
    try:
        history, ranked = _recommend(model, request)
    except Refusal as refusal:
        return {"id": request["id"], "error": str(refusal)}
    items: list[dict[str, Any]] = [
        {"item_id": model.items[j], "index": j, "bits": bits(score), "filled": filled}
        for j, score, filled in ranked
    ]
    if request.get("explain"):
        for item, (j, score, _) in zip(items, ranked):
            because = contributions(model, history, j)
            assert bits(_add_up(because.values())) == bits(score)
            item["because"] = [
                {"item_id": model.items[i], "index": i, "bits": bits(share)}
                for i, share in because.items()
            ]
    return {"id": request["id"], "items": items}


def scores(model: Model, history: Mapping[int, float]) -> dict[int, float]:
    """Return the score of each item that a stored pair touches (REC-3, REC-4)."""
    score: dict[int, float] = {}
    for i in sorted(history):
        for j in sorted(model.similarity[i]):
            score[j] = score.get(j, 0.0) + history[i] * model.similarity[i][j]
    return score


def contributions(model: Model, history: Mapping[int, float], j: int) -> dict[int, float]:
    """Return the contribution of each item of a history to the score of an item, in order (REC-11).

    A filled item has none: an entry that touches it would put it in the list.
    """
    rows = model.similarity
    return {i: history[i] * rows[i][j] for i in sorted(history) if j in rows[i]}


def _add_up(terms: Iterable[float]) -> float:
    total = 0.0
    for term in terms:
        total += term
    return total


def _admitted(model: Model, wanted: Mapping[str, Any], j: int) -> bool:
    """Return whether a checked filter admits an item (ATT-5)."""
    if "available_at" in wanted:
        assert model.attributes is not None and model.attributes.times is not None
        begin, end = (times[j] for times in model.attributes.times)
        if begin > wanted["available_at"] or NO_TIME < end <= wanted["available_at"]:
            return False
    return all(
        _value(model, column, j) in values for column, values in wanted.get("any_of", {}).items()
    ) and all(
        _value(model, column, j) not in values
        for column, values in wanted.get("none_of", {}).items()
    )


def _value(model: Model, column: str, j: int) -> str | None:
    assert model.attributes is not None
    code = model.attributes.codes[model.attributes.columns.index(column)][j]
    return None if code == -1 else model.attributes.values[code]


def _check_filter(model: Model, wanted: Mapping[str, Any]) -> None:
    """Refuse a filter on what the model does not have (ATT-4); its form is checked."""
    columns = () if model.attributes is None else model.attributes.columns
    has_times = model.attributes is not None and model.attributes.times is not None
    for key, part in wanted.items():
        if not (has_times if key == "available_at" else all(column in columns for column in part)):
            raise Refusal("request")


def _recommend(
    model: Model, request: Mapping[str, Any]
) -> tuple[Mapping[int, float], list[tuple[int, float, bool]]]:
    if not is_request(request):
        raise Refusal("request")
    _check_filter(model, request.get("filter", {}))
    n = request["n"]
    position = {item: index for index, item in enumerate(model.items)}
    history = _history(model, position, request)
    wanted = request.get("filter", {})
    include = None
    if "include" in request:
        include = {position[item] for item in request["include"] if item in position}
    exclude = {position[item] for item in request.get("exclude", []) if item in position}

    def allowed(j: int) -> bool:
        is_included = (include is None or j in include) and j not in exclude
        return is_included and _admitted(model, wanted, j)

    caps, listed = wanted.get("at_most", {}), list[int]()
    score = scores(model, history)
    seen = () if request.get("include_seen") else history
    candidates = [j for j in score if allowed(j) and j not in seen]
    _walk(model, caps, n, listed, sorted(candidates, key=lambda j: (-score[j], j)))
    found = [(j, score[j], False) for j in listed]
    if request.get("fill"):
        popularity = model.counts if model.decayed is None else model.decayed
        taken = [j for j in range(len(model.items)) if popularity[j] > 0]
        more = [j for j in taken if allowed(j) and j not in {*history, *listed}]
        _walk(model, caps, n, listed, sorted(more, key=lambda j: (-popularity[j], j)))
        found += [(j, 0.0, True) for j in listed[len(found) :]]
    return history, found


def _walk(
    model: Model, caps: Mapping[str, int], n: int, listed: list[int], items: Sequence[int]
) -> None:
    """Append items to a list, up to n, unless it holds enough of their values (ATT-6)."""
    for j in items:
        values = {c: _value(model, c, j) for c in caps}
        if len(listed) < n and all(
            value is None or sum(_value(model, c, i) == value for i in listed) < caps[c]
            for c, value in values.items()
        ):
            listed.append(j)


def _history(
    model: Model, position: Mapping[str, int], request: Mapping[str, Any]
) -> Mapping[int, float]:
    if "user" in request:
        if not model.with_users or request["user"] not in model.users:
            raise Refusal("unknown_user")
        user = list(model.users).index(request["user"])
        if model.rule is None or model.rule.decay is None:
            return model.histories[user]
        return decayed(model.rule, model.histories[user], model.orders[user])
    if "item" in request:
        if request["item"] not in position:
            raise Refusal("unknown_item")
        return {position[request["item"]]: 1.0}
    pairs = request["history"]
    if model.rule is not None and request.get("weights") != "final":
        return encode(model.rule, position, pairs, request.get("now"))
    pairs = [pair[:2] for pair in pairs]
    if len({item for item, _ in pairs}) < len(pairs):
        raise Refusal("request")
    rounded = {item: _weight(weight) for item, weight in pairs}
    return {position[item]: weight for item, weight in rounded.items() if item in position}


def _weight(value: object) -> float:
    if type(value) not in (int, float):
        raise Refusal("request")
    assert isinstance(value, (int, float))
    try:
        weight = f32(float(value))
    except OverflowError:  # struct's way to say infinity
        raise Refusal("request") from None
    if not (math.isfinite(weight) and weight > 0):
        raise Refusal("request")
    return weight
