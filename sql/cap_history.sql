-- cap_history: the newest interactions of each user.
--
-- The time of sql/train.sql grows with the square of the longest histories, so cap them before it. Of
-- equal timestamps the item later in id order counts as newer, as in cli.preprocess.
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
    ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY timestamp DESC, item_id DESC, weight DESC) AS age
  FROM interactions
)

SELECT
  user_id,
  item_id,
  weight,
  timestamp
FROM aged
WHERE age <= @max_user_interactions
