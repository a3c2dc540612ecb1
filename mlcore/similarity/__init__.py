"""Item similarities: the measures, and the kernel that finds the best K neighbors of each item.

To add a measure, write one class and list it in ``registry``.
"""

from mlcore.similarity.association import (
    Lift,
    LogLikelihoodRatio,
    NormalizedPointwiseMutualInformation,
    PointwiseMutualInformation,
)
from mlcore.similarity.base import Neighborhood, NeighborSettings, Similarity
from mlcore.similarity.correlation import AdjustedCosine, Pearson
from mlcore.similarity.ease import Ease
from mlcore.similarity.gram import CacheBudget, GramBlocks
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
from mlcore.similarity.registry import SIMILARITIES
from mlcore.similarity.sequential import SequentialRules
from mlcore.similarity.slim import Slim

__all__ = [
    "AdjustedCosine",
    "AsymmetricCosine",
    "ConditionalProbability",
    "Cosine",
    "GramBlocks",
    "Dice",
    "Dot",
    "Ease",
    "Jaccard",
    "CacheBudget",
    "Lift",
    "LogLikelihoodRatio",
    "NeighborSettings",
    "Neighborhood",
    "NormalizedPointwiseMutualInformation",
    "P3Alpha",
    "Pearson",
    "PointwiseMutualInformation",
    "RP3Beta",
    "SIMILARITIES",
    "SequentialRules",
    "Similarity",
    "Slim",
    "Tversky",
]
