-- coverage: how widely the lists spread over the items of the training, at one cutoff.
--
-- The numbers of cli.evaluate --model-dir: the share of items in any list, the Gini index of how often
-- items are listed, and the novelty, the mean of -log2(users of the item / all users) over all listed
-- items, in bits. Lists of users without ground truth are passed over. `unknown_items` counts listed
-- items that the training does not have: there should be none. Without training the coverage is NULL.
--
-- reads: predictions(user_id STRING, item_id STRING, position INT64)
-- reads: ground_truth(user_id STRING)
-- reads: interactions(user_id STRING, item_id STRING)
-- writes: metrics(coverage FLOAT64 NULL, gini FLOAT64, novelty FLOAT64, unknown_items INT64)
-- param: cutoff INT64 >= 1 = 10: how many of each list count
WITH taken AS (
  SELECT DISTINCT
    user_id,
    item_id
  FROM interactions
),

popularity AS (
  SELECT
    item_id,
    COUNT(*) AS users
  FROM taken
  GROUP BY item_id
),

totals AS (
  SELECT
    COUNT(DISTINCT user_id) AS users,
    COUNT(DISTINCT item_id) AS items
  FROM taken
),

known_users AS (
  SELECT DISTINCT user_id
  FROM ground_truth
),

listings AS (
  SELECT
    predictions.item_id AS item_id,
    COUNT(*) AS lists
  FROM predictions
  JOIN known_users ON predictions.user_id = known_users.user_id
  WHERE predictions.position <= @cutoff
  GROUP BY predictions.item_id
),

unknown AS (
  SELECT COUNT(*) AS items
  FROM listings
  LEFT JOIN popularity ON listings.item_id = popularity.item_id
  WHERE popularity.item_id IS NULL
),

catalogue AS (
  SELECT
    popularity.users AS users,
    COALESCE(listings.lists, 0) AS lists,
    ROW_NUMBER() OVER (ORDER BY COALESCE(listings.lists, 0), popularity.item_id) AS place
  FROM popularity
  LEFT JOIN listings ON popularity.item_id = listings.item_id
),

sums AS (
  SELECT
    SUM(CASE WHEN catalogue.lists > 0 THEN 1 ELSE 0 END) AS listed_items,
    SUM(catalogue.lists) AS lists,
    SUM((2 * catalogue.place - totals.items - 1) * catalogue.lists) AS spread,
    SUM(catalogue.lists * (LN(totals.users * 1e0 / catalogue.users) / LN(2))) AS bits,
    MAX(totals.items) AS items
  FROM catalogue
  CROSS JOIN totals
)

SELECT
  sums.listed_items * 1e0 / sums.items AS coverage,
  CASE WHEN sums.lists > 0 THEN sums.spread * 1e0 / (sums.items * sums.lists) ELSE 0e0 END AS gini,
  CASE WHEN sums.lists > 0 THEN sums.bits / sums.lists ELSE 0e0 END AS novelty,
  unknown.items AS unknown_items
FROM sums
CROSS JOIN unknown
