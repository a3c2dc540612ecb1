-- extract_events: the rows of a raw log that say who took what, with what each action counts.
--
-- Rows without a user or an item, of actions that have no weight, and from outside the span of time
-- are left out. On a partitioned table the span also decides how much is read and paid for.
--
-- reads: raw_events(user_id STRING NULL, item_id STRING NULL, action STRING NULL, timestamp INT64 NULL)
-- reads: action_weights(action STRING, weight FLOAT64)
-- writes: events(user_id STRING, item_id STRING, weight FLOAT64, timestamp INT64)
-- order: user_id, item_id, timestamp, weight
-- param: begin_time INT64: seconds since 1970 UTC, the first taken
-- param: end_time INT64: seconds since 1970 UTC, the first no longer taken
SELECT
  raw_events.user_id AS user_id,
  raw_events.item_id AS item_id,
  action_weights.weight AS weight,
  raw_events.timestamp AS timestamp
FROM raw_events
JOIN action_weights ON raw_events.action = action_weights.action
WHERE
  raw_events.user_id <> ''
  AND raw_events.item_id <> ''
  AND raw_events.timestamp >= @begin_time
  AND raw_events.timestamp < @end_time
  AND action_weights.weight > 0
