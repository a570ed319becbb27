// Which model providers a newcomer is asked about, in upstream's words for flags, and what each choice writes into the config. Pure: it asks no one, and no
// secret passes through here.
import { getPath, setPath } from "../../api/config/edit.ts";
import { OperationError } from "../../api/errors.ts";
import type { Issue } from "../../api/issue.ts";
import { SUGGESTED_MODELS } from "../../api/models/providers.ts";
import { AUTH_CHOICE_NAMES, type AuthChoice, COMPATIBILITIES, type Compatibility } from "./choice-names.ts";
import type { Change } from "./edit-config.ts";

/** What upstream's scripts and our own words say. */
const OTHER_NAMES: Readonly<Record<string, AuthChoice>> = { apiKey: "anthropic-api-key", anthropic: "anthropic-api-key", later: "skip" };

/** By flags, as commander names them. */
export interface ModelFlags {
  authChoice?: string;
  model?: string;
  openaiApiKey?: string;
  anthropicApiKey?: string;
  customBaseUrl?: string;
  customModelId?: string;
  customApiKey?: string;
  customProviderId?: string;
  customCompatibility?: string;
}

/** Flags that say where a key comes from; a key itself is seen by every user of the machine. */
const KEY_FLAGS = {
  openaiApiKey: { flag: "--openai-api-key", choice: "openai-api-key" },
  anthropicApiKey: { flag: "--anthropic-api-key", choice: "anthropic-api-key" },
  customApiKey: { flag: "--custom-api-key", choice: "custom-api-key" },
} as const satisfies Partial<Record<keyof ModelFlags, { flag: string; choice: AuthChoice }>>;

/** What the flags choose. null: nothing. @throws OperationError `InvalidArgument`, without a word of a key */
export function toAuthChoice(flags: ModelFlags): AuthChoice | null {
  const keys = Object.entries(KEY_FLAGS).flatMap(([name, fact]) => {
    const value = flags[name as keyof typeof KEY_FLAGS];
    if (value === undefined) return [];
    if (value !== "-") throw keyInArguments(fact.flag);
    return [fact.choice];
  });
  const custom: AuthChoice[] = flags.customBaseUrl === undefined ? [] : ["custom-api-key"];
  const named = flags.authChoice === undefined ? [] : [toNamed(flags.authChoice)];
  const [choice, ...others] = [...new Set([...named, ...keys, ...custom])];
  if (others.length > 0)
    throw new OperationError("InvalidArgument", `${[choice, ...others].join(" and ")} are two choices`, { fix: "choose one" });
  return choice ?? null;
}

function toNamed(written: string): AuthChoice {
  const named =
    AUTH_CHOICE_NAMES.find((name) => name === written) ?? (Object.hasOwn(OTHER_NAMES, written) ? OTHER_NAMES[written] : undefined);
  if (named !== undefined) return named;
  throw new OperationError("InvalidArgument", "--auth-choice takes none of that name", { fix: `one of ${AUTH_CHOICE_NAMES.join(", ")}` });
}

const keyInArguments = (flag: string): OperationError =>
  new OperationError("InvalidArgument", `${flag} takes no key: whoever can list processes would see it; it was not used`, {
    fix: `give it on stdin: openclaw onboard --non-interactive ${flag} - <FILE; and end the key that was shown, at its provider`,
  });

/** The provider that a choice is about, and the model that is offered first. */
export function toProviderChoice(choice: Exclude<AuthChoice, "skip">): { provider: string | null; model: string } {
  switch (choice) {
    case "openai-codex":
      return { provider: "openai", model: SUGGESTED_MODELS["openai-codex"] };
    case "openai-api-key":
      return { provider: "openai", model: SUGGESTED_MODELS.openai };
    case "anthropic-api-key":
      return { provider: "anthropic", model: SUGGESTED_MODELS.anthropic };
    case "custom-api-key":
      return { provider: null, model: "" };
  }
}

/** `custom-127-0-0-1-11434` of `http://127.0.0.1:11434/v1`. @throws OperationError `InvalidArgument` */
export function toCustomProviderId(baseUrl: string): string {
  const url = URL.parse(baseUrl);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new OperationError("InvalidArgument", "that is no URL of a model server", { fix: "such as http://127.0.0.1:11434/v1" });
  if (url.username !== "" || url.password !== "")
    throw new OperationError("InvalidArgument", "a login in the URL would stand in the config", { fix: "give it as the key" });
  return `custom-${url.host
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "")}`.slice(0, 64);
}

export interface ModelEdit {
  provider: string;
  model: string;
  /** null: a provider that is known without the config. */
  custom: { baseUrl: string; compatibility: Compatibility } | null;
}

/** The config with the model in it; whatever else is there stays as it is. */
export function writeModel(
  text: string,
  { provider, model, custom }: ModelEdit,
  file: string,
): { text: string; changes: Change[] } | { issue: Issue } {
  const isObject = ["primary", "fallbacks"].some((key) => getPath(text, `agents.defaults.model.${key}`, file).kind === "found");
  const edits: [path: string, value: unknown][] = [
    ...(custom === null
      ? []
      : ([
          [
            `models.providers.${provider}`,
            { baseUrl: custom.baseUrl, api: COMPATIBILITIES[custom.compatibility], models: [{ id: model }] },
          ],
        ] as [string, unknown][])),
    [isObject ? "agents.defaults.model.primary" : "agents.defaults.model", `${provider}/${model}`],
  ];
  let edited = text;
  const changes: Change[] = [];
  for (const [path, value] of edits) {
    const found = getPath(edited, path, file);
    if (found.kind === "invalid") return { issue: found.issue };
    const after = JSON.stringify(value);
    if (found.kind === "found" && JSON.stringify(found.value) === after) continue;
    const set = setPath(edited, path, after, file);
    if (!set.ok) return { issue: set.issue };
    edited = set.text;
    changes.push({ path, before: found.kind === "found" ? found.text : null, after });
  }
  return { text: edited, changes };
}
