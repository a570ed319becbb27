// The part of the engine port that keeps the egress: its containers, its volume and its network. Docker implements it in docker-egress.ts.
// Which of them there should be is decided in decide/.
import type { ContainerId, EpochMs, SandboxName, SandboxUid, ScopeKey } from "../../api/brands.ts";
import type { EgressContainer } from "../decide/egress-facts.ts";
import type { Handle } from "../decide/observation.ts";

export type { EgressContainer };

interface Made {
  /** Of the ledger. */
  uid: SandboxUid;
  createdAt: EpochMs;
  /** Id or name. */
  image: string;
}

export type EgressRequest =
  | (Made & { role: "proxy" })
  | (Made & {
      role: "relay";
      name: SandboxName;
      scopeKey: ScopeKey;
      /** User and group of its processes, and of nobody else on the engine. */
      userId: number;
      /** In whose network it is. */
      of: { id: ContainerId; incarnation: string };
    });

/** A line of the cheap listing. */
export type ListedRelay = Pick<EgressContainer, "name" | "actualName" | "state"> & { id: ContainerId; uid: SandboxUid };

export interface EgressGround {
  hasVolume: boolean;
  hasNetwork: boolean;
}

/** A block of addresses that no sandbox may reach through the proxy, and what stands behind it: `the host`, `another sandbox`. */
export interface ProtectedBlock {
  cidr: string;
  what: string;
}

/** Every call has a deadline and rejects with an `OperationError`, as those of the port. */
export interface EgressEngine {
  /** Of the proxy, the volume and the network alike. */
  readonly name: SandboxName;
  /** Of proxies and relays. */
  readonly image: string;
  /** Whether users of containers are others on the host: user ids beyond the mapped range can't be given then. */
  readonly remapsUsers: boolean;
  /** Those of this instance, freshly inspected; of one sandbox, or of the proxy's name, where one is given. Complete or it throws. */
  containers(name?: SandboxName): Promise<EgressContainer[]>;
  /** Every relay of this instance, from one listing. Complete or it throws. */
  relays(): Promise<ListedRelay[]>;
  ground(): Promise<EgressGround>;
  /** Repeatable. */
  createVolume(): Promise<void>;
  createNetwork(): Promise<void>;
  /** Accepted, not yet started. */
  create(request: EgressRequest): Promise<Handle>;
  act(handle: Handle, act: "start" | "unpause"): Promise<void>;
  /** Ends and removes it. Succeeds when it is gone already. */
  retire(handle: Handle): Promise<void>;
  /** Addresses of the engine's host on all its networks, of its sandboxes, and of the product's own containers. @param image whose programs look */
  protectedBlocks(image: string): Promise<ProtectedBlock[]>;
}
