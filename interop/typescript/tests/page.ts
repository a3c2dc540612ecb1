/** What the browser tests run in a page, and in a worker. */
import {
  DirectoryHandleSource,
  FilesSource,
  MlcoreError,
  openLazy,
  openModel,
  openZip,
  UrlSource,
  type Source,
} from "../dist/index.js";
import { answerOfSuite, answerOfSuiteLazily } from "../dist/answers.js";

/** How the files of a model reach the page. */
export type Way = "url" | "blobs" | "handle" | "zip";

export interface Asked {
  readonly way: Way;
  readonly url: string;
  readonly files: readonly string[];
  readonly lines: readonly string[];
}

export interface Answered {
  readonly loaded: unknown[];
  readonly lazy: unknown[];
  /** Bytes that the lazy model fetched; of a URL only. */
  readonly fetched: number;
}

async function blobsOf({ url, files }: Asked): Promise<[string, Blob][]> {
  return Promise.all(
    files.map(async (file): Promise<[string, Blob]> => [
      file,
      await (await fetch(`${url}/${file}`)).blob(),
    ]),
  );
}

async function sourceOf(asked: Asked): Promise<Source> {
  switch (asked.way) {
    case "url":
      return new UrlSource(asked.url);
    case "zip":
      return openZip(await (await fetch(asked.url)).blob());
    case "blobs":
      return FilesSource.of((await blobsOf(asked)).map(([name, blob]) => new File([blob], name)));
    case "handle": {
      const root = await navigator.storage.getDirectory();
      const directory = await root.getDirectoryHandle(crypto.randomUUID(), { create: true });
      for (const [name, blob] of await blobsOf(asked)) {
        const writable = await (
          await directory.getFileHandle(name, { create: true })
        ).createWritable();
        await writable.write(blob);
        await writable.close();
      }
      return new DirectoryHandleSource(directory);
    }
  }
}

export async function answers(asked: Asked): Promise<Answered> {
  const model = await openModel(await sourceOf(asked));
  const loaded = asked.lines.map((line) => answerOfSuite(model, line));
  await model.verify();
  await model.close();
  return { ...(await answersLazily(asked)), loaded };
}

export async function answersLazily(asked: Asked): Promise<Omit<Answered, "loaded">> {
  const source = await sourceOf(asked);
  const model = await openLazy(source);
  const lazy: unknown[] = [];
  for (const line of asked.lines) lazy.push(await answerOfSuiteLazily(model, line));
  const fetched = source instanceof UrlSource ? source.fetchedBytes : 0;
  await model.close();
  return { lazy, fetched };
}

/** Answers in a worker of the browser. */
export async function answersInWorker(asked: Asked): Promise<Answered> {
  const worker = new Worker(new URL("./page.js", import.meta.url), { type: "module" });
  const answered = await new Promise<Answered>((resolve, reject) => {
    worker.onmessage = ({ data }) => {
      resolve(data as Answered);
    };
    worker.onerror = ({ message }) => {
      reject(new Error(message));
    };
    worker.postMessage(asked);
  });
  worker.terminate();
  return answered;
}

/** Returns the verdict of opening what a URL gives, or of a request after a change there. */
export async function verdictOf(url: string, change?: string): Promise<string> {
  try {
    const model = await openLazy(new UrlSource(url));
    if (change !== undefined) {
      await fetch(change);
      await model.similar(model.itemId(0), 5);
    }
    return "none";
  } catch (error) {
    return error instanceof MlcoreError ? `${error.stage} ${error.verdict}` : String(error);
  }
}

if ("WorkerGlobalScope" in globalThis) {
  globalThis.onmessage = async ({ data }: MessageEvent<Asked>) => {
    postMessage(await answers(data));
  };
}
