// The best K neighbors of each item: counts common users, or sums products, pair by pair.
//
// mlcore/similarity/compiled/ says how the work is planned. Three ways of counting:
//
// - tiles: some popular items as a dense row for each user, of bits or of weights. An item's counts with
//   all of them are the sum of the rows of its users, added in vectors.
// - half rows: a listed item is compared with the more popular ones only, from the lists of its users, and
//   each pair goes to both lists.
// - whole rows: an item that has no list is compared with all others, and is done when its row is: a pair
//   of two such items is counted twice, but no list far away is written.
//
// Counts are looked at in groups of 8 blocks of 64, then block by block. From the limit of a list and the
// least term of the items follows the least count that could enter the list; only what reaches it is
// computed. Where few items are touched, all their values are, and a histogram gives the limit. By the
// formulas of overlap.py, operation by operation. Sums are in double, over ascending users: nothing here
// changes a bit.

#include "neighbors.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "export.hpp"

#ifdef __AVX2__
#include <immintrin.h>
#endif

namespace {

constexpr int64_t BLOCK = 64;    // items looked at together
constexpr int64_t TILE = 256;    // items of a tile of bits
constexpr int64_t COLUMNS = 16;  // items of a tile of weights
constexpr int64_t RANGE = 4096;  // users whose rows of such a tile are there at once
constexpr int64_t AHEAD = 4;     // users whose lists are fetched ahead; changes speed only
constexpr int64_t LINES = 16;    // cache lines of a list fetched ahead; changes speed only
constexpr int64_t GROUP = 8;     // blocks looked at together, before each of them
constexpr int64_t RARE = 256;    // users below which the best pairs of an item are with the rarest ones
constexpr int64_t SPARSE = 2;    // lines of counters for each count above which touched items are listed

typedef uint64_t Bits __attribute__((vector_size(32), aligned(8)));  // of 256 items
typedef uint16_t Words __attribute__((vector_size(32)));             // of 16 items

// --- lists ---------------------------------------------------------------------------------------

// Bring the best k to the front, the worst of them last (quickselect, Hoare 1961).
void keep_best(double *values, uint32_t *items, int64_t size, int64_t k) {
    int64_t first = 0, last = size - 1;
    while (first < last) {
        const int64_t middle = (first + last) >> 1;
        const double pivot = values[middle];
        const uint32_t pivot_item = items[middle];
        values[middle] = values[last], items[middle] = items[last];
        int64_t place = first;
        for (int64_t entry = first; entry < last; ++entry) {
            // Always exchanged: no processor predicts such a branch.
            const double value = values[entry];
            const uint32_t item = items[entry];
            values[entry] = values[place], items[entry] = items[place];
            values[place] = value, items[place] = item;
            place += (value > pivot) | ((value == pivot) & (item < pivot_item));
        }
        values[last] = values[place], items[last] = items[place];
        values[place] = pivot, items[place] = pivot_item;
        if (place == k - 1) return;
        if (place < k)
            first = place + 1;
        else
            last = place - 1;
    }
}

double load(const double &limit) {
    double value;
    __atomic_load(const_cast<double *>(&limit), &value, __ATOMIC_RELAXED);
    return value;
}

void store(double &limit, double value) { __atomic_store(&limit, &value, __ATOMIC_RELAXED); }

// The candidates of a row, which one thread has for itself.
struct OwnList {
    double *values;
    uint32_t *items;
    int64_t num_neighbors;
    double lowest;                                         // what is below is not among the best
    uint32_t last = std::numeric_limits<uint32_t>::max();  // of those at the limit, the last kept
    bool is_limited = false;                               // by K of its own
    int64_t size = 0;

    // Written in any case: no processor predicts whether a value is kept.
    void offer(double value, uint32_t other) {
        values[size] = value, items[size] = other;
        size += (value > lowest) | ((value == lowest) & (other <= last));
    }

    // Call it after each block: the list has room for one more.
    void settle() {
        if (size >= 2 * num_neighbors)
            truncate();
        else if (!is_limited && size >= num_neighbors)
            limit_by_worst();
    }

    // The first K set a limit, too, and it is cheaper to find the worst of them than the best K of more.
    void limit_by_worst() {
        is_limited = true;
        lowest = *std::min_element(values, values + size), last = 0;
        for (int64_t place = 0; place < size; ++place)
            if (values[place] == lowest) last = std::max(last, items[place]);
    }

    void truncate() {
        if (size <= num_neighbors) return;
        keep_best(values, items, size, num_neighbors);
        size = num_neighbors;
        lowest = values[size - 1], last = items[size - 1], is_limited = true;
    }
};

// A list that all threads write to.
struct SharedList {
    const Problem &problem;
    int64_t item;

    double limit() const { return load(problem.limits[item]); }

    void offer(double value, uint32_t other) {
        if (value >= limit()) push(&value, &other, 1, 0);
    }

    // Push those of a row's candidates that are needed, and its limit, which K of them reach.
    void push(const OwnList &own) {
        if (own.size > 0) push(own.values, own.items, own.size, own.lowest);
    }

    void push(const double *some_values, const uint32_t *some_items, int64_t number, double lowest) {
        const int64_t begin = problem.list_begins[item];
        const int64_t capacity = problem.list_begins[item + 1] - begin;
        double *values = problem.list_values + begin;
        uint32_t *items = problem.list_items + begin;
        while (__atomic_test_and_set(&problem.locks[item], __ATOMIC_ACQUIRE)) {
        }
        int64_t &size = problem.list_sizes[item];
        for (int64_t place = 0; place < number; ++place) {
            if (some_values[place] < limit()) continue;
            values[size] = some_values[place], items[size] = some_items[place];
            // A list whose capacity is K or less holds all pairs that its item has.
            if (++size == capacity && size > problem.num_neighbors) {
                size = problem.num_neighbors;
                keep_best(values, items, capacity, size);
                raise_limit(values[size - 1]);
            }
        }
        if (lowest > limit()) raise_limit(lowest);
        __atomic_clear(&problem.locks[item], __ATOMIC_RELEASE);
    }

    void raise_limit(double value) {
        store(problem.limits[item], value);
        const int64_t begin = item / BLOCK * BLOCK;
        const int64_t end = std::min(begin + BLOCK, problem.num_listed);
        double least = std::numeric_limits<double>::infinity();
        for (int64_t other = begin; other < end; ++other)
            least = std::min(least, load(problem.limits[other]));
        store(problem.block_limits[item / BLOCK], least);
    }
};

// --- the formula ---------------------------------------------------------------------------------

double value_of(const Problem &p, double count, double other, double owner) {
    if (p.kind == 0) return p.a * count / (other * owner + p.shrinkage);
    if (p.kind == 1) return count / (other + owner - p.a * count + p.shrinkage);
    const double others = p.a * (owner - count) + p.b * (other - count);
    return count / (count + others + p.shrinkage);
}

// Return a count below which no value reaches a limit, whatever the terms are above these.
double least_count(const Problem &p, double limit, double owner, double other) {
    // With the denominator D + e count the value is reached from limit D / (a - limit e) on. A
    // billionth less is more than all that rounding does: of the limit, as the difference may cancel; of
    // the count, which a large e makes the same for all limits.
    constexpr double LESS = 1 - 1e-9;
    const double lower = limit * LESS;
    double above = 1, rest, per_count;
    if (p.kind == 0) {
        above = p.a, rest = owner * other + p.shrinkage, per_count = 0;
    } else if (p.kind == 1) {
        rest = owner + other + p.shrinkage, per_count = -p.a;
    } else {
        rest = p.a * owner + p.b * other + p.shrinkage, per_count = 1 - p.a - p.b;
    }
    const double slope = above - lower * per_count, count = lower * rest / slope * LESS;
    // Not if a term overflows: that of a pair may vanish.
    return slope > 0 && std::isfinite(count) ? count : 0;
}

// --- blocks of counts ----------------------------------------------------------------------------

// Return the bits of the counts that reach a least one.
template <class Counter>
uint64_t reached(const Counter *counts, Counter least) {
    uint64_t bits = 0;
    for (int64_t place = 0; place < BLOCK; ++place)
        bits |= static_cast<uint64_t>(counts[place] >= least) << place;
    return bits;
}

#ifdef __AVX2__
template <>
uint64_t reached(const uint8_t *counts, uint8_t least) {
    const __m256i limit = _mm256_set1_epi8(static_cast<char>(least));
    uint64_t bits = 0;
    for (int half = 0; half < 2; ++half) {
        const __m256i some = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(counts) + half);
        const __m256i reach = _mm256_cmpeq_epi8(_mm256_max_epu8(some, limit), some);
        bits |= static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(reach))) << 32 * half;
    }
    return bits;
}

template <>
uint64_t reached(const uint16_t *counts, uint16_t least) {
    const __m256i limit = _mm256_set1_epi16(static_cast<short>(least));
    uint64_t bits = 0;
    for (int half = 0; half < 2; ++half) {
        const __m256i *some = reinterpret_cast<const __m256i *>(counts) + 2 * half;
        const __m256i one = _mm256_loadu_si256(some), two = _mm256_loadu_si256(some + 1);
        const __m256i both = _mm256_packs_epi16(_mm256_cmpeq_epi16(_mm256_max_epu16(one, limit), one),
                                                _mm256_cmpeq_epi16(_mm256_max_epu16(two, limit), two));
        const __m256i reach = _mm256_permute4x64_epi64(both, 0xD8);
        bits |= static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(reach))) << 32 * half;
    }
    return bits;
}

template <>
uint64_t reached(const double *counts, double least) {
    const __m256d limit = _mm256_set1_pd(least);
    uint64_t bits = 0;
    for (int place = 0; place < BLOCK; place += 4) {
        const __m256d reach = _mm256_cmp_pd(_mm256_loadu_pd(counts + place), limit, _CMP_GE_OQ);
        bits |= static_cast<uint64_t>(_mm256_movemask_pd(reach)) << place;
    }
    return bits;
}
#endif

// Set a count to the least one above 0 that reaches another; return whether there is one.
template <class Counter>
bool round_up(double least, Counter &count) {
    constexpr bool is_count = std::is_integral<Counter>::value;
    if (is_count && !(least <= static_cast<double>(std::numeric_limits<Counter>::max()))) return false;
    count = static_cast<Counter>(is_count ? std::max(std::ceil(least), 1.0)
                                          : std::max(least, std::numeric_limits<double>::denorm_min()));
    return true;
}

// Return whether one of some counts reaches a least one.
template <class Counter>
bool is_reached(const Counter *counts, int64_t size, Counter least) {
    Counter any = 0;
    for (int64_t place = 0; place < size; ++place) any |= counts[place] >= least;
    return any;
}

// Return a count below which no pair of a row and an item of some blocks enters a list.
double least_of_blocks(const Problem &p, int64_t row, int64_t first, int64_t stop, double limit,
                       bool is_binary) {
    const auto least_of = [&](const double *terms) { return *std::min_element(terms + first, terms + stop); };
    double least = least_count(p, limit, p.owner_terms[row], least_of(p.least_other));
    if (first * BLOCK < p.num_listed) {
        double limit_of_lists = std::numeric_limits<double>::infinity();
        for (int64_t block = first; block < stop; ++block)
            limit_of_lists = std::min(limit_of_lists, load(p.block_limits[block]));
        least = std::min(least, least_count(p, limit_of_lists, least_of(p.least_owner), p.other_terms[row]));
    }
    return is_binary ? std::max(least, p.minimum) : least;
}

// Give the pairs of a row and a block of items to the lists that want them.
template <class Counter>
void push_block(const Problem &p, int64_t row, int64_t block, const Counter *counts,
                const uint32_t *cooccurrences, OwnList &own) {
    const bool is_binary = !cooccurrences && !std::is_same<Counter, double>::value;
    const double owner = p.owner_terms[row], other = p.other_terms[row];
    const int64_t begin = block * BLOCK;
    const double least = least_of_blocks(p, row, block, block + 1, own.lowest, is_binary);
    Counter count;
    uint64_t bits = round_up(least, count) ? reached(counts, count) : 0;
    // Items of one popularity mostly have one term, so the rare ones need no look at their own.
    const bool has_one_term = p.least_other[block] == p.greatest_other[block];
    while (bits) {
        const int64_t place = __builtin_ctzll(bits), item = begin + place;
        bits &= bits - 1;
        if (cooccurrences && cooccurrences[item] < p.minimum) continue;
        const double term = has_one_term ? p.least_other[block] : p.other_terms[item];
        const double sum = static_cast<double>(counts[place]);
        own.offer(value_of(p, sum, term, owner), p.order[item]);
        if (item < p.num_listed)
            SharedList{p, item}.offer(value_of(p, sum, other, p.owner_terms[item]), p.order[row]);
    }
    own.settle();
}

// --- rows ----------------------------------------------------------------------------------------

template <class T>
void fetch_list(const T *list, int64_t size) {
    const int64_t line = 64 / sizeof(T);
    for (int64_t place = 0; place < std::min(size, LINES * line); place += line)
        __builtin_prefetch(list + place);
}

struct Span {
    int64_t begin, size;
};

// Return which items of the user of an entry a row is compared with.
template <class Item>
Span span_of(const Problem &p, int64_t entry, bool is_whole) {
    const uint32_t user = p.item_users[entry];
    const int64_t begin = p.user_begins[user];
    if (is_whole) return {begin, p.user_begins[user + 1] - begin};
    const int64_t tiled = p.tiled[user];
    return {begin + tiled, static_cast<const Item *>(p.places)[entry] - tiled};
}

enum Mode { BINARY, SQUARES, WEIGHTS };

// Add the products of a row with other items, over ascending users; return how many items are listed.
template <class Item, class Counter, Mode MODE, bool IS_SPARSE>
int64_t count_row(const Problem &p, Scratch &s, int64_t row, bool is_whole) {
    Counter *counters = static_cast<Counter *>(s.counters);
    const Item *user_items = static_cast<const Item *>(p.user_items);
    const int64_t stop = p.item_begins[row + 1];
    int64_t num_touched = 0;
    for (int64_t entry = p.item_begins[row]; entry < stop; ++entry) {
        if (entry + AHEAD < stop) {
            const Span later = span_of<Item>(p, entry + AHEAD, is_whole);
            fetch_list(user_items + later.begin, later.size);
            if (MODE == WEIGHTS) fetch_list(p.user_weights + later.begin, later.size);
        }
        const Span span = span_of<Item>(p, entry, is_whole);
        const Item *items = user_items + span.begin;
        const float *weights = MODE == WEIGHTS ? p.user_weights + span.begin : nullptr;
        const double weight = MODE == WEIGHTS   ? p.item_weights[entry]
                              : MODE == SQUARES ? p.user_squares[p.item_users[entry]]
                                                : 1;
        for (int64_t place = 0; place < span.size; ++place) {
            const Item item = items[place];
            if (IS_SPARSE) {
                s.touched[num_touched] = item;
                num_touched += counters[item] == 0;
            }
            if (MODE == WEIGHTS)
                counters[item] += static_cast<Counter>(weight * static_cast<double>(weights[place]));
            else
                counters[item] += static_cast<Counter>(weight);
        }
        if (s.cooccurrences)
            for (int64_t place = 0; place < span.size; ++place) ++s.cooccurrences[items[place]];
    }
    return num_touched;
}

// Return a value that at least k of some reach, near the kth greatest, by a histogram of their bits; or 0.
double limit_of(const double *values, int64_t size, int64_t k) {
    constexpr int SHIFT = 47, BINS = 512;  // 32 bins of like ratio for each power of 2
    if (size <= k) return 0;
    const auto bits_of = [](double value) {
        uint64_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        return bits;
    };
    double greatest = 0;
    for (int64_t place = 0; place < size; ++place) greatest = std::max(greatest, values[place]);
    uint64_t bits = bits_of(greatest);
    if (bits >> SHIFT < BINS) return 0;
    uint32_t numbers[BINS] = {};
    for (int64_t place = 0; place < size; ++place)
        ++numbers[std::min<uint64_t>((bits - bits_of(values[place])) >> SHIFT, BINS - 1)];
    int64_t so_far = 0;
    for (int bin = 0; bin < BINS - 1; ++bin) {
        so_far += numbers[bin], bits -= uint64_t{1} << SHIFT;
        if (so_far >= k) {
            double limit;
            std::memcpy(&limit, &bits, sizeof bits);
            return limit;
        }
    }
    return 0;
}

// Push the pairs of the items that a row has touched, and leave their counters 0.
template <class Counter>
void push_touched(const Problem &p, Scratch &s, int64_t row, int64_t num_touched, OwnList &own) {
    Counter *counters = static_cast<Counter *>(s.counters);
    const double owner = p.owner_terms[row], other = p.other_terms[row];
    int64_t size = 0;
    for (int64_t number = 0; number < num_touched; ++number) {
        const int64_t item = s.touched[number];
        const double count = static_cast<double>(counters[item]);
        const double cooccurrences = s.cooccurrences ? s.cooccurrences[item] : count;
        counters[item] = 0;
        if (s.cooccurrences) s.cooccurrences[item] = 0;
        s.touched[size] = static_cast<uint32_t>(item);
        s.found[size] = value_of(p, count, p.other_terms[item], owner);
        const bool is_pair = item != row && cooccurrences >= p.minimum;
        if (is_pair && item < p.num_listed)
            SharedList{p, item}.offer(value_of(p, count, other, p.owner_terms[item]), p.order[row]);
        size += is_pair;
    }
    own.lowest = std::max(own.lowest, limit_of(s.found, size, p.num_neighbors));
    for (int64_t place = 0; place < size; ++place) {
        if (s.found[place] >= own.lowest) own.offer(s.found[place], p.order[s.touched[place]]);
        own.settle();
    }
}

// Push a range of blocks, the rarest items first: most pairs of a rare item have one common user, and of
// these the best are with the rarest others. Any other row starts with a block of each group, so that the
// limit is good soon.
template <class Counter>
void push_range(const Problem &p, Scratch &s, int64_t row, int64_t first, int64_t stop, OwnList &own) {
    Counter *counters = static_cast<Counter *>(s.counters);
    const auto push = [&](int64_t block) {
        push_block(p, row, block, counters + block * BLOCK, s.cooccurrences, own);
        std::fill_n(counters + block * BLOCK, BLOCK, 0);
        if (s.cooccurrences) std::fill_n(s.cooccurrences + block * BLOCK, BLOCK, 0);
    };
    if (p.item_begins[row + 1] - p.item_begins[row] >= RARE)
        for (int64_t block = stop - 1; block >= first; block -= GROUP) push(block);
    for (int64_t end = stop; end > first; end -= GROUP) {
        const int64_t begin = std::max(end - GROUP, first);
        if constexpr (std::is_integral<Counter>::value) {  // a block of sums is as many lines as a group
            Counter *counts = counters + begin * BLOCK, least;
            const int64_t size = (end - begin) * BLOCK;
            const bool is_possible = round_up(least_of_blocks(p, row, begin, end, own.lowest, true), least);
            if (!is_possible || !is_reached(counts, size, least)) {
                std::fill_n(counts, size, 0);
                continue;
            }
        }
        for (int64_t block = end - 1; block >= begin; --block) push(block);
    }
}

// Write the best of a list to the result, none that float rounds to 0.
void write_best(const Problem &p, int64_t row, double *values, uint32_t *items, int64_t size) {
    if (size > p.num_neighbors) keep_best(values, items, size, p.num_neighbors);
    const int64_t begin = p.out_begins[row];
    int64_t kept = 0;
    for (int64_t place = 0; place < std::min(size, p.num_neighbors); ++place) {
        const float value = static_cast<float>(values[place]);
        p.out_values[begin + kept] = value, p.out_items[begin + kept] = items[place];
        kept += value != 0;
    }
    p.out_sizes[row] = kept;
}

template <class Item, class Counter, Mode MODE>
void compare_row(const Problem &p, Scratch &s, int64_t row, int64_t num_counts) {
    const bool is_whole = row >= p.num_listed;
    const int64_t end = is_whole ? p.num_items : row;
    const int64_t first = is_whole ? 0 : p.num_tiled / BLOCK;
    OwnList own{s.values, s.items, p.num_neighbors, load(p.limits[row])};
    const int64_t num_blocks = (end + BLOCK - 1) / BLOCK - first;
    const bool is_sparse = num_counts * SPARSE < num_blocks * static_cast<int64_t>(sizeof(Counter));
    const int64_t num_touched = is_sparse ? count_row<Item, Counter, MODE, true>(p, s, row, is_whole)
                                          : count_row<Item, Counter, MODE, false>(p, s, row, is_whole);
    static_cast<Counter *>(s.counters)[row] = 0;  // a whole row meets itself
    if (is_sparse)
        push_touched<Counter>(p, s, row, num_touched, own);
    else
        push_range<Counter>(p, s, row, first, first + num_blocks, own);
    own.truncate();
    if (is_whole) {
        write_best(p, row, own.values, own.items, own.size);
    } else {
        SharedList{p, row}.push(own);
    }
}

template <class Item>
void compare_row_of(const Problem &p, Scratch &s, int64_t row, int64_t num_counts) {
    const int64_t users = p.item_begins[row + 1] - p.item_begins[row];  // no count is above
    if (p.has_weights)
        compare_row<Item, double, WEIGHTS>(p, s, row, num_counts);
    else if (p.has_squares)
        compare_row<Item, double, SQUARES>(p, s, row, num_counts);
    else if (users < 1 << 8)
        compare_row<Item, uint8_t, BINARY>(p, s, row, num_counts);
    else if (users < 1 << 16)
        compare_row<Item, uint16_t, BINARY>(p, s, row, num_counts);
    else
        compare_row<Item, uint32_t, BINARY>(p, s, row, num_counts);
}

// --- tiles ---------------------------------------------------------------------------------------

// Numbers of 0 to 2^32 - 1 for each of 256 items, bit by bit: one word of bits is added to all at once, by
// adders that save their carries (Harley and Seal; Wilkes, Wheeler and Gill 1951).
struct BitCounters {
    static constexpr int LEVELS = 32;
    Bits sums[LEVELS] = {}, pending[LEVELS];
    uint32_t num_added = 0;  // eights

    // Add two words to a sum and return the carry.
    static Bits add(Bits &sum, Bits one, Bits two) {
        const Bits either = sum ^ one, carry = (sum & one) | (either & two);
        sum = either ^ two;
        return carry;
    }

    void add_eight(const Bits *const *words) {
        const Bits two = add(sums[0], *words[0], *words[1]), other_two = add(sums[0], *words[2], *words[3]);
        const Bits four = add(sums[1], two, other_two);
        const Bits two_more = add(sums[0], *words[4], *words[5]),
                   last_two = add(sums[0], *words[6], *words[7]);
        const Bits other_four = add(sums[1], two_more, last_two);
        Bits carry = add(sums[2], four, other_four);
        int level = 3;
        // Two carries of a level are one of the next.
        for (uint32_t number = num_added++; number & 1; number >>= 1, ++level)
            carry = add(sums[level], pending[level], carry);
        pending[level] = carry;
    }

    // Add the carries that wait; return how many levels there are.
    int finish() {
        int level = 3;
        for (uint32_t number = num_added; number; number >>= 1, ++level)
            if (number & 1) {
                Bits carry = pending[level];
                for (int above = level; above < LEVELS; ++above) {
                    const Bits next = sums[above] & carry;
                    sums[above] ^= carry;
                    carry = next;
                }
            }
        return level;
    }

    // Return 16 numbers, of 16 levels.
    Words numbers(int first_level, int last_level, int64_t part) const {
        Words bit, result = {};
        for (int place = 0; place < 16; ++place) bit[place] = static_cast<uint16_t>(1 << place);
        for (int level = first_level; level < last_level; ++level) {
            const uint16_t weight = static_cast<uint16_t>(1 << (level - first_level));
            uint16_t some;
            std::memcpy(&some, reinterpret_cast<const char *>(sums + level) + 2 * part, 2);
            const Words is_set = reinterpret_cast<Words>(((some + Words{}) & bit) == bit);
            result |= is_set & weight;
        }
        return result;
    }
};

// Count the common users of an item and each of a tile.
template <class Counter>
void count_with_tile(const Problem &p, const Bits *tile, int64_t row, Counter *counts) {
    static const Bits nobody = {};
    BitCounters counters;
    const int64_t stop = p.item_begins[row + 1];
    for (int64_t entry = p.item_begins[row]; entry < stop; entry += 8) {
        const Bits *words[8];
        for (int64_t place = 0; place < 8; ++place) {
            words[place] = entry + place < stop ? tile + p.item_users[entry + place] : &nobody;
            if (entry + place + 16 < stop) __builtin_prefetch(tile + p.item_users[entry + place + 16]);
        }
        counters.add_eight(words);
    }
    const int levels = counters.finish();
    for (int64_t part = 0; part < TILE / 16; ++part) {
        const Words low = counters.numbers(0, std::min(levels, 16), part);
        const Words high = counters.numbers(16, std::max(levels, 16), part);
        for (int64_t place = 0; place < 16; ++place)
            counts[part * 16 + place] =
                static_cast<Counter>(low[place] | static_cast<uint32_t>(high[place]) << 16);
    }
}

// Sums for the items of a tile of weights. A cell of 0 adds 0; a product of two floats is exact in double.
#ifdef __AVX2__
struct Columns {
    __m256d parts[COLUMNS / 4];
};

Columns load_columns(const double *sums) {
    Columns totals;
    for (int part = 0; part < COLUMNS / 4; ++part) totals.parts[part] = _mm256_loadu_pd(sums + 4 * part);
    return totals;
}

void store_columns(double *sums, const Columns &totals) {
    for (int part = 0; part < COLUMNS / 4; ++part) _mm256_storeu_pd(sums + 4 * part, totals.parts[part]);
}

void add_products(Columns &totals, double weight, const float *cells) {
    const __m256d weights = _mm256_set1_pd(weight);
    for (int part = 0; part < COLUMNS / 4; ++part) {
        const __m256d others = _mm256_cvtps_pd(_mm_loadu_ps(cells + 4 * part));
        totals.parts[part] = _mm256_add_pd(totals.parts[part], _mm256_mul_pd(weights, others));
    }
}
#else
struct Columns {
    double sums[COLUMNS];
};

Columns load_columns(const double *sums) {
    Columns totals;
    std::copy_n(sums, COLUMNS, totals.sums);
    return totals;
}

void store_columns(double *sums, const Columns &totals) { std::copy_n(totals.sums, COLUMNS, sums); }

void add_products(Columns &totals, double weight, const float *cells) {
    for (int64_t place = 0; place < COLUMNS; ++place)
        totals.sums[place] += weight * static_cast<double>(cells[place]);
}
#endif

// Sum the products of some items and each of a tile, over ascending users, range by range: the rows of a
// range of users stay in the nearest cache, whatever their number is.
template <Mode MODE>
void sum_with_tile(const Problem &p, Scratch &s, int64_t begin, int64_t first_row, int64_t last_row) {
    int64_t of_tile[COLUMNS], *of_rows = s.entries;
    const int64_t width = std::min(COLUMNS, p.num_items - begin), num_rows = last_row - first_row;
    std::copy_n(p.item_begins + begin, width, of_tile);
    std::copy_n(p.item_begins + first_row, num_rows, of_rows);
    std::fill_n(s.sums, num_rows * COLUMNS, 0);
    float *cells = static_cast<float *>(s.tile);
    for (int64_t first = 0; first < p.num_users; first += RANGE) {
        const int64_t stop = first + RANGE;
        std::fill_n(cells, RANGE * COLUMNS, 0);
        for (int64_t place = 0; place < width; ++place)
            for (int64_t &entry = of_tile[place]; entry < p.item_begins[begin + place + 1]; ++entry) {
                const int64_t user = p.item_users[entry];
                if (user >= stop) break;
                cells[(user - first) * COLUMNS + place] = MODE == WEIGHTS ? p.item_weights[entry] : 1;
            }
        for (int64_t row = 0; row < num_rows; ++row) {
            Columns totals = load_columns(s.sums + row * COLUMNS);
            int64_t entry = of_rows[row];
            for (const int64_t end = p.item_begins[first_row + row + 1]; entry < end; ++entry) {
                const int64_t user = p.item_users[entry];
                if (user >= stop) break;
                const double weight = MODE == WEIGHTS ? p.item_weights[entry] : p.user_squares[user];
                add_products(totals, weight, cells + (user - first) * COLUMNS);
            }
            of_rows[row] = entry;
            store_columns(s.sums + row * COLUMNS, totals);
        }
    }
}

// Push the pairs of a row with the more popular items of the blocks from one on.
template <class Counter>
void push_blocks(const Problem &p, const Scratch &s, int64_t begin, int64_t width, int64_t row,
                 Counter *counts) {
    for (int64_t place = row - begin; place < width; ++place) counts[place] = 0;
    OwnList own{s.values, s.items, p.num_neighbors, load(p.limits[row])};
    for (int64_t first = 0; first < std::min(width, row - begin); first += BLOCK)
        push_block(p, row, (begin + first) / BLOCK, counts + first, nullptr, own);
    SharedList{p, row}.push(own);
}

template <class Counter>
void compare_bits(const Problem &p, const Scratch &s, int64_t begin, int64_t row) {
    Counter counts[TILE];
    count_with_tile(p, static_cast<const Bits *>(s.tile), row, counts);
    push_blocks(p, s, begin, TILE, row, counts);
}

void compare_with_bits(const Problem &p, Scratch &s, int64_t begin, int64_t first_row, int64_t last_row) {
    uint64_t *words = static_cast<uint64_t *>(s.tile);
    std::fill_n(words, p.num_users * TILE / 64, 0);
    for (int64_t item = begin; item < std::min(begin + TILE, p.num_items); ++item)
        for (int64_t entry = p.item_begins[item]; entry < p.item_begins[item + 1]; ++entry) {
            const int64_t place = p.item_users[entry] * TILE + item - begin;
            words[place / 64] |= uint64_t{1} << place % 64;
        }
    for (int64_t row = first_row; row < last_row; ++row) {
        const bool fits = p.item_begins[row + 1] - p.item_begins[row] < 1 << 16;
        (fits ? compare_bits<uint16_t> : compare_bits<uint32_t>)(p, s, begin, row);
    }
}

void compare_with_weights(const Problem &p, Scratch &s, int64_t begin, int64_t first_row, int64_t last_row) {
    (p.has_weights ? sum_with_tile<WEIGHTS> : sum_with_tile<SQUARES>)(p, s, begin, first_row, last_row);
    const int64_t first = begin / BLOCK * BLOCK;
    for (int64_t row = first_row; row < last_row; ++row) {
        double sums[BLOCK] = {};
        std::copy_n(s.sums + (row - first_row) * COLUMNS, COLUMNS, sums + (begin - first));
        push_blocks(p, s, first, BLOCK, row, sums);
    }
}

// --- the layout ----------------------------------------------------------------------------------

template <class Item>
void fill_range(const Problem &p, int64_t first_user, int64_t stop_user, const int32_t *items,
                const float *weights, const uint32_t *ranks, const int64_t *firsts, int64_t *places,
                uint32_t *used) {
    uint32_t *item_users = const_cast<uint32_t *>(p.item_users);
    float *item_weights = const_cast<float *>(p.item_weights);
    Item *user_items = static_cast<Item *>(const_cast<void *>(p.user_items));
    float *user_weights = const_cast<float *>(p.user_weights);
    Item *item_places = static_cast<Item *>(const_cast<void *>(p.places));
    std::copy(firsts, firsts + p.num_items, places);
    for (int64_t user = first_user; user < stop_user; ++user)
        for (int64_t entry = p.user_begins[user]; entry < p.user_begins[user + 1]; ++entry) {
            const int64_t place = places[ranks[items[entry]]]++;
            item_users[place] = static_cast<uint32_t>(user);
            if (p.has_weights) item_weights[place] = weights[entry];
        }
    std::fill(used, used + (stop_user - first_user), 0);
    for (int64_t item = 0; item < p.num_items; ++item)
        for (int64_t entry = firsts[item]; entry < places[item]; ++entry) {
            const int64_t user = item_users[entry];
            const uint32_t place = used[user - first_user]++;
            if (item_places) item_places[entry] = static_cast<Item>(place);
            user_items[p.user_begins[user] + place] = static_cast<Item>(item);
            if (p.has_weights) user_weights[p.user_begins[user] + place] = item_weights[entry];
        }
}

template <class Item>
void count_below(const Problem &p, int64_t bound, uint32_t *numbers) {
    const Item *items = static_cast<const Item *>(p.user_items);
    for (int64_t user = 0; user < p.num_users; ++user) {
        const Item *begin = items + p.user_begins[user], *end = items + p.user_begins[user + 1];
        numbers[user] = static_cast<uint32_t>(
            std::partition_point(begin, end, [&](Item item) { return item < bound; }) - begin);
    }
}

template <class Item>
void measure(const Problem &p, int64_t first, int64_t last, const uint32_t *listed, int64_t *before,
             int64_t *after) {
    const Item *places = static_cast<const Item *>(p.places);
    for (int64_t item = first; item < last; ++item) {
        int64_t more_popular = 0, less_popular = 0;
        for (int64_t entry = p.item_begins[item]; entry < p.item_begins[item + 1]; ++entry) {
            const uint32_t user = p.item_users[entry];
            const int64_t all = listed ? listed[user] : p.user_begins[user + 1] - p.user_begins[user];
            more_popular += places[entry];
            less_popular += all - places[entry] - 1;
        }
        before[item] = more_popular, after[item] = less_popular;
    }
}

}  // namespace

// Add to counts (I,) how often each item is among some.
EXPORT void mlcore_count_items(const int32_t *items, int64_t size, int64_t *counts) {
    for (int64_t place = 0; place < size; ++place) ++counts[items[place]];
}

// Square the first weight of each user; return whether the others of each user are the same.
EXPORT int64_t mlcore_square_users(int64_t num_users, const int64_t *indptr, const float *weights,
                                   double *squares) {
    for (int64_t user = 0; user < num_users; ++user) {
        const int64_t first = indptr[user], stop = indptr[user + 1];
        for (int64_t entry = first; entry < stop; ++entry)
            if (weights[entry] != weights[first]) return 0;
        const double weight = first < stop ? weights[first] : 0;
        squares[user] = weight * weight;
    }
    return 1;
}

// Write the entries of a range of users to both sides of the layout.
EXPORT void mlcore_fill_range(const Problem *p, int64_t first_user, int64_t stop_user, const int32_t *items,
                              const float *weights, const uint32_t *ranks, const int64_t *firsts,
                              int64_t *places, uint32_t *used) {
    (p->is_wide ? fill_range<uint32_t> : fill_range<uint16_t>)(*p, first_user, stop_user, items, weights,
                                                               ranks, firsts, places, used);
}

// Set numbers (U,) to how many items of each user are before one.
EXPORT void mlcore_count_below(const Problem *p, int64_t bound, uint32_t *numbers) {
    (p->is_wide ? count_below<uint32_t> : count_below<uint16_t>)(*p, bound, numbers);
}

// Set before and after (I,), of some items, to how many pairs of a user with a more popular item each has,
// and with a less popular one of the first `listed` (U,) items of the user, or of all.
EXPORT void mlcore_measure(const Problem *p, int64_t first, int64_t last, const uint32_t *listed,
                           int64_t *before, int64_t *after) {
    (p->is_wide ? measure<uint32_t> : measure<uint16_t>)(*p, first, last, listed, before, after);
}

// Compare the items of a tile, from `begin` on, with some listed items, those that come after them.
EXPORT void mlcore_compare_tile(const Problem *p, Scratch *s, int64_t begin, int64_t first, int64_t last) {
    (p->has_weights || p->has_squares ? compare_with_weights : compare_with_bits)(*p, *s, begin, first, last);
}

// Compare some items with the more popular ones that are in no tile or, if they are not listed, with all.
EXPORT void mlcore_compare_rows(const Problem *p, Scratch *s, int64_t first, int64_t last,
                                const int64_t *num_counts) {
    for (int64_t row = first; row < last; ++row)
        (p->is_wide ? compare_row_of<uint32_t> : compare_row_of<uint16_t>)(*p, *s, row, num_counts[row]);
}

// Write the lists of some items to the result.
EXPORT void mlcore_finish_lists(const Problem *p, int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row)
        write_best(*p, row, p->list_values + p->list_begins[row], p->list_items + p->list_begins[row],
                   p->list_sizes[row]);
}

// Add to counts (I,), by former index, in how many lists of some items each other item is.
EXPORT void mlcore_count_sources(const Problem *p, const uint32_t *ranks, int64_t first, int64_t last,
                                 int64_t *counts) {
    for (int64_t item = first; item < last; ++item) {
        const int64_t begin = p->out_begins[ranks[item]];
        for (int64_t place = 0; place < p->out_sizes[ranks[item]]; ++place)
            ++counts[p->out_items[begin + place]];
    }
}

// Write the lists of some items, ascending, to the rows of their other items, from `positions` on.
EXPORT void mlcore_spread_lists(const Problem *p, const uint32_t *ranks, int64_t first, int64_t last,
                                int64_t *positions, int32_t *columns, float *values) {
    for (int64_t item = first; item < last; ++item) {
        const int64_t begin = p->out_begins[ranks[item]];
        for (int64_t place = begin; place < begin + p->out_sizes[ranks[item]]; ++place) {
            const int64_t position = positions[p->out_items[place]]++;
            columns[position] = static_cast<int32_t>(item), values[position] = p->out_values[place];
        }
    }
}

// Write the lists of some items to their own rows, by ascending other item; `keys` has room for a row.
EXPORT void mlcore_copy_lists(const Problem *p, const uint32_t *ranks, int64_t first, int64_t last,
                              const int64_t *indptr, int32_t *columns, float *values, uint64_t *keys) {
    for (int64_t item = first; item < last; ++item) {
        const int64_t begin = p->out_begins[ranks[item]], size = p->out_sizes[ranks[item]];
        for (int64_t place = 0; place < size; ++place) {
            uint32_t bits;
            std::memcpy(&bits, p->out_values + begin + place, sizeof bits);
            keys[place] = static_cast<uint64_t>(p->out_items[begin + place]) << 32 | bits;
        }
        std::sort(keys, keys + size);
        for (int64_t place = 0; place < size; ++place) {
            const uint32_t bits = static_cast<uint32_t>(keys[place]);
            columns[indptr[item] + place] = static_cast<int32_t>(keys[place] >> 32);
            std::memcpy(values + indptr[item] + place, &bits, sizeof bits);
        }
    }
}
