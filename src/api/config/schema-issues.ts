// What zod found, as issues: the exact node's file, line and column, what was expected, and the nearest known word.
// Messages never show a value except one that failed to be one of a few words, so that no secret gets into a log.
import type { z } from "zod";
import type { Issue } from "../issue.ts";
import { toIdProblem } from "./config.ts";
import { renderDidYouMean } from "./suggest.ts";
import { type ConfigNode, type ConfigPath, findNode, locateKey, locateValue, renderPath } from "./tree.ts";
import { knownKeysAt } from "./unused-keys.ts";

/** What people write from other tools' habits, and what to write here. */
const KEY_HINTS: Readonly<Record<string, string>> = {
  perSession: 'write scope: "session" (true) or scope: "shared" (false)',
  privileged: "a sandbox is never privileged: remove it",
  capAdd: "capabilities cannot be added: list fewer in capDrop",
  securityOpt: "write seccompProfile or apparmorProfile",
  devices: "devices cannot be given to a sandbox: see gpus",
  volumes: "write binds",
  mounts: "write binds",
  networkMode: "write network",
  pid: "host namespaces cannot be joined: remove it",
  ipc: "host namespaces cannot be joined: remove it",
  environment: "write env",
  command: "write setupCommand",
};

/** Each issue costs a walk through the tree, and a hostile file can make a million of them. */
export const ISSUES_MAX = 200;

export function toIssues(error: z.ZodError, root: ConfigNode): Issue[] {
  return error.issues.slice(0, ISSUES_MAX).flatMap((issue) => toIssue(issue, root));
}

function toIssue(issue: z.core.$ZodIssue, root: ConfigNode): Issue[] {
  const path = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
  if (issue.code === "unrecognized_keys") return issue.keys.slice(0, ISSUES_MAX).map((key) => toUnknownKey([...path, key], root));
  const at = issue.code === "invalid_key" ? locateKey(root, path) : locateValue(root, path);
  return [{ severity: "error", ...at, path: renderPath(path), ...explain(issue, path, root) }];
}

function toUnknownKey(path: ConfigPath, root: ConfigNode): Issue {
  const key = String(path.at(-1));
  const hint = Object.hasOwn(KEY_HINTS, key) ? KEY_HINTS[key] : undefined;
  const fix = hint === undefined ? renderDidYouMean(key, knownKeysAt(path.slice(0, -1)) ?? []) : { fix: hint };
  return { severity: "error", ...locateKey(root, path), path: renderPath(path), message: "unknown key", ...fix };
}

function explain(issue: z.core.$ZodIssue, path: ConfigPath, root: ConfigNode): { message: string; fix?: string } {
  const node = findNode(root, path);
  switch (issue.code) {
    case "invalid_value":
      return explainChoice(issue.values, node);
    case "invalid_key":
      return { message: issue.issues[0]?.message ?? issue.message };
    case "invalid_type":
      return explainType(issue, path, node);
    case "too_small":
    case "too_big":
      return { message: explainBound(issue, node) };
    case "invalid_format":
      return isAgentId(path) && node?.kind === "scalar" ? toIdProblem(String(node.value)) : { message: issue.message };
    default:
      return { message: issue.message };
  }
}

const isAgentId = (path: ConfigPath): boolean => path[0] === "agents" && path.length === 4 && path[3] === "id";
const ownMessage = (message: string): boolean => !message.startsWith("Invalid input");

function explainChoice(values: readonly unknown[], node: ConfigNode | undefined): { message: string; fix?: string } {
  const words = values.map(String);
  const quoted = words.map((word) => JSON.stringify(word));
  const expected = quoted.length > 1 ? `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}` : quoted.join("");
  if (node?.kind !== "scalar" || typeof node.value !== "string") return { message: `expected ${expected}${renderGot(node)}` };
  return { message: `expected ${expected}, got ${JSON.stringify(node.value.slice(0, 40))}`, ...renderDidYouMean(node.value, words) };
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "text in quotes",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list [...]",
  object: "an object {...}",
  record: "an object {...}",
};

function explainType(issue: z.core.$ZodIssueInvalidType, path: ConfigPath, node: ConfigNode | undefined): { message: string } {
  if (ownMessage(issue.message)) return { message: issue.message };
  if (node === undefined) return { message: `${String(path.at(-1))} is missing` };
  return { message: `expected ${TYPE_WORDS[issue.expected] ?? issue.expected}${renderGot(node)}` };
}

function explainBound(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig, node: ConfigNode | undefined): string {
  const bound = issue.code === "too_small" ? issue.minimum : issue.maximum;
  const side = issue.code === "too_small" ? "at least" : "at most";
  if (issue.origin === "array" || issue.origin === "set") return `expected ${side} ${bound} entries`;
  if (issue.origin === "string")
    return bound === 1n || bound === 1 ? "expected text that is not empty" : `expected ${side} ${bound} characters`;
  const exclusive = issue.inclusive === false ? (issue.code === "too_small" ? "more than" : "less than") : side;
  const got = node?.kind === "scalar" && typeof node.value === "number" ? `, got ${node.value}` : "";
  return `expected ${exclusive} ${bound}${got}`;
}

function renderGot(node: ConfigNode | undefined): string {
  if (node === undefined) return "";
  if (node.kind !== "scalar") return node.kind === "array" ? ", got a list" : ", got an object";
  if (typeof node.value === "string") return ", got text";
  return `, got ${String(node.value)}`;
}
