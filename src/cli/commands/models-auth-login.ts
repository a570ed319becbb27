// `openclaw models auth login`: signs in to a provider through a browser and keeps the result. Which providers can be signed in to is decided here.
// The sign-in itself is sign-in/'s.
import { stat } from "node:fs/promises";
import { loadConfig } from "../../api/config/load.ts";
import { OperationError } from "../../api/errors.ts";
import { CODEX_DEFAULTS, type SignInServer } from "../../api/models/providers.ts";
import { providerOf } from "../../api/models/stored-secret.ts";
import { toConfigEnvironment, toInvalidConfig } from "../config-file.ts";
import { type CliContext, EXIT, type ExitCode, printNote } from "../context.ts";
import { accessCredentials } from "../credentials.ts";
import { type ConfigOptions, toConfigPath, toStateDir } from "../paths.ts";
import { signIn } from "../sign-in/sign-in.ts";
import { type ModelsAuthOptions, refuseOtherKind, showKept, toProfile } from "./models-auth.ts";

export interface LoginOptions extends ModelsAuthOptions {
  /** commander's form of `--no-open`. */
  open: boolean;
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
  const server = await findSignInServer(context, options);
  const secret = await signIn(context, { server, stateDir: toStateDir(context, options), open: options.open });
  if (secret === null) {
    printNote(context, "openclaw: nothing was changed");
    return EXIT.failed;
  }
  return showKept(context, await access.put(profile, secret), options);
}

/** As the config has it, else the public one. @throws OperationError `InvalidConfig` */
export async function findSignInServer(context: CliContext, options: ConfigOptions): Promise<SignInServer> {
  const path = toConfigPath(context, options);
  const config = await loadConfig(path, toConfigEnvironment(context, options));
  if (config.ok) return config.value.auth.codex;
  // Where there is none yet, nothing is replaced.
  if ((await stat(path).catch(() => null)) === null) return CODEX_DEFAULTS;
  const [first] = config.issues.filter(({ severity }) => severity === "error");
  throw first === undefined ? new OperationError("InvalidConfig", `${path} is invalid`) : toInvalidConfig(first);
}
