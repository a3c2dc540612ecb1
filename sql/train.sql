-- train: the best neighbors of each item, by a similarity of the users that two items share.
--
-- c is the number of users who have both items, s and t those who have the source (an item of the
-- history) and the target (an item to recommend), u all users. The formulas are those of
-- docs/similarities.md, with the same order of operations, so that what needs + - * / and SQRT alone
-- has the same bits as in mlcore. `target` keeps the best sources of each target, `source` the best
-- targets of each source; ties go to the smaller id. Weights play no part: a row says that the user has
-- the item.
--
-- The best are chosen by FLOAT64 and written as FLOAT32, as a model has them: 2^29 + 1 leaves the upper 24
-- of 53 bits, halves to even; below 2^-126, adding 1.5 x 2^-97 and taking it off leaves a multiple of
-- 2^-149. What rounds to 0, up to 2^-150, is left out; what FLOAT32 does not hold is NULL, which
-- cli.run_sql does not write.
--
-- The work grows with the sum over users of the square of their items: see sql/cap_history.sql.
--
-- reads: interactions(user_id STRING, item_id STRING)
-- writes: neighbors(item_id STRING, neighbor_id STRING, similarity FLOAT64, position INT64, common_users INT64)
-- order: item_id, neighbor_id
-- param: similarity STRING {dot|cosine|asymmetric_cosine|jaccard|dice|tversky|conditional_probability|lift|pmi|npmi|log_likelihood_ratio|pearson} = cosine: the measure
-- param: alpha FLOAT64 >= 0 = 0: of asymmetric_cosine and tversky; the popularity_exponent of conditional_probability
-- param: beta FLOAT64 >= 0 = 0: of tversky
-- param: signed BOOL = false: of log_likelihood_ratio: pairs that avoid each other are negative
-- param: shrinkage FLOAT64 >= 0 = 0: holds back pairs with little evidence
-- param: min_cooccurrence INT64 >= 1 = 1: pairs that fewer users share are dropped
-- param: num_neighbors INT64 >= 1 = 100: pairs kept for each item
-- param: neighborhood STRING {target|source} = source: for which of the two items
WITH taken AS (
  SELECT DISTINCT
    user_id,
    item_id
  FROM interactions
),

item_counts AS (
  SELECT
    item_id,
    COUNT(*) * 1e0 AS users
  FROM taken
  GROUP BY item_id
),

totals AS (
  SELECT COUNT(DISTINCT user_id) * 1e0 AS users
  FROM taken
),

pairs AS (
  SELECT
    one.item_id AS item_id,
    other.item_id AS neighbor_id,
    COUNT(*) AS common_users
  FROM taken AS one
  JOIN taken AS other ON one.user_id = other.user_id AND one.item_id < other.item_id
  GROUP BY one.item_id, other.item_id
  HAVING COUNT(*) >= @min_cooccurrence
),

directed AS (
  SELECT
    item_id,
    neighbor_id,
    common_users
  FROM pairs
  UNION ALL
  SELECT
    neighbor_id AS item_id,
    item_id AS neighbor_id,
    common_users
  FROM pairs
),

counted AS (
  SELECT
    directed.item_id AS item_id,
    directed.neighbor_id AS neighbor_id,
    directed.common_users AS common_users,
    directed.common_users * 1e0 AS c,
    source_counts.users AS s,
    target_counts.users AS t,
    totals.users AS u
  FROM directed
  JOIN item_counts AS source_counts ON directed.item_id = source_counts.item_id
  JOIN item_counts AS target_counts ON directed.neighbor_id = target_counts.item_id
  CROSS JOIN totals
),

scored AS (
  SELECT
    item_id,
    neighbor_id,
    common_users,
    CASE @similarity
      WHEN 'dot' THEN c / (1 + @shrinkage)
      WHEN 'cosine' THEN c / (SQRT(s) * SQRT(t) + @shrinkage)
      WHEN 'asymmetric_cosine' THEN c / (POWER(t, @alpha) * POWER(s, 1 - @alpha) + @shrinkage)
      WHEN 'jaccard' THEN c / (s + t - c + @shrinkage)
      WHEN 'dice' THEN c / (s + t + @shrinkage)
      WHEN 'tversky' THEN c / (c + (@alpha * (t - c) + @beta * (s - c)) + @shrinkage)
      WHEN 'conditional_probability' THEN c / (s * POWER(t, @alpha) + @shrinkage)
      WHEN 'lift' THEN u * c / (s * t + @shrinkage)
      WHEN 'pmi' THEN LN(u * c / (s * t)) * (c / (c + @shrinkage))
      WHEN 'npmi'
        THEN CASE WHEN c = u THEN 1e0 ELSE LN(u * c / (s * t)) / LN(u / c) END
          * (c / (c + @shrinkage))
      WHEN 'log_likelihood_ratio'
        THEN
          2 * GREATEST(
            0e0,
            c * LN(c * u / (s * t))
            + CASE WHEN s > c THEN (s - c) * LN((s - c) * u / (s * (u - t))) ELSE 0e0 END
            + CASE WHEN t > c THEN (t - c) * LN((t - c) * u / ((u - s) * t)) ELSE 0e0 END
            + CASE
              WHEN u - s - t + c > 0
                THEN (u - s - t + c) * LN((u - s - t + c) * u / ((u - s) * (u - t)))
              ELSE 0e0
            END
          )
          * CASE WHEN @signed THEN SIGN(u * c - s * t) ELSE 1e0 END
          * (c / (c + @shrinkage))
      WHEN 'pearson'
        THEN
          CASE
            WHEN s = u OR t = u THEN 0e0
            ELSE GREATEST(
              -1e0,
              LEAST(
                1e0,
                (c - s * t / u)
                / (
                  SQRT(s * (1 - s / u) * (1 - s / u) + (u - s) * (s / u) * (s / u))
                  * SQRT(t * (1 - t / u) * (1 - t / u) + (u - t) * (t / u) * (t / u))
                  + @shrinkage
                )
              )
            )
          END
    END AS similarity
  FROM counted
),

ranked AS (
  SELECT
    item_id,
    neighbor_id,
    similarity,
    common_users,
    ROW_NUMBER() OVER (
      PARTITION BY CASE WHEN @neighborhood = 'target' THEN neighbor_id ELSE item_id END
      ORDER BY
        similarity DESC,
        CASE WHEN @neighborhood = 'target' THEN item_id ELSE neighbor_id END
    ) AS position
  FROM scored
  WHERE ABS(similarity) > 7.006492321624085e-46
)

SELECT
  item_id,
  neighbor_id,
  CASE
    WHEN ABS(similarity) < 1.1754943508222875e-38
      THEN (similarity + 9.466330862652142e-30) - 9.466330862652142e-30
    WHEN ABS(similarity) < 3.4028235677973366e38
      THEN similarity * 536870913e0 - (similarity * 536870913e0 - similarity)
  END AS similarity,
  position,
  common_users
FROM ranked
WHERE position <= @num_neighbors
