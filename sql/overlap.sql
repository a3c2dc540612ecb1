-- overlap: how many items of the ground truth are in the lists, and in the training.
--
-- Lists have items of the training only, so others can be no hits. If none is in the training, or,
-- where that is not given, in the lists, the tables do not belong together or spell ids in different
-- ways: cli.evaluate refuses them.
--
-- reads: predictions(item_id STRING)
-- reads: ground_truth(item_id STRING)
-- reads: interactions(item_id STRING)
-- writes: counts(items INT64, listed_items INT64, known_items INT64)
WITH wanted AS (
  SELECT DISTINCT item_id
  FROM ground_truth
),

listed AS (
  SELECT DISTINCT item_id
  FROM predictions
),

known AS (
  SELECT DISTINCT item_id
  FROM interactions
)

SELECT
  COUNT(*) AS items,
  COUNT(listed.item_id) AS listed_items,
  COUNT(known.item_id) AS known_items
FROM wanted
LEFT JOIN listed ON wanted.item_id = listed.item_id
LEFT JOIN known ON wanted.item_id = known.item_id
