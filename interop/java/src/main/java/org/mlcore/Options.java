package org.mlcore;

import java.util.List;

/**
 * What a list may hold, and how a history is taken.
 *
 * <pre>{@code
 * Options.DEFAULT.exclude(List.of("a")).fill(true)
 * }</pre>
 *
 * @param include only these items are allowed; null allows all, an empty list none. Unknown ids are
 *     passed over, here and in exclude
 * @param exclude these items are left out
 * @param includeSeen whether the items of the history are allowed as well
 * @param fill whether a short list is completed with the most popular items
 * @param explain whether each item gets what adds up to its score
 * @param filter what the catalogue of the model must say of an item
 * @param finalWeights whether the weights of a history are not to be changed by the model's rule
 * @param now the time from which the rule tells the age of events, in microseconds since 1970 UTC;
 *     for {@link Event#NO_TIME} the reference time of the model, never the clock
 */
public record Options(
    List<String> include,
    List<String> exclude,
    boolean includeSeen,
    boolean fill,
    boolean explain,
    Filter filter,
    boolean finalWeights,
    long now) {
  /** Allows all items but those of the history. */
  public static final Options DEFAULT =
      new Options(null, List.of(), false, false, false, Filter.NONE, false, Event.NO_TIME);

  /** Makes options; the lists are copied. */
  public Options {
    include = include == null ? null : List.copyOf(include);
    exclude = List.copyOf(exclude);
  }

  /** Returns these options with the items that are allowed; null allows all. */
  public Options include(List<String> ids) {
    return new Options(ids, exclude, includeSeen, fill, explain, filter, finalWeights, now);
  }

  /** Returns these options with items to leave out. */
  public Options exclude(List<String> ids) {
    return new Options(include, ids, includeSeen, fill, explain, filter, finalWeights, now);
  }

  /** Returns these options with the items of the history allowed or not. */
  public Options includeSeen(boolean is) {
    return new Options(include, exclude, is, fill, explain, filter, finalWeights, now);
  }

  /** Returns these options with short lists completed or not. */
  public Options fill(boolean is) {
    return new Options(include, exclude, includeSeen, is, explain, filter, finalWeights, now);
  }

  /** Returns these options with scores explained or not. */
  public Options explain(boolean is) {
    return new Options(include, exclude, includeSeen, fill, is, filter, finalWeights, now);
  }

  /** Returns these options with a filter. */
  public Options filter(Filter wanted) {
    return new Options(include, exclude, includeSeen, fill, explain, wanted, finalWeights, now);
  }

  /** Returns these options with the weights of a history final or not. */
  public Options finalWeights(boolean are) {
    return new Options(include, exclude, includeSeen, fill, explain, filter, are, now);
  }

  /** Returns these options with the time that is now. */
  public Options now(long microseconds) {
    return new Options(
        include, exclude, includeSeen, fill, explain, filter, finalWeights, microseconds);
  }
}
