-- split_temporal: one side of a split at a moment: what happened from then on is the test.
--
-- The sides are those of cli.split --strategy temporal with the same cutoff.
--
-- reads: interactions(user_id STRING, item_id STRING, weight FLOAT64 = 1, timestamp INT64)
-- writes: interactions(user_id STRING, item_id STRING, weight FLOAT64, timestamp INT64)
-- order: user_id, item_id, timestamp, weight
-- param: part STRING {train|test}: which side
-- param: cutoff INT64: seconds since 1970 UTC, where the test begins
SELECT
  user_id,
  item_id,
  weight,
  timestamp
FROM interactions
WHERE CASE WHEN timestamp >= @cutoff THEN 'test' ELSE 'train' END = @part
