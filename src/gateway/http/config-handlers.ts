// What the operations on the config do: the controller shows its text and tries an edit of it, the gateway refuses a text that is no JSON5 by itself.
// Nothing here writes the config.

import { toConfigJsonSchema } from "../../api/config/json-schema.ts";
import { parseText } from "../../api/config/text.ts";
import type { CONFIG_OPERATIONS } from "../../api/gateway-protocol/operations-config.ts";
import type { StreamClient } from "../sandbox/stream-client.ts";
import type { Handlers } from "./handler.ts";

/** As issues name it: where the file lies is the controller's to say. */
const FILE = "openclaw.json";

export function configHandlers(
  controller: Pick<StreamClient, "configText" | "tryConfigEdit">,
): Pick<Handlers, keyof typeof CONFIG_OPERATIONS> {
  return {
    getConfigText: async () => await controller.configText(),
    getConfigSchema: async () => toConfigJsonSchema(),
    tryConfigEdit: async ({ body: { revision, text, plan = false } }) => {
      const parsed = parseText(FILE, text);
      if (!parsed.ok) return { issues: parsed.issues, plan: null, others: 0, unplanned: "" };
      const tried = await controller.tryConfigEdit({ revision, text, plan });
      return { ...tried, plan: tried.plan?.map((planned) => ({ ...planned })) ?? null };
    },
  };
}
