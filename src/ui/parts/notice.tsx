// Says what is wrong and what to do about it, in one look for all pages.
import { CircleAlert, CircleCheck, Info, type LucideIcon, TriangleAlert } from "lucide-react";
import type { ReactNode } from "react";
import { GatewayError } from "../connection/link.ts";
import type { Tone } from "../text/state.ts";
import { Prose } from "./prose.tsx";

const ICONS: Readonly<Record<Tone, LucideIcon>> = { good: CircleCheck, busy: Info, wait: TriangleAlert, bad: CircleAlert, rest: Info };

interface NoticeProps {
  tone: Tone;
  title: ReactNode;
  children?: ReactNode;
}

export function Notice({ tone, title, children }: NoticeProps): ReactNode {
  const Icon = ICONS[tone];
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

/** Until what a page needs has come. */
export function Loading({ what = "Loading" }: { what?: string }): ReactNode {
  return (
    <p className="dim" role="status">
      {what}
    </p>
  );
}

/** The same where it may not come. @param errors of what is asked for; null: none so far */
export function Waiting({ errors, what }: { errors: readonly (Error | null)[]; what: string }): ReactNode {
  const error = errors.find((one) => one !== null);
  return error === undefined ? <Loading /> : <ErrorNotice error={error} what={what} />;
}

/** Of a request that failed. */
export function ErrorNotice({ error, what }: { error: Error; what: string }): ReactNode {
  const fix = error instanceof GatewayError ? error.fix : null;
  return (
    <Notice tone="bad" title={`${what}: ${error.message}`}>
      {fix === null ? undefined : <Prose text={fix} />}
    </Notice>
  );
}
