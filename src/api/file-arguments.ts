// What the arguments of the file scripts may be, as file-scripts.ts says it: digits are digits and ids are ids. Pure; the controller asks before
// it runs a script for a gateway, and the scripts look again. Which tool may run which script is file-scripts.ts.

/** Of 64 bits without a sign, with one way to write it. */
const COUNT = /^(?:0|[1-9][0-9]{0,15})$/;
const ID = /^[a-z0-9]{8,32}$/;
/** `any`, `none`, or a checksum and a length, or what `ls` says of a file. */
const EXPECTED = /^[A-Za-z0-9:.-]{1,256}$/;
/** The tools take 4096 characters, and `./` comes before them. */
const PATH_BYTES_MAX = 4 * 4_098;
const READ_UNITS: ReadonlySet<string> = new Set(["lines", "bytes", "whole"]);
const ARGUMENTS_OF_CHANGE = 5;

/** Absolute, or from the workdir on: never an option. A folder is none. */
const isPath = (text: string): boolean =>
  /^\.?\//.test(text) && !text.endsWith("/") && !text.includes("\0") && Buffer.byteLength(text) <= PATH_BYTES_MAX;

/** Path, unit, first, count, most bytes. */
export function areReadArguments(args: readonly string[]): boolean {
  const [path = "", unit = "", ...counts] = args;
  return isPath(path) && READ_UNITS.has(unit) && counts.length === 3 && counts.every((count) => COUNT.test(count));
}

/** Path, most entries. */
export function areListArguments(args: readonly string[]): boolean {
  const [path = "", most = ""] = args;
  return args.length === 2 && isPath(path) && COUNT.test(most);
}

/** What, path, what is expected there, and the new path of what is moved. */
export function areArrangeArguments(args: readonly string[]): boolean {
  const [what = "", path = "", expected = "", target = ""] = args;
  const hasTarget = what === "move" ? isPath(target) : ["remove", "remove-all", "folder"].includes(what) && target === "";
  return args.length === 4 && isPath(path) && EXPECTED.test(expected) && hasTarget;
}

/** Id, number of `put`, bytes of stdin; then kind, path, bytes, what is expected and whose permissions, for each change. */
export function areCommitArguments(args: readonly string[]): boolean {
  const [id = "", puts = "", total = "", ...rest] = args;
  const changes = Array.from({ length: Math.ceil(rest.length / ARGUMENTS_OF_CHANGE) }, (_, at) =>
    rest.slice(at * ARGUMENTS_OF_CHANGE, (at + 1) * ARGUMENTS_OF_CHANGE),
  );
  const isComplete = changes.length > 0 && changes.every(isChange);
  return ID.test(id) && COUNT.test(total) && isComplete && puts === String(changes.filter(([kind]) => kind === "put").length);
}

function isChange(change: readonly string[]): boolean {
  const [kind, path = "", bytes = "", expected = "", like = ""] = change;
  if (change.length !== ARGUMENTS_OF_CHANGE || (kind !== "put" && kind !== "drop")) return false;
  return isPath(path) && COUNT.test(bytes) && EXPECTED.test(expected) && (like === "" || isPath(like));
}
