/** Histograms: how many items have how much, on scales by powers of two or ten where that shows more. */

import { count, grouped, h, svg } from "./dom.js";

/** Values from `from` to `to`, both included. */
export interface Bin {
  from: number;
  to: number;
  count: number;
}

const MAX_BINS = 40;

/** Counts integers of at least 0; in bins that double where the greatest is far from the usual. */
export function binsOf(values: ArrayLike<number>): Bin[] {
  let max = 0;
  for (let at = 0; at < values.length; at += 1) {
    max = Math.max(max, values[at] ?? 0);
  }
  const edges = edgesUpTo(max);
  const counts = new Float64Array(edges.length);
  for (let at = 0; at < values.length; at += 1) {
    const value = values[at] ?? 0;
    let low = 0;
    for (let high = edges.length; high - low > 1;) {
      const middle = (low + high) >> 1;
      if ((edges[middle] ?? 0) <= value) {
        low = middle;
      } else {
        high = middle;
      }
    }
    counts[low] = (counts[low] ?? 0) + 1;
  }
  return edges.map((from, at) => ({
    from,
    to: Math.max(from, (edges[at + 1] ?? Math.floor(max) + 1) - 1),
    count: counts[at] ?? 0,
  }));
}

/** Where bins begin: each integer, equal steps, or after 0 steps that grow by the same factor. */
function edgesUpTo(max: number): number[] {
  if (max < MAX_BINS) {
    return Array.from({ length: Math.floor(max) + 1 }, (_, at) => at);
  }
  if (max <= 500) {
    const step = niceStep(max / MAX_BINS);
    return Array.from({ length: Math.floor(max / step) + 1 }, (_, at) => at * step);
  }
  const edges = [0];
  const factor = max ** (1 / MAX_BINS);
  for (let edge = 1; edge <= max; edge = Math.max(edge + 1, Math.round(edge * factor))) {
    edges.push(edge);
  }
  return edges;
}

function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((one) => one * power).find((step) => step >= least && step >= 1) ?? 1;
}

const WIDTH = 400;
const HEIGHT = 230;
const LEFT = 46;
const BOTTOM = 42;
const TOP = 12;

/** A histogram with its table behind it. */
export function histogram(
  title: string,
  axis: string,
  values: ArrayLike<number>,
  noun = "item",
): HTMLElement {
  const bins = binsOf(values);
  const tallest = Math.max(1, ...bins.map((bin) => bin.count));
  const least = Math.min(tallest, ...bins.map((bin) => bin.count || tallest));
  const isLog = tallest / least > 50;
  const plot = { width: WIDTH - LEFT - 8, height: HEIGHT - TOP - BOTTOM };
  const heightOf = (value: number) =>
    value === 0
      ? 0
      : isLog
        ? (plot.height * (Math.log10(value) + 0.25)) / (Math.log10(tallest) + 0.25)
        : (plot.height * value) / tallest;
  const step = plot.width / bins.length;
  const picture = svg("svg", {
    class: "histogram",
    attributes: {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      role: "img",
      "aria-label": `${title}; the table below has the numbers`,
    },
  });
  for (const tick of ticksOf(tallest, isLog)) {
    const y = TOP + plot.height - heightOf(tick);
    picture.append(
      svg("line", { class: "grid", attributes: { x1: LEFT, x2: WIDTH - 8, y1: y, y2: y } }),
      svg(
        "text",
        { attributes: { x: LEFT - 8, y: y + 4, "text-anchor": "end" } },
        tick.toLocaleString("en", { notation: "compact" }),
      ),
    );
  }
  for (const [at, bin] of bins.entries()) {
    const height = heightOf(bin.count);
    picture.append(
      svg(
        "rect",
        {
          class: "column",
          attributes: {
            x: LEFT + at * step + Math.min(1, step * 0.1),
            y: TOP + plot.height - height,
            width: Math.max(0.5, step - Math.min(2, step * 0.2)),
            height,
            rx: Math.min(2, step / 4),
          },
        },
        svg("title", null, `${rangeOf(bin)}: ${count(bin.count, noun)}`),
      ),
    );
  }
  const every = Math.ceil(bins.length / 7);
  for (const [at, bin] of bins.entries()) {
    if (at % every === 0) {
      const x = LEFT + (at + 0.5) * step;
      picture.append(
        svg(
          "text",
          { attributes: { x, y: HEIGHT - BOTTOM + 16, "text-anchor": "middle" } },
          bin.from.toLocaleString("en", { notation: bin.from >= 1e4 ? "compact" : "standard" }),
        ),
      );
    }
  }
  picture.append(
    svg(
      "text",
      {
        class: "axis",
        attributes: { x: LEFT + plot.width / 2, y: HEIGHT - 6, "text-anchor": "middle" },
      },
      axis,
    ),
  );
  const rows = bins.filter((bin) => bin.count > 0);
  return h(
    "figure",
    null,
    h(
      "figcaption",
      null,
      title,
      h("small", null, `${noun}s by ${axis}${isLog ? ", logarithmic height" : ""}`),
    ),
    picture,
    h(
      "details",
      null,
      h("summary", null, "Table"),
      h(
        "table",
        null,
        h("thead", null, h("tr", null, h("th", null, axis), h("th", null, `${noun}s`))),
        h(
          "tbody",
          null,
          ...rows.map((bin) =>
            h("tr", null, h("td", null, rangeOf(bin)), h("td", null, grouped(bin.count))),
          ),
        ),
      ),
    ),
  );
}

function rangeOf({ from, to }: Bin): string {
  const first = grouped(from);
  return from === to ? first : `${first} to ${grouped(to)}`;
}

function ticksOf(tallest: number, isLog: boolean): number[] {
  if (isLog) {
    const powers = Math.floor(Math.log10(tallest));
    return Array.from({ length: powers + 1 }, (_, power) => 10 ** power);
  }
  const step = niceStep(tallest / 5);
  return Array.from({ length: Math.floor(tallest / step) + 1 }, (_, at) => at * step);
}
