-- recommend: the best unseen items of each user, by the neighbors of the items in the history.
--
-- The score of a target is the sum over the history of weight x similarity, the weights as FLOAT32 (see
-- sql/train.sql). No engine promises an order of addition, so products are cut into two parts that add up
-- exactly in any: adding 2^20 x the user's greatest product, and taking it off, leaves a multiple of a unit
-- so coarse that sums over histories of up to 2^18 items stay within 53 bits; a ceiling 2^33 times as fine
-- does the same to what was cut off. What is left out is below 2^-66 of the greatest product. So every
-- engine has the same scores, the exact sums rounded once. cli.predict rounds at each addition, which
-- is the same while sums stay within 53 bits, as with weights of 1. Ties go to the smaller id.
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

weighed AS (
  SELECT
    histories.user_id AS user_id,
    histories.item_id AS item_id,
    CASE
      WHEN histories.weight < 1.1754943508222875e-38
        THEN (histories.weight + 9.466330862652142e-30) - 9.466330862652142e-30
      WHEN histories.weight < 3.4028235677973366e38
        THEN histories.weight * 536870913e0 - (histories.weight * 536870913e0 - histories.weight)
    END AS weight
  FROM histories
  JOIN asked ON histories.user_id = asked.user_id
),

products AS (
  SELECT
    weighed.user_id AS user_id,
    neighbors.neighbor_id AS item_id,
    weighed.weight * neighbors.similarity AS product
  FROM weighed
  JOIN neighbors ON weighed.item_id = neighbors.item_id
),

ceilings AS (
  SELECT
    user_id,
    MAX(ABS(product)) * 1048576e0 AS high,
    MAX(ABS(product)) * 1048576e0 / 8589934592e0 AS low
  FROM products
  GROUP BY user_id
),

parts AS (
  SELECT
    products.user_id AS user_id,
    products.item_id AS item_id,
    products.product AS product,
    (products.product + ceilings.high) - ceilings.high AS high,
    ceilings.low AS ceiling
  FROM products
  JOIN ceilings ON products.user_id = ceilings.user_id
),

scores AS (
  SELECT
    user_id,
    item_id,
    SUM(high) + SUM(((product - high) + ceiling) - ceiling) AS score
  FROM parts
  GROUP BY user_id, item_id
),

unseen AS (
  SELECT
    scores.user_id AS user_id,
    scores.item_id AS item_id,
    scores.score AS score
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
