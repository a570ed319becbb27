// `openclaw models auth ...`: the secrets of model providers as a person gives, sees, orders and takes them. None is ever shown, and none is an argument.
// Signing in through a browser is models-auth-login.ts's; where secrets lie, credentials.ts finds out.
import { DAY_MS, later, toDurationMs } from "../../api/brands.ts";
import { OperationError } from "../../api/errors.ts";
import { PROFILE_ID, type ProfileId } from "../../api/models/credential.ts";
import { toProfileId, toProviderId } from "../../api/models/providers.ts";
import { type ProfileStatus, providerOf, SecretText, type StoredSecret } from "../../api/models/stored-secret.ts";
import { redactSecrets } from "../../api/secret-text.ts";
import { confirm } from "../confirm.ts";
import { type CliContext, EXIT, type ExitCode, print, printJson, printNote, toWidth } from "../context.ts";
import { accessCredentials, type CredentialList } from "../credentials.ts";
import type { OwnerTarget } from "../owner-client.ts";
import { askSecret } from "../sign-in/secret-prompt.ts";
import { renderTable } from "../table.ts";
import { renderAge } from "../text.ts";

export interface ModelsAuthOptions extends OwnerTarget {
  json?: boolean;
  provider?: string;
  profileId?: string;
  /** Milliseconds. */
  expiresIn?: number;
  yes?: boolean;
}

export async function listSignIns(context: CliContext, options: ModelsAuthOptions): Promise<ExitCode> {
  const { items, orders } = await accessCredentials(context, options).list();
  const provider = options.provider === undefined ? null : toProvider(options.provider);
  const shown = items.filter((item) => provider === null || item.provider === provider);
  if (options.json === true) printJson(context, { items: shown, orders });
  else print(context, renderSignIns({ items: shown, orders }, { now: context.now(), width: toWidth(context) }));
  return EXIT.ok;
}

function renderSignIns({ items, orders }: CredentialList, { now, width }: { now: ReturnType<CliContext["now"]>; width: number }): string {
  if (items.length === 0)
    return "No sign-ins. To make one: openclaw models auth login --provider openai, or openclaw models auth paste-api-key --provider NAME\n";
  const rows = items.map(({ id, kind, state, email, expiresAt, updatedAt }) => [
    ...[id, kind ?? "-", state, email ?? "-"],
    ...[
      expiresAt === null ? "-" : renderUntil(expiresAt - now),
      updatedAt === null ? "-" : renderAge(later(now, toDurationMs(updatedAt - now)), now),
    ],
  ]);
  const table = renderTable(["PROFILE", "KIND", "STATE", "ACCOUNT", "EXPIRES", "AGE"], rows, { width, optional: ["AGE", "EXPIRES"] });
  const problems = items.flatMap(({ id, because, fix }) =>
    because === null ? [] : [`${id}: ${because}\n${fix === null ? "" : `  ${fix}\n`}`],
  );
  const chosen = Object.entries(orders).map(([provider, order]) => `Order of ${provider}: ${order.join(", ")}\n`);
  return [table, ...(problems.length > 0 ? ["\n", ...problems] : []), ...(chosen.length > 0 ? ["\n", ...chosen] : [])].join("");
}

const renderUntil = (milliseconds: number): string => {
  if (milliseconds <= 0) return "expired";
  return milliseconds < DAY_MS ? `in ${Math.ceil(milliseconds / 3_600_000)}h` : `in ${Math.floor(milliseconds / DAY_MS)}d`;
};

/** For keys that a provider's site gives out. */
export async function pasteApiKey(context: CliContext, options: ModelsAuthOptions): Promise<ExitCode> {
  return await paste(context, options, { what: "API key", toSecret: (apiKey) => ({ kind: "api-key", apiKey }) });
}

/** For bearer tokens, such as those of `claude setup-token`. */
export async function pasteToken(context: CliContext, options: ModelsAuthOptions): Promise<ExitCode> {
  const { expiresIn } = options;
  const toSecret = (token: string): StoredSecret => ({
    ...{ kind: "token", token },
    ...(expiresIn !== undefined && { expiresAt: later(context.now(), toDurationMs(expiresIn)) }),
  });
  return await paste(context, options, { what: "token", toSecret });
}

async function paste(
  context: CliContext,
  options: ModelsAuthOptions,
  { what, toSecret }: { what: string; toSecret(text: string): StoredSecret },
): Promise<ExitCode> {
  const profile = toProfile(options);
  const access = accessCredentials(context, options);
  const kind = toSecret("x").kind;
  await refuseOtherKind(access, profile, kind);
  const text = await askSecret(context, { message: `${what} of ${providerOf(profile)}`, judge: judgeSecret });
  if (text === null) {
    printNote(context, "openclaw: nothing was changed");
    return EXIT.failed;
  }
  return showKept(context, await access.put(profile, toSecret(text)), options);
}

/** What is wrong with it, without a character of it. null: nothing that shows. */
export function judgeSecret(text: string): string | null {
  const parsed = SecretText.safeParse(text);
  return parsed.success ? null : (parsed.error.issues[0]?.message ?? "it can't be used");
}

export function showKept(context: CliContext, status: ProfileStatus, { json }: { json?: boolean }): ExitCode {
  if (json === true) printJson(context, status);
  else print(context, `${status.id} is kept${status.email === null ? "" : `, for ${status.email}`}. What uses it: openclaw models status`);
  return EXIT.ok;
}

/** A key must not silently take the place of a sign-in. @throws OperationError `InvalidArgument` */
export async function refuseOtherKind(
  access: ReturnType<typeof accessCredentials>,
  profile: ProfileId,
  kind: StoredSecret["kind"],
): Promise<void> {
  const there = (await access.list()).items.find(({ id }) => id === profile);
  if (there === undefined || there.kind === null || there.kind === kind) return;
  throw new OperationError("InvalidArgument", `${profile} is there already, and of kind ${there.kind}`, {
    fix: `--profile-id ${providerOf(profile)}:${kind} keeps both; to end the other: openclaw models auth logout ${profile}`,
  });
}

export async function logOut(context: CliContext, given: string, options: ModelsAuthOptions): Promise<ExitCode> {
  const profile = toProfileId(given);
  if (!PROFILE_ID.test(profile)) throw noProfile(given);
  if (options.yes !== true && context.stdin.isTTY !== true)
    throw new OperationError("InvalidArgument", "there is no terminal to ask for confirmation", {
      fix: `openclaw models auth logout ${profile} --yes`,
    });
  if (options.yes !== true && !(await confirm(context, `Forget the secret of ${profile}?`))) {
    printNote(context, "openclaw: nothing was changed");
    return EXIT.failed;
  }
  await accessCredentials(context, options).remove(profile);
  if (options.json === true) printJson(context, { removed: profile });
  else print(context, `${profile} is forgotten here; where the provider lists sign-ins and keys, it can be ended for good`);
  return EXIT.ok;
}

export async function showOrder(context: CliContext, options: ModelsAuthOptions): Promise<ExitCode> {
  const provider = toProvider(options.provider);
  const { orders } = await accessCredentials(context, options).list();
  const order = orders[provider] ?? [];
  if (options.json === true) printJson(context, { provider, order });
  else
    print(
      context,
      order.length > 0
        ? order.join("\n")
        : `no order is chosen for ${provider}: the config's auth.order and auth.profiles say, then the names`,
    );
  return EXIT.ok;
}

export async function setOrder(context: CliContext, profiles: readonly string[], options: ModelsAuthOptions): Promise<ExitCode> {
  const provider = toProvider(options.provider);
  const order = profiles.map(toProfileId);
  const wrong = order.findIndex((id) => !PROFILE_ID.test(id));
  if (wrong !== -1) throw noProfile(profiles[wrong] ?? "");
  await accessCredentials(context, options).setOrder(provider, order);
  if (options.json === true) printJson(context, { provider, order });
  else print(context, order.length > 0 ? `${provider}: ${order.join(", then ")}` : `${provider}: as the config says`);
  return EXIT.ok;
}

export const clearOrder = async (context: CliContext, options: ModelsAuthOptions): Promise<ExitCode> =>
  await setOrder(context, [], options);

const PROVIDER = /^[a-z0-9][a-z0-9._-]{0,63}$/;

/** @throws OperationError `InvalidArgument` */
export function toProvider(given: string | undefined): string {
  const provider = toProviderId(given ?? "");
  if (PROVIDER.test(provider) && !isKey(provider)) return provider;
  throw new OperationError("InvalidArgument", given === undefined ? "which provider?" : "that is not the name of a provider", {
    fix: "--provider NAME, such as openai or anthropic",
  });
}

/** People paste keys in the wrong place, and many have the form of a name. */
const isKey = (text: string): boolean => redactSecrets(text) !== text;

/** `--profile-id`, else the provider's default one. @throws OperationError `InvalidArgument` */
export function toProfile({ provider: given, profileId }: ModelsAuthOptions): ProfileId {
  const provider = toProvider(given ?? (profileId === undefined ? undefined : providerOf(toProfileId(profileId))));
  const profile = profileId === undefined ? `${provider}:default` : toProfileId(profileId);
  if (!PROFILE_ID.test(profile) || isKey(profile)) throw noProfile(profileId ?? profile);
  if (providerOf(profile) === provider) return profile;
  throw new OperationError("InvalidArgument", `${profile} is no profile of ${provider}`, { fix: `--profile-id ${provider}:NAME` });
}

/** Not repeated where it may be a key. */
function noProfile(given: string): OperationError {
  const shown = given.length <= 64 && given.includes(":") && !isKey(given) ? JSON.stringify(given) : "that";
  return new OperationError("InvalidArgument", `${shown} is not the name of a profile`, {
    fix: "PROVIDER:NAME, such as openai:default; openclaw models auth list shows them",
  });
}
