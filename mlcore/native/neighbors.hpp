// What the kernel of neighbors is given: arrays of numpy, read by mlcore/similarity/compiled/kernel.py.
// The fields of both structures are those of that module, in the same order.

#pragma once

#include <cstdint>

// Items are numbered by popularity, users as they came. I items, U users, E entries of X.
struct Problem {
    int64_t num_users, num_items;
    int64_t is_wide;                   // whether user_items and places are uint32, else uint16
    int64_t has_squares, has_weights;  // else X is binary
    const uint32_t *order;             // (I,) the index that each item had; ties go to the smaller
    const int64_t *item_begins;        // (I + 1,)
    const uint32_t *item_users;        // (E,) ascending for each item
    const float *item_weights;         // (E,)
    const int64_t *user_begins;        // (U + 1,)
    const void *user_items;            // (E,) ascending for each user
    const float *user_weights;         // (E,)
    const double *user_squares;        // (U,) the square of the only weight of a user
    const void *places;                // (E,) by item: how many items of that user are more popular; or null
    int64_t num_tiled;                 // items in tiles, a multiple of their width
    const uint32_t *tiled;             // (U,) how many items of each user are in tiles

    // The formula, a quotient of a count and two terms: the owner's, whose list it is for, and the other's.
    int64_t kind;  // 0 product, 1 sum, 2 tversky
    double a, b, shrinkage, minimum;
    const double *owner_terms, *other_terms;  // (I,)
    const double *least_owner, *least_other;  // (B,) the least term of each block of items
    const double *greatest_other;             // (B,) the greatest, or NaN

    // Lists of the first H items, which all threads write to.
    int64_t num_neighbors, num_listed;
    const int64_t *list_begins;  // (H + 1,)
    int64_t *list_sizes;         // (H,)
    double *list_values;
    uint32_t *list_items;
    double *limits;        // (I,) no value below it is among the best of the item
    double *block_limits;  // (B,) the least limit of each block of listed items
    uint8_t *locks;        // (H,)

    // The result, by item in order of popularity.
    const int64_t *out_begins;  // (I + 1,)
    int64_t *out_sizes;         // (I,)
    float *out_values;
    uint32_t *out_items;
};

// What one thread works with.
struct Scratch {
    void *counters;           // I rounded up to blocks, 8 bytes each, all 0 between rows
    uint32_t *cooccurrences;  // likewise, or null: common users of weighted items
    uint32_t *touched;        // (I + 1,) items of a row
    double *found;            // (I + 1,) their values
    double *values;           // (2 K + 64,) candidates of a row
    uint32_t *items;
    void *tile;        // (U, 256) bits or, if X is not binary, (4096, 16) float
    int64_t *entries;  // (H,) the next of each row, if X is not binary
    double *sums;      // (H, 16)
};
