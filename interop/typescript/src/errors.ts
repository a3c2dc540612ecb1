/** What is wrong: one word of the closed list of SPEC.md, section 1. */
export type Verdict =
  | "io"
  | "version"
  | "manifest"
  | "size"
  | "container"
  | "header"
  | "csr"
  | "idmap"
  | "checksum"
  | "unknown_user"
  | "unknown_item"
  | "request";

/** When a fault was found. */
export type Stage = "open" | "verify" | "predict";

const HINTS: Readonly<Record<Verdict, string>> = {
  io: "give the directory of a whole model that can be read, and open it anew if its files changed",
  version: "read it with a newer version of this package, or train it with an older one",
  manifest: "write the model anew: its manifest.json or config.json is not as the format says",
  size: "copy the model anew: a file is not whole",
  container: "write the model anew: other programs write other .npz files",
  header: "write the model anew: other programs write other .npy headers",
  csr: "write or copy the model anew: it holds impossible values",
  idmap: "write the model anew: editors and spreadsheets change its .csv files",
  checksum: "copy the model anew: its bytes changed since it was written",
  unknown_user: "recommend by a history instead, or train with this user",
  unknown_item: "train with this item",
  request: "mend the request",
};

/** Every refusal of this package. Its message is `place: field: expected X, got Y`. */
export class MlcoreError extends Error {
  override readonly name = "MlcoreError";

  constructor(
    readonly verdict: Verdict,
    /** A file, perhaps with a line or a member; empty for a request. */
    readonly place: string,
    /** What of it, or empty; `name` is the name of the class, as of every error. */
    readonly field: string,
    readonly expected: string,
    readonly got: string,
    /** The stage is known where the work was begun; see {@link atStage}. */
    readonly stage: Stage = "open",
    options?: ErrorOptions,
  ) {
    const where = [place, field].filter((part) => part !== "").map((part) => `${part}: `);
    super(`${where.join("")}expected ${expected}, got ${got}`, options);
  }

  /** What to do about it. */
  get hint(): string {
    return HINTS[this.verdict];
  }
}

/** Returns a refusal of a request. */
export function badRequest(field: string, expected: string, got: unknown): MlcoreError {
  return new MlcoreError("request", "", field, expected, show(got));
}

/** Returns any error as one of this stage; what is no refusal came of the machine, as no memory. */
export function atStage(error: unknown, stage: Stage, place = ""): MlcoreError {
  if (error instanceof MlcoreError) {
    const { verdict, field, expected, got } = error;
    if (error.stage === stage) return error;
    return new MlcoreError(verdict, error.place, field, expected, got, stage, {
      cause: error.cause,
    });
  }
  const got = error instanceof Error ? error.message : String(error);
  return new MlcoreError("io", place, "", "a model that can be read", got, stage, { cause: error });
}

const SHOWN = 60;

/** Returns a value in one short line. */
export function show(value: unknown): string {
  if (value === undefined) return "none";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "object" && value !== null) return "an object";
  const text =
    typeof value === "string" ? JSON.stringify(value.slice(0, SHOWN)) : `${value as number}`;
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
}
