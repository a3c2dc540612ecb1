package org.mlcore;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * An open model directory. It gives the same items, in the same order, with the same bits of their
 * scores as every other reader of the format, which {@code interop/SPEC.md} describes.
 *
 * <pre>{@code
 * try (Model model = Model.open(Path.of("model"))) {
 *   for (Recommendation item : model.recommend("u0002", 10)) {
 *     System.out.println(item.itemId() + " " + item.score());
 *   }
 * }
 * }</pre>
 *
 * <p><b>Threads.</b> All methods may be called from many threads at once. A list that is being made
 * when the model is closed is finished; every later call throws {@link IllegalStateException}.
 *
 * <p><b>Memory and time.</b> Opening maps the files, and looks at headers and row offsets only: its
 * time does not grow with the number of stored pairs, and processes that open the same model share
 * its memory. Ids are parsed when first asked for. A request takes twelve bytes for each item of
 * the model, which later requests use again. Java unmaps files when the closed model is collected
 * as garbage.
 *
 * <p><b>Trust.</b> Whatever the bytes are, there is a list or a {@link ModelException}. Opening
 * leaves the values of arrays unread: a bad one that a request meets gives {@link Verdict#CSR}.
 * Call {@link #verify} before using a directory from elsewhere. Files of a model must not be
 * changed in place; if somebody truncates a mapped one, requests give {@link Verdict#IO} from then
 * on. With {@link Mode#READ} all bytes are read on open, and nothing that happens to the files
 * later matters.
 */
public final class Model implements AutoCloseable {
  /** How the bytes of a model come into memory; it changes no result. */
  public enum Mode {
    /** Files are mapped; where the platform cannot, they are read. */
    MAPPED,
    /** Files are read whole on open. */
    READ
  }

  /** All that is open, which goes away at once. */
  private static final class Open {
    final ModelFiles files;
    final IdMap items;
    final IdMap users; // null in a model without users, like histories
    final Matrix histories;
    final Bytes order; // null without order.npz
    final Ranker ranker;
    final HistoryRule rule; // null where every weight is final
    final Catalogue catalogue; // null without one
    final ConcurrentLinkedQueue<Scratch> scratches = new ConcurrentLinkedQueue<>();

    Open(ModelFiles files) {
      this.files = files;
      Manifest manifest = files.manifest;
      items = ids(Manifest.ITEMS, manifest.items);
      ranker = new Ranker(files);
      boolean withUsers = manifest.withUsers();
      users = withUsers ? ids(Manifest.USERS, manifest.users) : null;
      histories = withUsers ? new Matrix(files, Manifest.HISTORIES) : null;
      order = manifest.lists(Manifest.ORDER) ? files.arrays(Manifest.ORDER).get(0) : null;
      rule = manifest.withRule() ? new HistoryRule(files) : null;
      catalogue = manifest.withAttributes() ? new Catalogue(files) : null;
    }

    private IdMap ids(String name, long count) {
      return new IdMap(files.content(name), files.place(name), count);
    }
  }

  private final Path directory;
  private volatile Open open; // null once closed

  private Model(Path directory, Open open) {
    this.directory = directory;
    this.open = open;
  }

  /**
   * Maps a model directory: the manifest, all sizes, headers and row offsets are checked.
   *
   * @throws ModelException if the directory is refused
   */
  public static Model open(Path directory) {
    return open(directory, Mode.MAPPED);
  }

  /**
   * Opens a model directory.
   *
   * @throws ModelException if the directory is refused
   */
  public static Model open(Path directory, Mode mode) {
    return open(directory, mode, Bytes.SEGMENT_BITS);
  }

  static Model open(Path directory, Mode mode, int segmentBits) {
    try {
      return new Model(directory, new Open(new ModelFiles(directory, mode, segmentBits)));
    } catch (ModelException e) {
      throw e.at(Stage.OPEN);
    } catch (InternalError e) { // of reading a mapping
      throw ModelException.io(directory.toString(), "files that stay as they are", "others", e)
          .at(Stage.OPEN);
    }
  }

  private Open opened() {
    Open current = open;
    if (current == null) {
      throw new IllegalStateException("model: expected an open model, got a closed one");
    }
    return current;
  }

  /** Ends the use of the model. Closing twice does no harm. */
  @Override
  public void close() {
    open = null;
  }

  /** Returns the path that the model was opened by. */
  public Path directory() {
    return directory;
  }

  /** Returns the number of users; those of a model without users are those of its training. */
  public int numUsers() {
    return (int) opened().files.manifest.users;
  }

  /** Returns the number of items. */
  public int numItems() {
    return (int) opened().files.manifest.items;
  }

  /** Returns whether the model holds the users of its training and their histories. */
  public boolean withUsers() {
    return opened().users != null;
  }

  /**
   * Checks every byte, index and value of the model: all that opening leaves unread.
   *
   * @throws ModelException if anything is wrong
   */
  public void verify() {
    Open model = opened();
    try {
      model.files.expectUndamaged();
      Verifier.verify(
          model.files,
          model.items,
          model.users,
          model.ranker.similarity(),
          model.histories,
          model.order,
          model.rule,
          model.catalogue);
      model.files.expectWhole();
    } catch (RuntimeException | InternalError e) {
      throw staged(model, e, Stage.VERIFY);
    }
  }

  /**
   * Returns what the conformance suite compares: the digest of each array and of the ids of each
   * map.
   */
  Digests digests() {
    Open model = opened();
    try {
      model.files.expectUndamaged();
      Digests digests = new Digests(model.files);
      digests.addIds(Manifest.ITEMS, model.items);
      if (model.users != null) {
        digests.addIds(Manifest.USERS, model.users);
      }
      if (model.catalogue != null) {
        digests.addIds(Manifest.COLUMNS, model.catalogue.columns);
        digests.addIds(Manifest.VALUES, model.catalogue.values);
      }
      return digests;
    } catch (RuntimeException | InternalError e) {
      throw staged(model, e, Stage.VERIFY);
    }
  }

  /** Returns what to throw for a fault: that of a truncated file, whatever was made of it. */
  private static RuntimeException staged(Open model, Throwable fault, Stage stage) {
    try {
      if (fault instanceof InternalError) {
        model.files.setDamage(model.files.directory.toString());
      }
      model.files.expectWhole();
    } catch (ModelException e) {
      return e.at(stage);
    }
    return fault instanceof ModelException
        ? ((ModelException) fault).at(stage)
        : (RuntimeException) fault;
  }

  /**
   * Returns the best n items for a user of the model, score descending, then position ascending.
   *
   * @throws ModelException if the model does not have the user, or finds a fault
   */
  public List<Recommendation> recommend(String userId, int n) {
    return recommend(userId, n, Options.DEFAULT);
  }

  /** Returns such a list under options; it is shorter than n if there are fewer candidates. */
  public List<Recommendation> recommend(String userId, int n, Options options) {
    return answer(Objects.requireNonNull(userId), null, List.of(), n, options);
  }

  /**
   * Returns the best n items for any history: a new user, a session, a basket. Items that the model
   * does not have are passed over. The events of a user of the training give the list of the user.
   *
   * @throws ModelException if an event is not as it should be, or the model finds a fault
   */
  public List<Recommendation> recommendHistory(List<Event> history, int n) {
    return recommendHistory(history, n, Options.DEFAULT);
  }

  /** Returns such a list under options. */
  public List<Recommendation> recommendHistory(List<Event> history, int n, Options options) {
    return answer(null, null, history, n, options);
  }

  /**
   * Returns the n items that having an item speaks for the most: the list for a history of this
   * item alone, with the final weight 1.
   *
   * @throws ModelException if the model does not have the item, or finds a fault
   */
  public List<Recommendation> similar(String itemId, int n) {
    return similar(itemId, n, Options.DEFAULT);
  }

  /** Returns such a list under options. */
  public List<Recommendation> similar(String itemId, int n, Options options) {
    return answer(null, Objects.requireNonNull(itemId), List.of(), n, options);
  }

  /** Answers for a user, or an item, or else a history. */
  List<Recommendation> answer(
      String user, String item, List<Event> history, int n, Options options) {
    Open model = opened();
    try {
      model.files.expectUndamaged();
      if (n < 1) {
        throw ModelException.request("n", "an integer from 1 to 2147483647", "" + n);
      }
      if (!Times.isMomentOrNone(options.now())) {
        throw ModelException.request("now", "a time of the years 1 to 9999", "" + options.now());
      }
      boolean isFinal = options.finalWeights() || model.rule == null;
      History.check(history, isFinal);
      Catalogue.Gate gate = null;
      ModelException catalogueFault = null;
      try {
        gate = Catalogue.gate(model.catalogue, options.filter());
      } catch (ModelException e) {
        if (e.verdict() == Verdict.REQUEST) {
          throw e;
        }
        catalogueFault = e; // an unknown user or item goes before it
      }
      Scratch s = model.scratches.poll();
      if (s == null) {
        s = new Scratch(model.ranker.similarity().columns);
      }
      if (user != null) {
        takeStored(model, s, user);
      }
      IdMap.Parsed items = model.items.parse();
      if (item != null) {
        takeItem(s, items, item);
      }
      if (catalogueFault != null) {
        throw catalogueFault;
      }
      if (user == null && item == null) {
        History.encode(s, history, items, isFinal ? null : model.rule, options.now());
      }
      model.ranker.rank(s, new Ranker.Limits(items, gate, options), n);
      List<Recommendation> list = toItems(model, s, items, options.explain());
      model.files.expectWhole();
      model.scratches.add(s); // not after a fault, as nobody knows what is in it
      return list;
    } catch (RuntimeException | InternalError e) {
      throw staged(model, e, Stage.PREDICT);
    }
  }

  private static void takeItem(Scratch s, IdMap.Parsed items, String id) {
    int item = items.position(id);
    if (item < 0) {
      throw ModelException.of(
          Verdict.UNKNOWN_ITEM, "", "item", "an item of the model", Json.show(id));
    }
    s.resize(1);
    s.items[0] = item;
    s.weights[0] = 1;
  }

  /** Takes the history of a user, of which opening has not looked at the values. */
  private static void takeStored(Open model, Scratch s, String id) {
    int user = model.users == null ? -1 : model.users.parse().position(id);
    if (user < 0) {
      throw ModelException.of(
          Verdict.UNKNOWN_USER, "", "user", "a user of the model", Json.show(id));
    }
    Matrix histories = model.histories;
    long begin = histories.begin(user);
    int length = histories.length(user);
    s.resize(length);
    histories.indices.copyInts(begin, s.items, length);
    histories.data.copyFloats(begin, s.weights, length);
    boolean isOrdered = model.order != null && model.rule.usesOrder();
    int previous = -1;
    for (int at = 0; at < length; at++) {
      float weight = s.weights[at];
      if (s.items[at] <= previous
          || s.items[at] >= histories.columns
          || !(weight > 0 && weight <= Float.MAX_VALUE)) {
        throw histories.refuseRow();
      }
      previous = s.items[at];
      if (isOrdered) {
        int position = model.order.getInt(begin + at);
        if (position < 1 || position > length) {
          throw ModelException.of(
              Verdict.CSR,
              model.files.place(Manifest.ORDER),
              "",
              "positions from 1 to " + length,
              "" + position);
        }
        s.weights[at] = model.rule.decay(weight, position, length);
      }
    }
  }

  private static List<Recommendation> toItems(
      Open model, Scratch s, IdMap.Parsed ids, boolean explain) {
    List<Recommendation> list = new ArrayList<>(s.list.size);
    for (int at = 0; at < s.list.size; at++) {
      int item = s.list.items[at];
      boolean isFilled = at >= s.filledFrom;
      List<Share> because = null;
      if (explain) {
        because = isFilled ? List.of() : shares(model, s, ids, item);
      }
      list.add(new Recommendation(ids.id(item), item, s.list.scores[at], isFilled, because));
    }
    return Collections.unmodifiableList(list);
  }

  /** Returns the terms of a score, in the order in which they were added up: [REC-11]. */
  private static List<Share> shares(Open model, Scratch s, IdMap.Parsed ids, int item) {
    Matrix similarity = model.ranker.similarity();
    List<Share> shares = new ArrayList<>();
    for (int at = 0; at < s.length; at++) {
      long entry = similarity.find(s.items[at], item);
      if (entry >= 0) {
        double share = (double) s.weights[at] * similarity.data.getFloat(entry);
        shares.add(new Share(ids.id(s.items[at]), s.items[at], share));
      }
    }
    return Collections.unmodifiableList(shares);
  }
}
