package org.mlcore;

import java.util.Objects;

/**
 * One event of a history given with a request: an item, what it weighs, and perhaps when it was.
 *
 * <p>A model with a history rule takes raw events, as its training did: an item may stand more than
 * once, and the rule makes the weights. In any other model, and with {@link Options#finalWeights},
 * weights are final: each item stands once, its weight is only rounded to f32, and times count
 * nowhere.
 *
 * @param itemId the item; one that the model does not have is passed over
 * @param weight finite and above 0
 * @param time microseconds since 1970 UTC, of the years 1 to 9999, or {@link #NO_TIME}
 */
public record Event(String itemId, double weight, long time) {
  /** The time of an event that has none; it counts as new. */
  public static final long NO_TIME = Long.MIN_VALUE;

  /** Makes an event with a time. */
  public Event {
    Objects.requireNonNull(itemId);
  }

  /** Makes an event without a time. */
  public Event(String itemId, double weight) {
    this(itemId, weight, NO_TIME);
  }

  /** Makes an event of weight 1 without a time. */
  public Event(String itemId) {
    this(itemId, 1, NO_TIME);
  }
}
