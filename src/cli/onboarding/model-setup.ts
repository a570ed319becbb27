// Sets up the first model: asks for a provider, lets its model answer once, and only then says what is to be saved. What did not answer replaces nothing.
// Questions are model-questions.ts's; the call is model-check.ts's.
import { parseConfig } from "../../api/config/parse.ts";
import { OperationError } from "../../api/errors.ts";
import type { StoredSecret } from "../../api/models/stored-secret.ts";
import { findPlace } from "../../api/place.ts";
import { type ConfigFile, toInvalidConfig, withText } from "../config-file.ts";
import { type CliContext, printNote } from "../context.ts";
import { checkModel } from "../model-check.ts";
import type { ConfigOptions } from "../paths.ts";
import type { AuthChoice } from "./choice-names.ts";
import type { Change } from "./edit-config.ts";
import { type ModelFlags, toAuthChoice, writeModel } from "./model-choices.ts";
import { type Asking, askChoice, askModel, askOne, type Collected, collect, LEFT } from "./model-questions.ts";

export interface ModelSetup {
  text: string;
  changes: readonly Change[];
  /** null: nothing is to be kept. */
  credential: { provider: string; secret: StoredSecret } | null;
}

export interface ModelSetupParts {
  flags: ModelFlags;
  options: ConfigOptions;
  asks: boolean;
  file: ConfigFile;
  /** The config as it will be without a model. */
  text: string;
}

/** A person who mistypes a key a few times is one; a program is not. */
const TRIES_MAX = 20;

/** @returns null: the person left. @throws OperationError what a flag says is wrong, or the model did not answer */
export async function setUpModel(context: CliContext, { flags, options, asks, file, text }: ModelSetupParts): Promise<ModelSetup | null> {
  const given = toAuthChoice(flags);
  const later = { text, changes: [], credential: null };
  if (!asks && given === null) {
    requireNoModel(flags);
    return later;
  }
  const asking: Asking = { context, flags, options, asks };
  // Enter at every question must end: whoever has nothing to show to a provider yet comes back.
  const initial = given ?? "skip";
  const choice = asks ? await askChoice({ context, initial }) : initial;
  let next: Next = choice === LEFT ? LEFT : { choice, again: null };
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    if (next === LEFT) return null;
    if (next.choice === "skip") return later;
    const collected: Collected | typeof LEFT = next.again ?? (await collect(asking, next.choice));
    if (collected === LEFT) return null;
    const tried = await tryOut(context, { file, text, collected });
    if (tried.kind === "answered") return tried.setup;
    if (!asks) throw new OperationError("NotReady", `${tried.message}; nothing was saved`, tried.fix === null ? {} : { fix: tried.fix });
    printNote(context, `openclaw: ${tried.message}${tried.fix === null ? "" : `\n  ${tried.fix}`}`);
    next = await askNext(asking, next.choice, collected);
  }
  return later;
}

/** A model of no provider would be left out without a word. @throws OperationError `InvalidArgument` */
function requireNoModel({ model, customModelId }: ModelFlags): void {
  if (customModelId !== undefined)
    throw new OperationError("InvalidArgument", "--custom-model-id needs a server", { fix: "--custom-base-url http://HOST:PORT/v1" });
  if (model !== undefined)
    throw new OperationError("InvalidArgument", "--model needs a provider", {
      fix: "--auth-choice, or --openai-api-key -, --anthropic-api-key -, --custom-base-url URL",
    });
}

type Next = { choice: AuthChoice; again: Collected | null } | typeof LEFT;

async function askNext(asking: Asking, choice: Exclude<AuthChoice, "skip">, collected: Collected): Promise<Next> {
  const answer = await askOne<"model" | "provider" | "skip">(asking.context, {
    ...{ message: "Nothing was saved. And now?", initial: "model" },
    options: [
      { value: "model", label: "another model", hint: "with the same sign-in" },
      { value: "provider", label: "another provider, or another key" },
      { value: "skip", label: "later", hint: "what worked before stays as it is" },
    ],
  });
  if (answer === LEFT) return LEFT;
  if (answer === "skip") return { choice: "skip", again: null };
  if (answer === "provider") {
    const other = await askChoice({ context: asking.context, initial: choice });
    return other === LEFT ? LEFT : { choice: other, again: null };
  }
  const model = await askModel(asking, choice);
  return model === LEFT ? LEFT : { choice, again: { ...collected, edit: { ...collected.edit, model } } };
}

type Tried = { kind: "answered"; setup: ModelSetup } | { kind: "failed"; message: string; fix: string | null };

/** One real answer. @throws OperationError `InvalidConfig`: the config would not be valid with it */
async function tryOut(
  context: CliContext,
  { file, text, collected }: { file: ConfigFile; text: string; collected: Collected },
): Promise<Tried> {
  const { edit, secret } = collected;
  const edited = writeModel(text, edit, file.path);
  if ("issue" in edited) throw toInvalidConfig(edited.issue);
  const parsed = parseConfig(withText(file, edited.text), file.environment);
  const [mistake] = parsed.issues.filter(({ severity }) => severity === "error");
  if (!parsed.ok)
    throw mistake === undefined ? new OperationError("InvalidConfig", `${file.path} would be invalid`) : toInvalidConfig(mistake);
  const name = `${edit.provider}/${edit.model}`;
  const checked = await checkModel(context, { config: parsed.value, name, secret });
  if (checked.kind === "failed") return { ...checked, fix: checked.fix ?? explainPlace(context, edit) };
  const credential = secret === null ? null : { provider: edit.provider, secret };
  return { kind: "answered", setup: { ...edited, credential } };
}

/** In a container the loopback address is the container's own. */
function explainPlace({ env }: CliContext, { custom }: Collected["edit"]): string | null {
  const isHere = custom !== null && /^(127\.|localhost$|\[::1\]$)/.test(URL.parse(custom.baseUrl)?.hostname ?? "");
  if (!isHere || findPlace(env, "openclaw").kind !== "compose") return null;
  return "in a container that address is the container itself: this machine is http://host.docker.internal:PORT there, where the server listens on more than loopback (Ollama: OLLAMA_HOST=0.0.0.0)";
}
