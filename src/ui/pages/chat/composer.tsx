// Where a message is written: Enter sends it, also into a run that goes on; files go to the workspace first; a slash at the start offers commands.
// What is shown of it afterwards is conversation.tsx's.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Paperclip, SendHorizontal } from "lucide-react";
import { type KeyboardEvent, type ReactNode, useId, useLayoutEffect, useRef, useState } from "react";
import { useLink, useMay } from "../../connection/context.tsx";
import type { ParamsOf } from "../../connection/methods.ts";
import { Button, Command } from "../../parts/button.tsx";
import { ErrorNotice } from "../../parts/notice.tsx";
import { toCommand } from "../../text/command.ts";
import { AttachmentList, useAttachments } from "./attachments.tsx";
import { CommandList, useCommands } from "./commands.tsx";

interface ComposerProps {
  sessionKey: string;
  isRunning: boolean;
  /** Whether a model answers. */
  isReady: boolean;
  /** What ends the run. */
  stop: ReactNode;
}

type QueueMode = NonNullable<ParamsOf<"chat.send">["queueMode"]>;

const MODES: readonly (readonly [QueueMode, string])[] = [
  ["steer", "into the run"],
  ["followup", "after the run"],
  ["interrupt", "in place of the run"],
];
const HEIGHT_PX_MAX = 240;

export function Composer({ sessionKey, isRunning, isReady, stop }: ComposerProps): ReactNode {
  const link = useLink();
  const queries = useQueryClient();
  const mayWrite = useMay("chat.send");
  const [text, setText] = useState("");
  const [mode, setMode] = useState<QueueMode>("steer");
  const attachments = useAttachments(sessionKey);
  const send = useMutation({
    mutationFn: (params: ParamsOf<"chat.send">) => link.call("chat.send", params),
    onSuccess: () => {
      setText("");
      attachments.clear();
    },
    onSettled: () => void queries.invalidateQueries({ queryKey: ["chat.history"] }),
  });
  const abort = useMutation({ mutationFn: () => link.call("chat.abort", { sessionKey }) });
  const commands = useCommands(text, setText);
  if (!mayWrite) return <p className="chat-hint dim small">This browser may look, and say nothing: it was let in to read.</p>;
  const isSendable = text.trim() !== "" && !send.isPending && !attachments.isBusy;
  const submit = (): void => {
    if (!isSendable) return;
    const params = { sessionKey, message: text, attachments: attachments.sent, idempotencyKey: crypto.randomUUID() };
    send.mutate(isRunning ? { ...params, queueMode: mode } : params);
  };
  const press = (event: KeyboardEvent<HTMLTextAreaElement>): void => {
    if (event.nativeEvent.isComposing || commands.press(event)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      submit();
    } else if (event.key === "Escape" && isRunning) abort.mutate();
  };
  const answer = send.data?.status === "answered" ? send.data.reply : null;
  return (
    <form
      className="chat-composer"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        attachments.add([...event.dataTransfer.files]);
      }}
    >
      {send.error !== null && <ErrorNotice error={send.error} what="Not sent" />}
      {abort.error !== null && <ErrorNotice error={abort.error} what="Not stopped" />}
      {answer !== null && (
        <p className="chat-reply message-text" role="status">
          {answer}
        </p>
      )}
      <AttachmentList attachments={attachments} />
      <CommandList commands={commands} />
      <Field text={text} change={setText} press={press} commands={commands} isReady={isReady} isRunning={isRunning} />
      <div className="row chat-actions">
        <AttachButton add={attachments.add} />
        {isRunning && (
          <select
            className="input chat-mode"
            aria-label="When it is read"
            value={mode}
            onChange={({ target }) => setMode(target.value as QueueMode)}
          >
            {MODES.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        )}
        <span className="grow" />
        {stop}
        <Button type="submit" kind="primary" disabled={!isSendable}>
          <SendHorizontal aria-hidden="true" />
          {isRunning && mode === "steer" ? "Steer" : "Send"}
        </Button>
      </div>
      {text.trim() !== "" && <Command text={toCommand("agent", "--session", sessionKey, "--message", text.trim())} />}
    </form>
  );
}

interface FieldProps {
  text: string;
  change(text: string): void;
  press(event: KeyboardEvent<HTMLTextAreaElement>): void;
  commands: ReturnType<typeof useCommands>;
  isReady: boolean;
  isRunning: boolean;
}

/** As high as what is in it. */
function Field({ text, change, press, commands, isReady, isRunning }: FieldProps): ReactNode {
  const field = useRef<HTMLTextAreaElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the text that makes it higher
  useLayoutEffect(() => {
    const { current } = field;
    if (current === null) return;
    current.style.height = "auto";
    current.style.height = `${Math.min(current.scrollHeight + 2, HEIGHT_PX_MAX)}px`;
  }, [text]);
  const hint = isRunning
    ? "Say something to the run; Esc stops it"
    : isReady
      ? "Write to the agent; / for commands"
      : "No model answers yet; / for commands";
  return (
    <textarea
      ref={field}
      className="input chat-field"
      aria-label="Message"
      rows={1}
      placeholder={hint}
      value={text}
      onChange={({ target }) => change(target.value)}
      onKeyDown={press}
      aria-autocomplete="list"
      aria-controls={commands.isOpen ? commands.listId : undefined}
      aria-activedescendant={commands.activeId}
    />
  );
}

function AttachButton({ add }: { add(files: readonly File[]): void }): ReactNode {
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  return (
    <>
      <Button kind="ghost" size="icon" aria-label="Attach files" title="Attach files" onClick={() => field.current?.click()}>
        <Paperclip aria-hidden="true" />
      </Button>
      <label htmlFor={id} className="sr-only">
        Files to attach
      </label>
      <input
        id={id}
        ref={field}
        type="file"
        multiple
        className="sr-only"
        tabIndex={-1}
        onChange={({ target }) => {
          add([...(target.files ?? [])]);
          target.value = "";
        }}
      />
    </>
  );
}
