/** Lines that the commands print, for one request each. */
import { atStage } from "./errors.js";
import type { LazyModel, Model } from "./model.js";
import type { Item, Request } from "./recommend.js";
import { parseRequest, type ParsedRequest } from "./request.js";
import { formatPrediction } from "./text.js";

/** Returns JSON with the spaces of the suite's examples. */
export function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(
    ([key, member]) => `${JSON.stringify(key)}: ${spaced(member)}`,
  );
  return `{${members.join(", ")}}`;
}

/** Returns an f64 as its 16 hexadecimal digits. */
function bitsOf(value: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
}

/** Returns the number of 16 hexadecimal digits. */
export function numberOf(bits: string): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${bits}`));
  return view.getFloat64(0);
}

/** The answer to a line: its items, or why it is refused. */
type Answer = { readonly items: Item[]; readonly request: Request } | { readonly error: string };

function refusal(error: unknown): Answer {
  return { error: atStage(error, "predict").verdict };
}

function answer(model: Model, parsed: ParsedRequest): Answer {
  if ("error" in parsed) return refusal(parsed.error);
  try {
    return { items: model.answer(parsed.request), request: parsed.request };
  } catch (error) {
    return refusal(error);
  }
}

/** Returns the answer to a line as the suite compares it. */
export function answerOfSuite(model: Model, line: string | Uint8Array): unknown {
  const parsed = parseRequest(line);
  return shownToSuite(parsed.id, answer(model, parsed));
}

/** As {@link answerOfSuite}, of a model that reads what it needs. */
export async function answerOfSuiteLazily(
  model: LazyModel,
  line: string | Uint8Array,
): Promise<unknown> {
  const parsed = parseRequest(line);
  const { id } = parsed;
  if ("error" in parsed) return shownToSuite(id, refusal(parsed.error));
  const { request } = parsed;
  return shownToSuite(
    id,
    await model.answer(request).then((items) => ({ items, request }), refusal),
  );
}

function shownToSuite(id: string | null, found: Answer): unknown {
  if ("error" in found) return { id, error: found.error };
  const items = found.items.map(({ id: itemId, index, score, filled, because }) => {
    const item = { item_id: itemId, index, bits: bitsOf(score), filled };
    if (!because) return item;
    const shares = because.map((part) => ({
      item_id: part.id,
      index: part.index,
      bits: bitsOf(part.share),
    }));
    return { ...item, because: shares };
  });
  return { id, items };
}

/** Returns the answer to a request as a line of predictions, with its line feed. */
export function predictionOf(model: Model, parsed: ParsedRequest): string {
  const found = answer(model, parsed);
  if ("error" in found) return `${spaced({ id: parsed.id, error: found.error })}\n`;
  return formatPrediction(found.request.user ?? parsed.id!, found.items);
}
