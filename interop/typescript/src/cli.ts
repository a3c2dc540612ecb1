#!/usr/bin/env node
/** The commands of CONFORMANCE.md, and those that answer many requests. */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { answerOfSuite, numberOf, predictionOf, spaced } from "./answers.js";
import { MlcoreError } from "./errors.js";
import { blocksOf, linesIn, linesOf, write } from "./lines.js";
import type { Model } from "./model.js";
import { openDirectory, openDirectoryLazy } from "./node.js";
import { parseRequest } from "./request.js";
import { formatNumber, formatPrediction, formatString } from "./text.js";
import { measure, predict, Threads, type Measured } from "./threads.js";

const USAGE = `usage: node dist/cli.js COMMAND

  dump DIR                                  open and verify a model
  predict DIR < requests.jsonl              answer as the conformance suite compares it
  format < lines.jsonl                      write numbers, strings and lists as text
  lists DIR [--threads N] < requests.jsonl  write predictions as JSON Lines
  corpus < lines.jsonl                      dump and predict for many models
  measure DIR [--seconds S] [--threads N] < requests.jsonl
`;

interface Refusal {
  readonly error: string;
  readonly stage: string;
}

function refusalOf(error: unknown): Refusal {
  if (!(error instanceof MlcoreError)) throw error;
  return { error: error.verdict, stage: error.stage };
}

async function dump(directory: string): Promise<unknown> {
  try {
    const model = await openDirectoryLazy(directory);
    try {
      const { arrays, ids } = await model.digests();
      const { users, items, interactions, pairs } = model.manifest.counts;
      return {
        users: String(users),
        items: String(items),
        interactions: String(interactions),
        pairs: String(pairs),
        with_users: model.manifest.files.has("users.csv"),
        arrays: Object.fromEntries(arrays),
        ids: Object.fromEntries(ids),
      };
    } finally {
      await model.close();
    }
  } catch (error) {
    return refusalOf(error);
  }
}

async function say(value: unknown): Promise<void> {
  await write(`${spaced(value)}\n`);
}

async function runDump(directory: string): Promise<number> {
  const found = await dump(directory);
  await say(found);
  return "error" in (found as object) ? 1 : 0;
}

/** Does some work with a model, and closes it; a model that is refused gives a line, and exit code 1. */
async function withModel(
  directory: string,
  shared: boolean,
  work: (model: Model) => Promise<void>,
): Promise<number> {
  let model: Model;
  try {
    model = await openDirectory(directory, { shared });
  } catch (error) {
    await say(refusalOf(error));
    if (error instanceof MlcoreError) console.error(`error: ${error.message}\nhint: ${error.hint}`);
    return 1;
  }
  try {
    await work(model);
  } finally {
    await model.close();
  }
  return 0;
}

async function runFormat(): Promise<number> {
  interface Line {
    bits?: string;
    string?: string;
    user_id: string;
    items: {
      item_id: string;
      bits: string;
      filled: boolean;
      because?: { item_id: string; bits: string }[];
    }[];
  }
  for await (const line of linesIn(process.stdin)) {
    const value = JSON.parse(Buffer.from(line).toString()) as Line;
    let text: string;
    if (value.bits !== undefined) text = formatNumber(numberOf(value.bits));
    else if (value.string !== undefined) text = formatString(value.string);
    else {
      const items = value.items.map(({ item_id, bits, filled, because }) => {
        const item = { id: item_id, score: numberOf(bits), filled };
        const share = (part: { item_id: string; bits: string }) => ({
          id: part.item_id,
          index: 0,
          share: numberOf(part.bits),
        });
        return because ? { ...item, because: because.map(share) } : item;
      });
      text = formatPrediction(value.user_id, items);
    }
    await say({ text });
  }
  return 0;
}

/** How many blocks of a thread may wait to be written. */
const AHEAD = 4;

async function lists(model: Model, threads: number): Promise<void> {
  if (threads === 1) {
    for await (const block of blocksOf(process.stdin)) await write(predict(model, block));
    return;
  }
  const pool = new Threads(model, threads);
  const results: Promise<unknown>[] = [];
  const writeFirst = async () => write((await results.shift()) as Uint8Array);
  try {
    for await (const block of blocksOf(process.stdin)) {
      if (results.length >= AHEAD * threads) await writeFirst();
      results.push((await pool.give({ block })).result);
    }
    while (results.length > 0) await writeFirst();
  } finally {
    await pool.close();
  }
}

async function runCorpus(): Promise<number> {
  for await (const line of linesIn(process.stdin)) {
    const { model: directory, requests } = JSON.parse(Buffer.from(line).toString()) as {
      model: string;
      requests: string[];
    };
    const answers: unknown[] = [];
    const dumped = await dump(directory);
    try {
      const model = await openDirectory(directory);
      for (const text of requests) answers.push(answerOfSuite(model, text));
      await model.close();
    } catch (error) {
      refusalOf(error);
    }
    await say({ dump: dumped, answers });
  }
  return 0;
}

async function runMeasure(directory: string, seconds: number, threads: number): Promise<number> {
  const blocks: Uint8Array[] = [];
  for await (const block of blocksOf(process.stdin)) blocks.push(block);
  const block = Buffer.concat(blocks);
  const requests = Array.from(linesOf(block), parseRequest);
  if (requests.length === 0)
    throw new MlcoreError("request", "standard input", "", "requests", "none");
  const begun = performance.now();
  const since = () => (performance.now() - begun) / 1000;
  return withModel(directory, threads > 1, async (model) => {
    const open = since();
    predictionOf(model, requests[0]!);
    const first = since();
    let found: Measured[];
    if (threads === 1) {
      found = [measure(model, requests, seconds)];
    } else {
      const pool = new Threads(model, threads);
      const given = Array.from({ length: threads }, (_, thread) =>
        pool.give({ block, seconds, share: thread / threads }),
      );
      found = (await Promise.all(
        (await Promise.all(given)).map(({ result }) => result),
      )) as Measured[];
      await pool.close();
    }
    const sum = (key: keyof Measured) => found.reduce((total, part) => total + part[key], 0);
    await say({
      open,
      first,
      lists: sum("lists"),
      seconds: sum("seconds") / threads,
      bytes: sum("bytes"),
    });
  });
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      threads: { type: "string" },
      seconds: { type: "string", default: "3" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [command, directory] = positionals;
  const threads = Number(values.threads ?? (command === "measure" ? 1 : availableParallelism()));
  const seconds = Number(values.seconds);
  const takesModel = ["dump", "predict", "lists", "measure"].includes(command ?? "");
  if (values.help) {
    await write(USAGE);
    return 0;
  }
  if (
    positionals.length === (takesModel ? 2 : 1) &&
    Number.isInteger(threads) &&
    threads >= 1 &&
    seconds > 0
  ) {
    switch (command) {
      case "dump":
        return runDump(directory!);
      case "predict":
        return withModel(directory!, false, async (model) => {
          for await (const line of linesIn(process.stdin)) await say(answerOfSuite(model, line));
        });
      case "format":
        return runFormat();
      case "lists":
        return withModel(directory!, threads > 1, (model) => lists(model, threads));
      case "corpus":
        return runCorpus();
      case "measure":
        return runMeasure(directory!, seconds, threads);
    }
  }
  process.stderr.write(USAGE);
  return 2;
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") process.exit(1); // the reader has enough
  throw error;
});

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = error instanceof TypeError && "code" in error ? 2 : 1;
  },
);
