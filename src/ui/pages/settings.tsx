// What a person may set for this browser: light or dark; and what the connection is, and how it ends.
import type { ReactNode } from "react";
import { useLink, useLinkState } from "../connection/context.tsx";
import { forgetIdentity } from "../connection/identity.ts";
import { Button } from "../parts/button.tsx";
import { Card } from "../parts/card.tsx";
import { Confirm } from "../parts/confirm.tsx";
import { useCredentials } from "../shell/credentials.tsx";
import { THEMES, useTheme } from "../shell/theme.ts";
import { renderSpan } from "../text/time.ts";

export function Settings(): ReactNode {
  return (
    <div className="stack narrow">
      <Appearance />
      <Connection />
    </div>
  );
}

function Appearance(): ReactNode {
  const [theme, setTheme] = useTheme();
  return (
    <Card title="Appearance">
      <fieldset className="row choices">
        <legend className="sr-only">Light or dark</legend>
        {THEMES.map(({ name, label }) => (
          <label key={name} className="chip-button">
            <input type="radio" name="theme" checked={theme === name} onChange={() => setTheme(name)} />
            {label}
          </label>
        ))}
      </fieldset>
    </Card>
  );
}

function Connection(): ReactNode {
  const [link, state, credentials] = [useLink(), useLinkState(), useCredentials()];
  const hello = state.kind === "open" ? state.hello : null;
  const leave = (): void => {
    credentials.forgetToken();
    void forgetIdentity().then(() => link.disconnect());
  };
  return (
    <Card title="Connection">
      <dl className="facts">
        <dt>Gateway</dt>
        <dd className="mono">{window.location.origin}</dd>
        <dt>State</dt>
        <dd>{hello === null ? "away" : "connected"}</dd>
        {hello !== null && (
          <>
            <dt>Version</dt>
            <dd>{hello.server.version}</dd>
            <dt>Running for</dt>
            <dd>{renderSpan(hello.snapshot.uptimeMs)} when this page connected</dd>
            <dt>Rights</dt>
            <dd>{hello.auth.scopes.join(", ")}</dd>
            <dt>Protocol</dt>
            <dd>{hello.protocol}</dd>
          </>
        )}
      </dl>
      <div className="row card-foot">
        <Button onClick={() => link.connect()}>Connect anew</Button>
        <Confirm
          title="Forget this browser?"
          act="Forget"
          command="openclaw devices remove ID"
          onConfirm={leave}
          trigger={<Button kind="danger">Forget this browser</Button>}
        >
          Its key is deleted here, so it has to be approved again. The gateway goes on listing it until somebody removes it there.
        </Confirm>
      </div>
    </Card>
  );
}
