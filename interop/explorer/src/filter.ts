/** The filter of a request, built from rules: a column, what of it, and a value or a number. */

import { combobox } from "./combobox.js";
import { button, h, visible } from "./dom.js";
import type { Model } from "./model.js";
import { fromMoment, toMoment } from "./moments.js";
import type { Filter } from "./requests.js";

const KINDS = {
  any_of: "is one of",
  none_of: "is none of",
  at_most: "at most, with the same value",
} as const;
type Kind = keyof typeof KINDS;
const MAX_OPTIONS = 50;

/** The part of a view that changes a filter; nothing where a model has no attributes. */
export function filterPanel(
  model: Model,
  filter: Filter,
  changed: (filter: Filter) => void,
): HTMLElement | null {
  if (model.columns.length === 0) {
    return null;
  }
  const chips = h("ul", { class: "chips", attributes: { "aria-label": "Rules of the filter" } });
  const summary = h("summary", null, "Filter");
  let current = filter;

  function change(next: Filter): void {
    current = next;
    draw();
    changed(next);
  }

  function draw(): void {
    const rules = rulesOf(current);
    summary.textContent = rules.length === 0 ? "Filter" : `Filter (${rules.length})`;
    chips.replaceChildren(
      ...rules.map(({ text, without }) =>
        h(
          "li",
          null,
          h("bdi", null, text),
          button("×", () => change(without), { "aria-label": `Remove: ${text}` }),
        ),
      ),
    );
  }

  draw();
  return h(
    "details",
    { class: "filter", attributes: { open: rulesOf(filter).length > 0 } },
    summary,
    chips,
    ruleForm(model, (kind, column, value) => change(withRule(current, kind, column, value))),
    model.hasTimes && momentField(filter, (at) => change(withMoment(current, at))),
  );
}

function ruleForm(
  model: Model,
  add: (kind: Kind, column: string, value: string) => void,
): HTMLElement {
  const columns = h(
    "select",
    { attributes: { "aria-label": "Column" } },
    ...model.columns.map((name, at) => h("option", { attributes: { value: at } }, visible(name))),
  );
  const kinds = h(
    "select",
    { attributes: { "aria-label": "Rule" } },
    ...Object.entries(KINDS).map(([kind, text]) =>
      h("option", { attributes: { value: kind } }, text),
    ),
  );
  const column = () => model.columns[Number(columns.value)] ?? "";
  const values = combobox<string>({
    label: "Value",
    placeholder: "value",
    suggest: (text) => model.valuesLike(Number(columns.value), text, MAX_OPTIONS),
    show: (value) => h("bdi", null, visible(value)),
    pick: (value) => add(kinds.value as Kind, column(), value),
  });
  const number = h("input", {
    attributes: { type: "number", min: 1, step: 1, value: 1, "aria-label": "Number of items" },
  });
  const limit = h(
    "span",
    { class: "row" },
    number,
    button("Add", () => add("at_most", column(), number.value)),
  );
  const draw = () => {
    limit.hidden = kinds.value !== "at_most";
    values.hidden = !limit.hidden;
  };
  kinds.addEventListener("change", draw);
  draw();
  return h("div", { class: "row" }, columns, kinds, values, limit);
}

function momentField(filter: Filter, change: (at: bigint | undefined) => void): HTMLElement {
  const field = h("input", {
    attributes: {
      type: "datetime-local",
      step: 1,
      value: filter.available_at === undefined ? "" : fromMoment(filter.available_at),
    },
    on: { change: () => change(toMoment(field.value)) },
  });
  return h("label", { class: "row" }, "Available at (UTC)", field);
}

function withRule(filter: Filter, kind: Kind, column: string, value: string): Filter {
  if (kind === "at_most") {
    return { ...filter, at_most: { ...filter.at_most, [column]: Number(value) } };
  }
  const values = new Set(get(filter[kind], column)).add(value);
  return { ...filter, [kind]: { ...filter[kind], [column]: [...values] } };
}

function withMoment({ available_at: _, ...rest }: Filter, at: bigint | undefined): Filter {
  return at === undefined ? rest : { ...rest, available_at: at };
}

function get(of: Record<string, string[]> | undefined, column: string): string[] {
  return of !== undefined && Object.hasOwn(of, column) ? (of[column] ?? []) : [];
}

/** Each rule as text, and the filter without it. */
function rulesOf(filter: Filter): { text: string; without: Filter }[] {
  const rules: { text: string; without: Filter }[] = [];
  for (const kind of ["any_of", "none_of"] as const) {
    for (const [column, values] of Object.entries(filter[kind] ?? {})) {
      for (const value of values) {
        const others = values.filter((one) => one !== value);
        const { [column]: _, ...rest } = filter[kind] ?? {};
        rules.push({
          text: `${visible(column)} ${KINDS[kind]}: ${visible(value)}`,
          without: {
            ...filter,
            [kind]: others.length > 0 ? { ...rest, [column]: others } : rest,
          },
        });
      }
    }
  }
  for (const [column, number] of Object.entries(filter.at_most ?? {})) {
    const { [column]: _, ...rest } = filter.at_most ?? {};
    rules.push({
      text: `at most ${number} with the same ${visible(column)}`,
      without: { ...filter, at_most: rest },
    });
  }
  return rules;
}
