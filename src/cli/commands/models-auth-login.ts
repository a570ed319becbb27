// `openclaw models auth login`: signs in to a provider through a browser and keeps the result. Which providers can be signed in to is decided here.
// The sign-in itself is sign-in/'s.
import { OperationError } from "../../api/errors.ts";
import { CODEX_DEFAULTS } from "../../api/models/providers.ts";
import { providerOf } from "../../api/models/stored-secret.ts";
import { type CliContext, EXIT, type ExitCode, printNote } from "../context.ts";
import { accessCredentials } from "../credentials.ts";
import { toStateDir } from "../paths.ts";
import { type SignInServer, signIn } from "../sign-in/sign-in.ts";
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
  const server = SERVER;
  const secret = await signIn(context, { server, stateDir: toStateDir(context, options), open: options.open });
  if (secret === null) {
    printNote(context, "openclaw: nothing was changed");
    return EXIT.failed;
  }
  return showKept(context, await access.put(profile, secret), options);
}

const SERVER: SignInServer = CODEX_DEFAULTS;
