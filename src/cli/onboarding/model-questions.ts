// Asks a person, or the flags, for what a model provider needs: a key, a sign-in, an address, a model. Nothing is tried or saved here.
// Which choices there are is model-choices.ts's.
import { text as askText, isCancel, select } from "@clack/prompts";
import { OperationError } from "../../api/errors.ts";
import type { StoredSecret } from "../../api/models/stored-secret.ts";
import { judgeSecret } from "../commands/models-auth.ts";
import { findSignInServer } from "../commands/models-auth-login.ts";
import type { CliContext } from "../context.ts";
import { whileHere } from "../leaving.ts";
import { type ConfigOptions, toStateDir } from "../paths.ts";
import { askSecret } from "../sign-in/secret-prompt.ts";
import { signIn } from "../sign-in/sign-in.ts";
import { AUTH_CHOICE_NAMES, AUTH_CHOICES, type AuthChoice, COMPATIBILITIES, type Compatibility } from "./choice-names.ts";
import { type ModelEdit, type ModelFlags, toCustomProviderId, toProviderChoice } from "./model-choices.ts";

export interface Asking {
  context: CliContext;
  flags: ModelFlags;
  options: ConfigOptions;
  /** Whether there is a person at a terminal. */
  asks: boolean;
}

/** A person may leave any question. */
export const LEFT = Symbol("left");
export type Left = typeof LEFT;

export interface Collected {
  edit: ModelEdit;
  /** null: the server wants none. */
  secret: StoredSecret | null;
}

type Provider = Exclude<AuthChoice, "skip">;

export async function askChoice({ context, initial }: { context: CliContext; initial: AuthChoice }): Promise<AuthChoice | Left> {
  return await askOne(context, {
    message: "Model provider?",
    initial,
    options: AUTH_CHOICE_NAMES.map((value) => ({ value, ...AUTH_CHOICES[value] })),
  });
}

export interface OneOf<Value extends string> {
  message: string;
  initial: Value;
  options: readonly { value: Value; label: string; hint?: string }[];
}

export async function askOne<Value extends string>(
  context: CliContext,
  { message, initial, options }: OneOf<Value>,
): Promise<Value | Left> {
  const { stdin: input, stdout: output } = context;
  const answer = await whileHere(
    context,
    async (signal) =>
      await select<string>({ input, output, signal, message, initialValue: initial, options: options.map((one) => ({ ...one })) }),
  );
  return isCancel(answer) ? LEFT : (options.find(({ value }) => value === answer)?.value ?? LEFT);
}

/** @throws OperationError `InvalidArgument`: a flag is missing, or what it says is no such thing */
export async function collect(asking: Asking, choice: Provider): Promise<Collected | Left> {
  const place = choice === "custom-api-key" ? await askCustom(asking) : null;
  if (place === LEFT) return LEFT;
  const model = await askModel(asking, choice);
  if (model === LEFT) return LEFT;
  const provider = place?.provider ?? toProviderChoice(choice).provider ?? "";
  const secret = await askFor(asking, choice);
  if (secret === LEFT) return LEFT;
  return { edit: { provider, model, custom: place }, secret };
}

async function askFor({ context, flags, options, asks }: Asking, choice: Provider): Promise<StoredSecret | null | Left> {
  if (choice === "openai-codex") {
    const server = await findSignInServer(context, options);
    return (await signIn(context, { server, stateDir: toStateDir(context, options), open: true })) ?? LEFT;
  }
  const isOptional = choice === "custom-api-key";
  if (isOptional && !asks && flags.customApiKey === undefined) return null;
  const judge = (text: string): string | null => (isOptional && text === "" ? null : judgeSecret(text));
  const message = isOptional ? "API key (empty: the server wants none)" : AUTH_CHOICES[choice].label;
  const apiKey = await askSecret(context, { message, judge });
  if (apiKey === null) return LEFT;
  return apiKey === "" ? null : { kind: "api-key", apiKey };
}

export async function askModel({ context, flags, asks }: Asking, choice: Provider): Promise<string | Left> {
  const offered = toProviderChoice(choice).model;
  const given = flags.model ?? (choice === "custom-api-key" ? flags.customModelId : undefined);
  if (!asks) return requireModel(given ?? offered);
  return await askLine(context, {
    message: "Model",
    initial: given ?? offered,
    judge: (text) => (isModel(text) ? undefined : "a model's id has no spaces"),
  });
}

const isModel = (text: string): boolean => /^\S{1,256}$/.test(text.trim());

function requireModel(model: string): string {
  if (isModel(model)) return model.trim();
  throw new OperationError("InvalidArgument", "which model does that server have?", { fix: "--custom-model-id ID" });
}

async function askCustom({
  context,
  flags,
  asks,
}: Asking): Promise<{ provider: string; baseUrl: string; compatibility: Compatibility } | Left> {
  const compatibility = toCompatibility(flags.customCompatibility);
  const baseUrl = asks
    ? await askLine(context, {
        message: "URL of the model server",
        initial: flags.customBaseUrl ?? "http://127.0.0.1:11434/v1",
        judge: judgeUrl,
      })
    : (flags.customBaseUrl ?? "");
  if (baseUrl === LEFT) return LEFT;
  const provider = toCustomProviderId(baseUrl);
  const { customProviderId: named = provider } = flags;
  if (/^[a-z0-9][a-z0-9_-]{0,63}$/.test(named)) return { provider: named, baseUrl, compatibility };
  throw new OperationError("InvalidArgument", "--custom-provider-id takes lower-case letters, digits, - and _");
}

function judgeUrl(text: string): string | undefined {
  try {
    toCustomProviderId(text.trim());
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function toCompatibility(written = "openai"): Compatibility {
  const found = (Object.keys(COMPATIBILITIES) as Compatibility[]).find((name) => name === written);
  if (found !== undefined) return found;
  throw new OperationError("InvalidArgument", "--custom-compatibility takes none of that name", {
    fix: `one of ${Object.keys(COMPATIBILITIES).join(", ")}`,
  });
}

async function askLine(
  context: CliContext,
  { message, initial, judge }: { message: string; initial: string; judge(text: string): string | undefined },
): Promise<string | Left> {
  const { stdin: input, stdout: output } = context;
  const validate = (text: string | undefined): string | undefined => judge(text ?? "");
  const answer = await whileHere(
    context,
    async (signal) => await askText({ input, output, signal, message, initialValue: initial, validate }),
  );
  return isCancel(answer) ? LEFT : answer.trim();
}
