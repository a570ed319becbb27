// The commands that a message may be, offered while one is written: a slash at the start opens the list, Tab or Enter takes one.
// What they do is the gateway's, which says which there are.
import { type KeyboardEvent, type ReactNode, useId, useState } from "react";
import { useGateway } from "../../connection/context.tsx";

interface ChatCommand {
  name: string;
  about: string;
}

export interface Commands {
  items: readonly ChatCommand[];
  isOpen: boolean;
  listId: string;
  active: number;
  activeId: string | undefined;
  optionId(at: number): string;
  choose(command: ChatCommand): void;
  /** @returns whether the key was meant for the list */
  press(event: KeyboardEvent): boolean;
}

const SHOWN_MAX = 8;

export function useCommands(text: string, change: (text: string) => void): Commands {
  const { data } = useGateway("chat.commands", {});
  const listId = useId();
  const [at, setAt] = useState(0);
  const [closedFor, setClosedFor] = useState<string | null>(null);
  const word = /^\/([a-z]*)$/.exec(text)?.[1];
  const items = word === undefined ? [] : (data?.items ?? []).filter(({ name }) => name.startsWith(word)).slice(0, SHOWN_MAX);
  const isWhole = items.length === 1 && items[0]?.name === word;
  const isOpen = items.length > 0 && !isWhole && closedFor !== text;
  const active = Math.min(at, Math.max(0, items.length - 1));
  const optionId = (index: number): string => `${listId}-${index}`;
  const choose = ({ name }: ChatCommand): void => change(`/${name} `);
  const press = (event: KeyboardEvent): boolean => {
    const chosen = items[active];
    if (!isOpen || chosen === undefined || event.shiftKey) return false;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setAt((active + step + items.length) % items.length);
    else if (event.key === "Escape") setClosedFor(text);
    else if (event.key === "Tab" || (event.key === "Enter" && word !== chosen.name)) choose(chosen);
    else return false;
    event.preventDefault();
    return true;
  };
  return { items, isOpen, listId, active, activeId: isOpen ? optionId(active) : undefined, optionId, choose, press };
}

export function CommandList({ commands }: { commands: Commands }): ReactNode {
  const { items, isOpen, listId, active, optionId, choose } = commands;
  if (!isOpen) return null;
  return (
    <div className="chat-commands" id={listId} role="listbox" aria-label="Commands">
      {items.map((command, at) => (
        // The keyboard is the field's: it has the focus, and says which one is meant.
        // biome-ignore lint/a11y/useKeyWithClickEvents: see above
        // biome-ignore lint/a11y/useFocusableInteractive: see above
        <div
          key={command.name}
          id={optionId(at)}
          role="option"
          aria-selected={at === active}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => choose(command)}
        >
          <code>/{command.name}</code>
          <span className="dim small">{command.about}</span>
        </div>
      ))}
    </div>
  );
}
