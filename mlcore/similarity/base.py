"""The interface of a similarity: Gram blocks and settings in, a matrix of neighbors out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from mlcore.memory.plan import Allocation
from mlcore.parameters import check_parameters
from mlcore.progress import Progress
from mlcore.similarity.gram import GramBlocks
from mlcore.types import CsrMatrix

__all__ = ["NeighborSettings", "Neighborhood", "Similarity"]

Neighborhood: TypeAlias = Literal["target", "source"]


@dataclass(frozen=True)
class NeighborSettings:
    """Which pairs a similarity keeps.

    Attributes:
        num_neighbors: K, how many pairs each item keeps, the best; None keeps all.
        neighborhood: ``target`` keeps the best sources of each target item, ``source`` the best
            targets of each source item.
        shrinkage: added to the denominator, so that pairs with little evidence count less.
        min_cooccurrence: drop pairs with fewer common users.
    """

    num_neighbors: int | None = None
    neighborhood: Neighborhood = "target"
    shrinkage: float = 0.0
    min_cooccurrence: int = 1


@dataclass(frozen=True)
class Similarity(ABC):
    """w(i, j): the weight of source item i for target item j.

    A subclass is a frozen dataclass whose fields are the parameters of the formula.

    Attributes:
        binary: whether c and n are counted on the binary X, so that weights act in the history only.
        uses_shrinkage: whether the formula has a ``shrinkage``; else it must be 0.
        uses_min_cooccurrence: whether ``min_cooccurrence`` drops pairs; else it must be 1.
        uses_order: whether it reads the events of each user in order, ``gram.events``; the model
            then keeps the order of each user's items.
    """

    name: ClassVar[str]
    binary: ClassVar[bool] = False
    uses_shrinkage: ClassVar[bool] = True
    uses_min_cooccurrence: ClassVar[bool] = True
    uses_order: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_parameters(self)

    @property
    def has_rows(self) -> bool:
        """Whether rows of w can be found one without the other, as ``rows`` does."""
        return False

    @property
    def works_on_disk(self) -> bool:
        """Whether what grows with entries and pairs may be mapped, as ``memory.arrays`` does."""
        return False

    def allocations(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int
    ) -> Sequence[Allocation]:
        """Return what ``neighbors`` takes at most, besides the weights; nothing by default.

        Asked before any work: ``gram`` has the entries of X, and 1 for each or another number.
        """
        return ()

    def allocations_on_disk(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int
    ) -> Sequence[Allocation]:
        """Return the same where what grows with entries and pairs is mapped: see ``works_on_disk``."""
        return ()

    @abstractmethod
    def neighbors(
        self, gram: GramBlocks, settings: NeighborSettings, threads: int, progress: Progress
    ) -> CsrMatrix:
        """Return the kept w(i, j) with source items as rows.

        Args:
            gram: of the (U, I) float32 weights above 0; with ``events``, if ``uses_order``.

        Returns:
            (I, I) float32, no diagonal, no zeros, columns ascending within each row; the same bits
            for any number of threads.

        Raises:
            DataError: a value does not fit float32.
        """
