// Makes, shows and removes the relays of sandboxes' containers, as their plans say. The proxy behind them is egress.ts's.
import { type SandboxName, type SandboxUid, type ScopeKey, toSandboxUid } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { OperationError } from "../../api/errors.ts";
import type { Failure } from "../../api/sandbox.ts";
import { egressImageMissing } from "../decide/blocker.ts";
import { type EgressContainer, type EgressInput, NO_EGRESS } from "../decide/egress-facts.ts";
import type { Handle } from "../decide/observation.ts";
import type { Engine } from "../engine/engine.ts";
import type { Ledger } from "../records/ledger.ts";
import type { Egress } from "./egress.ts";
import { adoptEgress, isOurEgress } from "./ownership.ts";
import { userIdOf } from "./policy.ts";

/** Of 268 million users, or 40 000 where they are mapped. */
const UID_TRIES_MAX = 1_000;

export interface RelaysParts {
  clock: Clock;
  /** A new UUID. */
  newUid(): string;
  engine: Engine;
  /** Of the egress alone. */
  ledger: Ledger;
  egress: Pick<Egress, "isThere" | "policy" | "silence" | "isTold" | "hasSeen" | "suspect">;
}

export class Relays {
  readonly #parts: RelaysParts;
  /** How many in the ledger have each user, mapped and not: the two ranges are apart. Kept, so that a new relay looks at no other. */
  readonly #users = new Map<number, number>();

  constructor(parts: RelaysParts) {
    this.#parts = parts;
    const count = (uid: SandboxUid, change: 1 | -1): void => {
      for (const user of [userIdOf(uid, false), userIdOf(uid, true)]) {
        const left = (this.#users.get(user) ?? 0) + change;
        if (left > 0) this.#users.set(user, left);
        else this.#users.delete(user);
      }
    };
    parts.ledger.follow({ came: (uid) => count(uid, 1), went: (uid) => count(uid, -1) });
  }

  /** What a sandbox's plan has to know. @param wanted whether it is to have a list. @throws OperationError when the engine can't be asked */
  async inputFor(name: SandboxName, wanted: boolean, failure: Failure | null): Promise<EgressInput> {
    const { engine, egress, ledger } = this.#parts;
    if (!egress.isThere && !wanted) return NO_EGRESS;
    const [image, found] = await Promise.all([engine.resolveImage(engine.egress.image), engine.egress.containers(name)]);
    const relays = found.filter((one) => one.role === "relay" && isOurEgress(one, ledger));
    for (const relay of relays) await adoptEgress(relay, ledger);
    this.#note(name, relays, wanted);
    return {
      image,
      imageMissing: egressImageMissing(engine.egress.image),
      relays,
      policy: egress.policy,
      ...egress.silence,
      failure,
    };
  }

  /** What the proxy was told of this sandbox may not be what it should be told. */
  #note(name: SandboxName, relays: readonly EgressContainer[], wanted: boolean): void {
    const { egress } = this.#parts;
    const seen = relays.filter(({ state }) => state !== "exited" && state !== "dead").map(({ handle }) => handle.uid);
    const isTold = seen.some((uid) => egress.isTold(uid));
    if (!egress.hasSeen(name, seen) || isTold !== (wanted && seen.length > 0)) egress.suspect();
  }

  /** Makes and starts one; the ledger knows of it first. @throws OperationError as the engine says */
  async attach({ name, scopeKey }: { name: SandboxName; scopeKey: ScopeKey }, { id, incarnation }: Handle): Promise<void> {
    const { engine, ledger, clock, egress } = this.#parts;
    const uid = this.#newUid();
    const createdAt = clock.now();
    await ledger.record({ uid, name, kind: "relay", scopeKey, createdAt, containerId: null, workspace: null });
    const of = { id, incarnation };
    const userId = userIdOf(uid, engine.egress.remapsUsers);
    const handle = await engine.egress.create({ role: "relay", uid, createdAt, image: engine.egress.image, name, scopeKey, userId, of });
    await ledger.bind(uid, handle.id);
    // The proxy may be told meanwhile: the relay finds its socket when it is first used.
    egress.suspect();
    await engine.egress.act(handle, "start");
  }

  async remove(relay: Handle): Promise<void> {
    const { engine, ledger, egress } = this.#parts;
    await engine.egress.retire(relay);
    await ledger.forget(relay.uid);
    egress.suspect();
  }

  /** One whose user nobody else has. */
  #newUid(): SandboxUid {
    const { newUid, engine } = this.#parts;
    for (let tries = 0; tries < UID_TRIES_MAX; tries += 1) {
      const uid = toSandboxUid(newUid());
      if (!this.#users.has(userIdOf(uid, engine.egress.remapsUsers))) return uid;
    }
    throw new OperationError("LimitExceeded", "no user is left for another relay");
  }
}
