// What is observed of the egress: the proxy of an instance and the relays of its sandboxes' containers, and whether the proxy has the rules in force.
// Facts as data; what follows from them is relay.ts's and proxy.ts's.
import type { ContainerId, EpochMs, ImageId, SandboxName, SandboxUid } from "../../api/brands.ts";
import type { Failure } from "../../api/sandbox.ts";
import type { ContainerState, Handle, ImageFact } from "./observation.ts";

/**
 * Version of what proxies and relays are made as (engine/egress-containers.ts). Those of another version are made anew like those of another image.
 */
export const EGRESS_VERSION = "3";

/** The image of proxies and relays, unless `OPENCLAW_EGRESS_IMAGE` names another one. */
export const EGRESS_IMAGE = "openclaw-egress:bookworm-slim";

/** Of its uid, at the end of a relay's name: `<sandbox>-egress-1b4e28ba`. */
export const EGRESS_UID_LENGTH = 8;

/** One container of the egress. Its uid is the ledger's, and of a relay also the name of its folder in the volume. */
export interface EgressContainer {
  handle: Handle;
  role: "proxy" | "relay";
  /** The sandbox that it is for; of a proxy its own name. */
  name: SandboxName;
  actualName: string;
  state: ContainerState;
  createdAt: EpochMs;
  startedAt: EpochMs | null;
  exitCode: number | null;
  imageId: ImageId;
  version: string;
  /** User and group of its processes. 0: root. */
  userId: number;
  /** Of a relay: the run of the container in whose network it is. null: a proxy. */
  of: { id: ContainerId; incarnation: string } | null;
  /** Names of the networks that it is attached to, sorted. Empty: that of another container. */
  networks: readonly string[];
  /** In what it is not as it is made, each as part of a sentence: somebody changed it by hand. Empty too where another version made it. */
  changes: readonly string[];
  /** The end of what it said, where it has ended. Absent: nothing, or it can't be read. */
  lastOutput?: string;
}

/** Whether the proxy enforces the rules in force. */
export type PolicyFact =
  /** It has acknowledged the newest rules of these relays. */
  | { kind: "in-force"; relays: ReadonlySet<SandboxUid> }
  /** It is being started, or is about to be told. `isRepair`: because something happened to the one that was there. */
  | { kind: "progressing"; message: string; isRepair: boolean }
  | { kind: "unavailable"; message: string };

/** Relays that run, and through which nothing comes to the proxy although it should. */
export interface RelaySilence {
  /** They had shown that they work. */
  silent: ReadonlySet<SandboxUid>;
  /** They never did: one of the image of now stands still, another one may be none that shows it. */
  unheard: ReadonlySet<SandboxUid>;
}

export const NO_SILENCE: RelaySilence = { silent: new Set(), unheard: new Set() };

/** What one sandbox's plan knows of the egress. */
export interface EgressInput extends RelaySilence {
  /** Of relays, as it would be made now. */
  image: ImageFact;
  /** What image that is, and how it is built, in case that it is missing. */
  imageMissing: string;
  /** Every relay that was made for this sandbox. */
  relays: readonly EgressContainer[];
  policy: PolicyFact;
  /** Of keeping a relay; it holds up nothing else. */
  failure: Failure | null;
}

/** Nothing of the egress is there and nobody wants it. */
export const NO_EGRESS: EgressInput = {
  image: { kind: "missing" },
  imageMissing: "",
  relays: [],
  policy: { kind: "unavailable", message: "no sandbox has an egress list" },
  ...NO_SILENCE,
  failure: null,
};
