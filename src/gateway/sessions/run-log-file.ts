// The file of what a session's runs did, beside its transcript: a release of before does not know its name and leaves it alone, and one of later may add lines
// that nobody here understands, which stay byte for byte. What its lines mean is agent/entries.ts's.
import { JsonLines } from "./json-lines.ts";

export const RUN_LOG_SUFFIX = ".runs.jsonl";
/** As much as of messages: what a conversation of a day with many tools has is some MiB. */
const BYTES_MAX = 67_108_864;
/** A session's name, and its UUID: other files that end so are somebody else's. */
const NAME = /^[a-z0-9][a-z0-9._-]{0,127}\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.runs\.jsonl$/;

export const isRunLog = (fileName: string): boolean => NAME.test(fileName);

/** @throws OperationError `HostRejected` */
export const openRunLog = (path: string): Promise<JsonLines> => JsonLines.open(path, { bytesMax: BYTES_MAX, isLine });

const isLine = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value);
