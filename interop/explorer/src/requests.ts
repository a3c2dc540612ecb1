/** What a list depends on, besides whom it is for, as parameters of the address. */

import type { Route } from "./router.js";

/** One event of a history. */
export interface Event {
  id: string;
  weight: number;
  /** Microseconds since 1970 UTC. */
  time?: bigint;
}

/** A filter as requests have it: SPEC.md, section 10. */
export interface Filter {
  any_of?: Record<string, string[]>;
  none_of?: Record<string, string[]>;
  at_most?: Record<string, number>;
  available_at?: bigint;
}

export interface Settings {
  n: number;
  includeSeen: boolean;
  fill: boolean;
  filter: Filter;
}

export const DEFAULTS: Settings = { n: 20, includeSeen: false, fill: false, filter: {} };

/** The settings of an address; what is malformed there is the default. */
export function settingsOf({ params }: Route): Settings {
  const n = Number(params.get("n") ?? DEFAULTS.n);
  return {
    n: Number.isInteger(n) ? n : DEFAULTS.n,
    includeSeen: params.has("seen"),
    fill: params.has("fill"),
    filter: parseJson(params.get("filter"), isFilter) ?? {},
  };
}

/** The parameters of settings; only those that are not the default. */
export function paramsOf({ n, includeSeen, fill, filter }: Settings): Record<string, string> {
  const used = Object.entries(filter).filter(
    ([, value]) => typeof value === "bigint" || Object.keys(value as object).length > 0,
  );
  return {
    n: n === DEFAULTS.n ? "" : String(n),
    seen: includeSeen ? "1" : "",
    fill: fill ? "1" : "",
    filter: used.length === 0 ? "" : toJson(Object.fromEntries(used)),
  };
}

/** The events of an address. */
export function eventsOf({ params }: Route): Event[] {
  const rows = parseJson(params.get("events"), isRows) ?? [];
  return rows.map(([id, weight, time]) =>
    time === undefined ? { id, weight } : { id, weight, time },
  );
}

export function eventsText(events: readonly Event[]): string {
  const rows = events.map(({ id, weight, time }) =>
    time === undefined ? [id, weight] : [id, weight, time],
  );
  return rows.length === 0 ? "" : toJson(rows);
}

// Moments are beyond the integers of a JSON number here: they stand as strings with an n.
function toJson(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === "bigint" ? `${one}n` : one));
}

function parseJson<T>(text: string | null, is: (value: unknown) => value is T): T | undefined {
  try {
    const value: unknown = JSON.parse(text ?? "null", (key, one: unknown) =>
      (key === "available_at" || key === "2") &&
      typeof one === "string" &&
      /^-?\d{1,18}n$/.test(one)
        ? BigInt(one.slice(0, -1))
        : one,
    );
    return is(value) ? value : undefined;
  } catch {
    return undefined; // typed by hand
  }
}

function isRows(value: unknown): value is [string, number, bigint?][] {
  return (
    Array.isArray(value) &&
    value.every(
      (row) =>
        Array.isArray(row) &&
        typeof row[0] === "string" &&
        typeof row[1] === "number" &&
        (row[2] === undefined || typeof row[2] === "bigint"),
    )
  );
}

function isFilter(value: unknown): value is Filter {
  if (!isObject(value)) {
    return false;
  }
  const { any_of = {}, none_of = {}, at_most = {}, available_at = 0n } = value;
  const lists = [any_of, none_of].every(
    (of) => isObject(of) && Object.values(of).every((one) => isStrings(one)),
  );
  const limits =
    isObject(at_most) && Object.values(at_most).every((one) => typeof one === "number");
  return lists && limits && typeof available_at === "bigint";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((one) => typeof one === "string");
}
