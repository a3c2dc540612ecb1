package org.mlcore;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The lines of the commands of the conformance suite: what CONFORMANCE.md describes. */
final class Adapter {
  private Adapter() {}

  /**
   * Appends what opening and verifying a model gives, without a line feed; returns whether it is
   * good.
   */
  static boolean dump(StringBuilder out, String directory) {
    try (Model model = Main.open(directory)) {
      model.verify();
      Digests digests = model.digests();
      Manifest manifest = digests.manifest;
      out.append("{\"users\": \"").append(manifest.users);
      out.append("\", \"items\": \"").append(manifest.items);
      out.append("\", \"interactions\": \"").append(manifest.interactions);
      out.append("\", \"pairs\": \"").append(manifest.pairs);
      out.append("\", \"with_users\": ").append(manifest.withUsers());
      appendDigests(out.append(", \"arrays\": {"), digests.arrays);
      appendDigests(out.append("}, \"ids\": {"), digests.ids);
      out.append("}}");
      return true;
    } catch (ModelException e) {
      refuse(out, e);
      return false;
    }
  }

  private static void appendDigests(StringBuilder out, Map<String, String> digests) {
    String before = "\"";
    for (Map.Entry<String, String> entry : digests.entrySet()) {
      out.append(before).append(entry.getKey()).append("\": \"");
      out.append(entry.getValue()).append('"');
      before = ", \"";
    }
  }

  /** Appends the verdict on a model. */
  static void refuse(StringBuilder out, ModelException fault) {
    out.append("{\"error\": \"").append(fault.verdict());
    out.append("\", \"stage\": \"").append(fault.stage()).append("\"}");
  }

  /** Appends the answer to a request, without a line feed. */
  static void answer(StringBuilder out, Model model, Request request) {
    List<Recommendation> items;
    try {
      items = request.answer(model);
    } catch (ModelException e) {
      refuse(out, request, e);
      return;
    }
    Text.appendString(out.append("{\"id\": "), request.id);
    out.append(", \"items\": [");
    String before = "";
    for (Recommendation item : items) {
      appendValue(out.append(before), item.itemId(), item.index(), item.score());
      out.append(", \"filled\": ").append(item.filled());
      if (item.because() != null) {
        out.append(", \"because\": [");
        String between = "";
        for (Share share : item.because()) {
          appendValue(out.append(between), share.itemId(), share.index(), share.share());
          out.append('}');
          between = ", ";
        }
        out.append(']');
      }
      out.append('}');
      before = ", ";
    }
    out.append("]}");
  }

  /** Appends the verdict on a request. */
  static void refuse(StringBuilder out, Request request, ModelException fault) {
    out.append("{\"id\": ");
    if (request.id == null) {
      out.append("null");
    } else {
      Text.appendString(out, request.id);
    }
    out.append(", \"error\": \"").append(fault.verdict()).append("\"}");
  }

  private static void appendValue(StringBuilder out, String id, int index, double value) {
    Text.appendString(out.append("{\"item_id\": "), id);
    String bits = Long.toHexString(Double.doubleToRawLongBits(value));
    out.append(", \"index\": ").append(index).append(", \"bits\": \"");
    out.append("0000000000000000", bits.length(), 16).append(bits).append('"');
  }

  /** Appends the value of a line as text, in the form of the command format. */
  static void format(StringBuilder out, byte[] line) {
    StringBuilder text = new StringBuilder();
    try {
      Map<String, Object> object = Json.object(Json.parse(line));
      if (object.get("bits") instanceof String) {
        Text.appendNumber(text, bits(object));
      } else if (object.get("string") instanceof String) {
        Text.appendString(text, (String) object.get("string"));
      } else {
        List<Recommendation> items = new ArrayList<>();
        for (Object item : Json.array(object.get("items"))) {
          items.add(recommendation(Json.object(item)));
        }
        Text.appendPrediction(text, (String) object.get("user_id"), items);
      }
    } catch (Json.Malformed | RuntimeException e) { // a line of another form
      out.append("{\"error\": \"request\"}");
      return;
    }
    Text.appendString(out.append("{\"text\": "), text.toString());
    out.append('}');
  }

  private static Recommendation recommendation(Map<String, Object> item) {
    List<Share> because = null;
    if (item.containsKey("because")) {
      because = new ArrayList<>();
      for (Object value : Json.array(item.get("because"))) {
        Map<String, Object> share = Json.object(value);
        because.add(new Share((String) share.get("item_id"), 0, bits(share)));
      }
    }
    boolean isFilled = (Boolean) item.get("filled");
    return new Recommendation((String) item.get("item_id"), 0, bits(item), isFilled, because);
  }

  private static double bits(Map<String, Object> object) {
    return Double.longBitsToDouble(Long.parseUnsignedLong((String) object.get("bits"), 16));
  }
}
