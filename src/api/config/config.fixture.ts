// For tests: a config from a text, on an imaginary host, and its issues as the lines that a person reads.
import { toAgentId } from "../brands.ts";
import { type Parsed, renderIssue } from "../issue.ts";
import type { Config } from "./config.ts";
import { type EffectiveSandbox, resolveAgentSandbox } from "./effective.ts";
import { type ConfigEnvironment, parseConfig } from "./parse.ts";
import { toSources } from "./sources.ts";

export const HOST: ConfigEnvironment = { home: "/home/claw", stateDir: "/home/claw/.openclaw", variables: {}, trustedOwners: null };

export function parse(
  text: string,
  environment: Partial<ConfigEnvironment> = {},
  included: Readonly<Record<string, string>> = {},
): Parsed<Config> {
  return parseConfig(toSources(text, "openclaw.json", included), { ...HOST, ...environment });
}

/** Every issue as `file:line:column: path: message (fix)`. */
export function issuesOf(
  text: string,
  environment: Partial<ConfigEnvironment> = {},
  included: Readonly<Record<string, string>> = {},
): string[] {
  return parse(text, environment, included).issues.map(renderIssue);
}

/** Throws with the issues if the text is no good config. */
export function mustParse(
  text: string,
  environment: Partial<ConfigEnvironment> = {},
  included: Readonly<Record<string, string>> = {},
): Config {
  const parsed = parse(text, environment, included);
  if (!parsed.ok) throw new Error(parsed.issues.map(renderIssue).join("\n"));
  return parsed.value;
}

export function mustResolve(config: Config, agent = "main", environment: Partial<ConfigEnvironment> = {}): EffectiveSandbox {
  const sandbox = resolveAgentSandbox(config, toAgentId(agent), { ...HOST, ...environment });
  if (sandbox === undefined) throw new Error(`no agent ${agent}`);
  return sandbox;
}

/** A config whose `agents.defaults.sandbox` is this JSON5. */
export const withSandbox = (sandbox: string): string => `{ agents: { defaults: { sandbox: ${sandbox} } } }`;
export const withDocker = (docker: string): string => withSandbox(`{ docker: ${docker} }`);
