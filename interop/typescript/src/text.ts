import type { Item } from "./recommend.js";

/** Returns a number as [PRD-2] writes it: RFC 8785 took the form from this language. */
export function formatNumber(value: number): string {
  return String(value);
}

const ESCAPED = /["\\\u0000-\u001f]/;

/** Returns a string as [PRD-3] writes it; it holds no lone surrogate, as no id does. */
export function formatString(value: string): string {
  return ESCAPED.test(value) ? JSON.stringify(value) : `"${value}"`;
}

/** Returns one line of predictions, with its line feed: [PRD-1] to [PRD-4]. */
export function formatPrediction(userId: string, items: readonly Omit<Item, "index">[]): string {
  let text = `{"user_id": ${formatString(userId)}, "items": [`;
  for (let place = 0; place < items.length; place++) {
    const { id, score, filled, because } = items[place]!;
    text += `${place > 0 ? ", " : ""}{"item_id": ${formatString(id)}, "score": ${formatNumber(score)}`;
    if (filled) text += ', "source": "popularity"';
    if (because) {
      text += ', "because": [';
      for (let part = 0; part < because.length; part++) {
        const { id: source, share } = because[part]!;
        text += `${part > 0 ? ", " : ""}{"item_id": ${formatString(source)}, "share": ${formatNumber(share)}}`;
      }
      text += "]";
    }
    text += "}";
  }
  return `${text}]}\n`;
}
