/** Users: the search, and one of them with history and list. */

import { bar, scaleOf } from "../bars.js";
import { controls } from "../controls.js";
import { button, copyButton, count, h, score, visible } from "../dom.js";
import { listing } from "../listing.js";
import type { Model, Users } from "../model.js";
import { itemLink, walkable } from "../names.js";
import { type Settings, eventsText, paramsOf, settingsOf } from "../requests.js";
import { results } from "../results.js";
import { type Route, address, replace } from "../router.js";
import { searchField } from "../searchfield.js";

const MOST_SHOWN = 200;

export function userView(model: Model, route: Route): HTMLElement {
  const { users } = model;
  if (users === undefined) {
    return h("section", null, h("h1", null, "Users"), h("p", null, "The model has no users."));
  }
  return route.id === "" ? allUsers(users, route) : oneUser(model, users, route);
}

function allUsers(users: Users, route: Route): HTMLElement {
  const list = walkable(h("ol", { class: "results of-users" }));
  const status = h("p", { class: "status", attributes: { role: "status" } });
  const field = searchField({
    label: "Search users",
    placeholder: "Search by id",
    results: list,
    value: route.params.get("q") ?? "",
    asked: (text) => {
      replace(address("user", "", { q: text }));
      draw(text);
    },
  });

  function draw(text: string): void {
    const found = users.search.find(text, MOST_SHOWN);
    list.replaceChildren(
      ...found.positions.map((user) => {
        const id = users.id(user);
        return h(
          "li",
          null,
          h(
            "a",
            { class: "to", attributes: { href: address("user", id) } },
            h("bdi", { class: "id alone" }, visible(id)),
          ),
          h("span", { class: "number" }, count(users.length(user), "item")),
        );
      }),
    );
    const cut = found.total > MOST_SHOWN ? `, the first ${MOST_SHOWN} shown` : "";
    status.textContent = `${count(found.total, "user")}${cut}`;
  }

  draw(field.value);
  return h("section", null, h("h1", null, "Users"), field, status, list);
}

function oneUser(model: Model, users: Users, route: Route): HTMLElement {
  const user = users.find(route.id);
  const name = h("bdi", { class: "id" }, visible(route.id));
  if (user < 0) {
    return h(
      "section",
      null,
      h("h1", null, "No such user"),
      h("p", null, "The model has no user ", name, "."),
    );
  }
  let settings = settingsOf(route);
  const taken = results();
  const found = results();
  taken.show(async () => [await history(model, users, route.id)]);
  const show = () =>
    found.show(async () => {
      const list = await model.list({ user: route.id }, settings);
      const copy = copyButton("Copy as JSON Lines", () => model.listText(route.id, list));
      return [
        h(
          "p",
          { class: "row status", attributes: { role: "status" } },
          count(list.length, "item"),
          copy,
        ),
        listing(model, list, { shares: true }),
      ];
    });
  show();
  return h(
    "section",
    null,
    h("p", null, h("a", { attributes: { href: address("user") } }, "All users")),
    h("h1", null, "User ", name),
    taken.element,
    h("h2", null, "List"),
    controls(model, settings, "history", (next: Settings) => {
      settings = next;
      replace(address("user", route.id, paramsOf(settings)));
      show();
    }),
    found.element,
  );
}

async function history(model: Model, users: Users, user: string): Promise<HTMLElement> {
  const entries = await users.history(user);
  const sorted = [...entries].sort((one, other) => other.weight - one.weight);
  const bars = sorted.map(({ weight }) => [{ value: weight, color: 0, label: "" }]);
  const scale = scaleOf(bars);
  const edit = button("Edit as a history", () => {
    const events = entries.map(({ index, weight }) => ({ id: model.id(index), weight }));
    location.hash = address("list", "", {
      events: eventsText(events),
      final: model.hasRule ? "1" : "",
    });
  });
  return h(
    "details",
    { class: "taken", attributes: { open: entries.length <= 12 } },
    h("summary", null, `History: ${count(entries.length, "item")}`),
    walkable(
      h(
        "ol",
        { class: "listing" },
        ...sorted.map(({ index, weight }, at) =>
          h("li", null, itemLink(model, index), bar(bars[at] ?? [], scale), score(weight)),
        ),
      ),
    ),
    edit,
  );
}
