/** The whole suite, in this process: each model loaded and lazy, with the same answers. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openDirectory, openDirectoryLazy } from "mlcore/node";
import { formatNumber, formatPrediction, formatString, MlcoreError } from "mlcore";
import { answerOfSuite, answerOfSuiteLazily, numberOf } from "../dist/answers.js";

const CONFORMANCE = new URL("../../conformance/", import.meta.url);
const STAGES = ["open", "verify", "predict"];

interface Case {
  id: string;
  kind: "model" | "predict" | "text";
  model?: string;
  expect?: string;
  requests?: string;
  cases?: string;
  result?: string;
  verdict?: string;
  stage?: string;
}

const path = (name: string): string => new URL(name, CONFORMANCE).pathname;
const read = (name: string): string => readFileSync(path(name), "utf8");
const linesOf = (name: string): string[] => read(name).split("\n").filter(Boolean);
const { cases } = JSON.parse(read("cases.json")) as { cases: Case[] };

const OPENERS = { loaded: openDirectory, lazy: openDirectoryLazy };

async function dump(
  open: (
    directory: string,
  ) => Promise<
    Awaited<ReturnType<typeof openDirectoryLazy>> | Awaited<ReturnType<typeof openDirectory>>
  >,
  directory: string,
): Promise<unknown> {
  const model = await open(directory);
  try {
    const { arrays, ids } = await model.digests();
    const { users, items, interactions, pairs } = model.manifest.counts;
    return {
      users: `${users}`,
      items: `${items}`,
      interactions: `${interactions}`,
      pairs: `${pairs}`,
      with_users: model.manifest.files.has("users.csv"),
      arrays: Object.fromEntries(arrays),
      ids: Object.fromEntries(ids),
    };
  } finally {
    await model.close();
  }
}

for (const { id, kind, model, ...entry } of cases) {
  for (const [mode, open] of Object.entries(OPENERS)) {
    if (kind === "model") {
      test(`${id}, ${mode}`, async () => {
        if (entry.result === "accept") {
          assert.deepEqual(await dump(open, path(model!)), JSON.parse(read(entry.expect!)));
          return;
        }
        await assert.rejects(dump(open, path(model!)), (error) => {
          assert.ok(error instanceof MlcoreError, String(error));
          assert.equal(error.verdict, entry.verdict, error.message);
          assert.ok(STAGES.indexOf(error.stage) <= STAGES.indexOf(entry.stage!), error.stage);
          return true;
        });
      });
    }
  }
  if (kind === "predict") {
    test(id, async () => {
      const loaded = await openDirectory(path(model!));
      const lazy = await openDirectoryLazy(path(model!));
      const expected = linesOf(entry.expect!).map((line) => JSON.parse(line) as unknown);
      const requests = linesOf(entry.requests!);
      assert.equal(requests.length, expected.length);
      for (const [index, line] of requests.entries()) {
        assert.deepEqual(answerOfSuite(loaded, line), expected[index], line);
        assert.deepEqual(await answerOfSuiteLazily(lazy, line), expected[index], line);
      }
      await loaded.close();
      await lazy.close();
    });
  }
  if (kind === "text") {
    test(id, () => {
      for (const line of linesOf(entry.cases!)) {
        const value = JSON.parse(line) as Record<string, never>;
        assert.equal(textOf(value), value.text, line);
      }
    });
  }
}

interface Part {
  item_id: string;
  bits: string;
}

function textOf(value: {
  bits?: string;
  string?: string;
  user_id?: string;
  items?: (Part & { filled: boolean; because?: Part[] })[];
}): string {
  if (value.bits !== undefined) return formatNumber(numberOf(value.bits));
  if (value.string !== undefined) return formatString(value.string);
  const items = value.items!.map(({ item_id, bits, filled, because }) => ({
    id: item_id,
    score: numberOf(bits),
    filled,
    ...(because && {
      because: because.map((part) => ({ id: part.item_id, index: 0, share: numberOf(part.bits) })),
    }),
  }));
  return formatPrediction(value.user_id!, items);
}
