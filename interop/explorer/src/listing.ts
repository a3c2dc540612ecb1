/** A list of items with a bar for each score, and what each item of the history adds to it. */

import { type Piece, REST, bar, scaleOf } from "./bars.js";
import { button, count, grouped, h, score } from "./dom.js";
import type { Item, Model } from "./model.js";
import { itemLink, itemName, plainName, walkable } from "./names.js";

type Shares = NonNullable<Item["because"]>;

const COLORS = 8;
const STEP = 100;

/** What a list shows beside its items. */
export interface Look {
  /** One colour for each item of the history, with a legend; else the whole score is one piece. */
  shares: boolean;
}

export function listing(model: Model, list: readonly Item[], look: Look): HTMLElement {
  if (list.length === 0) {
    return h("p", { class: "empty" }, "The list is empty.");
  }
  const colorOf = look.shares ? colors(list) : new Map<number, number>();
  const bars = list.map((one) =>
    look.shares ? pieces(model, one.because ?? [], colorOf) : whole(one),
  );
  const scale = scaleOf(bars);
  const rows = walkable(h("ol", { class: look.shares ? "listing explained" : "listing" }));
  const more = button("", () => show(rows.childElementCount + STEP), { class: "more-rows" });

  function show(upTo: number): void {
    for (let at = rows.childElementCount; at < Math.min(upTo, list.length); at += 1) {
      const one = list[at];
      if (one !== undefined) {
        rows.append(row(model, one, bar(bars[at] ?? [], scale), look, colorOf));
      }
    }
    const left = list.length - rows.childElementCount;
    more.hidden = left === 0;
    more.textContent = `Show ${Math.min(STEP, left)} of ${grouped(left)} more`;
  }

  show(STEP);
  return h("div", null, look.shares && legend(model, colorOf), rows, more);
}

function row(
  model: Model,
  one: Item,
  drawn: HTMLElement,
  look: Look,
  colorOf: Map<number, number>,
): HTMLElement {
  const result = h(
    "li",
    null,
    itemLink(model, one.index),
    one.filled ? h("span", { class: "tag" }, "popular") : drawn,
    score(one.score),
  );
  const { because = [] } = one;
  if (look.shares && because.length > 0) {
    const name = plainName(model, one.index);
    const open = button("Why", toggle, {
      class: "why",
      "aria-expanded": "false",
      "aria-label": `Why ${name}`,
    });
    result.append(open);
    function toggle(): void {
      const isOpen = open.getAttribute("aria-expanded") === "true";
      open.setAttribute("aria-expanded", String(!isOpen));
      if (isOpen) {
        result.lastElementChild?.remove();
      } else {
        result.append(reasons(model, because, colorOf));
      }
    }
  }
  return result;
}

/** All the shares of one score, which add up to it from the first to the last. */
function reasons(model: Model, because: Shares, colorOf: Map<number, number>): HTMLElement {
  return h(
    "table",
    { class: "reasons" },
    h(
      "caption",
      null,
      `Added from the first to the last, ${count(because.length, "share")} give the score.`,
    ),
    h(
      "tbody",
      null,
      ...because.map(({ index, share }) =>
        h(
          "tr",
          null,
          h("td", null, swatch(colorOf.get(index) ?? REST), itemName(model, index)),
          h("td", { class: "number" }, score(share)),
        ),
      ),
    ),
  );
}

function whole(one: Item): Piece[] {
  return [{ value: one.score, color: 0, label: "" }];
}

function pieces(model: Model, because: Shares, colorOf: Map<number, number>): Piece[] {
  const known = because
    .filter(({ index }) => colorOf.has(index))
    .sort((one, other) => (colorOf.get(one.index) ?? 0) - (colorOf.get(other.index) ?? 0));
  const rest = because.filter(({ index }) => !colorOf.has(index));
  return [...known, ...rest].map(({ index, share }) => ({
    value: share,
    color: colorOf.get(index) ?? REST,
    label: plainName(model, index),
  }));
}

/** Colours for the items of the history that add most to the list. */
function colors(list: readonly Item[]): Map<number, number> {
  const sums = new Map<number, number>();
  for (const { index, share } of list.flatMap(({ because = [] }) => because)) {
    sums.set(index, (sums.get(index) ?? 0) + Math.abs(share));
  }
  const greatest = [...sums].sort((one, other) => other[1] - one[1]).slice(0, COLORS);
  return new Map(greatest.map(([index], color) => [index, color]));
}

function legend(model: Model, colorOf: Map<number, number>): HTMLElement {
  return h(
    "ul",
    { class: "legend", attributes: { "aria-label": "Colours of the items of the history" } },
    ...[...colorOf].map(([index, color]) =>
      h("li", null, swatch(color), h("bdi", null, plainName(model, index))),
    ),
    colorOf.size === COLORS && h("li", null, swatch(REST), "others"),
  );
}

function swatch(color: number): HTMLElement {
  return h("span", { class: `swatch color-${color}`, attributes: { "aria-hidden": "true" } });
}
