-- evaluate: means over the users of the ground truth at one cutoff.
--
-- The metrics are those of cli.evaluate, which are those of trec_eval: precision and recall, hit rate,
-- NDCG with gain 1 and discount 1 / log2(position + 1), MAP divided by all relevant items, MRR. A user
-- without a list counts 0. `users_without_predictions` and `extra_users`, who have a list but no ground
-- truth and are passed over, say how well the two tables fit. Without ground truth the means are NULL.
-- `faults` counts what makes them wrong: items and positions that a list has twice, positions below 1.
--
-- reads: predictions(user_id STRING, item_id STRING, position INT64)
-- reads: ground_truth(user_id STRING, item_id STRING)
-- writes: metrics(precision FLOAT64 NULL, recall FLOAT64 NULL, hit_rate FLOAT64 NULL, ndcg FLOAT64 NULL, map FLOAT64 NULL, mrr FLOAT64 NULL, users INT64, users_without_predictions INT64, extra_users INT64, faults INT64)
-- param: cutoff INT64 >= 1 = 10: how many of each list count
WITH relevant AS (
  SELECT DISTINCT
    user_id,
    item_id
  FROM ground_truth
),

ordered AS (
  SELECT
    user_id,
    ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY item_id) AS position
  FROM relevant
),

wanted AS (
  SELECT
    user_id,
    COUNT(*) AS items,
    SUM(CASE WHEN position <= @cutoff THEN LN(2) / LN(position + 1) ELSE 0e0 END) AS ideal
  FROM ordered
  GROUP BY user_id
),

listed AS (
  SELECT DISTINCT user_id
  FROM predictions
),

repeated AS (
  SELECT
    user_id,
    item_id
  FROM predictions
  GROUP BY user_id, item_id
  HAVING COUNT(*) > 1
),

misplaced AS (
  SELECT
    user_id,
    position
  FROM predictions
  GROUP BY user_id, position
  HAVING COUNT(*) > 1 OR position < 1
),

faulty AS (
  SELECT user_id
  FROM repeated
  UNION ALL
  SELECT user_id
  FROM misplaced
),

fault_counts AS (
  SELECT COUNT(*) AS faults
  FROM faulty
),

extra AS (
  SELECT COUNT(*) AS users
  FROM listed
  LEFT JOIN wanted ON listed.user_id = wanted.user_id
  WHERE wanted.user_id IS NULL
),

hits AS (
  SELECT
    predictions.user_id AS user_id,
    predictions.position AS position,
    ROW_NUMBER() OVER (
      PARTITION BY predictions.user_id
      ORDER BY predictions.position
    ) AS nth
  FROM predictions
  JOIN relevant
    ON predictions.user_id = relevant.user_id AND predictions.item_id = relevant.item_id
  WHERE predictions.position <= @cutoff AND predictions.position >= 1
),

gains AS (
  SELECT
    user_id,
    COUNT(*) AS hits,
    SUM(LN(2) / LN(position + 1)) AS gain,
    SUM(nth * 1e0 / position) AS precisions,
    MAX(CASE WHEN nth = 1 THEN 1e0 / position ELSE 0e0 END) AS reciprocal_rank
  FROM hits
  GROUP BY user_id
),

per_user AS (
  SELECT
    COALESCE(gains.hits, 0) * 1e0 / @cutoff AS user_precision,
    COALESCE(gains.hits, 0) * 1e0 / wanted.items AS user_recall,
    CASE WHEN gains.hits > 0 THEN 1e0 ELSE 0e0 END AS hit,
    COALESCE(gains.gain, 0e0) / wanted.ideal AS user_ndcg,
    COALESCE(gains.precisions, 0e0) / wanted.items AS average_precision,
    COALESCE(gains.reciprocal_rank, 0e0) AS reciprocal_rank,
    CASE WHEN listed.user_id IS NULL THEN 1 ELSE 0 END AS is_without
  FROM wanted
  LEFT JOIN gains ON wanted.user_id = gains.user_id
  LEFT JOIN listed ON wanted.user_id = listed.user_id
),

means AS (
  SELECT
    AVG(user_precision) AS precision,
    AVG(user_recall) AS recall,
    AVG(hit) AS hit_rate,
    AVG(user_ndcg) AS ndcg,
    AVG(average_precision) AS map,
    AVG(reciprocal_rank) AS mrr,
    COUNT(*) AS users,
    COALESCE(SUM(is_without), 0) AS users_without_predictions
  FROM per_user
)

SELECT
  means.precision AS precision,
  means.recall AS recall,
  means.hit_rate AS hit_rate,
  means.ndcg AS ndcg,
  means.map AS map,
  means.mrr AS mrr,
  means.users AS users,
  means.users_without_predictions AS users_without_predictions,
  extra.users AS extra_users,
  fault_counts.faults AS faults
FROM means
CROSS JOIN extra
CROSS JOIN fault_counts
