// What the operations about models do: they show what gateway/models knows.
// The forms are api/gateway-protocol/operations-models.ts's.
import type { MODEL_OPERATIONS } from "../../api/gateway-protocol/operations-models.ts";
import { type Say, sayAnswer } from "../../api/place.ts";
import { listModelNames } from "../chat/openai/request.ts";
import type { Models } from "../models/open-models.ts";
import type { Handlers } from "./handler.ts";

export function modelHandlers(models: Pick<Models, "view" | "usage">, say: Say): Pick<Handlers, keyof typeof MODEL_OPERATIONS> {
  return {
    getModels: async () => {
      const view = sayAnswer(await models.view(), say);
      const ids = listModelNames(view.agents.map(({ agentId }) => agentId));
      // Nobody notes when an agent was made.
      return { object: "list", data: ids.map((id) => ({ id, object: "model", created: 0, owned_by: "openclaw" })), ...view };
    },
    getUsage: async ({ query }) => models.usage(query),
  };
}
