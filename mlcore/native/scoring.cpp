// Scores and ranks histories one by one: see mlcore/recommend/scoring_native.py.

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "export.hpp"

namespace {

// While the pairs of one item are added up, those of the item AHEAD places later are fetched: the
// first cache lines, the processor fetches the rest.
constexpr int64_t AHEAD = 4, LINES = 7, LINE_ENTRIES = 16;
// Totals are compared with the worst of the list so many at a time, so that SIMD applies.
constexpr int64_t SCAN_WIDTH = 32;
// Terms are computed so many at a time, so that none waits for a sum to be written.
constexpr int64_t TERMS = 8;
// The total of an item that no stored pair touches. Sums can start from it: -0.0 + x is x, and adding
// 0.0 to each term first keeps every term and sum from being -0.0.
constexpr double UNTOUCHED = -0.0;

// By its bits: a comparison of numbers becomes a branch, and half of them would be mispredicted.
bool is_touched(double total) {
    uint64_t bits;
    std::memcpy(&bits, &total, sizeof bits);
    return bits != uint64_t(1) << 63;
}

struct Matrix {
    const int64_t *starts;
    const uint32_t *columns;
    const float *values;
};

// Rows so full that all items are added, -0.0 for one without a pair.
struct WideRows {
    const int32_t *places;  // (I,) the row of each item, or -1; null if there are none
    const float *values;    // (W, I)
};

struct Scored {
    double score;
    uint32_t item;
};

// An object, not a function, which the heap would call through a pointer.
constexpr auto precedes = [](const Scored &one, const Scored &other) {
    return one.score > other.score || (one.score == other.score && one.item < other.item);
};

// The best so far: a heap whose root is the worst.
struct Best {
    Scored *heap;
    int64_t room;
    const bool *allowed;  // (I,), or null for all
    int64_t size = 0;
    double threshold = -std::numeric_limits<double>::infinity();  // nothing below it enters

    void offer(double score, uint32_t item) {
        if (score < threshold || !is_touched(score) || (allowed && !allowed[item])) return;
        const Scored scored = {score, item};
        if (size == room) {
            if (!precedes(scored, heap[0])) return;
            std::pop_heap(heap, heap + size--, precedes);
        }
        heap[size++] = scored;
        std::push_heap(heap, heap + size, precedes);
        if (size == room) threshold = heap[0].score;
    }
};

void fetch(const Matrix &pairs, uint32_t item) {
    const int64_t begin = pairs.starts[item];
    for (int64_t pair = begin; pair < begin + LINES * LINE_ENTRIES; pair += LINE_ENTRIES) {
        __builtin_prefetch(pairs.columns + pair);
        __builtin_prefetch(pairs.values + pair);
    }
}

struct Scorer {
    Matrix pairs;
    WideRows wide;
    uint32_t num_items;
    double *totals;     // (I,) UNTOUCHED between two histories
    uint32_t *touched;  // (I + 1,)

    void add(uint32_t item, double weight) {
        // A weight that is not above 0 would make another 0 of -0.0.
        if (wide.places && wide.places[item] >= 0 && weight > 0)
            return add_wide(wide.values + int64_t(wide.places[item]) * num_items, weight);
        double *const sums = totals;
        int64_t pair = pairs.starts[item];
        const int64_t end = pairs.starts[item + 1];
        for (; pair + TERMS <= end; pair += TERMS) {
            double terms[TERMS];
            for (int64_t k = 0; k < TERMS; ++k) terms[k] = weight * double(pairs.values[pair + k]) + 0.0;
            for (int64_t k = 0; k < TERMS; ++k) sums[pairs.columns[pair + k]] += terms[k];
        }
        for (; pair < end; ++pair) sums[pairs.columns[pair]] += weight * double(pairs.values[pair]) + 0.0;
    }

    void add_wide(const float *__restrict values, double weight) {
        double *__restrict const sums = totals;
        for (int64_t item = 0; item < num_items; ++item) sums[item] += weight * double(values[item]);
    }

    // Adds the pairs of an item, and notes which items are touched first; returns how many are.
    int64_t add_noting(uint32_t item, double weight, int64_t count) {
        double *const sums = totals;
        uint32_t *const noted = touched;
        for (int64_t pair = pairs.starts[item], end = pairs.starts[item + 1]; pair < end; ++pair) {
            const uint32_t column = pairs.columns[pair];
            const double sum = sums[column];
            noted[count] = column;
            count += !is_touched(sum);
            sums[column] = sum + (weight * double(pairs.values[pair]) + 0.0);
        }
        return count;
    }

    // Takes the items that were noted, if they are wanted, and clears them.
    void take_noted(Best &best, int64_t count, bool is_wanted) {
        for (int64_t place = 0; place < count; ++place) {
            const double total = totals[touched[place]];
            totals[touched[place]] = UNTOUCHED;
            if (is_wanted) best.offer(total, touched[place]);
        }
    }

    // Takes all items and clears them.
    void take_all(Best &best) {
        for (int64_t begin = 0; begin < num_items; begin += SCAN_WIDTH) {
            const int64_t end = std::min<int64_t>(begin + SCAN_WIDTH, num_items);
            uint64_t is_any_better = 0;  // as wide as a total, else the comparisons are one by one
            for (int64_t item = begin; item < end; ++item)
                is_any_better |= totals[item] > best.threshold;  // items ascend: a later tie loses
            for (int64_t item = begin; is_any_better && item < end; ++item) best.offer(totals[item], item);
            std::fill(totals + begin, totals + end, UNTOUCHED);
        }
    }
};

}  // namespace

// All pairs of the histories' items, and the histories, are checked before.
EXPORT void mlcore_rank_rows(const int64_t *pair_starts, const uint32_t *columns, const float *values,
                             const int32_t *wide_places, const float *wide_values, int64_t num_items,
                             const int64_t *row_starts, const uint32_t *history, const float *weights,
                             int64_t num_rows, int64_t n, const bool *allowed, int64_t include_seen,
                             const int64_t *limit_starts, const uint32_t *limited, int64_t are_included,
                             double *totals, uint32_t *touched, void *heap, int64_t *indptr, uint32_t *items,
                             double *scores) {
    Scorer scorer = {
        {pair_starts, columns, values}, {wide_places, wide_values}, uint32_t(num_items), totals, touched};
    for (int64_t row = 0; row < num_rows; ++row) {
        const int64_t begin = row_starts[row], end = row_starts[row + 1];
        int64_t num_pairs = 0, count = 0;
        for (int64_t entry = begin; entry < end; ++entry) {
            num_pairs += pair_starts[history[entry] + 1] - pair_starts[history[entry]];
        }
        // Time goes by the pairs, not by the catalogue, unless there are more of them.
        const bool is_noting = num_pairs < num_items || are_included;
        for (int64_t entry = begin; entry < end; ++entry) {
            if (entry + AHEAD < row_starts[num_rows]) fetch(scorer.pairs, history[entry + AHEAD]);
            if (is_noting)
                count = scorer.add_noting(history[entry], weights[entry], count);
            else
                scorer.add(history[entry], weights[entry]);
        }
        if (!include_seen)
            for (int64_t entry = begin; entry < end; ++entry) totals[history[entry]] = UNTOUCHED;
        Best best = {static_cast<Scored *>(heap), n, allowed};
        for (int64_t limit = limit_starts[row]; limit < limit_starts[row + 1]; ++limit) {
            if (are_included)
                best.offer(totals[limited[limit]], limited[limit]);
            else
                totals[limited[limit]] = UNTOUCHED;
        }
        if (is_noting)
            scorer.take_noted(best, count, !are_included);
        else
            scorer.take_all(best);
        std::sort_heap(best.heap, best.heap + best.size, precedes);
        indptr[row + 1] = indptr[row] + best.size;
        for (int64_t rank = 0; rank < best.size; ++rank) {
            items[indptr[row] + rank] = best.heap[rank].item;
            scores[indptr[row] + rank] = best.heap[rank].score;
        }
    }
}
