-- example_ids: the first users and items of lists and of the ground truth, to see how they are spelled.
--
-- cli.evaluate --engine reads them where the two tables share none, to say why: 0007 is not 7.
--
-- reads: predictions(user_id STRING, item_id STRING)
-- reads: ground_truth(user_id STRING, item_id STRING)
-- writes: ids(source STRING, axis STRING, id STRING)
-- order: source, axis, id
-- param: limit INT64 >= 1 = 100000: how many of each kind
WITH found AS (
  SELECT DISTINCT
    'predictions' AS source,
    'user' AS axis,
    user_id AS id
  FROM predictions
  UNION ALL
  SELECT DISTINCT
    'predictions' AS source,
    'item' AS axis,
    item_id AS id
  FROM predictions
  UNION ALL
  SELECT DISTINCT
    'ground_truth' AS source,
    'user' AS axis,
    user_id AS id
  FROM ground_truth
  UNION ALL
  SELECT DISTINCT
    'ground_truth' AS source,
    'item' AS axis,
    item_id AS id
  FROM ground_truth
),

numbered AS (
  SELECT
    source,
    axis,
    id,
    ROW_NUMBER() OVER (PARTITION BY source, axis ORDER BY id) AS place
  FROM found
)

SELECT
  source,
  axis,
  id
FROM numbered
WHERE place <= @limit
