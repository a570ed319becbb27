// Whether each part of the product works, in words, and what to do where it does not: the gateway, the controller, its engine, the config file.
import type { ReactNode } from "react";
import type { ControllerView } from "../../../api/wire.ts";
import { useGateway } from "../../connection/context.tsx";
import { GatewayError } from "../../connection/link.ts";
import type { AnswerOf } from "../../connection/methods.ts";
import { asTyped } from "../../parts/button.tsx";
import { Card } from "../../parts/card.tsx";
import { StateMark } from "../../parts/state-mark.tsx";
import { useNow } from "../../parts/use-now.ts";
import type { Tone } from "../../text/state.ts";
import { renderAgo, renderSpan } from "../../text/time.ts";

/** Whoever looks at the overview wants to see a dead engine soon. */
const POLL_MS = 10_000;

interface Part {
  name: string;
  tone: Tone;
  word: string;
  message: string;
}

export function Health(): ReactNode {
  const now = useNow();
  const gateway = useGateway("health", {}, { everyMs: POLL_MS });
  const controller = useGateway("controller.status", {}, { everyMs: POLL_MS });
  const parts = [
    ...(gateway.data === undefined ? [] : [toGateway(gateway.data)]),
    ...(controller.error === null ? [] : [toSilent(controller.error)]),
    ...(controller.error !== null || controller.data === undefined ? [] : toController(controller.data, now)),
  ];
  return (
    <Card title="Health" flush>
      <ul className="rows">
        {parts.map(({ name, tone, word, message }) => (
          <li key={name} className="health-row">
            <strong>{name}</strong>
            <StateMark tone={tone}>{word}</StateMark>
            <p className="soft wrap-any">{message}</p>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function toGateway({ checks }: AnswerOf<"health">): Part {
  const failing = checks.filter(({ ok }) => !ok);
  if (failing.length === 0)
    return { name: "Gateway", tone: "good", word: "ready", message: "It serves clients, and reaches all that it needs." };
  return { name: "Gateway", tone: "bad", word: "not ready", message: failing.map(({ message }) => message).join("; ") };
}

const toSilent = (error: Error): Part => ({
  name: "Controller",
  tone: "bad",
  word: "no answer",
  message: `${error.message}${error instanceof GatewayError && error.fix !== null ? `; ${error.fix}` : ""}`,
});

/** Its engine and its config have lines of their own. */
function toController({ version, startedAt, checks, engine, config }: ControllerView, now: number): Part[] {
  const failing = checks.filter(({ name, ok }) => !ok && name !== "engine");
  const engineCheck = checks.find(({ name }) => name === "engine");
  const [issue] = config.issues.filter(({ severity }) => severity === "error");
  return [
    failing.length === 0
      ? { name: "Controller", tone: "good", word: "ready", message: `Version ${version}, running for ${renderSpan(now - startedAt)}.` }
      : { name: "Controller", tone: "bad", word: "not ready", message: failing.map(({ message }) => message).join("; ") },
    engine !== null && engineCheck?.ok === true
      ? { name: "Engine", tone: "good", word: "answers", message: `${engine.product} ${engine.version} at ${engine.endpoint}` }
      : { name: "Engine", tone: "bad", word: "no answer", message: engineCheck?.message ?? "it has not answered yet" },
    config.ok
      ? {
          name: "Config",
          tone: "good",
          word: "in force",
          message: `${config.file}${config.loadedAt === null ? "" : `, since ${renderAgo(config.loadedAt, now)}`}`,
        }
      : {
          name: "Config",
          tone: "bad",
          word: "refused",
          message: `${issue === undefined ? config.file : `line ${issue.line ?? 1}: ${issue.message}`}; ${config.loadedAt === null ? "there is no valid one yet" : "the one before stays in force"}: ${asTyped("openclaw config validate")}`,
        },
  ];
}
