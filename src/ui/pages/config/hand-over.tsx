// Hands an edit over to somebody with a shell on the host: the lines that change, and the one command that changes them. The page itself never does.
import type { ReactNode } from "react";
import type { LineChange } from "../../../api/config/line-diff.ts";
import { Command } from "../../parts/button.tsx";
import { Card } from "../../parts/card.tsx";
import { toCommand } from "../../text/command.ts";
import { renderChanges, toLineChanges } from "./line-changes.ts";

interface HandOverProps {
  file: string;
  before: string;
  after: string;
}

export function HandOver({ file, before, after }: HandOverProps): ReactNode {
  const changes = toLineChanges(before, after);
  if (changes.length === 0) return null;
  // No line of a diff is the word that ends it.
  const command = `${toCommand("config", "patch", "--config", file)} <<'EOF'\n${renderChanges(changes)}EOF`;
  return (
    <Card title="Apply it on the host">
      <div className="stack">
        <section className="diff" aria-label="The lines that change">
          {toLines(changes).map(({ key, isAdded, text }) => (isAdded ? <ins key={key}>{text}</ins> : <del key={key}>{text}</del>))}
        </section>
        <p className="soft small">
          The command checks every line that it changes and the config that comes out, and refuses otherwise. The controller notices by
          itself; this page then shows how the sandboxes follow.
        </p>
        <Command text={command} />
      </div>
    </Card>
  );
}

function toLines(changes: readonly LineChange[]): { key: string; isAdded: boolean; text: string }[] {
  const toLine = (isAdded: boolean, at: number) => (text: string, index: number) => ({ key: `${at} ${index} ${isAdded}`, isAdded, text });
  return changes.flatMap(({ at, removed, added }) => [...removed.map(toLine(false, at)), ...added.map(toLine(true, at))]);
}
