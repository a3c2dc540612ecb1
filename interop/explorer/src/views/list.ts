/** A history that one types, and the list for it. */

import { combobox } from "../combobox.js";
import { checkbox, controls } from "../controls.js";
import { button, copyButton, count, h, visible } from "../dom.js";
import { listing } from "../listing.js";
import type { Model } from "../model.js";
import { fromMoment, toMoment } from "../moments.js";
import { itemName } from "../names.js";
import { type Event, eventsOf, eventsText, paramsOf, settingsOf } from "../requests.js";
import { results } from "../results.js";
import { type Route, address, replace } from "../router.js";

const MOST_OPTIONS = 12;

export function listView(model: Model, route: Route): HTMLElement {
  let events = eventsOf(route);
  let settings = settingsOf(route);
  let final = !model.hasRule || route.params.has("final");
  let timed = events.some((event) => event.time !== undefined);
  let now = route.params.get("now") ?? "";
  const table = h("div");
  const found = results();

  function changed(): void {
    const params = { events: eventsText(events), ...paramsOf(settings) };
    const ofRule = { final: final && model.hasRule ? "1" : "", now };
    replace(address("list", "", { ...params, ...ofRule }));
    show();
  }

  function show(): void {
    if (events.length === 0) {
      found.show(() => Promise.resolve([]));
      return;
    }
    found.show(async () => {
      const moment = toMoment(now);
      const of = { history: events, final, now: moment };
      const list = await model.list(of, settings);
      const copy = copyButton("Copy as JSON Lines", () => model.listText("history", list));
      return [
        h("h2", null, "List"),
        h(
          "p",
          { class: "row status", attributes: { role: "status" } },
          count(list.length, "item"),
          copy,
        ),
        listing(model, list, { shares: true }),
      ];
    });
  }

  function draw(): void {
    table.replaceChildren(
      events.length === 0
        ? h("p", { class: "empty" }, "Add items that somebody took.")
        : eventTable(model, events, timed, (next) => {
            events = next;
            draw();
            changed();
          }),
    );
  }

  draw();
  show();
  return h(
    "section",
    null,
    h("h1", null, "History"),
    h(
      "div",
      { class: "row" },
      combobox<number>({
        label: "Add an item",
        placeholder: model.hasTitles ? "Add an item by id or title" : "Add an item by id",
        suggest: (text) => model.search.find(text, MOST_OPTIONS).positions,
        show: (item) => itemName(model, item),
        pick: (item) => {
          events = [...events, { id: model.id(item), weight: 1 }];
          draw();
          changed();
        },
      }),
    ),
    table,
    controls(
      model,
      settings,
      "history",
      (next) => {
        settings = next;
        changed();
      },
      model.hasRule &&
        checkbox("weights are final", final, (on) => {
          final = on;
          changed();
        }),
      model.hasRule &&
        checkbox("with times", timed, (on) => {
          timed = on;
          draw();
        }),
      model.hasHalfLife &&
        nowField(now, (text) => {
          now = text;
          changed();
        }),
    ),
    found.element,
  );
}

function eventTable(
  model: Model,
  events: readonly Event[],
  timed: boolean,
  change: (events: Event[]) => void,
): HTMLElement {
  const row = (event: Event, at: number) => {
    const name = visible(event.id);
    const replaced = (next: Event) => events.map((one, index) => (index === at ? next : one));
    const weight = h("input", {
      attributes: {
        type: "number",
        min: 0,
        step: "any",
        value: event.weight,
        "aria-label": `Weight of ${name}`,
      },
      on: { change: () => change(replaced({ ...event, weight: weight.valueAsNumber })) },
    });
    const time = h("input", {
      attributes: {
        type: "datetime-local",
        step: 1,
        value: event.time === undefined ? "" : fromMoment(event.time),
        "aria-label": `Time of ${name}, UTC`,
      },
      on: {
        change: () => {
          const moment = toMoment(time.value);
          const { time: _, ...rest } = event;
          change(replaced(moment === undefined ? rest : { ...rest, time: moment }));
        },
      },
    });
    const item = model.find(event.id);
    return h(
      "tr",
      null,
      h(
        "td",
        null,
        item < 0
          ? h("span", null, h("bdi", { class: "id" }, name), " (not in the model)")
          : itemName(model, item),
      ),
      h("td", null, weight),
      timed && h("td", null, time),
      h(
        "td",
        null,
        button("×", () => change(events.filter((_, index) => index !== at)), {
          "aria-label": `Remove ${name}`,
        }),
      ),
    );
  };
  return h(
    "table",
    { class: timed ? "events timed" : "events" },
    h(
      "thead",
      null,
      h(
        "tr",
        null,
        h("th", null, "item"),
        h("th", null, "weight"),
        timed && h("th", null, "time, UTC"),
        h("th", null, h("span", { class: "unseen" }, "remove")),
      ),
    ),
    h("tbody", null, ...events.map(row)),
  );
}

function nowField(now: string, changed: (text: string) => void): HTMLElement {
  const field = h("input", {
    attributes: { type: "datetime-local", step: 1, value: now },
    on: { change: () => changed(field.value) },
  });
  return h("label", { class: "row" }, "Now (UTC)", field);
}
