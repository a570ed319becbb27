// Asks before something that can't be taken back: what would be lost, and the command that does the same.
import { AlertDialog } from "radix-ui";
import type { ReactElement, ReactNode } from "react";
import { Button, Command } from "./button.tsx";

interface ConfirmProps {
  title: string;
  /** What would be lost. */
  children: ReactNode;
  /** On the button that does it. */
  act: string;
  command: string;
  trigger: ReactElement;
  onConfirm(): void;
}

export function Confirm({ title, children, act, command, trigger, onConfirm }: ConfirmProps): ReactNode {
  return (
    <AlertDialog.Root>
      <AlertDialog.Trigger asChild>{trigger}</AlertDialog.Trigger>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="scrim" />
        <AlertDialog.Content className="dialog">
          <AlertDialog.Title asChild>
            <h2>{title}</h2>
          </AlertDialog.Title>
          <AlertDialog.Description asChild>
            <div className="soft small">{children}</div>
          </AlertDialog.Description>
          <div className="field">
            <p className="hint">The same from the command line:</p>
            <Command text={command} />
          </div>
          <div className="row dialog-actions">
            <AlertDialog.Cancel asChild>
              <Button>Cancel</Button>
            </AlertDialog.Cancel>
            <AlertDialog.Action asChild>
              <Button kind="danger" onClick={onConfirm}>
                {act}
              </Button>
            </AlertDialog.Action>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
