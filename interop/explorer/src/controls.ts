/** The controls of a list: how long, with what the history has, filled, filtered. */

import { h } from "./dom.js";
import { filterPanel } from "./filter.js";
import type { Model } from "./model.js";
import type { Settings } from "./requests.js";

export function checkbox(label: string, checked: boolean, changed: (checked: boolean) => void) {
  const box = h("input", {
    attributes: { type: "checkbox", checked },
    on: { change: () => changed(box.checked) },
  });
  return h("label", { class: "row" }, box, label);
}

/** The controls of settings, and those of the view; of a history may be seen items and popular ones. */
export function controls(
  model: Model,
  settings: Settings,
  of: "history" | "item",
  changed: (settings: Settings) => void,
  ...more: (HTMLElement | false)[]
): HTMLElement {
  let current = settings;
  const change = (part: Partial<Settings>) => {
    current = { ...current, ...part };
    changed(current);
  };
  const length = h("input", {
    attributes: { type: "number", min: 1, step: 1, value: settings.n },
    on: { change: () => change({ n: length.valueAsNumber }) },
  });
  return h(
    "div",
    { class: "controls" },
    h(
      "div",
      { class: "row" },
      h("label", { class: "row" }, "Length", length),
      of === "history" &&
        checkbox("include seen", settings.includeSeen, (on) => change({ includeSeen: on })),
      of === "history" &&
        checkbox("fill with popular", settings.fill, (on) => change({ fill: on })),
      ...more,
    ),
    filterPanel(model, settings.filter, (filter) => change({ filter })),
  );
}
