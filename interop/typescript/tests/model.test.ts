/** Models in Node.js: directories, closing, changes of files, threads, and the commands. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { formatPrediction, MlcoreError, type Model } from "mlcore";
import { openDirectory, openDirectoryLazy } from "mlcore/node";
import { exp2, log1p } from "../dist/portable.js";
import { Sha256 } from "../dist/sha256.js";
import { momentOf, parseMoment } from "../dist/times.js";
import { draw, drawRequest, pack, Random, recommendNaively, withDirectory } from "./support.js";

const ROOT = new URL("../", import.meta.url).pathname;
const CLI = join(ROOT, "dist/cli.js");
const FIXTURE = join(ROOT, "../../fixtures/small/cosine_tf_idf/model");

function isRefused(verdict: string, stage: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof MlcoreError, String(error));
    assert.deepEqual([error.verdict, error.stage], [verdict, stage], error.message);
    assert.ok(error.hint.length > 0);
    return true;
  };
}

test("the example of the README runs, and prints what it says", () => {
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  const program = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  const expected = [...program.matchAll(/^ *\/\/ (.*)$/gm)].map(([, line]) => line);
  const file = join(ROOT, "build", "example.mjs");
  writeFileSync(file, program.replace('"model"', JSON.stringify(FIXTURE)));
  const printed = execFileSync(process.execPath, [file], { encoding: "utf8" });
  assert.deepEqual(printed.trimEnd().split("\n"), expected);
});

test("a closed model refuses", async () => {
  const model = await openDirectory(FIXTURE);
  const lazy = await openDirectoryLazy(FIXTURE);
  const id = model.userId(0);
  await Promise.all([model.close(), model.close(), lazy.close()]);
  assert.throws(() => model.recommend(id, 3), isRefused("io", "predict"));
  assert.throws(() => model.itemId(0), isRefused("io", "predict"));
  await assert.rejects(model.verify(), isRefused("io", "verify"));
  await assert.rejects(lazy.recommend(id, 3), isRefused("io", "predict"));
});

test("a model that is replaced stays what it was", async () => {
  const [first, second] = [draw(new Random(1)), draw(new Random(2))];
  await withDirectory(pack(first), async (path) => {
    const lazy = await openDirectoryLazy(path);
    renameSync(path, `${path}.old`);
    mkdirSync(path);
    for (const [name, bytes] of pack(second)) writeFileSync(join(path, name), bytes);
    const request = { user: first.users[0]!, n: 5 };
    assert.deepEqual(await lazy.answer(request), recommendNaively(first, request));
    await lazy.verify();
    await lazy.close();
  });
});

test("a file that is cut after opening gives no wrong list", async () => {
  const draft = draw(new Random(3));
  await withDirectory(pack(draft), async (path) => {
    const model = await openDirectory(path);
    const lazy = await openDirectoryLazy(path);
    truncateSync(join(path, "similarity.npz"), 700);
    const row = draft.similarity.findLastIndex(({ length }) => length > 0);
    const request = { item: draft.items[row]!, n: 5 };
    assert.deepEqual(model.answer(request), recommendNaively(draft, request));
    await assert.rejects(lazy.answer(request), isRefused("io", "predict"));
    await assert.rejects(model.verify(), isRefused("io", "verify"));
    await model.close();
    await lazy.close();
  });
});

test("what callers without types give is a refused request", async () => {
  const model = await openDirectory(FIXTURE);
  const user = model.userId(0);
  const bad: unknown[] = [
    { user, n: 0 },
    { user, n: 1.5 },
    { user, n: "3" },
    { user },
    { n: 3 },
    { user, item: "a", n: 3 },
    { user: 7, n: 3 },
    { user, n: 3, include: "abc" },
    { user, n: 3, exclude: [1] },
    { user, n: 3, filter: null },
    { user, n: 3, filter: { anyOf: { brand: ["x"] } } },
    { user, n: 3, filter: { availableAt: 0.5 } },
    { user, n: 3, now: 2n ** 63n },
    { history: "abc", n: 3 },
    { history: [null], n: 3 },
    { history: [{ id: "a", weight: NaN }], n: 3 },
    { history: [{ id: "a", weight: "1" }], n: 3 },
    { history: [{ id: "a", time: "now" }], n: 3 },
    { history: [], weights: "raw", n: 3 },
  ];
  for (const request of bad) {
    assert.throws(
      () => model.answer(request as never),
      isRefused("request", "predict"),
      JSON.stringify(request, (_, value: unknown) =>
        typeof value === "bigint" ? `${value}n` : value,
      ),
    );
  }
  assert.throws(() => model.recommend("\ud800", 3), isRefused("unknown_user", "predict"));
  assert.throws(() => model.similar("nothing", 3), isRefused("unknown_item", "predict"));
  await model.close();
});

test("threads answer from shared memory, with the same lists", async () => {
  const draft = draw(new Random(4), 100);
  await withDirectory(pack(draft), async (path) => {
    const model = await openDirectory(path, { shared: true });
    const random = new Random(5);
    const requests = Array.from({ length: 200 }, () => drawRequest(random, draft));
    const code = `
      const { workerData, parentPort } = require("node:worker_threads");
      import(workerData.module).then(({ Model }) => {
        const model = Model.fromShared(workerData.model);
        for (let again = 0; again < 20; again++) {
          parentPort.postMessage(workerData.requests.map((request) => model.answer(request)));
        }
      });`;
    const module = new URL("../dist/index.js", import.meta.url).href;
    const expected = requests.map((request) => recommendNaively(draft, request));
    const answers = (worker: Worker): Promise<void> =>
      new Promise((resolve, reject) => {
        worker.on("message", (lists) => {
          try {
            assert.deepEqual(lists, expected);
          } catch (error) {
            reject(error instanceof Error ? error : new Error("no error"));
          }
        });
        worker.on("error", reject);
        worker.on("exit", () => {
          resolve();
        });
      });
    const workers = [1, 2, 3].map(
      () =>
        new Worker(code, { eval: true, workerData: { module, model: model.share(), requests } }),
    );
    await Promise.all(workers.map(answers));
    await model.close();
  });
});

function run(args: string[], input: string): { status: number | null; output: string } {
  const { status, stdout } = spawnSync(process.execPath, [CLI, ...args], {
    maxBuffer: 1e8,
    input,
    encoding: "utf8",
  });
  return { status, output: stdout };
}

/** Lines of requests for all users, some of which are refused. */
function linesFor(model: Model): string[] {
  const users = Array.from({ length: model.manifest.counts.users }, (_, user) =>
    model.userId(user),
  );
  return users.map((user, index) =>
    JSON.stringify({ id: `r${index}`, user: index % 7 === 0 ? "nobody" : user, n: 5 }),
  );
}

test("lists come in the order of the requests, from any number of threads", async () => {
  const model = await openDirectory(FIXTURE);
  // Enough for several blocks; a line that is no JSON, and a last one without a line feed.
  const lines = Array.from({ length: 40 }, () => linesFor(model)).flat();
  const input = `\n{"id": \n${lines.join("\n")}`;
  const expected = lines.map((line) => {
    const { id, user, n } = JSON.parse(line) as { id: string; user: string; n: number };
    if (user === "nobody") return `{"id": "${id}", "error": "unknown_user"}\n`;
    return formatPrediction(user, model.recommend(user, n));
  });
  for (const threads of ["1", "3"]) {
    const { status, output } = run(["lists", FIXTURE, "--threads", threads], input);
    assert.equal(status, 0);
    assert.ok(output === `{"id": null, "error": "request"}\n${expected.join("")}`, threads);
  }
  await model.close();
});

test("a corpus line has the dump and the answers", () => {
  const line = {
    model: FIXTURE,
    requests: ['{"id": "r", "user": "no", "n": 1}', "{", '{"id": "é", "n": 1}'],
  };
  const { status, output } = run(
    ["corpus"],
    `${JSON.stringify(line)}\n{"model": "/missing", "requests": ["{}"]}\n`,
  );
  const [good, missing] = output
    .trimEnd()
    .split("\n")
    .map((text) => JSON.parse(text) as unknown);
  assert.equal(status, 0);
  const dumped = JSON.parse(run(["dump", FIXTURE], "").output) as unknown;
  const answers = [
    { id: "r", error: "unknown_user" },
    { id: null, error: "request" },
    { id: "é", error: "request" },
  ];
  assert.deepEqual(good, { dump: dumped, answers });
  assert.deepEqual(missing, { dump: { error: "io", stage: "open" }, answers: [] });
});

test("measure counts the bytes of its lists", async () => {
  const model = await openDirectory(FIXTURE);
  const user = model.userId(1);
  const bytes = Buffer.byteLength(formatPrediction(user, model.recommend(user, 5)));
  for (const threads of ["1", "2"]) {
    const { status, output } = run(
      ["measure", FIXTURE, "--seconds", "0.2", "--threads", threads],
      JSON.stringify({ id: "r", user, n: 5 }),
    );
    const found = JSON.parse(output) as Record<string, number>;
    assert.equal(status, 0);
    assert.deepEqual(Object.keys(found), ["open", "first", "lists", "seconds", "bytes"]);
    assert.equal(found.bytes, found.lists! * bytes);
    assert.ok(found.first! >= found.open! && found.seconds! >= 0.2);
  }
  await model.close();
});

test("commands that are wrong say how they are right", () => {
  for (const args of [
    [],
    ["dump"],
    ["lists", FIXTURE, "--threads", "0"],
    ["nothing"],
    ["dump", FIXTURE, "--what"],
  ]) {
    assert.equal(run(args, "").status, 2, args.join(" "));
  }
  assert.equal(run(["--help"], "").status, 0);
  assert.deepEqual(run(["lists", "/missing"], ""), {
    status: 1,
    output: '{"error": "io", "stage": "open"}\n',
  });
});

test("the small SHA-256 is that of Node.js, however the bytes come", () => {
  const random = new Random(6);
  for (let length = 0; length < 300; length++) {
    const bytes = Uint8Array.from({ length }, () => random.below(256));
    const hash = new Sha256();
    for (let at = 0; at < length;) {
      const next = at + 1 + random.below(100);
      hash.update(bytes.subarray(at, next));
      at = next;
    }
    assert.equal(hash.hex(), createHash("sha256").update(bytes).digest("hex"));
  }
});

test("logarithms and powers have the bits of the other readers", () => {
  const lines = readFileSync(join(ROOT, "../go/internal/portable/testdata/bits.txt"), "utf8").split(
    "\n",
  );
  const view = new DataView(new ArrayBuffer(8));
  const bitsOf = (value: number): string => {
    view.setFloat64(0, value);
    return view.getBigUint64(0).toString(16).padStart(16, "0");
  };
  let compared = 0;
  for (const line of lines) {
    const [name, of, expected] = line.split(" ");
    if (name !== "exp2" && name !== "log1p") continue;
    view.setBigUint64(0, BigInt(`0x${of!}`));
    const value = view.getFloat64(0);
    assert.equal(bitsOf(name === "exp2" ? exp2(value) : log1p(value)), expected, line);
    compared++;
  }
  assert.ok(compared > 300, `${compared} lines`);
});

test("times are exact to the microsecond, up to year 9999", () => {
  assert.equal(parseMoment("9999-12-31T23:59:59.999999Z"), 253402300799999999n);
  assert.equal(parseMoment("0001-01-01T00:00:00.000000Z"), -62135596800000000n);
  assert.equal(parseMoment("2026-01-01T12:00:00.000001Z"), 1767268800000001);
  for (const text of [
    "2026-02-30T00:00:00.000000Z",
    "0000-01-01T00:00:00.000000Z",
    "2026-01-01T24:00:00.000000Z",
  ]) {
    assert.equal(parseMoment(text), undefined, text);
  }
  assert.equal(momentOf(253402300800000000n), undefined);
  assert.equal(momentOf(2 ** 53), undefined);
});

test("a directory that is none is refused", async () => {
  await assert.rejects(openDirectory("/missing"), isRefused("io", "open"));
  await assert.rejects(openDirectory(CLI), isRefused("io", "open"));
  const draft = pack(draw(new Random(8)));
  await withDirectory(draft, async (path) => {
    rmSync(join(path, "items.csv"));
    spawnSync("mkfifo", [join(path, "items.csv")]);
    await assert.rejects(openDirectory(path), isRefused("io", "open"));
  });
});
