/** Where one is, as the part of the address behind `#`, so that back, forward and links work. */

export type View = "open" | "items" | "item" | "list" | "user" | "model";

export interface Route {
  view: View;
  /** Of the item or user. */
  id: string;
  params: URLSearchParams;
}

const VIEWS: ReadonlySet<string> = new Set<View>([
  "open",
  "items",
  "item",
  "list",
  "user",
  "model",
]);

/** Reads the part behind `#`; what is no route is the list of items. */
export function parse(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [view = "", id = ""] = path.split("/", 2);
  return {
    view: VIEWS.has(view) ? (view as View) : "items",
    id: decode(id),
    params: new URLSearchParams(query),
  };
}

/** The address of a route; an empty parameter is left out. */
export function address(view: View, id = "", params: Record<string, string> = {}): string {
  const query = new URLSearchParams(Object.entries(params).filter(([, value]) => value !== ""));
  const path = id === "" ? view : `${view}/${encodeURIComponent(id)}`;
  return `#/${path}${query.size > 0 ? `?${query.toString()}` : ""}`;
}

/** Changes the address without a step in the history of the browser, and without a new view. */
export function replace(to: string): void {
  history.replaceState(null, "", to);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // typed by hand
  }
}
