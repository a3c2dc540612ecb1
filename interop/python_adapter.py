"""mlcore behind the adapter protocol of CONFORMANCE.md: ``python -m interop.python_adapter``.

Only mlcore's public reader is used: what holds here holds for every program that uses it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from interop.tools.request_form import id_of, is_request
from mlcore import ArtifactError, ConfigError, DataError, Model, Recommendation, Recommender
from mlcore.artifact import verify_model
from mlcore.artifact.history_rule import normalization_arrays
from mlcore.artifact.manifest import MAX_DEPTH
from mlcore.files.predictions import format_prediction
from mlcore.ids import IdMap
from mlcore.jsontext import JsonTextError, format_line, format_number, format_string, parse_json
from mlcore.numeric.threads import map_in_order, resolve_threads
from mlcore.types import CsrMatrix
from mlcore.weighting import Normalization

__all__ = ["answer", "dump", "filter_of", "format_value", "main", "open_model"]

COMMANDS = ("dump", "predict", "format", "lists", "corpus", "measure")
BLOCK_LINES = 64  # answered in one go; changes speed and memory only

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
    if model.decayed_popularity is not None:
        arrays["popularity.npz/decayed"] = model.decayed_popularity
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


def answer(recommender: Recommender, request: Any) -> Object:
    """Return the response to a JSON value that should be a request."""
    found = _ask(recommender, request)
    if isinstance(found, dict):
        return found
    items = [
        {**_shown(recommender, item.item_id, item.score), "filled": item.source == "popularity"}
        for item in found
    ]
    if request.get("explain"):
        for shown, item in zip(items, found):
            shown["because"] = [_shown(recommender, *share) for share in item.because]
    return {"id": request["id"], "items": items}


def list_line(recommender: Recommender, request: Any) -> str:
    """Return the list as a line of predictions, or the line that refuses the request."""
    found = _ask(recommender, request)
    if isinstance(found, dict):
        return format_line(found) + "\n"
    because = None
    if request.get("explain"):
        because = [
            [(format_string(share.item_id), share.share) for share in item.because]
            for item in found
        ]
    return format_prediction(
        format_string(request.get("user", request["id"])),
        [(format_string(it.item_id), it.score, it.source == "popularity") for it in found],
        because,
    )


def parse_line(line: str | bytes) -> Any:
    """Return the JSON value of a line, or None, which is no request, for what is not I-JSON."""
    try:
        return parse_json(line if isinstance(line, str) else line.decode(), MAX_DEPTH)
    except (JsonTextError, UnicodeDecodeError):
        return None


def _ask(recommender: Recommender, request: Any) -> list[Recommendation] | Object:
    """Return the list of a request, or the line that refuses it."""
    verdict = "request"
    if is_request(request):
        try:
            return _recommend(recommender, request)
        except (ArtifactError, ConfigError, DataError) as error:
            verdict = getattr(error, "verdict", verdict)
    return {"id": id_of(request), "error": verdict}


def _shown(recommender: Recommender, item_id: str, value: float) -> Object:
    position = recommender.model.items.position(item_id)
    return {"item_id": item_id, "index": position, "bits": struct.pack(">d", value).hex()}


def _recommend(recommender: Recommender, request: Mapping[str, Any]) -> list[Recommendation]:
    n = request["n"]
    options: Object = {
        "include": request.get("include"),
        "exclude": request.get("exclude", ()),
        "include_seen": request.get("include_seen", False),
        "fill": "popularity" if request.get("fill") else None,
        "explain": request.get("explain", False),
        "filter": filter_of(request),
    }
    if "item" in request:
        return recommender.similar_items(request["item"], n, **options)
    if "user" in request:
        return recommender.predict(request["user"], n, **options)
    events = [(item, weight, *map(_moment, time)) for item, weight, *time in request["history"]]
    now = _moment(request["now"]) if "now" in request else None
    weights = request.get("weights", "events")
    return recommender.predict_history(events, n, weights=weights, now=now, **options)


def filter_of(request: Mapping[str, Any]) -> Object | None:
    """Return the filter of a request, with a moment as Python has it."""
    wanted: Object | None = request.get("filter")
    if wanted is not None and "available_at" in wanted:
        return {**wanted, "available_at": _moment(wanted["available_at"])}
    return wanted


def _moment(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(microseconds=microseconds)


def format_value(line: Mapping[str, Any]) -> str:
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


def answer_corpus(line: str | bytes) -> Object:
    """Return what a model is, and the answers of it opened without verifying."""
    entry = json.loads(line)
    directory = Path(entry["model"])
    model, answers = open_model(directory), []
    if isinstance(model, Model):
        recommender = Recommender(model)
        answers = [answer(recommender, parse_line(text)) for text in entry["requests"]]
    return {"dump": dump(directory), "answers": answers}


def measure(directory: Path, lines: Iterable[bytes], seconds: float, threads: int) -> Object:
    """Return how long a model takes to open and to answer, and how many lists a while gives.

    Raises:
        ArtifactError: the model is refused.
    """
    requests = [parse_line(line) for line in lines]
    begin = perf_counter()
    recommender = Recommender.load(directory)
    opened = perf_counter()
    list_line(recommender, requests[0])
    answered = perf_counter()

    def work(place: int, until: float) -> tuple[int, int]:
        count = size = 0
        for request in cycle(requests[place:] + requests[:place]):
            size += len(list_line(recommender, request).encode())
            count += 1
            if perf_counter() >= until:
                break
        return count, size

    def go_on(seconds: float) -> tuple[int, int, float]:
        begin = perf_counter()
        places = [len(requests) * thread // threads for thread in range(threads)]
        done = list(map_in_order(lambda place: work(place, begin + seconds), places, threads))
        counts, sizes = zip(*done)
        return sum(counts), sum(sizes), perf_counter() - begin

    go_on(seconds / 2)  # a warm-up
    count, size, taken = go_on(seconds)
    first = answered - begin
    return {"open": opened - begin, "first": first, "lists": count, "seconds": taken, "bytes": size}


def _say(value: Object) -> None:
    print(json.dumps(value), flush=True)


def _blocks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    lines = iter(lines)
    while block := list(islice(lines, BLOCK_LINES)):
        yield block


def _print_lists(recommender: Recommender, lines: Iterable[bytes], threads: int | None) -> None:
    def answer_block(block: list[bytes]) -> str:
        return "".join(list_line(recommender, parse_line(line)) for line in block)

    for text in map_in_order(answer_block, _blocks(lines), resolve_threads(threads)):
        sys.stdout.buffer.write(text.encode())


def build_parser() -> argparse.ArgumentParser:
    """Return the commands of the protocol."""
    parser = argparse.ArgumentParser(prog="python -m interop.python_adapter", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    of = {name: commands.add_parser(name) for name in COMMANDS}
    for name in ("dump", "predict", "lists", "measure"):
        of[name].add_argument("directory", type=Path)
    of["lists"].add_argument("--threads", type=int, metavar="N", help="all cores if not given")
    of["measure"].add_argument("--threads", type=int, default=1, metavar="N")
    of["measure"].add_argument("--seconds", type=float, default=3.0, metavar="S")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of the protocol."""
    arguments = build_parser().parse_args(argv)
    if arguments.command == "dump":
        found = dump(arguments.directory)
        _say(found)
        return 1 if "error" in found else 0
    lines = (line for line in sys.stdin.buffer if line.strip())
    if arguments.command == "format":
        for line in lines:
            _say({"text": format_value(json.loads(line))})
        return 0
    if arguments.command == "corpus":
        for line in lines:
            _say(answer_corpus(line))
        return 0
    model = open_model(arguments.directory)
    if not isinstance(model, Model):
        _say(model)
        return 1
    if arguments.command == "measure":
        _say(measure(arguments.directory, lines, arguments.seconds, arguments.threads))
    elif arguments.command == "lists":
        _print_lists(Recommender(model), lines, arguments.threads)
    else:
        recommender = Recommender(model)
        for line in lines:
            _say(answer(recommender, parse_line(line)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
