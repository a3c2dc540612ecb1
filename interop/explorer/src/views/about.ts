/** The model as a whole: counts, histograms, configuration, files; and the check of every byte. */

import { button, bytes, copyButton, count, grouped, h, revealed, visible } from "../dom.js";
import { histogram } from "../histogram.js";
import type { Json, Model } from "../model.js";
import { errorLine } from "../results.js";

export function aboutView(model: Model): HTMLElement {
  const { counts = {} } = asObject(model.manifest);
  const cards = Object.entries(asObject(counts)).map(([name, value]) =>
    h(
      "div",
      null,
      h("dt", null, visible(name.replaceAll("_", " "))),
      h("dd", null, grouped(Number(value))),
    ),
  );
  const { users } = model;
  return h(
    "section",
    null,
    h("h1", null, "Model ", h("bdi", null, visible(model.name))),
    h("dl", { class: "cards" }, ...cards),
    verification(model),
    h(
      "div",
      { class: "figures" },
      histogram("Popularity", model.popularityNoun, model.popularity),
      histogram("Neighbors", "neighbors", model.numNeighbors),
      users && histogram("Histories", "items", users.lengths, "user"),
    ),
    h("h2", null, "Configuration"),
    h("div", { class: "card" }, tree(model.config), raw("config.json", model.configText)),
    h("h2", null, "Manifest"),
    h(
      "div",
      { class: "card" },
      tree(withoutFiles(model.manifest)),
      files(model.manifest),
      raw("manifest.json", model.manifestText),
    ),
  );
}

function verification(model: Model): HTMLElement {
  const progress = h("progress", {
    attributes: { max: 1, value: 0, "aria-label": "Checked", hidden: true },
  });
  const result = h("span", { attributes: { role: "status" } });
  const start = button("Check every byte", () => {
    start.disabled = true;
    progress.hidden = false;
    result.textContent = "";
    model
      .verify((done, total) => (progress.value = total === 0 ? 0 : done / total))
      .then(() => {
        result.textContent = "Every byte, index and value is as it should be.";
        result.className = "good";
      })
      .catch((error: unknown) => result.replaceChildren(errorLine(error)))
      .finally(() => {
        start.disabled = false;
        progress.hidden = true;
      });
  });
  return h("div", { class: "row" }, start, progress, result);
}

/** An object as nested lists of names and values. */
function tree(value: Json): HTMLElement {
  const rows = Object.entries(asObject(value)).map(([key, inner]) =>
    h(
      "div",
      null,
      h("dt", null, h("bdi", null, visible(key))),
      h("dd", null, isObject(inner) ? tree(inner) : h("bdi", null, leaf(inner))),
    ),
  );
  return h("dl", { class: "tree" }, ...rows);
}

function leaf(value: Json): string {
  return visible(typeof value === "string" ? value : JSON.stringify(value));
}

function files(manifest: Json): HTMLElement {
  const { files: listed = {} } = asObject(manifest);
  return h(
    "div",
    { class: "scroll" },
    h(
      "table",
      null,
      h(
        "thead",
        null,
        h("tr", null, ...["file", "size", "arrays", "SHA-256"].map((name) => h("th", null, name))),
      ),
      h(
        "tbody",
        null,
        ...Object.entries(asObject(listed)).map(([name, entry]) => {
          const { bytes: size = 0, sha256 = "", arrays = {} } = asObject(entry);
          return h(
            "tr",
            null,
            h("td", null, visible(name)),
            h(
              "td",
              { class: "number", attributes: { title: count(Number(size), "byte") } },
              bytes(Number(size)),
            ),
            h("td", null, Object.entries(asObject(arrays)).map(arrayText).join(", ")),
            h(
              "td",
              null,
              h("code", { attributes: { title: leaf(sha256) } }, `${leaf(sha256).slice(0, 12)}…`),
            ),
          );
        }),
      ),
    ),
  );
}

function arrayText([name, spec]: [string, Json]): string {
  const { dtype = "", shape = [] } = asObject(spec);
  return visible(`${name} ${leaf(dtype)} ${grouped(Number(asList(shape)[0]))}`);
}

function raw(name: string, text: string): HTMLElement {
  return h(
    "details",
    null,
    h("summary", null, name),
    copyButton("Copy", () => text),
    h("pre", null, revealed(text)),
  );
}

function withoutFiles(manifest: Json): Json {
  const { files: _, counts: __, ...rest } = asObject(manifest);
  return rest;
}

function isObject(value: Json): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function asObject(value: Json | undefined): { [key: string]: Json } {
  return value !== undefined && isObject(value) ? value : {};
}

function asList(value: Json): Json[] {
  return Array.isArray(value) ? value : [];
}
