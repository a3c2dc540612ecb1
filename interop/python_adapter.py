"""mlcore behind the adapter protocol of CONFORMANCE.md: ``python -m interop.python_adapter``.

Only mlcore's public reader is used: what holds here holds for every program that uses it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mlcore import ArtifactError, ConfigError, DataError, Model, Recommendation, Recommender
from mlcore.artifact import verify_model
from mlcore.artifact.history_rule import normalization_arrays
from mlcore.files.predictions import format_prediction
from mlcore.ids import IdMap
from mlcore.jsontext import format_number, format_string
from mlcore.types import CsrMatrix
from mlcore.weighting import Normalization

__all__ = ["answer", "dump", "filter_of", "format_line", "main", "open_model"]

Object = dict[str, Any]


def open_model(directory: Path) -> Model | Object:
    """Return a model, or the line that says why it is refused on open."""
    try:
        return Model.load(directory)
    except ArtifactError as error:
        return {"error": error.verdict, "stage": "open"}


def dump(directory: Path) -> Object:
    """Return what a model directory holds, or why it is refused."""
    model = open_model(directory)
    if not isinstance(model, Model):
        return model
    try:
        verify_model(directory)
    except ArtifactError as error:
        return {"error": error.verdict, "stage": "verify"}
    arrays = {f"similarity.npz/{name}": array for name, array in _arrays_of(model.similarity)}
    arrays["popularity.npz/counts"] = model.popularity
    for name, of_rule in normalization_arrays(model.normalization or Normalization()).items():
        arrays |= {f"{name}/{array}": values for array, values in of_rule.items()}
    ids = {"items.csv": model.items}
    if model.attributes is not None:
        arrays["attributes.npz/codes"] = model.attributes.codes
        ids |= {
            "attribute_columns.csv": model.attributes.columns,
            "attribute_values.csv": model.attributes.values,
        }
        for name, times in zip(("from", "until"), model.attributes.availability or ()):
            arrays[f"availability.npz/{name}"] = times
    if model.users is not None and model.histories is not None:
        arrays |= {f"histories.npz/{name}": array for name, array in _arrays_of(model.histories)}
        ids["users.csv"] = model.users
        if model.order is not None:
            arrays["order.npz/positions"] = model.order
    return {
        "users": str(model.num_users),
        "items": str(len(model.items)),
        "interactions": str(model.num_interactions),
        "pairs": str(model.similarity.num_entries),
        "with_users": model.users is not None,
        "arrays": {name: _digest(array) for name, array in arrays.items()},
        "ids": {name: _digest_ids(id_map) for name, id_map in ids.items()},
    }


def _arrays_of(matrix: CsrMatrix) -> list[tuple[str, npt.NDArray[Any]]]:
    return [("indptr", matrix.indptr), ("indices", matrix.indices), ("data", matrix.data)]


def _digest(array: npt.NDArray[Any]) -> str:
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return hashlib.sha256(little.tobytes()).hexdigest()


def _digest_ids(id_map: IdMap) -> str:
    encoded = [id_.encode() for id_ in id_map.ids]
    parts = [struct.pack("<I", len(id_)) + id_ for id_ in encoded]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def answer(recommender: Recommender, request: Mapping[str, Any]) -> Object:
    """Return the response to a request."""
    try:
        found = _recommend(recommender, request)
    except (ArtifactError, ConfigError, DataError) as error:
        return {"id": request["id"], "error": getattr(error, "verdict", "request")}
    items = [
        {**_shown(recommender, item.item_id, item.score), "filled": item.source == "popularity"}
        for item in found
    ]
    if request.get("explain"):
        for shown, item in zip(items, found):
            shown["because"] = [_shown(recommender, *share) for share in item.because]
    return {"id": request["id"], "items": items}


def _shown(recommender: Recommender, item_id: str, value: float) -> Object:
    position = recommender.model.items.position(item_id)
    return {"item_id": item_id, "index": position, "bits": struct.pack(">d", value).hex()}


def _recommend(recommender: Recommender, request: Mapping[str, Any]) -> list[Recommendation]:
    n, wanted = request["n"], filter_of(request)
    if "item" in request:
        return recommender.similar_items(request["item"], n, filter=wanted)
    options: Object = {
        "include": request.get("include"),
        "exclude": request.get("exclude", ()),
        "include_seen": request.get("include_seen", False),
        "fill": "popularity" if request.get("fill") else None,
        "explain": request.get("explain", False),
        "filter": wanted,
    }
    if "user" in request:
        return recommender.predict(request["user"], n, **options)
    events = [(item, weight, *map(_moment, time)) for item, weight, *time in request["history"]]
    now = _moment(request["now"]) if "now" in request else None
    weights = request.get("weights", "events")
    return recommender.predict_history(events, n, weights=weights, now=now, **options)


def filter_of(request: Mapping[str, Any]) -> Any:
    """Return the filter of a request, with a moment as Python has it."""
    wanted = request.get("filter")
    if isinstance(wanted, dict) and type(wanted.get("available_at")) is int:
        return {**wanted, "available_at": _moment(wanted["available_at"])}
    return wanted


def _moment(microseconds: int) -> datetime | int:
    try:
        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=microseconds)
    except OverflowError:
        return microseconds  # which are no seconds of a year that there is


def format_line(line: Mapping[str, Any]) -> str:
    """Return the text of a number, a string or a list."""
    if "bits" in line:
        return format_number(_number(line["bits"]))
    if "string" in line:
        return format_string(line["string"])
    items = [(*_pair(item), item["filled"]) for item in line["items"]]
    because = None
    if any("because" in item for item in line["items"]):
        because = [list(map(_pair, item["because"])) for item in line["items"]]
    return format_prediction(format_string(line["user_id"]), items, because)


def _pair(value: Mapping[str, Any]) -> tuple[str, float]:
    return format_string(value["item_id"]), _number(value["bits"])


def _number(bits: str) -> float:
    value: float = struct.unpack(">d", bytes.fromhex(bits))[0]
    return value


def _say(value: Object) -> None:
    print(json.dumps(value))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of the protocol."""
    parser = argparse.ArgumentParser(prog="python -m interop.python_adapter", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("dump", "predict"):
        commands.add_parser(name).add_argument("directory", type=Path)
    commands.add_parser("format")
    arguments = parser.parse_args(argv)
    if arguments.command == "dump":
        found = dump(arguments.directory)
        _say(found)
        return 1 if "error" in found else 0
    lines = map(json.loads, sys.stdin.buffer)
    if arguments.command == "format":
        for line in lines:
            _say({"text": format_line(line)})
        return 0
    model = open_model(arguments.directory)
    if not isinstance(model, Model):
        _say(model)
        return 1
    recommender = Recommender(model)
    for line in lines:
        _say(answer(recommender, line))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
