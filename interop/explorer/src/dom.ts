/** Elements are made here and nowhere else; text goes in as text nodes, so no text becomes markup. */

type Child = Node | string | null | undefined | false;
type Handlers = { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };

export interface Props {
  class?: string;
  on?: Handlers;
  style?: Record<string, string>;
  attributes?: Record<string, string | number | boolean | undefined>;
}

/** Makes an element; an attribute that is `false` or undefined is left out. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props | null = null,
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (props !== null) {
    applyProps(element, props);
  }
  append(element, children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** Makes an element of a picture. */
export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  props: Props | null = null,
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  if (props !== null) {
    applyProps(element, props);
  }
  append(element, children);
  return element;
}

function applyProps(element: HTMLElement | SVGElement, props: Props): void {
  if (props.class !== undefined) {
    element.setAttribute("class", props.class);
  }
  for (const [name, value] of Object.entries(props.attributes ?? {})) {
    if (value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  for (const [name, value] of Object.entries(props.style ?? {})) {
    element.style.setProperty(name, value);
  }
  for (const [name, handler] of Object.entries(props.on ?? {})) {
    element.addEventListener(name, handler as EventListener);
  }
}

function append(parent: Element, children: Child[]): void {
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) {
      parent.append(child);
    }
  }
}

/** Characters that would not be seen, or would turn the text around them. */
const UNSEEN =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff]/g;
const MAX_SHOWN = 400;

/** What people see of an id or a title: no invisible characters, and no more than fits on a screen. */
export function visible(text: string): string {
  const cut = text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
  return revealed(cut).replaceAll("\n", "\u240a");
}

/** A text of any length with its invisible characters made visible, but for line feeds. */
export function revealed(text: string): string {
  return text.replace(UNSEEN, (found) => {
    const code = found.charCodeAt(0);
    return code < 0x20
      ? String.fromCharCode(0x2400 + code)
      : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}

/** The text of a score in the files of predictions: RFC 8785, as in rule PRD-2. */
export function exact(value: number): string {
  return String(value === 0 ? 0 : value);
}

// Made once: making one takes as long as a row of a list.
const INTEGERS = new Intl.NumberFormat("en");

/** An integer with a comma for each thousand. */
export function grouped(number: number): string {
  return INTEGERS.format(number);
}

/** A number for the eye: four digits, or all of an integer. */
export function short(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) {
    return grouped(value);
  }
  const size = Math.abs(value);
  return size >= 1e-4 && size < 1e6 ? value.toPrecision(4) : value.toExponential(3);
}

/** A score: short, with its exact text as value and tooltip. */
export function score(value: number, label = ""): HTMLElement {
  const full = exact(value);
  return h(
    "data",
    { class: "score", attributes: { value: full, title: `${label}${full}` } },
    short(value),
  );
}

/** "1 item", "2 items". */
export function count(number: number, noun: string): string {
  return `${grouped(number)} ${noun}${number === 1 ? "" : "s"}`;
}

export function bytes(size: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  const power = size < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(size) / 10));
  return `${power === 0 ? size : (size / 1024 ** power).toFixed(1)} ${units[power] ?? ""}`;
}

/** A button. */
export function button(label: string, press: () => void, attributes: Props["attributes"] = {}) {
  return h(
    "button",
    { attributes: { type: "button", ...attributes }, on: { click: press } },
    label,
  );
}

/** A button that copies a text and says so. */
export function copyButton(label: string, text: () => string): HTMLButtonElement {
  const made = button(label, () => {
    void navigator.clipboard.writeText(text()).then(
      () => flash(made, "Copied", label),
      () => flash(made, "The browser lets no page copy here", label),
    );
  });
  made.setAttribute("aria-live", "polite");
  return made;
}

function flash(target: HTMLElement, text: string, then: string): void {
  target.textContent = text;
  setTimeout(() => (target.textContent = then), 1500);
}
