// What a sandbox is made of, as pairs: whose it is, its container, its limits.
import type { ReactNode } from "react";
import type { LiveSpec, Sandbox } from "../../../api/sandbox.ts";
import { CopyButton } from "../../parts/button.tsx";
import { Card } from "../../parts/card.tsx";
import { useNow } from "../../parts/use-now.ts";
import { renderBytes } from "../../text/size.ts";
import { renderAgo, renderMoment, renderSpan } from "../../text/time.ts";

const ID_LENGTH = 12;

export function SandboxFacts({ sandbox: { metadata, spec, status } }: { sandbox: Sandbox }): ReactNode {
  const now = useNow();
  const { container, lastUsedAt } = status;
  return (
    <Card title="Facts">
      <dl className="facts">
        <Fact name="Scope">{spec.scope}</Fact>
        <Fact name="Scope key">
          <span className="mono">{spec.scopeKey}</span>
        </Fact>
        <Fact name="Agent">{spec.agentId ?? "several"}</Fact>
        <Fact name="Because">{spec.because}</Fact>
        <Fact name="Image">
          <span className="mono">{spec.image}</span>
        </Fact>
        {container !== null && (
          <>
            <Fact name="Container">
              <span className="mono">{container.id.slice(0, ID_LENGTH)}</span>
              <CopyButton text={container.id} label="Copy the container's id" />
            </Fact>
            <Fact name="Created">
              {renderMoment(container.createdAt, now)} <span className="dim">({renderSpan(now - container.createdAt)})</span>
            </Fact>
            {container.startedAt !== null && <Fact name="Started">{renderMoment(container.startedAt, now)}</Fact>}
            <Fact name="Hash">
              <span className="mono">{container.hash}</span>
            </Fact>
          </>
        )}
        <Fact name="Last used">{lastUsedAt === null ? "never" : renderAgo(lastUsedAt, now)}</Fact>
        <Fact name="Generation">
          {metadata.generation}
          {metadata.generation !== status.observedGeneration && <span className="dim">, {status.observedGeneration} was seen</span>}
        </Fact>
        {spec.live !== null && <Limits live={spec.live} />}
      </dl>
    </Card>
  );
}

function Limits({ live: { cpus, memory, pidsLimit } }: { live: LiveSpec }): ReactNode {
  return (
    <>
      <Fact name="CPUs">{cpus ?? "unlimited"}</Fact>
      <Fact name="Memory">{memory === null ? "unlimited" : renderBytes(memory)}</Fact>
      <Fact name="Processes">{pidsLimit === 0 ? "unlimited" : `${pidsLimit} at most`}</Fact>
    </>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }): ReactNode {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
