"""Section 7: arrays whose values must be refused."""

from __future__ import annotations

import math
import struct

from interop.tools.draft import Draft, f32, make_model
from interop.tools.registry import GOOD, invalid

SIMILARITY, HISTORIES = "similarity.npz", "histories.npz"
# indptr 0 2 3 5, indices 1 2 | 0 | 0 1 in similarity; 0 2 4, 0 1 | 1 2 in histories.


# --- [CSR-1]: row offsets ------------------------------------------------------------------------


@invalid("CSR-1", "csr")
def csr_begins_with_1(draft: Draft) -> None:
    """The row offsets begin with 1."""
    draft.values(SIMILARITY, "indptr")[0] = 1


@invalid("CSR-1 STG-2", "csr")
def csr_begins_below_0(draft: Draft) -> None:
    """The row offsets begin with -1."""
    draft.values(SIMILARITY, "indptr")[0] = -1


@invalid("CSR-1", "csr")
def csr_decreases(draft: Draft) -> None:
    """The row offsets decrease once."""
    draft.values(SIMILARITY, "indptr")[1:3] = [3, 2]


@invalid("CSR-1 STG-2", "csr")
def csr_goes_below_0(draft: Draft) -> None:
    """A row offset in the middle is below 0."""
    draft.values(SIMILARITY, "indptr")[1] = -2


@invalid("CSR-1 STG-2", "csr")
def csr_goes_past_the_end(draft: Draft) -> None:
    """A row offset in the middle lies beyond the number of pairs."""
    draft.values(SIMILARITY, "indptr")[2] = 6


@invalid("CSR-1 STG-2", "csr")
def csr_goes_past_2_to_the_62(draft: Draft) -> None:
    """A row offset in the middle is so large that its place in bytes overflows."""
    draft.values(SIMILARITY, "indptr")[2] = 2**62 + 3


@invalid("CSR-1", "csr")
def csr_ends_early(draft: Draft) -> None:
    """The last row offset is one below the number of pairs."""
    draft.values(SIMILARITY, "indptr")[-1] = 4


@invalid("CSR-1 STG-2", "csr")
def csr_ends_late(draft: Draft) -> None:
    """The last row offset is one above the number of pairs."""
    draft.values(SIMILARITY, "indptr")[-1] = 6


@invalid("CSR-1", "csr")
def csr_ends_right_in_32_bits(draft: Draft) -> None:
    """The last row offset is 2^32 too large, which 32 bits do not show."""
    draft.values(SIMILARITY, "indptr")[-1] += 2**32


@invalid("CSR-1", "csr")
def csr_ends_at_2_to_the_53_more(draft: Draft) -> None:
    """The last row offset is 2^53 too large."""
    draft.values(SIMILARITY, "indptr")[-1] += 2**53


@invalid("CSR-1", "csr", model=GOOD)
def csr_of_histories_decreases(draft: Draft) -> None:
    """The row offsets of the histories decrease."""
    draft.values(HISTORIES, "indptr")[1] = 5


@invalid("CSR-1", "csr", model=make_model([], {}, {}))
def csr_of_no_rows_ends_late(draft: Draft) -> None:
    """A model without items, whose one row offset is not 0."""
    draft.values(SIMILARITY, "indptr")[0] = 1


# --- [CSR-2] to [CSR-6] --------------------------------------------------------------------------


@invalid("CSR-2", "csr", "verify")
def csr_index_below_0(draft: Draft) -> None:
    """An item position is -1, which some languages take for the last item."""
    draft.values(SIMILARITY, "indices")[0] = -1


@invalid("CSR-2", "csr", "verify")
def csr_index_of_one_item_more(draft: Draft) -> None:
    """An item position equals the number of items."""
    draft.values(SIMILARITY, "indices")[1] = 3


@invalid("CSR-2", "csr", "verify")
def csr_index_largest(draft: Draft) -> None:
    """An item position is 2^31 - 1."""
    draft.values(SIMILARITY, "indices")[-1] = 2**31 - 1


@invalid("CSR-2", "csr", "verify", model=GOOD)
def csr_of_histories_index_of_one_item_more(draft: Draft) -> None:
    """An item position of the histories equals the number of items."""
    draft.values(HISTORIES, "indices")[-1] = 3


@invalid("CSR-2", "csr", "verify", model=GOOD)
def csr_of_histories_index_below_0(draft: Draft) -> None:
    """An item position of the histories is -1."""
    draft.values(HISTORIES, "indices")[0] = -1


@invalid("CSR-3", "csr", "verify")
def csr_row_descends(draft: Draft) -> None:
    """The positions of a row are in descending order."""
    draft.values(SIMILARITY, "indices")[:2] = [2, 1]


@invalid("CSR-3", "csr", "verify")
def csr_last_row_descends(draft: Draft) -> None:
    """The positions of the last row are in descending order."""
    draft.values(SIMILARITY, "indices")[-2:] = [1, 0]


@invalid("CSR-3", "csr", "verify")
def csr_index_twice(draft: Draft) -> None:
    """A row holds a position twice."""
    draft.values(SIMILARITY, "indices")[:2] = [1, 1]


@invalid("CSR-3", "csr", "verify", model=GOOD)
def csr_of_histories_row_descends(draft: Draft) -> None:
    """The positions of a history are in descending order."""
    draft.values(HISTORIES, "indices")[:2] = [1, 0]


@invalid("CSR-4", "csr", "verify")
def csr_nan(draft: Draft) -> None:
    """A similarity is not a number."""
    draft.values(SIMILARITY, "data")[2] = math.nan


@invalid("CSR-4", "csr", "verify")
def csr_infinity(draft: Draft) -> None:
    """A similarity is infinite."""
    draft.values(SIMILARITY, "data")[2] = math.inf


@invalid("CSR-4", "csr", "verify")
def csr_minus_infinity(draft: Draft) -> None:
    """A similarity is minus infinity."""
    draft.values(SIMILARITY, "data")[2] = -math.inf


@invalid("CSR-4", "csr", "verify")
def csr_zero(draft: Draft) -> None:
    """A similarity is 0."""
    draft.values(SIMILARITY, "data")[2] = 0.0


@invalid("CSR-4", "csr", "verify")
def csr_minus_zero(draft: Draft) -> None:
    """A similarity is -0."""
    draft.values(SIMILARITY, "data")[2] = -0.0


@invalid("CSR-4", "csr", "verify")
def csr_signalling_nan(draft: Draft) -> None:
    """A similarity is a NaN with other bits than most."""
    member = draft.member("data")
    member.data = member.data[:-4] + struct.pack("<I", 0xFF800001)


@invalid("CSR-4", "csr", "verify", model=GOOD)
def csr_of_histories_nan(draft: Draft) -> None:
    """A weight is not a number."""
    draft.values(HISTORIES, "data")[0] = math.nan


@invalid("CSR-4", "csr", "verify", model=GOOD)
def csr_of_histories_infinity(draft: Draft) -> None:
    """A weight is infinite."""
    draft.values(HISTORIES, "data")[0] = math.inf


@invalid("CSR-4 CSR-6", "csr", "verify", model=GOOD)
def csr_of_histories_zero(draft: Draft) -> None:
    """A weight is 0."""
    draft.values(HISTORIES, "data")[0] = 0.0


@invalid("CSR-5", "csr", "verify")
def csr_own_item(draft: Draft) -> None:
    """A row of the similarity holds its own item."""
    draft.values(SIMILARITY, "indices")[2] = 1


@invalid("CSR-5", "csr", "verify")
def csr_own_item_last(draft: Draft) -> None:
    """The last row of the similarity holds its own item, which is the last."""
    draft.values(SIMILARITY, "indices")[-1] = 2


@invalid("CSR-6", "csr", "verify", model=GOOD)
def csr_of_histories_negative(draft: Draft) -> None:
    """A weight is below 0."""
    draft.values(HISTORIES, "data")[-1] = -1.0


@invalid("CSR-6", "csr", "verify", model=GOOD)
def csr_of_histories_negative_subnormal(draft: Draft) -> None:
    """A weight is the largest f32 below 0."""
    draft.values(HISTORIES, "data")[-1] = f32(-(2.0**-149))


# --- [POP-1], [POP-2] ----------------------------------------------------------------------------


@invalid("POP-1", "csr", "verify")
def popularity_below_0(draft: Draft) -> None:
    """An item has -1 users; the sum is right."""
    draft.values("popularity.npz", "counts")[:] = [-1, 2, 3]
    draft.manifest["counts"]["users"] = 3


@invalid("POP-1", "csr", "verify")
def popularity_over_the_users(draft: Draft) -> None:
    """An item has more users than there are; the sum is right."""
    draft.values("popularity.npz", "counts")[:] = [0, 3, 1]


@invalid("POP-1", "csr", "verify")
def popularity_sum_too_small(draft: Draft) -> None:
    """The counts sum to one less than the interactions."""
    draft.values("popularity.npz", "counts")[1] = 1


@invalid("POP-1", "csr", "verify")
def popularity_sum_of_other_interactions(draft: Draft) -> None:
    """The manifest has one interaction more than the counts."""
    draft.manifest["counts"]["interactions"] += 1


@invalid("POP-1 STG-1", "csr", "verify")
def popularity_sum_that_wraps(draft: Draft) -> None:
    """The counts sum to 2^64 more than the interactions."""
    draft.values("popularity.npz", "counts")[:] = [2**63 - 1, 2**63 - 1, 6]


@invalid("POP-2", "csr", "verify", model=GOOD)
def popularity_of_other_items(draft: Draft) -> None:
    """The counts are those of the histories, of other items; their sum is right."""
    draft.values("popularity.npz", "counts")[:] = [2, 1, 1]


@invalid("POP-2", "csr", "verify", model=GOOD)
def popularity_by_weight(draft: Draft) -> None:
    """The counts are as large as the weights would have them; bounds and sum are right."""
    draft.values("popularity.npz", "counts")[:] = [0, 2, 2]
