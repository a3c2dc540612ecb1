/** The reader in headless Chromium: over HTTP with and without ranges, of files, of a zip, and in a worker. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { chromium, type Browser, type Page } from "playwright-core";
import type { Answered, Asked } from "./page.js";
import { draw, pack, Random, zip } from "./support.js";

const ROOT = new URL("../", import.meta.url).pathname;
const CONFORMANCE = join(ROOT, "../conformance");
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const skip = existsSync(CHROMIUM)
  ? false
  : `no ${CHROMIUM}: install Chromium, or say where it is in CHROMIUM`;

/** A model that is large enough for ranges, and in which another one can take its place. */
const large = pack(draw(new Random(1), 3000));
let version = 1;
let server: Server;
let browser: Browser;
let page: Page;
let profile: string;
let origin: string;

/** Returns the bytes of an address, of which the first part says how they are served. */
function find(path: string): Buffer | undefined {
  if (path === "/") return Buffer.from("<!doctype html><title>test</title>");
  const [, first, ...rest] = path.split("/");
  if (first === "stored" || first === "deflated") {
    const folder = join(CONFORMANCE, ...rest);
    return zip(
      new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))])),
      first === "deflated",
    );
  }
  if (first === "large") return large.get(rest.join("/"));
  const folder = first === "ranges" || first === "whole" ? CONFORMANCE : join(ROOT, first!);
  const file = join(folder, ...rest);
  return existsSync(file) && statSync(file).isFile() ? readFileSync(file) : undefined;
}

function serve(request: IncomingMessage, response: ServerResponse): void {
  const path = decodeURIComponent(request.url!);
  if (path === "/change") version++;
  const bytes = path === "/change" ? Buffer.alloc(0) : find(path);
  if (!bytes) {
    response.writeHead(404).end();
    return;
  }
  const type = path.endsWith(".js")
    ? "text/javascript"
    : path === "/"
      ? "text/html"
      : "application/octet-stream";
  const headers = { "content-type": type, "cache-control": "no-store", etag: `"${version}"` };
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
  if (!range || path.startsWith("/whole/")) {
    response.writeHead(200, headers).end(bytes);
    return;
  }
  const begin = Number(range[1]);
  const end = Math.min(Number(range[2]) + 1, bytes.length);
  if (begin >= bytes.length) {
    response.writeHead(416, { ...headers, "content-range": `bytes */${bytes.length}` }).end();
    return;
  }
  const part = { ...headers, "content-range": `bytes ${begin}-${end - 1}/${bytes.length}` };
  response.writeHead(206, part).end(bytes.subarray(begin, end));
}

before(async () => {
  if (skip !== false) return;
  server = createServer(serve).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  profile = mkdtempSync(join(tmpdir(), "mlcore-chromium-"));
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [...FLAGS, `--crash-dumps-dir=${profile}`],
  });
  page = await browser.newPage();
  await page.goto(origin);
});

after(async () => {
  if (skip !== false) return;
  await browser.close();
  server.close();
  rmSync(profile, { recursive: true });
});

type PageModule = typeof import("./page.js");

/** Runs a function of page.ts in the page. */
async function run<K extends keyof PageModule>(
  name: K,
  ...args: Parameters<PageModule[K]>
): Promise<Awaited<ReturnType<PageModule[K]>>> {
  const called = async ([module, key, given]: [string, string, unknown[]]): Promise<unknown> => {
    const found = (await import(module)) as Record<string, (...values: unknown[]) => unknown>;
    return found[key]!(...given);
  };
  return (await page.evaluate(called, [`${origin}/build/page.js`, name, args] as [
    string,
    string,
    unknown[],
  ])) as Awaited<ReturnType<PageModule[K]>>;
}

const linesIn = (path: string): string[] =>
  readFileSync(join(CONFORMANCE, path), "utf8").split("\n").filter(Boolean);

interface Case {
  id: string;
  kind: string;
  model: string;
  requests: string;
  expect: string;
}

const cases = (
  JSON.parse(readFileSync(join(CONFORMANCE, "cases.json"), "utf8")) as { cases: Case[] }
).cases.filter(({ kind }) => kind === "predict");
const sound = cases.filter(({ id }) =>
  /predict\/(good|caps|filter_any_of|events_bm25|order_of_events|ids_of_javascript|fill|explain)$/.test(
    id,
  ),
);

async function expectAnswers(
  { model, requests, expect }: Case,
  asked: Omit<Asked, "lines" | "files">,
  run: (asked: Asked) => Promise<Answered>,
): Promise<void> {
  const files = readdirSync(join(CONFORMANCE, model));
  const answered = await run({ ...asked, files, lines: linesIn(requests) });
  const expected = linesIn(expect).map((line) => JSON.parse(line) as unknown);
  assert.deepEqual(answered.lazy, expected);
  assert.deepEqual(answered.loaded, expected);
}

const inPage = (asked: Asked): Promise<Answered> => run("answers", asked);

for (const one of sound) {
  for (const folder of ["ranges", "whole"]) {
    test(`${one.id} over HTTP, ${folder}`, { skip }, () =>
      expectAnswers(one, { way: "url", url: `${origin}/${folder}/${one.model}` }, inPage),
    );
  }
  for (const way of ["blobs", "handle"] as const) {
    test(`${one.id} of files, ${way}`, { skip }, () =>
      expectAnswers(one, { way, url: `${origin}/ranges/${one.model}` }, inPage),
    );
  }
  for (const folder of ["stored", "deflated"]) {
    test(`${one.id} of a zip file, ${folder}`, { skip }, () =>
      expectAnswers(one, { way: "zip", url: `${origin}/${folder}/${one.model}` }, inPage),
    );
  }
  test(`${one.id} in a worker`, { skip }, () =>
    expectAnswers(one, { way: "url", url: `${origin}/ranges/${one.model}` }, (asked) =>
      run("answersInWorker", asked),
    ),
  );
}

test("all requests of the suite have the answers of the suite", { skip }, async () => {
  for (const one of cases) {
    const files = readdirSync(join(CONFORMANCE, one.model));
    const asked: Asked = {
      way: "url",
      url: `${origin}/ranges/${one.model}`,
      files,
      lines: linesIn(one.requests),
    };
    // Models that are faulty in what a request meets do not verify.
    const { lazy } = await run("answersLazily", asked);
    assert.deepEqual(
      lazy,
      linesIn(one.expect).map((line) => JSON.parse(line) as unknown),
      one.id,
    );
  }
});

test("a lazy model fetches a part, and notices another file in its place", { skip }, async () => {
  const total = [...large.values()].reduce((sum, { length }) => sum + length, 0);
  const asked: Asked = { way: "url", url: `${origin}/large`, files: [], lines: [] };
  const { fetched } = await run("answersLazily", asked);
  assert.ok(fetched < total / 2, `${fetched} of ${total} bytes`);
  assert.equal(await run("verdictOf", `${origin}/large`, `${origin}/change`), "predict io");
});

test("what is not there is refused", { skip }, async () => {
  assert.equal(await run("verdictOf", `${origin}/ranges/missing`), "open io");
  assert.equal(await run("verdictOf", "http://127.0.0.1:1/model"), "open io");
});
