-- cap_history: the newest interactions of each user.
--
-- The time of sql/train.sql grows with the square of the longest histories, so cap them before it.
-- Equal timestamps are ordered by a hash, as ids often mean something, and as in cli.preprocess.
--
-- reads: interactions(user_id STRING, item_id STRING, weight FLOAT64 = 1, timestamp INT64)
-- writes: interactions(user_id STRING, item_id STRING, weight FLOAT64, timestamp INT64)
-- order: user_id, item_id, timestamp, weight
-- param: max_user_interactions INT64 >= 1: how many of each user are kept
WITH aged AS (
  SELECT
    user_id,
    item_id,
    weight,
    timestamp,
    ROW_NUMBER() OVER (
      PARTITION BY user_id
      ORDER BY timestamp DESC, TO_HEX(MD5(CONCAT(user_id, ',', item_id, ',ties'))), item_id, weight DESC
    ) AS age
  FROM interactions
)

SELECT
  user_id,
  item_id,
  weight,
  timestamp
FROM aged
WHERE age <= @max_user_interactions
