// Asks for one line in a dialog before something is done with it, and shows the command that does the same. What the line means is the caller's.
import { Dialog } from "radix-ui";
import { type FormEvent, type ReactElement, type ReactNode, useId, useState } from "react";
import { Button, Command } from "./button.tsx";

interface AskProps {
  title: string;
  label: string;
  /** What the field begins with. */
  begin?: string;
  hint?: ReactNode;
  /** On the button that does it. */
  act: string;
  trigger: ReactElement;
  /** Why the line can't be taken, or null. */
  check?(line: string): string | null;
  toCommand(line: string): string;
  answer(line: string): void;
}

export function Ask({ title, label, begin = "", hint, act, trigger, check = () => null, toCommand, answer }: AskProps): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const [line, setLine] = useState(begin);
  const id = useId();
  const problem = line === "" ? null : check(line);
  const canAnswer = line !== "" && line !== begin && problem === null;
  const open = (shown: boolean): void => {
    setLine(begin);
    setOpen(shown);
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!canAnswer) return;
    setOpen(false);
    answer(line);
  };
  return (
    <Dialog.Root open={isOpen} onOpenChange={open}>
      <Dialog.Trigger asChild>{trigger}</Dialog.Trigger>
      <Dialog.Portal>
        <Dialog.Overlay className="scrim" />
        <Dialog.Content className="dialog" aria-describedby={undefined}>
          <Dialog.Title asChild>
            <h2>{title}</h2>
          </Dialog.Title>
          <form className="dialog-form" onSubmit={submit}>
            <div className="field">
              <label htmlFor={id}>{label}</label>
              <input
                id={id}
                className="input mono"
                autoComplete="off"
                autoCapitalize="off"
                spellCheck={false}
                aria-invalid={problem !== null}
                aria-describedby={`${id}-hint`}
                value={line}
                onChange={({ target }) => setLine(target.value)}
              />
              <p id={`${id}-hint`} className={problem === null ? "hint" : "problem"}>
                {problem ?? hint}
              </p>
            </div>
            {canAnswer && (
              <div className="field">
                <p className="hint">The same from the command line:</p>
                <Command text={toCommand(line)} />
              </div>
            )}
            <div className="row dialog-actions">
              <Dialog.Close asChild>
                <Button>Cancel</Button>
              </Dialog.Close>
              <Button kind="primary" type="submit" disabled={!canAnswer}>
                {act}
              </Button>
            </div>
          </form>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
