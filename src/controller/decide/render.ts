// The one text form of actions and plans: log, CLI, events and tests all print the same.
import { type Action, NEW_HANDLE } from "./types.ts";
import { renderEvidence } from "./wanted.ts";

const ID_LENGTH = 12;

/** `retire 3f2a9c01d2e4 (drift): docker.env.LANG changed [permitted: a container that matches ...]` */
export function renderAction(action: Action): string {
  return `${renderStep(action)} (${action.cause}): ${action.because}`;
}

function renderStep(action: Action): string {
  switch (action.kind) {
    case "prepare-workspace":
      return `prepare-workspace ${action.dir}`;
    case "create":
      return `create ${action.hash}`;
    case "update":
      return `update ${renderId(action.handle.id)}`;
    case "attach":
      return `attach ${renderId(action.handle.id)} to ${action.network}`;
    case "detach":
      return `detach ${renderId(action.handle.id)} from ${action.network}`;
    case "attach-relay":
      return `attach-relay to ${renderId(action.handle.id)}`;
    case "remove-relay":
      return `remove-relay ${renderId(action.relay.id)}`;
    case "retire":
      return `retire ${renderId(action.handle.id)} [permitted: ${renderEvidence(action.evidence)}${action.guard === "always" ? "; running work is ended" : ""}]`;
    case "start":
    case "setup":
    case "compare-mounts":
    case "promote":
    case "unpause":
      return `${action.kind} ${renderId(action.handle.id)}`;
  }
}

/** Docker's short form; a planned container has no id yet. */
function renderId(id: string): string {
  return id === NEW_HANDLE.id ? "the new container" : id.slice(0, ID_LENGTH);
}
