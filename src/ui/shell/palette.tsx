// The command palette (Ctrl-K): every page, sandbox and session by a few letters of its name, and before all of them, without a letter, what is not as
// the config says. Loaded when it is first opened.
import { useNavigate } from "@tanstack/react-router";
import { Command, useCommandState } from "cmdk";
import { Boxes, FilePen, type LucideIcon, MessageCircle, MessagesSquare, Trash2 } from "lucide-react";
import type { ReactNode } from "react";
import type { Sandbox } from "../../api/sandbox.ts";
import { useGateway } from "../connection/context.tsx";
import { useSandboxes } from "../pages/sandboxes/use-sandboxes.ts";
import { StateMark } from "../parts/state-mark.tsx";
import { STATE_NAMES, toState } from "../text/state.ts";
import { NAVIGATION } from "./navigation.ts";

/** The worst of them: the rest is in the list as ever. */
const TROUBLED_MAX = 5;

/** What is a part of a page, and looked for by what one wants to do. */
const DEEDS: readonly { to: "/config/edit" | "/doctor"; label: string; icon: LucideIcon }[] = [
  { to: "/config/edit", label: "Edit the config", icon: FilePen },
  { to: "/doctor", label: "Prune what nothing owns", icon: Trash2 },
];

interface PaletteProps {
  open: boolean;
  onOpenChange(open: boolean): void;
}

export function Palette({ open, onOpenChange }: PaletteProps): ReactNode {
  return (
    <Command.Dialog
      open={open}
      onOpenChange={onOpenChange}
      label="Go to"
      overlayClassName="scrim"
      contentClassName="palette"
      aria-describedby={undefined}
    >
      <Command.Input className="palette-input" placeholder="A page, a sandbox, a session" />
      <Command.List className="palette-list">
        <Command.Empty className="empty">Nothing is called like that.</Command.Empty>
        <Choices done={() => onOpenChange(false)} />
      </Command.List>
    </Command.Dialog>
  );
}

function Choices({ done }: { done(): void }): ReactNode {
  const navigate = useNavigate();
  const sandboxes = useSandboxes();
  const sessions = useGateway("sessions.list", {});
  const go = (act: () => Promise<void>): void => {
    done();
    void act();
  };
  const toSandbox = (name: string): void => go(() => navigate({ to: "/sandboxes/$name", params: { name } }));
  const all = sandboxes.data ?? [];
  // Groups keep their order whatever is typed: before the pages these would take what a page is meant by.
  const isBlank = useCommandState(({ search }) => search === "");
  const troubled = (isBlank ? all : [])
    .filter((sandbox) => ["bad", "wait"].includes(toState(sandbox).tone))
    .toSorted((one, other) => STATE_NAMES.indexOf(toState(one).name) - STATE_NAMES.indexOf(toState(other).name))
    .slice(0, TROUBLED_MAX);
  return (
    <>
      {troubled.length > 0 && (
        <Command.Group heading="Not as the config says">
          {troubled.map((sandbox) => (
            <SandboxItem key={sandbox.metadata.name} sandbox={sandbox} go={toSandbox} />
          ))}
        </Command.Group>
      )}
      <Command.Group heading="Pages">
        {NAVIGATION.map(({ to, label, icon: Icon }) => (
          <Command.Item key={to} value={`page ${label}`} onSelect={() => go(() => navigate({ to }))}>
            <Icon aria-hidden="true" />
            {label}
          </Command.Item>
        ))}
        {DEEDS.map(({ to, label, icon: Icon }) => (
          <Command.Item key={label} value={`page ${label}`} onSelect={() => go(() => navigate({ to }))}>
            <Icon aria-hidden="true" />
            {label}
          </Command.Item>
        ))}
      </Command.Group>
      <Command.Group heading="Sandboxes">
        {all
          .filter((sandbox) => !troubled.includes(sandbox))
          .map((sandbox) => (
            <SandboxItem key={sandbox.metadata.name} sandbox={sandbox} go={toSandbox} />
          ))}
      </Command.Group>
      <Command.Group heading="Chat">
        {sessions.data?.items
          .filter(({ kind, endedAt }) => kind !== "mcp" && endedAt === null)
          .map(({ key }) => (
            <Command.Item key={key} value={`chat ${key}`} onSelect={() => go(() => navigate({ to: "/chat/$key", params: { key } }))}>
              <MessageCircle aria-hidden="true" />
              <span className="truncate grow">{key}</span>
            </Command.Item>
          ))}
      </Command.Group>
      <Command.Group heading="Sessions">
        {sessions.data?.items.map(({ key }) => (
          <Command.Item key={key} value={`session ${key}`} onSelect={() => go(() => navigate({ to: "/sessions/$key", params: { key } }))}>
            <MessagesSquare aria-hidden="true" />
            <span className="truncate grow">{key}</span>
          </Command.Item>
        ))}
      </Command.Group>
    </>
  );
}

function SandboxItem({ sandbox, go }: { sandbox: Sandbox; go(name: string): void }): ReactNode {
  const { tone, word } = toState(sandbox);
  const { name } = sandbox.metadata;
  return (
    <Command.Item value={`sandbox ${sandbox.spec.scopeKey} ${name} ${word}`} onSelect={() => go(name)}>
      <Boxes aria-hidden="true" />
      <span className="truncate grow">{sandbox.spec.scopeKey}</span>
      <StateMark tone={tone}>{word}</StateMark>
    </Command.Item>
  );
}
