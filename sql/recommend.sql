-- recommend: the best unseen items of each user, by the neighbors of the items in the history.
--
-- The score of a target is the sum over the history of weight x similarity. Each product is rounded to
-- a multiple of 2^-40 of the user's greatest one, so that sums are exact and no order of addition changes
-- them: every engine gives the same scores. Given the similarities of a model, which are float32, they
-- are within 2^-41 x items of the history of what cli.predict gives, relative to the greatest product;
-- those of sql/train.sql have more digits. Ties go to the smaller id.
--
-- reads: neighbors(item_id STRING, neighbor_id STRING, similarity FLOAT64)
-- reads: histories(user_id STRING, item_id STRING, weight FLOAT64 = 1)
-- reads: users(user_id STRING)
-- writes: recommendations(user_id STRING, item_id STRING, score FLOAT64, position INT64)
-- order: user_id, position
-- param: n INT64 >= 1 = 10: the length of the lists
WITH asked AS (
  SELECT DISTINCT user_id
  FROM users
),

products AS (
  SELECT
    histories.user_id,
    neighbors.neighbor_id AS item_id,
    histories.weight * neighbors.similarity AS product
  FROM histories
  JOIN asked ON histories.user_id = asked.user_id
  JOIN neighbors ON histories.item_id = neighbors.item_id
),

greatest_products AS (
  SELECT
    user_id,
    MAX(ABS(product)) AS product
  FROM products
  GROUP BY user_id
),

scores AS (
  SELECT
    products.user_id,
    products.item_id,
    SUM(FLOOR(products.product / greatest_products.product * 1099511627776e0 + 5e-1))
    / 1099511627776e0 * MAX(greatest_products.product) AS score
  FROM products
  JOIN greatest_products ON products.user_id = greatest_products.user_id
  GROUP BY products.user_id, products.item_id
),

unseen AS (
  SELECT
    scores.user_id,
    scores.item_id,
    scores.score
  FROM scores
  LEFT JOIN histories
    ON scores.user_id = histories.user_id AND scores.item_id = histories.item_id
  WHERE histories.user_id IS NULL
),

ranked AS (
  SELECT
    user_id,
    item_id,
    score,
    ROW_NUMBER() OVER (PARTITION BY user_id ORDER BY score DESC, item_id) AS position
  FROM unseen
)

SELECT
  user_id,
  item_id,
  score,
  position
FROM ranked
WHERE position <= @n
