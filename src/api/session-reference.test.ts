// What a written session key means: full, short, or an agent's id.
import { expect, test } from "vitest";
import { expandSessionKey } from "./session-reference.ts";

const AGENTS = [
  { id: "home", isDefault: true },
  { id: "main", isDefault: false },
  { id: "work", isDefault: false },
];
const sessions = new Set(["agent:home:direct:1", "agent:home:notes"]);
const expand = (text: string, agents = AGENTS): string => expandSessionKey(text, { agents, hasSession: (key) => sessions.has(key) });

test.each([
  ["agent:work:direct:7", "agent:work:direct:7", "a full key is itself"],
  ["main", "agent:home:main", "main is the default agent's main session, whatever agents are called"],
  ["direct:1", "agent:home:direct:1", "the rest of a key is the default agent's"],
  ["work", "agent:work:main", "an agent's id is its main session"],
  ["discord:9", "agent:home:discord:9", "what is not there yet would be the default agent's"],
])("%s means %s: %s", (text, full) => {
  expect(expand(text)).toBe(full);
});

test("a session keeps its short key when an agent of that name is added", () => {
  expect(expand("notes")).toBe("agent:home:notes");
  expect(expand("notes", [...AGENTS, { id: "notes", isDefault: false }])).toBe("agent:home:notes");
});
