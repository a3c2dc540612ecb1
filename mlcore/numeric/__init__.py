"""Numbers: sums, logarithms and powers with the same bits everywhere, top K, threads."""
