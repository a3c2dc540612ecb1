"""The kernel of ``pairs`` compiled by numba; the same bits. Needs the extra ``[local]``.

Items are relabelled by popularity, so that the counters in use lie together in the nearest cache,
and only one half of the symmetric X' X is formed: an item is compared with the more popular ones
alone, and each pair is offered to both. Two ways of counting, chosen by what they cost:

- head: the users of the most popular items as sets of bits; a pair is the number of common bits;
- tail: the items of each user of the row, as far as they are more popular, are counted one by one.
  The lists of the next users are fetched ahead: waiting for memory took more than half of the time.

Each thread has lists of the best of every item so far. A block of counters is looked at closer only
if one of its values could enter a list; a row begins with a limit, the Kth largest of the largest
values of its parts, so that few do. Values are computed by the formulas of ``overlap``, operation
by operation, and products are summed in float64 over ascending users: neither the kernel nor the
number of threads changes a bit.
"""

from mlcore.similarity.compiled.kernel import best_compiled

__all__ = ["best_compiled"]
