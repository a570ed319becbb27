// The devices that may use the gateway, and those that ask to: approved, rejected, revoked here by a device that has the right to, else by commands.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { MonitorSmartphone } from "lucide-react";
import type { ReactNode } from "react";
import { useGateway, useLink, useLinkState } from "../../connection/context.tsx";
import type { AnswerOf } from "../../connection/methods.ts";
import { Button, Command } from "../../parts/button.tsx";
import { Card, Empty } from "../../parts/card.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { ErrorNotice, Loading, Notice } from "../../parts/notice.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { useNow } from "../../parts/use-now.ts";
import { useCredentials } from "../../shell/credentials.tsx";
import { toCommand } from "../../text/command.ts";
import { renderAgo } from "../../text/time.ts";

const POLL_MS = 15_000;

type Devices = AnswerOf<"device.pair.list">;
type Device = Devices["paired"][number];
type Request = Devices["pending"][number];

export function DevicesPage(): ReactNode {
  const state = useLinkState();
  const scopes = state.kind === "open" ? state.hello.auth.scopes : [];
  return scopes.includes("operator.pairing") ? <DeviceLists /> : <NoRight />;
}

/** A device that may not decide about others sees how a person does. */
function NoRight(): ReactNode {
  const [link, credentials] = [useLink(), useCredentials()];
  const ask = (): void => {
    credentials.askFor([...credentials.scopes(), "operator.pairing"]);
    link.connect();
  };
  return (
    <div className="stack">
      <Notice tone="wait" title="This browser may not decide about devices.">
        It was paired without the right <code className="chip">operator.pairing</code>. A person with the state folder can grant it, or do
        the same from the command line.
      </Notice>
      <Card title="From the command line">
        <div className="stack commands">
          <Command text="openclaw devices list" />
          <Command text="openclaw devices approve" />
          <Command text="openclaw devices revoke ID" />
        </div>
      </Card>
      <div>
        <Button onClick={ask}>Ask for the right</Button>
      </div>
    </div>
  );
}

function DeviceLists(): ReactNode {
  const { data, error } = useGateway("device.pair.list", {}, { everyMs: POLL_MS });
  if (error !== null) return <ErrorNotice error={error} what="The devices could not be read" />;
  if (data === undefined) return <Loading />;
  return (
    <div className="stack">
      {data.pending.length > 0 && (
        <Card title="Waiting for a decision" flush>
          <ul className="rows">
            {data.pending.map((request) => (
              <PendingRow key={request.requestId} request={request} />
            ))}
          </ul>
        </Card>
      )}
      <Card title={`${data.paired.length} paired ${data.paired.length === 1 ? "device" : "devices"}`} flush>
        {data.paired.length === 0 ? (
          <Empty icon={<MonitorSmartphone aria-hidden="true" />}>No device is paired: this one uses the owner&rsquo;s key.</Empty>
        ) : (
          <ul className="rows">
            {data.paired.map((device) => (
              <PairedRow key={device.deviceId} device={device} />
            ))}
          </ul>
        )}
      </Card>
    </div>
  );
}

function PendingRow({ request }: { request: Request }): ReactNode {
  const [link, queries, now] = [useLink(), useQueryClient(), useNow()];
  const { requestId, code, displayName, scopes, remoteIp, reason, ts } = request;
  const decide = useMutation({
    mutationFn: async (decision: "approve" | "reject"): Promise<unknown> =>
      decision === "approve" ? await link.call("device.pair.approve", { requestId }) : await link.call("device.pair.reject", { requestId }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["device.pair.list"] }),
  });
  return (
    <li>
      <div className="row">
        <strong>{displayName}</strong>
        <span className="code-small">{code}</span>
      </div>
      <p className="soft wrap-any">
        {reason === "scope-upgrade" ? "asks for more than it has" : "asks to be paired"}, for {scopes.join(", ")}, from {remoteIp},{" "}
        {renderAgo(ts, now)}. Approve it only if it shows the same code.
      </p>
      <div className="row">
        <span className="row aside-actions">
          <Button kind="primary" size="small" disabled={decide.isPending} onClick={() => decide.mutate("approve")}>
            Approve
          </Button>
          <Button size="small" disabled={decide.isPending} onClick={() => decide.mutate("reject")}>
            Reject
          </Button>
        </span>
      </div>
      {decide.error !== null && <ErrorNotice error={decide.error} what="Not decided" />}
    </li>
  );
}

function PairedRow({ device }: { device: Device }): ReactNode {
  const [link, queries, now] = [useLink(), useQueryClient(), useNow()];
  const { deviceId, label, client, scopes, pairedAt, approvedBy, revokedAt, connections } = device;
  const revoke = useMutation({
    mutationFn: () => link.call("device.token.revoke", { deviceId }),
    onSettled: () => queries.invalidateQueries({ queryKey: ["device.pair.list"] }),
  });
  return (
    <li>
      <div className="row">
        <strong>{label}</strong>
        <StateMark tone={revokedAt !== null ? "rest" : "good"}>
          {revokedAt !== null ? "revoked" : connections > 0 ? "connected" : "may connect"}
        </StateMark>
      </div>
      <p className="soft wrap-any">
        {client.platform}, {scopes.join(", ")}; paired {renderAgo(pairedAt, now)} by {approvedBy}
      </p>
      <div className="row">
        <span className="dim tiny mono truncate">{deviceId}</span>
        {revokedAt === null && (
          <span className="row aside-actions">
            <Confirm
              title={`Revoke ${label}?`}
              act="Revoke"
              command={toCommand("devices", "revoke", deviceId)}
              onConfirm={() => revoke.mutate()}
              trigger={
                <Button kind="danger" size="small" disabled={revoke.isPending}>
                  Revoke
                </Button>
              }
            >
              All that it has open ends within a second, and it stays out until somebody removes it from this list.
            </Confirm>
          </span>
        )}
      </div>
      {revoke.error !== null && <ErrorNotice error={revoke.error} what="Not revoked" />}
    </li>
  );
}
