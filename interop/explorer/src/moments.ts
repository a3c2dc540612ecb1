/** Moments: microseconds since 1970 UTC in a model, the text of a `datetime-local` field in the page. */

/** The moment of a field's text, taken as UTC; undefined for an empty one. */
export function toMoment(text: string): bigint | undefined {
  const milliseconds = Date.parse(`${text}Z`);
  return Number.isNaN(milliseconds) ? undefined : BigInt(milliseconds) * 1000n;
}

/** The text of a moment, to the second. */
export function fromMoment(moment: bigint): string {
  return new Date(Number(moment / 1000n)).toISOString().slice(0, 19);
}
