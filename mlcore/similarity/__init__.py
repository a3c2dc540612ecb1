"""Item similarities: the measures, and the kernel that finds the best K neighbors of each item.

Adding a measure is adding one class in ``measures`` and its name in the list at its end.
"""

from mlcore.similarity.base import Neighborhood, NeighborSettings, Similarity
from mlcore.similarity.measures import SIMILARITIES, Cosine, Dice, Dot, Jaccard

__all__ = [
    "SIMILARITIES",
    "Cosine",
    "Dice",
    "Dot",
    "Jaccard",
    "NeighborSettings",
    "Neighborhood",
    "Similarity",
]
