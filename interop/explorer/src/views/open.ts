/** The first page: where a model comes from. */

import { button, h } from "../dom.js";
import { type Dropped, pickedFiles } from "../dropped.js";

export interface Opening {
  files: (dropped: Dropped) => void;
  url: (url: string) => void;
}

export function openView({ files, url }: Opening): HTMLElement {
  const folder = picker(files, { webkitdirectory: true, "aria-label": "Model directory" });
  const some = picker(files, {
    multiple: true,
    accept: ".zip,.csv",
    "aria-label": "Zip or titles",
  });
  const field = h("input", {
    attributes: {
      type: "text",
      inputmode: "url",
      "aria-label": "URL of a model directory",
      placeholder: "https://host/model/",
    },
  });
  return h(
    "section",
    { class: "open" },
    h("h1", null, "Open a model"),
    h(
      "div",
      { class: "drop" },
      h("p", { class: "big" }, "Drop a model directory here, or a zip of it"),
      h(
        "div",
        { class: "row" },
        button("Choose a directory", () => folder.click(), { class: "primary" }),
        button("Choose a zip", () => some.click()),
      ),
      folder,
      some,
    ),
    h(
      "form",
      {
        class: "row",
        on: {
          submit: (event) => {
            event.preventDefault();
            url(field.value);
          },
        },
      },
      field,
      h("button", { attributes: { type: "submit" } }, "Open from a URL"),
    ),
    h(
      "p",
      { class: "hint" },
      "Nothing leaves this page, and only what is shown is read. Titles come from the attribute ",
      h("code", null, "title"),
      " of the model, or from a CSV file with the columns ",
      h("code", null, "item_id"),
      " and ",
      h("code", null, "title"),
      ", dropped at any time.",
    ),
  );
}

function picker(files: Opening["files"], attributes: Record<string, string | boolean>) {
  const input = h("input", {
    attributes: { type: "file", hidden: true, ...attributes },
    on: {
      change: () => {
        if (input.files !== null && input.files.length > 0) {
          files(pickedFiles(input.files));
        }
        input.value = "";
      },
    },
  });
  return input;
}
