/** Threads that answer requests from one model in shared memory. */
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { predictionOf } from "./answers.js";
import { linesOf } from "./lines.js";
import { Model, type SharedModel } from "./model.js";
import { parseRequest, type ParsedRequest } from "./request.js";

/** What a measurement of one thread gave. */
export interface Measured {
  readonly lists: number;
  readonly seconds: number;
  readonly bytes: number;
}

/** What a thread is asked for: the lines of a block, or a measurement. */
type Task =
  | { readonly block: Uint8Array }
  | { readonly block: Uint8Array; readonly seconds: number; readonly share: number };

/** Returns the predictions for a block of requests. */
export function predict(model: Model, block: Uint8Array): Uint8Array {
  let text = "";
  for (const line of linesOf(block)) text += predictionOf(model, parseRequest(line));
  return Buffer.from(text);
}

/** Answers requests again and again, from a share of them on, after a warm-up half as long. */
export function measure(
  model: Model,
  requests: readonly ParsedRequest[],
  seconds: number,
  share = 0,
): Measured {
  let at = Math.floor(share * requests.length);
  const runFor = (duration: number): Measured => {
    const begun = performance.now();
    let lists = 0;
    let bytes = 0;
    let spent = 0;
    do {
      for (let some = 0; some < 16; some++) {
        bytes += Buffer.byteLength(predictionOf(model, requests[at]!));
        at = (at + 1) % requests.length;
      }
      lists += 16;
      spent = (performance.now() - begun) / 1000;
    } while (spent < duration);
    return { lists, seconds: spent, bytes };
  };
  runFor(seconds / 2);
  return runFor(seconds);
}

/** Threads with the same model. */
export class Threads {
  readonly #idle: Worker[];
  readonly #all: Worker[];
  readonly #waiting: ((worker: Worker) => void)[] = [];

  constructor(model: Model, count: number) {
    this.#all = Array.from(
      { length: count },
      () => new Worker(new URL(import.meta.url), { workerData: model.share() }),
    );
    this.#idle = [...this.#all];
  }

  /** Gives a task to the next thread that is free, once there is one; the result is waited for apart. */
  async give(task: Task): Promise<{ result: Promise<unknown> }> {
    const worker =
      this.#idle.pop() ?? (await new Promise<Worker>((resolve) => this.#waiting.push(resolve)));
    const result = new Promise((resolve, reject) => {
      worker.once("error", reject);
      worker.once("message", (message) => {
        worker.off("error", reject);
        const next = this.#waiting.shift();
        if (next) next(worker);
        else this.#idle.push(worker);
        resolve(message);
      });
    });
    result.catch(() => undefined); // whoever waits for it hears of it
    worker.postMessage(task);
    return { result };
  }

  async close(): Promise<void> {
    await Promise.all(this.#all.map((worker) => worker.terminate()));
  }
}

if (!isMainThread && parentPort) {
  const port = parentPort;
  const model = Model.fromShared(workerData as SharedModel);
  port.on("message", (task: Task) => {
    if ("seconds" in task) {
      port.postMessage(
        measure(model, Array.from(linesOf(task.block), parseRequest), task.seconds, task.share),
      );
    } else {
      port.postMessage(predict(model, task.block));
    }
  });
}
