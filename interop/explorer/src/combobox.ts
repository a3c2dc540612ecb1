/** A field that completes what is typed: the combobox of WAI-ARIA 1.2 with a list of options. */

import { h } from "./dom.js";

export interface Completion<T> {
  /** Of the field, for those who do not see it. */
  label: string;
  placeholder: string;
  /** What fits a text, the best first. */
  suggest: (text: string) => T[];
  /** One option as it is shown. */
  show: (option: T) => HTMLElement;
  /** Called with what is picked; the field is empty by then. */
  pick: (option: T) => void;
}

let boxes = 0;

export function combobox<T>(of: Completion<T>): HTMLElement {
  boxes += 1;
  const listId = `options-${boxes}`;
  let options: T[] = [];
  let active = -1;
  const input = h("input", {
    attributes: {
      type: "text",
      role: "combobox",
      "aria-label": of.label,
      "aria-expanded": "false",
      "aria-controls": listId,
      "aria-autocomplete": "list",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: of.placeholder,
    },
  });
  const list = h("ul", {
    class: "options",
    attributes: { id: listId, role: "listbox", "aria-label": of.label, hidden: true },
  });

  function close(): void {
    list.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }

  function activate(to: number): void {
    active = to;
    for (const [at, item] of [...list.children].entries()) {
      item.setAttribute("aria-selected", String(at === to));
      if (at === to) {
        item.scrollIntoView({ block: "nearest" });
      }
    }
    input.setAttribute("aria-activedescendant", `${listId}-${to}`);
  }

  function open(): void {
    options = of.suggest(input.value);
    list.replaceChildren(
      ...options.map((option, at) =>
        h(
          "li",
          {
            attributes: { id: `${listId}-${at}`, role: "option", "aria-selected": "false" },
            // Not click: the field would lose the focus, and close the list, before.
            on: {
              mousedown: (event) => {
                event.preventDefault();
                choose(option);
              },
            },
          },
          of.show(option),
        ),
      ),
    );
    list.hidden = options.length === 0;
    input.setAttribute("aria-expanded", String(options.length > 0));
    active = -1;
    if (options.length > 0 && input.value !== "") {
      activate(0);
    }
  }

  function choose(option: T): void {
    input.value = "";
    close();
    of.pick(option);
  }

  input.addEventListener("input", open);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const chosen = options[active];
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (list.hidden) {
        open();
      }
      const step = event.key === "ArrowDown" ? 1 : -1;
      if (options.length > 0) {
        activate((Math.max(active, step > 0 ? -1 : 0) + step + options.length) % options.length);
      }
    } else if (event.key === "Enter" && !list.hidden && chosen !== undefined) {
      event.preventDefault();
      choose(chosen);
    } else if (event.key === "Escape" && !list.hidden) {
      event.preventDefault();
      close();
    }
  });
  return h("div", { class: "combobox" }, input, list);
}
