/** Random models and requests against a plain reference, and damaged bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { FilesSource, MlcoreError, openLazy, openModel, openZip } from "mlcore";
import { openDirectory, openDirectoryLazy } from "mlcore/node";
import {
  draw,
  drawRequest,
  pack,
  Random,
  recommendNaively,
  withDirectory,
  zip,
} from "./support.js";

const MODELS = 30;
const REQUESTS = 40;

test("random models give the lists of a plain reference, in memory and lazy", async () => {
  for (let seed = 0; seed < MODELS; seed++) {
    const random = new Random(seed);
    const draft = draw(random);
    await withDirectory(pack(draft), async (path) => {
      const model = await openDirectory(path);
      const lazy = await openDirectoryLazy(path, { cacheBytes: random.pick([0, 100, 1e6]) });
      await lazy.verify();
      for (let count = 0; count < REQUESTS; count++) {
        const request = drawRequest(random, draft);
        const expected = recommendNaively(draft, request);
        const note = `seed ${seed}, request ${count}`;
        assert.deepEqual(model.answer(request), expected, note);
        assert.deepEqual(await lazy.answer(request), expected, note);
      }
      await model.close();
      await lazy.close();
    });
  }
});

test("many lazy requests at once give the lists that each gives alone", async () => {
  const random = new Random(7);
  const draft = draw(random, 200);
  await withDirectory(pack(draft), async (path) => {
    const lazy = await openDirectoryLazy(path, { cacheBytes: 1000 });
    const requests = Array.from({ length: 300 }, () => drawRequest(random, draft));
    const lists = await Promise.all(requests.map((request) => lazy.answer(request)));
    assert.deepEqual(
      lists,
      requests.map((request) => recommendNaively(draft, request)),
    );
    await lazy.close();
  });
});

/** Returns bytes with one fault. */
function damage(random: Random, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = random.below(copy.length);
  switch (random.below(4)) {
    case 0:
      copy[at] = random.below(256);
      return copy;
    case 1:
      copy[at]! ^= 1 << random.below(8);
      return copy;
    case 2:
      return copy.subarray(0, at);
    default:
      return Uint8Array.from([...copy.subarray(0, at), random.below(256), ...copy.subarray(at)]);
  }
}

test("damaged bytes are refused or pass, with sizes that are said to be right", async () => {
  const verdicts = new Set<string>();
  for (let seed = 0; seed < 600; seed++) {
    const random = new Random(seed);
    const draft = draw(new Random(seed % 10));
    const files = pack(draft);
    const name = random.pick([...files.keys()]);
    const damaged = damage(random, files.get(name)!);
    files.set(name, Buffer.from(damaged));
    // So that the fault is met where it is, not by the size of the file.
    const manifest = files.get("manifest.json")!.toString();
    const size = new RegExp(`("${name.replace(".", "\\.")}":\\{"bytes":)\\d+`);
    if (name !== "manifest.json")
      files.set("manifest.json", Buffer.from(manifest.replace(size, `$1${damaged.length}`)));
    const blobs = () =>
      new FilesSource(
        [...files].map(([file, bytes]) => [file, new Blob([Uint8Array.from(bytes)])] as const),
      );
    for (const open of [openModel, openLazy]) {
      try {
        const model = await open(blobs());
        for (let count = 0; count < 3; count++) await model.answer(drawRequest(random, draft));
        await model.verify();
        verdicts.add("none");
      } catch (error) {
        assert.ok(error instanceof MlcoreError, `seed ${seed}: ${String(error)}`);
        assert.ok(!(error.cause instanceof TypeError), `seed ${seed}: ${String(error)}`);
        verdicts.add(error.verdict);
      }
    }
  }
  for (const verdict of ["manifest", "container", "header", "csr", "idmap", "checksum"])
    assert.ok(verdicts.has(verdict), verdict);
});

test("damaged zip files are refused, or hold the model", async () => {
  const draft = draw(new Random(9));
  const request = { item: draft.items[0]!, n: 5 };
  let refused = 0;
  for (let seed = 0; seed < 300; seed++) {
    const random = new Random(seed);
    const whole = zip(pack(draft), seed % 2 === 0);
    // Its end, where the directory is, has the most to break.
    const from = random.pick([0, whole.length - 1500]);
    const bytes = [whole.subarray(0, from), damage(random, whole.subarray(from))] as BlobPart[];
    try {
      const model = await openLazy(await openZip(new Blob(bytes)));
      await model.verify();
      assert.deepEqual(await model.answer(request), recommendNaively(draft, request));
    } catch (error) {
      assert.ok(error instanceof MlcoreError, `seed ${seed}: ${String(error)}`);
      refused++;
    }
  }
  assert.ok(refused > 100 && refused < 300, `${refused} refused`);
});
