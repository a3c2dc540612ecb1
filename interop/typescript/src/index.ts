/**
 * Reads models of the mlcore format and recommends from them, with the same bits as every other reader.
 *
 * {@link openModel} puts a model into memory and then answers at once; {@link openLazy} leaves it where it is
 * and reads what an answer needs. Both take a {@link Source}; `mlcore/node` has one for directories.
 *
 * @packageDocumentation
 */
export { MlcoreError, type Stage, type Verdict } from "./errors.js";
export type { ByColumn, Catalogue, Filter } from "./filter.js";
export type { Counts, FileEntry, Manifest } from "./manifest.js";
export {
  LazyModel,
  Model,
  openLazy,
  openModel,
  type LazyOptions,
  type OpenOptions,
  type SharedModel,
} from "./model.js";
export type { HistoryEvent, HistoryOptions, Item, Options, Request } from "./recommend.js";
export type { Share } from "./rank.js";
export { parseRequest, type ParsedRequest } from "./request.js";
export type { FileStat, Hash, Source } from "./source.js";
export { formatNumber, formatPrediction, formatString } from "./text.js";
export type { Microseconds } from "./times.js";
export { DirectoryHandleSource, FilesSource } from "./blobs.js";
export { UrlSource } from "./url.js";
export { openZip } from "./zip.js";
