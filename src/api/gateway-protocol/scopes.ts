// What a caller of the gateway may do, in words that upstream's clients know. Pure.
// Who has which scopes is gateway/devices/'s; which one an operation needs, operations.ts's.

/** `read` looks, `write` works with sessions and sandboxes, `approvals` signs what only a person may ask of the controller, `pairing` decides about devices, `admin` is everything that is not one of these two. */
export const SCOPES = ["operator.read", "operator.write", "operator.admin", "operator.approvals", "operator.pairing"] as const;
export type Scope = (typeof SCOPES)[number];

/** Each with what it brings along. `approvals` and `pairing` come with nothing, and with nothing else. */
const IMPLIED: Readonly<Record<Scope, readonly Scope[]>> = {
  "operator.read": ["operator.read"],
  "operator.write": ["operator.write", "operator.read"],
  "operator.admin": ["operator.admin", "operator.write", "operator.read"],
  "operator.approvals": ["operator.approvals"],
  "operator.pairing": ["operator.pairing"],
};

/** Those that there are, each once, in the order of SCOPES; of words that nobody knows nothing is left. */
export function toScopes(words: readonly string[]): Scope[] {
  return SCOPES.filter((scope) => words.includes(scope));
}

export function allows(granted: readonly Scope[], needed: Scope): boolean {
  return granted.some((scope) => IMPLIED[scope].includes(needed));
}
