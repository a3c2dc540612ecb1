-- kcore_round: one round towards the k-core: users and items with too few interactions are dropped.
--
-- Dropping a user may leave an item with too few. Repeated until the number of rows stays the same
-- (cli.run_sql --until-stable) the result is that of cli.preprocess.
--
-- reads: interactions(user_id STRING, item_id STRING, weight FLOAT64 = 1, timestamp INT64 NULL)
-- writes: interactions(user_id STRING, item_id STRING, weight FLOAT64, timestamp INT64 NULL)
-- order: user_id, item_id, timestamp, weight
-- repeat: until stable
-- param: min_user_interactions INT64 >= 1 = 1: users with fewer items are dropped
-- param: min_item_interactions INT64 >= 1 = 1: items with fewer users are dropped
WITH user_counts AS (
  SELECT
    user_id,
    COUNT(*) AS items
  FROM interactions
  GROUP BY user_id
),

item_counts AS (
  SELECT
    item_id,
    COUNT(*) AS users
  FROM interactions
  GROUP BY item_id
)

SELECT
  interactions.user_id AS user_id,
  interactions.item_id AS item_id,
  interactions.weight AS weight,
  interactions.timestamp AS timestamp
FROM interactions
JOIN user_counts ON interactions.user_id = user_counts.user_id
JOIN item_counts ON interactions.item_id = item_counts.item_id
WHERE
  user_counts.items >= @min_user_interactions
  AND item_counts.users >= @min_item_interactions
