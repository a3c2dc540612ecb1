/** Items and users by name, as links. */

import type { Model } from "./model.js";
import { h, visible } from "./dom.js";
import { address } from "./router.js";

/** An item: its title, if it has one, and its id. */
export function itemName(model: Model, item: number): HTMLElement {
  const id = visible(model.id(item));
  const title = model.titleOf(item);
  return title === undefined
    ? h("span", { class: "name" }, h("bdi", { class: "id alone" }, id))
    : h(
        "span",
        { class: "name" },
        h("bdi", { class: "title" }, visible(title)),
        " ",
        h("bdi", { class: "id" }, id),
      );
}

/** The same in one line of plain text, for tooltips and labels. */
export function plainName(model: Model, item: number): string {
  return visible(model.titleOf(item) ?? model.id(item));
}

export function itemLink(model: Model, item: number): HTMLAnchorElement {
  const href = address("item", model.id(item));
  return h("a", { class: "to", attributes: { href } }, itemName(model, item));
}

/** Lets the arrow keys walk over the links of a list. */
export function walkable<T extends HTMLElement>(list: T): T {
  list.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const links = [...list.querySelectorAll<HTMLElement>("a.to")];
      const at = links.findIndex((link) => link === document.activeElement);
      const next = links[at + (event.key === "ArrowDown" ? 1 : -1)];
      if (at >= 0 && next !== undefined) {
        event.preventDefault();
        next.focus();
      }
    }
  });
  return list;
}
