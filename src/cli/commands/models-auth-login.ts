// `openclaw models auth login`: signs in to a provider through a browser and keeps the result. Which providers can be signed in to is decided here.
// The sign-in itself is sign-in/'s.
import type { Config } from "../../api/config/config.ts";
import { parseConfig } from "../../api/config/parse.ts";
import { OperationError } from "../../api/errors.ts";
import { type SignInServer, SUGGESTED_MODELS } from "../../api/models/providers.ts";
import { renderReference } from "../../api/models/reference.ts";
import { isTarget, listModels } from "../../api/models/resolve.ts";
import { providerOf, type StoredSecret } from "../../api/models/stored-secret.ts";
import { openConfigFile, toInvalidConfig, withText } from "../config-file.ts";
import { type CliContext, EXIT, type ExitCode, printNote } from "../context.ts";
import { accessCredentials } from "../credentials.ts";
import { checkModel } from "../model-check.ts";
import { type ConfigOptions, toStateDir } from "../paths.ts";
import { signIn } from "../sign-in/sign-in.ts";
import { type ModelsAuthOptions, refuseOtherKind, showKept, toProfile } from "./models-auth.ts";

export interface LoginOptions extends ModelsAuthOptions {
  /** commander's form of `--no-open`. */
  open: boolean;
  /** The same, of `--no-check`. */
  check: boolean;
}

/** The one whose client has a redirect to this machine. */
const WITH_BROWSER = "openai";

export async function logIn(context: CliContext, options: LoginOptions): Promise<ExitCode> {
  const profile = toProfile({ provider: WITH_BROWSER, ...options });
  const provider = providerOf(profile);
  if (provider !== WITH_BROWSER)
    throw new OperationError("InvalidArgument", `${provider} is not signed in to with a browser here`, {
      fix: `openclaw models auth paste-api-key --provider ${provider}, or openclaw models auth paste-token --provider ${provider}`,
    });
  const access = accessCredentials(context, options);
  await refuseOtherKind(access, profile, "oauth");
  const config = await readSignInConfig(context, options);
  const server = config.auth.codex;
  const secret = await signIn(context, { server, stateDir: toStateDir(context, options), open: options.open });
  if (secret === null) {
    printNote(context, "openclaw: nothing was changed");
    return EXIT.failed;
  }
  if (options.check) await requireAnswer(context, config, secret);
  return showKept(context, await access.put(profile, secret), options);
}

/** What works is not replaced by what does not. @throws OperationError `NotReady` */
async function requireAnswer(context: CliContext, config: Config, secret: StoredSecret): Promise<void> {
  const checked = await checkModel(context, { config, name: findModel(config), secret });
  if (checked.kind === "answered") return;
  throw new OperationError("NotReady", `signed in, and ${checked.message}; nothing was changed`, {
    fix: checked.fix ?? "try again, or keep it as it is: openclaw models auth login --provider openai --no-check",
  });
}

/** One that an agent has, else the one that is suggested. */
function findModel(config: Config): string {
  const used = config.agents.flatMap(({ id }) => listModels(config, id)).filter(isTarget);
  const own = used.find(({ provider }) => provider === WITH_BROWSER);
  return own === undefined ? `${WITH_BROWSER}/${SUGGESTED_MODELS["openai-codex"]}` : renderReference(own);
}

/** Who is asked to sign in: as the config has it, else the public one. @throws OperationError `InvalidConfig` */
export const findSignInServer = async (context: CliContext, options: ConfigOptions): Promise<SignInServer> =>
  (await readSignInConfig(context, options)).auth.codex;

/** Where there is no file yet, nothing is set. @throws OperationError `InvalidConfig` */
async function readSignInConfig(context: CliContext, options: ConfigOptions): Promise<Config> {
  const file = await openConfigFile(context, options);
  const { path, parsed } = file.text === null ? { ...file, parsed: parseConfig(withText(file, "{}"), file.environment) } : file;
  if (parsed.ok) return parsed.value;
  const [first] = parsed.issues.filter(({ severity }) => severity === "error");
  throw first === undefined ? new OperationError("InvalidConfig", `${path} is invalid`) : toInvalidConfig(first);
}
