-- split_last_n: one side of a split whose test holds the newest interactions of each user.
--
-- Users with n or fewer interactions stay in the training. Equal timestamps are ordered by a hash, as
-- ids often mean something. The sides are those of cli.split --strategy last-n.
--
-- reads: interactions(user_id STRING, item_id STRING, weight FLOAT64 = 1, timestamp INT64)
-- writes: interactions(user_id STRING, item_id STRING, weight FLOAT64, timestamp INT64)
-- order: user_id, item_id, timestamp, weight
-- param: part STRING {train|test}: which side
-- param: n INT64 >= 1 = 1: how many of each user go to the test
WITH aged AS (
  SELECT
    user_id,
    item_id,
    weight,
    timestamp,
    ROW_NUMBER() OVER (
      PARTITION BY user_id
      ORDER BY timestamp DESC, TO_HEX(MD5(CONCAT(user_id, ',', item_id, ',ties'))), item_id, weight DESC
    ) AS age,
    COUNT(*) OVER (PARTITION BY user_id) AS items
  FROM interactions
)

SELECT
  user_id,
  item_id,
  weight,
  timestamp
FROM aged
WHERE CASE WHEN age <= @n AND items > @n THEN 'test' ELSE 'train' END = @part
