// What the operations about models do: they show what gateway/models knows.
// The forms are api/gateway-protocol/operations-models.ts's.
import type { MODEL_OPERATIONS } from "../../api/gateway-protocol/operations-models.ts";
import type { Models } from "../models/open-models.ts";
import type { Handlers } from "./handler.ts";

export function modelHandlers(models: Pick<Models, "view" | "usage">): Pick<Handlers, keyof typeof MODEL_OPERATIONS> {
  return {
    getModels: async () => await models.view(),
    getUsage: async ({ query }) => models.usage(query),
  };
}
