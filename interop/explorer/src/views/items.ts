/** All items, by popularity, and the search. */

import { count, grouped, h, short } from "../dom.js";
import type { Model } from "../model.js";
import { itemLink, walkable } from "../names.js";
import { type Route, address, replace } from "../router.js";
import { searchField } from "../searchfield.js";

const MOST_SHOWN = 50;

export function itemsView(model: Model, route: Route): HTMLElement {
  const results = walkable(h("ol", { class: "results" }));
  const status = h("p", { class: "status", attributes: { role: "status" } });
  const field = searchField({
    label: "Search items",
    placeholder: model.hasTitles ? "Search by id or title" : "Search by id",
    results,
    value: route.params.get("q") ?? "",
    asked: (text) => {
      replace(address("items", "", { q: text }));
      draw(text);
    },
  });

  function draw(text: string): void {
    const found = model.search.find(text, MOST_SHOWN);
    results.replaceChildren(...found.positions.map((item) => row(model, item)));
    const cut = found.total > MOST_SHOWN ? `, the first ${MOST_SHOWN} shown` : "";
    status.textContent =
      text.trim() === ""
        ? `${count(found.total, "item")} by popularity${cut}`
        : `${grouped(found.total)} found${cut}`;
  }

  draw(field.value);
  return h("section", null, h("h1", null, "Items"), field, status, head(model), results);
}

function head(model: Model): HTMLElement {
  return h(
    "div",
    { class: "results-head", attributes: { "aria-hidden": "true" } },
    h("span", null, "item"),
    h("span"),
    h("span", { class: "number" }, model.popularityNoun),
    h("span", { class: "number" }, "neighbors"),
  );
}

function row(model: Model, item: number): HTMLElement {
  const share = (model.popularity[item] ?? 0) / Math.max(1, model.maxPopularity);
  return h(
    "li",
    null,
    itemLink(model, item),
    h(
      "span",
      { class: "meter", attributes: { "aria-hidden": "true" } },
      h("span", { style: { width: `${100 * share}%` } }),
    ),
    h(
      "span",
      { class: "number" },
      short(model.popularity[item] ?? 0),
      h("span", { class: "unseen" }, ` ${model.popularityNoun}`),
    ),
    h(
      "span",
      { class: "number" },
      grouped(model.numNeighbors[item] ?? 0),
      h("span", { class: "unseen" }, " neighbors"),
    ),
  );
}
