-- split_random: one side of a split in which each interaction is drawn by a hash of its ids.
--
-- An interaction goes to the same side whatever else is in the data, and in every engine: the sides
-- are those of cli.split --strategy random with the same seed.
--
-- reads: interactions(user_id STRING, item_id STRING, weight FLOAT64 = 1, timestamp INT64 NULL)
-- writes: interactions(user_id STRING, item_id STRING, weight FLOAT64, timestamp INT64 NULL)
-- order: user_id, item_id, timestamp, weight
-- param: part STRING {train|test}: which side
-- param: test_fraction FRACTION = 0.2: the chance of each to go to the test
-- param: seed STRING = 0: another seed, another draw
SELECT
  user_id,
  item_id,
  weight,
  timestamp
FROM interactions
WHERE
  CASE
    WHEN SUBSTR(TO_HEX(MD5(CONCAT(user_id, ',', item_id, ',', @seed))), 1, 8) < @test_fraction
      THEN 'test'
    ELSE 'train'
  END = @part
