// Says in plain words what is wrong with a value that a schema refused, for whoever sent it: no text of the schema library reaches a person.
// A schema's own message goes before these words. The config has richer ones of its own (config/schema-issues.ts).
import type { z } from "zod";

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
  null: "null",
};

const FORMAT_WORDS: Readonly<Record<string, string>> = {
  base64: "base64",
  datetime: "a time such as 2026-01-31T12:00:00Z",
  url: "a URL",
  uuid: "a UUID",
};

/** To be given to `safeParse` as `error`. @returns one clause without a period */
export function toPlainText(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `${issue.input === undefined ? "missing; " : ""}expected ${TYPE_WORDS[issue.expected] ?? issue.expected}${renderGot(issue.input)}`;
    case "unrecognized_keys":
      return `unknown ${issue.keys.length === 1 ? "field" : "fields"} ${issue.keys.map((key) => JSON.stringify(key.slice(0, 80))).join(", ")}`;
    case "invalid_value":
      return `${issue.input === undefined ? "missing; " : ""}expected ${renderWords(issue.values)}`;
    case "too_small":
      return renderBound(issue, issue.minimum, "at least");
    case "too_big":
      return renderBound(issue, issue.maximum, "at most");
    case "invalid_format":
      return `expected ${FORMAT_WORDS[issue.format] ?? "another form of text"}`;
    case "not_multiple_of":
      return `expected a multiple of ${issue.divisor}`;
    case "invalid_union":
      return issue.input === undefined ? "missing" : "not in any of the accepted forms";
    default:
      return "not valid";
  }
}

function renderGot(input: unknown): string {
  if (input === undefined) return "";
  if (input === null) return ", not null";
  if (Array.isArray(input)) return ", not a list";
  return typeof input === "object" ? ", not an object" : `, not ${TYPE_WORDS[typeof input] ?? typeof input}`;
}

function renderWords(values: readonly unknown[]): string {
  const quoted = values.map((value) => JSON.stringify(value));
  return quoted.length > 1 ? `${quoted.slice(0, -1).join(", ")} or ${quoted.at(-1)}` : quoted.join("");
}

function renderBound({ origin }: { origin: string }, bound: number | bigint, side: string): string {
  switch (origin) {
    case "string":
      return side === "at least" && bound === 1 ? "expected text that is not empty" : `expected ${side} ${bound} characters`;
    case "array":
    case "set":
    case "record":
    case "map":
      return `expected ${side} ${bound} ${bound === 1 ? "entry" : "entries"}`;
    default:
      return `expected ${side} ${bound}`;
  }
}
