/** The page from end to end in Chromium: what it shows is what the commands of mlcore write. */

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Browser } from "playwright-core";
import {
  FIXTURES,
  PAGE,
  ROOT,
  Tab,
  copyOf,
  explore,
  launch,
  linesOf,
  parseLines,
  mlcore,
  rewrite,
} from "./support.js";

const CATALOGUED = join(FIXTURES, "small/dice_binary");
const TITLES = { "items.csv": readFileSync(join(FIXTURES, "small/items.csv")) };
const SECONDS_TO_MICROSECONDS = "000000n";
let browser: Browser;

before(async () => {
  browser = await launch();
});
after(() => browser.close());

/** A test on a page of its own. */
function onPage(name: string, work: (tab: Tab) => Promise<void>, url = PAGE): void {
  void test(name, { timeout: 60_000 }, async () => {
    const tab = await Tab.open(browser, url);
    await work(tab);
    await tab.close();
  });
}

interface Session {
  user_id: string;
  weights?: string;
  history: { item_id: string; weight?: number; timestamp?: number }[];
}

function jsonLines<T>(path: string): T[] {
  const lines = readFileSync(path, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as T);
}

/** The address of the list for a session. */
function pathOf({ history, weights }: Session, n: number): string {
  const events = history.map(({ item_id, weight = 1, timestamp }) =>
    timestamp === undefined
      ? [item_id, weight]
      : [item_id, weight, `${timestamp}${SECONDS_TO_MICROSECONDS}`],
  );
  const params = new URLSearchParams({ events: JSON.stringify(events), n: String(n), fill: "1" });
  if (weights === "final") {
    params.set("final", "1");
  }
  return `list?${params.toString()}`;
}

for (const [model, n] of [
  ["small/cosine_tf_idf", 10],
  ["small/dot_bm25", 10],
  ["small/dice_binary", 10],
  ["family/cosine_half_life", 5],
  ["family/cosine_history_decay", 5],
  ["family/popularity_half_life", 5],
  ["family/pearson", 5],
  ["family/sequential_rules", 5],
  ["family/slim", 5],
] as const) {
  onPage(`lists of ${model} are those of cli.predict`, async (tab) => {
    const folder = join(FIXTURES, model);
    await tab.show(join(folder, "model"));
    const sessions = jsonLines<Session>(join(folder, "../sessions.jsonl"));
    const expected = linesOf(join(folder, "session_predictions.jsonl"));
    for (const [at, session] of sessions.entries()) {
      assert.deepEqual(await tab.listAt(pathOf(session, n)), expected[at]?.items, session.user_id);
    }
    for (const { user_id, items } of linesOf(join(folder, "predictions.jsonl")).slice(0, 3)) {
      assert.deepEqual(await tab.listAt(`user/${user_id}?n=${n}`), items, user_id);
    }
  });
}

onPage("a user's history as final weights gives the list of the user", async (tab) => {
  await tab.show(join(FIXTURES, "family/cosine_history_decay/model"));
  const [first] = linesOf(join(FIXTURES, "family/cosine_history_decay/predictions.jsonl"));
  assert(first !== undefined);
  const { user_id, items } = first;
  await tab.go(`user/${user_id}`);
  await tab.page.locator(".taken").evaluate((taken) => taken.setAttribute("open", ""));
  await tab.page.getByRole("button", { name: "Edit as a history" }).click();
  await tab.page.getByLabel("Length").fill(String(items.length));
  await tab.page.getByLabel("Length").press("Enter");
  await tab.page.waitForFunction(
    (n) => document.querySelectorAll(".found .listing > li").length === n,
    items.length,
  );
  assert.deepEqual(await tab.list(), items);
});

onPage("a filter put together by hand gives the filtered list of cli.predict", async (tab) => {
  await tab.show(join(CATALOGUED, "model"));
  const [first] = linesOf(join(CATALOGUED, "filtered_predictions.jsonl"));
  assert(first !== undefined);
  await tab.go(`user/${first.user_id}?n=10&fill=1`);
  await tab.page.locator("summary", { hasText: "Filter" }).click();
  const pick = async (column: string, rule: string, value: string) => {
    await tab.page.getByLabel("Column").selectOption({ label: column });
    await tab.page.getByLabel("Rule", { exact: true }).selectOption(rule);
    await tab.page.getByRole("combobox", { name: "Value" }).fill(value);
    await tab.page.getByRole("combobox", { name: "Value" }).press("Enter");
  };
  for (const genre of ["chess", "jazz", "sailing", "gardening", "bread baking"]) {
    await pick("genre", "any_of", genre);
  }
  await pick("shelf", "none_of", "1");
  await pick("shelf", "none_of", "3");
  await tab.page.getByLabel("Available at (UTC)").fill("2026-02-10T00:00:00");
  await tab.page.getByLabel("Available at (UTC)").blur();
  assert.equal(await tab.page.locator(".chips li").count(), 7);
  await tab.page.waitForFunction(() => location.hash.includes("available_at"));
  assert.deepEqual(await tab.list(), first.items);
  // The address has the whole request.
  const { hash } = new URL(tab.page.url());
  await tab.go("items");
  assert.deepEqual(await tab.listAt(hash.slice(2)), first.items);

  const [capped] = linesOf(join(CATALOGUED, "capped_predictions.jsonl"));
  const filter = JSON.stringify({ at_most: { genre: 2, shelf: 1 } });
  const params = new URLSearchParams({ n: "10", fill: "1", filter });
  const path = `user/${capped?.user_id ?? ""}?${params.toString()}`;
  assert.deepEqual(await tab.listAt(path), capped?.items);
});

onPage(
  "a history is typed with the keyboard alone, and each score is the sum of its shares",
  async (tab) => {
    await tab.show(join(FIXTURES, "small/cosine_tf_idf/model"));
    await tab.drop(TITLES);
    await tab.page.locator("ol.results .title").first().waitFor();
    await tab.go("list");
    const field = tab.page.getByRole("combobox", { name: "Add an item" });
    await field.focus();
    for (const text of ["0021", "0029"]) {
      await tab.page.keyboard.type(text);
      await tab.page.keyboard.press("Enter");
      await tab.page.getByRole("spinbutton", { name: `Weight of ${text}` }).waitFor();
    }
    await tab.page.getByRole("spinbutton", { name: "Weight of 0029" }).focus();
    await tab.page.keyboard.press("Control+A");
    await tab.page.keyboard.type("0.5");
    await tab.page.keyboard.press("Tab");
    await tab.page.waitForFunction(() => location.hash.includes("0.5"));
    const list = await tab.list();
    const session = {
      user_id: "s",
      history: [{ item_id: "0021" }, { item_id: "0029", weight: 0.5 }],
    };
    const histories = join(mkdtempSync(join(tmpdir(), "explorer-")), "histories.jsonl");
    writeFileSync(histories, `${JSON.stringify(session)}\n`);
    const model = join(FIXTURES, "small/cosine_tf_idf/model");
    const of = ["--model-dir", model, "--histories", histories, "--top-n", "20"];
    const [expected] = parseLines(mlcore("predict", ...of, "--out", "-", "--format", "jsonl"));
    assert.deepEqual(list, expected?.items);
    for (const [row, [, score]] of list.slice(0, 5).entries()) {
      const shown = tab.page.locator(".listing > li").nth(row);
      await shown.getByRole("button", { name: "Why" }).press("Enter");
      const shares = await shown
        .locator(".reasons data")
        .evaluateAll((all) => all.map((one) => (one as HTMLDataElement).value));
      assert(shares.length > 0);
      assert.equal(String(shares.reduce((sum, share) => sum + Number(share), 0)), score);
      const titles = await shown
        .locator(".piece")
        .evaluateAll((all) => all.map((one) => one.getAttribute("title") ?? ""));
      assert.deepEqual(titles.map((title) => title.split(": ").at(-1)).sort(), [...shares].sort());
    }
  },
);

onPage("the copied list is the line of cli.predict --explain", async (tab) => {
  await tab.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const model = join(FIXTURES, "small/cosine_tf_idf/model");
  await tab.show(model);
  const folder = mkdtempSync(join(tmpdir(), "explorer-"));
  writeFileSync(join(folder, "users.csv"), "user_id\nu0002\n");
  const copied = async () => {
    await tab.list();
    await tab.page.getByRole("button", { name: "Copy as JSON Lines" }).click();
    await tab.page.getByRole("button", { name: "Copied" }).waitFor();
    return tab.page.evaluate(() => navigator.clipboard.readText());
  };
  await tab.go("user/u0002?n=10");
  const of = ["--model-dir", model, "--top-n", "10"];
  const lists = ["--users", join(folder, "users.csv"), "--out", "-", "--explain"];
  assert.equal(await copied(), mlcore("predict", ...of, ...lists, "--format", "jsonl"));
  await tab.go("item/0021?n=10");
  assert.equal(await copied(), mlcore("similar", ...of, "--item", "0021"));
});

onPage("one walks from item to item, back and forth, with the keyboard alone", async (tab) => {
  await tab.show(join(CATALOGUED, "model"));
  await tab.drop(TITLES);
  const { keyboard } = tab.page;
  const heading = async (text: string) => {
    await tab.page.waitForFunction(
      (title) => document.querySelector("h1")?.textContent.includes(title),
      text,
    );
  };
  await tab.go("model");
  await heading("Model");
  await keyboard.press("/");
  await tab.page.waitForFunction(() => document.activeElement?.matches("input.search"));
  await keyboard.type("honeybee year");
  await keyboard.press("ArrowDown");
  await keyboard.press("Enter");
  await heading("The Honeybee Year");
  const expected = mlcore(
    "similar",
    "--model-dir",
    join(CATALOGUED, "model"),
    "--item",
    "0002",
    "--top-n",
    "20",
  );
  const ids = expected
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { item_id: string }).item_id);
  assert.deepEqual(
    (await tab.list()).map(([id]) => id),
    ids,
  );

  const reach = async () => {
    for (let step = 0; step < 20; step += 1) {
      await keyboard.press("Tab");
      if (await tab.page.evaluate(() => document.activeElement?.matches(".listing a.to"))) {
        return;
      }
    }
    assert.fail("the list is not reached by Tab");
  };
  await reach();
  await keyboard.press("ArrowDown");
  await keyboard.press("Enter");
  await heading(ids[1] ?? "");
  await tab.list();
  await reach();
  await keyboard.press("Enter");
  await tab.page.waitForFunction(() => document.querySelectorAll(".walk li").length === 3);
  await tab.page.goBack();
  await heading(ids[1] ?? "");
  assert.equal(await tab.page.locator(".walk li").count(), 2);
  await tab.page.goBack();
  await heading("The Honeybee Year");
  assert.equal(await tab.page.locator(".walk").count(), 0);
  await tab.page.goForward();
  await heading(ids[1] ?? "");
});

onPage(
  "a directory that is dropped from the system is opened, with titles beside it",
  async (tab) => {
    const client = await tab.page.context().newCDPSession(tab.page);
    const files = [join(FIXTURES, "small/dot_bm25/model"), join(FIXTURES, "small/items.csv")];
    for (const type of ["dragEnter", "dragOver", "drop"] as const) {
      const data = { items: [], files, dragOperationsMask: 1 };
      await client.send("Input.dispatchDragEvent", { type, x: 600, y: 300, data });
    }
    await tab.page.locator("ol.results .title").first().waitFor();
  },
);

onPage("a zip is opened as well, also one that is packed; and titles beside it", async (tab) => {
  const folder = mkdtempSync(join(tmpdir(), "explorer-"));
  const make = `import shutil, sys; print(shutil.make_archive(sys.argv[1], "zip", sys.argv[2], "model"))`;
  const { execFileSync } = await import("node:child_process");
  execFileSync("python3", ["-c", make, join(folder, "packed"), join(FIXTURES, "small/dot_bm25")]);
  await tab.drop({ "packed.zip": readFileSync(join(folder, "packed.zip")), ...TITLES });
  await tab.page.locator("ol.results .title").first().waitFor();
  const [first] = linesOf(join(FIXTURES, "small/dot_bm25/predictions.jsonl"));
  assert.deepEqual(await tab.listAt(`user/${first?.user_id ?? ""}?n=10`), first?.items);
});

const MARKUP = `<img src=x onerror="alert(1)"><script>alert(2)</script>`;

onPage("markup, control characters and long ids stay text", async (tab) => {
  const model = copyOf(join(ROOT, "interop/conformance/valid/worked_example/model"));
  const long = `~${"<b>".repeat(21_000)}\u0001\u202e`;
  const quoted = `"${MARKUP.replaceAll('"', '""')}"`;
  rewrite(model, "items.csv", Buffer.from(`index,id\n0,${quoted}\n1,${long}\n`));
  rewrite(model, "users.csv", Buffer.from(`index,id\n0,<svg onload=alert(3)>\n`));
  await tab.show(model);
  const titles = `item_id,title\n${quoted},"<iframe src=javascript:alert(4)>\u0007\u202e"\n`;
  await tab.drop({ "titles.csv": Buffer.from(titles) });
  await tab.page.getByText("<iframe src=javascript:alert(4)>␇\\u202e").waitFor();
  assert.equal(await tab.page.locator("main iframe, main img, main script, main b").count(), 0);
  const shown = await tab.page.locator("ol.results li").nth(1).innerText();
  assert(shown.startsWith("~<b><b>") && shown.length < 600);
  await tab.page.getByRole("searchbox").fill("<img src=x");
  assert.equal(await tab.page.locator("ol.results li").count(), 1);
  await tab.page.getByRole("searchbox").press("Enter");
  assert.deepEqual(await tab.list(), [[long, "1"]]);
  await tab.page.locator(".listing a.to").click();
  await tab.page.waitForFunction(() => document.querySelectorAll(".walk li").length === 2);
  assert.deepEqual(await tab.list(), [[MARKUP, "1"]]);
  await tab.go(`user/${encodeURIComponent("<svg onload=alert(3)>")}`);
  await tab.page.getByText("The list is empty.").waitFor();
  await tab.go("model");
  await tab.page.getByRole("heading", { name: "Manifest" }).waitFor();
  assert.equal(await tab.page.locator("main iframe, main img, main script, main b").count(), 0);
});

for (const name of [
  "ids_of_javascript",
  "ids_of_controls",
  "ids_of_65535_quotes",
  "attributes_of_any_text",
  "empty",
  "items_without_users",
  "values_extreme",
]) {
  onPage(`the model ${name} is shown in all views`, async (tab) => {
    await tab.show(join(ROOT, "interop/conformance/valid", name));
    const first = await tab.page.evaluate(
      () => document.querySelector("a.to")?.getAttribute("href")?.slice(2) ?? null,
    );
    for (const path of [first, "user", "list", "model"]) {
      if (path !== null) {
        await tab.go(path);
        await tab.page.waitForFunction((to) => location.hash === `#/${to}`, path);
        assert.notEqual(await tab.page.locator("h1").innerText(), "");
        assert.equal(await tab.page.locator(".error").count(), 0);
      }
    }
  });
}

onPage("a broken model is one error, and the model before it stays", async (tab) => {
  const fine = join(FIXTURES, "small/dot_bm25/model");
  await tab.show(fine);
  const cut = copyOf(fine);
  truncateSync(join(cut, "similarity.npz"), 1000);
  const alert = tab.page.getByRole("alert");
  await tab.go("open");
  await tab.pick(cut);
  await alert.waitFor();
  assert.match(
    await alert.innerText(),
    /^model\/similarity\.npz: expected \d+ bytes as in the manifest, got 1000$/,
  );
  await tab.go("items");
  assert.equal(await tab.page.locator("ol.results li").count(), 50);
  for (const [name, error] of [
    ["manifest_not_json", /^model\/manifest\.json: expected /],
    ["ids_crlf", /^model\/items\.csv:\d+: expected /],
  ] as const) {
    await tab.go("open");
    await tab.pick(join(ROOT, "interop/conformance/invalid", name));
    await alert.filter({ hasText: error }).waitFor();
    assert.equal(await alert.count(), 1);
  }
});

onPage("the check finds a byte that changed, and nothing in a model that is whole", async (tab) => {
  const model = copyOf(join(FIXTURES, "small/dot_bm25/model"));
  await tab.show(model);
  await tab.go("model");
  const check = async () => tab.page.getByRole("button", { name: "Check every byte" }).click();
  await check();
  await tab.page.getByText("Every byte, index and value is as it should be.").waitFor();
  const bytes = readFileSync(join(model, "similarity.npz"));
  bytes.writeUInt8(bytes.readUInt8(2000) ^ 1, 2000);
  writeFileSync(join(model, "similarity.npz"), bytes);
  await tab.show(model);
  await tab.go("model");
  await check();
  await tab.page.getByRole("alert").waitFor();
  assert.match(
    await tab.page.getByRole("alert").innerText(),
    /similarity\.npz.*sha256: expected [0-9a-f]{64}, got/,
  );
});

onPage("a request that is malformed is one error", async (tab) => {
  await tab.show(join(FIXTURES, "small/cosine_tf_idf/model"));
  await tab.go("item/0021?n=0");
  await tab.page.getByText("n: expected an integer from 1 to 2147483647, got 0").waitFor();
  await tab.page.getByLabel("Length").fill("3");
  await tab.page.getByLabel("Length").press("Enter");
  await tab.page.waitForFunction(() => document.querySelectorAll(".listing li").length === 3);
  assert.equal(await tab.page.getByRole("alert").count(), 0);
});

void test(
  "cli.explore serves 100,000 items; a key of the search takes below 50 ms, a list two rows",
  { timeout: 90_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "explorer-"));
    const [events, items, model] = ["events.csv", "items.csv", "a model #1"].map((name) =>
      join(folder, name),
    ) as [string, string, string];
    mlcore(
      "generate",
      "--users",
      "3000",
      "--items",
      "100000",
      "--interactions",
      "200000",
      "--out",
      events,
      "--items-out",
      items,
    );
    mlcore(
      "train",
      "--interactions",
      events,
      "--items",
      items,
      "--set",
      "num_neighbors=20",
      "--out-dir",
      model,
    );
    const served = await explore("--model-dir", model, "--items", items);
    try {
      const tab = await Tab.open(browser, served.address);
      await tab.page.getByText("100,000 items").waitFor();
      assert.equal(await tab.page.locator("header .model bdi").innerText(), "a model #1");
      const item = await tab.page.locator("ol.results .id").first().innerText();
      const times = await tab.page.evaluate(() => {
        const field = document.querySelector<HTMLInputElement>("input.search");
        const type = (text: string) => {
          const begun = performance.now();
          if (field !== null) {
            field.value = text;
            field.dispatchEvent(new Event("input"));
          }
          return performance.now() - begun;
        };
        type("warm");
        return ["0", "00", "09", "e", "th", "the", "volume 7", "chess", "zzz", "000007"].map(
          (text) => Math.min(type(text), type(text), type(text)),
        );
      });
      const sorted = times.sort((one, other) => one - other);
      assert(
        (sorted[5] ?? Infinity) < 50,
        `milliseconds a key: ${times.map(Math.round).join(" ")}`,
      );
      const before = tab.answers.length;
      const list = await tab.listAt(`item/${item}`);
      const read = tab.answers
        .slice(before)
        .map(({ url, bytes }) => `${url.split("/").at(-1) ?? ""} ${bytes}`);
      const pairs = list.length; // of K = 20: 4 bytes an index, 4 a weight
      assert.deepEqual(read, Array(2).fill(`similarity.npz ${4 * pairs}`));
      const expected = mlcore("similar", "--model-dir", model, "--item", item, "--top-n", "20");
      const lines = list.map(([id, score]) => `{"item_id": "${id}", "score": ${score}}\n`);
      assert.equal(lines.join(""), expected);
      // Nothing but what is served here.
      const { origin } = new URL(served.address);
      assert.deepEqual(
        tab.requests
          .filter((url) => !url.startsWith(origin))
          .filter((url) => !url.startsWith("data:")),
        [],
      );
      await tab.close();
    } finally {
      served.end();
    }
  },
);
