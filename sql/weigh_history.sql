-- weigh_history: the histories of raw events, by the rule of a model.
--
-- What a training did to the events of its users, as in section 9 of interop/SPEC.md: those of an item are
-- combined, decay with age, and are weighed and rounded to FLOAT32. Items that the model does not have are
-- passed over and count nowhere. An event without a time counts as new. LN, POWER, and sums of weights that
-- are no integers, may differ from those of mlcore in the last bits of a FLOAT64; all else has the same bits.
--
-- SQL cannot refuse what the rule refuses: an item whose latest event is after `now`, or with a weight that
-- FLOAT32 does not hold above 0, gets a weight of NULL, which cli.run_sql does not write.
--
-- reads: events(user_id STRING, item_id STRING, weight FLOAT64 = 1, timestamp INT64 NULL)
-- reads: items(item_id STRING, norm FLOAT64 NULL)
-- reads: length_factors(num_items INT64, factor FLOAT64)
-- writes: histories(user_id STRING, item_id STRING, weight FLOAT64)
-- order: user_id, item_id
-- param: aggregate STRING {sum|max|last|count} = sum: what becomes the weight of several events of an item
-- param: weighting STRING {none|binary|log|tf_idf|bm25} = none: what that weight counts; tf_idf takes the factor of the number of items, bm25 the norm of the item, too
-- param: k1 FLOAT64 >= 0 = 1.2: of bm25
-- param: half_life_days FLOAT64 >= 0 = 0: after so many an event counts half; 0 for no decay
-- param: now FLOAT64 = 0: the time from which events age, in seconds since 1970 UTC; of no account without decay
WITH known_items AS (
  SELECT
    item_id,
    MAX(norm) AS norm
  FROM items
  GROUP BY item_id
),

known_events AS (
  SELECT
    events.user_id AS user_id,
    events.item_id AS item_id,
    events.weight AS weight,
    events.timestamp AS timestamp,
    known_items.norm AS norm,
    ROW_NUMBER() OVER (
      PARTITION BY events.user_id, events.item_id
      ORDER BY COALESCE(events.timestamp, 253402300800) DESC, events.weight DESC
    ) AS age
  FROM events
  JOIN known_items ON events.item_id = known_items.item_id
),

combined AS (
  SELECT
    user_id,
    item_id,
    CASE
      WHEN MAX(-weight) < 0
        THEN
          CASE @aggregate
            WHEN 'sum' THEN SUM(weight)
            WHEN 'max' THEN MAX(weight)
            WHEN 'last' THEN MAX(CASE WHEN age = 1 THEN weight END)
            WHEN 'count' THEN COUNT(*) * 1e0
          END
    END AS weight,
    CASE WHEN COUNT(timestamp) = COUNT(*) THEN @now - MAX(timestamp) ELSE 0e0 END AS seconds,
    MAX(norm) AS norm
  FROM known_events
  GROUP BY user_id, item_id
),

aged AS (
  SELECT
    user_id,
    item_id,
    CASE
      WHEN weight <= 1.7976931348623157e308
        THEN CASE WHEN @weighting = 'binary' THEN 1e0 ELSE weight END
    END AS weight,
    CASE
      WHEN @half_life_days = 0 THEN 0e0
      -- 1100 half-lives leave nothing, and a quotient beyond FLOAT64 is an error in BigQuery
      WHEN seconds / 95040000e0 >= @half_life_days THEN 1100e0
      ELSE seconds / 86400e0 / @half_life_days
    END AS half_lives,
    norm,
    COUNT(*) OVER (PARTITION BY user_id) AS num_items
  FROM combined
),

decayed AS (
  SELECT
    aged.user_id AS user_id,
    aged.item_id AS item_id,
    CASE
      WHEN aged.weight > 0 AND aged.half_lives >= 0
        THEN
          CASE
            WHEN aged.half_lives < 1075 AND LN(aged.weight) / LN(2) - aged.half_lives > -1022
              THEN aged.weight * POWER(2e0, -aged.half_lives)
            -- a product that vanishes is an error in Postgres
            ELSE 2.2250738585072014e-308
          END
    END AS weight,
    aged.half_lives AS half_lives,
    aged.norm AS norm,
    length_factors.factor AS factor
  FROM aged
  LEFT JOIN length_factors ON aged.num_items = length_factors.num_items
),

weighed AS (
  SELECT
    user_id,
    item_id,
    half_lives,
    CASE @weighting
      -- 1 + weight rounds away what the quotient puts back
      WHEN 'log'
        THEN
          CASE
            WHEN weight < 1e-15 THEN weight
            ELSE LN(1 + weight) * (weight / ((1 + weight) - 1))
          END
      WHEN 'tf_idf' THEN weight * factor
      WHEN 'bm25' THEN weight * (@k1 + 1) / (weight + norm) * factor
      ELSE weight
    END AS weight
  FROM decayed
),

rounded AS (
  SELECT
    user_id,
    item_id,
    half_lives,
    weight,
    -- see sql/train.sql
    CASE
      WHEN weight > 0 AND weight < 1.1754943508222875e-38
        THEN (weight + 9.466330862652142e-30) - 9.466330862652142e-30
      WHEN weight < 3.5e38 THEN weight * 536870913e0 - (weight * 536870913e0 - weight)
    END AS single
  FROM weighed
)

SELECT
  user_id,
  item_id,
  CASE
    WHEN single > 0 AND single <= 3.4028234663852886e38 THEN single
    WHEN single = 0 AND weight > 0 AND half_lives > 100 THEN 1.401298464324817e-45
  END AS weight
FROM rounded
