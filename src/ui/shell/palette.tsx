// The command palette (Ctrl-K): every page, sandbox and session by a few letters of its name. Loaded when it is first opened.
import { useNavigate } from "@tanstack/react-router";
import { Command } from "cmdk";
import { Boxes, MessagesSquare } from "lucide-react";
import type { ReactNode } from "react";
import { useGateway } from "../connection/context.tsx";
import { useSandboxes } from "../pages/sandboxes/use-sandboxes.ts";
import { StateMark } from "../parts/state-mark.tsx";
import { toState } from "../text/state.ts";
import { NAVIGATION } from "./navigation.ts";

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
  return (
    <>
      <Command.Group heading="Pages">
        {NAVIGATION.map(({ to, label, icon: Icon }) => (
          <Command.Item key={to} value={`page ${label}`} onSelect={() => go(() => navigate({ to }))}>
            <Icon aria-hidden="true" />
            {label}
          </Command.Item>
        ))}
      </Command.Group>
      <Command.Group heading="Sandboxes">
        {sandboxes.data?.map((sandbox) => {
          const { tone, word } = toState(sandbox);
          const { name } = sandbox.metadata;
          return (
            <Command.Item
              key={name}
              value={`sandbox ${sandbox.spec.scopeKey} ${name} ${word}`}
              onSelect={() => go(() => navigate({ to: "/sandboxes/$name", params: { name } }))}
            >
              <Boxes aria-hidden="true" />
              <span className="truncate grow">{sandbox.spec.scopeKey}</span>
              <StateMark tone={tone}>{word}</StateMark>
            </Command.Item>
          );
        })}
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
