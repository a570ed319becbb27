// Says what is wrong and what to do about it, in one look for all pages.
import { CircleAlert, Info, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { GatewayError } from "../connection/link.ts";
import type { Tone } from "../text/state.ts";

interface NoticeProps {
  tone: Tone;
  title: ReactNode;
  children?: ReactNode;
}

export function Notice({ tone, title, children }: NoticeProps): ReactNode {
  const Icon = tone === "bad" ? CircleAlert : tone === "wait" ? TriangleAlert : Info;
  return (
    <div className="notice" data-tone={tone} role={tone === "bad" ? "alert" : "status"}>
      <Icon aria-hidden="true" />
      <div className="grow wrap-any">
        <strong>{title}</strong>
        {children !== undefined && <div className="soft">{children}</div>}
      </div>
    </div>
  );
}

/** Of a request that failed. */
export function ErrorNotice({ error, what }: { error: Error; what: string }): ReactNode {
  const fix = error instanceof GatewayError ? error.fix : null;
  return (
    <Notice tone="bad" title={`${what}: ${error.message}`}>
      {fix ?? undefined}
    </Notice>
  );
}
