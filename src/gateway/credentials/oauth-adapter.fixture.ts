// Where an authorization server of a test keeps what it gave out: in memory, as long as the test. It asserts nothing.
import type { Adapter, AdapterPayload } from "oidc-provider";

/** One for each server. */
export function makeAdapters(): (model: string) => Adapter {
  const kept = new Map<string, AdapterPayload>();
  const findBy = (prefix: string, field: "uid" | "userCode", value: string): AdapterPayload | undefined =>
    [...kept].find(([key, payload]) => key.startsWith(prefix) && payload[field] === value)?.[1];
  return (model) => {
    const prefix = `${model}:`;
    return {
      upsert: async (id, payload) => void kept.set(prefix + id, payload),
      find: async (id) => kept.get(prefix + id),
      findByUid: async (uid) => findBy(prefix, "uid", uid),
      findByUserCode: async (code) => findBy(prefix, "userCode", code),
      consume: async (id) => {
        const payload = kept.get(prefix + id);
        if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1_000);
      },
      destroy: async (id) => void kept.delete(prefix + id),
      revokeByGrantId: async (grantId) => {
        for (const [key, payload] of kept) if (payload.grantId === grantId) kept.delete(key);
      },
    };
  };
}
