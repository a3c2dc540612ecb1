-- deduplicate: one row for each user and item, with the latest timestamp.
--
-- Equals the aggregation of cli.preprocess. A row without a timestamp is older than any other; of
-- several that are the newest, the greatest weight counts. Sums of weights that are no integers may
-- differ between engines in the last bit, as no engine promises an order of addition.
--
-- reads: events(user_id STRING, item_id STRING, weight FLOAT64 = 1, timestamp INT64 NULL)
-- writes: interactions(user_id STRING, item_id STRING, weight FLOAT64, timestamp INT64 NULL)
-- order: user_id, item_id
-- param: aggregate STRING {sum|max|last|count} = sum: what becomes the weight of several rows
-- param: min_weight FLOAT64 >= 0 = 0: lighter ones, after aggregation, are dropped
WITH aged AS (
  SELECT
    user_id,
    item_id,
    weight,
    timestamp,
    ROW_NUMBER() OVER (
      PARTITION BY user_id, item_id
      ORDER BY COALESCE(timestamp, -62135596801) DESC, weight DESC
    ) AS age
  FROM events
),

aggregated AS (
  SELECT
    user_id,
    item_id,
    CASE @aggregate
      WHEN 'sum' THEN SUM(weight)
      WHEN 'max' THEN MAX(weight)
      WHEN 'last' THEN MAX(CASE WHEN age = 1 THEN weight END)
      WHEN 'count' THEN COUNT(*) * 1e0
    END AS weight,
    MAX(timestamp) AS timestamp
  FROM aged
  GROUP BY user_id, item_id
)

SELECT
  user_id,
  item_id,
  weight,
  timestamp
FROM aggregated
WHERE weight >= @min_weight
