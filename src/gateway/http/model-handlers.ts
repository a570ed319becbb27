// What the operations about models do: they show what gateway/models knows.
// The forms are api/gateway-protocol/operations-models.ts's.
import type { MODEL_OPERATIONS } from "../../api/gateway-protocol/operations-models.ts";
import { type Say, sayAnswer } from "../../api/place.ts";
import type { Models } from "../models/open-models.ts";
import type { Handlers } from "./handler.ts";

export function modelHandlers(models: Pick<Models, "view" | "usage">, say: Say): Pick<Handlers, keyof typeof MODEL_OPERATIONS> {
  return {
    getModels: async () => sayAnswer(await models.view(), say),
    getUsage: async ({ query }) => models.usage(query),
  };
}
