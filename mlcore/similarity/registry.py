"""The similarities by name. To add one, write a class in a module beside this and list it here."""

from __future__ import annotations

from mlcore.similarity.association import (
    Lift,
    LogLikelihoodRatio,
    NormalizedPointwiseMutualInformation,
    PointwiseMutualInformation,
)
from mlcore.similarity.base import Similarity
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
from mlcore.similarity.sequential import SequentialRules
from mlcore.similarity.slim import Slim

__all__ = ["SIMILARITIES"]

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
