/** One item: what it is, its neighbors with their weights, and the walk that led here. */

import { controls } from "../controls.js";
import { button, copyButton, count, grouped, h, short, visible } from "../dom.js";
import { listing } from "../listing.js";
import type { Model } from "../model.js";
import { fromMoment } from "../moments.js";
import { itemName, plainName } from "../names.js";
import { type Settings, eventsText, paramsOf, settingsOf } from "../requests.js";
import { results } from "../results.js";
import { type Route, address, replace } from "../router.js";

/** The items walked over, the first one first. */
const trail: number[] = [];

export function startWalk(): void {
  trail.length = 0;
}

export function itemView(model: Model, route: Route): HTMLElement {
  const item = model.find(route.id);
  if (item < 0) {
    return h(
      "section",
      null,
      h("h1", null, "No such item"),
      h("p", null, "The model has no item ", h("bdi", { class: "id" }, visible(route.id)), "."),
    );
  }
  step(item);
  let settings = settingsOf(route);
  const found = results();
  const show = () =>
    found.show(async () => {
      const list = await model.list({ item: route.id }, settings);
      const copy = copyButton("Copy as JSON Lines", () => model.similarText(list));
      return [
        h("p", { class: "row status" }, count(list.length, "item"), copy),
        listing(model, list, { shares: false }),
      ];
    });
  show();
  return h(
    "section",
    null,
    walk(model),
    h("h1", null, itemName(model, item)),
    facts(model, item),
    h("h2", null, "Neighbors"),
    controls(model, settings, "item", (next: Settings) => {
      settings = next;
      replace(address("item", route.id, paramsOf(settings)));
      show();
    }),
    found.element,
  );
}

function step(item: number): void {
  const at = trail.indexOf(item);
  if (at >= 0) {
    trail.length = at;
  }
  trail.push(item);
}

const MOST_STEPS = 6;

function walk(model: Model): HTMLElement | null {
  const steps = trail.slice(-MOST_STEPS);
  return steps.length < 2
    ? null
    : h(
        "nav",
        { class: "walk", attributes: { "aria-label": "Walk" } },
        h(
          "ol",
          null,
          trail.length > steps.length && h("li", null, "…"),
          ...steps.map((item, at) => {
            const name = h("bdi", null, plainName(model, item));
            const href = address("item", model.id(item));
            return h(
              "li",
              null,
              at === steps.length - 1
                ? h("span", { attributes: { "aria-current": "page" } }, name)
                : h("a", { attributes: { href } }, name),
            );
          }),
        ),
      );
}

function facts(model: Model, item: number): HTMLElement {
  const id = model.id(item);
  const pairs: [string, string][] = [
    [model.popularityNoun, short(model.popularity[item] ?? 0)],
    ["neighbors", short(model.numNeighbors[item] ?? 0)],
    ["position", grouped(item)],
    ...model.columns.flatMap((column, at): [string, string][] => {
      const value = model.valueOf(at, item);
      return value === undefined || column === "title" ? [] : [[visible(column), visible(value)]];
    }),
  ];
  const { from, until } = model.availability(item);
  if (from !== undefined) {
    pairs.push(["available from", `${fromMoment(from).replace("T", " ")} UTC`]);
  }
  if (until !== undefined) {
    pairs.push(["available until", `${fromMoment(until).replace("T", " ")} UTC`]);
  }
  return h(
    "div",
    { class: "facts" },
    h(
      "dl",
      null,
      ...pairs.map(([name, value]) =>
        h("div", null, h("dt", null, h("bdi", null, name)), h("dd", null, h("bdi", null, value))),
      ),
    ),
    h(
      "div",
      { class: "row" },
      copyButton("Copy id", () => id),
      button("Start a history with it", () => {
        location.hash = address("list", "", { events: eventsText([{ id, weight: 1 }]) });
      }),
    ),
  );
}
