/** The page: opens a model, and shows the view that the address names. */

import { h, visible } from "./dom.js";
import { type Dropped, filesOf, sort } from "./dropped.js";
import { FilesSource, UrlSource, openZip } from "../../typescript/src/index.js";
import { Model } from "./model.js";
import { errorLine } from "./results.js";
import { type View, address, parse } from "./router.js";
import { parseTitles } from "./titles.js";
import { aboutView } from "./views/about.js";
import { itemView, startWalk } from "./views/item.js";
import { itemsView } from "./views/items.js";
import { listView } from "./views/list.js";
import { openView } from "./views/open.js";
import { userView } from "./views/user.js";

const main = h("main", { attributes: { id: "main", tabindex: -1 } });
const header = h("header");
const message = h("div", { class: "message" });
let model: Model | undefined;
let titles: Map<string, string> | undefined;

/** Shows the view of the address. */
function show(): void {
  const route = parse(location.hash);
  if (route.view !== "item") {
    startWalk();
  }
  const view =
    model === undefined || route.view === "open"
      ? openView({ files: (dropped) => void open(dropped), url: (url) => void openAt(url) })
      : viewOf(model, route.view);
  main.replaceChildren(view);
  drawHeader(route.view);
  const title = view.querySelector("h1");
  document.title = `${title?.textContent ?? ""} · mlcore`;
  scrollTo(0, 0);
  const field = view.querySelector<HTMLElement>("input.search");
  title?.setAttribute("tabindex", "-1");
  (field ?? title)?.focus({ preventScroll: true });
}

function viewOf(shown: Model, view: View): HTMLElement {
  const route = parse(location.hash);
  switch (view) {
    case "item":
      return itemView(shown, route);
    case "list":
      return listView(shown, route);
    case "user":
      return userView(shown, route);
    case "model":
      return aboutView(shown);
    default:
      return itemsView(shown, route);
  }
}

const TABS: [View, string][] = [
  ["items", "Items"],
  ["user", "Users"],
  ["list", "History"],
  ["model", "Model"],
];

function drawHeader(current: View): void {
  const here = current === "item" ? "items" : current;
  header.replaceChildren(
    h(
      "a",
      { class: "skip", attributes: { href: "#main" }, on: { click: skip } },
      "Skip to the content",
    ),
    h("span", { class: "brand" }, "mlcore ", h("span", null, "explorer")),
  );
  if (model !== undefined) {
    const tabs = TABS.filter(([view]) => view !== "user" || model?.users !== undefined);
    header.append(
      h(
        "nav",
        { attributes: { "aria-label": "Views" } },
        ...tabs.map(([view, text]) =>
          h(
            "a",
            { attributes: { href: address(view), "aria-current": view === here && "page" } },
            text,
          ),
        ),
      ),
      h(
        "span",
        { class: "model" },
        h("bdi", null, visible(model.name)),
        h("a", { attributes: { href: address("open") } }, "Open another"),
      ),
    );
  }
}

function skip(event: MouseEvent): void {
  event.preventDefault(); // the part behind # is the view's
  main.focus();
}

/** Opens what was dropped or picked: a model, titles, or both. */
async function open(dropped: Dropped | Promise<Dropped>): Promise<void> {
  await attempt(async () => {
    const { folder, zip, tables, name } = sort(await dropped);
    const [table] = tables;
    if (table !== undefined) {
      titles = parseTitles(await table.text(), table.name);
    }
    if (folder !== undefined) {
      await become(await Model.open(new FilesSource(folder, name), name));
    } else if (zip !== undefined) {
      await become(await Model.open(await openZip(zip, name), name));
    } else if (table !== undefined && model !== undefined) {
      entitle(model);
      show();
    } else if (table === undefined) {
      throw new Error("expected a directory with manifest.json, or a zip of one, got neither");
    }
  });
}

async function openAt(url: string): Promise<void> {
  await attempt(async () => {
    const at = new URL(url, document.baseURI);
    await become(await Model.open(new UrlSource(at), nameOf(at)));
  });
}

async function become(next: Model): Promise<void> {
  const former = model;
  entitle(next);
  model = next;
  if (parse(location.hash).view === "open") {
    history.replaceState(null, "", address("items"));
  }
  show();
  await former?.close();
}

function nameOf(url: URL): string {
  const folder = url.pathname.split("/").filter(Boolean).at(-1) ?? url.host;
  try {
    return decodeURIComponent(folder);
  } catch {
    return folder;
  }
}

/** Gives a model the titles of a table. */
function entitle(named: Model): void {
  if (titles !== undefined) {
    named.setTitles(titles);
  }
}

/** Does some work; what goes wrong is shown in one line, and what was there stays. */
async function attempt(work: () => Promise<void>): Promise<void> {
  message.replaceChildren();
  document.body.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    message.replaceChildren(errorLine(error));
  }
  document.body.removeAttribute("aria-busy");
}

async function begin(): Promise<void> {
  const query = new URLSearchParams(location.search);
  const url = query.get("url");
  const table = query.get("titles");
  if (table !== null) {
    await attempt(async () => {
      const answer = await fetch(table);
      if (!answer.ok) {
        throw new Error(`${table}: expected titles, got ${answer.status}`);
      }
      titles = parseTitles(await answer.text(), table);
    });
  }
  if (url !== null) {
    await openAt(url);
  }
  if (model === undefined) {
    show();
  }
}

addEventListener("hashchange", show);
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
addEventListener("dragleave", () => document.body.classList.remove("over"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  const { dataTransfer } = event;
  if (dataTransfer !== null) {
    void open(filesOf(dataTransfer));
  }
});
addEventListener("keydown", (event) => {
  const isTyping =
    event.target instanceof Element && event.target.matches("input, select, textarea");
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && model !== undefined) {
    event.preventDefault();
    location.hash = address("items");
    document.querySelector<HTMLElement>("input.search")?.focus();
  }
});
document.body.append(header, message, main);
void begin();
