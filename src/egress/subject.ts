// What the proxy knows of one sandbox while it may connect: its list, its limits, its open connections. All of its judgements are recorded here.
// How connections come and what passes through them is listener.ts's and requests.ts's.
import type { Socket } from "node:net";
import type { Clock } from "../api/clock.ts";
import type { EgressJudgement } from "../api/egress/decision.ts";
import { renderHost, type Target } from "../api/egress/host.ts";
import { type IpAddress, renderAddress } from "../api/egress/ip-address.ts";
import { type EgressList, judgeAddresses, judgeTarget, toEgressList } from "../api/egress/judge.ts";
import type { EgressPolicy, EgressSandbox } from "../api/egress/policy.ts";
import { Bandwidth } from "./bandwidth.ts";
import { Pulse } from "./pulse.ts";
import type { RecordLog } from "./record-log.ts";
import type { Dial, Resolve } from "./resolve.ts";

/** What a program may do in a second for long; a page of a browser begins with some hundred at once. */
const REQUESTS_PER_SECOND = 100;
const REQUESTS_BURST = 400;
/** A slow DNS server must not make one sandbox's names wait in everybody's queue. */
const LOOKUPS_MAX = 32;

export interface World {
  readonly clock: Clock;
  readonly resolve: Resolve;
  readonly dial: Dial;
  readonly log: RecordLog;
  /** The proxy's own addresses, as they are now: no rule opens them. */
  ownAddresses(): readonly IpAddress[];
}

export interface Asked {
  /** `CONNECT`, or a plain request's method. */
  readonly method: string;
  readonly host: string;
  readonly port: number;
}

/** One that was allowed, from the look at its name until both its ends are closed. */
export interface Connection {
  readonly asked: Asked;
  readonly target: Target;
  /** The one it was dialled at; null until then. */
  address: IpAddress | null;
  /** Ends it at once. */
  cut(): void;
}

export type Admission =
  | { readonly kind: "allowed"; readonly addresses: readonly IpAddress[]; readonly judgement: EgressJudgement }
  | { readonly kind: "refused"; readonly judgement: EgressJudgement; readonly address?: IpAddress };

export class Subject {
  readonly world: World;
  readonly id: string;
  readonly uid: number;
  readonly bandwidth = new Bandwidth(null);
  readonly pulse = new Pulse();
  readonly connections = new Set<Connection>();
  /** Of the relay, those too over which nothing was asked yet. */
  readonly clients = new Set<Socket>();
  #sandbox = "";
  #connectionsMax = 0;
  #list: EgressList = { allow: [], deny: [], refused: [] };
  #generation = 0;
  #lookups = 0;
  /** When the requests so far would have been all right to come, one after the other. */
  #requestsPaidAt = 0;

  constructor(world: World, { id, uid }: Pick<EgressSandbox, "id" | "uid">) {
    this.world = world;
    this.id = id;
    this.uid = uid;
  }

  get connectionsMax(): number {
    return this.#connectionsMax;
  }

  /** From now on. What is open and would be refused now is cut. */
  update(entry: EgressSandbox, policy: Pick<EgressPolicy, "generation" | "refused">): void {
    this.#sandbox = entry.sandbox;
    this.#connectionsMax = entry.limits.connections;
    this.bandwidth.bytesPerSecond = entry.limits.bytesPerSecond;
    this.#generation = policy.generation;
    const own = this.world.ownAddresses().map((address) => ({ cidr: renderAddress(address), what: "the proxy" }));
    this.#list = toEgressList(entry.rules, [...policy.refused, ...own]);
    for (const connection of this.connections) this.#cutRefused(connection);
  }

  /** Nothing may be reached any more. */
  close(): void {
    for (const connection of this.connections) connection.cut();
    for (const client of this.clients) client.destroy();
    this.world.log.retire(this.id);
  }

  /** Whether one more request may come now. */
  takeRequest(): boolean {
    const now = this.world.clock.now();
    const earliest = now - (REQUESTS_BURST * 1_000) / REQUESTS_PER_SECOND;
    // Later than now it is after the clock was set back: nobody waits for it to come that far again.
    const from = this.#requestsPaidAt > now ? earliest : Math.max(this.#requestsPaidAt, earliest);
    if (from + 1_000 / REQUESTS_PER_SECOND > now) return false;
    this.#requestsPaidAt = from + 1_000 / REQUESTS_PER_SECOND;
    return true;
  }

  /** Before anything is dialled: looks the name up if a rule names it, and judges every answer. */
  async admit(target: Target): Promise<Admission> {
    const { host } = target;
    if (host.kind === "address") return this.#judge(target, [host.address]);
    const byName = judgeTarget(this.#list, target);
    if (byName.verdict === "refused") return { kind: "refused", judgement: byName };
    if (this.#lookups >= LOOKUPS_MAX) return refuse("LimitExceeded", `more than ${LOOKUPS_MAX} names are being looked up for this sandbox`);
    this.#lookups += 1;
    try {
      return this.#judge(target, await this.world.resolve(host.name));
    } catch (error) {
      return refuse("NotResolved", error instanceof Error ? error.message : String(error));
    } finally {
      this.#lookups -= 1;
    }
  }

  /** By the list that is in force now, which may be another one than at its admission. */
  judgeAgain(target: Target, address: IpAddress): EgressJudgement {
    return judgeAddresses(this.#list, target, [address]);
  }

  /** @returns number of the record */
  record(asked: Asked, judgement: EgressJudgement, address?: IpAddress): number {
    return this.world.log.add({
      kind: "decision",
      time: this.world.clock.now(),
      id: this.id,
      sandbox: this.#sandbox,
      generation: this.#generation,
      ...asked,
      ...(address === undefined ? {} : { address: renderAddress(address) }),
      ...judgement,
    });
  }

  recordEnd(of: number, target: Target, sizes: { bytesIn: number; bytesOut: number; durationMs: number }): void {
    const { id, world } = this;
    const { port } = target;
    world.log.add({ kind: "end", time: world.clock.now(), id, sandbox: this.#sandbox, of, host: renderHost(target.host), port, ...sizes });
  }

  #judge(target: Target, addresses: readonly IpAddress[]): Admission {
    const judgement = judgeAddresses(this.#list, target, addresses);
    if (judgement.verdict === "allowed") return { kind: "allowed", addresses, judgement };
    const bad = addresses.find((address) => judgeAddresses(this.#list, target, [address]).verdict === "refused");
    return { kind: "refused", judgement, ...(bad === undefined ? {} : { address: bad }) };
  }

  #cutRefused(connection: Connection): void {
    const { asked, target, address } = connection;
    // What is not connected yet is judged once more when it is.
    if (address === null) return;
    const now = this.judgeAgain(target, address);
    if (now.verdict === "allowed") return;
    this.record(asked, { ...now, reason: "PolicyChanged", message: `cut: ${now.message}` }, address);
    connection.cut();
    this.connections.delete(connection);
  }
}

export function refuse(reason: EgressJudgement["reason"], message: string): { kind: "refused"; judgement: EgressJudgement } {
  return { kind: "refused", judgement: { verdict: "refused", reason, message } };
}
