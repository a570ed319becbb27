// What only a person may ask: to end live work, to let a held removal through, to prune. From the gateway each carries a device's signature; whose
// counts is registered over the admin socket alone, and withdrawn over either. Whether a signature counts is approval-gate.ts's.
import { type Context, Hono } from "hono";
import { type ApprovalKeyList, ApprovalKeyPut, type ApprovalKeyRemoved, type ApprovalKeyView } from "../../api/approval-keys.ts";
import { type EpochMs, type SandboxName, toEpochMs, toSandboxName } from "../../api/brands.ts";
import type { Clock } from "../../api/clock.ts";
import { deviceIdOf } from "../../api/device-key.ts";
import { OperationError } from "../../api/errors.ts";
import { type ApprovalsAnswer, SignedBy, SignedRecreation, SignedRemoval } from "../../api/gateway-protocol/approvals.ts";
import type { ApprovalSubject } from "../../api/gateway-protocol/device-proof.ts";
import type { GatewayRequestView, PruneView } from "../../api/wire.ts";
import type { ApprovalKeys } from "../records/approval-keys.ts";
import type { AdminViews } from "../views/admin-views.ts";
import { type ApprovalGate, toUid } from "./approval-gate.ts";
import type { Audit } from "./audit.ts";
import { parseBody } from "./request.ts";

export interface ApprovalRequests {
  /** Ends what runs there. */
  kill(name: SandboxName): Promise<void>;
  approve(name: SandboxName, since: EpochMs): Promise<void>;
}

export interface ApprovalParts {
  instance: string;
  views: AdminViews;
  keys: ApprovalKeys;
  gate: ApprovalGate;
  audit: Audit;
  requests: ApprovalRequests;
  clock: Pick<Clock, "now">;
}

/** For the gateway. */
export function approvalRoutes({ instance, views, keys, gate, audit, requests, clock }: ApprovalParts): Hono {
  const routes = new Hono();
  const admit = (subject: ApprovalSubject, signed: SignedBy): Promise<void> => {
    const sandbox = subject.action === "prune" ? null : subject.name;
    const { deviceId } = signed;
    const audited = { action: subject.action, sandbox, device: deviceId, isKnown: keys.find(deviceId) !== null };
    return audit.approval(audited, () => gate.admit(subject, signed));
  };
  routes.get("/approvals", ({ req, json }) => {
    const key = keys.find(req.query("device") ?? "")?.kind ?? null;
    const uidOf = (name: string): string | null => toUid(views.sandbox(toSandboxName(name)));
    const held = views.held().items.map(({ name, because, since }) => ({ name, uid: uidOf(name), because, since }));
    return json({ instance, now: clock.now(), key, held } satisfies ApprovalsAnswer);
  });
  routes.post("/sandboxes/:name/kill", async (context) => {
    const { uid, ...signed } = await parseBody(context, SignedRecreation);
    const name = context.req.param("name");
    await admit({ action: "recreate-kill", name, uid }, signed);
    await requests.kill(toSandboxName(name));
    return context.json({ sandbox: name } satisfies GatewayRequestView);
  });
  routes.post("/sandboxes/:name/removal", async (context) => {
    const { uid, since, ...signed } = await parseBody(context, SignedRemoval);
    const name = context.req.param("name");
    await admit({ action: "approve-removal", name, uid, since }, signed);
    await requests.approve(toSandboxName(name), toEpochMs(since));
    return context.json({ sandbox: name } satisfies GatewayRequestView);
  });
  routes.post("/prune", async (context) => {
    await admit({ action: "prune" }, await parseBody(context, SignedBy));
    return context.json((await views.prune({ dryRun: false })) satisfies PruneView);
  });
  routes.delete("/approval-keys/:device", withdraw(keys, audit));
  return routes;
}

/** For the owner of the state folder. */
export function approvalKeyRoutes(keys: ApprovalKeys, audit: Audit): Hono {
  const routes = new Hono();
  routes.get("/approval-keys", ({ json }) => json({ items: [...keys.list()] } satisfies ApprovalKeyList));
  routes.put("/approval-keys/:device", async (context) => {
    const { publicKey, kind, label } = await parseBody(context, ApprovalKeyPut);
    const deviceId = deviceIdOf(publicKey);
    if (deviceId === null || deviceId !== context.req.param("device"))
      throw new OperationError("InvalidArgument", "the device's id is not the SHA-256 of this key");
    const registered = await keys.register({ deviceId, publicKey, kind, label });
    audit.key("registered", registered.deviceId, kind);
    return context.json(registered satisfies ApprovalKeyView);
  });
  routes.delete("/approval-keys/:device", withdraw(keys, audit));
  return routes;
}

/** Taking a right away needs none. */
const withdraw =
  (keys: ApprovalKeys, audit: Audit) =>
  async (context: Context): Promise<Response> => {
    const key = keys.find(context.req.param("device") ?? "");
    if (key !== null && (await keys.remove(key.deviceId))) audit.key("withdrawn", key.deviceId, key.kind);
    return context.json({ removed: key !== null } satisfies ApprovalKeyRemoved);
  };
