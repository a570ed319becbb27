// The gateway's end of the controller's stream socket: sandboxes by session key. It never names a sandbox.
// How it is asked is api/controller-client.ts; what the controller lets through is its own decision. Here, where its answers come in, the hints in them
// are said as they work where the gateway runs: the controller keeps them as a host's.

import type { ApprovalKeyRemoved } from "../../api/approval-keys.ts";
import type { DeviceId } from "../../api/brands.ts";
import type { BrowserSession } from "../../api/browser-session.ts";
import { GatewayConfigView } from "../../api/config/gateway-part.ts";
import type { ConfigEdit, ConfigEditView, ConfigTextView } from "../../api/config-edit.ts";
import { hasFields, type Shape } from "../../api/controller-client.ts";
import type { DoctorReport } from "../../api/doctor-report.ts";
import { ERROR_CODES, type ErrorCode, OperationError } from "../../api/errors.ts";
import type { ServerEvent } from "../../api/event-stream-reader.ts";
import type { ExplainView } from "../../api/explain-view.ts";
import type { ApprovalsAnswer, SignedBy, SignedRecreation, SignedRemoval } from "../../api/gateway-protocol/approvals.ts";
import type { HistoryView } from "../../api/history.ts";
import { type Say, sayAnswer } from "../../api/place.ts";
import { type PromptFile, PromptFilesView } from "../../api/prompt-files.ts";
import type { SandboxKind } from "../../api/sandbox.ts";
import { toStreamSocketPath } from "../../api/unix-socket.ts";
import { isSandboxChanged, toQuery, toSandboxPath, ViewClient } from "../../api/view-client.ts";
import type {
  GatewayRequestView,
  PlanView,
  PruneView,
  SandboxChanged,
  SandboxRelease,
  SeenSessionEnds,
  SessionEnds,
  SessionSandbox,
  UpstreamCopy,
} from "../../api/wire.ts";

const isSessionSandbox = hasFields<SessionSandbox>("sessionKey", "ready", "reason", "blocked");

const isBrowserSession = hasFields<BrowserSession>("sessionKey", "ready", "reason", "blocked", "endpoint");

export class StreamClient extends ViewClient {
  readonly #say: Say;

  /** @param say a hint as it works where the gateway runs. Absent: on a host */
  constructor(stateDir: string, say: Say = (text) => text) {
    super({ stateDir, socketPath: toStreamSocketPath(stateDir), accessFix: "run the gateway as the controller's user, or in its group" });
    this.#say = say;
  }

  override async json<View>(method: string, path: string, isView: Shape<View>, body?: unknown): Promise<View> {
    return sayAnswer(await super.json(method, path, isView, body), this.#say);
  }

  override async *follow(path: string, options?: { lastEventId?: number; signal?: AbortSignal }): AsyncGenerator<ServerEvent> {
    for await (const event of super.follow(path, options)) yield sayAnswer(event, this.#say);
  }

  plan = (): Promise<PlanView> => this.json("GET", "/v1/plan", hasFields<PlanView>("items", "issues"));

  history = (): Promise<HistoryView> => this.json("GET", "/v1/history", hasFields<HistoryView>("everyMs", "at"));

  /** A minute old at most. */
  doctor = (): Promise<DoctorReport> => this.json("GET", "/v1/doctor", hasFields<DoctorReport>("at", "findings", "unowned"));

  configText = (): Promise<ConfigTextView> => this.json("GET", "/v1/config/text", hasFields<ConfigTextView>("file", "text", "revision"));

  /** Saves nothing. */
  tryConfigEdit = (edit: ConfigEdit): Promise<ConfigEditView> =>
    this.json("POST", "/v1/config/edit", hasFields<ConfigEditView>("issues", "plan"), edit);

  sessionSandbox = (sessionKey: string): Promise<SessionSandbox> =>
    this.json("GET", `${toSessionPath(sessionKey)}/sandbox`, isSessionSandbox);

  /** Ends what is the session's alone, with all that runs in it; a sandbox that serves other sessions too stays as it is. */
  releaseSandbox = (sessionKey: string): Promise<SandboxRelease> =>
    this.json("POST", `${toSessionPath(sessionKey)}/sandbox/release`, hasFields<SandboxRelease>("sandbox"));

  /** What its workspace says of how the agent works, 64 KiB at most. No sandbox is made or woken for it. @throws OperationError `NotFound`: it has no sandbox */
  promptFiles = async (sessionKey: string): Promise<readonly PromptFile[]> => {
    const view = await this.json("GET", `${toSessionPath(sessionKey)}/prompt-files`, hasFields<PromptFilesView>("items"));
    return PromptFilesView.parse(view).items;
  };

  sessionBrowser = (sessionKey: string): Promise<BrowserSession> =>
    this.json("GET", `${toSessionPath(sessionKey)}/browser`, isBrowserSession);

  /** Ends the browser, once the session's file says that it wants none, unless others want it. */
  releaseBrowser = (sessionKey: string): Promise<SandboxRelease> =>
    this.json("POST", `${toSessionPath(sessionKey)}/browser/release`, hasFields<SandboxRelease>("sandbox"));

  /** At once and whenever it is another one, until the signal aborts or the controller ends it. */
  async *watchSessionBrowser(sessionKey: string, signal: AbortSignal): AsyncGenerator<BrowserSession> {
    for await (const { data } of this.follow(`${toSessionPath(sessionKey)}/browser/watch`, { signal }))
      if (isBrowserSession(data)) yield data;
  }

  explain = (query: {
    session: string | null;
    agent: string | null;
    name: string | null;
    kind: SandboxKind | null;
  }): Promise<ExplainView> => this.json("GET", `/v1/explain?${toQuery(query)}`, hasFields<ExplainView>("agentId", "values"));

  /** @param by for whom: written down by the controller */
  recreateSandbox = (name: string, by: string): Promise<GatewayRequestView> =>
    this.json("POST", `${toSandboxPath(name)}/recreate`, hasFields<GatewayRequestView>("sandbox"), { by });

  pinSandbox = (name: string, pinned: boolean, by: string): Promise<GatewayRequestView> =>
    this.json("POST", `${toSandboxPath(name)}/pin`, hasFields<GatewayRequestView>("sandbox"), { pinned, by });

  /** What there is to sign. @param device whose key is asked about. null: nobody's */
  approvals = (device: DeviceId | null): Promise<ApprovalsAnswer> =>
    this.json("GET", `/v1/approvals?${toQuery({ device })}`, hasFields<ApprovalsAnswer>("instance", "now", "key", "held"));

  killSandbox = (name: string, signed: SignedRecreation): Promise<GatewayRequestView> =>
    this.json("POST", `${toSandboxPath(name)}/kill`, hasFields<GatewayRequestView>("sandbox"), signed);

  approveRemoval = (name: string, signed: SignedRemoval): Promise<GatewayRequestView> =>
    this.json("POST", `${toSandboxPath(name)}/removal`, hasFields<GatewayRequestView>("sandbox"), signed);

  prune = (signed: SignedBy): Promise<PruneView> => this.json("POST", "/v1/prune", hasFields<PruneView>("items", "removed"), signed);

  /** The device's signature counts no more. */
  withdrawKey = (device: DeviceId): Promise<ApprovalKeyRemoved> =>
    this.json("DELETE", `/v1/approval-keys/${device}`, hasFields<ApprovalKeyRemoved>("removed"));

  /** The name of each sandbox that changes, and null for all of them once the controller is there; until the signal aborts or the controller ends it. */
  async *watchSandboxes(signal: AbortSignal): AsyncGenerator<SandboxChanged | null> {
    for await (const { data } of this.follow("/v1/watch", { signal })) yield isSandboxChanged(data) ? data : null;
  }

  /** Of sessions that ended, the uids of those whose files the controller needs no more. */
  seenEnds = async (ends: SessionEnds): Promise<readonly string[]> =>
    (await this.json("POST", "/v1/sessions/ended", hasFields<SeenSessionEnds>("seen"), ends)).seen;

  /** @returns where the controller put it */
  copyUpstreamDatabase = async (): Promise<string> =>
    (await this.json("POST", "/v1/upstream-state/copy", hasFields<UpstreamCopy>("copy"))).copy;

  /** Once the controller looked at the file, and whenever it is another one, until the signal aborts or the controller ends it. */
  async *watchGatewayConfig(signal: AbortSignal): AsyncGenerator<GatewayConfigView> {
    // The config's own words.
    for await (const { data } of super.follow("/v1/gateway-config/watch", { signal })) {
      const view = GatewayConfigView.safeParse(data);
      if (!view.success)
        throw new OperationError("ControllerUnreachable", "the controller's config has an unknown format", {
          fix: "restart it with this version of openclaw",
          cause: view.error,
        });
      yield view.data;
    }
  }

  /** At once and whenever it is another one, until the signal aborts or the controller ends it. */
  async *watchSessionSandbox(sessionKey: string, signal: AbortSignal): AsyncGenerator<SessionSandbox> {
    for await (const { data } of this.follow(`${toSessionPath(sessionKey)}/sandbox/watch`, { signal }))
      if (isSessionSandbox(data)) yield data;
  }
}

export const toSessionPath = (sessionKey: string): string => `/v1/sessions/${encodeURIComponent(sessionKey)}`;

/** What a sandbox that can't be used now means to who wanted to use it. */
export function toNotReady({ reason, message }: SessionSandbox): OperationError {
  return new OperationError(isCode(reason) ? reason : "NotReady", `the sandbox is not ready: ${message}`);
}

const isCode = (reason: string): reason is ErrorCode => Object.hasOwn(ERROR_CODES, reason);
