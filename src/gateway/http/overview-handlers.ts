// What the operations that show the controller as a whole do: they pass on what it says, and tell rollouts from its sandboxes.
// The controller itself is asked over its stream socket (gateway/sandbox/stream-client.ts).
import type { CONTROLLER_OPERATIONS } from "../../api/gateway-protocol/operations-controller.ts";
import { type Say, sayAnswer } from "../../api/place.ts";
import { toRolloutView } from "../../api/rollout-story.ts";
import type { StreamClient } from "../sandbox/stream-client.ts";
import type { Handlers } from "./handler.ts";

export function overviewHandlers(
  controller: Pick<StreamClient, "status" | "history" | "doctor" | "sandboxes">,
  say: Say,
): Pick<Handlers, keyof typeof CONTROLLER_OPERATIONS> {
  return {
    getController: async () => ({ ...(await controller.status()) }),
    getHistory: async () => await controller.history(),
    getDoctor: async () => {
      const { at, findings, unowned } = await controller.doctor();
      return { at, findings: findings.map((finding) => ({ ...finding })), unowned: unowned.map((one) => ({ ...one })) };
    },
    getRollouts: async () => {
      const [sandboxes, { rolloutsPausedSince }] = await Promise.all([controller.sandboxes("all"), controller.status()]);
      const view = sayAnswer(toRolloutView(sandboxes, rolloutsPausedSince), say);
      return { ...view, changes: view.changes.map((change) => ({ ...change })) };
    },
  };
}
