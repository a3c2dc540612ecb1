"""The similarities by name. To add one, write a class in a module beside this and list it here.

What ``rows`` describes is opened here, too, as it names a similarity.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mlcore.parameters import parameters_from_json
from mlcore.similarity.association import (
    Lift,
    LogLikelihoodRatio,
    NormalizedPointwiseMutualInformation,
    PointwiseMutualInformation,
)
from mlcore.similarity.base import Similarity
from mlcore.similarity.compiled.rows import CompiledRows
from mlcore.similarity.correlation import AdjustedCosine, Pearson
from mlcore.similarity.ease import Ease
from mlcore.similarity.graph import P3Alpha, RP3Beta
from mlcore.similarity.overlap import (
    AsymmetricCosine,
    ConditionalProbability,
    Cosine,
    Dice,
    Dot,
    Jaccard,
    Tversky,
)
from mlcore.similarity.pairs import PairRows
from mlcore.similarity.rows import Rows
from mlcore.similarity.sequential import Rules, SequentialRules
from mlcore.similarity.slim import Slim

__all__ = ["SIMILARITIES", "open_rows"]

SIMILARITIES: dict[str, type[Similarity]] = {
    similarity.name: similarity
    for similarity in (
        Dot,
        Cosine,
        AsymmetricCosine,
        Jaccard,
        Dice,
        Tversky,
        ConditionalProbability,
        Lift,
        PointwiseMutualInformation,
        NormalizedPointwiseMutualInformation,
        LogLikelihoodRatio,
        Pearson,
        AdjustedCosine,
        P3Alpha,
        RP3Beta,
        Ease,
        Slim,
        SequentialRules,
    )
}

_ROWS: dict[str, type[Rows]] = {kind.kind: kind for kind in (CompiledRows, PairRows, Rules)}


def open_rows(path: Path) -> Rows:
    """Return the rows that a file of ``save_rows`` describes, their arrays mapped."""
    document = json.loads(path.read_text("utf-8"))
    values = {name: _opened(path.parent, value) for name, value in document["values"].items()}
    similarity = dict(values.get("similarity", {}))
    name = similarity.pop("name", None)
    measure = name and parameters_from_json(SIMILARITIES[name], similarity, "similarity")
    return _ROWS[document["kind"]].of_description(values, measure)


def _opened(folder: Path, value: Any) -> Any:
    if not (isinstance(value, dict) and "file" in value):
        return value
    if not value["length"]:
        return np.empty(0, value["dtype"])
    return np.memmap(folder / value["file"], value["dtype"], "r", shape=(value["length"],))
