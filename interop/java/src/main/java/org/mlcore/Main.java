package org.mlcore;

import java.io.BufferedOutputStream;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The program {@code java -jar mlcore.jar}. */
final class Main {
  private static final String USAGE =
      "usage: java -jar mlcore.jar COMMAND\n"
          + "  lists DIR [--threads N] < requests.jsonl > predictions.jsonl\n"
          + "  measure DIR [--seconds S] [--threads N] < requests.jsonl\n"
          + "  dump DIR | predict DIR | format | corpus    for the conformance suite\n";
  private static final int BATCH = 256; // lines that a thread takes at a time

  private final OutputStream out =
      new BufferedOutputStream(new FileOutputStream(FileDescriptor.out), 1 << 16);
  private final Lines in = new Lines(System.in);
  private int threads;
  private double seconds = 3;

  private Main() {}

  /** Runs one command. */
  public static void main(String[] arguments) throws Exception {
    System.exit(new Main().run(arguments));
  }

  private int run(String[] arguments) throws Exception {
    String command = arguments.length == 0 ? "" : arguments[0];
    boolean isOfModel = !command.equals("format") && !command.equals("corpus");
    if (arguments.length < (isOfModel ? 2 : 1) || !readFlags(arguments, isOfModel ? 2 : 1)) {
      System.err.print(USAGE);
      return 2;
    }
    StringBuilder text = new StringBuilder();
    int code = 0;
    try {
      switch (command) {
        case "dump":
          code = Adapter.dump(text, arguments[1]) ? 0 : 1;
          write(text.append('\n'));
          break;
        case "predict":
          predict(arguments[1]);
          break;
        case "format":
          for (byte[] line = in.next(); line != null; line = in.next()) {
            Adapter.format(text, line);
            write(text.append('\n'));
          }
          break;
        case "corpus":
          for (byte[] line = in.next(); line != null; line = in.next()) {
            corpus(text, line);
            write(text.append('\n'));
          }
          break;
        case "lists":
          lists(arguments[1]);
          break;
        case "measure":
          measure(arguments[1]);
          break;
        default:
          System.err.print(USAGE);
          code = 2;
      }
    } catch (ModelException e) {
      System.err.println("error: " + e.getMessage());
      text.setLength(0);
      Adapter.refuse(text, e);
      write(text.append('\n'));
      code = 1;
    }
    out.flush();
    return code;
  }

  private boolean readFlags(String[] arguments, int from) {
    try {
      for (int at = from; at < arguments.length; at += 2) {
        if (arguments[at].equals("--threads")) {
          threads = Integer.parseInt(arguments[at + 1]);
        } else if (arguments[at].equals("--seconds")) {
          seconds = Double.parseDouble(arguments[at + 1]);
        } else {
          return false;
        }
      }
      return threads >= 0 && seconds >= 0;
    } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
      return false;
    }
  }

  static Model open(String directory) {
    return Model.open(Path.of(directory));
  }

  private void write(StringBuilder text) throws IOException {
    out.write(text.toString().getBytes(StandardCharsets.UTF_8));
    text.setLength(0);
  }

  private void predict(String directory) throws IOException {
    StringBuilder text = new StringBuilder();
    try (Model model = open(directory)) {
      for (byte[] line = in.next(); line != null; line = in.next()) {
        Adapter.answer(text, model, Request.parse(line));
        write(text.append('\n'));
      }
    }
  }

  /** Answers a line of the corpus, with a model and texts that may be requests. */
  private static void corpus(StringBuilder text, byte[] line) throws Json.Malformed {
    Map<String, Object> object = Json.object(Json.parse(line));
    String directory = (String) object.get("model");
    Adapter.dump(text.append("{\"dump\": "), directory);
    text.append(", \"answers\": [");
    try (Model model = open(directory)) {
      String before = "";
      for (Object request : Json.array(object.get("requests"))) {
        Adapter.answer(text.append(before), model, Request.parse((String) request));
        before = ", ";
      }
    } catch (ModelException e) {
      // Refused on open, as the dump says.
    }
    text.append("]}");
  }

  /** Appends the line that the command lists writes for a request. */
  private static void appendList(StringBuilder text, Model model, Request request) {
    try {
      List<Recommendation> items = request.answer(model);
      Text.appendPrediction(text, request.user != null ? request.user : request.id, items);
    } catch (ModelException e) {
      Adapter.refuse(text, request, e);
      text.append('\n');
    }
  }

  /**
   * Answers batches of lines on many threads, and writes them in order, at once when input waits.
   */
  private void lists(String directory) throws Exception {
    int workers = threads > 0 ? threads : Runtime.getRuntime().availableProcessors();
    ExecutorService pool = Executors.newFixedThreadPool(workers);
    Deque<Future<byte[]>> answers = new ArrayDeque<>();
    try (Model model = open(directory)) {
      List<byte[]> batch = new ArrayList<>();
      byte[] line = in.next();
      while (line != null) {
        batch.add(line);
        boolean isWaiting = !in.isReady();
        if (isWaiting || batch.size() == BATCH) {
          answers.add(pool.submit(new Answers(model, batch)));
          batch = new ArrayList<>();
          writeAnswers(answers, isWaiting ? 0 : 3 * workers);
        }
        line = in.next();
      }
      answers.add(pool.submit(new Answers(model, batch)));
      writeAnswers(answers, 0);
    } finally {
      pool.shutdownNow();
    }
  }

  /**
   * Writes the oldest answers until so many are left; with none left, all that was written is out.
   */
  private void writeAnswers(Deque<Future<byte[]>> answers, int left) throws Exception {
    while (answers.size() > left) {
      out.write(answers.remove().get());
    }
    if (left == 0) {
      out.flush();
    }
  }

  /** The lines that answer some lines. */
  private static final class Answers implements Callable<byte[]> {
    private final Model model;
    private final List<byte[]> lines;

    Answers(Model model, List<byte[]> lines) {
      this.model = model;
      this.lines = lines;
    }

    @Override
    public byte[] call() {
      StringBuilder text = new StringBuilder();
      for (byte[] line : lines) {
        appendList(text, model, Request.parse(line));
      }
      return text.toString().getBytes(StandardCharsets.UTF_8);
    }
  }

  /** Prints how long opening takes, and how many lists come in a second. */
  private void measure(String directory) throws Exception {
    List<Request> requests = new ArrayList<>();
    for (byte[] line = in.next(); line != null; line = in.next()) {
      requests.add(Request.parse(line));
    }
    if (requests.isEmpty()) {
      throw ModelException.request("requests", "at least one", "none").at(Stage.PREDICT);
    }
    long begin = System.nanoTime();
    try (Model model = open(directory)) {
      double opened = since(begin);
      appendList(new StringBuilder(), model, requests.get(0));
      double first = since(begin);
      run(model, requests, seconds / 2);
      begin = System.nanoTime();
      long[] counted = run(model, requests, seconds);
      double taken = since(begin);
      StringBuilder text = new StringBuilder("{\"open\": ").append(opened);
      text.append(", \"first\": ").append(first).append(", \"lists\": ").append(counted[0]);
      text.append(", \"seconds\": ").append(taken).append(", \"bytes\": ").append(counted[1]);
      write(text.append("}\n"));
    }
  }

  private static double since(long begin) {
    return (System.nanoTime() - begin) / 1e9;
  }

  /** Answers requests for so long, and returns the lists and the bytes of all threads. */
  private long[] run(Model model, List<Request> requests, double duration) throws Exception {
    int workers = Math.max(1, threads);
    ExecutorService pool = Executors.newFixedThreadPool(workers);
    List<Future<long[]>> results = new ArrayList<>();
    for (int worker = 0; worker < workers; worker++) {
      int start = (int) ((long) requests.size() * worker / workers);
      results.add(pool.submit(() -> answerFor(model, requests, start, duration)));
    }
    long[] sum = new long[2];
    for (Future<long[]> result : results) {
      sum[0] += result.get()[0];
      sum[1] += result.get()[1];
    }
    pool.shutdown();
    return sum;
  }

  private static long[] answerFor(Model model, List<Request> requests, int start, double duration) {
    long begin = System.nanoTime();
    long[] counted = new long[2];
    StringBuilder text = new StringBuilder();
    for (int at = start; since(begin) < duration; at = (at + 1) % requests.size()) {
      appendList(text, model, requests.get(at));
      counted[0]++;
      counted[1] += text.toString().getBytes(StandardCharsets.UTF_8).length;
      text.setLength(0);
    }
    return counted;
  }
}
