// What tests of this folder share: requests and targets with every field, keys that are data, and an event stream as lines that a person reads.
// It asserts nothing, and calls nobody.
import { mustParse } from "../../api/config/config.fixture.ts";
import type { CredentialSource, ProfileOutcome, Resolved, Secret } from "../../api/models/credential.ts";
import { isTarget, type ModelTarget, resolveModel } from "../../api/models/resolve.ts";
import type { CallEvent, ModelRequest, ToolOffer } from "./model-call.ts";
import type { StepEvent } from "./model-turn.ts";

export const KEY: Secret = { kind: "api-key", apiKey: "sk-test-0123456789" };

export const WEATHER: ToolOffer = {
  name: "weather",
  description: "The weather in a city",
  inputSchema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

export const toRequest = (more: Partial<ModelRequest> = {}): ModelRequest => ({
  system: "You are terse.",
  messages: [{ role: "user", parts: [{ kind: "text", text: "hello" }] }],
  tools: [WEATHER],
  cacheKey: "agent:main:main",
  thinking: null,
  ...more,
});

/** @param providers JSON5 of `models.providers` */
export function targetOf(reference: string, providers = "{}"): ModelTarget {
  const found = resolveModel(mustParse(`{ models: { providers: ${providers} } }`), reference);
  if (!isTarget(found)) throw new Error(`${found.written} ${found.message}`);
  return found;
}

export interface Keys extends CredentialSource {
  /** `openai:a accepted`, `openai:b refused: why` */
  readonly reports: string[];
}

/** Profiles in their order, each with its secret or why there is none. */
export function makeKeys(profiles: Readonly<Record<string, Resolved | Secret>>): Keys {
  const reports: string[] = [];
  const toResolved = (one: Resolved | Secret): Resolved =>
    one.kind === "secret" || one.kind === "problem" ? one : { kind: "secret", secret: one, revision: "r1" };
  return {
    reports,
    order: async (provider) => Object.keys(profiles).filter((id) => id.startsWith(`${provider}:`)),
    resolve: async (profile) => {
      const found = profiles[profile];
      return found === undefined ? { kind: "problem", problem: "missing", message: "no such profile", fix: "make it" } : toResolved(found);
    },
    report: async (profile, outcome: ProfileOutcome) => {
      reports.push(`${profile} ${outcome.kind}${outcome.kind === "refused" ? `: ${outcome.because}` : ""}`);
    },
  };
}

/** A line for each event; what was said in pieces is one. */
export async function read(events: AsyncIterable<StepEvent | CallEvent>): Promise<string[]> {
  const lines: string[] = [];
  let [kind, said] = ["", ""];
  const flush = (): void => {
    if (said !== "") lines.push(`${kind}: ${said}`);
    said = "";
  };
  for await (const event of events) {
    if (event.kind !== kind) flush();
    kind = event.kind;
    if (event.kind === "text" || event.kind === "reasoning") said += event.text;
    else lines.push(...render(event));
  }
  flush();
  return lines;
}

function render(event: Exclude<StepEvent | CallEvent, { kind: "text" | "reasoning" }>): string[] {
  switch (event.kind) {
    case "calling":
      return [`calling ${event.model} as ${event.profile ?? "nobody"}`];
    case "retrying":
      return [`${event.error.failure}: ${event.next} in ${event.afterMs} ms`];
    case "failed":
      return [`failed ${event.error.failure}: ${event.error.message}`];
    case "answered": {
      const calls = event.parts.flatMap((part) =>
        part.kind === "tool-call"
          ? [`${part.tool}(${JSON.stringify(part.input)})${part.problem === null ? "" : ` not to be run: ${part.problem}`}`]
          : [],
      );
      return [`answered ${event.stop}${calls.map((call) => ` ${call}`).join("")}`];
    }
  }
}
