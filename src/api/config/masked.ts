// A config's values as they may be shown in public: what is or may be a secret is masked.
// Names of keys decide, since the values of keys that only other programs use can't be understood here.
import type { ConfigNode } from "./tree.ts";

export const MASK = "(set)";
/** A secret by any name that upstream's keys, channels and providers have. */
const SECRET_KEY = /token|secret|password|passphrase|credential|api_?key|private_?key|cookie|authorization/i;
/** Whole branches in which people write what they like: variables, headers, shell commands. */
const SECRET_BRANCH = /^(env|headers|setupCommand)$/;
const LOGIN_IN_ADDRESS = /:\/\/[^/\s@]+@/g;

export const isSecretKey = (key: string): boolean => SECRET_KEY.test(key);
export const isSecretBranch = (key: string): boolean => SECRET_BRANCH.test(key);
export const mayHoldLogin = (text: string): boolean => text.search(LOGIN_IN_ADDRESS) !== -1;

/** As ordinary values. Numbers and switches are shown: `contextTokens: 200000` is no secret. */
export function toMasked(node: ConfigNode, secret = false): unknown {
  switch (node.kind) {
    case "scalar":
      if (typeof node.value !== "string") return node.value;
      return secret && node.value !== "" ? MASK : node.value.replaceAll(LOGIN_IN_ADDRESS, `://${MASK}@`);
    case "array":
      return node.items.map((item) => toMasked(item, secret));
    case "object":
      return Object.fromEntries(
        node.members.map(({ key, value }) => [key, toMasked(value, secret || isSecretKey(key) || isSecretBranch(key))]),
      );
  }
}
