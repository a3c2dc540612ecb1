/** Scores as bars around one zero: negative to its left, positive to its right, shares side by side. */

import { exact, h } from "./dom.js";

/** A piece of a bar: a share of a score, or a whole weight. */
export interface Piece {
  value: number;
  /** The number of a colour, 0 to 8; 8 is that of the rest. */
  color: number;
  label: string;
}

export interface Scale {
  min: number;
  max: number;
}

export const REST = 8;

/** The scale on which all the bars of a list fit. */
export function scaleOf(bars: readonly (readonly Piece[])[]): Scale {
  const scale = { min: 0, max: 0 };
  for (const pieces of bars) {
    scale.min = Math.min(scale.min, sum(pieces, -1));
    scale.max = Math.max(scale.max, sum(pieces, 1));
  }
  return scale;
}

function sum(pieces: readonly Piece[], sign: number): number {
  return pieces.reduce((all, piece) => (piece.value * sign > 0 ? all + piece.value : all), 0);
}

/** One bar; for those who do not see it, it is nothing: the number stands beside it. */
export function bar(pieces: readonly Piece[], { min, max }: Scale): HTMLElement {
  const width = max - min || 1;
  const ends = { left: 0, right: 0 };
  const shown = pieces.map(({ value, color, label }) => {
    const from = value < 0 ? (ends.left += value) : ends.right;
    if (value > 0) {
      ends.right += value;
    }
    return h("span", {
      class: `piece color-${color}${value < 0 ? " negative" : ""}`,
      style: {
        left: `${(100 * (from - min)) / width}%`,
        width: `${(100 * Math.abs(value)) / width}%`,
      },
      attributes: { title: label === "" ? exact(value) : `${label}: ${exact(value)}` },
    });
  });
  const zero = h("span", { class: "zero", style: { left: `${(-100 * min) / width}%` } });
  return h(
    "div",
    { class: "bar", attributes: { "aria-hidden": "true" } },
    ...shown,
    min < 0 && zero,
  );
}
