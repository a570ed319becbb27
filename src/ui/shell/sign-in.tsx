// What is shown instead of the pages until the gateway has let this browser in: asking for the token, waiting for approval, what went wrong.
import { LoaderCircle } from "lucide-react";
import { type FormEvent, type ReactNode, useId, useState } from "react";
import type { FrameError } from "../../api/gateway-protocol/frames.ts";
import { useLink } from "../connection/context.tsx";
import { forgetIdentity } from "../connection/identity.ts";
import { Brand } from "../parts/brand.tsx";
import { Button, Command } from "../parts/button.tsx";
import { Notice } from "../parts/notice.tsx";
import { useCredentials } from "./credentials.tsx";

function Screen({ title, children }: { title: string; children: ReactNode }): ReactNode {
  return (
    <main className="sign-in">
      <div className="card">
        <Brand />
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}

/** @param error why what was shown before did not open. null: nothing was shown yet */
export function TokenScreen({ error }: { error: FrameError | null }): ReactNode {
  const [link, credentials, fieldId] = [useLink(), useCredentials(), useId()];
  const [value, setValue] = useState("");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    credentials.keepToken(value.trim());
    link.connect();
  };
  return (
    <Screen title="Connect to the gateway">
      <p className="soft small">This browser is not known here yet. With the gateway&rsquo;s token it may ask to be let in.</p>
      <form className="stack" onSubmit={submit}>
        {error !== null && error.details?.code !== "AUTH_TOKEN_MISSING" && <Refusal error={error} />}
        <div className="field">
          <label htmlFor={fieldId}>Gateway token</label>
          <input
            id={fieldId}
            className="input mono"
            type="password"
            autoComplete="off"
            spellCheck={false}
            required
            value={value}
            onChange={({ target }) => setValue(target.value)}
          />
          <p className="hint">It stays in this tab and is gone when you close it.</p>
        </div>
        <Button kind="primary" type="submit">
          Connect
        </Button>
        <div className="field">
          <p className="hint">Where the token is:</p>
          <Command text="openclaw dashboard --no-open" />
        </div>
      </form>
    </Screen>
  );
}

function Refusal({ error }: { error: FrameError }): ReactNode {
  const link = useLink();
  const { reason } = error.details ?? {};
  const startAnew = (): void => void forgetIdentity().then(() => link.connect());
  return (
    <Notice tone="bad" title={error.message}>
      {(reason === "revoked" || reason === "rejected") && (
        <Button size="small" onClick={startAnew}>
          Ask as a new device
        </Button>
      )}
    </Notice>
  );
}

export function PairingScreen({ error }: { error: FrameError }): ReactNode {
  const { requestId, pairingCode, reason } = error.details ?? {};
  const [link, credentials] = [useLink(), useCredentials()];
  const withdraw = (): void => {
    credentials.askFor(["operator.read", "operator.write"]);
    link.connect();
  };
  return (
    <Screen title="Approve this browser">
      <p className="soft small">Run this on the gateway&rsquo;s host. The page goes on by itself.</p>
      <div className="stack">
        <Command text={`openclaw devices approve${typeof requestId === "string" ? ` ${requestId}` : ""}`} />
        {typeof pairingCode === "string" && (
          <div className="field">
            <p className="label">Approve it only if the command shows the same code:</p>
            <output className="code">{pairingCode}</output>
          </div>
        )}
        <p className="row dim small" role="status">
          <LoaderCircle className="spin" size={14} aria-hidden="true" /> Waiting for approval
        </p>
        {reason === "scope-upgrade" && <Button onClick={withdraw}>Go on with the rights that it has</Button>}
      </div>
    </Screen>
  );
}

/** Browsers sign only where nobody in between can change the page. */
export function InsecureScreen(): ReactNode {
  const { hostname, port, host } = window.location;
  return (
    <Screen title="This address is not secure">
      <p className="soft small">
        Over plain http from another machine, a browser keeps no key, so the gateway could not tell it from any other one. One of these ways
        helps:
      </p>
      <div className="stack">
        <div className="field">
          <p className="label">From your machine, through SSH; then open http://127.0.0.1:{port || "18789"}/</p>
          <Command text={`ssh -N -L ${port || "18789"}:127.0.0.1:${port || "18789"} ${hostname}`} />
        </div>
        <div className="field">
          <p className="label">Or put a reverse proxy with TLS before it, for example Caddy</p>
          <Command text={`caddy reverse-proxy --from your.name.example --to ${host}`} />
          <p className="hint">
            and name it in the config: <code className="chip">gateway.controlUi.allowedOrigins</code>
          </p>
        </div>
      </div>
    </Screen>
  );
}

export function WaitingScreen(): ReactNode {
  return (
    <main className="sign-in" aria-busy="true">
      <p className="row dim" role="status">
        <LoaderCircle className="spin" size={16} aria-hidden="true" /> Connecting to the gateway
      </p>
    </main>
  );
}
