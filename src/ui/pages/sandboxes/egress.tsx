// What a sandbox with an egress list was refused and what it reached, and the edit of the config that opens what was refused. The page edits nothing:
// it plans the edit and hands the command over.
import { useMutation } from "@tanstack/react-query";
import { lazy, type ReactNode, Suspense } from "react";
import type { ExplainedValue } from "../../../api/explain-view.ts";
import type { Sandbox } from "../../../api/sandbox.ts";
import { useGateway, useLink, useMay } from "../../connection/context.tsx";
import type { AnswerOf } from "../../connection/methods.ts";
import { Button } from "../../parts/button.tsx";
import { Card, Empty } from "../../parts/card.tsx";
import { ErrorNotice, Loading, Notice } from "../../parts/notice.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { useNow } from "../../parts/use-now.ts";
import { type Destination, toDestinations, toListPlace, toRule, withRule } from "../../text/egress.ts";
import { renderAgo } from "../../text/time.ts";
import { PlanOfEdit } from "../config/plan-of-edit.tsx";

/** It compares texts with the editor's own parts, which nobody else on this page needs. */
const HandOver = lazy(async () => ({ default: (await import("../config/hand-over.tsx")).HandOver }));

const POLL_MS = 5_000;
const LINES = 1_000;
const SHOWN_MAX = 50;

type Values = readonly ExplainedValue[];

export function Egress({ sandbox, values }: { sandbox: Sandbox; values: Values }): ReactNode {
  const hasList = sandbox.status.conditions.some(({ type }) => type === "Egress");
  return hasList ? <Decisions name={sandbox.metadata.name} values={values} /> : null;
}

function Decisions({ name, values }: { name: string; values: Values }): ReactNode {
  const { data, error } = useGateway("sandbox.egress", { name, tail: LINES }, { everyMs: POLL_MS });
  const [allow, mayAllow] = [useAllow(values), useMay("config.edit")];
  if (error !== null) return <ErrorNotice error={error} what="What it reached could not be read" />;
  if (data === undefined) return null;
  const all = toDestinations(data.items);
  const chosen = allow.variables;
  return (
    <>
      <Card title="Egress" aside={all.length > SHOWN_MAX ? `${SHOWN_MAX} of ${all.length}` : undefined} flush>
        {all.length === 0 ? (
          <Empty>Nothing was asked for yet, or the list's `log` keeps nothing.</Empty>
        ) : (
          <ul className="rows" aria-label="What it was refused, and what it reached">
            {all.slice(0, SHOWN_MAX).map((one) => (
              <Decision key={`${one.verdict} ${one.reason} ${one.host}:${one.port}`} destination={one}>
                {mayAllow && toRule(one) !== null && (
                  <Button
                    size="small"
                    disabled={allow.isPending}
                    onClick={() => allow.mutate(one)}
                    aria-label={`Allow this: ${one.host}:${one.port}`}
                  >
                    Allow this
                  </Button>
                )}
              </Decision>
            ))}
          </ul>
        )}
      </Card>
      {allow.error !== null && <ErrorNotice error={allow.error} what="The edit could not be planned" />}
      {allow.data !== undefined && chosen !== undefined && <Allowed edit={allow.data} destination={chosen} />}
    </>
  );
}

function Decision({ destination, children }: { destination: Destination; children: ReactNode }): ReactNode {
  const now = useNow();
  const { verdict, reason, host, port, address, message, at, times } = destination;
  return (
    <li>
      <div className="row">
        <StateMark tone={verdict === "allowed" ? "good" : "bad"}>{verdict}</StateMark>
        <code className="wrap-any grow">{`${host}:${port}`}</code>
        <span className="dim small">
          {times > 1 && `${times} times, `}
          {renderAgo(at, now)}
        </span>
        {children}
      </div>
      <p className="soft small wrap-any">
        {verdict === "refused" && `${reason}: `}
        {message}
        {address !== null && ` (${address})`}
      </p>
    </li>
  );
}

/** `null` where the list does not stand in the config's main file, so that the page has no text of it. */
type Edit = { rule: string; file: string; before: string; after: string; planned: AnswerOf<"config.edit"> } | { rule: string; file: null };

/** Puts the rule into the text as it is now, and has that planned. */
function useAllow(values: Values) {
  const link = useLink();
  return useMutation({
    mutationFn: async (destination: Destination): Promise<Edit> => {
      const rule = toRule(destination) ?? "";
      const { file, text, revision } = await link.call("config.text", {});
      const place = toListPlace(values);
      const isThere = place !== null && file.split(/[\\/]/).at(-1) === place.file;
      const after = text === null || !isThere ? null : withRule(text, place, rule);
      if (text === null || after === null) return { rule, file: null };
      return { rule, file, before: text, after, planned: await link.call("config.edit", { revision, text: after, plan: true }) };
    },
  });
}

function Allowed({ edit, destination: { host, port } }: { edit: Edit; destination: Destination }): ReactNode {
  const title = `To allow ${host}:${port}`;
  if (edit.file === null)
    return (
      <Notice tone="wait" title={title}>
        Add <code className="chip">{JSON.stringify(edit.rule)}</code> to <code className="chip">sandbox.egress.allow</code>, where "What the
        config says" names its line: it does not stand in the main file.
      </Notice>
    );
  return (
    <section className="stack" aria-label={title}>
      <PlanOfEdit view={edit.planned} />
      {edit.planned.issues.every(({ severity }) => severity !== "error") && (
        <Suspense fallback={<Loading />}>
          <HandOver file={edit.file} before={edit.before} after={edit.after} />
        </Suspense>
      )}
    </section>
  );
}
