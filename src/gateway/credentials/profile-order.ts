// In which order the profiles of a provider are tried. Pure.
// What stands in which list is the caller's to read.
import type { ProfileId } from "../../api/models/credential.ts";
import { providerOf } from "../../api/models/stored-secret.ts";

export interface ProfileOrderParts {
  provider: string;
  /** Those that there are, by name, of any provider. */
  stored: readonly { id: ProfileId; isRefused: boolean }[];
  /** What a person chose with `models auth order set`. Empty: nothing. */
  chosen: readonly ProfileId[];
  /** The config's `auth.order` of the provider. */
  configured: readonly ProfileId[];
  /** The config's `auth.profiles`, as it lists them. */
  listed: readonly ProfileId[];
}

/** The choice of a person first, then the config's, then the rest by name; what was refused comes last, in the same order. */
export function orderProfiles({ provider, stored, chosen, configured, listed }: ProfileOrderParts): ProfileId[] {
  const own = new Map(stored.filter(({ id }) => providerOf(id) === provider).map((one) => [one.id, one]));
  const first = chosen.length > 0 ? chosen : configured;
  const ids = [...new Set([...first, ...listed, ...own.keys()])].flatMap((id) => own.get(id) ?? []);
  return [...ids.filter(({ isRefused }) => !isRefused), ...ids.filter(({ isRefused }) => isRefused)].map(({ id }) => id);
}
