import { badRequest, show } from "./errors.js";
import type { ByColumn, Filter } from "./filter.js";
import {
  decodeUtf8,
  JsonError,
  JsonNumber,
  parseJson,
  type Json,
  type JsonObject,
} from "./json.js";
import type { HistoryEvent, HistoryOptions, Options, Request } from "./recommend.js";
import type { Microseconds } from "./times.js";

/** A line of requests: its id, null if none can be read, and the request or why it is refused. */
export type ParsedRequest =
  | { readonly id: string | null; readonly request: Request }
  | { readonly id: string | null; readonly error: Error };

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads a request as CONFORMANCE.md writes it, whatever stands in the line. */
export function parseRequest(line: string | Uint8Array): ParsedRequest {
  let id: string | null = null;
  try {
    const value = parseJson(typeof line === "string" ? line : decodeUtf8(line));
    if (!(value instanceof Map)) throw badRequest("", "a JSON object", shown(value));
    const found = value.get("id");
    if (typeof found !== "string") throw badRequest("id", "a string", shown(found));
    id = found;
    return { id, request: readRequest(value) };
  } catch (error) {
    if (error instanceof JsonError)
      return { id, error: badRequest("", "a JSON object", error.message) };
    return { id, error: error as Error };
  }
}

function shown(value: Json | undefined): unknown {
  return value instanceof JsonNumber ? value.text : value;
}

function readRequest(object: JsonObject): Request {
  const request: Mutable<Request> = { n: countOf(object.get("n"), "n"), ...readOptions(object) };
  const user = object.get("user");
  const item = object.get("item");
  const history = object.get("history");
  if (user !== undefined) request.user = stringOf(user, "user");
  if (item !== undefined) request.item = stringOf(item, "item");
  if (history !== undefined) request.history = arrayOf(history, "history").map(readEvent);
  return request;
}

function readOptions(object: JsonObject): HistoryOptions {
  const options: Mutable<HistoryOptions> = {};
  for (const key of ["include", "exclude"] as const) {
    const value = object.get(key);
    if (value !== undefined) options[key] = stringsOf(value, key);
  }
  const flags: [string, "includeSeen" | "fill" | ("explain" & keyof Options)][] = [
    ["include_seen", "includeSeen"],
    ["fill", "fill"],
    ["explain", "explain"],
  ];
  for (const [key, option] of flags) {
    const value = object.get(key);
    if (value === undefined) continue;
    if (typeof value !== "boolean") throw badRequest(key, "true or false", shown(value));
    options[option] = value;
  }
  const weights = object.get("weights");
  if (weights !== undefined) {
    if (weights !== "events" && weights !== "final")
      throw badRequest("weights", '"events" or "final"', shown(weights));
    options.weights = weights;
  }
  const now = object.get("now");
  if (now !== undefined) options.now = timeOf(now, "now");
  const filter = object.get("filter");
  if (filter !== undefined) options.filter = readFilter(filter);
  return options;
}

function readEvent(value: Json): HistoryEvent {
  const event = arrayOf(value, "history");
  const [id, weight, time] = event;
  if (
    event.length < 2 ||
    event.length > 3 ||
    typeof id !== "string" ||
    !(weight instanceof JsonNumber)
  ) {
    throw badRequest("history", "arrays of an id, a weight and perhaps a time", show(event));
  }
  const known = { id, weight: weight.value };
  return time === undefined ? known : { ...known, time: timeOf(time, "history") };
}

function readFilter(value: Json): Filter {
  const filter: Mutable<Filter> = {};
  for (const [key, part] of objectOf(value, "filter")) {
    if (key === "any_of") filter.anyOf = columnsOf(part, key, stringsOf);
    else if (key === "none_of") filter.noneOf = columnsOf(part, key, stringsOf);
    else if (key === "at_most") filter.atMost = columnsOf(part, key, countOf);
    else if (key === "available_at") filter.availableAt = timeOf(part, key);
    else throw badRequest("filter", "only any_of, none_of, available_at and at_most", key);
  }
  return filter;
}

function columnsOf<T>(
  value: Json,
  key: string,
  take: (value: Json, key: string) => T,
): ByColumn<T> {
  return new Map([...objectOf(value, key)].map(([column, part]) => [column, take(part, key)]));
}

function objectOf(value: Json, key: string): JsonObject {
  if (!(value instanceof Map)) throw badRequest(key, "an object", shown(value));
  return value;
}

function arrayOf(value: Json, key: string): Json[] {
  if (!Array.isArray(value)) throw badRequest(key, "an array", shown(value));
  return value;
}

function stringOf(value: Json, key: string): string {
  if (typeof value !== "string") throw badRequest(key, "a string", shown(value));
  return value;
}

function stringsOf(value: Json, key: string): string[] {
  return arrayOf(value, key).map((item) => stringOf(item, key));
}

/** Returns an integer; whether it is in its range is for the model to say. */
function countOf(value: Json | undefined, key: string): number {
  const integer = value instanceof JsonNumber ? value.integer : undefined;
  if (integer === undefined) throw badRequest(key, "an integer from 1 to 2147483647", shown(value));
  return Number(integer);
}

function timeOf(value: Json, key: string): Microseconds {
  const integer = value instanceof JsonNumber ? value.integer : undefined;
  if (integer === undefined) throw badRequest(key, "whole microseconds", shown(value));
  return integer;
}
