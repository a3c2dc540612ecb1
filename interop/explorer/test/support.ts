/** What the tests share: a browser, a page with a model, and what it shows. */

import assert from "node:assert/strict";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { type Browser, type Page, chromium } from "playwright-core";

export const ROOT = resolve(import.meta.dirname, "../../..");
export const PAGE = pathToFileURL(join(ROOT, "interop/explorer/index.html")).href;
export const FIXTURES = join(ROOT, "fixtures");
const OWN = join(ROOT, ".venv/bin/python");
const PYTHON = process.env["PYTHON"] ?? (existsSync(OWN) ? OWN : "python3");

export async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** A page that fails the test if anything goes wrong in it that it does not show. */
export class Tab {
  readonly faults: string[] = [];
  readonly requests: string[] = [];
  readonly answers: { url: string; bytes: number }[] = [];

  private constructor(readonly page: Page) {
    page.on("pageerror", (error) => this.faults.push(error.message));
    page.on("console", (message) => {
      // A file that a model does not have is looked for, and the browser notes that it is not there.
      if (message.type() === "error" && !message.text().includes("404")) {
        this.faults.push(message.text());
      }
    });
    page.on("dialog", (dialog) => {
      this.faults.push(`a dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("request", (request) => this.requests.push(request.url()));
    page.on("response", (response) => {
      const bytes = Number(response.headers()["content-length"]);
      this.answers.push({ url: response.url(), bytes });
    });
    page.setDefaultTimeout(20_000);
  }

  static async open(browser: Browser, url = PAGE): Promise<Tab> {
    const tab = new Tab(await browser.newPage({ viewport: { width: 1280, height: 900 } }));
    await tab.page.goto(url);
    return tab;
  }

  /** Picks a directory, as with the button. */
  async pick(directory: string): Promise<void> {
    await this.page.locator("input[webkitdirectory]").setInputFiles(directory);
  }

  /** Picks a directory and waits until it is shown. */
  async show(directory: string): Promise<void> {
    await this.go("open");
    await this.pick(directory);
    await this.page.waitForFunction(() => location.hash === "#/items");
    await this.page.locator("ol.results").waitFor();
  }

  async go(path: string): Promise<void> {
    await this.page.evaluate((to) => (location.hash = `#/${to}`), path);
  }

  /** Drops files, as from a folder of the system. */
  async drop(files: Record<string, Uint8Array>): Promise<void> {
    const encoded = Object.entries(files).map(([name, bytes]) => [
      name,
      Buffer.from(bytes).toString("base64"),
    ]);
    await this.page.evaluate((dropped) => {
      const dataTransfer = new DataTransfer();
      for (const [name = "", text = ""] of dropped) {
        const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
        dataTransfer.items.add(new File([bytes], name));
      }
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true }));
    }, encoded);
  }

  /** The list that is shown: the id and the exact text of the score of each item. */
  async list(): Promise<[string, string][]> {
    await this.page.waitForFunction(
      () => document.querySelector(".found:last-child")?.getAttribute("aria-busy") === "false",
    );
    return this.page.evaluate(() =>
      [...document.querySelectorAll(".found:last-child .listing > li")].map((row) => [
        decodeURIComponent(
          row.querySelector("a.to")?.getAttribute("href")?.split("/")[2]?.split("?")[0] ?? "",
        ),
        row.querySelector("data")?.value ?? "",
      ]),
    );
  }

  /** The list at a path. */
  async listAt(path: string): Promise<[string, string][]> {
    await this.go(path);
    await this.page.waitForFunction((to) => location.hash === `#/${to}`, path);
    return this.list();
  }

  async close(): Promise<void> {
    const { faults } = this;
    await this.page.close();
    assert.deepEqual(faults, []);
  }
}

/** A line of predictions, its numbers as they are written there. */
export interface Line {
  user_id: string;
  items: [string, string][];
}

/** The lines of a file of predictions; scores stay texts, or reading them would hide how they are written. */
export function linesOf(path: string): Line[] {
  return parseLines(readFileSync(path, "utf8"));
}

export function parseLines(text: string): Line[] {
  const quoted = text.replace(/"score": ([^,}]+)/g, '"score": "$1"');
  return quoted
    .trim()
    .split("\n")
    .map((line) => {
      const { user_id, items } = JSON.parse(line) as {
        user_id: string;
        items: { item_id: string; score: string }[];
      };
      return { user_id, items: items.map((item) => [item.item_id, item.score]) };
    });
}

/** A copy of a model, whose files may be changed. */
export function copyOf(model: string): string {
  const copy = join(mkdtempSync(join(tmpdir(), "explorer-")), "model");
  cpSync(model, copy, { recursive: true });
  return copy;
}

/** Writes a file of a model anew, and what the manifest says of it. */
export function rewrite(model: string, file: string, bytes: Uint8Array): void {
  const path = join(model, "manifest.json");
  const manifest = JSON.parse(readFileSync(path, "utf8")) as {
    files: Record<string, { bytes: number; sha256: string }>;
  };
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  manifest.files[file] = { ...manifest.files[file], bytes: bytes.length, sha256 };
  writeFileSync(join(model, file), bytes);
  writeFileSync(path, JSON.stringify(manifest));
}

/** Runs a command of mlcore. */
export function mlcore(...words: string[]): string {
  const env = { ...process.env, PYTHONPATH: ROOT };
  return execFileSync(PYTHON, ["-m", "cli", ...words], { env, encoding: "utf8" });
}

/** Serves a model by `cli.explore`; returns the address it prints, and ends it. */
export async function explore(...words: string[]): Promise<{ address: string; end: () => void }> {
  const child: ChildProcess = spawn(
    PYTHON,
    ["-m", "cli.explore", "--no-browser", "--progress", ...words],
    { env: { ...process.env, PYTHONPATH: ROOT }, stdio: ["ignore", "pipe", "pipe"] },
  );
  assert(child.stdout !== null && child.stderr !== null);
  const log: string[] = [];
  createInterface(child.stderr).on("line", (line) => log.push(line));
  for await (const address of createInterface(child.stdout)) {
    return { address, end: () => child.kill("SIGINT") };
  }
  throw new Error(`cli.explore: expected an address, got ${log.join("; ")}`);
}
