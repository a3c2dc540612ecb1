-- read_interactions: the interactions as they are, for cli.train to keep as histories.
--
-- reads: interactions(user_id STRING, item_id STRING, weight FLOAT64 = 1, timestamp INT64 NULL)
-- writes: interactions(user_id STRING, item_id STRING, weight FLOAT64, timestamp INT64 NULL)
SELECT
  user_id,
  item_id,
  weight,
  timestamp
FROM interactions
