/** The part of a view that waits for the model, and shows what came of it, or the one error. */

import { h } from "./dom.js";

export interface Results {
  element: HTMLElement;
  /** Does some work and shows its elements; what an earlier call still brings is dropped. */
  show: (work: () => Promise<Node[]>) => void;
}

export function results(): Results {
  const element = h("div", { class: "found" });
  let last = 0;
  return {
    element,
    show: (work) => {
      last += 1;
      const mine = last;
      element.setAttribute("aria-busy", "true");
      work()
        .catch((error: unknown) => [errorLine(error)])
        .then((nodes) => {
          if (mine === last) {
            element.replaceChildren(...nodes);
            element.setAttribute("aria-busy", "false");
          }
        })
        .catch(reportError);
    },
  };
}

/** An error in one line, as text. */
export function errorLine(error: unknown): HTMLElement {
  const text = error instanceof Error ? error.message : String(error);
  return h("p", { class: "error", attributes: { role: "alert" } }, text);
}
