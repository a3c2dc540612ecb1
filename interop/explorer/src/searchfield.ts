/** A field whose results stand below it: arrow down goes to them, Enter opens the first. */

import { h } from "./dom.js";

export interface Asked {
  label: string;
  placeholder: string;
  /** Has a link `a.to` for each result. */
  results: HTMLElement;
  value: string;
  asked: (text: string) => void;
}

export function searchField({ label, placeholder, results, value, asked }: Asked) {
  const field = h("input", {
    class: "search",
    attributes: {
      type: "search",
      "aria-label": label,
      placeholder,
      value,
      autocomplete: "off",
      spellcheck: "false",
    },
    on: {
      input: () => asked(field.value),
      keydown: (event) => {
        const first = results.querySelector<HTMLAnchorElement>("a.to");
        if (event.key === "ArrowDown") {
          event.preventDefault();
          first?.focus();
        } else if (event.key === "Enter") {
          first?.click();
        }
      },
    },
  });
  results.addEventListener("keydown", (event) => {
    const first = results.querySelector("a.to");
    if (event.key === "ArrowUp" && document.activeElement === first) {
      event.preventDefault();
      field.focus();
    }
  });
  return field;
}
